"""The options of `finetune matching` that are its own. Without torch, so that --help is quick."""

# Of the options that not all kinds have:
SHARES = ("--pairs", "--head-rate", "--smoothing", "--balance")
DEFAULTS = {"--epochs": 5, "--batch": 32}
METRICS = ("auc_roc", "average_precision", "ndcg@10")  # of dev, by which the best epoch is chosen
OPTIONS: dict[str, dict] = {}
