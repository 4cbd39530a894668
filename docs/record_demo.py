"""Make docs/demo.svg from the running demo: `.venv/bin/python docs/record_demo.py`."""

import asyncio
import io
import re
from pathlib import Path

from rich.console import Console

from worker.commands.demo import demo
from worker.commands.demo.view import View
from worker.config.load import load_settings

TURNS = 60  # refreshes: what fifteen seconds show
WIDTH, HEIGHT = 140, 32


class Recorder(View):
    """A view that keeps the picture of one moment."""

    def refresh(self) -> None:
        super().refresh()
        if self._turn == TURNS:
            self._console = Console(record=True, width=WIDTH, height=HEIGHT, file=io.StringIO())
            self._console.print(self._draw())
            picture = self._console.export_svg(title="make demo")
            local = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)  # no web fonts
            Path(__file__).with_name("demo.svg").write_text(local)
            self._turn += 1
            STOP.set()


STOP = asyncio.Event()
demo.View = Recorder
show = demo.Demo(load_settings(None, {}), None, None, 100.0, live=True)
print(demo.as_text(asyncio.run(show.run(STOP))))
