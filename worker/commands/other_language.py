"""Whether a catalogue is in a language that neither the lexicon nor its models are for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from worker.understanding.language import language

FEWEST = 10  # titles


def other_language(
    titles: Sequence[str], served: Collection[str], default: str, entries: Collection[str]
) -> list[str]:
    """A sentence with the remedy where most titles are in another language; [] if they are not.

    Args:
        titles: in lower case.
        served: languages of the queries that the lexicon is for.
        default: the language of titles that show none.
        entries: languages with models or a lexicon of their own.
    """
    codes = Counter(language(title, None, default) for title in titles)
    [(code, count)] = codes.most_common(1) or [("", 0)]
    if count < FEWEST or 2 * count <= len(titles) or code in served:
        return []
    found = f"titles: {count / len(titles):.0%} are in the language {code!r}; this lexicon and its"
    found += f" models are for {', '.join(sorted(served))} and serve no queries in {code}"
    remedy = f"build it with --language {code}"
    if code not in entries:
        remedy = f"make an entry [languages.{code}] with models for it, and {remedy}"
    return [f"{found}; {remedy} (docs/models.md, several languages)"]
