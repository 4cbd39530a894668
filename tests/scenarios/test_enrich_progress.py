"""`enrich` shows how far it is, on a terminal; what it prints to is left alone."""

import json
import os
import pty
import re
import subprocess

from tests import program


def test_a_bar_shows_how_much_of_the_file_is_done(tmp_path):
    queries = tmp_path / "queries.txt"
    queries.write_text("".join(f"red shoes size {n}\n" for n in range(300)))
    terminal, stderr = pty.openpty()
    with (tmp_path / "out.jsonl").open("wb") as out:
        enrich = subprocess.Popen(
            program.command("enrich", str(queries)),
            stdout=out,
            stderr=stderr,
            env=program.environment() | {"TERM": "xterm", "COLUMNS": "80"},
        )
    os.close(stderr)
    shown = b""
    while block := _read(terminal):
        shown += block
    assert enrich.wait() == 0
    assert "300 queries, 100 %" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line)["query"] for line in lines] == queries.read_text().splitlines()


def _read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux: the other side is closed
        return b""
