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
    "sleeveless top": ["sleeve"],  # as other terms say it
    "seedless grapes": ["seed"],
    "tagless wireless bra": ["tag"],
    "strapless corset dress": [],  # a style
    "not your average joe book": [],
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
    "watch that isnt digital": ["digital"],  # known of watches
    "tv thats not smart": ["smart"],
    "jacket that doesn't have a hood": ["hood"],
    "toy that does not need batteries": ["batteries"],
    "candle that doesnt smell of lavender": ["lavender"],
    "earrings i dont want hoops": ["hoops"],
    "do not want leather sofa": ["leather"],
    "watch that isnt working": [],
    "my watch doesnt have a strap": [],
    "i dont want the shoes": [],
    "i dont want these shoes": [],
    "i dont want shoes anymore": [],
    # what somebody says that they do not want
    "don't show me nike shoes": ["nike"],
    "never nike shoes": ["nike"],
    "shoes avoid leather": ["leather"],
    "shoes exclude nike": ["nike"],
    "sofa can't be leather": ["leather"],
    "laptop not interested in apple": ["apple"],
    "dress neither black nor white": ["black", "white"],
    "neither wood nor metal bed frame": ["wood", "metal"],
    "women's shoes, i don't like heels": ["heels"],
    "shoes, nike excluded": ["nike"],
    "nike excluded shoes": ["nike"],
    "tv, samsung not wanted": ["samsung"],
    "bike, electric excluded": ["electric"],
    "kettle that should not be electric": ["electric"],
    # all of a list before it, and none where it is not said which
    "dress, red and blue excluded": ["red", "blue"],
    "adidas, nike, excluded": ["adidas", "nike"],
    "nike and adidas excluded shoes": ["nike", "adidas"],
    "nuts and dairy excluded chocolate": ["nuts", "dairy"],
    "trainers red, nike excluded": ["nike"],
    "red shoes, white excluded": ["white"],
    "porridge, raisins excluded": ["raisins"],
    "dress, red, blue excluded": [],
    "nike, adidas excluded": [],
    "nike excluded": [],
    "iphone 13 excluded": [],
    "is delivery not free": [],
    "milk and sugar excluded": [],
    "laptop apple excluded please": ["apple"],
    "green apple excluded": [],
    "gluten excluded bread": ["gluten"],
    "mattress excluded bed": ["mattress"],
    "sneakers puma not wanted": ["puma"],
    "neither nike nor adidas shoes nor puma": ["nike", "adidas", "puma"],
    # all that describes the thing, up to it or to what belongs to no one thing
    "i don't want black nike shoes": ["black nike"],
    "dont want black leather sofa": ["black leather"],
    "no black nike shoes": ["black nike"],
    "no white cotton sheets": ["white cotton"],
    "no black leather nike shoes": ["black leather nike"],
    "not black nike shoes": ["black"],
    "no nike black shoes": ["nike"],
    "no wool mens sweater": ["wool"],
    "no sugar orange juice": ["sugar"],
    "shoes but no nike": ["nike"],
    "i dont want black shoes anymore": [],
    # where it is worn or stands
    "headphones no in ear": ["in ear"],
    "earbuds not over ear": ["over ear"],
    "no over the knee boots": ["over the knee"],
    "i dont want over ear headphones": ["over ear"],
    "headphones that are not on ear": ["on ear"],
    "speakers not in wall": ["in wall"],
    "no pull on jeans": ["pull on"],
    "my headphones are not on ear": [],
    "sofa not in stock": [],
    # and what they say of something else
    "avoid foods cookbook": [],
    "never buying nike again": [],
    "i do not want to keep the nike shoes i ordered": [],
    "i never received my nike shoes": [],
    "never ending story": [],
    "neither of the shoes fit": [],
    "how to avoid leather": [],
    "people who don't like coffee mug": [],
    "nike shoes excluded": [],
    "batteries excluded": [],
    "julius excluded from heaven": [],
    "gift not included batteries": [],
    "not free delivery": [],
    # a lack that is not wanted
    "milk not lactose free": [],
    "not gluten-free bread": [],
    "not gluten and dairy free bread": [],
    "i want milk that is not fat free": [],
    "not free from gluten": [],
    "gum not sugarless": [],
    "dress not sleeveless": [],
    "not sugar free or fat free yoghurt": [],
    "not boneless or skinless chicken": [],
    "not sleeveless or a dress with sleeves": [],
    # what "or" adds to it
    "not sleeveless or backless dress": ["backless"],
    "not sleeveless nor strapless dress": ["strapless"],
    "not sleeveless or red dress": ["red"],
    # what a shop gives is not what is lacking
    "red shoes without laces free delivery": ["laces"],
    "sofa without arms, free returns": ["arms"],
    "tv not samsung free next day delivery": ["samsung"],
    "shoes not leather or suede free returns": ["leather", "suede"],
    "laptop without windows free upgrade": ["windows"],
    "shoes without laces free gift": ["laces"],
    "leather shoes free express delivery": [],
    "leather boots free upgrade": [],
    "leather boots free two day shipping": [],
    "leather boots free 30 day returns": [],
    "rust free pickup": ["rust"],
    "leather boots free next day home delivery": [],
    "leather shoes, free socks": [],
    "no sugar free delivery": ["sugar"],
    "no nuts and gluten free cookies": ["nuts", "gluten"],
    "no sugar, gluten free cookies": ["sugar"],
    "bra not wireless": ["wireless"],
    # all of a model, a size, a name
    "iphone 13 case not iphone 13 pro": ["iphone 13 pro"],
    "iphone 13 case not iphone 14": ["iphone 14"],
    "case not galaxy s22 ultra or iphone 14": ["galaxy s22 ultra", "iphone 14"],
    "phone case not samsung galaxy s22": ["samsung galaxy s22"],
    "headphones not airpods max": ["airpods max"],
    "cable not usb c usb a": ["usb c"],
    "white shoes not off white": ["off white"],
    "shoes not size 8": ["size 8"],
    # names, and what no thing has
    "not your daughter's jeans": [],
    "no boundaries jeans": [],
    "songs without words mendelssohn": [],
    "no fear shirt": [],
    "feast without fear": [],
    # what has two words
    "tent but not pop up": ["pop up"],
    "no pop up tent": ["pop up"],
    "no clip on earrings": ["clip on"],
    "no touch screen laptop": ["touch screen"],
    "sofa no pull out": ["pull out"],
    "no pull out sofa": ["pull out"],
    "no pull out sofa bed": ["pull out"],
    "no clip on hoop earrings": ["clip on"],
    "shelf no nail holes": ["nail holes"],
    "no spaghetti strap dress": ["spaghetti strap"],
    "no leather phone case": ["leather"],
    "full bed frame no box spring needed": ["box spring"],
    "no touch thermometer": [],
    # how much of it, and what a thing is to do
    "not too heavy laptop": [],
    "bag that isnt too heavy": [],
    "wine not very sweet": [],
    "hair ties no damage": [],
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
        ("shoes not size 8", "8"),
        ("don't show me nike shoes", "nike"),
        ("i don't want black nike shoes", "nike"),
        ("i don't want black nike shoes", "black"),
        ("dress neither black nor white", "white"),
        ("shoes avoid leather", "leather"),
        ("milk not lactose free", "lactose free"),
        ("dress, red, blue excluded", "red"),
        ("nike, adidas excluded", "nike"),
        ("nike excluded", "nike"),
        ("iphone 13 excluded", "iphone 13"),
    ],
)
def test_what_is_excluded_is_no_attribute(lexicon, query, gone):
    assert gone not in [a.value for a in lexicon.read(query).attributes]


@pytest.mark.parametrize("query", ["laptop without charger", "bed without mattress"])
def test_what_is_excluded_is_no_term_and_the_rest_is(lexicon, query):
    [mention] = lexicon.read(query).mentions
    assert mention.start == 0


@pytest.mark.parametrize(
    "query, named",
    [
        ("no wifi baby monitor", ["baby monitor"]),
        ("non wireless headphones", ["headphones"]),
        ("not smart watch", ["watch"]),
        ("-wifi baby monitor", ["baby monitor"]),
        ("not too sweet wine", ["wine"]),
        ("not sugar free gum", ["gum"]),
        ("not sleeveless or backless dress", ["dress"]),
        ("no pull out sofa bed", ["sofa bed"]),
        # names that say what they lack
        ("seedless grapes", ["seedless grapes"]),
        ("alcohol free beer", ["alcohol free beer"]),
        ("non stick frying pan", ["non stick frying pan"]),
        ("wifi baby monitor", ["wifi baby monitor"]),
    ],
)
def test_a_term_with_the_excluded_word_is_not_what_is_asked_for(lexicon, query, named):
    assert [mention.surface for mention in lexicon.read(query).mentions] == named


WORDS = """no not too dont want that isnt up without free -silk nut or and a the leather boots red ,
non seedless delivery w/o for size 8 never neither excluded wanted iphone 13 sleeveless"""


@given(st.lists(st.sampled_from(WORDS.split()), max_size=9).map(" ".join) | st.text(max_size=40))
def test_exclusions_lie_in_the_query_in_order_and_meet_nothing_else(lexicon, text):
    read = lexicon.read(normal_form(text))
    end = 0
    for x in read.exclusions:
        assert end <= x.start < x.end <= len(read.form)
        assert read.form[x.start : x.end] == x.term
        assert not any(a.start < x.end and x.start < a.end for a in read.attributes)
        end = x.end
