"""The options of `finetune tagging` that are its own. Without torch, so that --help is quick."""

# Of the options that not all kinds have:
SHARES = ("--queries", "--head-rate", "--smoothing", "--consistency")
DEFAULTS = {"--epochs": 4, "--batch": 64}
METRICS = ("micro_f1", "macro_f1", "whole_queries")  # of dev, by which the best epoch is chosen
OPTIONS: dict[str, dict] = {}
