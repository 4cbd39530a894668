"""What a query asks for where none of its words is a term that names it: "shun knife", "moen 5995".

Told by what its brand sells, if that is of one category, by nearest terms that end with one of the
query's words, or by nearly all of the nearest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from worker.lexicon.heads import naming
from worker.lexicon.lexicon import Lexicon
from worker.lexicon.reading import Mention, Reading

# Of evidence.NEAREST terms: how many tell, if they end as the query does, and if they do not.
FEWEST_ALIKE = 4
FEWEST, LEAST_SIMILARITY = 7, 0.75


class Unnamed:
    """Of one query.

    Args:
        nearest: the terms whose vectors are nearest, best first.

    Attributes:
        heads: the term of the query that nearest terms confirm, though other words stand behind it:
            "lipstick crushed berry"; empty if there is none.
        path: the category of nearest terms that end with a word of the query; "" if they differ.
    """

    def __init__(self, lexicon: Lexicon, read: Reading, nearest: Sequence[int]) -> None:
        self._lexicon, self._read, self._nearest = lexicon, read, nearest
        self._word, self.path = self._alike()
        self.heads = [mention for mention in read.mentions if self._is_confirmed(mention)][-1:]

    def _alike(self) -> tuple[str, str]:
        """The word of the query that many of the nearest terms end with, and their category."""
        ends = [(self._lexicon.head_of(i), self._lexicon.category(i)) for i in self._nearest]
        for word in naming(self._read):
            paths = [path for end, path in ends if end == word]
            if len(paths) > 1:
                [(path, count)] = Counter(paths).most_common(1)
                return (word, path) if count >= FEWEST_ALIKE else ("", "")
        return "", ""

    def _is_confirmed(self, mention: Mention) -> bool:
        return (
            self._lexicon.category(mention.term_id) == self.path
            and self._lexicon.profile(mention.surface).head == self._word
        )

    def category(self, similarity: Sequence[float]) -> str:
        """The category of what is asked for, "" if nothing tells.

        Args:
            similarity: cosines of the nearest terms.
        """
        if path := self._lexicon.sold(self._read) or self.path:
            return path
        paths = Counter(map(self._lexicon.category, self._nearest))
        [(path, count)] = paths.most_common(1) or [("", 0)]
        return path if count >= FEWEST and similarity[0] >= LEAST_SIMILARITY else ""
