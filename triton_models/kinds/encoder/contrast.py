"""The encoder's loss: each query finds its document among those of the batch and hard ones.

Multiple-negatives ranking (Henderson et al. 2017), in both directions, on as many leading parts
of the vectors as are to stand alone (Matryoshka, Kusupati et al. 2022). A document that is judged
to belong to a query, however little, is never a negative for it, nor is the query itself, in
whatever case they are written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from triton_models.data.typos import typos_of
from triton_models.kinds.encoder.network import VectorModel
from triton_models.query_text import normal_form
from triton_models.training.inputs import answers, asked, device, misspelled, tensors
from triton_models.training.judged import Pairs

AT_ONCE = 256  # pairs whose documents are ranked together


@dataclass(frozen=True)
class Lesson:
    """How the loss is made.

    Attributes:
        sizes: of the leading parts of a vector that are learned besides all of it.
        temperature: what cosines are divided by.
        hard: documents mined for each pair; 0 for none.
        every: mined anew before every so many epochs.
        keep: weight of the distance to the starting model's vectors.
        misspelled: share of the queries that are read with a typo.
        language, confusions: of the typos; see `data.typos`.
        parts: that the texts of a batch are read in, to save memory; each query is still set
            against all documents of the batch.
    """

    sizes: tuple[int, ...] = ()
    temperature: float = 0.05
    hard: int = 1
    every: int = 1
    keep: float = 0.0
    misspelled: float = 0.0
    parts: int = 1
    language: str = "en"
    confusions: tuple[str, ...] = ()


def vectors(network: VectorModel, tokenizer: Tokenizer, texts: Sequence[str]) -> Tensor:
    """Unit vectors, float32 [texts, width], in the order of the texts, prompts included."""
    return answers(network, network, tokenizer, texts)


class Mined:
    """The hard negatives of every matching pair, mined with the network itself.

    For a pair these are the documents to learn from that score highest for its query, without
    those judged to belong to it, and without those that score above its own document: likely
    matches that nobody judged. One that is judged not to belong (grade 0) may score as it likes.
    """

    def __init__(
        self, network: VectorModel, tokenizer: Tokenizer, pairs: Pairs, lesson: Lesson
    ) -> None:
        self.network, self.tokenizer, self.pairs, self.lesson = network, tokenizer, pairs, lesson
        self.documents = list(dict.fromkeys(p.term for p in pairs.learned))
        self.place = {text: i for i, text in enumerate(self.documents)}
        self.alike: dict[str, list[int]] = defaultdict(list)  # the documents of a normal form
        for i, text in enumerate(self.documents):
            self.alike[normal_form(text)].append(i)
        self.found: list[list[int]] = [[] for _ in pairs.positives]

    def of(self, row: int) -> list[str]:
        """The hard negatives of a matching pair."""
        return [self.documents[i] for i in self.found[row]]

    def before(self, epoch: int) -> None:
        if self.lesson.hard and (epoch - 1) % self.lesson.every == 0:
            self.mine()

    def mine(self) -> None:
        positives = self.pairs.positives
        forms = asked([p.query for p in positives])
        row = {form: i for i, form in enumerate(dict.fromkeys(forms))}
        prompts = self.network.sentence.prompts
        queries = vectors(self.network, self.tokenizer, prompts.queries(row))
        documents = vectors(self.network, self.tokenizer, prompts.documents(self.documents))
        for start in range(0, len(positives), AT_ONCE):
            part = positives[start : start + AT_ONCE]
            scores = queries[[row[form] for form in forms[start : start + AT_ONCE]]] @ documents.T
            for i, pair in enumerate(part):
                self.found[start + i] = self.hardest(scores[i], pair.query, pair.term)

    def hardest(self, scores: Tensor, query: str, document: str) -> list[int]:
        """The documents, by their scores for a query, that are hard negatives for its pair."""
        form = normal_form(query)
        allowed = scores < scores[self.place[document]]
        for term, grade in self.pairs.grades[form].items():
            allowed[self.alike[term]] = grade == 0
        allowed[self.alike.get(form, [])] = False
        best = torch.where(allowed, scores, -torch.inf).topk(min(self.lesson.hard, len(scores)))
        return [i for i in best.indices.tolist() if allowed[i]]

    def state(self) -> list[list[int]]:
        return self.found

    def resume(self, state: list[list[int]]) -> None:
        self.found = state


class Contrast:
    """The mean loss of a batch of indices of the matching pairs."""

    def __init__(
        self,
        network: VectorModel,
        tokenizer: Tokenizer,
        pairs: Pairs,
        lesson: Lesson,
        mined: Mined,
    ) -> None:
        self.network, self.tokenizer, self.pairs = network, tokenizer, pairs
        self.lesson, self.mined = lesson, mined
        self.typos = typos_of(lesson.language, lesson.confusions)
        self.weights = torch.tensor([pairs.weight(p) for p in pairs.positives])
        forms = asked([p.query for p in pairs.positives])
        self.prompts = network.sentence.prompts
        texts = [*self.prompts.queries(forms), *self.prompts.documents(mined.documents)]
        self.row = {text: i for i, text in enumerate(dict.fromkeys(texts))}
        self.start = vectors(network, tokenizer, list(self.row)) if lesson.keep else None

    def __call__(self, rows: list[int]) -> Tensor:
        pairs = [self.pairs.positives[i] for i in rows]
        queries = [p.query for p in pairs]
        own = [p.term for p in pairs]
        documents = list(dict.fromkeys([*own, *(d for i in rows for d in self.mined.of(i))]))
        typed = asked(misspelled(queries, self.lesson.misspelled, self.typos))
        said = self.read(self.prompts.queries(typed))
        found = self.read(self.prompts.documents(documents))
        column = {text: i for i, text in enumerate(documents)}
        right = torch.tensor([column[text] for text in own], device=found.device)
        belongs = self.belongs(queries, documents).to(found.device)
        weights = self.weights[rows].to(found.device)
        sizes = dict.fromkeys((found.shape[1], *self.lesson.sizes))
        losses = [
            ranking_loss(
                leading(said, size) @ leading(found, size).T / self.lesson.temperature,
                right,
                belongs,
            )
            for size in sizes
        ]
        loss = (torch.stack(losses).mean(dim=0) * weights).mean()
        if self.start is not None:
            loss = loss + self.lesson.keep * (
                self.distance(said, self.prompts.queries(asked(queries)))
                + self.distance(found, self.prompts.documents(documents))
            )
        return loss

    def read(self, texts: Sequence[str]) -> Tensor:
        """The vectors of a batch's texts. In parts, only the vectors are kept, and each part is
        read again, with the same dropout, when its gradient is due (gradient caching, Gao et al.
        2021): memory bounds a part, not the number of negatives.
        """
        inputs = tensors(self.tokenizer, texts, device(self.network))
        if self.lesson.parts == 1 or not torch.is_grad_enabled():
            return self.network(*inputs).float()
        size = -(-len(texts) // self.lesson.parts)
        parts = zip(*(one.split(size) for one in inputs), strict=True)
        found = [checkpoint(self.network, *part, use_reentrant=False) for part in parts]
        return torch.cat(found).float()

    def belongs(self, queries: Sequence[str], documents: Sequence[str]) -> Tensor:
        """Whether a document is no negative for a query: bool [queries, documents]."""
        grades, terms = self.pairs.grades, list(map(normal_form, documents))
        forms = asked(queries)
        return torch.tensor([[d == q or grades[q].get(d, 0) > 0 for d in terms] for q in forms])

    def distance(self, found: Tensor, texts: Sequence[str]) -> Tensor:
        """1 - cosine to the starting model's vectors, the mean over the texts."""
        before = self.start[[self.row[text] for text in texts]].to(found.device)
        return (1 - (found * before).sum(dim=1)).mean()


def ranking_loss(scores: Tensor, right: Tensor, belongs: Tensor) -> Tensor:
    """How badly each query finds its document, and each document its query: [queries].

    Args:
        scores: [queries, documents].
        right: each query's own document.
        belongs: pairs that are no negatives, [queries, documents].
    """
    own = functional.one_hot(right, scores.shape[1]).bool()
    forward = functional.cross_entropy(
        scores.masked_fill(belongs & ~own, -torch.inf), right, reduction="none"
    )
    each = torch.arange(len(scores), device=scores.device)
    others = belongs[:, right].T & (each[:, None] != each)
    backward = functional.cross_entropy(
        scores[:, right].T.masked_fill(others, -torch.inf), each, reduction="none"
    )
    return (forward + backward) / 2


def leading(found: Tensor, size: int) -> Tensor:
    """The first numbers of vectors, as unit vectors."""
    return found if size == found.shape[1] else functional.normalize(found[:, :size], dim=1)
