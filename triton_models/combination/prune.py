"""`combine prune`: a checkpoint of any kind with fewer layers and a smaller vocabulary."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from triton_models.combination import members
from triton_models.combination.average import keep_threshold
from triton_models.combination.options import STEPS
from triton_models.data import texts
from triton_models.kinds import KINDS
from triton_models.settings import UsageError
from triton_models.training import inputs, networks, notes, vocabulary
from triton_models.training.adapters import backbone
from triton_models.training.checkpoints import named
from triton_models.training.run_card import language_of


def run(args: argparse.Namespace) -> str:
    """The command; returns the line to print."""
    networks.quiet()
    notes.require_own(args.out)
    begun, folder = time.monotonic(), named(args.run)
    kind, found = members.kind_of(folder), texts.read(args.text)
    if not KINDS[kind].documents:
        found = inputs.asked(found)
    before, after = prune(folder, args.out, args.layers, args.pieces, found)
    keep_threshold([folder], args.out)
    result = {"weights_before": before, "weights": after}
    data = {"files": list(map(str, args.text)), "texts_sha256": texts.digest(found)}
    command, options = STEPS["prune"].command(args), STEPS["prune"].options(args)
    more = {"options": options, **language_of(folder)}
    notes.write(args.out, kind, command, str(args.run), data, result, begun, **more)
    share = after / before
    return f"{args.out}: {after / 1e6:.1f} million weights, {share:.0%} of {before / 1e6:.1f}"


def prune(
    folder: Path,
    out: Path,
    layers: Sequence[int] | None,
    size: int | None,
    found: Iterable[str],
) -> tuple[int, int]:
    """Write the checkpoint `out`; returns how many weights there were and are.

    Args:
        layers: to keep, counted from 0; None keeps all.
        size: of the vocabulary: the pieces that the texts `found` use most; None keeps all.

    Raises UsageError for layers that are not there, or a checkpoint with adapters.
    """
    kind = members.kind_of(folder)
    network = networks.load(folder, kind)
    inner = network.classifier if hasattr(network, "classifier") else network
    config = getattr(inner, "config", None) or inner.bert.config
    if getattr(config, "adaptation", None):
        raise UsageError(f"{folder}: has adapters; prune a checkpoint trained in full or with LoRA")
    if layers and max(layers) >= (most := config.num_hidden_layers):
        raise UsageError(f"{folder}: has {most} layers; give --layers from 0 to {most - 1}")
    tokenizer = vocabulary.bare_tokenizer(folder)
    kept = pieces(tokenizer, size, found)
    before = weights(network)
    networks.cut(backbone(network), tuple(layers or range(config.num_hidden_layers)), kept)
    out.mkdir(parents=True, exist_ok=True)
    networks.save(network, out)
    vocabulary.prune(tokenizer, kept).save(str(out / "tokenizer.json"))
    return before, weights(network)


def pieces(tokenizer: Tokenizer, size: int | None, found: Iterable[str]) -> list[int]:
    """The ids of the pieces to keep, in their order."""
    if size is None:
        return sorted(tokenizer.get_vocab().values())
    return vocabulary.choose_pieces(tokenizer, found, size)


def weights(network) -> int:
    return sum(weight.numel() for weight in network.parameters())
