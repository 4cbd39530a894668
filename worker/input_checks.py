"""Checks of bytes that anybody may have sent. Each takes linear time, and all of it in C.

The parser skips what the worker does not need; what it leaves unchecked there is checked here.
"""

from __future__ import annotations

import codecs
from functools import cache
from unicodedata import combining

import numpy as np
import orjson

# Readers of the output may refuse deeper nesting (.NET's does).
MAX_DEPTH = 64
# Unicode's stream-safe text (UAX 15); putting more marks in canonical order takes square time.
MAX_MARKS = 30

_QUOTE = ord('"')
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DEPTH_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")  # as int8: +1 and -1
_AS_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_AS_ARRAY = bytes.maketrans(b':{}"', b",[]0")
_MARKS_END = 0x20000  # no code point from here on has a combining class

_COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "Zstandard", b"\x04\x22\x4d\x18": "LZ4"}


def nested_too_deeply(value: bytes) -> bool:
    """Whether a valid JSON text nests arrays and objects deeper than MAX_DEPTH."""
    if len(value) <= 2 * MAX_DEPTH or value.count(b"{") + value.count(b"[") <= MAX_DEPTH:
        return False
    steps = _outside_strings(value).translate(_DEPTH_STEPS, _NO_BRACKETS)
    return int(np.frombuffer(steps, np.int8).cumsum(dtype=np.int32).max()) > MAX_DEPTH


def number_out_of_range(value: bytes) -> bool:
    """Whether a valid JSON text has a number that no double can hold (1e400)."""
    if not may_be_out_of_range(value):
        return False
    # All scalars in one flat array: to parse nested ones takes thirty times as long.
    nested = _outside_strings(value).translate(_AS_ARRAY, b"\0 \t\r\n")
    try:
        orjson.loads(b"[%b]" % nested.replace(b"[]", b"0").translate(None, b"[]"))
    except orjson.JSONDecodeError:
        return True
    return False


def may_be_out_of_range(value: bytes) -> bool:
    """Whether there is an exponent of three digits, or 200 digits in a row."""
    digits = value.translate(_AS_DIGITS, b"+")
    if b"0e000" in digits:
        return True
    return len(digits) > 200 and b"1" * 20 in digits.replace(b"0" * 10, b"1")


def too_many_marks(text: str) -> bool:
    """Whether more than MAX_MARKS combining marks stand in a row."""
    if len(text) <= MAX_MARKS or text.isascii():
        return False
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    flags = _marks()[np.minimum(points, _MARKS_END)]
    return b"\x01" * (MAX_MARKS + 1) in flags.tobytes()


def foreign_format(value: bytes) -> tuple[str, str] | None:
    """What a value is that is not JSON: the rejection's reason and message; None if unknown."""
    if not value.strip():
        return "empty_value", "the value is empty, expected one JSON object"
    if encoding := utf_16(value):
        return "invalid_utf8", f"the value is text in {encoding}; send UTF-8"
    for magic, name in _COMPRESSED.items():
        if value.startswith(magic):
            remedy = (
                "decompress it; Kafka compresses records itself (the producer's compression.type)"
            )
            return "compressed_value", f"the value is compressed with {name}; {remedy}"
    if value.startswith(b"Obj\x01"):
        return "avro_value", "the value is an Avro container file; send one JSON object a record"
    if value[0] == 0 and len(value) > 5:
        schema = int.from_bytes(value[1:5])
        found = f"the value begins with Schema Registry framing (byte 0, schema id {schema})"
        remedy = "send plain JSON, with a serializer that does not use the registry"
        return "schema_registry_framing", f"{found}; {remedy}"
    return None


def utf_16(text: bytes) -> str | None:
    """The name of the encoding of text in UTF-16, by its byte order mark or its first characters.

    Without a mark it is recognised where the first two characters are ASCII.
    """
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    zeros = [byte == 0 for byte in text[:4]]
    if zeros == [False, True, False, True]:
        return "UTF-16LE"
    return "UTF-16BE" if zeros == [True, False, True, False] else None


def _outside_strings(value: bytes) -> bytes:
    """A valid JSON text with NULs and one `"` in the place of each string."""
    if b"\\" in value:
        value = value.replace(b"\\\\", b"").replace(b'\\"', b"")
    characters = np.frombuffer(value, np.uint8)
    quotes = (characters == _QUOTE).view(np.uint8)
    outside = np.bitwise_xor.accumulate(quotes) ^ 1  # 0 from an opening quote to its end
    return (characters * outside).tobytes()


@cache
def _marks() -> np.ndarray:
    """uint8 of shape [_MARKS_END + 1]: 1 where a code point has a combining class."""
    classes = map(combining, map(chr, range(_MARKS_END)))
    return np.frombuffer(bytes([*map(bool, classes), False]), np.uint8)
