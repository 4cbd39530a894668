"""CARD.md: what a model saw, how it was made, how well it does, and where it ends."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path

from triton_models.evaluation import evaluate
from triton_models.settings import STYLES

LICENCES = {
    "all-MiniLM-L6-v2": "all-MiniLM-L6-v2, Apache-2.0 (where its weights come from)",
    "generated": "ours: recipes/text/templates.txt and slots.txt",
    "written": "ours: recipes/text/queries.tsv, written one by one",
    "titles": "ours: recipes/text/titles.tsv, queries with judged product titles",
    "kinds": "ours: recipes/text/kinds.tsv, queries with their kind of product",
    "composed": "ours: titles composed from those queries (recipes/titles.py)",
    "worded": "words of product titles (PriceRunner and Icecat) as queries",
    "lexicon": "ours: the starter lexicon's source files",
    "bitext": "Bitext customer-support utterances, CDLA-Sharing-1.0",
    "banking77": "BANKING77, CC BY 4.0",
    "clinc150": "CLINC150, CC BY 3.0",
    "product_qa": "Contextual product question answering (Amazon Science), CDLA-Sharing-1.0",
    "webshop": "WebShop goals and queries, MIT",
    "shoppingbench": "ShoppingBench, Apache-2.0",
    "wands": "WANDS (Wayfair), MIT",
    "esci": "Shopping Queries Dataset (Amazon), Apache-2.0",
    "bestbuy": "Best Buy open data, CC0",
    "pricerunner": "PriceRunner offers (UCI 837), CC BY 4.0",
    "icecat": "Chorus (Open Icecat content licence; ratings Apache-2.0)",
    "wordnet": "Open English WordNet, CC BY 4.0",
    "typos": "crate-ci/typos, MIT or Apache-2.0 (misspellings of training text)",
}
ALWAYS = {
    "intent": ("all-MiniLM-L6-v2", "typos"),
    "matching": ("all-MiniLM-L6-v2", "typos"),
    "encoder": ("all-MiniLM-L6-v2", "typos"),
}
PURPOSE = {
    "intent": "Sorts a search query into purchase, browse, inquiry, complaint or other.",
    "encoder": "Turns a query, term or title into a unit vector: near vectors mean like things.",
    "matching": "Scores how well a term or a product title belongs to a query, from 0 to 1.",
}
LIMITS = {
    "intent": """\
- English only. A query in another language gets an answer, but not a good one.
- Half of the dev set ("first hand") and the templates have the same authors, so its figures flatter
  it; the "second hand" half was written without sight of any training text. Queries of the dev set
  were taken out of the training text, but not their like.
- Short queries are ambiguous by nature ("returns", "where to buy"), and it knows no context.
- Two misspelled words of three leave it little to go by.""",
    "encoder": """\
- English only; other scripts are read letter by letter and mean little to it.
- It knows kinds of things better than model numbers, and no brand that its training lacks.
- Texts over about 40 words are cut.""",
    "matching": """\
- English only.
- Near relatives (a "tv stand" for "tv") are its usual mistakes.
- Most of its titles were written or composed by us; titles of a real shop will be harder.
- Scores are not probabilities; use the threshold of model.json.""",
}


def write(folder: Path, kind: str, trained: dict, report: evaluate.Report) -> None:
    """Write the card of a model folder from what training noted and evaluation measured."""
    size = (folder / "model.onnx").stat().st_size / 1e6
    sections = [
        f"# {kind}\n\n{PURPOSE[kind]}",
        f"Size {size:.1f} MB (ONNX, int8: weights by column, activations by row), plus the shared "
        "tokenizer.",
        "## How it was made\n\n" + made(trained),
        "## What it saw\n\n" + seen(kind, trained),
        "## How well it does\n\n"
        + {"intent": _intent, "encoder": _encoder, "matching": _matching}[kind](report, trained),
        "## How fast\n\n" + speed(folder),
        "## Limits\n\n" + LIMITS[kind],
    ]
    (folder / "CARD.md").write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def made(trained: dict) -> str:
    if not trained:
        return "From a checkpoint without notes of its training."
    measured = " --data DATA" if trained["kind"] != "intent" else ""
    settings = ", ".join(f"{k} {v}" for k, v in trained["settings"].items())
    return (
        f"```\n{trained['command']}\npython -m triton_models export {trained['out']} "
        f"--kind {trained['kind']} --out triton_models/starter/{trained['kind']}{measured}\n```\n\n"
        f"`DATA` is the folder that holds the public sets below. {settings}. It took "
        f"{trained['seconds'] / 60:.0f} minutes on two CPU cores shared with other work."
    )


def seen(kind: str, trained: dict) -> str:
    counts = trained.get("results", {}).get("counts", {})
    if not trained:
        return "Not known."
    by_source: dict[str, list[str]] = {name: [] for name in ALWAYS[kind]}
    for name, count in counts.items():
        source, _, label = name.partition(" ")
        by_source.setdefault(source, []).append(f"{count:,} {label}".strip())
    rows = [f"| {LICENCES[s]} | {', '.join(n) or '–'} |" for s, n in sorted(by_source.items())]
    return "| set and licence | examples |\n|---|---|\n" + "\n".join(rows)


def _intent(report: evaluate.Report, trained: dict) -> str:
    rows = [
        f"| {label} | {r['precision']:.2f} | {r['recall']:.2f} | {r['f1']:.2f} | {r['count']} |"
        for label, r in report["labels"].items()
    ]
    baseline = trained.get("results", {}).get("baseline")
    drops = " and by ".join(
        f"{drop['drop']:.3f} ({name} in each query)" for name, drop in report["typos"].items()
    )
    text = (
        f"On `evaluation/dev_intent.jsonl`, {report['queries']} queries written by hand: "
        f"macro-F1 **{report['macro_f1']:.3f}**, accuracy {report['accuracy']:.3f}, expected "
        f"calibration error {report['calibration_error']:.3f} (15 bins). With typos the macro-F1 "
        f"is lower by {drops}.\n\n"
        "| label | precision | recall | F1 | queries |\n|---|---|---|---|---|\n" + "\n".join(rows)
    )
    heads = "| macro-F1 by style | " + " | ".join(STYLES) + " | all |\n|---" + "|---" * 6 + "|\n"
    lines = [_style_row("this model", report)]
    if baseline:
        lines.append(_style_row("linear head on frozen MiniLM-L6, obvious labels", baseline))
    return text + "\n\n" + heads + "\n".join(lines) + "\n\n" + mistakes(report)


def _style_row(name: str, report: evaluate.Report) -> str:
    cells = [f"{report['styles'][s]['macro_f1']:.2f}" for s in STYLES]
    return f"| {name} | " + " | ".join(cells) + f" | {report['macro_f1']:.3f} |"


def _encoder(report: evaluate.Report, trained: dict) -> str:
    found = report["lexicon"]
    text = (
        f"Each of {found['synonyms']:,} synonyms of the starter lexicon looks for its own term "
        f"among {found['terms']:,}. It has seen the lexicon in training.\n\n"
        "| | first | among ten | mean reciprocal rank |\n|---|---|---|---|\n"
        + _rank_row("this model", found)
    )
    if teacher := trained.get("results", {}).get("teacher"):
        text += "\n" + _rank_row("all-MiniLM-L6-v2, which it learned from (fp32)", teacher)
    if found := report.get("furniture"):
        text += (
            f"\n\n{found['queries']} held-out furniture queries (WANDS) look for their product "
            f"class by its name among {found['classes']}: right at 1 {found['right at 1']:.1%}, "
            f"in 5 {found['right in 5']:.1%}."
        )
    if products := report.get("icecat"):
        text += (
            f"\n\nRanking the whole Chorus catalogue (19,406 products) for {products['queries']} "
            f"judged queries, most of them seen in training: NDCG@10 {products['ndcg@10']:.3f}, "
            f"judged products only {products['ndcg@10 judged only']:.3f}, recall@100 "
            f"{products['recall@100']:.3f}."
        )
    return text


def _rank_row(name: str, found: evaluate.Report) -> str:
    return f"| {name} | {found['recall@1']:.1%} | {found['recall@10']:.1%} | {found['mrr']:.3f} |"


def _matching(report: evaluate.Report, trained: dict) -> str:
    results = trained.get("results", {})
    text = (
        f"On `evaluation/dev_matching.jsonl`, {report['pairs']} pairs written by hand: "
        f"accuracy {report['accuracy']:.3f}, F1 **{report['f1']:.3f}**, average precision "
        f"{report['average_precision']:.3f} at the threshold {report['threshold']:.2f}."
    )
    if results:
        text += (
            f" The threshold was chosen on {results['held_out']:,} held-out pairs, where F1 is "
            f"{results['held_out_f1']:.3f}."
        )
    if found := report.get("exact"):
        rows = [f"| {name} | {r['pairs']:,} | {r['auc']:.3f} |" for name, r in found.items()]
        text += (
            "\n\nExact titles against the others, on held-out queries:\n\n"
            "| pairs | | AUC |\n|---|---|---|\n" + "\n".join(rows)
        )
    return text + "\n\n" + mistakes(report)


def mistakes(report: evaluate.Report, most: int = 12) -> str:
    """The first errors of the dev set."""
    shown = report["errors"][:: max(1, len(report["errors"]) // most)][:most]
    return "Typical mistakes (wanted, then given with its score):\n\n" + "\n".join(
        f"- {error}" for error in shown
    )


def speed(folder: Path) -> str:
    times = evaluate.latency(folder)
    rows = ", ".join(f"{ms:.2f} ms for {shape} tokens" for shape, ms in times.items())
    today = datetime.date.today().isoformat()
    return f"{rows}: ONNX Runtime, one core of {os.cpu_count()} ({machine()}), {today}."


def machine() -> str:
    """The processor's name, or what the platform says of it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
