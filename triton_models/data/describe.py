"""What can be said of a query in normal form by simple rules: its style, its language.

Rules, not models: they are for counting what a data set is made of, and err on single queries.
"""

from __future__ import annotations

from triton_models.query_text import SCRIPTS


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ASKING = _set(
    "who whom whose what whats when where wheres which why how hows is are am was were do does did"
    " can could will would should has have may isnt arent dont doesnt didnt cant wont"
)
# Who speaks, or what a sentence says of something: their presence makes words a sentence.
SAYING = _set(
    "i im ive id ill my me mine you your we our they it its he she this that these those"
    " is are was were am be been has have had need want wants looking show find give tell get"
    " please would like bought ordered received arrived isnt wasnt dont didnt cant wont"
)
# Words that join others without saying anything: keywords do without them.
JOINING = _set(
    "a an the of for with without to in on at from by and or not no under over than as into"
    " about after before between still never too"
)
FEWEST_OF_A_SENTENCE = 4  # words

_STOP_WORDS = {
    "en": "the and for with is are my of to how what where does can this you not i it",
    "de": "der die das und für mit ich nicht ist ein eine mein meine wie wo wann auf zu kein",
    "fr": "le la les des du une pour avec est je mon ma mes où pas comment dans sur",
    "es": "el los las una para con por mi dónde cómo está quiero del mis es muy",
    "it": "il gli della per con dove come è mio mia sono non che una del",
    "pt": "os uma para com onde como está meu minha não quero do da em",
    "nl": "de het een voor met niet ik waar mijn hoe is van op",
    "pl": "dla nie jest gdzie moje moja jak się na do z",
}
_LANGUAGES: dict[str, list[str]] = {}
for _language, _words in _STOP_WORDS.items():
    for _word in _words.split():
        _LANGUAGES.setdefault(_word, []).append(_language)
UNTOLD = "und"  # ISO 639's code for a language that cannot be told


def style(form: str) -> str:
    """question, sentence, fragment or keywords, of a text in normal form.

    A question ends with "?" or begins with a word that asks. A sentence has at least four words
    and one that says who speaks or what happens. A fragment has a word that joins others
    ("for", "not"). The rest are keywords. A single word never asks.
    """
    words = ["".join(filter(str.isalnum, word)) for word in form.split()]
    if form.endswith("?") or (len(words) > 1 and words[0] in ASKING):
        return "question"
    seen = set(words)
    if len(words) >= FEWEST_OF_A_SENTENCE and seen & SAYING:
        return "sentence"
    return "fragment" if seen & (JOINING | SAYING) else "keywords"


def language(form: str) -> str:
    """ISO 639 code of a text in normal form: by script, else by its stop words, else "und"."""
    if not form.isascii():
        points = [ord(character) for character in form if character.isalpha()]
        for first, last, code in SCRIPTS:  # one Greek letter among others is a unit: μ, Ω
            if sum(first <= point <= last for point in points) >= min(2, max(len(points), 1)):
                return code
    votes: dict[str, int] = {}
    for word in form.replace("?", " ").replace(",", " ").split():
        for code in _LANGUAGES.get(word, ()):
            votes[code] = votes.get(code, 0) + 1
    most = max(votes.values(), default=0)
    best = [code for code, count in votes.items() if count == most]
    known = len(best) == 1 and (most > 1 or best == ["en"])  # "die" is no German by itself
    return best[0] if known else UNTOLD
