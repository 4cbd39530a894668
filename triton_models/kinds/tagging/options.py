"""The options of `finetune tagging` that are its own. Without torch, so that --help is quick."""

from triton_models.training.option_types import share

# Of the options that not all kinds have:
SHARES = ("--queries", "--head-rate", "--parts", "--smoothing", "--consistency")
DEFAULTS = {"--epochs": 6, "--batch": 32}
METRICS = ("micro_f1", "macro_f1", "whole_queries")  # of dev, by which the best epoch is chosen
OPTIONS = {
    "--exchanged": dict(
        type=share,
        default=0.0,
        help="share of queries in which a span is exchanged for another of its tag",
    ),
}
