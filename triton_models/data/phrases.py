"""Words that only make a sentence, and phrases around what is wanted, by language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from triton_models.data.describe import ASKING


@dataclass(frozen=True)
class Phrases:
    """Of one language.

    Attributes:
        small: words that make a sentence and say nothing else; none where words have no spaces.
        openings: greetings, and beginnings of sentences; what follows them is the matter.
        frames: around a phrase that is no question.
        greetings: before a question.
        asking: words that a question begins with, two of them written as one, and auxiliary verbs;
            of Chinese, what stands anywhere in a question.
        spaced: whether spaces stand between words, and letters have two cases.
    """

    small: frozenset[str]
    openings: tuple[str, ...]
    frames: tuple[str, ...]
    greetings: tuple[str, ...]
    asking: frozenset[str]
    spaced: bool = True

    def bared(self, text: str) -> Iterator[str]:
        """The text, then what is left of it after each opening that it begins with."""
        rest = text.strip().lstrip("¿¡")
        while rest:
            yield rest
            found = self._opening.match(rest)
            rest = rest[found.end() :] if found else ""

    def asks(self, text: str) -> bool:
        """Whether a text is a question, also one behind greetings or openings."""
        low = text.casefold()
        if "?" in low or "？" in low:
            return True
        if not self.spaced:
            return any(word in low for word in self.asking)
        return any(self._begins(_words(rest)) for rest in self.bared(low))

    def may_ask(self, text: str) -> bool:
        """Whether an asking or auxiliary word is left behind the openings: without it, or with
        words in another order, the text may say something else.
        """
        *_, rest = "", *self.bared(text.casefold())
        words = _words(rest)
        pairs = map("".join, zip(words, words[1:], strict=False))
        return not self.asking.isdisjoint((*words, *pairs))

    def _begins(self, words: list[str]) -> bool:
        """Whether words begin as a question does; a single one never asks."""
        return len(words) > 1 and (words[0] in self.asking or "".join(words[:2]) in self.asking)

    @cached_property
    def _opening(self) -> re.Pattern[str]:
        longest_first = sorted(self.openings, key=len, reverse=True)
        end = r"(?![\w'’-])" if self.spaced else ""
        rest = r"[\s,.;:!，。！：]*[¿¡]?"
        return re.compile(rf"(?:{'|'.join(map(re.escape, longest_first))}){end}{rest}", re.I)


def _words(text: str) -> list[str]:
    """The words of a text in lower case, letters and digits alone, as `asking` has them."""
    words = ("".join(filter(str.isalnum, word)) for word in text.split())
    return [word for word in words if word]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


def _list(lines: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in lines.strip().splitlines())


ENGLISH = Phrases(
    _set("""
        a an the i me my we us our you your he she it its they them their this that these those is
        am are was were be been being do does did have has had will would shall should could may
        might can to of so just really very some any please pls thanks thank hi hello hey kindly
        there here i'm i've i'd i'll it's you're we're and
    """),
    (
        *("i would like to know", "i'd like to know", "can you tell me", "could you tell me"),
        *("can you please", "could you please", "i would like to", "i'd like to", "i want to"),
        *("i need to", "can you", "could you", "please", "hi", "hello", "hey", "hi there"),
        *("hello there", "hey there", "good morning", "good afternoon", "good evening", "thanks"),
        *("excuse me", "sorry", "ok", "so", "quick one", "quick question", "i have a question"),
    ),
    _list("""
        hi, {}
        hello {}
        {} please
        {} thanks
        so {}
        ok {}
        hey there {}
        quick one: {}
        please, {}
        {}!
        {}.
    """),
    ("hi, {}", "hello {}", "hey there {}", "quick one: {}", "please, {}"),
    ASKING
    | _set("""
        if whether had might must shall hasnt havent hadnt wasnt werent couldnt wouldnt shouldnt
    """),
)
GERMAN = Phrases(
    _set("""
        der die das den dem des ein eine einen einem einer ich mich mir mein meine meinen wir uns
        unser du dein sie ihr ihre er es ist sind war bin habe hat haben hatte wird werden würde
        kann könnte möchte bitte danke hallo hi guten tag und auch mal doch ja so sehr zu hier da
    """),
    (
        *("ich möchte gerne wissen", "ich möchte wissen", "können sie mir sagen", "kannst du mir"),
        *("ich möchte gerne", "ich möchte", "ich will", "ich brauche", "ich suche", "bitte"),
        *("guten tag", "guten morgen", "guten abend", "hallo", "hi", "hey", "moin", "servus"),
        *("grüß gott", "entschuldigung", "kurze frage", "ich habe eine frage", "also", "danke"),
    ),
    ("hallo, {}", "{} bitte", "{} danke", "guten tag, {}", "bitte {}", "also {}", "{}!", "{}."),
    ("hallo, {}", "guten tag, {}", "kurze frage: {}", "bitte: {}"),
    _set("""
        wer wen wem was wann wo wohin woher warum wieso weshalb wie welche welcher welches welchen
        wieviel ob ist sind bin bist war waren wäre kann kannst können könnt könnte könnten hat habe
        haben habt hast hatte hätte gibt gibts darf dürfen muss müssen soll sollte wird werden würde
        würden möchte
    """),
)
SPANISH = Phrases(
    _set("""
        el la los las un una unos unas yo me mi mis nosotros nos tu tus su sus él ella ellos es son
        era soy estoy está están he ha han había puedo puede quiero quisiera por favor gracias hola
        y también muy tan ya pues buenos buenas días tardes
    """),
    (
        *("me gustaría saber", "quisiera saber", "quiero saber", "puede decirme", "me puede decir"),
        *("me gustaría", "quisiera", "quiero", "necesito", "busco", "por favor", "hola", "buenas"),
        *("buenos días", "buenas tardes", "buenas noches", "disculpe", "disculpa", "perdón"),
        *("oiga", "pues", "una pregunta", "una duda", "tengo una pregunta", "tengo una duda"),
        "gracias",
    ),
    ("hola, {}", "{} por favor", "{} gracias", "buenas, {}", "pues {}", "{}!", "{}."),
    ("hola, {}", "buenas tardes, {}", "una pregunta: {}"),
    _set("""
        qué que quién quien cuándo cuando dónde donde adónde porqué porque cómo como cuál cual
        cuáles cuánto cuanto cuánta cuántos cuántas si es son era está están estoy soy hay puedo
        puede puedes pueden podría podrían podéis tiene tienes tienen tenéis he ha has han había
        quisiera
    """),
)
FRENCH = Phrases(
    _set("""
        le la les un une des du de je me moi mon ma mes nous notre nos vous votre vos tu ton ta il
        elle ils c'est est sont était suis j'ai ai a avons avez ont peux peut pouvez voudrais
        svp merci bonjour salut et aussi très bien alors
    """),
    (
        *("je voudrais savoir", "j'aimerais savoir", "pouvez-vous me dire", "je souhaite savoir"),
        *("je voudrais", "j'aimerais", "je veux", "je cherche", "j'ai besoin de", "bonjour"),
        *("salut", "bonsoir", "coucou", "s'il vous plaît", "svp", "excusez-moi", "pardon", "alors"),
        *("petite question", "une question", "j'ai une question", "merci"),
    ),
    ("bonjour, {}", "{} s'il vous plaît", "{} merci", "salut, {}", "alors {}", "{} !", "{}."),
    ("bonjour, {}", "petite question : {}", "salut, {}"),
    _set("""
        qui que quoi quand où ou pourquoi comment quel quelle quels quelles combien si est estce
        suis sont était peut peux peuton pouvez pouvezvous puisje pourraisje pourriezvous avez
        avezvous avons ai ont ya atil yatil serait
    """),
)
CHINESE = Phrases(
    frozenset(),
    ("我想知道", "请问一下", "请问", "我想要", "我想", "我要", "麻烦", "你好，", "您好，"),
    ("你好，{}", "您好，{}", "{}，谢谢", "我想要{}", "{}！", "{}。"),
    ("你好，{}", "请问，{}", "问一下，{}"),
    _set("吗 呢 什么 怎么 怎样 哪 多少 几 何时 为什么 谁 能不能 可不可以 有没有 是不是"),
    spaced=False,
)
PHRASES = {"en": ENGLISH, "de": GERMAN, "es": SPANISH, "fr": FRENCH, "zh": CHINESE}
