"""How far a link is trusted before its score is known."""

import pytest

from worker.event import Tag
from worker.lexicon.reading import Mention
from worker.lexicon.tagged import Thing
from worker.understanding import evidence

EVERY = range(evidence.NEAREST + 1)


def test_each_sign_that_a_term_means_itself_makes_its_synonyms_surer():
    for agree in EVERY:
        assert evidence.of_synonym(True, False, agree, True) > evidence.of_synonym(
            False, False, agree, True
        )
        assert evidence.of_synonym(False, True, agree, True) > evidence.of_synonym(
            False, False, agree, True
        )
        assert evidence.of_synonym(False, True, agree, False) < evidence.of_synonym(
            False, False, agree, True
        )
    found = [evidence.of_synonym(False, False, agree, True) for agree in EVERY]
    assert found == sorted(found) and 0.7 < found[0] < 0.9 < found[-1] < 1


def of_category(lexicon, query, alike=4, path=None, sold=(), tags=(), plain=False, **near):
    read = lexicon.read(query, tags)
    term = read.mentions[-1]
    path = path or lexicon.category(term.term_id)
    akin, first = near.get("akin", alike), near.get("first", alike == evidence.NEAREST)
    nearest = evidence.Nearest(alike, akin, first, 0.8)
    return evidence.of_category(read, term, plain, path, nearest, sold)


def test_each_sign_that_a_term_means_itself_makes_its_category_surer(lexicon):
    found = [of_category(lexicon, "pillow blue", alike) for alike in EVERY]
    assert found == sorted(found) and found[0] < 0.6 < 0.9 < found[-1]
    usual = of_category(lexicon, "sneakers 5")
    assert of_category(lexicon, "running shoes 5") > usual
    assert of_category(lexicon, "sneakers 5", first=True) > usual
    assert (
        of_category(lexicon, "sneakers 5", akin=8) > usual > of_category(lexicon, "sneakers 5", 3)
    )
    assert of_category(lexicon, "sneakers") > usual  # all that the query says
    assert of_category(lexicon, "sneakers 5", plain=True) > usual
    path = lexicon.category(lexicon.read("pillow").mentions[0].term_id)
    department, inside = path.split(" > ")[0], of_category(lexicon, "pillow blue")
    assert of_category(lexicon, "pillow blue", path=department) < inside
    plain = of_category(lexicon, "pillow blue", plain=True)
    assert of_category(lexicon, "pillow blue", path=department, plain=True) == plain


def test_nearer_terms_tell_more_and_without_the_encoder_the_term_stands_alone(lexicon):
    read = lexicon.read("pillow blue")
    [term] = read.mentions

    def of(nearest):
        return evidence.of_category(read, term, True, "Bed & Bath", nearest, ())

    def gain(similarity):
        return of(evidence.Nearest(8, 8, True, similarity)) / of(
            evidence.Nearest(1, 8, True, similarity)
        )

    assert gain(0.9) > gain(0.6) > gain(0.5) == 1
    assert of(evidence.Nearest(3, 3, True, 1.0)) == of(evidence.Nearest(3, 3, True, 0.9))
    assert 0.65 < of(None) < 0.9


def test_what_a_brand_mainly_sells_is_the_surer_category_where_no_term_tells():
    nearest = evidence.Nearest(2, 0, False, 0.7)
    first, second, none = (
        evidence.of_fallback("Kitchen > Knives", nearest, sold)
        for sold in (["Kitchen > Knives"], ["Kitchen > Cookware", "Kitchen > Knives"], [])
    )
    assert first > second > none


def test_a_category_is_surer_if_the_brand_sells_it_and_less_sure_if_it_sells_other_things(lexicon):
    query, path = "rawlings glove", "Sports > Baseball & Cricket"
    unknown = of_category(lexicon, query, path=path)
    assert of_category(lexicon, query, path=path, sold={path}) > unknown
    assert of_category(lexicon, query, path=path, sold={"Sports > Golf"}) == unknown
    assert of_category(lexicon, query, path=path, sold={"Shoes"}) < unknown


def test_a_category_is_surer_if_the_term_is_tagged_as_the_thing(lexicon):
    form = "pillow blue stand"
    tagged = [of_category(lexicon, form, tags=tags) for tags in (
        [Tag(0, 6, "product", 0.9)], [Tag(0, 6, "product", 0.6)], [], [Tag(12, 17, "product", 0.9)],
    )]  # fmt: skip
    assert tagged[0] > tagged[1] > tagged[3] and tagged[0] > tagged[2] > tagged[3]


@pytest.mark.parametrize(
    "path, query, held",
    [
        ("Women's Clothing > Lingerie & Hosiery", "men sexy lingerie", False),
        ("Women's Clothing > Suits & Jumpsuits", "rompers for toddler girls", False),
        ("Women's Clothing > Dresses", "dress for teen girls", True),
        ("Women's Clothing > Dresses", "linen dress", True),
        ("Men's Clothing > Suits & Formal", "linen blazer for women", False),
        ("Men's Clothing > Suits & Formal", "blazer for men and women", True),
        ("Clothing > Tops", "mens shirt", True),
    ],
)
def test_a_department_of_one_gender_holds_nothing_for_others(lexicon, path, query, held):
    assert bool(lexicon.shelf(path, lexicon.read(query).attributes)) is held


@pytest.mark.parametrize(
    "query, named",
    [
        ("kettlebell 16 kg", True),
        ("watch over 1000", True),
        ("bike 500 or under", True),
        ("handbags from £50 to £90", True),
        ("kayak or canoe paddle", True),
        ("inkjet printer not hp", True),
        ("printer all in one not hp", True),
        ('tv 65" 4k not samsung', True),
        ("shoes, nike excluded", True),
        ("tv not lg nor samsung", True),
        ("hoover no suction", False),
        ("one left shoe no right shoe", False),
        ("2 shoes not delivered", False),
        ("phone no signal", False),
        ("curtains no grommets", True),
        ("tent but not pop up", True),
        ("jeans that arent skinny", True),
        ("handbag not too expensive", True),
        ("trainers about £60", True),
        ("size 8 or 9 trainers", True),
        ("tv 50 or 55 inch", True),
        ("led bulbs 100w equivalent", True),
        ("trainers not above £60", True),
        ("tv no smaller than 65 inch", True),
        ("question about trainers", False),
        ("socks no show", True),
        ("watch with a second hand", True),
        ("phone that isnt working", False),
        ("i dont want my shoes", False),
        ("where is my sofa", False),
        ("drill bit size for wall plug", False),
        ("flarbsion", False),
        ("sofa: jane@example.com", False),
    ],
)
def test_a_query_that_names_a_thing_with_its_properties_says_no_more(lexicon, query, named):
    read = lexicon.read(query)
    assert evidence.names_a_product(read, lexicon.heads(read)) is named


@pytest.mark.parametrize("query, named", [("red nike", True), ("is nike good", False)])
def test_a_brand_of_the_lexicon_with_properties_is_no_small_talk_either(lexicon, query, named):
    assert evidence.names_a_product(lexicon.read(query), [], brand=True) is named


@pytest.mark.parametrize(
    "product, change",
    [
        ((4, 14), 1),  # the term itself
        ((8, 14), 1),  # its end
        ((0, 14), 0),  # with more words before
        ((4, 20), -1),  # it only begins the product's name
        ((4, 10), 1),  # part of it
        ((15, 20), -1),  # something else
    ],
)
def test_what_is_tagged_as_a_product_confirms_a_term_or_speaks_against_it(product, change):
    term, prior = Mention(7, "ear buds", 4, 14), 0.9
    found = evidence.with_tags(prior, term, [Thing(*product, 0.8)])
    assert (found > prior) - (found < prior) == change


def test_a_product_elsewhere_takes_nothing_from_a_sure_term():
    term, elsewhere = Mention(7, "ear buds", 4, 14), [Thing(15, 20, 0.8)]
    assert evidence.with_tags(evidence.SURE, term, elsewhere) == pytest.approx(evidence.SURE)
    assert evidence.with_tags(0.9, term, []) == pytest.approx(0.9)


def test_of_two_products_that_meet_a_term_the_likelier_counts():
    term, products = Mention(7, "ear buds", 4, 14), [Thing(4, 14, 0.6), Thing(8, 20, 0.9)]
    alone = evidence.with_tags(0.9, term, products[1:])
    assert (
        evidence.with_tags(0.9, term, products)
        == alone
        < evidence.with_tags(0.9, term, products[:1])
    )
