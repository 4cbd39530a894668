"""Figures of a model."""

import json

import numpy as np

from triton_models.evaluation.evaluate import served


def summary(folder, devs, data=None, outside=None):
    _, network = served(folder, "urgency")
    rows = [json.loads(line) for dev in devs for line in dev.read_text().splitlines()]
    found = network.run([row["query"] for row in rows])[:, 0]
    wanted = np.array([row["urgency"] for row in rows])
    return {"queries": len(rows), "error": float(np.abs(found - wanted).mean())}
