"""What strangers may send: each limit is held to the last unit, and one more is a dead letter."""

import json

import pytest
from confluent_kafka import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from triton_models.query_text import normal_form
from worker.errors import Reject
from worker.event import MAX_DEPTH, MAX_MARKS, Input, decode
from worker.stream.batch import MAX_HEADER_BYTES, MAX_HEADERS, refused_headers

ACUTE = "\u0301"


def refusal(value: bytes, max_chars: int = 1000, max_bytes: int = 10_000) -> str | None:
    try:
        decode(Input(value, "q-0-0", 0), max_chars, max_bytes)
    except Reject as error:
        return error.reason
    return None


def event(query: str, **more: object) -> bytes:
    return json.dumps({"query": query, **more}, ensure_ascii=False).encode()


def nested(depth: int, open_: str = "[", close: str = "]") -> bytes:
    """An event as deep as that, itself counted."""
    inner = (depth - 1) * open_ + "1" + (depth - 1) * close
    return b'{"query": "a", "x": %b}' % inner.encode()


@pytest.mark.parametrize("pair", [("[", "]"), ('{"x":', "}")])
def test_depth(pair):
    assert refusal(nested(MAX_DEPTH, *pair)) is None
    assert refusal(nested(MAX_DEPTH + 1, *pair)) == "nested_too_deeply"


def test_depth_is_not_breadth_and_brackets_in_text_are_none():
    assert refusal(event("a", x=[[]] * 500)) is None
    assert refusal(event("a", x=500 * '[{\\"')) is None


odd = st.text('[]{}"\\a')
trees = st.recursive(odd, lambda x: st.lists(x) | st.dictionaries(odd, x))


def depth(node: object) -> int:
    if not isinstance(node, (dict, list)):
        return 0
    inner = node.values() if isinstance(node, dict) else node
    return 1 + max(map(depth, inner), default=0)


@settings(deadline=None, max_examples=200)
@given(trees, st.integers(MAX_DEPTH - 8, MAX_DEPTH))
def test_depth_is_counted_as_json_has_it(tree, above):
    for _ in range(above):
        tree = [tree]
    found = refusal(event("a", x=tree, y="[" * 100), max_bytes=10**6)
    assert (found == "nested_too_deeply") == (depth(tree) + 1 > MAX_DEPTH)


def test_size():
    value = event("a" * 100)
    assert refusal(value, max_bytes=len(value)) is None
    assert refusal(value, max_bytes=len(value) - 1) == "value_too_large"


def test_length():
    assert refusal(event("é" * 10), max_chars=10) is None
    assert refusal(event("é" * 11), max_chars=10) == "query_too_long"


def test_marks():
    assert refusal(event("a" + MAX_MARKS * ACUTE + "b" + MAX_MARKS * ACUTE)) is None
    assert refusal(event("a" + (MAX_MARKS + 1) * ACUTE)) == "too_many_marks"


def test_headers():
    many = [("h", b"")] * MAX_HEADERS
    assert refused_headers(Message(topic="q", headers=many)) is None
    assert (
        refused_headers(Message(topic="q", headers=[*many, ("h", None)])).reason
        == "too_many_headers"
    )
    large = [("h", b"x" * (MAX_HEADER_BYTES - 1))]
    assert refused_headers(Message(topic="q", headers=large)) is None
    assert (
        refused_headers(Message(topic="q", headers=[*large, ("i", None)])).reason
        == "headers_too_large"
    )


HOSTILE = st.text(
    st.characters(categories=["Cf", "Cn", "Co", "Cc", "Zl", "Zp"])
    | st.sampled_from("aé\u202e\u200b")
)


@given(HOSTILE)
def test_a_normal_form_shows_all_that_it_holds(text):
    """Nothing that turns or hides writing, is unassigned or private, reaches model and cache."""
    form = normal_form(text)
    assert form.isprintable() and form == normal_form(form)


@pytest.mark.parametrize("text", ["\u200b\u200d", "\u202e\u202c", "\ufeff", "\ue000", "\U000e0041"])
def test_a_query_of_nothing_visible_is_empty(text):
    assert normal_form(text) == ""
