"""The options of `finetune encoder` that are its own. Without torch, so that --help is quick."""

from triton_models.training.option_types import above_nothing, above_zero, amount, sizes, whole

SHARES = ("--pairs", "--columns")  # of the options that not all kinds have
DEFAULTS = {"--epochs": 5, "--batch": 64}
METRICS = ("ndcg@10", "mrr", "recall@1", "recall@5")  # of dev, by which the best epoch is chosen
OPTIONS = {
    "--sizes": dict(
        type=sizes,
        metavar="N,N,…",
        default=(),
        help="Matryoshka: leading parts of the vector that are to stand alone, as 192,96",
    ),
    "--temperature": dict(type=above_nothing, default=0.05, help="of the cosines in the loss"),
    "--hard-negatives": dict(
        type=whole, default=1, help="documents mined for each pair; 0 for none"
    ),
    "--mine-every": dict(type=above_zero, default=1, help="mine hard negatives every N epochs"),
    "--query-prompt": dict(
        metavar="TEXT", help="before each query, as 'query: ' (default: the checkpoint's)"
    ),
    "--document-prompt": dict(
        metavar="TEXT", help="before each document, as 'passage: ' (default: the checkpoint's)"
    ),
    "--keep": dict(
        type=amount,
        default=0.0,
        help="weight of the distance to the starting model's vectors, so that little is lost",
    ),
}
SEARCH = {  # what `search` chooses from, beside the rate and its decay over the layers
    "batch": [32, 64, 128],
    "temperature": {"low": 0.02, "high": 0.1, "log": True},
    "hard_negatives": [0, 1, 2],
    "misspelled": [0.0, 0.1],
}
