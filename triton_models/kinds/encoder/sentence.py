"""What a sentence-transformers folder says beside its weights: pooling, prompts and length.

Read from `modules.json`, `1_Pooling/config.json`, `config_sentence_transformers.json` and
`sentence_bert_config.json`, and written again beside a trained checkpoint, so that
sentence-transformers gives the same vectors. Without torch.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from triton_models.kinds.encoder import POOLINGS
from triton_models.kinds.kind import Prompts
from triton_models.settings import UsageError

MODULES = "modules.json"
POOLING = "1_Pooling"
PROMPTS = "config_sentence_transformers.json"
LENGTH = "sentence_bert_config.json"
MODES = {  # theirs, and ours: the unit vectors of a sum and of a mean are the same
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_mean_sqrt_len_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}
QUERY, DOCUMENT = ("query",), ("document", "passage", "corpus")  # what prompts are called
KNOWN = ("Transformer", "Pooling", "Normalize")  # modules, in the order that we write them


@dataclass(frozen=True)
class Sentence:
    """How token vectors become a text's, and what stands before the text.

    Attributes:
        pooling: one of `POOLINGS`.
        longest: tokens that it was trained for; None where it does not say.
        dot: whether its vectors are compared by dot product, their lengths counting.
    """

    pooling: str = "mean"
    prompts: Prompts = Prompts()
    longest: int | None = None
    dot: bool = False


def read(folder: Path) -> Sentence:
    """What a checkpoint folder says; the mean and no prompts where it says nothing.

    Raises UsageError that names what cannot be obeyed.
    """
    modules = _json(folder / MODULES, [])
    kinds = {module["type"].rpartition(".")[2]: module for module in modules}
    if odd := [kind for kind in kinds if kind not in KNOWN]:
        raise UsageError(
            f"{folder / MODULES}: a module {odd[0]}, which cannot be served; give a checkpoint of"
            f" {', '.join(KNOWN)} alone"
        )
    about, told = _json(folder / PROMPTS, {}), _json(folder / LENGTH, {})
    place = folder / (kinds["Pooling"]["path"] if "Pooling" in kinds else POOLING) / "config.json"
    pooling = _json(place, {})
    prompts = prompts_of(about, folder / PROMPTS)
    if prompts != Prompts() and pooling.get("include_prompt") is False:
        raise UsageError(
            f"{place}: include_prompt is false, and prompts are always pooled here; give another"
            " checkpoint, or one without prompts"
        )
    return Sentence(
        _mode(pooling, place),
        prompts,
        told.get("max_seq_length"),
        about.get("similarity_fn_name") == "dot" and "Normalize" not in kinds and bool(modules),
    )


def _mode(pooling: dict[str, Any], place: Path) -> str:
    """Ours of a pooling's config, which names its mode or has a flag for each."""
    named = pooling.get("pooling_mode", [])
    wanted = [named] if isinstance(named, str) else list(named)
    wanted += [mode for flag, mode in MODES.items() if pooling.get(flag)]
    wanted = [mode.removesuffix("_sqrt_len_tokens") for mode in dict.fromkeys(wanted)] or ["mean"]
    if len(wanted) > 1 or wanted[0] not in POOLINGS:
        raise UsageError(
            f"{place}: pooling by {' and '.join(wanted)}, which cannot be served; give a checkpoint"
            f" of one of {', '.join(POOLINGS)}"
        )
    return wanted[0]


def prompts_of(about: dict[str, Any], place: Path) -> Prompts:
    """The prompts of queries and of documents, by the names that they usually have."""
    given = about.get("prompts") or {}
    usual = about.get("default_prompt_name")
    if usual is not None and usual not in given:
        raise UsageError(f"{place}: default_prompt_name {usual!r} is none of its prompts: name one")

    def named(names: tuple[str, ...]) -> str:
        return next((given[n] for n in names if given.get(n)), given.get(usual, ""))

    return Prompts(named(QUERY), named(DOCUMENT))


def write(found: Sentence, folder: Path) -> None:
    """Write what `read` reads; what another run left in the folder is replaced."""
    modules = [
        {"idx": i, "name": str(i), "path": f"{i}_{name}" if i else "", "type": _type(name)}
        for i, name in enumerate(KNOWN)
    ]
    flags = {flag: mode == found.pooling for flag, mode in MODES.items()}
    flags["pooling_mode_mean_sqrt_len_tokens"] = False
    width = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    about = {
        "prompts": asdict(found.prompts),
        "default_prompt_name": None,
        "similarity_fn_name": "cosine",
    }
    (folder / POOLING).mkdir(exist_ok=True)
    (folder / "2_Normalize").mkdir(exist_ok=True)
    size = width.get("hidden_size", width.get("dim"))
    _write(folder / POOLING / "config.json", {"word_embedding_dimension": size} | flags)
    _write(folder / MODULES, modules)
    _write(folder / PROMPTS, about)
    if found.longest:
        _write(folder / LENGTH, {"max_seq_length": found.longest, "do_lower_case": False})


def _type(name: str) -> str:
    return f"sentence_transformers.models.{name}"


def _write(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _json(file: Path, missing: Any) -> Any:
    """A file's content, of the type of `missing`, which stands for a file that is not there."""
    if not file.is_file():
        return missing
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{file}: cannot be read ({error}); correct it, or remove it") from None
    if not isinstance(found, type(missing)):
        raise UsageError(f"{file}: not what sentence-transformers writes; correct or remove it")
    return found
