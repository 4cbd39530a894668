"""The options of `finetune intent` that are its own. Without torch, so that --help is quick."""

from triton_models.kinds.head_search import HEAD
from triton_models.training.option_types import amount, share

# Of the options that not all kinds have:
SHARES = ("--queries", "--columns", "--head-rate", "--smoothing", "--balance", "--consistency")
DEFAULTS = {"--epochs": 15, "--batch": 32}
METRICS = ("accuracy", "macro_f1")  # of dev, by which the best epoch is chosen
OPTIONS = {
    "--leave-one-source-out": dict(
        action="store_true",
        help="train on all sources but one, judge on that one, for each; leaves a table"
        " (quickest with --how frozen --pooling mean)",
    ),
    "--pooling": dict(choices=("cls", "mean"), default="cls", help="what the head sees"),
    "--category-weight": dict(
        type=amount,
        default=0.0,
        help="of learning the column `category` too, by a head that is dropped in the end",
    ),
    "--tag-weight": dict(
        type=amount,
        default=0.0,
        help="of learning the tags of a manifest's `tagged` sources too, by a further head",
    ),
    "--restyled": dict(
        type=share,
        default=0.0,
        help="share of queries read in another style: keywords, sentence, case, order, …",
    ),
    "--out-of-scope": dict(metavar="LABEL", help="choose a threshold that finds this label"),
}
# What `search` chooses from, beside the rate and its decay over the layers.
SEARCH = HEAD | {
    "consistency": {"low": 0.0, "high": 2.0},
    "pooling": ["cls", "mean"],
}
