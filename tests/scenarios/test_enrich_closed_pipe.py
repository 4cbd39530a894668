"""`enrich | head -1` says nothing: who reads wants no more."""

import subprocess

from tests import program


def test_it_ends_without_a_word(tmp_path):
    queries = tmp_path / "queries.txt"
    queries.write_text("".join(f"red shoes {number}\n" for number in range(3000)))
    enrich = subprocess.Popen(
        program.command("enrich", str(queries)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=program.environment(),
    )
    try:
        assert b"red shoes 0" in enrich.stdout.readline()
        enrich.stdout.close()
        assert enrich.stderr.read() == b""
        enrich.wait(20)
    finally:
        enrich.kill()
        enrich.wait()
