"""The commands as a user types them: results to stdout, logs to stderr, no traceback."""

import json

import pytest

from tests import program
from tests.stream import schema, settings
from worker.commands.demo import traffic

LINES = [
    "cheap red sneakers",
    "where is my order",
    '{"query": "blue sofa", "query_id": "q1", "page": 3}',
    '{"query": ',
    "",
    '{"query": 5}',
    "x" * 1_000_000,
    "\x00\x01",
]


def test_enrich_keeps_the_order_and_reports_errors_in_place():
    done = program.run("enrich", text="\n".join(LINES))
    assert done.returncode == 1, done.stderr  # a script must notice
    assert "5 of 8 lines failed" in done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(events) == len(LINES)
    valid = schema("output")
    for event in events[:3]:
        valid.validate(event)
    assert [event["query"] for event in events[:3]] == LINES[:2] + ["blue sofa"]
    assert events[2]["query_id"] == "q1" and events[2]["page"] == 3
    errors = [(event["line"], event["error"]["type"], event["input"]) for event in events[3:]]
    assert errors == [
        (4, "invalid_json", LINES[3]),
        (5, "empty_query", ""),
        (6, "query_not_text", LINES[5]),
        (7, "query_too_long", LINES[6]),
        (8, "empty_query", LINES[7]),
    ]
    assert "Traceback" not in done.stderr


def test_enrich_survives_bytes_that_are_no_text():
    done = program.run("enrich", text=b"\xff\xc3\nred shoes\r\n")
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["error"]["type"] in ("invalid_json", "invalid_utf8")
    assert second["query"] == "red shoes"


def test_enrich_of_nothing_is_nothing():
    done = program.run("enrich")
    assert (done.returncode, done.stdout) == (0, "")
    assert program.run("enrich", text="red shoes\n").returncode == 0
    assert program.run("enrich", text="{\n").returncode == 1


def test_enrich_through_triton_is_the_same_as_in_process(triton):
    """Whatever shares a batch: an answer hangs on its query alone."""
    text = "red running shoes\nwhere is my order\niphone 15 pro 256gb\ngift for dad who cooks\n"
    here = program.run("enrich", text=text)
    there = program.run("enrich", "--set", f"inference.url={triton.url}", text=text)
    assert there.returncode == 0, there.stderr
    for a, b in zip(here.stdout.splitlines(), there.stdout.splitlines(), strict=True):
        a, b = json.loads(a), json.loads(b)
        assert a["intent"]["scores"] == pytest.approx(b["intent"]["scores"], abs=0.001)
        assert [e["term"] for e in a["expansions"]] == [e["term"] for e in b["expansions"]]


def test_demo_adds_up(triton):
    done = program.run("demo", "--events", "2000", "--rate", "0", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["produced"] == summary["consumed"] == 2000
    assert summary["published"] + summary["dead_lettered"] == 2000
    assert summary["balanced"] is True
    assert summary["events_per_second"] > 0 and summary["p99_ms"] >= summary["p50_ms"] > 0
    assert 0 < summary["cache_hit_ratio"] < 1


def test_demo_takes_the_users_own_queries(tmp_path):
    file = tmp_path / "mine.txt"
    file.write_text('garden hose\n{"query": "blue sofa"}\n{"broken\n')
    done = program.run("demo", "--events", "200", "--rate", "0", "--queries", str(file))
    assert done.returncode == 0, done.stderr
    assert "200 in = " in done.stdout and "dead-lettered" in done.stdout
    assert "Kafka     127.0.0.1:" in done.stderr and "/metrics" in done.stderr


def test_the_built_in_stream_is_wide_and_repeats():
    values = traffic.read_values(traffic.BUILT_IN)
    assert len(set(values)) >= 300
    stream = traffic.zipf(values)
    drawn = [next(stream) for _ in range(5000)]
    counts = sorted((drawn.count(value) for value in set(drawn)), reverse=True)
    assert len(counts) >= 250
    assert counts[0] > 4 * counts[9] > 0


def test_check_of_a_sound_set_up(broker, triton):
    chosen = settings(
        *(broker.bootstrap_servers, broker.topics()),
        *("inference.backend=triton", f"inference.url={triton.url}"),
    )
    done = program.run("check", "--json", *program.assignments(chosen))
    findings = json.loads(done.stdout)
    faults = [finding for finding in findings if finding["state"] == "fault"]
    assert done.returncode == 0 and not faults, (faults, done.stderr)
    assert {"model folders", "lexicon", "model contract"} <= {f["part"] for f in findings}


def test_check_reports_each_fault_with_its_remedy():
    done = program.run(
        *("check", "--set", "kafka.bootstrap_servers=127.0.0.1:9"),
        *("--set", "inference.url=127.0.0.1:9"),
    )
    assert done.returncode == 1
    assert "correct inference.url" in done.stdout
    assert "correct kafka.bootstrap_servers" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", ["run", "enrich", "check", "demo"])
def test_wrong_configuration_is_one_listing_and_exit_code_2(name, tmp_path):
    file = tmp_path / "w.toml"
    file.write_text("[kafka]\ninput_topik = 'a'\n[batching]\nmax_records = -1\n")
    done = program.run(name, "-c", str(file))
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[0] == "query-worker: configuration: 2 faults"
    assert "kafka.input_topik" in lines[1] and "input_topic" in lines[1]
    assert "batching.max_records" in lines[2]
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fly"], "No such command 'fly'"),
        (["run", "--fast"], "No such option"),
        (["demo", "--events", "0"], "Invalid value for '--events'"),
        (["demo", "--queries", "/no/such/file"], "cannot be read"),
        (["enrich", "/no/such/file"], "No such file"),
        (["run", "--set", "x"], "part.key=value"),
        (["run", "--set", "inference.models=/no/such"], "/no/such/intent/model.json: not found"),
        (["enrich", "--set", "lexicon.folder=/no/such"], "/no/such"),
    ],
)
def test_wrong_usage_is_reported_without_a_traceback(arguments, message):
    done = program.run(*arguments)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr


@pytest.mark.parametrize("name", ["run", "enrich", "check", "demo"])
def test_help_has_an_example(name):
    done = program.run(name, "--help")
    assert done.returncode == 0
    assert "Example:" in done.stdout and f"query-worker {name}" in done.stdout
