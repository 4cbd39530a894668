"""No query is too odd to be read: numbers, units, bounds and negations in any order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from triton_models.query_text import normal_form
from worker.lexicon.words import word_set

PARTS = word_set("""
    10 20 30 8 9 5-10 10-20 1/2 3/4 3.5 7½ $20 £5 50€ 1,000 2012 12x8 3-6 w32 l34 40r or and to
    under over between not no size dollars pounds euros gb inch ft cm lb x 8gb 16gb vs iphone 14
    galaxy s22 nike shoes dress for men women kids years months old age ages excluded wanted free
    without neither nor never avoid fifty hundred two half twenty-five six-hundred less more max
    around pack of set + - / , . ' " used in good condition small medium s m xl with ohne sin s8
    one series
""")


@settings(max_examples=3000, deadline=None)
@given(st.lists(st.sampled_from(sorted(PARTS)), min_size=1, max_size=9).map(" ".join))
def test_any_order_of_numbers_and_what_stands_beside_them_is_read(lexicon, text):
    form = normal_form(text)
    read = lexicon.read(form)
    lexicon.heads(read)
    spans = [(a.start, a.end) for a in (*read.attributes, *read.exclusions)]
    assert all(0 <= start < end <= len(form) for start, end in spans)
