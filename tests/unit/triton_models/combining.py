"""What the tests of `combine` share: its command, labelled texts, and what runs say of them."""

from __future__ import annotations

from safetensors.torch import load_file

from triton_models.__main__ import main
from triton_models.kinds.intent import combining

TEXTS = [
    (f"{start} {thing}", label)
    for start, label in (("buy a", "buy"), ("is there a", "ask"), ("nice", "look"))
    for thing in (
        *("red kettle", "blue chair", "green lamp", "phone case", "garden hose", "tea pot"),
        *("running shoes", "winter coat", "desk", "head phones", "mirror", "bath mat"),
    )
]


def combine(*given) -> int:
    return main(["combine", *map(str, given)])


def weights(folder):
    return load_file(folder / "model.safetensors")


def says(folder, labels=None):
    (member,) = combining.members([folder])
    return member.says([text for text, _ in TEXTS], labels or member.labels)
