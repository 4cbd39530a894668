"""The same query in another style: keywords, a fragment, a question or sentence, another case.

Rules that keep the meaning, so that a label stays right: words that only make a sentence go, or
come; negations, question words and everything that names a thing stay.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from triton_models.data import describe
from triton_models.query_text import normal_form

# They make a sentence, and say nothing else.
SMALL_WORDS = """
a an the i me my we us our you your he she it its they them their this that these those is am
are was were be been being do does did have has had will would shall should could may might can
to of so just really very some any please pls thanks thank hi hello hey kindly there here i'm
i've i'd i'll it's you're we're and
"""
SMALL = frozenset(SMALL_WORDS.split())
OPENINGS = (  # of sentences; what follows them is the matter
    "i would like to know",
    "i'd like to know",
    "can you tell me",
    "could you tell me",
    "can you please",
    "could you please",
    "i would like to",
    "i'd like to",
    "i want to",
    "i need to",
    "can you",
    "could you",
    "please",
    "hi",
    "hello",
)
FRAMES = (
    "hi, {}",
    "hello {}",
    "{} please",
    "{} thanks",
    "so {}",
    "ok {}",
    "hey there {}",
    "quick one: {}",
    "please, {}",
    "{}!",
    "{}.",
)
GREETINGS = ("hi, {}", "hello {}", "hey there {}", "quick one: {}", "please, {}")


def restyle(text: str, rng: random.Random) -> str:
    """The text in a style drawn at random; as it was where nothing would be left of it.

    A question stays one: "is it waterproof?" asks about a product, "waterproof" looks for some.
    """
    styles = OF_QUESTIONS if describe.style(normal_form(text)) == "question" else STYLES
    return rng.choice(styles)(text, rng) or text


def keywords(text: str, rng: random.Random) -> str:
    """Only the words that name something, in their order."""
    words = [word.strip(".,;:!?\"'") for word in text.split()]
    return " ".join(word for word in words if word and word.casefold() not in SMALL)


def fragment(text: str, rng: random.Random) -> str:
    """Without its opening and without the sign at its end."""
    bare = text.strip().rstrip(".!?")
    for opening in OPENINGS:
        if bare.casefold().startswith(opening + " "):
            bare = bare[len(opening) :].lstrip(" ,")
    return bare


def sentence(text: str, rng: random.Random) -> str:
    """Inside a phrase that people put around what they want."""
    return rng.choice(FRAMES).format(text.strip().rstrip(".!?"))


def polite(text: str, rng: random.Random) -> str:
    """A question with a greeting before it."""
    return rng.choice(GREETINGS).format(text.strip())


def case(text: str, rng: random.Random) -> str:
    """All large, all small, or every word with a large first letter."""
    return rng.choice((str.upper, str.lower, str.title))(text)


def order(text: str, rng: random.Random) -> str:
    """Two neighbours change places."""
    words = text.split()
    if len(words) > 1:
        i = rng.randrange(len(words) - 1)
        words[i : i + 2] = words[i + 1], words[i]
    return " ".join(words)


def spacing(text: str, rng: random.Random) -> str:
    """A space lost between two words, or doubled."""
    words = text.split()
    if len(words) < 2:
        return text
    i = rng.randrange(1, len(words))
    return " ".join(words[:i]) + rng.choice(("", "  ")) + " ".join(words[i:])


STYLES: tuple[Callable[[str, random.Random], str], ...] = (
    *(keywords, keywords, fragment, sentence),
    *(case, order, spacing),
)
OF_QUESTIONS: tuple[Callable[[str, random.Random], str], ...] = (polite, case, spacing)
