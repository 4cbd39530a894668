"""`run --processes N`: N workers of one consumer group under a supervisor.

- A worker that says why it ends (`Stop`, or exit code 2) would say so again: all end, with its
  exit code and message.
- One that ends in any other way (a signal, a crash) is started again after a random time of at
  most 1 s, 2 s, 4 s … 60 s; a minute of life begins that anew.
- SIGTERM and SIGINT drain all, a second one kills them; SIGHUP reaches each. Workers of a
  supervisor that is gone drain, too.
- `/livez` fails while any worker hangs, `/readyz` while any is not ready. `/metrics` is added up;
  what a worker had counted when it ended stays in the sums.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import random
import signal
import socket
import sys
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import aiohttp
import orjson
from prometheus_client import generate_latest

import worker
from worker.commands.added_metrics import added_up, summary
from worker.config.settings import Settings
from worker.errors import Stop
from worker.metrics import ProcessMetrics
from worker.server.http import Health, HttpServer
from worker.tasks import guarded

logger = logging.getLogger(__name__)

FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 60.0
SOUND_LIFE_S = 60.0  # after which the delay begins anew
PROBE_S = 0.8  # for a worker's health: Kubernetes' probes wait for a second
METRICS_S = 5.0
REFRESH_S = 10.0  # so old may be what is known of a worker that is killed
GRACE_S = 2.0  # past the workers' own shutdown deadline
LARGEST_REPORT = 2**26  # bytes

# Whether a worker is well, None where it cannot be asked, and the details.
Found = tuple[bool | None, dict[str, object]]


@dataclass(eq=False)
class Life:
    """A worker process from its start to its end."""

    number: int
    port: int
    process: asyncio.subprocess.Process
    line: asyncio.StreamWriter  # see `Member`
    began: float
    started: bool = False  # it catches signals and serves health and metrics
    reload_wanted: bool = False
    metrics: str = ""  # the last that are known, and when they were asked for
    asked: float = 0.0
    stop: Stop | None = None  # why it ended, if it said so

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def get(self, path: str, token: str | None, limit_s: float) -> tuple[int, bytes]:
        """Status and body of what it serves.

        Raises:
            OSError, asyncio.TimeoutError, aiohttp.ClientError
        """
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        limit = aiohttp.ClientTimeout(total=limit_s)
        url = f"http://127.0.0.1:{self.port}{path}"
        async with (
            aiohttp.ClientSession(timeout=limit, headers=headers) as session,
            session.get(url) as response,
        ):
            return response.status, await response.read()


class Supervisor:
    """Keeps `count` workers running.

    Args:
        arguments: of `run`, which each worker gets too.
    """

    def __init__(self, settings: Settings, count: int, arguments: Sequence[str]) -> None:
        self._settings, self._count, self._arguments = settings, count, arguments
        self._http = HttpServer(settings.server, self._metrics, self._live, self._ready)
        # The sums of ended lives, and those that last: replaced as one, as two threads read it.
        self._view: tuple[str, Mapping[int, Life]] = "", {}
        self._own = ProcessMetrics()
        self._errors: list[BaseException] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set and all have drained.

        Raises:
            Stop: what ended a worker for good, or that one did not drain.
        """
        self._stop = stop
        self._http.start()
        logger.info("%d processes; health and metrics at %s", self._count, self._http.url)
        kept = [self._background(self._keep(number + 1)) for number in range(self._count)]
        refresh = self._background(self._refresh_on())
        try:
            await stop.wait()
            await self._drain(kept)
        finally:
            refresh.cancel()
            self._http.stop()
        logger.info("%s", summary(self._sums()))
        for error in self._errors:
            raise error

    def _background(self, work: Awaitable[None]) -> asyncio.Task[None]:
        return asyncio.create_task(guarded(work, self._fail))

    def _fail(self, error: BaseException) -> None:
        self._errors.append(error)
        self._stop.set()

    def reload(self) -> None:
        """Let each worker read its configuration again."""
        for life in self._view[1].values():
            if life.started:
                life.signal(signal.SIGHUP)
            life.reload_wanted = not life.started  # else it would kill

    def kill(self) -> None:
        for life in self._view[1].values():
            life.signal(signal.SIGKILL)

    async def _drain(self, kept: list[asyncio.Task[None]]) -> None:
        for life in self._view[1].values():
            life.line.write_eof()
        limit_s = self._settings.lifecycle.shutdown_timeout_s + GRACE_S
        _, late = await asyncio.wait(kept, timeout=limit_s)
        if late:
            logger.error("%d processes did not drain in time and are killed", len(late))
            self.kill()
            await asyncio.wait(kept)

    async def _keep(self, number: int) -> None:
        """Run a worker, and again whenever it dies, until all are to stop.

        Raises:
            Stop: it said why it ended, or it did not drain.
        """
        deaths = 0
        while not self._stop.is_set():
            life = await self._live_through(number)
            code = life.process.returncode
            if life.stop:
                raise life.stop
            if self._stop.is_set():
                if code not in (0, -signal.SIGTERM):  # signalled before it had begun
                    raise Stop(f"process {number} {_how(code)} before it had drained")
                return
            if monotonic() - life.began > SOUND_LIFE_S:
                deaths = 0
            delay = random.uniform(0, min(LONGEST_DELAY_S, FIRST_DELAY_S * 2**deaths))
            deaths += 1
            told = "process %d %s and is started again in %.1f s"
            logger.warning(told, number, _how(code), delay)
            self._own.restarts.labels(str(number)).inc()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), delay)

    async def _live_through(self, number: int) -> Life:
        """Start a worker and wait for its end."""
        ours, theirs = socket.socketpair()
        with theirs, socket.create_server(("127.0.0.1", 0)) as listener:
            fds = listener.fileno(), theirs.fileno()
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "worker", "run", *self._arguments),
                *("--member", f"{number}:{fds[0]}:{fds[1]}"),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=fds,
                process_group=0,  # else it would get Ctrl-C of the terminal besides our signal
                env=_environment(),
            )
            port = listener.getsockname()[1]
        reader, line = await asyncio.open_connection(sock=ours, limit=LARGEST_REPORT)
        life = Life(number, port, process, line, monotonic())
        ended, lives = self._view
        self._view = ended, {**lives, number: life}
        self._own.up.labels(str(number)).set(1)
        if self._stop.is_set():  # while it was started
            life.line.write_eof()
        await self._listen(life, reader)
        life.line.close()
        await process.wait()
        if process.returncode == 2 and not life.stop:
            life.stop = _reason(2, f"process {number} ended with exit code 2; its log says why")
        ended, lives = self._view
        self._own.up.labels(str(number)).set(0)
        self._view = added_up({}, [ended, life.metrics]), _without(lives, number)
        return life

    async def _listen(self, life: Life, reader: asyncio.StreamReader) -> None:
        """Take what it says, until it has ended."""
        with suppress(ConnectionError):
            async for said in reader:
                report = orjson.loads(said)
                life.started = True
                if "metrics" in report:
                    life.metrics, life.asked = report["metrics"], math.inf
                if "exit_code" in report:
                    life.stop = _reason(report["exit_code"], report["message"])
                if life.reload_wanted:
                    life.reload_wanted = False
                    life.signal(signal.SIGHUP)

    async def _refresh_on(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            await self._refresh()

    async def _refresh(self) -> None:
        """Learn the workers' metrics; what one does not tell in time stays as it was."""
        lives = [life for life in self._view[1].values() if life.started]
        await asyncio.gather(*map(self._refresh_one, lives))

    async def _refresh_one(self, life: Life) -> None:
        token, asked = self._settings.server.token, monotonic()
        with suppress(OSError, TimeoutError, aiohttp.ClientError):
            status, body = await life.get("/metrics", token and token.read(), METRICS_S)
            if status == 200 and asked >= life.asked:  # else a sum could go backwards
                life.metrics, life.asked = body.decode(), asked

    async def _metrics(self) -> bytes:
        await self._refresh()
        return self._sums().encode() + generate_latest(self._own.registry)

    def _sums(self) -> str:
        ended, lives = self._view
        return added_up({str(n): lives[n].metrics for n in sorted(lives)}, [ended])

    async def _live(self) -> Health:
        found = await self._asked("/livez")
        return Health(all(ok is not False for ok, _ in found.values()), _details(found))

    async def _ready(self) -> Health:
        found = await self._asked("/readyz")
        return Health(all(ok is True for ok, _ in found.values()), _details(found))

    async def _asked(self, path: str) -> dict[int, Found]:
        numbers = range(1, self._count + 1)
        found = await asyncio.gather(*(self._ask(number, path) for number in numbers))
        return dict(zip(numbers, found, strict=True))

    async def _ask(self, number: int, path: str) -> Found:
        life = self._view[1].get(number)
        if life is None:
            return None, {"state": "down"}
        if not life.started:
            age = monotonic() - life.began
            late = age > self._settings.lifecycle.startup_timeout_s
            return False if late else None, {"state": "starting", "age_s": round(age, 2)}
        try:
            status, body = await life.get(path, None, PROBE_S)
            return status == 200, orjson.loads(body)
        except (OSError, TimeoutError, ValueError, aiohttp.ClientError):
            return False, {"state": "no response"}


def _details(found: Mapping[int, Found]) -> dict[str, object]:
    return {"processes": {str(number): details for number, (_, details) in found.items()}}


def _reason(exit_code: int, message: str) -> Stop:
    error = Stop(message)
    error.exit_code = exit_code
    return error


def _how(code: int) -> str:
    if code < 0:
        return f"was ended by signal {-code} ({signal.strsignal(-code)})"
    return f"ended with exit code {code}"


def _without(lives: Mapping[int, Life], number: int) -> dict[int, Life]:
    return {key: life for key, life in lives.items() if key != number}


def _environment() -> dict[str, str]:
    """Ours, such that a worker is of this same package wherever it is started."""
    root = str(Path(worker.__file__).parents[1])
    given = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{given}" if given else root}
