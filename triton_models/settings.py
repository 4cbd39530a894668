"""What all parts of the models' side agree on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

LANGUAGES = ("en", "de", "es", "fr", "zh")  # that typos and styles are known of
LABELS = ("purchase", "browse", "inquiry", "complaint", "other")
MAX_LENGTH = 64  # tokens, special ones included, of a model that was not trained for another
SHORTEST_BUCKET = 8  # tokens
MAX_BATCH_SIZE = 256  # rows that a served model takes in one call

PACKAGE = Path(__file__).parent
DEV_SETS = PACKAGE / "evaluation"  # what the starter models are judged by
STARTER = PACKAGE / "starter"
DEV = "dev.jsonl"  # the dev side of a run, beside its checkpoint


def buckets(longest: int) -> tuple[int, ...]:
    """The lengths, in tokens, that batches are padded to: 8, 16, 32 … and `longest`."""
    found, bucket = [], SHORTEST_BUCKET
    while bucket < longest:
        found.append(bucket)
        bucket *= 2
    return (*found, longest)


def starter(kind: str) -> Path:
    """The folder of the starter model of a kind; the intent model has the tags."""
    return STARTER / ("intent" if kind == "tagging" else kind)


def quoted(label: str) -> str:
    """A label in a list of a message, where one with a comma would read as two."""
    return repr(label) if "," in label else label


def listed(labels: Iterable[str], most: int | None = None) -> str:
    """Labels in a message, at most so many of them."""
    found = list(labels)
    more = ", …" if most and len(found) > most else ""
    return ", ".join(map(quoted, found[:most])) + more


def foreign(place: Path, marker: str, *ours: str) -> bool:
    """Whether something is there that may not be replaced: a file, or a folder without `marker`.
    The files `ours` do not count.
    """
    if not place.is_dir():
        return place.exists()
    return not (place / marker).is_file() and any(file.name not in ours for file in place.iterdir())


class UsageError(Exception):
    """Something the user gave is wrong; the message is one line and names the remedy."""


@contextmanager
def usable(place: Path, remedy: str) -> Iterator[None]:
    """Turns what a library raises over a user's file into a UsageError that names it."""
    try:
        yield
    except UsageError:
        raise
    except Exception as error:  # ONNX Runtime, tokenizers, safetensors, …: no other common base
        told = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UsageError(f"{place}: cannot be used ({told}); {remedy}") from None
