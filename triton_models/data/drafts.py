"""Files that have their name only when they are whole."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


def draft_of(place: Path) -> Path:
    """A name beside a file for what is not whole yet; to be opened as a new one, so that it is no
    file of a user's, nor of another process.
    """
    return place.with_name(f"{place.name}.{secrets.token_hex(4)}.part")


@contextmanager
def written(out: Path) -> Iterator[BinaryIO]:
    """A file to write, which has its name only when it is whole; a pipe or device as it is.

    Raises what comes from within, and the draft is gone; after Ctrl-C the message says where it is.
    """
    if out.exists() and not out.is_file():
        with out.open("wb") as file:
            yield file
        return
    place = out.resolve()  # a link stays one
    draft = draft_of(place)
    try:
        with draft.open("xb") as file:
            yield file
    except Exception:
        draft.unlink(missing_ok=True)
        raise
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; what was answered is in {draft}") from None
    if place.exists():
        shutil.copymode(place, draft)
    draft.replace(place)
