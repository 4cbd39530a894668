"""The kinds that have a starter model."""

from triton_models.settings import STARTER

STARTERS = sorted(path.parent.name for path in STARTER.glob("*/model.json"))
