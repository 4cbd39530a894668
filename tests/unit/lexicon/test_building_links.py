"""Terms and links by statistics, each on a catalogue small enough to count by hand."""

import pytest

from worker.config.settings import STARTER_LEXICON
from worker.lexicon.building import facts, links, phrases, report
from worker.lexicon.building.corpus import Corpus
from worker.lexicon.building.drafts import Drafts, Link
from worker.lexicon.building.rows import Faults
from worker.lexicon.building.sources import Click, Product, Rule
from worker.lexicon.building.statistics import SIGNIFICANT, log_likelihood, lower_bound
from worker.lexicon.building.together import Together
from worker.lexicon.tables import read_spelling

DESCRIBED = {"red", "blue", "black"}


@pytest.fixture(scope="module")
def spelling():
    return read_spelling(STARTER_LEXICON / "words.toml", Faults())


@pytest.fixture
def drafts(spelling):
    return Drafts(spelling)


def corpus(*titles, brands=("acme", "bolt", "core"), category=()):
    made = Corpus()
    for n, title in enumerate(titles):
        brand = brands[n % len(brands)]
        made.add(Product(str(n), f"{brand} {title}", brand, category, []))
    return made


def found(made):
    return {phrase.text: phrase for phrase in phrases.find(made, DESCRIBED)}


KETTLES = [f"Electric Kettle {n} l red" for n in range(1, 8)]
TOASTERS = [f"Long Slot Toaster, {n} W" for n in range(1, 8)]


def test_phrases_end_before_numbers_punctuation_and_colours():
    kept = found(corpus(*KETTLES, *TOASTERS))
    assert {"electric kettle", "long slot toaster"} <= kept.keys()
    assert not {"electric", "slot", "long slot", "kettle red", "red", "l"} & kept.keys()
    assert kept["electric kettle"].titles == 7
    assert kept["electric kettle"].brands == 3


def test_what_one_brand_alone_writes_is_no_kind_of_product():
    series = [f"Zoomaster Kettle {n} l" for n in range(9)]
    kept = found(_mixed(series))
    assert "kettle" in kept and "zoomaster kettle" not in kept


def _mixed(series):
    made = corpus(*[f"Steel Kettle {n} l" for n in range(9)])
    for n, title in enumerate(series):
        made.add(Product(f"s{n}", title, "acme", (), []))
    return made


def test_a_rare_phrase_and_the_tail_of_a_longer_one_are_not_kept():
    kept = found(corpus(*["Hot Water Bottle 2 l"] * 6, "Garden Gnome", "Garden Gnome"))
    assert "hot water bottle" in kept
    assert "water bottle" not in kept and "garden gnome" not in kept


def test_words_of_other_languages_part_names_where_they_are_no_english():
    english = [f"Acrylic Pour Paint {n} l" for n in range(1, 8)]
    whose = ("Para Mujer", "Para Hombre", "Con Cordones")
    spanish = [f"Zapatos {behind} {n}" for behind in whose for n in range(1, 8)]
    kept = found(corpus(*english))
    assert "acrylic pour paint" in kept
    kept = found(corpus(*spanish))
    assert (
        "zapatos" in kept and not {"zapatos para mujer", "para mujer", "con cordones"} & kept.keys()
    )


def test_an_empty_catalogue_has_no_phrases():
    assert phrases.find(Corpus(), DESCRIBED) == []


def test_rules_go_both_ways_or_one(drafts):
    drafts.add("notebook", "list", "a")
    rules = [Rule(("laptop", "notebook"), (), "s:1"), Rule(("ipod",), ("mp3 player",), "s:2")]
    links.add_rules(rules, drafts)
    assert [*drafts.get("laptop").synonyms] == ["laptop"]  # of the term that was there
    assert drafts.get("laptop") is drafts.get("notebooks")
    assert [*drafts.get("ipod").synonyms] == ["mp3 player"]
    assert not drafts.get("mp3 player").synonyms
    assert drafts.get("ipod").synonyms["mp3 player"].counts == {"file": "s:2"}


def test_a_term_stands_below_the_longest_term_that_it_ends_with(drafts):
    for text in ("shoes", "running shoes", "trail running shoe", "shoe rack"):
        drafts.add(text, "list", "a")
    links.add_suffixes(drafts)
    above = {draft.name: [wider.name for wider in draft.above()] for draft in drafts}
    assert above["trail running shoe"] == ["running shoes", "shoes"]
    assert above["shoe rack"] == []


def test_what_stands_behind_a_comma_is_no_broader_term(drafts):
    for text in ("bar", "foo,bar", "snacks, chocolate bar"):
        drafts.add(text, "list", "a")
    links.add_suffixes(drafts)
    above = {draft.name: [wider.name for wider in draft.above()] for draft in drafts}
    assert above == {"bar": [], "foo,bar": [], "snacks, chocolate bar": ["bar"]}


def test_names_of_one_thing_are_not_above_each_other(drafts):
    parts, cpus, cpu = (drafts.add(text, "list", "") for text in ("parts", "cpus", "processor"))
    cpus.put_below(parts, Link("category", 0.9, {}))
    cpu.put_below(cpus, Link("titles", 0.5, {}))
    cpu.add_synonym("cpus", Link("rule", 0.97, {}))
    cpu.leave_equals()
    assert cpu.parent[0] is cpus  # one way only: an ipod is an mp3 player
    cpus.add_synonym("processor", Link("rule", 0.97, {}))
    cpu.leave_equals()
    assert cpu.parent == cpus.parent


def test_categories_are_terms_below_each_other_and_common_names_are_none(drafts):
    paths = [("Pets", "Dogs", "Beds"), ("Baby", "Beds"), ("Home", "Beds")]
    paths += [("Clothing", "Women", "Jeans"), ("Clothing", "Men", "Jeans")]
    general = links.add_categories(paths, drafts)
    assert [*general] == ["beds"] and drafts.get("beds") is None
    jeans = drafts.get("jeans")
    assert (jeans.category, jeans.parent[0].name) == ("Clothing", "clothing")
    assert [wider.name for wider in drafts.get("dogs").above()] == ["pets"]
    assert drafts.get("dog").category == "Pets > Dogs"


def test_titles_show_broader_terms_and_other_names(drafts):
    titles = [f"Patch Lead {n} m networking cable" for n in range(8)]
    titles += [f"Fibre {n} m networking cable" for n in range(12)]
    titles += [f"Patch Fibre {n} x" for n in range(60)]
    made = corpus(*titles)
    for text in ("patch lead", "networking cable"):
        drafts.add(text, "titles", {})
    links.link_titles(Together(made, drafts), drafts)
    [(wider, link)] = [drafts.get("patch lead").parent]
    assert (wider.name, link.kind, link.counts["titles"]) == ("networking cable", "titles", 8)
    assert drafts.get("networking cable").parent is None


def test_queries_after_which_the_same_is_clicked_are_names_of_one_thing(drafts):
    clicks = [Click(query, str(n), 9) for query in ("sneakers", "trainers") for n in range(6)]
    clicks += [Click("lamp", str(n), 9) for n in range(20, 90)]
    clicks += [Click("red sneakers", str(n), 9) for n in range(6)]  # narrower, and a colour
    clicks += [Click("phone 7 case", str(n), 9) for n in range(6)]  # a model's
    clicks += [Click("boots", "1", 9), Click("boots", "2", 9)]  # too few
    links.add_clicks(clicks, drafts, DESCRIBED)
    assert sorted(draft.name for draft in drafts) == ["sneakers", "trainers"]
    link = drafts.get("sneakers").synonyms["trainers"]
    assert link.kind == "clicks" and link.weight > 0.9 and link.counts["products"] == 6
    assert "sneakers" in drafts.get("trainers").synonyms


@pytest.mark.parametrize(
    "query, name",
    [("gillet", None), ("gielt", None), ("gilets men", "gilets men"), ("tank top", "tank top")],
)
def test_a_query_with_a_letter_wrong_is_no_name(drafts, query, name):
    queries = {"gilet": 9, "body warmer": 9, query: 8}
    clicks = [Click(text, f"p{n}", count) for text, count in queries.items() for n in range(6)]
    clicks += [Click(f"other {'abcdef'[n]}", f"q{n}", 9) for n in range(6)]
    links.add_clicks(clicks, drafts, {"red"})
    assert "gilet" in drafts.get("body warmer").synonyms
    assert (query in drafts.get("body warmer").synonyms) == (name is not None)
    assert (drafts.get(query) is None) == (name is None)


@pytest.mark.parametrize(
    "one, other",
    [("kaftan", "caftan"), ("disc sander", "disk sander"), ("kebab", "kebap"), ("vodka", "wodka")],
)
def test_two_spellings_that_are_right_are_names_of_one_thing(drafts, one, other):
    queries = {one: 9, other: 8, "body warmer": 9}
    clicks = [Click(text, f"p{n}", count) for text, count in queries.items() for n in range(6)]
    clicks += [Click(f"other {'abcdef'[n]}", f"q{n}", 9) for n in range(6)]
    links.add_clicks(clicks, drafts, {"red"})
    assert other in drafts.get(one).synonyms
    assert {one, other} <= drafts.get("body warmer").synonyms.keys()


def test_a_spelling_that_hardly_anyone_uses_is_wrong(drafts):
    queries = {"wodka": 40, "wokda": 39, "wodla": 3, "body warmer": 30}
    clicks = [Click(text, f"p{n}", count) for text, count in queries.items() for n in range(6)]
    clicks += [Click(f"other {'abcdef'[n]}", f"q{n}", 9) for n in range(6)]
    links.add_clicks(clicks, drafts, {"red"})
    assert drafts.get("wodka") and not (drafts.get("wodla") or drafts.get("wokda"))


def test_broader_terms_never_make_a_circle(drafts):
    one, other = drafts.add("a b", "list", ""), drafts.add("c d", "list", "")
    one.put_below(other, Link("x", 0.5, {}))
    other.put_below(one, Link("x", 0.9, {}))
    one.put_below(one, Link("x", 0.9, {}))
    assert one.parent[0] is other and other.parent is None


def test_brands_that_are_words_count_only_beside_what_they_sell(drafts):
    made = corpus(*KETTLES, brands=("Equip", "Russell Hobbs", "Zyxel Inc."))
    drafts.add("electric kettle", "titles", {})
    drafts.add("equip", "list", "")
    together = Together(made, drafts)
    brands = facts.brands(made, drafts, [], facts.sold(made, drafts, together))
    by_name = {brand["name"]: brand for brand in brands}
    assert dict(by_name["equip"]["keys"]) == {"equip": True}
    assert {"electric kettle", "electric kettles"} <= set(by_name["equip"]["kinds"])
    assert dict(by_name["russell hobbs"]["keys"]) == {"russell hobbs": False}
    assert by_name["russell hobbs"]["kinds"] == []
    assert dict(by_name["zyxel inc."]["keys"]) == {"zyxel inc": False, "zyxel": False}


def known(name, *keys, content=False):
    forms = [(key, False) for key in keys]
    return {"name": name, "content": content, "keys": forms, "kinds": [], "sells": ["shoes"]}


def test_a_brand_of_the_catalogue_takes_the_other_names_of_the_known_one(drafts):
    made = corpus(*KETTLES, brands=("HP", "Star Wars", "Nike", "Metcon"))
    lists = [
        known("hewlett packard", "hewlett packard", "hp"),
        known("star wars", "star wars", "starwars", content=True),
        known("nike", "nike", "nikes", "metcon"),
        known("puma", "puma"),
    ]
    brands = facts.brands(made, drafts, lists, facts.sold(made, drafts, Together(made, drafts)))
    keys = {brand["name"]: [form for form, _ in brand["keys"]] for brand in brands}
    assert keys["hp"] == ["hp", "hewlett packard"]
    assert keys["star wars"] == ["star wars", "starwars"]
    # a line of a maker that is in the catalogue itself keeps its own name
    assert keys["nike"] == ["nike", "nikes"] and keys["metcon"] == ["metcon"]
    assert keys["puma"] == ["puma"]
    content = [brand["name"] for brand in brands if brand.get("content")]
    assert content == []  # the shop calls it a brand


def test_values_of_known_attributes_are_added_unless_they_name_a_term(drafts):
    made = Corpus()
    for n in range(3):
        given = [("Product colour", "Petrol,Mint"), ("shape", "Round"), ("Colour", f"C{n}")]
        made.add(Product(str(n), "Mint tea", "", (), given))
    drafts.add("mint", "titles", {})
    values = facts.add_values(made, {"values": {"red": ("color", "red")}}, drafts)["values"]
    assert values == {"red": ("color", "red"), "petrol": ("color", "petrol")}


def test_a_short_name_that_is_another_term_is_a_suspect(drafts):
    laptop, computer = drafts.add("laptop", "source", "", "PCs"), drafts.add("computer", "list", "")
    laptop.put_below(computer, Link("source", 0.95, {}))
    for text in ("notebook computer", "portable computer"):
        laptop.add_synonym(text, Link("source", 0.95, {}))
    drafts.add("notebook", "source", "", "Office").titles = 9
    told = ["notebook (9 titles, Office) / notebook computer (laptop, PCs)"]
    assert report.two_senses(drafts) == told
    drafts.get("notebook").put_below(laptop, Link("rule", 0.97, {}))
    assert report.two_senses(drafts) == []


@pytest.mark.parametrize(
    "counts, significant",
    [((8, 10, 10, 1000), True), ((1, 10, 10, 100), False), ((0, 5, 5, 9), False)],
)
def test_the_log_likelihood_ratio_tells_chance_from_more(counts, significant):
    assert (log_likelihood(*counts) > SIGNIFICANT) == significant


def test_few_observations_weigh_less_than_many():
    assert 0 < lower_bound(5, 5) < lower_bound(50, 50) < 1
    assert lower_bound(0, 0) == 0
