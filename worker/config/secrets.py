"""Secrets of the settings, and properties that may hold some.

One convention for every secret, whichever source it comes from: the value itself, or `file:PATH`
of a file that holds it and is read again when it changes.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, SecretStr

from worker.redact import HIDDEN, hide

FILE = "file:"
REMEDY = "mount it, let this user read it, or mend the path after file:"
TOKEN_FORM = "a token in one line of ASCII, without spaces around it"
_LOGIN = re.compile(r"://(.*)@")  # user:password in a URL
_lock = threading.Lock()
# → the file's state on the disk, and its text
_files: dict[tuple[Path, Callable[[str], str]], tuple[tuple, str]] = {}


class Secret(SecretStr):
    """A secret, or `file:PATH` of the file that holds it. It shows itself as `**********`."""

    @property
    def file(self) -> Path | None:
        """The file that holds it, if one does."""
        value = self.get_secret_value()
        return Path(value.removeprefix(FILE)) if value.startswith(FILE) else None

    def read(self) -> str:
        """The secret itself; a file's content goes without the line break at its end.

        While a file cannot be read or used, which may be in the midst of its rotation, what it
        held last.

        Raises:
            ValueError: the file could never be read, or used; names it and why.
        """
        if self.file is None:
            return self.get_secret_value()
        return _content(self.file, self.useless)

    @staticmethod
    def useless(text: str) -> str:
        """Why this cannot be such a secret; empty if it can."""
        return "" if text else "holds nothing"


class Token(Secret):
    """A secret that stands in a header."""

    @staticmethod
    def useless(text: str) -> str:
        fits = text.isascii() and text.isprintable() and text.strip() == text
        return "" if text and fits else f"not {TOKEN_FORM}"


def _content(path: Path, useless: Callable[[str], str]) -> str:
    with _lock:
        state, last = _files.get((path, useless), ((), ""))
    try:
        now = _state(path)
        if now == state:
            return last
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
        told = useless(text)
    except OSError as error:
        told = error.strerror
    except UnicodeDecodeError:
        told = "not UTF-8"
    if told:
        if last:
            return last
        raise ValueError(f"{path}: {told}")
    hide(text)
    with _lock:
        _files[path, useless] = now, text
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


def _readable(secret: Token) -> Token:
    """Refuse a token that cannot be read or sent; let no other be told."""
    try:
        value = secret.read()
    except ValueError as error:
        raise ValueError(f"a file that holds it ({error})", REMEDY) from None
    if secret.useless(value):
        raise ValueError(TOKEN_FORM, "mend it, or leave it out")
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
        if login := _LOGIN.search(read):
            hide(login[1])
            hide(login[1].partition(":")[2])
    if faults:
        raise ValueError(f"files that can be read ({'; '.join(faults)})", REMEDY)
    return Properties(properties)


Credential = Annotated[Token, AfterValidator(_readable)]
Table = Annotated[
    dict[str, str],
    AfterValidator(_all_readable),
    PlainSerializer(lambda properties: dict.fromkeys(properties, HIDDEN)),
]
