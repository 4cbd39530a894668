"""Secrets in the settings, and properties that may hold some.

Every secret, from whichever source, is the value itself or `file:PATH`, a file that holds it and is
read again when it changes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, SecretStr

from worker.redact import HIDDEN, hide

FILE = "file:"
REMEDY = "mount it, let this user read it, or correct the path after file:"
TOKEN_FORM = "a token in one line of ASCII, without spaces around it"
_USER_INFO = re.compile(r"://(.*)@")  # user:password in a URL
# (path, check) → the file's state on disk, and its text. No lock: any line may collect garbage,
# such as a Kafka client, whose end waits for its threads; one of these may be reading its token.
_files: dict[tuple[Path, Callable[[str], str]], tuple[tuple, str]] = {}


class Secret(SecretStr):
    """A secret, or `file:PATH` of the file that holds it; its `repr` is `**********`."""

    @property
    def file(self) -> Path | None:
        """The file that holds it, if there is one."""
        value = self.get_secret_value()
        return Path(value.removeprefix(FILE)) if value.startswith(FILE) else None

    def read(self) -> str:
        """The secret; a file's content without the line break at its end.

        While a file cannot be read or is invalid, as during its rotation, its last valid content.

        Raises:
            ValueError: the file was never valid; names it and why.
        """
        if self.file is None:
            return self.get_secret_value()
        return _content(self.file, self.invalid)

    @staticmethod
    def invalid(text: str) -> str:
        """Why this is not a valid secret; empty if it is."""
        return "" if text else "is empty"


class Token(Secret):
    """A secret sent in a header."""

    @staticmethod
    def invalid(text: str) -> str:
        valid = text and text.isascii() and text.isprintable() and text.strip() == text
        return "" if valid else f"not {TOKEN_FORM}"


def _content(path: Path, invalid: Callable[[str], str]) -> str:
    state, last = _files.get((path, invalid), ((), ""))
    try:
        now = file_state(path)
        if now == state:
            return last
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
        reason = invalid(text)
    except OSError as error:
        reason = error.strerror
    except UnicodeDecodeError:
        reason = "not UTF-8"
    if reason:
        if last:
            return last
        raise ValueError(f"{path}: {reason}")
    hide(text)
    _files[path, invalid] = now, text
    return text


def file_state(path: Path) -> tuple:
    """Differs after the file was written or replaced; follows links, as Kubernetes mounts need."""
    status = os.stat(path)
    return status.st_mtime_ns, status.st_ino, status.st_size


class Properties(dict[str, str]):
    """Properties of a client by name; any value may be a secret, so `repr` shows none."""

    def __repr__(self) -> str:
        return repr(dict.fromkeys(self, HIDDEN))


def plain(properties: Mapping[str, str]) -> dict[str, str]:
    """The properties with the current contents of their files.

    Raises:
        ValueError: see `Secret.read`.
    """
    return {name: Secret(value).read() for name, value in properties.items()}


def is_secret(name: str) -> bool:
    """Whether a property of this name is a secret, and not only a reference to one."""
    words = ("password", "secret", "token", "jaas", "pem", "assertion", "oauthbearer.config")
    references = (".location", ".url", ".file", ".method", "_header", ".algorithm", ".claim.name")
    return any(word in name for word in words) and not name.endswith(references)


def _readable(secret: Token) -> Token:
    """Refuse a token that cannot be read or sent; hide any other from messages."""
    try:
        value = secret.read()
    except ValueError as error:
        raise ValueError("a file that holds it", REMEDY, str(error)) from None
    if secret.invalid(value):
        raise ValueError(TOKEN_FORM, "correct it, or leave it out")
    hide(value)
    return secret


def _all_readable(properties: dict[str, str]) -> Properties:
    """The same for properties, only some of which are secrets."""
    faults = []
    for name, value in properties.items():
        try:
            read = Secret(value).read()
        except ValueError as error:
            faults.append(f"{name}: {error}")
            continue
        if is_secret(name):
            hide(read)
        if user_info := _USER_INFO.search(read):
            hide(user_info[1])
            hide(user_info[1].partition(":")[2])
    if faults:
        raise ValueError("files that can be read", REMEDY, ", ".join(faults))
    return Properties(properties)


Credential = Annotated[Token, AfterValidator(_readable)]
Table = Annotated[
    dict[str, str],
    AfterValidator(_all_readable),
    PlainSerializer(lambda properties: dict.fromkeys(properties, HIDDEN)),
]
