"""Secrets, and text that is safe to show: without them, and without control characters.

One convention for every secret, whichever source it comes from: the value itself, or `file:PATH`
of a file that holds it and is read again when it changes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, SecretStr

FILE = "file:"
LEAST = 4  # characters; hiding shorter ones would tear other words apart
HIDDEN = "(hidden)"
REMEDY = "mount it, let this user read it, or mend the path after file:"
_lock = threading.Lock()
_told: set[str] = set()
_files: dict[Path, tuple[tuple, str, str]] = {}  # → its state on the disk, its text, the one before


class Secret(SecretStr):
    """A secret, or `file:PATH` of the file that holds it. It shows itself as `**********`."""

    @property
    def file(self) -> Path | None:
        """The file that holds it, if one does."""
        value = self.get_secret_value()
        return Path(value.removeprefix(FILE)) if value.startswith(FILE) else None

    def read(self) -> str:
        """The secret itself; a file's content goes without the line break at its end.

        While a file cannot be read, which may be in the midst of its rotation, what it held last.

        Raises:
            ValueError: the file could never be read, or holds nothing; names it and why.
        """
        return self.get_secret_value() if self.file is None else _content(self.file)


def hide(secret: str) -> None:
    """Let `safe` leave this out from now on; what `Secret.read` finds in files is already."""
    with _lock:
        _told.add(secret)


def safe(text: str, lines: bool = False) -> str:
    """`text` without known secrets, and with everything that a terminal may obey as an escape.

    Such are control characters, ANSI's sequences, line ends and what turns or hides writing.

    Args:
        lines: keep line breaks.
    """
    for secret in sorted(_secrets(), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() or (lines and c == "\n") else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _secrets() -> set[str]:
    with _lock:
        found = _told | {text for _, *both in _files.values() for text in both}
    return {secret for secret in found if len(secret) >= LEAST}


def _content(path: Path) -> str:
    with _lock:
        state, last, before = _files.get(path, ((), "", ""))
    try:
        now = _state(path)
        if now == state:
            return last
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        if last:
            return last
        raise ValueError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not UTF-8") from None
    if not text:
        if last:
            return last
        raise ValueError(f"{path}: holds nothing")
    with _lock:
        _files[path] = now, text, last if last != text else before
    return text


def _state(path: Path) -> tuple:
    """Differs when the file was written or exchanged; links are followed, as Kubernetes' are."""
    found = os.stat(path)
    return found.st_mtime_ns, found.st_ino, found.st_size


class Properties(dict[str, str]):
    """Properties of a client, by name: any value may be a secret, so its `repr` shows none."""

    def __repr__(self) -> str:
        return repr(dict.fromkeys(self, HIDDEN))


def plain(properties: Mapping[str, str]) -> dict[str, str]:
    """The properties with what their files hold now.

    Raises:
        ValueError: see `Secret.read`.
    """
    return {name: Secret(value).read() for name, value in properties.items()}


def is_secret(name: str) -> bool:
    """Whether what bears this name is a secret, and not only the place of one."""
    words = ("password", "secret", "token", "jaas", "pem", "assertion", "oauthbearer.config")
    places = (".location", ".url", ".file", ".method", "_header", ".algorithm", ".claim.name")
    return any(word in name for word in words) and not name.endswith(places)


def _readable(secret: Secret) -> Secret:
    """Refuse a secret whose file cannot be read; let no other be told."""
    try:
        value = secret.read()
    except ValueError as error:
        raise ValueError(f"a file that can be read ({error})", REMEDY) from None
    if value.strip() != value or not value.isprintable():
        raise ValueError("a secret of one line", "take spaces and line breaks off it")
    hide(value)
    return secret


def _all_readable(properties: dict[str, str]) -> Properties:
    """The same for properties, of which only some are secrets."""
    faults = []
    for name, value in properties.items():
        try:
            read = Secret(value).read()
        except ValueError as error:
            faults.append(f"{name}: {error}")
            continue
        if is_secret(name):
            hide(read)
    if faults:
        raise ValueError(f"files that can be read ({'; '.join(faults)})", REMEDY)
    return Properties(properties)


Credential = Annotated[Secret, AfterValidator(_readable)]
Table = Annotated[
    dict[str, str],
    AfterValidator(_all_readable),
    PlainSerializer(lambda properties: dict.fromkeys(properties, HIDDEN)),
]
