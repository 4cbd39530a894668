"""In which language a student is misspelled: the one that was given, or that of its teachers."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from triton_models.data.typos import CHINESE, OTHER_LANGUAGE, WITHOUT_SETS
from triton_models.settings import UsageError
from triton_models.training.course import refuse
from triton_models.training.run_card import language_of


def settled(args: argparse.Namespace, teachers: Sequence[Path]) -> argparse.Namespace:
    """The options of `distil` with --language, and with it --confusions, as the teachers' records
    say them where they are not given.

    Raises UsageError for teachers of several languages, for Chinese typos without sets, and
    for sets in another language.
    """
    given = vars(args).copy()
    if not args.language:
        found = [language_of(folder) for folder in teachers]
        names = sorted({one["language"] for one in found})
        if len(names) > 1:
            raise UsageError(
                f"the teachers are of several languages ({', '.join(names)}): give --language"
            )
        given["language"] = names[0]
        sets = dict.fromkeys(file for one in found for file in one["confusions"])
        given["confusions"] = args.confusions or list(sets) or None
    chinese = given["language"] == CHINESE
    refuse(
        (
            chinese and args.misspelled and not given["confusions"],
            f"{WITHOUT_SETS}, or --misspelled 0",
        ),
        (args.confusions and not chinese, OTHER_LANGUAGE),
    )
    return argparse.Namespace(**given)
