"""Open English WordNet's nouns that a shop may sell: synonyms and hypernyms."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from triton_models.data.sources import open_file

FILES = ("artifact", "food", "substance")
FIELD = re.compile(r"^  (members|hypernym):$")


@dataclass(frozen=True)
class Synset:
    """Words of one meaning, and the ids of the more general meanings."""

    members: tuple[str, ...]
    hypernyms: tuple[str, ...]


def read_synsets(data: Path) -> dict[str, Synset]:
    """The synsets by id. Reads the few fields it needs: the files are plain, flat YAML."""
    found: dict[str, Synset] = {}
    for name in FILES:
        fields: dict[str, list[str]] = {}
        key, field = "", ""
        for line in open_file(data, f"wordnet/noun.{name}.yaml").read_text().splitlines():
            if line and line[0] not in " -":
                fields = {"members": [], "hypernym": []}
                key = line.rstrip(":")
            elif line.startswith("  - ") and field:
                fields[field].append(line[4:].strip().strip("'\"").lower())
                found[key] = Synset(tuple(fields["members"]), tuple(fields["hypernym"]))
            else:
                match = FIELD.match(line)
                field = match.group(1) if match else ""
    return {key: synset for key, synset in found.items() if synset.members}


def synonym_pairs(data: Path) -> list[tuple[str, str]]:
    """Pairs of words of one meaning; only words with at most two meanings, to be sure of it."""
    synsets = read_synsets(data).values()
    meanings = Counter(word for synset in synsets for word in synset.members)
    pairs = []
    for synset in synsets:
        clear = [word for word in synset.members if meanings[word] <= 2 and len(word) > 2]
        pairs += [(a, b) for a, b in zip(clear, clear[1:], strict=False)]
    return pairs
