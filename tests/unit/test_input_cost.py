"""No input costs more than linear time in compiled code: the work is counted, and timed roughly."""

import gc
import sys
import time
from functools import partial
from types import FrameType

import orjson
import pytest

from worker.errors import Reject
from worker.event import Input, decode, from_line

MB = 2**20
HOSTILE = {
    "arrays": b"[],",
    "objects": b'{"a":{}},',
    "nested": b"[" * 60 + b"]" * 60 + b",",
    "strings": b'"",',
    "brackets in strings": b'[],"[",',
    "escaped quotes": b'"\\"\\"\\"[",',
    "backslashes": b'"\\\\\\\\[",',
    "digits": b"9" * 199 + b",",
    "numbers": b"9,",
    "exponents": b"1e300,",
    "marks": '"\u0301\u0302",'.encode(),
    "escaped marks": b'"\\u0301",',
    "literals": b"true,",
}


def hostile(few: bytes, size: int) -> list[bytes]:
    """Events of that size: the bytes as an array, within a string, as they are, as a field."""
    many = few * (size // len(few))
    text = many.replace(b"\\", b"").replace(b'"', b"").replace(b",", b"")
    return [
        b'{"query":"red","a":[%b1e300]}' % many,
        b'{"query":"red","intent":[%b1e300]}' % many,
        b'{"query":"red","timestamp":[%b1]}' % many,
        b'{"query":"red","timestamp":"%b"}' % text,
        b'{"query":"red","query_id":%b1}' % text,
        b'{"query":"%b"}' % text,
        b'{"query":"red","a":"' + many,
        many,
        b"\x00" + many,
    ]


def decode_or_refuse(value: bytes, max_chars: int = 1000) -> str | None:
    try:
        decode(Input(value, "q-0-0", 0), max_chars)
    except Reject as error:
        return error.reason
    return None


def instructions(value: bytes) -> int:
    """Python instructions that `decode` executes."""
    count = 0

    def trace(frame: FrameType, event: str, arg: object) -> object:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    decode_or_refuse(value)  # once without: caches are filled
    before = sys.gettrace()
    gc.disable()  # it may call back into Python
    sys.settrace(trace)
    try:
        decode_or_refuse(value)
    finally:
        sys.settrace(before)
        gc.enable()
    return count


@pytest.mark.parametrize("few", HOSTILE.values(), ids=HOSTILE)
def test_the_interpreter_does_no_more_for_a_large_input_than_for_a_small_one(few):
    for small, large in zip(hostile(few, 60_000), hostile(few, 600_000), strict=True):
        assert decode_or_refuse(small) == decode_or_refuse(large)
        assert instructions(small) == instructions(large) < 3000


def cpu_s(call) -> float:
    took = []
    for _ in range(3):
        started = time.process_time()
        call()
        took.append(time.process_time() - started)
    return min(took)


@pytest.mark.parametrize("few", HOSTILE.values(), ids=HOSTILE)
def test_a_large_input_takes_a_few_times_as_long_as_strict_parsing_of_plain_numbers(few):
    """About 3 ms a MB there; the slowest of these take 20."""
    plain = b"[" + b"9," * (MB // 2) + b"1]"
    most = 20 * cpu_s(lambda: orjson.loads(plain))
    for value in hostile(few, MB):
        for call in decode_or_refuse, from_line:
            assert cpu_s(partial(call, value)) < most, value[:40]
