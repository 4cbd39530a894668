"""The starter lexicon as it ships, loaded once."""

import pytest

from worker.config.settings import STARTER_LEXICON
from worker.lexicon.lexicon import Lexicon


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return Lexicon.load(STARTER_LEXICON)
