"""`combine distil`: a small model that says what a large one, or several together, say.

Here are classifiers; `teach` has the other kinds.

As in Hinton et al. (2015): the student learns the teachers' probabilities, softened by a
temperature, and the labels where they are known. Queries without labels are as good as others. The
student may be a teacher with some of its layers and pieces left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from triton_models.combination import language, members, stack, teach
from triton_models.combination.members import Member
from triton_models.combination.options import STEPS
from triton_models.combination.prune import prune
from triton_models.combination.view import show
from triton_models.data import texts
from triton_models.kinds.intent import classify, examples
from triton_models.kinds.intent.classify import Lesson
from triton_models.kinds.intent.examples import Example
from triton_models.kinds.intent.network import ProbabilityModel, classifier
from triton_models.kinds.intent.training import Material
from triton_models.training import course, families, inputs, networks, notes
from triton_models.training.adapt import Adaptation
from triton_models.training.checkpoints import named, require_checkpoint
from triton_models.training.loop import learn
from triton_models.training.schedule import Schedule

LAYER_DECAY = 0.95
HEAD_RATE = 1e-3


@dataclass(frozen=True)
class Recipe:
    """All settings of a run; layers and pieces as `prune` takes them."""

    schedule: Schedule
    temperature: float
    label_weight: float
    misspelled: float
    layers: tuple[int, ...] | None
    pieces: int | None
    weights: tuple[float, ...] | None
    teachers: tuple[str, ...]
    language: str = "en"  # of the typos; see `data.typos`
    confusions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Teachers:
    """Classifiers, and how much each counts; None takes the mean of their probabilities."""

    members: list[Member]
    weights: Sequence[float] | None

    @property
    def labels(self) -> tuple[str, ...]:
        return self.members[0].labels

    def say(self, found: Sequence[Example]) -> Tensor:
        """What they say together, as logits [queries, labels]."""
        asked = [example.text for example in found]
        said = [member.says(asked, self.labels) for member in self.members]
        return members.pooled(said, self.weights)

    @property
    def sentiments(self) -> tuple[str, ...]:
        """The labels of the second head, () where no teacher has one."""
        return next((one.sentiments for one in self.members if one.sentiments), ())

    def feel(self, found: Sequence[Example]) -> Tensor:
        """What those with a second head say of the sentiment, as logits [queries, sentiments]."""
        asked = [example.text for example in found]
        with_head = [member for member in self.members if member.sentiments]
        return members.pooled([member.feels(asked) for member in with_head], None)


class SecondHead:
    """How far the student's second head is from the teachers', added to the loss of a batch."""

    def __init__(self, network: ProbabilityModel, said: Tensor, temperature: float) -> None:
        self.head, self.said, self.temperature = network.head, said, temperature
        families.last(network.classifier).register_forward_pre_hook(self._look)

    def _look(self, module: torch.nn.Module, given: tuple[Tensor, ...]) -> None:
        self.seen = given[0]

    def loss(self, rows: list[int], texts: Sequence[str]) -> Tensor:
        t, found = self.temperature, self.head(self.seen).float()
        return t * t * divergence(self.said[rows].to(found.device) / t, found / t).mean()


class Loss(classify.Loss):
    """How far the student is from its teachers, and, where they are known, from the labels.

    The Kullback-Leibler divergence at the temperature, times its square so that its gradient
    does not hang on it, shared with the cross-entropy of the label.
    """

    def __init__(
        self,
        network: ProbabilityModel,
        tokenizer: Tokenizer,
        found: Sequence[Example],
        labels: Sequence[str],
        said: Tensor,
        recipe: Recipe,
        feelings: Tensor | None = None,
    ) -> None:
        lesson = Lesson(
            smoothing=0.0,
            misspelled=recipe.misspelled,
            language=recipe.language,
            confusions=recipe.confusions,
        )
        tasks = [] if feelings is None else [SecondHead(network, feelings, recipe.temperature)]
        super().__init__(network, tokenizer, found, labels, lesson, tasks)
        self.recipe = recipe
        self.targets = torch.cat((self.targets, said), dim=1)

    def costs(self, logits: Tensor, wanted: Tensor) -> Tensor:
        hard, said = wanted.chunk(2, dim=1)
        t = self.recipe.temperature
        distance = t * t * divergence(said / t, logits / t)
        share = self.recipe.label_weight * (hard.sum(dim=1) > 0)
        return (1 - share) * distance + share * super().costs(logits, hard)


def divergence(said: Tensor, found: Tensor) -> Tensor:
    """The Kullback-Leibler divergence of logits from what is said: [queries]."""
    said, found = said.log_softmax(dim=1), found.log_softmax(dim=1)
    return (said.exp() * (said - found)).sum(dim=1)


def run(args: argparse.Namespace) -> str:
    """The command; returns the line to print."""
    networks.quiet()
    notes.require_own(args.out)
    if args.threads:
        torch.set_num_threads(args.threads)
    folders, weights = args.teachers, None
    if len(folders) == 1 and folders[0].is_file():
        folders, weights = stack.read(folders[0])
    args = language.settled(args, folders)
    kind, student = teach.same_kind(folders), named(args.student or folders[0])
    require_checkpoint(student)
    if kind == "intent":
        teachers = Teachers(members.classifiers(folders), weights)
        recipe, material = recipe_of(args, folders, weights), gather(args, teachers)
    else:
        recipe, material = recipe_of(args, folders), teach.gather(args, kind)
    print(material.told(), flush=True)
    begun = time.monotonic()
    if kind == "intent":
        result = train(material, teachers, student, args.out, recipe)
    else:
        texts_of = [text for one in material.learned for text in one]
        with pruned(student, recipe, texts_of) as folder:
            result = teach.train(kind, material, folders, student, folder, args.out, recipe)
    show("dev", result["figures"])
    notes.write_dev(args.out, material.dev_files())
    data = {"files": [*args.queries, *map(str, args.text)], **material.about()}
    command, start = STEPS["distil"].command(args), str(args.student or folders[0])
    settled = {"options": STEPS["distil"].options(args), "recipe": dataclasses.asdict(recipe)}
    seconds = notes.write(args.out, kind, command, start, data, result, begun, **settled)
    agreement = result["dev"]["agreement"]
    return f"{args.out}: distilled in {seconds} s; it agrees with its teachers on {agreement:.1%}"


def recipe_of(
    args: argparse.Namespace, teachers: Sequence[Path], weights: Sequence[float] | None = None
) -> Recipe:
    """The settings that the command line gives."""
    return Recipe(
        Schedule(
            epochs=args.epochs,
            batch_size=args.batch,
            rate=args.rate,
            seed=args.seed,
            warm_up=args.warm_up,
            parts=args.parts,
            precision=args.precision,
        ),
        args.temperature,
        args.label_weight,
        args.misspelled,
        args.layers,
        args.pieces,
        weights and tuple(weights),
        tuple(map(str, teachers)),
        *course.language_of(args),
    )


def gather(args: argparse.Namespace, teachers: Teachers) -> Material:
    """Labelled queries, and others without labels; 15 % are dev by hash, unless it is given."""
    labels = teachers.labels
    found = members.labelled(args.queries, labels, args.columns) if args.queries else []
    plain = [Example(text, ()) for text in texts.read(args.text)]
    found += examples.without(plain, found)
    if args.dev:
        learned, dev = found, members.labelled(args.dev, labels, args.columns)
    else:
        learned, dev = examples.split(found)
    material = Material(examples.without(learned, dev), dev, labels)
    course.refuse(
        (not material.learned, "nothing left to learn from: give more queries, not those of --dev"),
        (not dev, "too few queries: none of them falls to dev; give more, or --dev"),
    )
    return material


def train(material: Material, teachers: Teachers, student: Path, out: Path, recipe: Recipe) -> dict:
    """Train and write the checkpoint `out`; returns what came of it."""
    network, tokenizer = begin(material, teachers, student, recipe)
    said, of_dev = teachers.say(material.learned), teachers.say(material.dev)
    feelings = teachers.feel(material.learned) if teachers.sentiments else None
    loss = Loss(network, tokenizer, material.learned, material.labels, said, recipe, feelings)
    asked = [example.text for example in material.dev]

    def judge() -> dict[str, float]:
        answers = classify.logits(network, tokenizer, asked)
        return {"negative_divergence": -float(divergence(of_dev, answers).mean())}

    start = measured(classify.logits(network, tokenizer, asked), of_dev, material)
    out.mkdir(parents=True, exist_ok=True)
    history = learn(
        network,
        [len(example.text) for example in material.learned],
        loss,
        recipe.schedule,
        adaptation=Adaptation(layer_decay=LAYER_DECAY, head_rate=HEAD_RATE),
        judge=judge,
        folder=out,
        key=course.fingerprint(material, recipe, student, [m.folder for m in teachers.members]),
    )
    answers = classify.logits(network, tokenizer, asked)
    result = course.came_of(history)
    known = [i for i, example in enumerate(material.dev) if example.labels]
    if known:
        wanted = classify.targets([material.dev[i] for i in known], material.labels)
        said = answers[known]
        result["temperature"] = classify.calibrate(network, said, wanted)
        texts = [asked[i] for i in known]
        answers[known] = classify.cross_fitted(said, wanted, texts)
    dev = measured(answers, of_dev, material)
    if teachers.sentiments:
        found = members.felt(network, tokenizer, asked).argmax(dim=1)
        same = found == teachers.feel(material.dev).argmax(dim=1)
        dev["sentiment_agreement"] = float(same.float().mean())
    rows = {
        "teachers": measured(of_dev, of_dev, material),
        "student, before": start,
        "student": dev,
    }
    networks.save(network.cpu(), out)
    tokenizer.save(str(out / "tokenizer.json"))
    return result | {"start": start, "dev": dev, "figures": rows}


def begin(
    material: Material, teachers: Teachers, student: Path, recipe: Recipe
) -> tuple[ProbabilityModel, Tokenizer]:
    """The untrained student; of a teacher it keeps the heads."""
    torch.manual_seed(recipe.schedule.seed)
    pooling = members.config(student).get("pooling", "cls")
    asked = inputs.asked([e.text for e in material.learned])
    with pruned(student, recipe, asked) as folder:
        network = classifier(folder, teachers.labels, pooling, sentiments=teachers.sentiments)
        return network.to(course.place()).eval(), networks.tokenizer_of(folder)


@contextmanager
def pruned(student: Path, recipe: Recipe, texts: Sequence[str]) -> Iterator[Path]:
    """The folder that a student begins with, of which layers or pieces may be left out."""
    with tempfile.TemporaryDirectory() as scratch:
        if recipe.layers or recipe.pieces:
            prune(student, Path(scratch), recipe.layers, recipe.pieces, texts)
        yield Path(scratch) if recipe.layers or recipe.pieces else student


def measured(answers: Tensor, said: Tensor, material: Material) -> dict[str, float]:
    """How often the teachers are agreed with, and the figures of the labelled queries."""
    same = answers.argmax(dim=1) == said.argmax(dim=1)
    found = {"agreement": float(same.float().mean())}
    known = [i for i, example in enumerate(material.dev) if example.labels]
    if known:
        wanted = classify.targets([material.dev[i] for i in known], material.labels)
        found |= members.figures(answers[known], wanted)
    return found
