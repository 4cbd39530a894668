"""The starter lexicon as it ships, loaded once."""

import pytest

from worker.config.settings import STARTER_LEXICON
from worker.lexicon import source
from worker.lexicon.lexicon import Lexicon


@pytest.fixture(scope="session")
def lexicon() -> Lexicon:
    return Lexicon.load(STARTER_LEXICON)


@pytest.fixture(scope="session")
def starter() -> source.Source:
    return source.read(STARTER_LEXICON)
