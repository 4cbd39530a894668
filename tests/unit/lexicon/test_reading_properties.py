"""No query is too odd to be read, and its attributes lie in it in order."""

from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from triton_models.query_text import normal_form
from worker.lexicon import attributes
from worker.lexicon.attributes import Attribute, Attributes
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


NAMES = {
    *("color", "size", "material", "pattern", "shape", "gender", "age"),
    *("condition", "quantity", "price", "brand", "model", "content"),
}
PIECES = """red wine light navy blue size m xl 5 x 8 in inch pack of six 2 1/2 kg , - " 's women's
for her old year 3-6 months + king leather jacket t-shirt é 足 ½ ’ & 1,000 uk eu 24/7 w32 l34"""
WORDS = st.sampled_from(PIECES.split())


@example("0 light%red")
@given(st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=12).map(" ".join)))
def test_attributes_lie_in_the_query_in_order_without_overlap(lexicon, text):
    form = normal_form(text)
    end = 0
    for found in lexicon.read(form).attributes:
        assert isinstance(found, Attribute)
        assert found.name in NAMES
        assert found.value
        assert end <= found.start < found.end <= len(form)
        assert form[found.start : found.end].strip() == form[found.start : found.end]
        end = found.end


# Words that patterns begin with, or stand beside, and marks that may join them.
TRIGGERS = """
size sizes m xl two pack packs' of half liter dozen coffee colored coloured granite red
leather sofa iphone xr se x galaxy king nike without 3 55 inch for $20 d'or women's ٣ é"""
MARKS = st.sampled_from([" ", " ", " ", "-", "'", "’", "_", ", "])
TEXTS = st.lists(st.tuples(st.sampled_from(TRIGGERS.split()), MARKS))


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_where_no_trigger_stands_no_pattern_would_have_found_anything(lexicon, pieces):
    form = normal_form("".join(text + mark for text, mark in pieces))
    found = lexicon.read(form).attributes
    always = patch.object(Attributes, "may_stand", return_value=True)
    with always, patch.object(attributes, "_worded", return_value=True):
        assert found == lexicon.read(form).attributes


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_the_attributes_of_a_text_are_those_of_reading_it(lexicon, pieces):
    form = normal_form("".join(text + mark for text, mark in pieces))
    assert list(lexicon.read(form).attributes) == list(lexicon._reader.attributes(form))
