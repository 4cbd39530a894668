"""The walks in docs/architecture.md name what exists, in the files that they name."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text()
HEADINGS = ("The way of an event that was seen before", "The way of an event that was not")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def items(heading: str) -> list[str]:
    """The numbered items of a section, and its other paragraphs."""
    section = re.search(rf"^## {heading}\n(.*?)^## ", TEXT, re.S | re.M).group(1)
    return [part for part in re.split(r"\n(?=\d+\. |\n)", section) if part.strip()]


def named(item: str) -> tuple[list[str], list[str]]:
    """What an item has in backticks: files or folders, and names of code."""
    quoted = re.findall(r"`(.*?)`", item)
    files = [name for name in quoted if name.endswith((".py", "/"))]
    return files, [name for name in quoted if name not in files]


@cache
def found(name: str) -> tuple[Path, ...]:
    """The files or folders of the program that end with this path."""
    every = [
        path for package in ("worker", "triton_models") for path in (ROOT / package).rglob("*")
    ]
    ending = "/" + name.rstrip("/")
    return tuple(path for path in every if f"/{path.relative_to(ROOT)}".endswith(ending))


@cache
def defined(file: Path) -> frozenset[str]:
    """Functions, classes and `Class.member` of a file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{member}" for member in members(node)}
    return frozenset(names)


def members(node: ast.ClassDef) -> set[str]:
    """Methods and fields of a class, and what its methods set."""
    fields = {one.target.id for one in node.body if isinstance(one, ast.AnnAssign)}
    methods = {one.name for one in node.body if isinstance(one, FUNCTIONS)}
    stored = {
        one.attr
        for one in ast.walk(node)
        if isinstance(one, ast.Attribute) and isinstance(one.ctx, ast.Store)
    }
    return fields | methods | stored


@pytest.mark.parametrize("item", [item for heading in HEADINGS for item in items(heading)])
def test_every_file_and_name_of_the_walks_exists(item):
    files, names = named(item)
    assert [file for file in files if not found(file)] == []
    there = {
        name
        for file in files
        if file.endswith(".py")
        for path in found(file)
        for name in defined(path)
    }
    assert [name for name in names if name not in there] == []


def test_the_walks_are_read():
    assert all(sum(len(named(item)[1]) for item in items(heading)) > 10 for heading in HEADINGS)
