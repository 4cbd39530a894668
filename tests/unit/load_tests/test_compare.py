"""What got worse, beyond noise."""

import json

import pytest
from click.testing import CliRunner

from load_tests.__main__ import main
from load_tests.compare import changes
from load_tests.figures import Figure


def run(figure: Figure, scale: float = 1.0, cores: int = 2) -> dict:
    figures = {"figure": figure.as_dict()}
    return {
        "machine": {"cores": cores},
        "settings": {"scale": scale},
        "scenarios": {"cached": {"figures": figures}},
    }


def verdicts(old: Figure, new: Figure, **other: float) -> list[str]:
    return [change.verdict for change in changes(run(old), run(new, **other))]


@pytest.mark.parametrize(
    ("better", "old", "new", "verdict"),
    [
        ("higher", [99, 100, 101], [79, 80, 81], "worse"),
        ("higher", [99, 100, 101], [119, 120, 121], "better"),
        ("lower", [99, 100, 101], [119, 120, 121], "worse"),
        ("lower", [99, 100, 101], [79, 80, 81], "better"),
        ("higher", [99, 100, 101], [96, 97, 98], "same"),  # below what is always noise
        ("higher", [70, 100, 110], [79, 80, 81], "same"),  # the old rounds differ by as much
        ("higher", [99, 100, 101], [60, 80, 110], "same"),  # the new ones do
        ("higher", [100], [80], "same"),  # one round says nothing of its noise
        ("higher", [100], [70], "worse"),
    ],
)
def test_a_change_counts_if_it_is_larger_than_the_rounds_differ(better, old, new, verdict):
    assert verdicts(Figure(old, "events/s", better), Figure(new, "events/s", better)) == [verdict]


def test_one_lost_event_is_worse_than_none_whatever_the_noise():
    old, new = Figure([0, 0, 0], "events", "lower"), Figure([0, 1, 1], "events", "lower")
    assert verdicts(old, new) == ["worse"]


def test_a_figure_without_a_better_direction_is_left_out():
    assert verdicts(Figure([1, 1], "ms"), Figure([9, 9], "ms")) == []


@pytest.mark.parametrize("other", [{"cores": 16}, {"scale": 0.1}])
def test_runs_of_another_machine_or_scale_are_compared_by_ratios_alone(other):
    fast, slow = [100, 101], [50, 51]
    absolute = Figure(fast, "events/s", "higher"), Figure(slow, "events/s", "higher")
    ratio = Figure(fast, "×", "higher"), Figure(slow, "×", "higher")
    assert verdicts(*absolute, **other) == []
    assert verdicts(*ratio, **other) == ["worse"]


def test_the_worst_comes_first_and_new_figures_are_left_out():
    names = ("a", "b", "c")
    old, new = run(Figure([1], "×")), run(Figure([1], "×"))
    for name, before, after in zip(names, (100, 100, 100), (95, 50, 70), strict=True):
        pair = Figure([before, before], "×", "higher"), Figure([after, after], "×", "higher")
        for side, figure in zip((old, new), pair, strict=True):
            side["scenarios"]["cached"]["figures"][name] = figure.as_dict()
    new["scenarios"]["burst"] = new["scenarios"]["cached"]
    del old["scenarios"]["cached"]["figures"]["a"]
    assert [change.name for change in changes(old, new)] == ["b", "c"]


@pytest.mark.parametrize(("value", "code", "said"), [(50, 1, "worse  cached"), (99, 0, "0 worse")])
def test_the_command_says_what_got_worse_and_by_its_exit_code(tmp_path, value, code, said):
    files = [tmp_path / "old.json", tmp_path / "new.json"]
    for file, number in zip(files, (100, value), strict=True):
        file.write_text(json.dumps(run(Figure([number, number], "×", "higher"))))
    done = CliRunner().invoke(main, ["compare", *map(str, files)])
    assert done.exit_code == code
    assert said in done.output
