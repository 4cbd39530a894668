"""`python -m triton_models`: train, export, evaluate, compile, and write Triton's repository."""

from __future__ import annotations

import argparse
import errno
import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from triton_models import contract
from triton_models import repository as triton
from triton_models.contract import KINDS
from triton_models.settings import STARTER, UsageError, foreign

EXAMPLES = {
    "train": "python -m triton_models train intent --data ~/sets --start runs/encoder",
    "export": "python -m triton_models export runs/intent --kind intent --out models/intent",
    "evaluate": "python -m triton_models evaluate intent --model models/intent",
    "compile": "python -m triton_models compile --models models --out plans",
    "repository": "python -m triton_models repository --platform onnxruntime --out repository",
}
HELP = {
    "train": "train a model on the public sets and our own generated text",
    "export": "turn a checkpoint into a model folder: ONNX, tokenizer, contract, card",
    "evaluate": "print the figures of a model folder",
    "compile": "build TensorRT plans; runs inside NVIDIA's image, on a GPU",
    "repository": "write the model repository that Triton loads",
}

# What the operating system says of a place that cannot be written; a full disk is no wrong usage.
USAGE = {errno.EACCES, errno.EEXIST, errno.ENOENT, errno.ENOTDIR, errno.EPERM, errno.EROFS}
OUT_REMEDY = "see that it can be written, or give --out another folder"


class Parser(argparse.ArgumentParser):
    """Tells wrong usage in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help tells more)\n")


def parser() -> argparse.ArgumentParser:
    """The command line; each command's help ends with an example."""
    top = Parser(
        prog="python -m triton_models", description="The models' side of the query worker."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (arguments, _) in COMMANDS.items():
        example = f"example: {EXAMPLES[name]}"
        command = commands.add_parser(name, help=HELP[name], epilog=example)
        command.description = HELP[name]
        arguments(command.add_argument)
    return top


def train_arguments(add: Callable) -> None:
    add("kind", choices=KINDS, help="encoder first: the others start from it")
    add("--data", type=Path, required=True, help="folder of the public sets")
    add("--out", type=Path, help="checkpoint folder (default: runs/KIND)")
    add("--start", type=Path, default=Path("runs/encoder"), help="where the others start from")
    add("--teacher", type=Path, help="BERT folder that the encoder learns from (MiniLM-L6)")
    add("--epochs", type=positive, help="passes over the examples")


def export_arguments(add: Callable) -> None:
    add("checkpoint", type=Path, help="folder of a BERT checkpoint")
    add("--kind", choices=KINDS, required=True)
    add("--out", type=Path, required=True, help="model folder to write")
    add("--precision", choices=("int8", "fp32"), default="int8", help="of the weights")
    add("--data", type=Path, help="public sets, for figures in the encoder's card")


def evaluate_arguments(add: Callable) -> None:
    add("kind", choices=KINDS)
    add("--model", type=Path, help="model folder (default: the starter's)")
    add("--dev", type=Path, help="your own labelled queries or judged pairs")
    add("--data", type=Path, help="public sets, for the encoder's and the baseline's figures")
    add("--baseline", action="store_true", help="a linear head on frozen MiniLM instead")
    add("--json", action="store_true", help="print JSON")


def compile_arguments(add: Callable) -> None:
    add("--models", type=Path, default=STARTER, help="model folders (default: the starter's)")
    add("--out", type=Path, required=True, help="folder for the plans")


def repository_arguments(add: Callable) -> None:
    add("--platform", choices=("python", "onnxruntime", "tensorrt"), required=True)
    add("--models", type=Path, default=STARTER, help="model folders (default: the starter's)")
    add("--plans", type=Path, help="tensorrt: the folder that `compile` filled")
    add("--instances", type=positive, help="of each model")
    add("--out", type=Path, required=True, help="repository to write")


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def training(module: str):
    """Import a module that needs torch, or say in one line how to get it."""
    try:
        return importlib.import_module(f"triton_models.{module}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("triton_models"):
            raise
        raise UsageError(
            f"{error.name} is not installed: `make install-training` adds what training needs"
        ) from None


def train(args: argparse.Namespace) -> None:
    out = args.out or Path("runs") / args.kind
    print(training("train").run(args.kind, args.data, out, args.start, args.teacher, args.epochs))


def export(args: argparse.Namespace) -> None:
    if foreign(args.out, "model.json"):
        raise UsageError(
            f"{args.out}: exists and is not a model folder; choose another, or empty it first"
        )
    differences = training("export").export(args.checkpoint, args.kind, args.out, args.precision)
    shown = ", ".join(f"{name} {value:.2g}" for name, value in differences.items())
    print(f"{args.out}: largest difference from the network: {shown}")
    training("train").write_card(args.checkpoint, args.kind, args.out, args.data)


def evaluate(args: argparse.Namespace) -> None:
    from triton_models import evaluate as judge

    refuse(
        (args.kind == "encoder" and args.dev, "--dev goes with intent or matching"),
        (args.baseline and args.kind != "intent", "--baseline goes with intent"),
        (args.baseline and not args.data, "--baseline needs --data, the folder of public sets"),
        (args.baseline and args.model, "give --baseline or --model, not both"),
        (args.data and not args.baseline and args.kind != "encoder", "--data is for the encoder"),
    )
    folder = args.model or STARTER / args.kind
    dev = {"dev": args.dev} if args.dev else {}
    if args.baseline:
        report = training("train").baseline(args.data, **dev)
    elif args.kind == "encoder":
        report = judge.encoder(folder, args.data)
    else:
        report = {"intent": judge.intent, "matching": judge.matching}[args.kind](folder, **dev)
    print(json.dumps(report) if args.json else judge.render(report), flush=True)


def refuse(*faults: tuple[object, str]) -> None:
    """Raises UsageError with the texts of the faults that are there."""
    if told := "; ".join(text for there, text in faults if there):
        raise UsageError(told)


def compile_(args: argparse.Namespace) -> None:
    from triton_models.compile import compile_model

    for model in contract.load_all(args.models):
        plan, built = compile_model(model, args.out)
        print(f"{model.name}: {'built' if built else 'up to date'}: {plan}")


def repository(args: argparse.Namespace) -> None:
    refuse((args.plans and args.platform != "tensorrt", "--plans goes with --platform tensorrt"))
    triton.write(args.models, args.out, args.platform, args.instances, args.plans)
    print(f"{args.out}: model repository for {args.platform}")


COMMANDS = {
    "train": (train_arguments, train),
    "export": (export_arguments, export),
    "evaluate": (evaluate_arguments, evaluate),
    "compile": (compile_arguments, compile_),
    "repository": (repository_arguments, repository),
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 done, 2 wrong usage (one line with the remedy), 1 anything else."""
    args = parser().parse_args(arguments)
    try:
        COMMANDS[args.command][1](args)
    except (UsageError, contract.ModelFolderError, triton.RepositoryError) as fault:
        print(f"triton_models {args.command}: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 1
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as fault:
        told = f"{fault.filename or 'output'}: {fault.strerror or fault}"
        print(f"triton_models {args.command}: {told}; {OUT_REMEDY}", file=sys.stderr)
        return 2 if fault.errno in USAGE else 1
    except RuntimeError as fault:
        print(f"triton_models {args.command}: {fault}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
