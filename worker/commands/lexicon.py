"""`query-worker lexicon`: build a lexicon from a shop's own data, look inside, see what changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from worker.commands.options import configured, piped
from worker.config.languages import DEFAULT
from worker.config.models import ENCODER
from worker.config.settings import STARTER_LEXICON, Settings
from worker.errors import ConfigError, LexiconError

if TYPE_CHECKING:
    from worker.lexicon.building.corpus import Corpus

FILE = click.Path(path_type=Path)
MOST_TITLES = 2_000  # whose language is told
FEW_NAMES = 10  # terms to one other name
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
LEXICON = click.option(
    "--lexicon", "folder", type=FILE, help="Folder of a built lexicon.  [default: lexicon.folder]"
)


def of_language(command: Callable) -> Callable:
    """Add the option --language; the command gets the `settings` of that language."""

    @wraps(command)
    def chosen(language: str | None, settings: Settings, **named: Any) -> None:
        if language and language not in settings.languages:
            remedy = f"add it to the configuration, or leave out --language {language}"
            raise ConfigError(f"there is no [languages.{language}]; {remedy}")
        command(settings=settings.of(language or DEFAULT), **named)

    return click.option(
        "--language", metavar="CODE", help="Use lexicon and models of [languages.CODE]."
    )(chosen)


@click.group(short_help="Build a lexicon from your data, and look inside it.")
def lexicon() -> None:
    """Build a lexicon from a catalogue, a taxonomy, synonyms and query logs, and look inside it."""


def _files(name: str, text: str) -> Any:
    return click.option(
        name, type=FILE, multiple=True, metavar="FILE", help=f"{text}; can be repeated."
    )


@lexicon.command(short_help="Make a lexicon from a catalogue, a taxonomy, synonyms, query logs.")
@click.option("--out", type=FILE, required=True, help="Folder to write; replaced as a whole.")
@_files("--catalogue", "Products: JSON lines or CSV with id, title, brand, category, attributes")
@_files("--taxonomy", "Paths such as Shoes > Running, one a line, as in Shopify's or Google's file")
@_files("--synonyms", "Rules as for Solr or Elasticsearch: a, b or a, b => c")
@_files("--queries", "Clicks or purchases: JSON lines or CSV with query, id and count")
@_files("--terms", "Terms, one a line")
@click.option("--source", type=FILE, help="Folder of source files such as the starter's.")
@click.option(
    "--with-starter",
    is_flag=True,
    help="Add what the starter knows of common products: names, brands; in your categories.",
)
@click.option(
    "--fields",
    default="",
    metavar="FIELD=COLUMN,...",
    help="How the catalogue calls id, title, brand, category and attributes; attributes may be a"
    " pattern, such as attr_*.",
)
@click.option(
    "--min-weight",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    help="Weight from which a name is used; weaker ones are written to proposed-synonyms.txt.",
)
@AS_JSON
@configured
@of_language
def build(settings: Settings, as_json: bool, **options: Any) -> None:
    """Build a lexicon from any mix of files, plain or gzipped.

    A second build into the same folder encodes only texts that are new. The report is written to
    report.md, what each link rests on to evidence.jsonl, and what is not sure enough to be used to
    proposed-synonyms.txt: keep what is right there and give it with --synonyms.

    \b
    Example:
      query-worker lexicon build --catalogue products.jsonl.gz --synonyms synonyms.txt --out mine
    """
    started = time.perf_counter()
    told = _build(settings, options)
    if as_json:
        click.echo(orjson.dumps(told))
        return
    counts = told["counts"]
    click.echo(
        f"{options['out']}: version {told['version']}, {counts['terms']:,} terms with"
        f" {counts['names']:,} other names, {counts['brands']:,} brands, from"
        f" {counts['products']:,} products in {time.perf_counter() - started:.1f} s\n"
        f"  names proposed, not used: {counts['names_proposed']:,}, each a line of"
        " proposed-synonyms.txt there"
    )
    if FEW_NAMES * counts["names"] < counts["terms"] and not options["with_starter"]:
        click.echo("  few other names: --with-starter adds those of common products in English")


def _build(settings: Settings, options: dict[str, Any]) -> dict[str, Any]:
    from worker.commands.other_language import other_language
    from worker.commands.rules_unused import rules_unused
    from worker.lexicon.building import make, sources
    from worker.lexicon.building.progress import bar

    folders = [options["source"]] if options["source"] else []
    inputs = make.Inputs(
        catalogues=options["catalogue"],
        taxonomies=options["taxonomy"],
        synonyms=options["synonyms"],
        queries=options["queries"],
        terms=options["terms"],
        columns=sources.fields(options["fields"]),
        folders=folders + ([STARTER_LEXICON] if options["with_starter"] else []),
    )
    given = inputs.catalogues, inputs.taxonomies, inputs.synonyms, inputs.queries
    if not any((*given, inputs.terms, inputs.folders)):
        raise ConfigError("nothing to build from; give --catalogue, --taxonomy, --terms or others")
    chosen = settings.inference
    out, least = options["out"], options["min_weight"]
    entry = click.get_current_context().params["language"]
    served = {entry} if entry else settings.understanding.shared
    default = entry or settings.understanding.default_language

    def check(folder: Path, rules: Mapping[tuple[str, str], str], corpus: Corpus) -> list[str]:
        titles = corpus.texts(MOST_TITLES)
        unused = rules_unused(folder, rules)
        return unused + other_language(titles, served, default, settings.languages)

    try:
        told = make.make(inputs, chosen.models, out, bar, least, chosen.names, check)
    except KeyboardInterrupt:
        click.echo("query-worker: interrupted; the same command goes on where it was", err=True)
        raise
    for note in told["notes"]:
        click.echo(note, err=True)
    return told


@lexicon.command(short_help="Show what the lexicon knows of a term.")
@click.argument("term")
@LEXICON
@AS_JSON
@configured
@of_language
@piped
def show(term: str, folder: Path | None, as_json: bool, settings: Settings) -> None:
    """Show a term: its names and broader term with what each rests on, its category, what is near.

    \b
    Example:
      query-worker lexicon show "running shoes"
    """
    found = _inspector(folder, settings).show(term)
    if as_json:
        click.echo(orjson.dumps(found))
        return
    by = f", by {found['category_by']}" if found["category_by"] else ""
    click.echo(f"{found['term']}  ({found['category'] or 'no category'}{by})")
    for name in found["names"]:
        click.echo(f"  {'=' if name['used'] else '?'} {name['name']}{_why(name)}")
    if found["parent"]:
        click.echo(f"  < {found['parent']['term']}{_why(found['parent'])}")
    for label in ("narrower", "neighbours"):
        texts = [
            n if isinstance(n, str) else f"{n['term']} {n['cosine']:.2f}" for n in found[label]
        ]
        if texts:
            click.echo(f"  {label}: {', '.join(texts)}")
    for origin, told in (found["origins"] or {}).items():
        click.echo(f"  from {origin}: {_counts(told)}")


def _why(link: dict[str, Any]) -> str:
    """What a link rests on, in brackets."""
    rest = {n: v for n, v in link.items() if n not in ("name", "term", "used", "kind", "weight")}
    if "kind" not in link:
        return ""
    return f"  [{link['kind']}, weight {link['weight']:.2f}{', ' * bool(rest)}{_counts(rest)}]"


def _counts(told: Any) -> str:
    if not isinstance(told, dict):
        return str(told)
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in told.items())


@lexicon.command(short_help="Search for terms by words and by meaning.")
@click.argument("text")
@LEXICON
@AS_JSON
@configured
@of_language
@piped
def search(text: str, folder: Path | None, as_json: bool, settings: Settings) -> None:
    """Search for the terms that share words with TEXT, and for those whose vectors are nearest.

    \b
    Example:
      query-worker lexicon search "shoes to run in"
    """
    found = _search(text, folder, settings)
    if as_json:
        click.echo(orjson.dumps(found))
        return
    for label, hits in found.items():
        click.echo(f"{label}:")
        for hit in hits:
            click.echo(f"  {hit['term']}  {hit.get('cosine') or hit['category'] or 'no category'}")


def _search(text: str, folder: Path | None, settings: Settings) -> dict[str, Any]:
    from worker.lexicon.build import load_encoder
    from worker.lexicon.building import make
    from worker.lexicon.words import key

    if not key(text):
        raise ConfigError(f"{text!r}: no word to search for; give one, as in `search kettle`")
    inspector = _inspector(folder, settings)
    models = settings.inference.models
    encoder = load_encoder(models / settings.inference.name(ENCODER), make.MODELS)
    prompts = encoder.contract.prompts
    if (encoder.contract.onnx_sha256, prompts.document) != inspector.made_by:
        remedy = "set inference.models to the models it was built with, or build it again"
        raise LexiconError(f"the lexicon was built with another encoder or prompt; {remedy}")
    return inspector.search(text, lambda form: encoder.run(prompts.queries([form])))


@lexicon.command(short_help="Show what changed between two lexicons.")
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@AS_JSON
@piped
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Show the terms, names, broader terms and categories that differ between two built lexicons.

    \b
    Example:
      query-worker lexicon diff lexicon-monday lexicon-tuesday
    """
    from worker.lexicon.inspect import Inspector, difference

    found = difference(Inspector(old), Inspector(new))
    if as_json:
        click.echo(orjson.dumps(found))
        return
    lists = [
        (mark, part, items)
        for label, mark in (("added", "+"), ("removed", "-"), ("changed", "~"))
        for part in ("terms", "names", "parent", "category")
        if (items := found[part].get(label))
    ]
    counts = "".join(f", {part} {mark}{len(items):,}" for mark, part, items in lists)
    click.echo(f"version {found['versions'][0]} -> {found['versions'][1]}{counts}")
    for mark, part, items in lists:
        _list(part, mark, items)
    if found["versions"][0] == found["versions"][1]:
        click.echo("no difference")


def _list(part: str, mark: str, items: Sequence[str]) -> None:
    for item in items:
        click.echo(f"{mark} {part.removesuffix('s')}: {item}")


def _inspector(folder: Path | None, settings: Settings) -> Any:
    from worker.lexicon.inspect import Inspector

    return Inspector(folder or settings.lexicon.folder)
