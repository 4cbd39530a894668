"""What the starter tables read out of queries."""

import orjson
import pytest

from worker.lexicon.attributes import once

# query: (name, value, text in the query) …
FOUND = {
    # colours, shades, modifiers
    "red running shoes": [("color", "red", "red")],
    "crimson scarf": [("color", "red", "crimson")],
    "light blue jeans": [("color", "blue", "light blue")],
    "dark navy blue suit": [("color", "blue", "dark navy blue")],
    "off-white curtains": [("color", "white", "off-white")],
    "grey hoodie": [("color", "gray", "grey")],
    "olive green jacket": [("color", "green", "olive green")],
    "rose gold watch": [("color", "rose gold", "rose gold")],
    "multi-coloured lights": [("color", "multicolor", "multi-coloured")],
    "black and white dress": [("color", "black", "black"), ("color", "white", "white")],
    # in which condition, also where a term's own name says it
    "refurbished laptop": [("condition", "refurbished", "refurbished")],
    "second hand books": [("condition", "used", "second hand")],
    "used textbooks": [("condition", "used", "used")],
    "sofa in good condition": [("condition", "used", "good condition")],
    "cream used for acne": [],
    "watch with second hand": [],
    "watch with a second hand": [],
    # a colour that is part of another thing
    "red wine": [],
    "red wine glasses": [],
    "black tea": [],
    "orange juice": [],
    "coloured pencils": [],
    "black friday deals": [],
    # words that are colours only beside a thing
    "orange sneakers": [("color", "orange", "orange")],
    "phone case orange": [("color", "orange", "orange")],
    "orange": [("brand", "orange", "orange")],
    "chocolate leather sofa": [
        ("color", "brown", "chocolate"),
        ("material", "leather", "leather"),
    ],
    "protein powder chocolate": [],
    "please clear my history": [],
    "boots in tan": [("color", "beige", "tan")],
    "coffee-colored hair clips": [("color", "brown", "coffee-colored")],
    "chandelier with bronze finish": [("color", "bronze", "bronze finish")],
    "tea with cream": [],
    # materials
    "black leather jacket": [("color", "black", "black"), ("material", "leather", "leather")],
    "leather jackets": [("material", "leather", "leather")],
    "stainless steel lunch box": [("material", "stainless steel", "stainless steel")],
    "wooden train set": [("material", "wood", "wooden")],
    "faux leather sofa": [("material", "faux leather", "faux leather")],
    "14k gold necklace": [("material", "gold", "14k gold")],
    "glass water bottle": [("material", "glass", "glass")],
    "shoes with leather soles": [],
    "wood finish table": [],
    "crochet sweater": [("material", "crochet", "crochet")],
    "garnet ring": [("material", "garnet", "garnet")],
    "emerald cut ring": [("shape", "emerald", "emerald cut")],
    "opal and turquoise earrings": [
        ("material", "opal", "opal"),
        ("material", "turquoise", "turquoise"),
    ],
    "turquoise dress": [("color", "teal", "turquoise")],
    "turquoise bikini with necklace": [("color", "teal", "turquoise")],
    "bikini with turquoise necklace": [("material", "turquoise", "turquoise")],
    "necklace turquoise": [("material", "turquoise", "turquoise")],
    "silver necklace": [("material", "silver", "silver")],
    "rose gold hoop earrings": [("material", "rose gold", "rose gold")],
    "gold dress": [("color", "gold", "gold")],
    "black and gold necklace": [("color", "black", "black"), ("color", "gold", "gold")],
    "gold and silver necklace": [("material", "gold", "gold"), ("material", "silver", "silver")],
    "gold jewelry box": [("color", "gold", "gold")],
    "terracotta planter": [("material", "terracotta", "terracotta")],
    "terracotta dress": [("color", "orange", "terracotta")],
    "garnet sweater": [("color", "burgundy", "garnet")],
    "helmet black series": [],
    "khaki sneakers": [("color", "beige", "khaki")],
    "khaki green sneakers": [("color", "green", "khaki green")],
    "full size crib": [("size", "full", "full size")],
    "big kids sneakers": [("age", "kids", "big kids")],
    "size 11-11.5 boots": [("size", "11-11.5", "size 11-11.5")],
    "female usb adapter": [],
    "glass cleaner": [],
    "aluminium ladder": [("material", "aluminum", "aluminium")],
    "antique brass door handle": [("color", "brass", "antique brass")],
    "gold plated bracelet": [("material", "gold plated", "gold plated")],
    "toddler clogs vinyl": [("age", "toddler", "toddler"), ("material", "plastic", "vinyl")],
    "plastic blorf spoon": [("material", "plastic", "plastic")],
    # words that say nothing of the thing: it is for another, has a scent or a part, is a title
    "wood floor cleaner": [],
    "wood stain oak": [],
    "floor paint oak": [],
    "oak table": [("material", "oak", "oak")],
    "metal floor lamp": [("material", "metal", "metal")],
    "magnets for stainless steel": [],
    "bubble tea straw": [],
    "candle linen scent": [],
    "clean cotton candle": [],
    "steel toe boots": [],
    "olive green books": [],
    "dear girls": [],
    "leggings girls": [("gender", "girls", "girls")],
    "ice tea green": [],
    "candy pink clogs": [("color", "pink", "pink")],
    "detangler brush for natural black hair": [],
    "black tanning lotion": [],
    "tempered glass protection": [],
    "t shirt alpaca design": [],
    "faucet satin nickel finish": [("color", "nickel", "satin nickel finish")],
    "copper lamp": [("color", "copper", "copper")],
    # colours that no table has
    "granite colored jeans": [("color", "granite", "granite colored")],
    "coffee colored jeans": [("color", "brown", "coffee colored")],
    # no size
    "m.2 shirt": [],
    "m-65 jacket": [],
    "jacket l-tall": [("size", "large", "l")],
    "dress m-l": [("size", "medium", "m"), ("size", "large", "l")],
    "s-3xl dress": [("size", "small", "s"), ("size", "xxx-large", "3xl")],
    "regular fit jeans": [],
    # gender and age
    "mens slim fit jeans": [("gender", "men", "mens")],
    "women's leather wallet": [
        ("gender", "women", "women's"),
        ("material", "leather", "leather"),
    ],
    "gift for her": [("gender", "women", "for her")],
    "kids shoes": [("age", "kids", "kids")],
    "juniors jeans": [("age", "teens", "juniors")],
    "baby spinach": [],
    "frozen baby carrots": [],
    "baby back ribs": [],
    "baby socks": [("age", "baby", "baby")],
    "baby monitor": [],
    "toddler girl sandals": [("age", "toddler", "toddler"), ("gender", "girls", "girl")],
    "toys for 1 year old boy": [("age", "1 year", "1 year old"), ("gender", "boys", "boy")],
    "toys for 5-year-olds": [("age", "5 years", "5-year-olds")],
    "3-6 months bodysuit": [("age", "3-6 months", "3-6 months")],
    "ages 4 to 8": [("age", "4-8 years", "ages 4 to 8")],
    "puzzle ages 3+": [("age", "3+ years", "ages 3+")],
    "2 year warranty": [],
    "24 months financing": [],
    "male to female adapter": [],
    # sizes
    "black dress m": [("color", "black", "black"), ("size", "medium", "m")],
    "bike helmet size m": [("size", "medium", "size m")],
    "tops in size large": [("size", "large", "size large")],
    "wide pants in a large": [("size", "large", "large")],
    "hoodie xl": [("size", "x-large", "xl")],
    "size 10.5 boots": [("size", "10.5", "size 10.5")],
    "uk 8 heels": [("size", "uk 8", "uk 8")],
    "heels size 8 uk": [("size", "uk 8", "size 8 uk")],
    "hiking boots eu42": [("size", "eu 42", "eu42")],
    "contact us 24/7": [],
    "jeans 32x34": [("size", "32x34", "32x34")],
    "jeans w32 l34": [("size", "w32 l34", "w32 l34")],
    "34 waist jeans": [("size", "waist 34", "34 waist")],
    "34b bra": [("size", "34b", "34b")],
    "queen mattress": [("size", "queen", "queen")],
    "king size duvet cover": [("size", "king", "king size")],
    "king of hearts": [],
    "california king sheets": [("size", "california king", "california king")],
    "twin over full bunk bed": [("size", "twin over full", "twin over full")],
    "queen blorf duvet cover": [("size", "queen", "queen")],
    "mens sneakers 10.5": [("gender", "men", "mens"), ("size", "10.5", "10.5")],
    "walking shoes 11 wide": [("size", "11", "11")],
    "sneakers 2": [],
    "9 size sandals": [("size", "9", "9 size")],
    "38 ddd bra": [("size", "38ddd", "38 ddd")],
    "3/8 drill bit": [("size", "3/8 inch", "3/8")],
    "1 5/8 drain stopper": [("size", "1 5/8 inch", "1 5/8")],
    "fleece 1/4 zip": [("material", "fleece", "fleece")],
    "iphone xs max case": [("model", "iphone xs max", "iphone xs max")],
    "case for iphone x": [("model", "iphone x", "iphone x")],
    "big dog bed": [("size", "large", "big")],
    "4k tv 55 inch": [("size", "55 inch", "55 inch")],
    "55in tv": [("size", "55 inch", "55in")],
    'tv 55"': [("size", "55 inch", '55"')],
    "2 in 1 laptop": [],
    "only 5 in stock": [],
    "rug 5 x 8 ft": [("size", "5x8 ft", "5 x 8 ft")],
    "frame 30 cm x 40 cm": [("size", "30x40 cm", "30 cm x 40 cm")],
    "1/2 inch drill bit": [("size", "1/2 inch", "1/2 inch")],
    "garden hose 20m": [("size", "20 m", "20m")],
    "winter tires 205/55 r16": [("size", "205/55 r16", "205/55 r16")],
    "iphone 14 128gb blue": [
        ("model", "iphone 14", "iphone 14"),
        ("size", "128 gb", "128gb"),
        ("color", "blue", "blue"),
    ],
    "three seater sofa": [("size", "3 seater", "three seater")],
    "two-person tent": [("size", "2 person", "two-person")],
    # quantities
    # patterns and shapes
    "tartan boxer shorts": [("pattern", "plaid", "tartan")],
    "long sleeve striped": [("pattern", "striped", "striped")],
    "leopard heels": [("pattern", "leopard", "leopard")],
    "floral dress": [("pattern", "floral", "floral")],
    "tie-dyed duvet cover": [("pattern", "tie dye", "tie-dyed")],
    "plain pants": [("pattern", "plain", "plain")],
    "chevron rug": [("pattern", "chevron", "chevron")],
    "oval rug": [("shape", "oval", "oval")],
    "oval shaped rug": [("shape", "oval", "oval shaped")],
    "star-shaped cookie cutter": [("shape", "star", "star-shaped")],
    "u-shaped pillow": [("shape", "u", "u-shaped")],
    "tablecloth round": [("shape", "round", "round")],
    "heart necklace": [("shape", "heart", "heart")],
    "princess cut ring": [("shape", "princess", "princess cut")],
    "press on nails almond": [("shape", "almond", "almond")],
    # what is called like one
    "floral scent candle": [],
    "floral foam": [],
    "leopard gecko": [],
    "plain yogurt": [],
    "checked luggage": [],
    "chevron oil": [],
    "round neck t shirt": [],
    "round trip luggage": [],
    "square toe boots": [],
    "combination square": [],
    "square foot gardening": [],
    "heart rate watch": [],
    "year round duvet": [],
    "almond milk": [],
    "odd shaped pan": [],
    # within the name of a term
    "glass kettle": [("material", "glass", "glass")],
    "mini fridge": [("size", "mini", "mini")],
    "fold down desk": [],
    "paper shredder": [],
    "small animal cage": [],
    # sides
    "70 by 55 inch rug": [("size", "70x55 inch", "70 by 55 inch")],
    "12  by 8 foot backdrop": [("size", "12x8 ft", "12  by 8 foot")],
    "8-by-10 photo": [("size", "8x10", "8-by-10")],
    "pillow in 30 x 20 size": [("size", "30x20", "30 x 20")],
    "81/2 x 11 paper": [("size", "8.5x11", "81/2 x 11")],
    "31/2 inch nails": [("size", "3.5 inch", "31/2 inch")],
    "jeans 38w x 29l": [("size", "w38 l29", "38w x 29l")],
    "curtains 55 w x 72 l": [("size", "55x72", "55 w x 72 l")],
    'cabinet 28"l x 14.6"w x 29"h': [("size", "28x14.6x29 inch", '28"l x 14.6"w x 29"h')],
    "table 30w 48l": [("size", "30x48", "30w 48l")],
    "thunder 125cc atv": [("quantity", "125 cc", "125cc")],
    "3xl button down": [("size", "xxx-large", "3xl")],
    "3 x 1 box": [("size", "3x1", "3 x 1")],
    "one by one": [],
    # how thick, how old, on which screen; what is none of it
    "28g wire": [("size", "28 gauge", "28g")],
    "2 gauge cable": [("size", "2 gauge", "2 gauge")],
    "9/32 drill bit": [("size", "9/32 inch", "9/32")],
    "baby dress size 24 months": [("age", "baby", "baby"), ("size", "24 months", "size 24 months")],
    "15.6 laptop bag": [("size", "15.6 inch", "15.6")],
    "55 smart tv": [("size", "55 inch", "55")],
    "shoes size16": [("size", "16", "size16")],
    "motor oil 5w-30": [("style", "5w-30", "5w-30")],
    "fire 8 tablet": [],
    "carrots,1.4 oz": [("quantity", "1.4 oz", "1.4 oz")],
    "3 port usb hub": [("quantity", "3 port", "3 port")],
    "4372-58cc-4372": [],
    "50cc engine": [("quantity", "50 cc", "50cc")],
    "big and tall ripped shorts": [("size", "big and tall", "big and tall")],
    "pump medium heel": [],
    "pack of six socks": [("quantity", "6 pack", "pack of six")],
    "6-pack socks": [("quantity", "6 pack", "6-pack")],
    "pack of 2 in lemon": [("quantity", "2 pack", "pack of 2")],
    "pack of 4 oz candles": [("quantity", "4 oz", "4 oz")],
    "2 x 500ml shampoo": [("quantity", "2x500 ml", "2 x 500ml")],
    "2 liter water bottle": [("quantity", "2 l", "2 liter")],
    "1,5 litre kettle": [("quantity", "1.5 l", "1,5 litre")],
    "coffee beans 1kg": [("quantity", "1 kg", "1kg")],
    "power bank 20,000 mah": [("quantity", "20000 mah", "20,000 mah")],
    "chandelier with 8 lights": [("quantity", "8 light", "8 lights")],
    "60w bulb": [("quantity", "60 w", "60w")],
    "40-60 l backpack": [("quantity", "40-60 l", "40-60 l")],
    "5g phone": [],
    # none
    "where is my order": [],
    "how are you": [],
}


@pytest.mark.parametrize("query", FOUND)
def test_attributes(lexicon, query):
    found = lexicon.read(query).attributes
    assert [(a.name, a.value, query[a.start : a.end]) for a in found] == FOUND[query]


@pytest.mark.parametrize("word", ["red wine glasses", "light up shoes", "mens wide leather belt"])
def test_no_mention_is_lost_to_an_attribute(lexicon, word):
    assert lexicon.read(word).mentions


def test_at_least_60_colors_and_materials(starter):
    values = starter.attributes["values"].items()
    assert sum(name == "color" for _, (name, _) in values) >= 60
    assert len({value for _, (name, value) in values if name == "material"}) >= 60


def test_what_a_query_says_twice_is_published_once(lexicon):
    found = once(lexicon.read("nike red shoes red nike blue").attributes)
    assert [(a.name, a.value) for a in found] == [
        ("brand", "nike"),
        ("color", "red"),
        ("color", "blue"),
    ]


def test_json(lexicon):
    assert orjson.loads(orjson.dumps(lexicon.read("red hat").attributes)) == [
        {"name": "color", "value": "red", "start": 0, "end": 3}
    ]


@pytest.mark.parametrize("query", ["iphone-xr case", "case for my iphone xr", "iphone xr"])
def test_a_model_without_a_digit_is_found_behind_any_mark(lexicon, query):
    assert ("model", "iphone xr") in {(a.name, a.value) for a in lexicon.read(query).attributes}
