"""Tables of embeddings with 4 bits an entry, two entries a byte.

Each block of 32 entries of a row has a scale, and what is left is rounded to the nearest of 16
levels. The levels are those of the smallest mean squared error for the table (S. P. Lloyd, "Least
squares quantization in PCM", IEEE Transactions on Information Theory 28, 1982). A byte looks up
both of its entries at once, among all 256 pairs of levels.
"""

from __future__ import annotations

import numpy as np

BLOCK = 32  # entries that share a scale
LEVELS = 16
SAMPLE, ROUNDS = 400_000, 30  # entries that the levels are fitted to, and how often


def pack(table: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bytes uint8 [rows, width / 2], scales float16 [rows, width / BLOCK], pairs float32 [256, 2].

    `table` is float32, shape [rows, width], its width a multiple of BLOCK. The same table gives the
    same bytes.
    """
    blocks = table.reshape(len(table), -1, BLOCK)
    largest = np.maximum(np.abs(blocks).max(axis=2, keepdims=True), 1e-12)
    levels = _levels((blocks / largest).ravel())
    codes = np.searchsorted(_between(levels), blocks / largest).astype(np.uint8)
    found = levels[codes]
    # Of the scales by which the levels can stand for a block, the one of the smallest error.
    scales = (blocks * found).sum(axis=2) / np.maximum((found * found).sum(axis=2), 1e-12)
    codes = codes.reshape(len(table), -1, 2)
    pairs = np.stack(np.meshgrid(levels, levels, indexing="ij"), axis=2).reshape(-1, 2)
    packed = codes[..., 0] * np.uint8(LEVELS) + codes[..., 1]
    return packed, scales.astype(np.float16), pairs.astype(np.float32)


def unpack(packed: np.ndarray, scales: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The table that `pack` made these of, but for the rounding: float32, shape [rows, width]."""
    blocks = pairs[packed].reshape(len(packed), -1, BLOCK)
    return (blocks * scales[:, :, None].astype(np.float32)).reshape(len(packed), -1)


def _levels(entries: np.ndarray) -> np.ndarray:
    """Lloyd's levels of a sample of the entries, rising."""
    if len(entries) > SAMPLE:
        entries = np.random.default_rng(0).choice(entries, SAMPLE)
    levels = np.quantile(entries, (np.arange(LEVELS) + 0.5) / LEVELS)
    for _ in range(ROUNDS):
        nearest = np.searchsorted(_between(levels), entries)
        counts = np.bincount(nearest, minlength=LEVELS)
        sums = np.bincount(nearest, weights=entries, minlength=LEVELS)
        levels = np.where(counts > 0, sums / np.maximum(counts, 1), levels)
    return levels


def _between(levels: np.ndarray) -> np.ndarray:
    return (levels[1:] + levels[:-1]) / 2
