"""The bookkeeping finds each planted fault, and no other."""

from __future__ import annotations

import pytest

from tests.faults.reconcile import Ledger, Window

COUNT = 100
KILL = Window("worker_kill", 50.0, 60.0)


@pytest.fixture
def ledger():
    """100 inputs in two partitions; the even ones in partition 0."""
    ledger = Ledger(COUNT, [KILL])
    for number in range(COUNT):
        ledger.sent(number, number % 2, number // 2)
    return ledger


def all_out(ledger, order=range(COUNT)):
    """Each came out at the second of its number; every tenth as a dead letter."""
    for number in order:
        if number % 10 == 9:
            ledger.dead_letter(number, "invalid_json", float(number))
        else:
            ledger.out(number, number % 3, float(number))


def found(ledger):
    ledger.lost()
    return dict(ledger.findings.counts)


def test_a_run_without_fault_has_no_findings(ledger):
    all_out(ledger)
    assert found(ledger) == {}
    assert ledger.dead_letters == {"invalid_json": 10}


def test_a_lost_input_is_found(ledger):
    all_out(ledger, (n for n in range(COUNT) if n not in (41, 49)))
    assert found(ledger) == {"lost": 2}
    assert ledger.findings.examples["lost"] == [
        "input 41 (partition 1, offset 20)",
        "input 49 (partition 1, offset 24)",
    ]


def test_an_input_that_was_never_in_the_topic_is_not_lost():
    ledger = Ledger(2)
    ledger.sent(0, 0, 0)
    ledger.out(0, 0, 1.0)
    assert found(ledger) == {}


@pytest.mark.parametrize(
    ("first_at", "again_at", "excused"),
    [
        (49.0, 51.0, True),  # not yet committed when the fault came
        (55.0, 59.0, True),
        (40.0, 51.0, False),  # committed long before
        (49.0, 49.5, False),  # before the fault
        (49.0, 61.0, False),  # all was well again
    ],
)
def test_a_duplicate_is_excused_only_beside_a_fault(ledger, first_at, again_at, excused):
    ledger.out(4, 0, first_at)
    ledger.out(4, 0, again_at)
    expected = {"duplicated": 1} | ({} if excused else {"duplicated_elsewhere": 1})
    assert dict(ledger.findings.counts) == expected
    assert ledger.excused == ({"worker_kill": 1} if excused else {})


def test_an_output_beside_a_dead_letter_is_a_duplicate(ledger):
    ledger.out(4, 0, 1.0)
    ledger.dead_letter(4, "model_rejected", 2.0)
    assert dict(ledger.findings.counts) == {"duplicated": 1, "duplicated_elsewhere": 1}


def test_two_that_changed_places_are_out_of_order(ledger):
    order = list(range(COUNT))
    order[12], order[18] = order[18], order[12]  # of one partition and one lane
    all_out(ledger, order)
    assert found(ledger) == {"out_of_order": 1, "out_of_order_elsewhere": 1}
    told = "input 12 (partition 0, offset 6): after offset 9, at 12.000"
    assert ledger.findings.examples["out_of_order"] == [told]


def test_kafka_keeps_no_order_between_partitions_of_the_output(ledger):
    ledger.out(20, 0, 1.0)
    ledger.out(10, 1, 2.0)
    assert dict(ledger.findings.counts) == {}


def test_a_replay_is_no_fault_of_order_but_what_it_skipped_is(ledger):
    for number, at in ((0, 49.0), (6, 49.0), (12, 49.0), (0, 55.0), (6, 55.0), (12, 55.0)):
        ledger.out(number, 0, at)
    assert dict(ledger.findings.counts) == {"duplicated": 3}
    ledger.out(24, 0, 70.0)
    ledger.out(18, 0, 70.0)
    assert ledger.findings.counts["out_of_order"] == 1
    assert ledger.findings.counts["out_of_order_elsewhere"] == 1


def test_order_that_a_woken_worker_breaks_is_excused_but_counted(ledger):
    ledger.out(12, 0, 55.0)
    ledger.out(6, 0, 55.0)
    assert dict(ledger.findings.counts) == {"out_of_order": 1}


def test_a_record_of_no_input_is_corrupted(ledger):
    ledger.out(COUNT, 0, 1.0)
    assert dict(ledger.findings.counts) == {"corrupted": 1}


def test_an_input_that_lies_in_its_topic_twice_is_told(ledger):
    ledger.sent(7, 1, 99)
    assert dict(ledger.findings.counts) == {"sent_twice": 1}
