"""Files of data with some of their rows changed; every other byte stays as it was."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from triton_models.data import records
from triton_models.data.records import Record
from triton_models.settings import UsageError

TABLES = records.BETWEEN
LINES = (".jsonl", ".ndjson")
ENCODINGS = dict(zip(records.UTF_16, ("utf-16-le", "utf-16-be"), strict=True))


@dataclass(frozen=True)
class Piece:
    """A row as it is written in its file; `record` is None for what is no row (a heading)."""

    line: int
    raw: str
    record: Record | None


class File:
    """A table or a file of JSON lines, in pieces that together are the file.

    Raises UsageError for a file that cannot be read, or of another format.

    Args:
        wanted: of each column that is read the names that it may have.
    """

    def __init__(self, path: Path, wanted: Collection[Sequence[str]] = ()) -> None:
        self.path, self.wanted = path, wanted
        if path.suffix not in (*TABLES, *LINES):
            formats = ", ".join((*TABLES, *LINES))
            raise UsageError(f"{path}: only a table or JSON lines can be changed; give {formats}")
        try:
            found = path.read_bytes()
            self.encoding = ENCODINGS.get(found[:2], "utf-8")
            text = found.decode(self.encoding)
        except UnicodeDecodeError:
            raise UsageError(f"{path}: not UTF-8; save it as UTF-8") from None
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({error.strerror}); fix the path") from None
        self.mark = "\ufeff" if text.startswith("\ufeff") else ""
        text = text.removeprefix(self.mark)
        self.header: list[str] = []
        self.delimiter = ""
        self.end = "\r\n" if "\r\n" in text else "\n"
        made = self._table if path.suffix in TABLES else self._lines
        self.pieces = list(made(list(io.StringIO(text, newline=""))))

    @property
    def columns(self) -> set[str]:
        """The names of a table's columns, or of the first object's fields."""
        first = next((piece.record for piece in self.pieces if piece.record is not None), {})
        return set(self.header or first)

    def _table(self, lines: list[str]) -> Iterator[Piece]:
        first = next(filter(str.strip, lines), "")
        self.delimiter = records.delimiter_of(first, TABLES[self.path.suffix], self.wanted)
        rows, done = csv.reader(lines, delimiter=self.delimiter), 0
        blame = records.refusing(self.path)
        try:
            for row in rows:
                raw, line = "".join(lines[done : rows.line_num]), done + 1
                done = rows.line_num
                if row and not self.header:
                    self.header = records.heading(row)
                    all_written = ((name,) for name in self.header)
                    if told := records.twice(self.header, all_written):
                        blame(line, told)
                    row = []
                elif row and len(row) != len(self.header):
                    blame(line, f"{len(row)} columns, the first line has {len(self.header)}")
                yield Piece(line, raw, dict(zip(self.header, row, strict=True)) if row else None)
        except csv.Error as error:
            blame(rows.line_num, f"not a table ({error}); fix the line")

    def _lines(self, lines: list[str]) -> Iterator[Piece]:
        blame = records.refusing(self.path)
        for line, raw in enumerate(lines, 1):
            record = None
            if raw.strip():
                try:
                    record = json.loads(raw)
                except (ValueError, RecursionError):
                    blame(line, "not JSON; fix the line")
                if not isinstance(record, dict):
                    blame(line, "not a JSON object; write one object a line")
            yield Piece(line, raw, record)

    def written(self, record: Record) -> str:
        """A record as a line of this file."""
        if self.path.suffix in LINES:
            return json.dumps(record, ensure_ascii=False) + self.end
        text = io.StringIO()
        table = csv.writer(text, delimiter=self.delimiter, lineterminator=self.end)
        table.writerow([record.get(name, "") for name in self.header])
        return text.getvalue()

    def text(self, changed: Mapping[int, Record | None], more: list[Record]) -> str:
        """The file with the records of some lines changed, None leaving one out, and `more` rows
        at its end.
        """
        parts = [
            piece.raw
            if piece.line not in changed
            else ""
            if (new := changed[piece.line]) is None
            else self.written(new)
            for piece in self.pieces
        ]
        if more and parts and parts[-1] and not parts[-1].endswith(("\n", "\r")):
            parts.append(self.end)
        return "".join([self.mark, *parts, *map(self.written, more)])
