"""Inputs that nobody would write: events drawn from pieces, then bent byte by byte."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from random import Random

from worker.event import INPUT_NAMES, OUTPUT_NAMES, from_line

BLANKS = (*(b"",) * 8, b" ", b"\n", b"\t\r\n", b"   ")
NOT_BLANKS = (b"\x0b", b"\xc2\xa0", b"\x00", b"\xef\xbb\xbf", b",", b"/* */")
ODD_KEYS = (
    *(b'""', b'"Query"', b'"qu\\u0065ry"', b'"processed\\u005fat"', b'"a\\u0000b"', b'"\\ud800"'),
    *(b'"\xff"', b'"\xc3\xa9"', b'"\\ud83d\\ude00"', b'"ab_test"', b'"price"', b"query", b"5"),
)
PLAIN = ("red", "Running shoes", "where is my order", "de", "42", "[size]", "a/b", "\u00fcber")
WORDS = (
    *("red", "SHOES", " ", "  ", "where is", "caf\u00e9", "e\u0301", "\u200b", "\ufeff", "\u00ad"),
    *("\u0130", "\u03a3", "J\u030c", "\u1100", "\u1161", "\u0345", "\ufdfa", "\uff32", "\u00bd"),
    *("\U0001f45f", "\u202e", "\u2028", "\ufffe", "\u0378", "\ue000", "\U000e0041", "\u0308"),
)
ESCAPES = (
    *(b"\\n", b"\\u0000", b"\\u200b", b"\\ud83d\\ude00", b"\\/", b"\\b", b'\\"', b"\\\\"),
    *(b"\\ud800", b"\\udc00x", b"\\x41", b"\\u12", b"\n", b"\x00", b"\x7f", b"\xff", b"\xc3"),
    *(b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"\\u0041"),
)
SCALARS = (
    *(b"null", b"true", b"false", b"0", b"-0", b"1.10", b"1E+2", b"1e400", b"-1.5E+999", b"1.0"),
    *(b"12345678901234567890123", b"1e-400", b"NaN", b"-Infinity", b"01", b"1.", b".5", b"+1"),
    *(b"9" * 330, b"9007199254740993", b"0x1F", b"nul", b"'a'", b"", b"[]", b"{}"),
    *(b'"2024-02-29"', b'"2023-02-29"', b'"2024-01-01T00:00:00Z"', b'"2024-01-01 00:00"'),
    *(b"1769853600", b"1769853600000", b"1769853600000.5", b"9" * 4301, b"1" + b"0" * 250 + b"e99"),
    *(b'"1769853600"', b'"1769853600000"', b'"12345678"', b'"2024-01-01t00:00:00z"'),
    *(b'"2024-01-01T00:00:00+0200"', b'"2024-01-01T00:00+02"', b"1e0000000308", b"1.8e308"),
    *(b'"2024-01-01T00:00:00.123456789+14:00"', b'"20240101"', b'"de-AT"', b'"pt_BR"', b"17e2"),
)
SPLICES = tuple(b'" { } [ ] , : \\ \\u \xff \xc3 null'.split(b" ")) + (
    b"\n",
    b"[]",
    b"1e400",
    b'""',
)
DEPTHS = (1, 2, 8, 60, 63, 64, 65, 300, 1100)
FRAMES = (
    b"\0\0\0\0\x07",
    b"\0\0\x01\x86\xa1\0",
    b"Obj\x01",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
)
ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig")


def values(count: int, seed: int) -> Iterator[bytes | None]:
    """Values of records, as many as that: what `Inputs` draws, lines too, and some large ones."""
    inputs = Inputs(seed)
    for number in range(count):
        if number % 500 == 499:
            yield inputs.large()
        elif inputs.random() < 0.1:
            yield from_line(inputs.line())
        else:
            yield inputs.record()


class Inputs(Random):
    """A stream of record values (None is a tombstone) that one seed decides."""

    def record(self) -> bytes | None:
        """A record's value: mostly an event, bent in one of four."""
        if self.random() < 0.002:
            return None
        value = self.event() if self.random() < 0.97 else self.value(1)
        if self.random() < 0.02:
            value = self.wrapped(value)
        while self.random() < 0.25:
            value = self.bent(value)
        return value

    def wrapped(self, value: bytes) -> bytes:
        """An event in another format or encoding, or with a mark before it."""
        dice = self.randrange(4)
        if dice == 0:
            return self.choice(FRAMES) + value
        if dice == 1:
            return gzip.compress(value, 1, mtime=0)
        if dice == 2:
            return value.decode("utf-8", "replace").encode(self.choice(ENCODINGS))
        return b"\xef\xbb\xbf" + (value if self.random() < 0.9 else b"")

    def line(self) -> bytes:
        """A line as `enrich` reads it: text, an array, or an event."""
        if self.random() < 0.02:
            return b"[%b]" % b",".join(self.value(2) for _ in range(self.randrange(3)))
        if self.random() < 0.7:
            text = self.text().encode()
            return self.bent(text) if self.random() < 0.3 else text
        return self.choice(BLANKS) + (self.record() or b"")

    def event(self) -> bytes:
        names = [b'"query"'] if self.random() < 0.95 else []
        names += [self._key() for _ in range(self.randrange(5))]
        if self.random() < 0.05:
            names += self.choices(names or [b'"query"'], k=self.randrange(1, 3))
        if self.random() < 0.3:
            self.shuffle(names)
        members = [self._member(name) for name in names]
        return self._blank() + b"{" + b",".join(members) + b"}" + self._blank()

    def large(self) -> bytes:
        """A few bytes, ten thousands of times over, within an event or as they are."""
        few = b"".join(self.choices(SPLICES + ESCAPES, k=self.randrange(1, 4)))
        many = few * (self.randrange(50_000, 100_000) // len(few))
        if self.random() < 0.2:
            return many
        before = self.choice((b"", b'"', b"[" + b"[]," * 70 + b'"'))
        return b'{"query":"red","a":' + before + many + self.choice((b"", b'"}', b'"]}', b"}"))

    def value(self, depth: int) -> bytes:
        dice = self.random()
        if dice < 0.45 or depth > 3:
            return self.choice(SCALARS)
        if dice < 0.8:
            return self.string()
        if dice < 0.81:
            deep = self.choice(DEPTHS)
            return b"[" * deep + self.value(4) + b"]" * deep
        inner = [self.value(depth + 1) for _ in range(self.randrange(3))]
        if dice < 0.9:
            return b"[" + self._blank() + b",".join(inner) + b"]"
        return b"{" + b",".join(self._key() + b":" + item for item in inner) + b"}"

    def string(self) -> bytes:
        text = self.text().encode()
        text = text.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        if self.random() < 0.06:
            text += self.choice(ESCAPES) + self.choice(WORDS).encode()
        return b'"' + text + b'"'

    def text(self) -> str:
        """Words that are odd in Unicode, now and then any characters there are."""
        dice = self.random()
        if dice < 0.005:
            return self.choice(WORDS) * self.choice((56, 999, 1000, 1001))
        if dice < 0.3:
            return " ".join(self.choices(PLAIN, k=self.randrange(1, 5)))
        words = self.choices(WORDS, k=self.randrange(6))
        if dice < 0.5:
            points = (self.randrange(0x20, 0x10F800) for _ in range(self.randrange(4)))
            words += [chr(p if p < 0xD800 else p + 0x800) for p in points]
        if dice < 0.7:  # most letters that are odd stand here
            words += [chr(self.randrange(0x20, 0x3000)) for _ in range(self.randrange(5))]
        return "".join(words)

    def bent(self, value: bytes) -> bytes:
        """One edit: cut, doubled, overwritten, or something put in."""
        at = self.randrange(len(value) + 1)
        dice = self.randrange(5)
        if dice == 0:
            return value[:at]
        if dice == 1:
            return value[:at] + value[at + self.randrange(4) :]
        if dice == 2:
            return value[:at] + self.choice(SPLICES) + value[at:]
        if dice == 3:
            return value[:at] + bytes((self.randrange(256),)) + value[at + 1 :]
        end = at + self.randrange(20)
        return value[:end] + value[at:]

    def _member(self, name: bytes) -> bytes:
        drawn = self.string() if name == b'"query"' and self.random() < 0.95 else self.value(1)
        return self._blank() + name + self._blank() + b":" + self._blank() + drawn

    def _key(self) -> bytes:
        dice = self.random()
        if dice < 0.6:
            return b'"%b"' % self.choice(INPUT_NAMES).encode()
        if dice < 0.75:
            return b'"%b"' % self.choice(OUTPUT_NAMES).encode()
        return self.choice(ODD_KEYS) if dice < 0.9 else self.string()

    def _blank(self) -> bytes:
        return self.choice(BLANKS) if self.random() < 0.998 else self.choice(NOT_BLANKS)
