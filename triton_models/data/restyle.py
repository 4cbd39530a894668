"""The same query in another style: keywords, a fragment, a question or sentence, another case.

Rules that keep the meaning, so that a label stays right: words that only make a sentence go, or
come; negations, question words and everything that names a thing stay. A question keeps all its
words in their order: "is it waterproof?" asks about a product, "waterproof" looks for some. So does
a text that has an asking or auxiliary word somewhere, since it may ask. Chinese, which writes
neither spaces nor cases, is put into other phrases alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from triton_models.data.phrases import ENGLISH, PHRASES, Phrases

ENDS = ".!?。！？"


def restyle(text: str, rng: random.Random, language: str = "en") -> str:
    """The text in a style drawn at random; as it was where nothing would be left of it."""
    phrases = PHRASES[language]
    asks = phrases.asks(text)
    if not phrases.spaced:
        styles = (polite,) if asks else (fragment, sentence)
    elif asks:
        styles = OF_QUESTIONS
    else:
        styles = STYLES if not phrases.may_ask(text) else WHOLE
    return rng.choice(styles)(text, rng, phrases) or text


def keywords(text: str, rng: random.Random, phrases: Phrases = ENGLISH) -> str:
    """Only the words that name something, in their order."""
    words = [word.strip(".,;:!?¿¡\"'") for word in text.split()]
    return " ".join(word for word in words if word and word.casefold() not in phrases.small)


def fragment(text: str, rng: random.Random, phrases: Phrases = ENGLISH) -> str:
    """Without its openings and without the sign at its end."""
    *_, rest = "", *phrases.bared(text.strip().rstrip(ENDS))
    return rest


def sentence(text: str, rng: random.Random, phrases: Phrases = ENGLISH) -> str:
    """Inside a phrase that people put around what they want."""
    return rng.choice(phrases.frames).format(text.strip().rstrip(ENDS))


def polite(text: str, rng: random.Random, phrases: Phrases = ENGLISH) -> str:
    """A question with a greeting before it."""
    return rng.choice(phrases.greetings).format(text.strip())


def case(text: str, rng: random.Random, phrases: Phrases = ENGLISH) -> str:
    """All large, all small, or every word with a large first letter."""
    return rng.choice((str.upper, str.lower, str.title))(text)


def order(text: str, rng: random.Random, phrases: Phrases = ENGLISH) -> str:
    """Two neighbours change places."""
    words = text.split()
    if len(words) > 1:
        i = rng.randrange(len(words) - 1)
        words[i : i + 2] = words[i + 1], words[i]
    return " ".join(words)


def spacing(text: str, rng: random.Random, phrases: Phrases = ENGLISH) -> str:
    """A space lost between two words, or doubled."""
    words = text.split()
    if len(words) < 2:
        return text
    i = rng.randrange(1, len(words))
    return " ".join(words[:i]) + rng.choice(("", "  ")) + " ".join(words[i:])


Style = Callable[[str, random.Random, Phrases], str]
WHOLE: tuple[Style, ...] = (fragment, sentence, case, spacing)  # all words, in their order
STYLES: tuple[Style, ...] = (*WHOLE, keywords, keywords, order)
OF_QUESTIONS: tuple[Style, ...] = (polite, case, spacing)
