"""Which model versions are current: an exchange forgets the old one at once, a canary does not."""

from hypothesis import given
from hypothesis import strategies as st

from worker.understanding.versions import TURNS, WINDOW_S, Versions

ANSWERS = st.lists(
    st.tuples(
        st.sets(st.sampled_from("123"), max_size=3),
        st.floats(0, 20),  # seconds since the answer before
        st.floats(0, 30),  # how long the call took
    ),
    max_size=60,
)


def feed(versions, *answers, at=100.0, took=0.5):
    """Answers of one version after another, a second apart."""
    for second, version in enumerate(answers):
        versions.saw({version}, at + second - took, at + second)


def test_an_exchange_and_a_rollback_forget_what_they_replace():
    versions = Versions()
    feed(versions, "1", "1")
    assert versions.current == {"1"}
    feed(versions, "2", at=110)
    assert versions.current == {"2"}
    feed(versions, "1", at=120)
    assert versions.current == {"1"}


def test_versions_that_take_turns_stand_side_by_side():
    versions = Versions()
    feed(versions, *"1212")
    seen = set()
    for second in range(40):
        feed(versions, "12"[second % 2], at=110 + second)
        seen.add(versions.current)
    assert seen == {frozenset("12")}
    feed(versions, "2", at=149 + WINDOW_S)  # the canary has become the whole flock
    assert versions.current == {"2"}


def test_a_late_answer_of_the_old_version_does_not_bring_it_back():
    versions = Versions()
    feed(versions, "1", "2")
    assert not versions.saw({"1"}, began=100.9, now=105.0)
    assert versions.current == {"2"}


def test_of_two_new_versions_at_once_none_is_current_until_the_next_call():
    versions = Versions()
    assert versions.saw({"1", "2"}, 99.0, 100.0) is False
    assert versions.current == frozenset()
    feed(versions, "2", at=102)
    assert versions.current == {"2"}


@given(ANSWERS)
def test_whatever_comes(answers):
    """Who answers is current; several are so only after turns, and each for a window at most."""
    versions, now, changes, last = Versions(), 0.0, 0, {}
    for seen, later, took in answers:
        now += later
        before = versions.current
        assert versions.saw(seen, now - took, now) == (versions.current != before)
        changes += bool(seen - before)
        last |= dict.fromkeys(seen, now)
        if len(seen) == 1 and took == 0:
            assert seen <= versions.current
        if len(versions.current) > 1:
            assert changes >= TURNS
            assert all(now - last[version] <= WINDOW_S for version in versions.current)
