"""The Triton binary of the `nvidia-pytriton` wheel: its path, and whether it can run here."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import platform
import sys
import sysconfig
from pathlib import Path

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
LEAST_GLIBC = (2, 35)


def available() -> str | None:
    """Why the embedded Triton cannot run here; None if it can."""
    if sys.platform != "linux" or platform.machine() not in ("x86_64", "AMD64"):
        return f"its binary is for Linux on x86-64, this is {sys.platform} {platform.machine()}"
    if (glibc := _glibc()) < LEAST_GLIBC:
        return f"it needs glibc 2.35, found {'.'.join(map(str, glibc)) or 'another C library'}"
    root = wheel()
    if root is None:
        return "nvidia-pytriton is not installed (pip install --no-deps nvidia-pytriton==0.7.0)"
    if not stub(root).is_file():
        return f"nvidia-pytriton has no Python backend for Python {PYTHON}"
    if not libpython_folders():
        return (
            f"this Python has no shared libpython{PYTHON} (Debian: apt install libpython{PYTHON})"
        )
    return None


def wheel() -> Path | None:
    """The folder `tritonserver` of the wheel; None when it is not installed."""
    spec = importlib.util.find_spec("pytriton")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        root = Path(folder) / "tritonserver"
        if (root / "bin" / "tritonserver").is_file():
            return root
    return None


def stub(root: Path) -> Path:
    """The program that runs one Python model, built for this interpreter's version."""
    return root / "python_backend_stubs" / PYTHON / "triton_python_backend_stub"


def lay_out_backends(root: Path, folder: Path) -> Path:
    """Fill `folder` with the Python backend as Triton expects it: library, utilities and stub."""
    python = folder / "python"
    python.mkdir(parents=True, exist_ok=True)
    for file in (*(root / "backends" / "python").glob("*.*"), stub(root)):
        link = python / file.name
        if not link.is_symlink():
            link.symlink_to(file)
    return folder


def environment(root: Path) -> dict[str, str]:
    """The server's environment.

    The stub embeds an interpreter that ignores PYTHONPATH; it takes its packages from the first
    `python3` on PATH, as a virtual environment's own interpreter would.
    """
    libraries = (root.parent.parent / "nvidia_pytriton.libs", *libpython_folders())
    return os.environ | {
        "CUDA_VISIBLE_DEVICES": "",
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, libraries)),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONDONTWRITEBYTECODE": "1",  # Triton's folders may be read-only
    }


def libpython_folders() -> list[Path]:
    """Folders that hold this interpreter's shared library; empty when there is none."""
    names = sysconfig.get_config_vars()
    library = f"libpython{PYTHON}.so.1.0"
    base = Path(sys.base_prefix) / "lib"
    folders = [base, Path(names.get("LIBDIR") or base)]
    folders += [folder / (names.get("MULTIARCH") or "") for folder in folders]
    with_library = [folder for folder in dict.fromkeys(folders) if (folder / library).is_file()]
    if not with_library and ctypes.util.find_library(f"python{PYTHON}"):
        return [base]  # the loader finds it by itself
    return with_library[:1]


def _glibc() -> tuple[int, ...]:
    name, version = platform.libc_ver()
    return tuple(int(part) for part in version.split(".")[:2]) if name == "glibc" else ()
