"""Lines of the files that a lexicon is made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from unicodedata import normalize

from worker.errors import Fault


def lines(file: Path, faults: list[Fault]) -> Iterator[tuple[str, str]]:
    """The place of each line that is not empty, such as `shoes.txt:7`, and its text, without its
    comment; none of a file that cannot be read, which goes to `faults`.
    """
    try:
        texts = normalize("NFKC", file.read_text(encoding="utf-8")).splitlines()
    except OSError as error:
        remedy = "make it one, or remove it"
        faults.append(Fault(file.name, str(error.strerror), "a text file", remedy))
        return
    except UnicodeDecodeError as error:
        faults.append(Fault(file.name, str(error), "UTF-8 text", "save it as UTF-8"))
        return
    for number, text in enumerate(texts, 1):
        if text := text.split("#", 1)[0].strip():
            yield f"{file.name}:{number}", text


def is_repeated(
    places: dict[str, str], name: str, place: str, expected: str, faults: list[Fault]
) -> bool:
    """Whether a name stands in an earlier line, too, which then goes to `faults`.

    Args:
        places: of the names before, by their keys; takes this one up.
        name: its key.
    """
    first = places.setdefault(name, place)
    if first != place:
        remedy = f"also in line {first.rpartition(':')[2]}"
        faults.append(Fault(place, repr(name), expected, remedy))
    return first != place
