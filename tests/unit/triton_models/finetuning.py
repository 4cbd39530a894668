"""The command `finetune intent`, and files of queries for it."""

import json

from triton_models.__main__ import main


def finetune(*more) -> int:
    return main(["finetune", "intent", *map(str, more), "--threads", "1", "--batch", "16"])


def rows(path, labels, each):
    lines = [
        {"query": f"item {number} {label}", "labels": label}
        for label in labels
        for number in range(each)
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path
