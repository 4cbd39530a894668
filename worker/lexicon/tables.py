"""Reads and checks `words.toml` and `attributes.toml`.

words.toml
plurals         singular = irregular plural
plural_only     words whose singular is another thing
spellings       lists of words that are one in different spellings

attributes.toml
[color]         value = words for it; so too [material] [gender] [age] [size] [pattern] [shape]
                [condition]
[unit.size]     unit = ways to write it behind a number; so too [unit.quantity]
[count.size]    the same of what is counted; so too [count.quantity]
[modifiers]     words: belong to a colour that follows
[[beside]]      words: count only beside a term of `departments`, or of any but `except`
[[materials]]   words: colours that are a material next to a term of `departments` ("ruby ring")
[idioms]        phrases: nothing in them is an attribute
[fixed]         phrases: a "no", "free" or "-less" in them excludes nothing; "no" or "non" with one
                word behind is a style
[treated]       words: what stands before them is what they are for, not what they are made of
[surfaces]      words: behind a material what the thing that follows is for ("wood floor protector")
[things]        words: materials that are things where nothing follows them ("boba straw")
[before]        name = words: nothing that stands before these is a value of that name
[worded]        departments: a colour beside their terms alone is a name's, as in "john green books"
[uncolored]     departments: before their terms a colour is a kind, as in "brown rice"
[[whose]]       values: of a gender or an age; shelves: category = the one of things for them
[persons]       a word of [gender] or [age], without marks, = another that says the same of whom a
                thing is for: before it (kids = "childrens"), and behind "for" or a thing
                ("for kids" = "for children")
[same]          words, without marks, = others that say the same of any thing, except of those of
                [worded]
[models]        lines: a number behind them is a model's ("iphone 7"); whole: models without one;
                suffixes: may follow it; others: a number behind them is neither a model's nor an
                amount ("omega 3")
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from worker.errors import Fault
from worker.lexicon.words import Spelling, key


def _lower(text: str) -> str:
    if not text or text != text.lower():
        raise ValueError("lower-case text")
    return text


_Text = Annotated[str, AfterValidator(_lower)]
Values = dict[str, list[_Text]]
Units = dict[Literal["size", "quantity"], Values]
VALUES = ("color", "material", "gender", "age", "size", "pattern", "shape", "condition")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Words(_Table):
    plurals: dict[str, str] = {}
    plural_only: list[str] = []
    spellings: list[list[str]] = []


class _Rule(_Table):
    words: list[Annotated[str, AfterValidator(_lower)]]
    departments: list[str] | None = None
    others: list[str] | None = Field(None, alias="except")

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.departments is None) == (self.others is None):
            raise ValueError("words, and either departments or except")
        return self


class _Materials(_Table):
    words: list[Annotated[str, AfterValidator(_lower)]]
    departments: list[str]


class _Whose(_Table):
    values: list[Annotated[str, AfterValidator(_lower)]]
    shelves: dict[str, str]


class _Attributes(_Table):
    color: Values = {}
    material: Values = {}
    gender: Values = {}
    age: Values = {}
    size: Values = {}
    pattern: Values = {}
    shape: Values = {}
    condition: Values = {}
    unit: Units = {}
    count: Units = {}
    modifiers: Values = {}
    beside: list[_Rule] = []
    materials: list[_Materials] = []
    idioms: Values = {}
    fixed: Values = {}
    treated: Values = {}
    surfaces: Values = {}
    things: Values = {}
    before: dict[
        Literal["color", "material", "gender", "age", "size", "pattern", "shape", "condition"],
        list[str],
    ] = {}
    worded: dict[Literal["departments"], list[str]] = {}
    uncolored: dict[Literal["departments"], list[str]] = {}
    whose: list[_Whose] = []
    persons: dict[_Text, _Text] = {}
    same: dict[_Text, _Text] = {}
    models: Values = {}


Read = TypeVar("Read", bound=_Table)


def read_spelling(path: Path, faults: list[Fault]) -> Spelling:
    """How words vary; what is wrong goes to `faults`."""
    read = _read(path, _Words, faults)
    groups = tuple(map(tuple, read.spellings))
    return Spelling(read.plurals, frozenset(read.plural_only), groups)


def read_tables(
    path: Path, spelling: Spelling, paths: Set[str] | None, faults: list[Fault]
) -> dict[str, Any]:
    """The tables as `Attributes` takes them; what is wrong goes to `faults`.

    Args:
        paths: the categories that the tables may name; None for any.
    """
    spelt = not faults  # else a word may be unknown for want of its spelling
    read = _read(path, _Attributes, faults)
    values = {
        form: (name, value)
        for name in VALUES
        for value, texts in getattr(read, name).items()
        for form in _forms(texts, spelling)
    }
    found = [*_twice(read), *_unknown_categories(read, paths)]
    found += _never_found(read, values if spelt else None)
    faults += [Fault(path.name, *fault) for fault in found]
    idioms = _forms(read.idioms.get("phrases", []), spelling)
    return {
        "values": values | {form: ("", "") for form in idioms},
        "units": _measures(read.unit),
        "counts": _measures(read.count),
        "modifiers": _forms(read.modifiers.get("before", []), spelling),
        "markers": _forms(read.modifiers.get("after", []), spelling),
        "fixed": _forms(read.fixed.get("phrases", []), spelling),
        "treated": _forms(read.treated.get("words", []), spelling),
        "surfaces": _forms(read.surfaces.get("words", []), spelling),
        "things": _forms(read.things.get("words", []), spelling),
        "before": {name: _forms(words, spelling) for name, words in read.before.items()},
        "worded": read.worded.get("departments", []),
        "uncolored": read.uncolored.get("departments", []),
        "whose": [(item.values, item.shelves) for item in read.whose],
        "persons": read.persons,
        "same": read.same,
        "models": read.models,
        "materials": [
            {"words": _forms(item.words, spelling), "departments": item.departments}
            for item in read.materials
        ],
        "beside": [
            {
                "words": _forms(rule.words, spelling),
                "only": rule.others is None,
                "departments": rule.departments if rule.others is None else rule.others,
            }
            for rule in read.beside
        ],
    }


def _read(path: Path, kind: type[Read], faults: list[Fault]) -> Read:
    try:
        return kind.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        for item in error.errors():
            place = ".".join(map(str, item["loc"]))
            expected = item["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
            if item["type"] == "extra_forbidden":
                expected = "a key that is known"
            remedy = "correct it, or leave it out"
            faults.append(Fault(path.name, f"{place} = {item['input']!r:.60}", expected, remedy))
    except (OSError, ValueError) as error:
        faults.append(Fault(path.name, str(error), "TOML in UTF-8", "correct the file"))
    return kind()


def _forms(texts: Iterable[str], spelling: Spelling) -> list[str]:
    """The keys of the texts, in every spelling."""
    forms = dict.fromkeys(map(key, texts))
    return list(forms | dict.fromkeys(other for f in forms for other in spelling.spellings(f)))


def _measures(tables: dict[str, dict[str, list[str]]]) -> dict[str, tuple[str, str]]:
    return {
        text: (name, unit)
        for name, units in tables.items()
        for unit, texts in units.items()
        for text in texts
    }


def _unknown_categories(
    read: _Attributes, paths: Set[str] | None
) -> Iterator[tuple[str, str, str]]:
    """Categories that no file has: what was found, what is expected, and the remedy."""
    if paths is None:
        return
    departments = {path.split(" > ")[0] for path in paths}
    beside = {name for rule in read.beside for name in rule.departments or rule.others}
    materials = {name for item in read.materials for name in item.departments}
    whose = {path for item in read.whose for pair in item.shelves.items() for path in pair}
    for table, kind, strange in (
        ("beside", "department", beside - departments),
        ("materials", "department", materials - departments),
        ("whose", "category", whose - paths),
    ):
        for name in sorted(strange):
            yield f"[[{table}]] {name!r}", f"a {kind} of the source files", "correct the name"


def _never_found(
    read: _Attributes, values: Mapping[str, tuple[str, str]] | None
) -> Iterator[tuple[str, str, str]]:
    """What of [persons] and [same] would never be found: words with marks, and words for a person
    that no gender and no age has; these are not judged where `values` is None."""
    for table, texts in (("persons", read.persons), ("same", read.same)):
        for said in texts:
            place, word = f"[{table}] {said!r}", said.removeprefix("for ")
            if said != key(said):
                yield place, "words without marks", f"write {key(said)!r}"
            elif table == "persons" and values is not None:
                names = {values.get(text, ("",))[0] for text in (word, said)}
                if " " in word or names.isdisjoint(("gender", "age")):
                    yield place, "a word of [gender] or [age]", "add it there, or correct"


def _twice(read: _Attributes) -> Iterator[tuple[str, str, str]]:
    """Texts that stand for two values."""
    seen: dict[str, str] = {}
    for name in VALUES:
        for value, texts in getattr(read, name).items():
            for text in texts:
                place = f"[{name}] {value}"
                first = seen.setdefault(key(text), place)
                if first != place:
                    yield f"{text!r} in {place}", "each text for one value", f"also in {first}"
