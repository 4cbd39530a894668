"""Words that only make a sentence, and phrases around what is wanted, by language."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Phrases:
    """Of one language.

    Attributes:
        small: words that make a sentence and say nothing else; none where words have no spaces.
        openings: of sentences; what follows them is the matter.
        frames: around a phrase that is no question.
        greetings: before a question.
        asking: words that a question begins with; of Chinese, that stand anywhere in one.
        spaced: whether spaces stand between words, and letters have two cases.
    """

    small: frozenset[str]
    openings: tuple[str, ...]
    frames: tuple[str, ...]
    greetings: tuple[str, ...]
    asking: frozenset[str] = frozenset()
    spaced: bool = True

    def asks(self, text: str) -> bool:
        """Whether a text is a question."""
        low = text.casefold().strip()
        if low.endswith(("?", "？")):
            return True
        if not self.spaced:
            return any(word in low for word in self.asking)
        words = low.lstrip("¿").split()
        return len(words) > 1 and words[0] in self.asking


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
        *("i need to", "can you", "could you", "please", "hi", "hello"),
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
        *("guten tag", "hallo"),
    ),
    ("hallo, {}", "{} bitte", "{} danke", "guten tag, {}", "bitte {}", "also {}", "{}!", "{}."),
    ("hallo, {}", "guten tag, {}", "kurze frage: {}", "bitte: {}"),
    _set("""
        wer was wann wo wohin woher warum wieso weshalb wie welche welcher welches wieviel ist sind
        kann könnt könnte können kannst hat haben habt gibt darf muss soll wird werden
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
        *("me gustaría", "quisiera", "quiero", "necesito", "busco", "por favor", "hola"),
    ),
    ("hola, {}", "{} por favor", "{} gracias", "buenas, {}", "pues {}", "{}!", "{}."),
    ("hola, {}", "buenas tardes, {}", "una pregunta: {}"),
    _set("""
        qué que quién quien cuándo cuando dónde donde por cómo como cuál cual cuáles cuánto cuanto
        cuántos es son está están hay puedo puede pueden tiene tienen
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
        *("salut", "s'il vous plaît"),
    ),
    ("bonjour, {}", "{} s'il vous plaît", "{} merci", "salut, {}", "alors {}", "{} !", "{}."),
    ("bonjour, {}", "petite question : {}", "salut, {}"),
    _set("""
        qui que quoi quand où ou pourquoi comment quel quelle quels quelles combien est est-ce
        peut-on puis-je pouvez-vous avez-vous y
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
