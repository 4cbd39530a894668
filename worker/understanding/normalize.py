"""The normal form of a query, and its language.

Two queries with one normal form get one enrichment: it is the cache's key, the models' input
and what attribute offsets count in.
"""

from __future__ import annotations

import re
import unicodedata

# Function words that tell Latin-script shoppers' languages apart; words that two of the
# languages (or English) share are left out.
_WORDS = {
    "de": "der das und für mit nicht ich ist ein eine einen zum zur wie wo mein meine günstig "
    "günstige schuhe kaufen rot schwarz kein keine bestellung lieferung",
    "fr": "le les des du une pour avec est où je mon ma mes pas cher acheter comment pouvez "
    "chaussures livraison commande noir rouge femme homme",
    "es": "el los las una para con por dónde donde está mi quiero comprar cómo zapatos zapatillas "
    "barato baratos pedido envío rojo negro mujer hombre",
    "it": "il gli della delle per con dove è mio voglio comprare come scarpe economiche ordine "
    "spedizione rosso nero donna uomo",
    "pt": "os uma para com onde está meu minha quero comprar tênis sapatos barato pedido entrega "
    "vermelho preto mulher homem não",
    "nl": "de het een voor met niet ik waar mijn goedkoop goedkope schoenen kopen bestelling "
    "levering rood zwart vrouw",
    "pl": "dla nie jest gdzie moje moja buty tanie kupić zamówienie dostawa czerwony czarny",
}
_LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _line in _WORDS.items():
    for _word in _line.split():
        _LANGUAGES_OF.setdefault(_word, []).append(_language)

_SCRIPTS = (  # first and last code point of the script's main blocks
    (0x3040, 0x30FF, "ja"),
    (0xAC00, 0xD7AF, "ko"),
    (0x4E00, 0x9FFF, "zh"),
    (0x0370, 0x03FF, "el"),
    (0x0400, 0x04FF, "ru"),
    (0x0590, 0x05FF, "he"),
    (0x0600, 0x06FF, "ar"),
    (0x0900, 0x097F, "hi"),
    (0x0E00, 0x0E7F, "th"),
)

_MARKS = re.compile("[™®©℠]")
_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅐⅛⅜⅝⅞⅑⅒"
_FRACTION = re.compile(f"(?<=[0-9{_VULGAR}])[{_VULGAR}]|[{_VULGAR}](?=[0-9])")


def normal_form(text: str) -> str:
    """NFKC, lower case, no control or format characters, single spaces; may be empty.

    Marks such as ™ go; fractions stay numbers of their own: 7½ is "7 1/2".
    """
    if not (text.isascii() and text.isprintable()):
        text = _MARKS.sub("", _FRACTION.sub(r" \g<0> ", text)).replace("\u2044", "/")
        text = unicodedata.normalize("NFKC", "".join(map(_visible, text)))
        text = unicodedata.normalize("NFKC", text.lower())  # ǰ is one letter, and J̌ is two
        text = text.replace("\u2044", "/")
    return " ".join(text.lower().split())


def _visible(character: str) -> str:
    kind = unicodedata.category(character)
    if kind == "Cc":
        return " "
    return "" if kind[0] == "C" else character


def language(form: str, locale: str | None, default: str) -> str:
    """ISO 639 code: the locale's if it names one, else by script and function words.

    Latin-script queries without a telling word are taken for `default`.
    """
    if locale:
        tag = locale.replace("_", "-").split("-")[0].lower()
        if tag.isascii() and tag.isalpha() and 2 <= len(tag) <= 3:
            return tag
    if form.isascii():
        return _by_words(form, default)
    points = [ord(character) for character in form]
    for first, last, code in _SCRIPTS:
        if any(first <= point <= last for point in points):
            return code
    return _by_words(form, default)


def _by_words(form: str, default: str) -> str:
    votes: dict[str, int] = {}
    for word in form.split():
        for code in _LANGUAGES_OF.get(word, ()):
            votes[code] = votes.get(code, 0) + (2 if len(word) >= 5 else 1)
    best = max(votes, key=votes.__getitem__, default=default)
    return best if votes.get(best, 0) >= 2 else default
