"""`python -m triton_models`: train, export, evaluate, compile, and write Triton's repository."""

from __future__ import annotations

import argparse
import errno
import importlib
import json
import os
import sys
from typing import Any, NoReturn

from triton_models import contract, options
from triton_models.combination import options as combine_options
from triton_models.data import named
from triton_models.kinds import KINDS
from triton_models.labelling import options as label_options
from triton_models.search import options as search_options
from triton_models.serving import model_folder
from triton_models.serving import repository as triton
from triton_models.settings import UsageError, starter
from triton_models.training import finetune_options, option_table, pretrain_options

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
        arguments(
            described(commands, name, options.HELP[name], options.EXAMPLES[name]).add_argument
        )
    finetune_options.declare(commands.choices["finetune"])
    for name in search_options.TABLES:
        search_options.declare(commands.choices[name], name)
    steps = commands.choices["combine"].add_subparsers(dest="step", required=True, metavar="STEP")
    for name, step in combine_options.STEPS.items():
        command = described(steps, name, step.help, step.example)
        option_table.declare(step.table, command.add_argument)
    return top


def described(commands: Any, name: str, told: str, example: str) -> argparse.ArgumentParser:
    """A new command below others; its help ends with an example."""
    return commands.add_parser(name, help=told, description=told, epilog=f"example: {example}")


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


def data(args: argparse.Namespace) -> None:
    from triton_models.data import command

    command.run(args.manifest, args.report, args.json, args.columns)


def configured(args: argparse.Namespace, table: option_table.Table, name: str):
    """The options of a command, with those of its `--config`."""
    from triton_models.training import configuration

    args = configuration.configured(args, table, name)
    configuration.required(args, table)
    return args


def pretrain(args: argparse.Namespace) -> None:
    args = configured(args, pretrain_options.TABLE, "pretrain")
    pretrain_options.check(args)
    print(training("training.pretrain").run(args))


def finetune(args: argparse.Namespace) -> None:
    from triton_models.training import finetune_config

    args = finetune_config.configured(args)
    finetune_options.check(args)
    print(training("search.seeds" if args.seeds > 1 else "training.finetune").run(args))


def searching(args: argparse.Namespace) -> None:
    """`search` and `learning-curve`: the options of `finetune` and some more."""
    from triton_models.training import finetune_config

    place, more = getattr(args, "config", None), search_options.TABLES[args.command]
    given = hasattr(args, "out")
    args = finetune_config.configured(args, more)
    args.out = args.out if given else search_options.OUT[args.command]
    search_options.check(args)
    print(training(search_options.MODULES[args.command]).run(args, place))


def combine(args: argparse.Namespace) -> None:
    table = combine_options.STEPS[args.step].table
    args = configured(args, table, f"combine {args.step}")
    combine_options.check(args)
    print(training(f"combination.{args.step}").run(args))


def export(args: argparse.Namespace) -> None:
    model_folder.require_own(args.out, args.kind)
    training("training.run_card").require_kind(args.checkpoint, args.kind)
    checked = training("serving.export").export(
        args.checkpoint,
        args.kind,
        args.out,
        precision=args.precision,
        texts=args.texts,
        name=args.name,
        length=args.length or 0,
    )
    print(f"{args.out}: {checked}")
    training("training.run_card").write(args.checkpoint, args.out)


OF_EXPANSION = ("products", "judgements", "lexicon", "enriched", "text")
OF_MODELS = ("model", "dev", "columns", "report", "out_of_scope", "data")
OF_TYPOS = ("language", "confusions")


def expansion(args: argparse.Namespace) -> None:
    from rich.console import Console

    from triton_models.evaluation import expansion as measure

    refuse(
        *(
            (getattr(args, name), f"{flag(name)} goes with a kind of model")
            for name in (*OF_MODELS, *OF_TYPOS, "target_precision")
        ),
        (not (args.products and args.judgements), "expansion: give --products and --judgements"),
        (args.lexicon and args.enriched, "--lexicon and --enriched exclude each other"),
    )
    found = measure.evaluate(args.products, args.judgements, args.lexicon, args.enriched, args.text)
    if args.json:
        print(json.dumps(found), flush=True)
    else:
        measure.show(found, Console())


def own_devs(args: argparse.Namespace) -> list[named.Given]:
    """The files of `--dev`, with the names of `--columns`; [] without."""
    refuse((args.columns and not args.dev, "--columns goes with --dev"))
    return named.places(args.dev or (), args.columns)


def evaluate(args: argparse.Namespace) -> None:
    if args.kind == "expansion":
        expansion(args)
        return
    from triton_models.data.typos import CHINESE, OTHER_LANGUAGE, typos_of
    from triton_models.evaluation import evaluate as judge
    from triton_models.evaluation import report as reports
    from triton_models.evaluation.coverage import TARGETS
    from triton_models.serving.served import contract_of

    own = KINDS[args.kind].evaluates
    refuse(
        *((getattr(args, name), f"{flag(name)} goes with expansion") for name in OF_EXPANSION),
        *(
            (
                getattr(args, name) and not args.report and flag(name) not in own,
                f"{flag(name)} goes with --report, or with intent",
            )
            for name in OF_TYPOS
        ),
        (args.target_precision and not args.report, "--target-precision goes with --report"),
        (
            args.data and not args.report and "--data" not in own,
            "--data goes with --report, or with the encoder",
        ),
        (args.out_of_scope and "--out-of-scope" not in own, "--out-of-scope goes with intent"),
        (args.out_of_scope and not args.report, "--out-of-scope goes with --report"),
    )
    folder, place = args.model or starter(args.kind), args.report and reports.checked(args.report)
    alone = args.data and "--data" in own and not args.report  # the public set is judged on
    ours = args.kind, [folder], args.out_of_scope
    devs = own_devs(args) or (() if alone else judge.dev_of(*ours))
    language = args.language or contract_of(folder, args.kind).language
    refuse((args.confusions and language != CHINESE, OTHER_LANGUAGE))
    typos = typos_of(language, tuple(map(str, args.confusions or ())))
    more = {"own": typos} if "--language" in own else {}
    summary = KINDS[args.kind].part("summary").summary
    report = summary(folder, devs, args.data, args.out_of_scope, **more)
    print(json.dumps(report) if args.json else judge.render(report), flush=True)
    if place:
        wished = [args.target_precision] if args.target_precision else TARGETS
        found = reports.full(args.kind, folder, devs, args.out_of_scope, args.data, typos, wished)
        page = reports.write(found, place)
        print(f"report: {page}", file=sys.stderr)


def compare(args: argparse.Namespace) -> None:
    from rich.console import Console

    from triton_models.evaluation import compare as comparison
    from triton_models.evaluation import evaluate as judge
    from triton_models.evaluation import report as reports

    place = args.report and reports.checked(args.report)
    devs = own_devs(args) or judge.dev_of(args.kind, [args.a, args.b])
    report = comparison.compare(args.kind, args.a, args.b, devs)
    if args.json:
        print(json.dumps(reports.plain(report)), flush=True)
    else:
        comparison.show(report, Console())
    if place:
        print(f"report: {reports.write(report, place)}", file=sys.stderr)


def predict(args: argparse.Namespace) -> None:
    from triton_models.serving import predict as prediction

    model = args.model or starter(args.kind)
    prediction.run(args.kind, args.file, model, args.out, args.batch, args.columns)


def disagree(args: argparse.Namespace) -> None:
    from triton_models.evaluation.disagree import ranked

    refuse((len(args.models) < 2, "--models: name two models or more"))
    for row in ranked(args.models, args.file, args.most):
        told = "\t".join([f"{row['disagreement']:.4f}", *row["labels"], row["query"]])
        print(json.dumps(row) if args.json else told)


def suspects(args: argparse.Namespace) -> None:
    from triton_models.labelling import suspects as doubted

    label_options.check(args)
    print(doubted.run(args, training("labelling.out_of_fold") if args.run else None))


def select(args: argparse.Namespace) -> None:
    print(training("labelling.select").run(args))


def merge(args: argparse.Namespace) -> None:
    from triton_models.data.merge import merge as into

    counts = into(args.kind, args.sheet, args.into, args.out, args.new, args.columns)
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    print(f"{args.out}: {told or 'nothing changed'}")


def explain(args: argparse.Namespace) -> None:
    from triton_models.explanation import view

    told = "--checkpoint is for intent and matching, not for single spans: leave it out"
    refuse((args.checkpoint and KINDS[args.kind].by_token, told))
    gradients = training("explanation.gradients") if args.checkpoint else None
    view.run(args, args.model or starter(args.kind), gradients)


def flag(name: str) -> str:
    """An option by the name of its value."""
    return "--" + name.replace("_", "-")


def refuse(*faults: tuple[object, str]) -> None:
    """Raises UsageError with the texts of the faults that are there."""
    if told := "; ".join(text for there, text in faults if there):
        raise UsageError(told)


def compile_(args: argparse.Namespace) -> None:
    from triton_models.serving.compile import compile_model

    for model in contract.load_all(args.models):
        plan, parity = compile_model(model, args.out, args.precision, args.texts)
        print(f"{model.name}: {parity or 'up to date'}: {plan}")


def repository(args: argparse.Namespace) -> None:
    refuse((args.plans and args.platform != "tensorrt", "--plans goes with --platform tensorrt"))
    before = triton.names(args.out)
    given = args.models, args.out, args.platform, args.instances, args.plans, args.keep
    names = triton.write(*given)
    gone = ", ".join(name for name in before if name not in names)
    told = f"; removed, since {args.models} has them no more: {gone}" if gone else ""
    print(f"{args.out}: model repository for {args.platform}: {', '.join(names)}{told}")


COMMANDS = {
    "data": (options.data, data),
    "pretrain": (pretrain_options.arguments, pretrain),
    "finetune": (lambda add: None, finetune),
    "search": (lambda add: None, searching),
    "learning-curve": (lambda add: None, searching),
    "combine": (lambda add: None, combine),
    "export": (options.export, export),
    "evaluate": (options.evaluate, evaluate),
    "compare": (options.compare, compare),
    "predict": (options.predict, predict),
    "disagree": (options.disagree, disagree),
    "suspects": (label_options.suspects, suspects),
    "select": (label_options.select, select),
    "merge": (label_options.merge, merge),
    "explain": (options.explain, explain),
    "compile": (options.compile_, compile_),
    "repository": (options.repository, repository),
}


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 done, 2 wrong usage (one line with the remedy), 130 Ctrl-C, 1 else."""
    args = parser().parse_args(arguments)
    try:
        COMMANDS[args.command][1](args)
    except (UsageError, contract.ModelFolderError, triton.RepositoryError) as fault:
        print(f"triton_models {args.command}: {fault}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:  # a training says whether anything of it was kept
        print(f"triton_models {args.command}: {str(stop) or 'interrupted'}", file=sys.stderr)
        return 130
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
