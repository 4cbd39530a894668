"""The settings of a language that has models or a lexicon of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import field_validator

from worker.config.models import EVERY
from worker.config.part import Part
from worker.config.secrets import Properties, Table

# Names what [inference] and [lexicon] say, where others are named by their language.
DEFAULT = ""
_CODES = """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da
    de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz
    ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln
    lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi
    pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti
    tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
ISO_639_1 = frozenset(_CODES.split())


def of_kinds(names: Properties) -> Properties:
    """Names of models, which are by kind."""
    if odd := [kind for kind in names if kind not in EVERY]:
        found = ", ".join(odd)
        raise ValueError(f"kinds of model: {', '.join(EVERY)}", f"correct {found}", found)
    return names


class Language(Part):
    """What is left out is as in `[inference]` and `[lexicon]`."""

    lexicon: Path | None = None
    """Folder of its built lexicon; default: `lexicon.folder`."""
    names: Table | None = None
    """Names of its models by kind, e.g. `intent = "intent_de"`; default: `inference.names`."""
    models: Path | None = None
    """Folder of its models, the same that Triton serves; default: `inference.models`."""
    tagging: bool | None = None
    """Ask its model `tagging`; default: `inference.tagging`."""

    @field_validator("names")
    @classmethod
    def _of_kinds(cls, value: Properties | None) -> Properties | None:
        return value if value is None else of_kinds(value)

    @property
    def inference(self) -> dict[str, object]:
        """What it has in the place of settings of `[inference]`."""
        own = {"names": self.names, "models": self.models, "tagging": self.tagging}
        return {key: value for key, value in own.items() if value is not None}


def check_entries(languages: Mapping[str, Language], default: str, shared: Collection[str]) -> None:
    """Refuse entries that would answer nothing, or something else than is meant.

    Args:
        default: `understanding.default_language`.
        shared: `understanding.languages`.
    """
    for code, own in languages.items():
        if not is_code(code):
            expected = "languages by their ISO 639 code (de, pt, zh)"
            raise ValueError(expected, f"write [languages.CODE] for [languages.{code}]", repr(code))
        if code == default:
            expected = f"other languages than understanding.default_language ({code})"
            remedy = f"let [inference] and [lexicon] say what [languages.{code}] says"
            raise ValueError(expected, remedy, code)
        if code in shared:
            expected = f"languages that the default models and lexicon do not serve ({code})"
            remedy = f"take {code} out of understanding.languages, or leave out [languages.{code}]"
            raise ValueError(expected, remedy, code)
        if not own.model_fields_set:
            expected = f"something of its own in [languages.{code}]"
            remedy = f"set its lexicon, names or models, or put {code} into understanding.languages"
            raise ValueError(expected, remedy)


def is_code(text: str) -> bool:
    """Whether a text is, or may be, the code of a language: those of three letters are many."""
    if len(text) == 2:
        return text in ISO_639_1
    return len(text) == 3 and text.isascii() and text.isalpha() and text.islower()
