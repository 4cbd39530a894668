"""The options of `finetune matching` that are its own. Without torch, so that --help is quick."""

from triton_models.kinds.head_search import HEAD

# Of the options that not all kinds have:
SHARES = ("--pairs", "--columns", "--head-rate", "--smoothing", "--balance")
DEFAULTS = {"--epochs": 5, "--batch": 32}
METRICS = ("auc_roc", "average_precision", "ndcg@10")  # of dev, by which the best epoch is chosen
OPTIONS: dict[str, dict] = {}
# What `search` chooses from, beside the rate and its decay over the layers.
SEARCH = HEAD | {
    "balance": ["none", "weights"],
}
