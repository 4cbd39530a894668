"""What an answer says."""

import numpy as np

from triton_models.kinds.values import least_share, rounded, within

AGREEMENT = "equal halves {:.1%}"
least = least_share


def fault(contract, values):
    return "" if within(values) else "urgencies that are not from 0 to 1"


def agreement(contract, expected, found):
    return float(np.mean((expected > 0.5) == (found > 0.5)))


def prediction(predictor, form, answer):
    (urgency,) = rounded(answer)
    return {"urgency": urgency}
