"""The options of `finetune tagging` that are its own. Without torch, so that --help is quick."""

from triton_models.kinds.head_search import HEAD

# Of the options that not all kinds have:
SHARES = ("--queries", "--head-rate", "--smoothing", "--consistency")
DEFAULTS = {"--epochs": 4, "--batch": 64}
METRICS = ("micro_f1", "macro_f1", "whole_queries")  # of dev, by which the best epoch is chosen
OPTIONS: dict[str, dict] = {}
# What `search` chooses from, beside the rate and its decay over the layers.
SEARCH = HEAD | {
    "consistency": {"low": 0.0, "high": 2.0},
}
