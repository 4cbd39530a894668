"""The options of each command, its help and an example: without torch, so that --help is quick."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from triton_models.contract import FIELDS
from triton_models.data import named
from triton_models.kinds import KINDS, having
from triton_models.settings import LANGUAGES, STARTER

EXAMPLES = {
    "data": "python -m triton_models data manifest.toml --report data.md",
    "pretrain": "python -m triton_models pretrain minilm --text queries.txt --out runs/adapted",
    "finetune": "python -m triton_models finetune intent --queries mine.csv --out runs/mine",
    "search": "python -m triton_models search intent --queries mine.csv --trials 20 --hours 3",
    "learning-curve": "python -m triton_models learning-curve intent --queries mine.csv --seeds 3",
    "combine": "python -m triton_models combine average runs/a runs/b --out runs/mean",
    "export": "python -m triton_models export runs/intent --kind intent --out models/intent",
    "evaluate": "python -m triton_models evaluate intent --model models/intent --report report",
    "compare": "python -m triton_models compare intent models/intent models/better",
    "predict": "python -m triton_models predict intent queries.txt --out predicted.jsonl",
    "disagree": "python -m triton_models disagree queries.txt --models models/a models/b",
    "suspects": "python -m triton_models suspects intent --run runs/intent --out suspects.csv",
    "select": "python -m triton_models select intent log.txt --model models/intent"
    " --labelled mine.csv --out sheet.csv",
    "merge": "python -m triton_models merge intent sheet.csv --into mine.csv --out mine.csv",
    "explain": "python -m triton_models explain intent 'where is my refund' --html why.html",
    "compile": "python -m triton_models compile --models models --out plans",
    "repository": "python -m triton_models repository --platform onnxruntime --out repository",
}
HELP = {
    "data": "tell what data is made of: counts, conflicts, leaks, licences",
    "pretrain": "adapt a BERT checkpoint to your queries and catalogue text, by masked words",
    "finetune": "train a model on your own labelled queries or judged pairs",
    "search": "choose the settings of finetune by trials, judged on dev; resumable",
    "learning-curve": "tell how much more data is worth, from trainings on shares of what there is",
    "combine": "several models made one, or one made small: average, stack, distil, prune, table",
    "export": "turn a checkpoint into a model folder: ONNX, tokenizer, contract, card",
    "evaluate": "print the figures of a model folder, or of expansions; or write a full report",
    "compare": "two models side by side on the same rows, with a paired test",
    "predict": "write a prediction for each line of a file: labels, vectors or pair scores",
    "disagree": "the queries on which models differ most: the ones worth labelling next",
    "suspects": "labels that are likely wrong, as a sheet to correct",
    "select": "texts that are worth labelling next, as a sheet to label",
    "merge": "put the labels of a sheet into the data that its rows are of",
    "explain": "show which words decide the label of a query, its spans, or the score of a pair",
    "compile": "build TensorRT plans; runs inside NVIDIA's image, on a GPU",
    "repository": "write the model repository that Triton loads",
}


FILES = "CSV, TSV, JSON lines, or FILE.json:list+list"


def data(add: Callable) -> None:
    add("manifest", type=Path, metavar="FILE", help="TOML file that names the sources, or one file")
    add("--columns", **named.OPTION)
    add("--report", type=Path, metavar="FILE.md", help="write the report as Markdown")
    add("--json", type=Path, metavar="FILE", help="write its figures as JSON")


def export(add: Callable) -> None:
    add("checkpoint", type=Path, help="folder of a BERT checkpoint")
    add("--kind", choices=KINDS, required=True)
    add("--out", type=Path, required=True, help="model folder to write")
    add("--precision", choices=("int8", "fp32"), default="int8", help="of the weights")
    told = "of the model, as intent_de for a second one of a kind (default: its kind)"
    add("--name", type=model_name, help=told)
    add("--length", type=positive, help="tokens that it reads (default: as it was trained)")
    add("--texts", type=Path, metavar="FILE", help="to check on (default: the run's dev side)")


def evaluate(add: Callable) -> None:
    add("kind", choices=[*having("summary"), "expansion"])
    add("--model", type=Path, help="model folder (default: the starter's)")
    add("--dev", type=Path, nargs="+", help=f"your own queries or pairs: {FILES}")
    add("--columns", **named.OPTION)
    add("--report", type=Path, help="folder to write a full report into, with pictures")
    add("--out-of-scope", metavar="LABEL", help="--report: the label of it (default: other)")
    told = "--report: precision that a threshold is given for (default: 0.9, 0.95 and 0.99)"
    add("--target-precision", type=precision, metavar="0-1", help=told)
    told = "of the queries, for typos (default: the model's, or en)"
    add("--language", choices=LANGUAGES, help=told)
    add("--confusions", type=Path, nargs="+", help="sets of Chinese typos, as for finetune")
    add("--data", type=Path, help="public sets: products to rank, known typos")
    add("--products", type=Path, help="expansion: catalogue to search, JSON lines or .jsonl.gz")
    add("--judgements", type=Path, help="expansion: CSV file, columns query, docid, rating")
    add("--lexicon", type=Path, help="expansion: built lexicon (default: the starter's)")
    add("--enriched", type=Path, help="expansion: file that `enrich` wrote of the judged queries")
    add("--text", nargs="+", metavar="FIELD", help="expansion: fields to search (default: common)")
    add("--json", action="store_true", help="print JSON")


def compare(add: Callable) -> None:
    add("kind", choices=having("compare"))
    add("a", type=Path, metavar="A", help="model folder, or a file that `predict` wrote")
    add("b", type=Path, metavar="B", help="the other")
    add("--dev", type=Path, nargs="+", help=f"your own queries or pairs: {FILES}")
    add("--columns", **named.OPTION)
    add("--report", type=Path, help="folder to write a report into")
    add("--json", action="store_true", help="print JSON")


def predict(add: Callable) -> None:
    add("kind", choices=KINDS)
    told = "a query a line, JSON lines, CSV or TSV; - is stdin"
    add("file", type=Path, metavar="FILE", help=told)
    told = "names of the columns of the queries, and of matching of the terms"
    add("--columns", **named.OPTION | {"metavar": "NAME[,NAME]", "help": told})
    add("--model", type=Path, help="model folder (default: the starter's)")
    add("--out", type=Path, help="file to write (default: stdout)")
    add("--batch", type=positive, help="rows of one call of the model")


def disagree(add: Callable) -> None:
    add("file", type=Path, metavar="FILE", help="queries, one a line, or JSON lines")
    add("--models", type=Path, nargs="+", required=True, help="two models of labels or more")
    add("--most", type=positive, default=100, help="queries to show (default: 100)")
    add("--json", action="store_true", help="print JSON lines")


def explain(add: Callable) -> None:
    add("kind", choices=[name for name, kind in KINDS.items() if kind.explained])
    add("text", nargs="+", metavar="TEXT", help="a query, and for matching a term")
    told = "intent: the label to explain (default: the predicted one); tagging: the tag"
    add("--label", help=f"{told} (default: all found)")
    add("--model", type=Path, help="model folder (default: the starter's)")
    checked = "intent and matching: its torch checkpoint, to check by integrated gradients"
    add("--checkpoint", type=Path, help=checked)
    add("--html", type=Path, help="write a page as well")
    add("--json", action="store_true", help="print JSON")


def compile_(add: Callable) -> None:
    add("--models", type=Path, default=STARTER, help="model folders (default: the starter's)")
    add("--out", type=Path, required=True, help="folder for the plans")
    add("--precision", choices=("fp16", "bf16", "int8"), default="fp16", help="default: fp16")
    add("--texts", type=Path, metavar="FILE", help="queries like yours, to measure and check on")


def repository(add: Callable) -> None:
    add("--platform", choices=("python", "onnxruntime", "tensorrt"), required=True)
    add("--models", type=Path, default=STARTER, help="model folders (default: the starter's)")
    add("--plans", type=Path, help="tensorrt: the folder that `compile` filled")
    add("--instances", type=positive, help="of each model")
    add("--keep", type=positive, default=2, help="versions of each model to keep (default: 2)")
    add("--out", type=Path, required=True, help="repository to write")


def model_name(text: str) -> str:
    right, expected = FIELDS["name"]
    if not right(text):
        raise argparse.ArgumentTypeError(f"{text!r}: give {expected}")
    return text


def precision(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return found


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
