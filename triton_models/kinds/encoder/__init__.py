"""Texts to unit vectors: near ones mean similar things."""

from triton_models.kinds.kind import IDS, Kind, nothing

KIND = Kind(
    "encoder",
    inputs=IDS,
    output="vector",
    own=nothing,
    documents=True,
    evaluates=("--data",),
)
