"""Words that tell which term of a query names the thing that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from worker.lexicon.words import stem, word_set

SHORTEST_FOREIGN = 4  # letters
JOINED = frozenset({"and", "or"})
AGAINST = frozenset({"vs", "versus"})
NAMED_TOGETHER = JOINED | AGAINST  # between two of a kind
# Words that name nothing.
EMPTY = word_set("""
    a an the any some my our your his her their this that these those i you we they it is are
    was be do does did have has had can could would should will may looking look find need
    want buy get sell stock order cheap cheapest best good great nice new sale deal deals
    offer offers online please shop store stores price prices near me uk us usa review reviews
    top rated quality affordable popular unique cool cute pretty lovely beautiful stylish
    modern set sets pack pair where what which how show compare vs something anything there
    not no free and or all size only clearance discount official original genuine branded
    brand style type kind max min more less very too so really quite
    hi hello hey except excluding minus anything nothing but other than apart each about around up
    between
    least most maximum minimum
""")
# What a thing is like, where it stands behind it: "smart watch waterproof".
LIKE = word_set("""
    waterproof soft elegant firm casual formal vintage retro rustic portable foldable folding
    adjustable rechargeable electric manual cordless wireless wired wide narrow slim fitted loose
    tight thick thin long short high low heavy light lightweight strong sturdy durable warm cool
    comfortable comfy cosy cozy fluffy fuzzy funny fancy sexy plain striped floral printed
    patterned solid matte shiny glitter sparkly waisted sleeved healthy organic natural fresh used
    refurbished unlocked indoor outdoor commercial industrial professional mini compact clear
    washable reusable disposable powered automatic smart double single round square oval xmas
    christmas halloween easter birthday wedding party summer winter spring autumn fall
    lined deep wide tall easy care carton multipack hanging standing freestanding mounted built
    stackable handheld magnetic digital synthetic elastic dark sweet ultra pro daily classic fit cut
    heavy duty core slip sole soles toe heel arch sleeve sleeves length height waist weight front
    back left right side buckle zip pockets teeth feet sensitive damaged lasting resistant
    cancelling canceling noise loss operated powered included certified ingredients flavor flavour
    flavored flavoured scent bulk made edition bluetooth wifi usb running hiking camping gym workout
    swim yoga sports travel gaming school office home kitchen bathroom bedroom dining living room
    laundry garage patio garden dogs cats indoors outdoors windows olds pattern patterns design
    sport certified approved entry chiffon lace leg hair skin scalp extra
""")
# Things that, behind another one, are what it is for, tastes of, comes with or in: "case iphone 8".
MINOR = word_set("""
    iphone ipad ipod macbook airpods airpod kindle ps3 ps4 ps5 xbox pc computer laptop ram ssd led
    battery batteries chocolate espresso lemon vanilla almond strawberry peppermint cherry paperback
    hardcover denim spring screw feather freezer flag clasp hood lid lids handle straw bike car
    truck motorcycle boat tablets capsules
""")
# What a query may name that a thing is for, behind words that nobody knows: "elden ring ps5".
PLATFORMS = word_set("ps3 ps4 ps5 xbox")
# What titles are sold as.
MEDIA = word_set("""
    book books paperback hardback hardcover dvd cd audiobook ebook novel textbook workbook poster
""")
# What things are sold in: "bag of rice", "dog food 40 lb bag".
HOLDERS = word_set("""
    bag bags bottle bottles box boxes pack packs packet packets jar jars can cans tin tins cup cups
    tub tubs carton cartons case cases sachet sachets pouch pouches tube tubes roll rolls bundle
    bucket buckets sack sacks bundles
""")
# Behind a thing they make a quality of it: "plant based", "strawberry flavored".
OF_A_QUALITY = word_set("""
    based free flavor flavored flavour flavoured color colored colour coloured scented shaped lined
    printed filled operated covered coated framed powered inspired themed friendly proof resistant
    sized patterned infused scent style styled
""")
# Behind "to" they say that the thing before it is only connected: "monitor to hdmi adapter".
LINKING = word_set("""
    adapter adapters adaptor adaptors converter converters cable cables cord cords splitter lead
    connector connectors hub dongle
""")
# What a thing is like, in two words: "light fixture flush mount".
LIKE_PAIRS = frozenset({
    ("flush", "mount"), ("wall", "mount"), ("ceiling", "mount"), ("pull", "out"), ("plug", "in"),
    ("clip", "on"), ("slip", "on"), ("pull", "on"), ("push", "button"), ("touch", "screen"),
    ("pop", "up"), ("lace", "up"), ("zip", "up"), ("button", "up"), ("built", "in"),
    ("usb", "a"), ("usb", "b"), ("usb", "c"), ("type", "a"), ("type", "b"), ("type", "c"),
})  # fmt: skip
# Where a thing is worn or stands, behind one of the words before it: "over the ear", "in wall".
AT_PLACES = word_set("in on over under above off behind around")
PLACES = word_set("""
    ear ears knee knees shoulder shoulders head neck calf ankle desk sink counter cabinet door wall
    ceiling bed range
""")
# What is done with a thing, so that the thing itself is not asked for: "wedding ring hire".
DEEDS = word_set("""
    hire rental rentals rent repair repairs repairing service services servicing installation
    installer removal recycling disposal lesson lessons course courses class classes tutorial
    tutorials engraving alterations insurance instructions jobs
""")
# Things for other things: "hot tub mat", "screen door lock".
FOR_THINGS = word_set("""
    accessory adapter attachment bag base basket battery belt blade bolt book box bracket brush
    bulb cable cage cap cart case chain chair charger clamp cleaner clip clock combo connector
    container control controller cord cover cutter decor decoration dispenser display door
    fastener figure filter fitting foam frame game gasket guard handle hanger heater helmet holder
    hook hose insert key kit knob lamp latch leg lid light liner lock machine maker mask mat mold
    motor mount mug nut organizer ornament pack pad panel part pedal piece pin plate plug post
    poster pouch protector pump rack refill remote repair replacement rest ring rod roller rope
    rug sensor sheet shelf shirt sign skin skirt sleeve socket software spray spring stand sticker
    stool storage strap string switch table tank tape timer tool topper toy track trailer tray
    trim tube valve vent wall washer wheel wire wrap wrapper wrench
""")
VERSIONS = word_set("""
    pro max plus mini air ultra lite note fold flip edge series gen generation edition tab phone
""")
# Words of other languages such as "for" or "with" that English has, too: "pour over coffee maker".
ABROAD = word_set("aus mit pour sans para con sin per met")
# Those that English has not: what stands beside them is seldom misspelt English.
ONLY_ABROAD = word_set("ohne senza zonder avec für fuer und voor moins menos meno")
# Persons in other languages that English has, too.
PERSONS_ABROAD = word_set("femme donna hombre hombres bambino kinder herren dames")
# English words beside them that no list of ordinary words has.
AT_HOME = word_set("""
    bento camo carne chili colored donut jewelry kombucha matcha pajamas queso theater
    watercolor whiskey
""")
# These split a query only behind a term: "bag of rice", but not "phantom of the opera costume".
LOOSE = word_set("of to on in by at as like near") | ABROAD


def past_place(keys: Sequence[str], first: int) -> int:
    """One past the last word of where a thing is worn or stands, "over the knee", that begins with
    word `first`; `first` where none does."""
    if first == len(keys) or keys[first] not in AT_PLACES:
        return first
    last = first + 1 + (keys[first + 1 : first + 2] == ["the"])
    return last + 1 if last < len(keys) and keys[last] in PLACES else first


def is_foreign(word: str, is_ordinary: Callable[[str], bool]) -> bool:
    """Whether a word is of another language than English; short ones may be abbreviations: "bbq".

    Args:
        is_ordinary: whether a word is an English one.
    """
    if word in PERSONS_ABROAD:
        return True
    if word in AT_HOME or word in ABROAD or len(word) < SHORTEST_FOREIGN or not word.isalpha():
        return False
    return not (is_ordinary(word) or is_ordinary(stem(word)))
