"""`predict`: a prediction for each line of a file, in order, from ONNX weights, without torch.

A table (`.csv`, `.tsv`) has a heading with the fields below, in upper or lower case, or one column,
of queries, or for matching two, of queries and terms; a query may have any name of the files that
are learned from, or that of `--columns`. A `.json` file may be a list of objects. Of any other
file, a line that starts with { is a JSON object with `query` (and `term` or `title` for matching;
for an encoder with `document` instead, where it reads documents by a prompt of their own, or tells
upper case from lower); any other line is the query itself, for matching `query<TAB>term`. `.gz` may
be behind a name. Where the model has a template of products, the fields of an object with a `title`
are composed by it to the term or document. Queries are read in the worker's normal form, terms and
documents as they are written. What cannot be answered comes out in its place with its error.
"""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from triton_models.data import named, records
from triton_models.data.drafts import written
from triton_models.product_text import compose
from triton_models.query_text import normal_form
from triton_models.serving.predictor import Predictor, load
from triton_models.settings import UsageError

BATCHES = 32  # read at once; nothing else of the file is held
LONGEST_LINE = 1 << 20  # bytes
SHOWN = 200  # characters of a line that is in error
MARK = b"\xef\xbb\xbf"  # a byte order mark
FIELDS = ("query", "term", "title", "document")
REMEDY = "name a file of queries, one a line, or - for stdin"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, or a row of a table: its number, its text as far as it is shown with an
    error, and its fields, or what is wrong with it.
    """

    number: int
    shown: str
    row: dict[str, Any] | str


@dataclass(frozen=True, slots=True)
class Asked:
    """A line that can be answered: the query as given, its normal form, and matching's term; or a
    document for the encoder, in the query's place, whose form is as it is written.
    """

    query: str
    form: str
    term: str | None
    document: bool = False


def predict(
    predictor: Predictor, source: Iterator[Line], sink: BinaryIO, progress: Callable[[int], None]
) -> tuple[int, int]:
    """Answer every line of `source` into `sink`; returns the lines, and those in error.

    Args:
        progress: called with the number of lines just written.
    """
    total = failed = 0
    while chunk := list(islice(source, BATCHES * predictor.batch)):
        results = _answer(predictor, chunk)
        sink.writelines(orjson.dumps(r, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n" for r in results)
        sink.flush()
        progress(len(chunk))
        total += len(chunk)
        failed += sum("error" in result for result in results)
    return total, failed


def questions(file: Path, pair: bool) -> list[Asked]:
    """The lines of a file that ask something; what else is in it is passed over.

    A query may stand without a term, also where the model reads pairs.

    Raises:
        UsageError: the file cannot be read, or no line of it asks anything.
    """
    with _opened(file) as source:
        rows = [line.row for line in lines_of(file, source, pair) if not isinstance(line.row, str)]
    both = [(_asked(row, pair), row) for row in rows]
    found = [item if isinstance(item, Asked) else _asked(row, False) for item, row in both]
    if asked := [item for item in found if isinstance(item, Asked)]:
        return asked
    raise UsageError(f"{file}: no query in it; {REMEDY}")


def lines_of(
    file: Path,
    source: BinaryIO,
    pair: bool,
    columns: Sequence[str] = (),
    before: Collection[str] = (),
) -> Iterator[Line]:
    """The lines of a file that is open, or the rows of a table or a JSON list.

    Args:
        columns: names of the query, and of matching's term, where they are none of the usual.
        before: fields of a record that are asked, not a query of another name than `query`.

    Raises UsageError for another number of columns, and for a table without one that is known.
    """
    names = names_of(pair, columns)
    own = {**names, "query": names["query"][:1]}
    suffix = records.kind(file)
    table = suffix in records.BETWEEN

    def ours(row: records.Record) -> records.Record:
        asked = before and any(name.lower() in before for name in row)
        return named.ours(row, own if asked else names)

    try:
        if not table and not (suffix == ".json" and _starts_a_list(source)):
            for number, line in enumerate(_lines(source), 1):
                row = _row(line, pair, objects=suffix in (".jsonl", ".ndjson", ".json"))
                row = ours(row) if isinstance(row, dict) else row
                yield Line(number, line.decode("utf-8", "replace")[:SHOWN], row)
            return
    except (EOFError, gzip.BadGzipFile) as error:
        records.refusing(file)(0, f"cannot be read ({error}); pack it again")
    faults: list[Line] = []

    def blame(number: int, told: str) -> None:
        if number <= 1 and table:  # of the heading
            records.refusing(file)(number, told)
        faults.append(Line(number, "", told))

    usual = () if columns else (*FIELDS, *names["query"])
    rest = () if columns else [(name,) for name in FIELDS[1:]]
    needed = columns[:-1] if len(columns) > 1 + pair else columns
    bare = needed or (("query", "term") if pair else ("query",))
    layout = records.Layout(bare, usual, wanted=(*names.values(), *rest))
    known = False
    for number, row in records.read(file, "", blame, layout):
        yield from faults
        faults.clear()
        found = ours(row)
        if table and not known:
            named.require(file, needed, row)
            _require_query(file, row, found, () if pair else FIELDS)
            known = True
        yield Line(number, "", found)
    yield from faults


def _starts_a_list(source: BinaryIO) -> bool:
    """Whether a file of JSON is one list; nothing of it is read."""
    start = source.peek(1)
    return start.decode(records.encoding_of(start), "ignore").lstrip()[:1] == "["


def names_of(pair: bool, columns: Sequence[str]) -> named.Names:
    """What the query and matching's term may be called; UsageError for `columns` of another number.
    Those of labels or grades may be named behind them, as for the commands that read these.
    """
    form, ours = ("pairs", ["query", "term"]) if pair else ("queries", ["query"])
    if columns and (len(columns) - len(ours) not in (0, 1) or not all(columns)):
        told = f"name {len(ours)} column{'s' * pair}, as --columns {','.join(ours)}"
        raise UsageError(f"--columns {','.join(columns)}: {told}")
    if len(columns) == len(ours):
        columns = (*columns, *named.needed_of(form)[len(ours) :])
    usual = named.names_of(form, columns)
    return {name: usual[name] for name in ours[: len(ours) if columns else 1]}


def _require_query(
    file: Path, row: records.Record, found: records.Record, fields: Sequence[str]
) -> None:
    """Raises UsageError for a table without a query, and without any of the fields."""
    if found.keys() & {"query", *fields}:
        return
    there = ", ".join(map(repr, row))
    remedy = (
        "name yours: --columns query; if these are no names, begin the file with a line of them"
    )
    raise UsageError(f"{file}: no column of queries, there are: {there}; {remedy}")


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """Lines as UTF-8 without their ends; of one that is too long only its beginning."""
    mark = MARK  # editors on Windows begin a file with it
    while line := source.readline(LONGEST_LINE + 1):
        if mark and line.startswith(records.UTF_16):
            source = BytesIO((line + source.read()).decode("utf-16", "replace").encode())
            line = source.readline(LONGEST_LINE + 1)
        end = line
        while not end.endswith(b"\n") and len(end) > LONGEST_LINE:
            end = source.readline(LONGEST_LINE + 1)
        yield line.removeprefix(mark).removesuffix(b"\n").removesuffix(b"\r")
        mark = b""


def _row(line: bytes, pair: bool, objects: bool) -> dict[str, Any] | str:
    """The fields of a line, or what is wrong with it; of a file of `objects` no array is a query,
    of another only what has no object in it.
    """
    if len(line) > LONGEST_LINE:
        return f"longer than {LONGEST_LINE} bytes"
    with suppress(orjson.JSONDecodeError):
        array = orjson.loads(line) if line.lstrip().startswith(b"[") else None
        if array is not None and (objects or any(isinstance(one, dict) for one in array)):
            return "a JSON array; write one object a line, or call the file *.json"
    try:
        if line.lstrip().startswith(b"{"):
            return orjson.loads(line)
        query, *others = line.decode().split("\t") if pair else [line.decode()]
        return {"query": query} | ({"term": others[0]} if others else {})
    except orjson.JSONDecodeError as error:
        return f"not JSON: {error}"
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"


def _answer(predictor: Predictor, lines: Sequence[Line]) -> list[dict[str, Any]]:
    spec, prompts = predictor.contract.spec, predictor.contract.prompts
    template = predictor.contract.product_text
    read = [
        line.row
        if isinstance(line.row, str)
        else _asked(line.row, spec.pair, spec.documents, template)
        for line in lines
    ]
    asked = [item for item in read if isinstance(item, Asked)]
    terms = [item.term for item in asked] if spec.pair else None
    texts = [(prompts.document if item.document else prompts.query) + item.form for item in asked]
    answers = iter(predictor.run(texts, terms, heads=True))
    results = []
    for line, item in zip(lines, read, strict=True):
        if isinstance(item, Asked):
            results.append(_told(predictor, item, next(answers)))
        else:
            results.append({"error": item, "line": line.number, "input": line.shown})
    return results


def _asked(
    row: dict[str, Any], pair: bool, documents: bool = False, template: str = ""
) -> Asked | str:
    """What a line asks, or what is wrong with it."""
    if template and "title" in row and not row.keys() & {"term", "document"}:
        row |= {"term" if pair else "document": compose(template, row)}
    document = documents and not pair and "query" not in row and "document" in row
    query, term = row.get("query"), row.get("term", row.get("title")) if pair else None
    query = row["document"] if document else query
    if not isinstance(query, str) or not (form := normal_form(query)):
        return "no `query` in it: write text, or JSON or a table with `query`"
    if pair and not (isinstance(term, str) and normal_form(term)):
        return "no `term` in it: write query<TAB>term, or JSON with `query` and `term` or `title`"
    return Asked(query, query if document else form, term, document)


def _told(predictor: Predictor, item: Asked, answer: Any) -> dict[str, Any]:
    """The prediction of one line."""
    name = "document" if item.document else "query"
    asked = {name: item.query} | ({} if item.term is None else {"term": item.term})
    answers = predictor.contract.spec.part("answers")
    return asked | answers.prediction(predictor, item.form, answer)


def run(
    kind: str,
    source: Path,
    model: Path,
    out: Path | None,
    batch: int | None,
    columns: Sequence[str] = (),
) -> None:
    """The command.

    Raises:
        UsageError: the model or the file cannot be used.
        RuntimeError: every line is written, some of them with an error.
    """
    with ExitStack() as stack:
        reading = stack.enter_context(_opened(source))
        if out and out.exists() and os.path.samestat(os.stat(out), os.fstat(reading.fileno())):
            raise UsageError(f"{out}: the file that is read; give --out another")
        predictor = load(model, kind, batch, threads=_cores())
        writing = stack.enter_context(written(out)) if out else sys.stdout.buffer
        progress = stack.enter_context(_progress(quiet=not out and sys.stdout.isatty()))
        spec = predictor.contract.spec
        before = {"document"} | ({"title"} if predictor.contract.product_text else set())
        before = before if spec.documents and not spec.pair else set()
        lines = lines_of(source, reading, spec.pair, columns, before)
        total, failed = predict(predictor, lines, writing, progress)
    if failed:
        raise RuntimeError(f"{failed} of {total} lines could not be answered: see their `error`")


def _opened(source: Path) -> BinaryIO:
    try:
        if source.suffix == ".gz":
            return gzip.open(source)
        return open(0 if str(source) == "-" else source, "rb", closefd=str(source) != "-")
    except OSError as error:
        raise UsageError(f"{source}: cannot be read ({error.strerror}); {REMEDY}") from None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[int], None]]:
    """Lines and rate on a terminal, when the results do not go there themselves."""
    if quiet or not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn, SpinnerColumn, Task, TimeElapsedColumn
    from rich.text import Text

    class Figures(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.completed:,.0f} lines, {task.speed or 0:,.0f}/s")

    columns = SpinnerColumn(), Figures(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("predict", total=None)
        yield lambda count: bar.advance(task, count)
