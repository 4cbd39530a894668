"""The options of `finetune matching` that are its own. Without torch, so that --help is quick."""

# Of the options that not all kinds have:
SHARES = ("--pairs", "--head-rate", "--smoothing", "--balance")
DEFAULTS = {"--epochs": 5, "--batch": 32}
METRICS = ("auc_roc", "average_precision", "ndcg@10")  # of dev, by which the best epoch is chosen
OPTIONS: dict[str, dict] = {}
SEARCH = {  # what `search` chooses from, beside the rate and its decay over the layers
    "head_rate": {"low": 3e-4, "high": 1e-2, "log": True},
    "batch": [16, 32, 64],
    "dropout": {"low": 0.0, "high": 0.3},
    "smoothing": {"low": 0.0, "high": 0.2},
    "balance": ["none", "weights"],
}
