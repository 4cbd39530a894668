"""The starter lexicon as it ships, loaded once."""

import pytest

from worker.config.settings import STARTER_LEXICON
from worker.lexicon.lexicon import Lexicon
from worker.understanding.decide import Expander


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return Lexicon.load(STARTER_LEXICON)


@pytest.fixture(scope="session")
def expander(lexicon) -> Expander:
    return Expander(lexicon, 32, 0.5, 0.9, 32)
