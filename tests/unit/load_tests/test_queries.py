"""Queries of our own, and how often each is asked."""

import json

import numpy as np
import pytest

from load_tests import queries


def test_every_query_is_another_one():
    step = queries.COUNT // 50_000
    texts = {queries.text(number) for number in range(0, queries.COUNT, step)}
    assert len(texts) == len(range(0, queries.COUNT, step))
    assert len({queries.text(number) for number in range(20_000)}) == 20_000


def test_a_query_beyond_the_last_is_refused():
    with pytest.raises(ValueError, match="only 2,319,174 different"):
        queries.text(queries.COUNT)


def test_zipf_follows_its_exponent():
    asked = queries.asked("zipf", 400_000, different=1000)
    counts = np.bincount(asked, minlength=1000)
    assert len(counts) == 1000
    expected = np.arange(1, 1001) ** -queries.ZIPF_EXPONENT
    expected *= len(asked) / expected.sum()
    assert np.allclose(counts[:20], expected[:20], rtol=0.05)
    assert counts[500:].sum() == pytest.approx(expected[500:].sum(), rel=0.02)


def test_the_same_seed_asks_the_same_queries():
    first, again, other = (queries.asked("zipf", 100, 50, seed) for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


def test_uniform_asks_all_and_distinct_each_once():
    assert set(queries.asked("uniform", 5000, different=40).tolist()) == set(range(40))
    assert queries.asked("distinct", 5, different=0).tolist() == [0, 1, 2, 3, 4]


def test_an_unknown_shape_is_refused():
    with pytest.raises(ValueError, match="choose distinct, uniform or zipf"):
        queries.asked("normal", 1, 1)


def test_records_have_the_fields_of_an_event_and_about_120_bytes():
    encoder = queries.Encoder(first=7)
    values = [encoder.record(number, number, 1_790_000_000_000) for number in range(500)]
    event = json.loads(values[3])
    assert event == {
        "query": queries.text(10),
        "locale": "en-US",
        "query_id": "3",
        "timestamp": 1_790_000_000_000,
        "user_id": "u3",
    }
    assert 110 < np.mean([len(value) for value in values]) < 140


def test_a_query_always_has_the_same_locale_whether_its_start_is_kept_or_not():
    kept, made = queries.Encoder(kept=10), queries.Encoder(kept=0)
    for number in (0, 5, 0, 5, 3):
        assert kept.record(1, number, 2) == made.record(1, number, 2)
