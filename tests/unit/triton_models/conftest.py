"""Training in tests runs on one thread: the same numbers everywhere, and cores for the others."""

import sys

import pytest


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
