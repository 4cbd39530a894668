"""Sure misspellings are put right; brands, regional spellings and rare words stay as they are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triton_models.query_text import normal_form
from worker.lexicon.brands import Brands
from worker.lexicon.correction import LEAST, Correction, Corrector, Edit
from worker.lexicon.misspelling import distance, is_one_off
from worker.lexicon.spellings import SPELLINGS, Spellings, pack
from worker.lexicon.words import words

MEANT = {
    "curtians": "curtains",
    "recliner chiar": "recliner chair",
    "bathrom mat": "bathroom mat",
    "womens cardagan": "womens cardigan",
    "wireless earphons": "wireless earphones",
    "dishwaser tablets": "dishwasher tablets",
    "bluetooth reciever": "bluetooth receiver",
    "trainres size 9": "trainers size 9",
    "sofaa bed": "sofa bed",
    "telefision stand": "television stand",
    "flarbsion stand": None,
    # by the table: far slips, phrases of right words, names
    "maniquin head": "mannequin head",
    "chest of draws": "chest of drawers",
    "less then 20 dollars": "less than 20 dollars",
    "addidas": "adidas",
    "mens addidas": "mens adidas",
    "neckless silver": "necklace silver",
    "tyers": "tyres",
    "breakpads": "brake pads",
    "wellys": "wellies",
    "pain roller": "paint roller",
    "pain relief roller": None,
    # it says nothing of parts of other words, nor of what has an apostrophe
    "x-maniquin": None,
    "@maniquin.com": None,
    "maniquin.com": None,
    "www.maniquin.com": None,
    "mannequin/maniquin": "mannequin/mannequin",
    # what was put right makes a phrase of it
    "chesetr drawers": "chest of drawers",
    # one of three letters only where it makes a term with its neighbours
    "yoga mta": "yoga mat",
    "dog bwl": "dog bowl",
    "mta": None,
    "flarbsion bwl": None,
    "essential oil pain relief": None,
    # plurals of brands and of what is English
    "kitchenaids": None,
    "swarovskis": None,
    "skin irritation cream": None,
    "it characterizes": None,
    # a letter away from brands with digits or accents
    "superr glue": "super glue",
    "levell": "level",
    "nescafa": None,
    # right as they are
    "colour pencils": None,
    "jewellery box": None,
    "grey pyjamas": None,
    "tyre pump": None,
    "huawei case": None,
    "kallax insert": None,
    "desert boots": None,
    "mulcher": None,
    "organized drawers": None,
    "saute pan": None,
    "alpha shirt": None,  # an ordinary word, though "aloha shirt" is a term
    # ordinary words, but another makes a term
    "walking bots": "walking boots",
    "wall clook": "wall clock",
    "dinning chairs": "dining chairs",
    # another word that sounds the same makes a term
    "tent poll": "tent pole",
    "opinion poll": None,
    "break pads": "brake pads",
    "leave blower": "leaf blower",
    "stationary bike": None,
    "swim trucks": "swim trunks",
    "toy trucks": None,
    "steal toe boots": "steel toe boots",  # a term of three words
    "surgar free syrup": "sugar free syrup",
    "heist movie steal": None,
    # another makes a brand
    "johm deere toy tractor": "john deere toy tractor",
    "blak and decker drill": "black and decker drill",
    "gifts for my preteen daughter": None,  # no "my protein"
    "disney princes poster": None,
    # a word that is put right tells of its neighbour
    "wirless hedphones": "wireless headphones",
    # what is not heard, and swaps of short words
    "wireles charger": "wireless charger",
    "choclate biscuits": "chocolate biscuits",
    "jaket": "jacket",
    "navy ottomon for the living room": "navy ottoman for the living room",
    "blakc jeans": "black jeans",
    "hamer and nails": "hammer and nails",
    "my favorite mug": None,
    "diablo tune": None,
    "judy hopps shirt": None,
    "rines volkswagen": None,
    # slips in sentences, in which a word that nobody knows is seldom a name
    "where is my ordar": "where is my order",
    "when do i get my refumd": "when do i get my refund",
    "looking for somethinh blue": "looking for something blue",
    "this wasnt what i ordered": None,
    "haha thanks": None,
    # beside a word that English has not, another is of that language, too
    "bier ohne alkohol": None,
    "alkohol free beer": "alcohol free beer",
    # behind a first name stands a surname
    "karen schaler": None,
    "katrina charman books": None,
    # names and brands that nobody knows, before what they sell
    "hussain rug": None,
    "westlin coffee table": None,
    "bill staines": None,
    "prebioti": "prebiotic",
    "archeology book": None,
    # but a thing at the end
    "velvet loungar": "velvet lounger",
    # by sound
    "headfones": "headphones",
    "b07xyzw": None,
    "jane@sofaa.com": None,
    "x-chiar": None,
    "": None,
}


@pytest.mark.parametrize("query", MEANT)
def test_corrections(lexicon, query):
    found = lexicon.correct(query)
    assert (found and found.query) == MEANT[query]


@given(st.text(alphabet="sofa chirblue", max_size=30))
def test_a_correction_is_right_for_good(lexicon, text):
    form = normal_form(text)
    if found := lexicon.correct(form):
        assert found.query != form
        assert lexicon.correct(found.query) is None
        assert LEAST <= found.confidence <= 1


@pytest.fixture
def corrector(tmp_path):
    """Of a lexicon of lamps, with a brand that has the name of a misspelling."""
    brands = [
        {"name": "Lampe", "keys": [("lampe", False)], "kinds": []},
        {"name": "Lumio", "keys": [("lumio", False), ("loomio", False)], "kinds": []},
    ]
    spellings = pack({"desk", "lamp"}, {"lamp"}, ["desk lamp"], ["lampe", "lumio"])
    (tmp_path / SPELLINGS).write_bytes(spellings)
    told = {"lampe": "lamp", "loomio": "lumio", "dest lump": "desk lamp", "desk lamp": "dusk lamp"}
    return Corrector(({"desk lamp"},), Brands(brands), Spellings(tmp_path), told)


@pytest.mark.parametrize(
    "query, meant",
    [
        ("big dest lump", "big desk lamp"),
        ("loomio desk lamp", "lumio desk lamp"),  # another name of the brand
        ("lampe", None),  # a brand's own name
        ("desk lamp", None),  # a term
        ("dest lump's shade", None),
        ("dest lump, deskk lamp", "desk lamp, desk lamp"),
    ],
)
def test_the_table_changes_no_name(corrector, query, meant):
    found = corrector.correct(query, words(query))
    assert (found and found.query) == meant


def test_a_phrase_of_the_table_has_one_span(corrector):
    found = corrector.correct("big dest lump", words("big dest lump"))
    assert found.edits == (Edit(4, 13, "desk lamp"),)
    assert found.typed(9, 13) == (4, 13)


def test_the_surer_word_is_chosen_and_says_how_sure_it_is(lexicon):
    sure, less = (lexicon.correct(query).confidence for query in ("sofaa bed", "simply tembler"))
    assert LEAST <= less < 0.9 < sure


@pytest.fixture(scope="module")
def names(lexicon):
    return [lexicon.name(term_id) for term_id in range(0, len(lexicon), 97)]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_slip_in_a_name_is_put_right_for_good_or_left(lexicon, names, data):
    name = data.draw(st.sampled_from(names))
    at = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from(["", *"aeioustnr"]))
    found = lexicon.correct(normal_form(name[:at] + letter + name[at + 1 :]))
    assert not found or not lexicon.correct(found.query)


def test_a_word_of_any_length_takes_no_time_to_speak_of(lexicon):
    assert lexicon.correct("sofa " * 10 + "z" * 1_000_000) is None


def test_spans_are_those_of_the_words_as_they_were_typed():
    typed = "blu sofaa in lether"
    edits = (Edit(0, 3, "blue"), Edit(4, 9, "sofa"), Edit(13, 19, "leather"))
    correction = Correction("blue sofa in leather", 0.95, edits)
    spans = {"blue": "blu", "sofa": "sofaa", "in": "in", "leather": "lether"}
    spans |= {"blue sofa": "blu sofaa", "sofa in": "sofaa in"}
    for word, was in spans.items():
        start = correction.query.index(word)
        first, last = correction.typed(start, start + len(word))
        assert typed[first:last] == was


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_one_off_is_a_distance_of_one(word, other):
    assert is_one_off(word, other) == (distance(word, other) == 1)
