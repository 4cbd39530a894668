"""The same query in another style: keywords, a fragment, a question or sentence, another case.

Rules that keep the meaning, so that a label stays right: words that only make a sentence go, or
come; negations, question words and everything that names a thing stay. Chinese, which writes
neither spaces nor cases, is put into other phrases alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from triton_models.data import describe
from triton_models.data.phrases import ENGLISH, PHRASES, Phrases
from triton_models.query_text import normal_form

ENDS = ".!?。！？"


def restyle(text: str, rng: random.Random, language: str = "en") -> str:
    """The text in a style drawn at random; as it was where nothing would be left of it.

    A question stays one: "is it waterproof?" asks about a product, "waterproof" looks for some.
    """
    phrases = PHRASES[language]
    asks = phrases.asks(text) or (
        language == "en" and describe.style(normal_form(text)) == "question"
    )
    styles = OF_QUESTIONS if asks else STYLES
    if not phrases.spaced:
        styles = (polite,) if asks else (fragment, sentence)
    return rng.choice(styles)(text, rng, phrases) or text


def keywords(text: str, rng: random.Random, phrases: Phrases = ENGLISH) -> str:
    """Only the words that name something, in their order."""
    words = [word.strip(".,;:!?¿¡\"'") for word in text.split()]
    return " ".join(word for word in words if word and word.casefold() not in phrases.small)


def fragment(text: str, rng: random.Random, phrases: Phrases = ENGLISH) -> str:
    """Without its opening and without the sign at its end."""
    bare = text.strip().rstrip(ENDS)
    for opening in phrases.openings:
        if bare.casefold().startswith(opening + (" " if phrases.spaced else "")):
            bare = bare[len(opening) :].lstrip(" ,，")
    return bare


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
STYLES: tuple[Style, ...] = (*(keywords, keywords, fragment, sentence), *(case, order, spacing))
OF_QUESTIONS: tuple[Style, ...] = (polite, case, spacing)
