"""Reads the model folders and lexicons that the settings name, and checks that they fit together.

An entry is `DEFAULT`, or a language with models or a lexicon of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from triton_models.contract import ModelContract, ModelFolderError, load
from worker.config.languages import DEFAULT
from worker.config.models import ENCODER, INTENT, MODELS, TAGGING
from worker.config.settings import Settings
from worker.errors import ConfigError, LexiconError
from worker.lexicon import built
from worker.lexicon.lexicon import Lexicon

Contracts = Mapping[str, ModelContract]


def model_names(settings: Settings) -> tuple[str, ...]:
    """The kinds of model to ask: `MODELS`, and `TAGGING` where it is wanted."""
    return (*MODELS, TAGGING) if settings.inference.tags else MODELS


def load_contract(settings: Settings, name: str) -> ModelContract:
    """The contract of one of `model_names`.

    Raises:
        ModelFolderError: its folder is missing or broken, or it is of another kind or name.
    """
    called = settings.inference.name(name)
    contract = load(settings.inference.models / called)
    if contract.kind != name:
        raise ModelFolderError(
            f"{contract.folder}: a model of kind {contract.kind}, not {name};"
            " export one of that kind into this folder"
        )
    if contract.name != called:
        raise ModelFolderError(
            f"{contract.folder}: its model.json calls it {contract.name}, not {called};"
            f" export it with --name {called}, or correct names"
        )
    return contract


def load_contracts(settings: Settings, entry: str = DEFAULT) -> Contracts:
    """The contracts of an entry's model folders, by kind.

    Raises:
        ConfigError: folders are missing or broken; also names the lexicon's faults, so that all
            are in one message.
    """
    contracts: dict[str, ModelContract] = {}
    faults: list[str] = []
    chosen, key = settings.of(entry), f"languages.{entry}" if entry else "inference.models"
    for name in model_names(chosen):
        try:
            contracts[name] = load_contract(chosen, name)
        except ModelFolderError as error:
            faults.append(f"{key}: {error}")
    if faults:
        try:
            load_lexicon(settings, contracts, entry=entry)
        except LexiconError as error:
            faults.append(str(error))
        raise ConfigError("\n".join(faults))
    return contracts


def tagging_contract(settings: Settings, contracts: Contracts) -> ModelContract | None:
    """Of kind tagging, what gives the tags of an entry: a model of its own, else the intent model
    if it has tags and the setting leaves it open; None for neither.

    Args:
        settings: with those of the entry, see `Settings.of`.
    """
    if own := contracts.get(TAGGING):
        return own
    return contracts[INTENT].tagging if settings.inference.tagging is None else None


def load_all_contracts(settings: Settings) -> dict[str, Contracts]:
    """Those of every entry.

    Raises:
        ConfigError: see `load_contracts`; or two entries have different models of one name.
    """
    found: dict[str, Contracts] = {}
    faults: list[str] = []
    for entry in settings.entries:
        try:
            found[entry] = load_contracts(settings, entry)
        except ConfigError as error:
            faults.append(str(error))
    if faults := faults or namesakes(found):
        raise ConfigError("\n".join(faults))
    return found


def namesakes(found: Mapping[str, Contracts]) -> list[str]:
    """What is wrong with models of one name: the server has one of each."""
    faults, known = [], {}
    for entry, contracts in found.items():
        for kind, contract in contracts.items():
            other = known.setdefault(contract.name, contract)
            if replace(other, folder=contract.folder) != contract:
                faults.append(
                    f"languages.{entry}: {contract.folder} is called {contract.name} like another"
                    f" model, {other.folder}; export it with --name {contract.name}_{entry}, and"
                    f" set languages.{entry}.names.{kind}"
                )
    return faults


def by_name(found: Mapping[str, Contracts]) -> Contracts:
    """The models of all entries, each once."""
    return {c.name: c for contracts in found.values() for c in contracts.values()}


def load_lexicon(
    settings: Settings,
    contracts: Contracts,
    known: Lexicon | None = None,
    entry: str = DEFAULT,
) -> Lexicon:
    """The lexicon of an entry, checked against its encoder's contract, if `contracts` has one.

    Args:
        known: a lexicon already loaded; returned if the folder still holds its version.

    Raises:
        LexiconError: it is missing or broken, or its vectors are another encoder's.
    """
    chosen = settings.of(entry)
    folder = chosen.lexicon.folder
    try:
        same = known and built.version(folder) == known.version
        lexicon = known if same else Lexicon.load(folder)
    except LexiconError as error:
        own = entry and chosen.lexicon != settings.lexicon
        key = f"languages.{entry}.lexicon" if own else "lexicon.folder"
        raise LexiconError(str(error).replace("lexicon.folder", key)) from None
    encoder = contracts.get(ENCODER)
    made_by = lexicon.encoder_sha256, lexicon.document_prompt
    if encoder and made_by != (encoder.onnx_sha256, encoder.prompts.document):
        models = f"--set inference.models={chosen.inference.models}"
        raise LexiconError(
            f"{folder}: built with another encoder than {encoder.folder}; build it again: "
            f"{built.BUILD} --out FOLDER {f'--language {entry}' if entry else models}"
        )
    return lexicon


def load_lexicons(
    settings: Settings,
    contracts: Mapping[str, Contracts],
    known: Mapping[str, Lexicon] = MappingProxyType({}),
) -> dict[str, Lexicon]:
    """The lexicon of every entry; those of one folder share it.

    Raises:
        LexiconError: see `load_lexicon`; names every fault.
    """
    found: dict[str, Lexicon] = {}
    read: dict[Path, Lexicon] = {}
    faults: list[str] = []
    for entry, own in contracts.items():
        folder = settings.of(entry).lexicon.folder
        try:
            found[entry] = load_lexicon(settings, own, read.get(folder, known.get(entry)), entry)
            read[folder] = found[entry]
        except LexiconError as error:
            faults.append(str(error))
    if faults:
        raise LexiconError("\n".join(faults))
    return found
