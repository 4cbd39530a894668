"""A thing is used where the query says so of it, and not where such a word says something else."""

import pytest

USED = [
    "used sofa",
    "iphone used",
    "looking for a used camera",
    "gently used stroller",
    "second hand wooden table",
    "sofa in good condition",
    "sofa that is in good condition",
    "iphone must be in good condition",
    "used in good condition sofa",
    "used storage bin",
    "used phone case",
    "used gucci bag",
]
NOT_USED = [
    "i used this once",
    "how is this used",
    "can be used outside rug",
    "widely used shampoo",
    "shampoo never used before",
    "car wax to keep paint in excellent condition",
    "brush to keep fur in good condition",
    "arrived in good condition",
    "was not in good condition",
    "my sofa is in good condition",
    # what used things are put in
    "used needle container",
    "used syringes bin",
    "used nappies bin with lid",
    "used cooking oil caddy",
    "used coffee grounds planter",
    # of a watch
    "watch with second hand",
    "watch with a second hand",
    "watch with sweeping second hand",
]


@pytest.mark.parametrize("query", [*USED, *NOT_USED])
def test_what_is_used(lexicon, query):
    said = [a.value for a in lexicon.read(query).attributes if a.name == "condition"]
    assert said == ["used"] * (query in USED)
