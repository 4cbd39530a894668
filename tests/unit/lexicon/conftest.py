"""The sources of the starter lexicon, read once."""

import pytest

from worker.config.settings import STARTER_LEXICON
from worker.lexicon import source


@pytest.fixture(scope="session")
def starter() -> source.Source:
    return source.read(STARTER_LEXICON)
