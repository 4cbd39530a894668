"""A demo whose worker ends by itself ends too, and says why."""

from tests import program

FILE = "".join('{"query": 1}\n' for _ in range(400))


def test_the_demo_ends_with_the_reason_of_its_worker(tmp_path):
    """The limit of dead letters stops it here: nothing in the file is a query."""
    file = tmp_path / "bad.txt"
    file.write_text(FILE)
    options = ("--events", "3000", "--rate", "0", "--json", "--set", "inference.backend=onnx")
    done = program.run("demo", "--queries", str(file), *options, timeout_s=60)
    assert done.returncode == 1, done.stderr
    assert "records were rejected" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
