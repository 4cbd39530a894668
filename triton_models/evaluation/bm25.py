"""A catalogue searched by BM25 as Lucene counts it, with English stems."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from triton_models.settings import UsageError

K1, B = 1.2, 0.75  # Lucene's
REMEDY = "pip install 'query-worker[evaluation]', or `make install` in a checkout"


class Index:
    """The documents' words; `scores` gives every document's.

    Raises:
        UsageError: bm25s or PyStemmer is not installed.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        try:
            import bm25s
            import Stemmer
        except ModuleNotFoundError as error:
            raise UsageError(f"{error.name} is not installed: {REMEDY}") from None
        self._stem = Stemmer.Stemmer("english").stemWords
        self._bm25 = bm25s.BM25(k1=K1, b=B, method="lucene")
        self._bm25.index([self._words(text) for text in texts], show_progress=False)
        self.documents = len(texts)

    def scores(self, query: str) -> np.ndarray:
        """BM25 of each document, [documents]; 0 where no word is in it."""
        known = [word for word in self._words(query) if word in self._bm25.vocab_dict]
        return self._bm25.get_scores(known) if known else np.zeros(self.documents, np.float32)

    def _words(self, text: str) -> list[str]:
        return self._stem(re.findall(r"\w+", text.lower()))
