"""The way back of a sheet: its labels go into the files that its rows came from.

A row is found by its id, or by its text in normal form. What does not fit is refused as a whole,
by file and line, before anything is written.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

from triton_models.data import manifest_file, named, sheet
from triton_models.data.drafts import draft_of
from triton_models.data.faults import Faults
from triton_models.data.manifest import REST
from triton_models.data.records import Record
from triton_models.data.rewrite import File
from triton_models.data.sheet import DROP, Decision, identity
from triton_models.kinds import KINDS
from triton_models.product_text import compose
from triton_models.query_text import normal_form
from triton_models.settings import UsageError


@dataclass
class Target:
    """A file that labels go into, and what becomes of its lines.

    Attributes:
        names: what its columns may be called.
        labels: its labels to those of the sheet, as a manifest maps them; empty: they are the same.
        template: by which the manifest composes its products.
    """

    file: File
    part: ModuleType
    names: named.Names
    labels: Mapping[str, str | float] = field(default_factory=dict)
    template: str = ""
    changed: dict[int, Record | None] = field(default_factory=dict)
    more: list[Record] = field(default_factory=list)

    def ours(self, record: Record) -> Record:
        """A record as it was judged: by our names, a product being composed."""
        found = named.ours(record, self.names)
        if self.template and "term" in found:
            title = {"title": found["term"], "term": found["term"]}
            found["term"] = compose(self.template, found | title)
        return found

    def left_out(self, ours: Record) -> bool:
        """Whether the manifest leaves a record out, by its label."""
        found = self.part.current(ours)
        return bool(found) and self.labels.get(found, self.labels.get(REST)) == ""

    def label(self, ours: Record) -> str:
        """The label that a record has, in the sheet's words; "" for none."""
        found = self.part.current(ours)
        mapped = self.labels.get(found, self.labels.get(REST, found)) if found else ""
        return self.part.current({self.part.LABEL: mapped}) if self.labels else found

    def written(self, label: str) -> str:
        """A label of the sheet in the words of the file.

        Raises ValueError where the manifest maps none to it, or several.
        """
        if not self.labels or label in self.labels:
            return label
        same = [
            theirs
            for theirs, ours in self.labels.items()
            if ours != "" and theirs != REST and self.part.same(label, str(ours))
        ]
        if len(same) != 1:
            told = f"as {' or '.join(map(repr, same))}" if same else "in no way"
            remedy = "write its own word into `label`" if same else "map one in the manifest"
            raise ValueError(f"{label!r} is written {told} in {self.file.path}; {remedy}")
        return same[0]


def merge(
    kind: str,
    labelled: Path,
    into: Sequence[Path],
    out: Path,
    new: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Counter[str]:
    """Write the files `into`, with the labels of a sheet, to `out`: a file, or of several a folder.

    Args:
        into: files, or one manifest, which names files, columns and labels. `out` may be what
            `into` is: the files are changed where they are.
        new: labels that no file has yet.
        columns: names of the needed columns, in their order, where they are none of the usual.

    Returns the rows by what became of them: "changed", "added", "dropped", "same".

    Raises:
        UsageError: lists by line the labels that no file knows, rows that are in no file, and rows
            whose label is another than the sheet says.
    """
    decisions = sheet.read(labelled)
    part = KINDS[kind].part("labels")
    manifest = into[0] if [path.suffix for path in into] == [".toml"] else None
    if manifest and columns:
        raise UsageError("a manifest names its own columns: leave --columns out")
    if manifest:
        targets = of_manifest(manifest, part)
    else:
        names = named.names_of(part.FORM, columns)
        targets = [Target(File(path, names.values()), part, names) for path in into]
    for target in targets:
        require_columns(target, part.FORM)
    files = [target.file.path for target in targets]
    places = files if manifest and out == manifest else places_of(out, files)
    counts = _Merging(part, labelled, decisions, targets, new).run()
    for target, place in zip(targets, places, strict=True):
        place.parent.mkdir(parents=True, exist_ok=True)
        place = place.resolve()  # a link stays one
        draft = draft_of(place)
        with draft.open("x", encoding=target.file.encoding, newline="") as file:
            file.write(target.file.text(target.changed, target.more))
        shutil.copymode(target.file.path, draft)
        draft.replace(place)
    return counts


def of_manifest(path: Path, part: ModuleType) -> list[Target]:
    """The files of a manifest whose rows have a label of their own.

    Raises UsageError where there is none.
    """
    manifest = manifest_file.read(path)
    found = []
    for source in manifest.sources:
        if source.format != part.FORM or source.label is not None or source.plain:
            continue
        if source.labels and not part.LABEL:
            raise UsageError(f"{source.path}: its tags are mapped; name the file itself by --into")
        given = {ours: (theirs,) for ours, theirs in source.columns.items()}
        names = named.names_of(part.FORM) | given
        file = File(source.path, names.values())
        found.append(Target(file, part, names, source.labels, manifest.product_text))
    if not found:
        raise UsageError(f"{path}: no source of the format {part.FORM} whose rows have labels")
    return found


def places_of(out: Path, into: Sequence[Path]) -> list[Path]:
    """Where each file is written; UsageError for one that exists and is none of those read."""
    single = len(into) == 1 and not out.is_dir()
    places = [out] if single else [out / path.name for path in into]
    if len(set(places)) < len(places):
        raise UsageError("--into: two files have one name; merge into one of them at a time")
    for place, path in zip(places, into, strict=True):
        if place.exists() and not (path.exists() and place.samefile(path)):
            raise UsageError(f"{place}: exists; give --out another place, or the file of --into")
    return places


def require_columns(target: Target, form: str) -> None:
    """Raises UsageError for a file whose texts or labels have a name that we do not know."""
    for name in named.needed_of(form):
        usual = target.names[name]
        if not named.theirs(target.file.columns, {name: usual}):
            told = f"{', '.join(usual[:-1])} or {usual[-1]}" if usual[1:] else usual[0]
            needed = ",".join(named.needed_of(form))
            raise UsageError(
                f"{target.file.path}: no column {told}; name yours: --columns {needed}"
            )


class _Merging:
    """One merge: `run` fills the targets, or raises UsageError with all faults."""

    def __init__(
        self,
        part: ModuleType,
        labelled: Path,
        decisions: Sequence[Decision],
        targets: Sequence[Target],
        new: Sequence[str],
    ) -> None:
        self.part, self.sheet, self.targets = part, str(labelled), targets
        self.decisions, self.faults, self.counts = decisions, Faults(), Counter()
        self.known = set(new)
        self.by_id: dict[str, list[Decision]] = {}
        self.by_text: dict[tuple[str, str], list[Decision]] = {}
        for one in decisions:
            self.by_id.setdefault(one.id, []).append(one)
            if one.text:
                form = normal_form(one.text), normal_form(one.term)
                self.by_text.setdefault(form, []).append(one)

    def run(self) -> Counter[str]:
        rows = [
            (target, piece.line, ours, piece.record)
            for target in self.targets
            for piece in target.file.pieces
            if piece.record is not None and not target.left_out(ours := target.ours(piece.record))
        ]
        for target, _, ours, _ in rows:
            self.known |= self.part.names(ours, target.label(ours)) | set(target.labels)
        met: set[int] = set()
        for target, line, ours, record in rows:
            if found := self.meant(ours):
                has = target.label(ours)
                one = next((one for one in found if self.part.same(has, one.given)), found[0])
                met |= {one.line for one in found}
                self.decide(one, target, line, has, record)
        for one in self.decisions:
            fault = "" if one.label == DROP else self.part.fault(one, self.known)
            if fault:
                self.faults.add(self.sheet, one.line, fault)
            elif one.line not in met:
                self.add(one)
        self.faults.tell(Path(self.sheet))
        return self.counts

    def meant(self, ours: Record) -> list[Decision]:
        """The decisions of a row of data, which may itself be written as an id."""
        text, term = self.part.text_of(ours), str(ours.get("term") or "")
        found = self.by_id.get(identity(text, term)) or self.by_id.get(text)
        return found or self.by_text.get((normal_form(text), normal_form(term)), [])

    def decide(self, one: Decision, target: Target, line: int, has: str, record: Record) -> None:
        """Change a row of data, which has the label `has`, as a decision says."""
        if self.part.same(has, one.label):
            self.counts["same"] += 1
        elif has and not self.part.same(has, one.given):
            empty = "`given` of the sheet is empty"
            said = f"the sheet has {one.given!r} for it" if one.given else empty
            told = f"{target.file.path}:{line} has {has!r}, and {said}: clear `label`, correct"
            remedy = "`given`, or add a line with this `given` if the text is there twice"
            self.faults.add(self.sheet, one.line, f"{told} {remedy}")
        elif one.label == DROP:
            target.changed[line] = None
            self.counts["dropped"] += 1
        elif (label := self.written(one, target)) is not None:
            names = named.theirs(record, target.names)
            target.changed[line] = self.part.relabelled(record, label, names)
            self.counts["changed"] += 1

    def written(self, one: Decision, target: Target) -> str | None:
        """A new label in the words of a file; None where it is at fault, which is noted."""
        if self.part.fault(one, self.known):
            return None  # `run` notes it
        try:
            return target.written(one.label)
        except ValueError as fault:
            self.faults.add(self.sheet, one.line, str(fault))
            return None

    def add(self, one: Decision) -> None:
        """Put a row that is in no file into the first."""
        if one.given:
            told = f"no row of --into is {one.text or one.id!r}; give the file that has it as well"
            self.faults.add(self.sheet, one.line, told)
        elif not one.text:
            self.faults.add(self.sheet, one.line, f"{one.id}: no row of --into, and no text to add")
        elif one.label != DROP and (label := self.written(one, self.targets[0])) is not None:
            first = self.targets[0]
            names = named.theirs(first.file.columns, first.names)
            first.more.append(self.part.new(replace(one, label=label), names))
            self.counts["added"] += 1
