"""`enrich` reads whatever text it is given, in bounded memory; each line comes out in its place."""

import asyncio
import io
import json
import os
import threading
import tracemalloc
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import program
from worker.commands import enrich
from worker.errors import ConfigError, Reject
from worker.event import Enrichment, decode
from worker.understanding.pipeline import Output

BODY = Enrichment(b'"schema_version":"1.1","provenance":{"cached":', intent=None)


class Decoding:
    """A pipeline that decodes, and understands nothing."""

    def __init__(self, max_bytes):
        self.snapshot = SimpleNamespace(max_event_bytes=max_bytes)

    async def process(self, inputs):
        await asyncio.sleep(0)
        return [self._result(item) for item in inputs]

    def _result(self, item):
        try:
            event = decode(item, 1000, self.snapshot.max_event_bytes)
        except Reject as error:
            return error
        return Output(BODY.splice(event, cached=False, now_ms=5), BODY)


def enriched(*written: bytes, max_bytes: int = 10_000) -> list[dict]:
    """What comes out for the text; each part is written by itself."""
    out = io.BytesIO()
    through(out, *written, max_bytes=max_bytes)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def through(out, *written: bytes, max_bytes: int) -> None:
    source, sink = os.pipe()

    def write():
        with os.fdopen(sink, "wb", buffering=0) as file:
            for part in written:
                file.write(part)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        asyncio.run(enrich.enrich_lines(Decoding(max_bytes), source, out, lambda lines: None))
    finally:
        os.close(source)
        writer.join()


def test_lines_come_out_in_order_with_their_ids():
    text = "".join(f"query {n}\n" for n in range(3000))
    events = enriched(text.encode())
    assert [event["query"] for event in events] == [f"query {n}" for n in range(3000)]
    assert [event["query_id"] for event in events] == [f"line-{n + 1}" for n in range(3000)]


def test_a_line_that_is_too_long_has_its_error_in_its_place_and_the_next_are_read():
    first, long, event, last = enriched(
        b"red\n" + b"x" * 300_000 + b"y" * 300_000 + b"\n",
        b'{"query":"%b"}\nlast' % (b"x" * 100),
    )
    assert (first["query"], event["query"], last["query"]) == ("red", "x" * 100, "last")
    assert long["error"]["type"] == "value_too_large" and long["line"] == 2
    assert "600000 bytes, at most 10000 (understanding.max_event_bytes)" in long["error"]["message"]
    assert long["input"] == "x" * enrich.SHOWN_BYTES


def test_an_endless_line_takes_no_more_memory_than_the_limit():
    tracemalloc.start()
    try:
        (found,) = enriched(*[b"x" * 2**20] * 64, max_bytes=2**20)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found["error"]["type"] == "value_too_large"
    assert peak < 8 * 2**20


def test_lines_read_ahead_are_bounded_in_bytes_too(monkeypatch):
    monkeypatch.setattr(enrich, "BLOCK", 200_000)
    tracemalloc.start()
    try:
        with open(os.devnull, "wb", buffering=0) as out:
            through(out, *[b"x" * 50_000 + b"\n"] * 1000, max_bytes=60_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20


@pytest.mark.parametrize("name", ["utf-16", "utf-8-sig", "utf-8"])
def test_text_with_a_byte_order_mark_is_read(name):
    text = 'grün\nсапоги\r\n{"query": "👟"}\n鞋'
    data = text.encode(name)
    for parts in [data], [data[:1], data[1:]], [data[:11], data[11:]]:
        events = enriched(*parts)
        assert [event["query"] for event in events] == ["grün", "сапоги", "👟", "鞋"]


def test_big_endian_text_is_read_and_what_is_broken_in_it_is_replaced():
    events = enriched(b"\xfe\xff" + "rot\n".encode("utf-16-be") + b"\xdc\x00\x00a")
    assert [event["query"] for event in events] == ["rot", "\ufffda"]


@pytest.mark.parametrize("name", ["UTF-16LE", "UTF-16BE"])
def test_utf_16_without_a_mark_is_refused_with_the_remedy(name):
    with pytest.raises(ConfigError, match=f"iconv -f {name} -t UTF-8") as caught:
        enriched("red shoes\nblue".encode(name))
    assert caught.value.exit_code == 2


def test_a_line_that_is_an_array_is_refused_in_its_place_with_the_remedy():
    first, array, last = enriched(b'red\n["blue", "green"]\n[size] 5')
    assert (first["query"], last["query"]) == ("red", "[size] 5")
    assert (array["line"], array["error"]["type"]) == (2, "not_an_object")
    assert "jq" in array["error"]["message"] and array["input"] == '["blue", "green"]'


@pytest.mark.parametrize("name", ["mine.csv", "MINE.TSV", "mine.csv.gz"])
def test_a_table_is_refused_by_name_with_the_remedy(name, tmp_path):
    (tmp_path / name).write_text("query,label\nred shoes,browse\n")
    done = program.run("enrich", str(tmp_path / name))
    assert done.returncode == 2
    assert "is a table, expected lines; write its queries into a text file" in done.stderr


def test_what_was_read_before_the_source_failed_is_written(monkeypatch):
    blocks = iter([b"red\nblue\n", OSError(5, "Input/output error")])

    def read(descriptor, size):
        block = next(blocks)
        if isinstance(block, OSError):
            raise block
        return block

    monkeypatch.setattr(enrich.os, "read", read)
    out = io.BytesIO()
    with pytest.raises(OSError, match="Input/output"):
        asyncio.run(enrich.enrich_lines(Decoding(100), 0, out, lambda lines: None))
    assert len(out.getvalue().splitlines()) == 2


@given(
    st.lists(st.binary(max_size=9) | st.sampled_from([b"\n", b"\r\n", b"\r"])), st.integers(1, 9)
)
def test_a_text_has_the_same_lines_however_it_is_read(parts, max_bytes):
    text = b"".join(parts)
    ended = text.split(b"\n")
    if not ended[-1]:
        ended.pop()
    expected = [line.removesuffix(b"\r") for line in ended]
    found = [line for chunk in enrich.split(parts, max_bytes) for line in chunk]
    assert [line.number for line in found] == list(range(1, len(expected) + 1))
    for line, text in zip(found, expected, strict=True):
        assert text.startswith(line.text) if line.size > max_bytes else text == line.text
        assert (line.size > max_bytes) == (len(text) > max_bytes)
