"""The arithmetic of `combine`: what models say together, and how far one is from another."""

from tests.skips import skip_or_fail

try:
    import torch
except ModuleNotFoundError as missing:
    skip_or_fail(f"{missing.name} is not installed: `make install-training` adds it")

from triton_models.combination import stack
from triton_models.kinds.intent.combining import figures
from triton_models.training.ensemble import divergence, pooled


def words(count):
    return [f"query {i}" for i in range(count)]


def test_a_stacker_finds_who_knows_and_is_judged_by_queries_it_has_not_seen():
    torch.manual_seed(4)
    wanted = torch.eye(3)[torch.arange(300) % 3]
    knows = (4 * wanted + torch.randn(300, 3)).log_softmax(1)
    guesses = (4 * torch.randn(300, 3)).log_softmax(1)  # sure of itself, and wrong
    said = torch.stack((knows, guesses))
    good, bad = stack.fitted(said, wanted)
    assert good > 0.5 > 5 * abs(bad)
    mean = figures(pooled(said, None), wanted)
    judged = figures(stack.cross_fitted(said, wanted, words(300)), wanted)
    assert judged["log_loss"] < mean["log_loss"] - 0.1
    assert judged["accuracy"] > mean["accuracy"] + 0.05


def test_cross_fitting_never_judges_a_query_by_weights_it_gave(monkeypatch):
    said = torch.randn(2, 50, 3).log_softmax(2)
    wanted = torch.eye(3)[torch.arange(50) % 3]
    seen = []
    monkeypatch.setattr(stack, "fitted", lambda s, w: seen.append(s.shape[1]) or [0.5, 0.5])
    stack.cross_fitted(said, wanted, words(50))
    assert seen == [40] * stack.FOLDS


def test_the_mean_is_of_probabilities_and_weights_are_of_logits():
    said = torch.tensor([[[0.9, 0.1]], [[0.3, 0.7]]]).log()
    torch.testing.assert_close(pooled(said, None).exp(), torch.tensor([[0.6, 0.4]]))
    torch.testing.assert_close(pooled(said, [1.0, 0.0]), said[0])


def test_the_divergence_is_that_of_kullback_and_leibler():
    said, found = torch.randn(5, 4), torch.randn(5, 4)
    p, q = said.softmax(1), found.softmax(1)
    expected = (p * (p / q).log()).sum(1)
    torch.testing.assert_close(divergence(found, said), expected)
