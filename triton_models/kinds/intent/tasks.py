"""What is learned beside the intent, by heads of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from tokenizers import Tokenizer
from torch import Tensor, nn

from triton_models.data.manifest import SENTIMENTS
from triton_models.kinds.intent.examples import CATEGORY, SENTIMENT, Example
from triton_models.kinds.intent.network import TAGS, ProbabilityModel
from triton_models.kinds.intent.side_task import SideTask
from triton_models.kinds.intent.tag_task import TagTask
from triton_models.kinds.tagging.loss import Lesson
from triton_models.training import families

if TYPE_CHECKING:
    from triton_models.kinds.intent.training import Material, Recipe


class Task(Protocol):
    """A further head, and how it learns from the forward pass of the intent."""

    def loss(self, rows: list[int], texts: Sequence[str]) -> Tensor:
        """By what the network was last given: the texts, one or more readings of each example."""

    def measure(self, found: Sequence[Example], fold: bool) -> dict[str, float]:
        """Figures of those that have a label of it; with `fold` the head is calibrated on them."""


def tasks_of(
    network: ProbabilityModel, tokenizer: Tokenizer, material: Material, recipe: Recipe
) -> dict[str, Task]:
    """The tasks of a recipe and of a network's further heads, by their names."""
    learned, tasks = material.learned, {}
    if recipe.category_weight:
        names = sorted({e.category for e in learned} - {""})
        width = families.last(network.classifier).in_features
        network.category = nn.Linear(width, len(names))  # a checkpoint does not keep it
        tasks[CATEGORY] = SideTask(
            network, tokenizer, network.category, CATEGORY, names, learned, recipe.category_weight
        )
    if hasattr(network, "head"):
        tasks[SENTIMENT] = SideTask(
            network, tokenizer, network.head, SENTIMENT, SENTIMENTS, learned
        )
    if hasattr(network, "tags"):
        lesson = Lesson(recipe.lesson.smoothing, consistency=recipe.lesson.consistency)
        tasks[TAGS] = TagTask(network, tokenizer, learned, material.tags, lesson, recipe.tag_weight)
    return tasks
