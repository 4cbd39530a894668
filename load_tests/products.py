"""A catalogue of invented products, as large as wanted and the same for the same seed.

The n-th product is of a new kind with probability K * BETA * n ** (BETA - 1), so that n products
have about K * n ** BETA kinds (Heaps' law); else it is of the kind of an earlier product, drawn by
chance, so that kinds are as unequal as in real catalogues (Simon's model of Zipf's law). BETA and
K are those of the phrases (and the brands) of a real catalogue of 19,406 electronics products.

python -m load_tests.products --products 200000 --out products.jsonl.gz
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from pathlib import Path

import click
import orjson

K, BETA = 1.57, 0.66
BRAND_K, BRAND_BETA = 40.0, 0.14
SYLLABLES = [a + b for a in "bcdfgklmnprstv" for b in ("a", "e", "i", "o", "u", "an", "er", "ol")]
COLOURS = ("black", "white", "silver", "red", "blue", "grey")
UNITS = ("cm", "w", "l", "kg", "m")
HEADS_OF_A_DEPARTMENT, NEW_HEAD = 12, 0.3


def products(count: int, seed: int = 7) -> Iterator[dict[str, str]]:
    """Products with id, title, brand and category."""
    draw = random.Random(seed)
    kinds: list[int] = []  # of each product so far
    names: list[tuple[str, int]] = []  # of each kind, with its head
    heads: list[str] = []
    brands: list[str] = []
    for n in range(1, count + 1):
        if not kinds or draw.random() < K * BETA * n ** (BETA - 1):
            if not heads or draw.random() < NEW_HEAD:
                heads.append(_word(draw))
            modifiers = [_word(draw) for _ in range(draw.choice((0, 1, 1, 2)))]
            head = draw.randrange(len(heads))
            names.append((" ".join([*modifiers, heads[head]]), head))
            kinds.append(len(names) - 1)
        else:
            kinds.append(draw.choice(kinds))
        if not brands or draw.random() < BRAND_K * BRAND_BETA * n ** (BRAND_BETA - 1):
            brands.append(_word(draw).capitalize())
        kind, head = names[kinds[-1]]
        yield _product(draw, n, kind, draw.choice(brands), heads[head], head)


def _word(draw: random.Random) -> str:
    return "".join(draw.choice(SYLLABLES) for _ in range(draw.choice((2, 3, 3))))


def _product(
    draw: random.Random, number: int, kind: str, brand: str, head: str, place: int
) -> dict[str, str]:
    model = f"{draw.choice('abcdefgh')}{draw.randrange(100, 9999)}"
    amount = f"{draw.randrange(1, 200)} {draw.choice(UNITS)}"
    department = f"Department {place // HEADS_OF_A_DEPARTMENT}"
    return {
        "id": str(number),
        "title": f"{brand} {model} {kind} {amount} {draw.choice(COLOURS)}",
        "brand": brand,
        "category": f"{department} > {head}",
    }


@click.command()
@click.option("--products", "count", type=click.IntRange(1), default=20_000, show_default=True)
@click.option("--seed", default=7, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
def main(count: int, seed: int, out: Path) -> None:
    """Write a catalogue of invented products as gzipped JSON lines.

    Example: python -m load_tests.products --products 200000 --out products.jsonl.gz
    """
    with gzip.GzipFile(out, "wb", compresslevel=1, mtime=0) as file:
        for product in products(count, seed):
            file.write(orjson.dumps(product, option=orjson.OPT_APPEND_NEWLINE))


if __name__ == "__main__":
    main()
