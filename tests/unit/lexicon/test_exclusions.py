"""What a query does not want is excluded, and nothing else is made of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triton_models.query_text import normal_form

EXCLUDED = {
    "sandals without buckles": ["buckles"],
    "face primer plant based and oil free": ["oil"],
    "the world without you": [],
    "earplugs to sleep without hearing others": [],
    "pizza no cheese i am intolerant": ["cheese"],
    "puzzle without people": ["people"],
    "not artificial christmas tree": ["artificial"],
    "candy without artificial colors or added sugar": ["artificial colors", "added sugar"],
    "sandals without added leather": ["added leather"],
    "not brown boots": ["brown"],
    "no added sugar juice": ["added sugar"],
    "no artificial colours sweets": ["artificial colours"],
    "dress any colour but red": ["red"],
    "latte instead of almond milk": ["almond milk"],
    "total no frost fridge freezer": [],
    "sim free iphone": [],
    "shirt not polyester": ["polyester"],
    "gluten and dairy free biscuits": ["gluten", "dairy"],
    "soy-free protein powder": ["soy"],
    "soy, dairy and nut free biscuits": ["soy", "dairy", "nut"],
    "caffeine free and gluten free tea": ["caffeine", "gluten"],
    "crackers, gluten free": ["gluten"],
    "sugarless mints": ["sugar"],
    "-plastic lunch box": ["plastic"],
    "lunch box -plastic": ["plastic"],
    "anything but a suede belt": ["suede"],
    "non leather wallet": ["leather"],
    "rug except grey": ["grey"],
    "bluse ohne polyester": ["polyester"],
    "sleeveless dress": ["sleeve"],
    "jacket no hood or fur": ["hood", "fur"],
    "kettle w/o plastic": ["plastic"],
    "cot excluding mattress": ["mattress"],
    "sofa not made of velvet": ["velvet"],
    "earphones other than sony": ["sony"],
    "t shirt no logo please": ["logo"],
    "no wool sweater for men": ["wool"],
    "galaxy s21 not s22": ["s22"],
    "backpack without leather straps": ["leather straps"],
    "cereal with no raisins": ["raisins"],
    # a clause that describes the thing
    "tv that is not samsung": ["samsung"],
    "phones which are not apple": ["apple"],
    "dress that isn't black": ["black"],
    "this item is not working": [],
    "phone that is not delivered": [],
    "that is not black": [],
    "isn't this in red": [],
    # a negation that belongs to a name, or to what happened
    "non stick frying pan": [],
    "hands free kit": [],
    "no show socks": [],
    "no pull dog harness": [],
    "sugar free gum": [],
    "cordless drill": [],
    "wireless mouse": [],
    "stainless steel pan": [],
    "free weights": [],
    "free delivery sofa": [],
    "my order has not arrived": [],
    "no refund yet": [],
    "not working headphones": [],
    "buy one get one free": [],
    "crackers free from wheat and yeast": ["wheat", "yeast"],
    "no smoking sign": [],
    "dried figs non gmo up to 30 dollars": ["gmo"],
    "t-shirt": [],
    "wi-fi extender": [],
    "no more than $50": [],
    "": [],
}


@pytest.mark.parametrize("query", EXCLUDED)
def test_exclusions(lexicon, query):
    found = lexicon.read(query).exclusions
    assert [x.term for x in found] == EXCLUDED[query]
    assert [query[x.start : x.end] for x in found] == EXCLUDED[query]


@pytest.mark.parametrize(
    "query, gone",
    [
        ("leather free boots", "leather"),
        ("dress not red", "red"),
        ("curtains except white", "white"),
        ("cotton free socks", "cotton"),
        ("running shoes not adidas", "adidas"),
        ("boots not 8", "8"),
    ],
)
def test_what_is_excluded_is_no_attribute(lexicon, query, gone):
    assert gone not in [a.value for a in lexicon.read(query).attributes]


@pytest.mark.parametrize("query", ["laptop without charger", "bed without mattress"])
def test_what_is_excluded_is_no_term_and_the_rest_is(lexicon, query):
    [mention] = lexicon.read(query).mentions
    assert mention.start == 0


WORDS = "no not without free -silk nut or and a the leather boots red , non seedless w/o for size 8"


@given(st.lists(st.sampled_from(WORDS.split(" ")), max_size=9).map(" ".join) | st.text(max_size=40))
def test_exclusions_lie_in_the_query_in_order_and_meet_nothing_else(lexicon, text):
    read = lexicon.read(normal_form(text))
    end = 0
    for x in read.exclusions:
        assert end <= x.start < x.end <= len(read.form)
        assert read.form[x.start : x.end] == x.term
        assert not any(a.start < x.end and x.start < a.end for a in read.attributes)
        end = x.end
