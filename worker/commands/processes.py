"""`run --processes N`: N workers of one consumer group under a supervisor.

- A worker that ends with `Stop` or exit code 2 would do so again: all end, with its exit code and
  message.
- One that ends in any other way (a signal, a crash) is restarted after a random time of at most
  1 s, 2 s, 4 s … 60 s; after a minute without a crash this starts at 1 s again.
- SIGTERM and SIGINT drain all, a second one kills them; SIGHUP is passed to each. Workers also
  drain when their supervisor dies.
- `/livez` fails while any worker hangs, `/readyz` while any is not ready. `/metrics` is the sum;
  the counts of a worker that ended stay in it.
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
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any

import aiohttp
import orjson
from prometheus_client import generate_latest

from worker.commands.summed_metrics import add_up, summary
from worker.config.settings import Settings
from worker.errors import Stop
from worker.metrics import ProcessMetrics
from worker.server.http import Health, HttpServer
from worker.tasks import guarded

logger = logging.getLogger(__name__)

FIRST_DELAY_S, LONGEST_DELAY_S = 1.0, 60.0
SOUND_LIFE_S = 60.0  # after which the delay starts at FIRST_DELAY_S again
PROBE_S = 0.8  # timeout of a worker's health: Kubernetes' probes wait for a second
METRICS_S = 5.0
REFRESH_S = 10.0  # greatest age of the metrics kept of a worker that is killed
GRACE_S = 2.0  # added to the workers' own shutdown deadline
LARGEST_REPORT = 2**26  # bytes

# Whether a worker is healthy, None if it cannot be asked, and the details.
Probe = tuple[bool | None, dict[str, object]]


@dataclass(eq=False)
class Child:
    """A worker process from its start to its end."""

    number: int
    port: int
    process: asyncio.subprocess.Process
    channel: asyncio.StreamWriter  # see `Member`
    began: float
    started: bool = False  # it handles signals and serves health and metrics
    reload_wanted: bool = False
    metrics: str = ""  # the last known, and when they were requested
    requested_at: float = 0.0
    stop: Stop | None = None  # why it ended, if it reported that

    def signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def get(self, path: str, token: str | None, limit_s: float) -> tuple[int, bytes]:
        """Status and body of a path that it serves.

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
        arguments: of `run`, passed to each worker.
    """

    def __init__(self, settings: Settings, count: int, arguments: Sequence[str]) -> None:
        self._settings, self._count, self._arguments = settings, count, arguments
        self._http = HttpServer(settings.server, self._metrics, self._live, self._ready)
        # Metrics of ended children, summed, and the running ones; replaced in one step, as another
        # thread reads it.
        self._view: tuple[str, Mapping[int, Child]] = "", {}
        self._own = ProcessMetrics()
        self._errors: list[BaseException] = []

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set and all have drained.

        Raises:
            Stop: a worker ended with it, or did not drain.
        """
        self._stop = stop
        self._http.start()
        logger.info("%d processes; health and metrics at %s", self._count, self._http.url)
        kept = [self._background(self._keep_running(number + 1)) for number in range(self._count)]
        refresh = self._background(self._refresh_regularly())
        try:
            await stop.wait()
            await self._drain(kept)
        finally:
            refresh.cancel()
            self._http.stop()
        logger.info("%s", summary(self._sums()))
        if self._errors:
            raise self._errors[0]

    def _background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return guarded(work, self._fail)

    def _fail(self, error: BaseException) -> None:
        self._errors.append(error)
        self._stop.set()

    def reload(self) -> None:
        """Let each worker read its configuration again."""
        for child in self._view[1].values():
            if child.started:
                child.signal(signal.SIGHUP)
            child.reload_wanted = not child.started  # before that, SIGHUP would kill it

    def kill(self) -> None:
        for child in self._view[1].values():
            child.signal(signal.SIGKILL)

    async def _drain(self, kept: list[asyncio.Task[None]]) -> None:
        for child in self._view[1].values():
            child.channel.write_eof()
        limit_s = self._settings.lifecycle.shutdown_timeout_s + GRACE_S
        _, late = await asyncio.wait(kept, timeout=limit_s)
        if late:
            logger.error("%d processes did not drain in time and are killed", len(late))
            self.kill()
            await asyncio.wait(kept)

    async def _keep_running(self, number: int) -> None:
        """Run a worker, restarted whenever it dies, until all are to stop.

        Raises:
            Stop: it ended with it, or did not drain.
        """
        deaths = 0
        while not self._stop.is_set():
            child = await self._run_child(number)
            code = child.process.returncode
            if child.stop:
                raise child.stop
            if self._stop.is_set():
                if code not in (0, -signal.SIGTERM):  # SIGTERM came before its handler was set
                    raise Stop(f"process {number} {_how(code)} before it had drained")
                return
            if monotonic() - child.began > SOUND_LIFE_S:
                deaths = 0
            delay = random.uniform(0, min(LONGEST_DELAY_S, FIRST_DELAY_S * 2**deaths))
            deaths += 1
            message = "process %d %s and is started again in %.1f s"
            logger.warning(message, number, _how(code), delay)
            self._own.restarts.labels(str(number)).inc()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), delay)

    async def _run_child(self, number: int) -> Child:
        """Start a worker and wait for its end."""
        ours, theirs = socket.socketpair()
        with theirs, socket.create_server(("127.0.0.1", 0)) as listener:
            fds = listener.fileno(), theirs.fileno()
            command = [sys.executable, "-P", "-m", "worker", "run", *self._arguments]
            command.append(f"--member={number}:{fds[0]}:{fds[1]}")
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=fds,
                process_group=0,  # else it would get the terminal's Ctrl-C as well as our signal
                env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
            )
            port = listener.getsockname()[1]
        reader, channel = await asyncio.open_connection(sock=ours, limit=LARGEST_REPORT)
        child = Child(number, port, process, channel, monotonic())
        ended, children = self._view
        self._view = ended, {**children, number: child}
        self._own.up.labels(str(number)).set(1)
        if self._stop.is_set():  # while it was started
            child.channel.write_eof()
        await self._listen(child, reader)
        child.channel.close()
        await process.wait()
        if process.returncode == 2 and not child.stop:
            child.stop = _reason(2, f"process {number} ended with exit code 2; see its log")
        ended, children = self._view
        self._own.up.labels(str(number)).set(0)
        others = {key: other for key, other in children.items() if key != number}
        self._view = add_up({}, [ended, child.metrics]), others
        return child

    async def _listen(self, child: Child, reader: asyncio.StreamReader) -> None:
        """Take its reports until it ends."""
        with suppress(ConnectionError):
            async for line in reader:
                if not line.endswith(b"\n"):  # it was killed while it reported
                    return
                report = orjson.loads(line)
                child.started = True
                if "metrics" in report:
                    child.metrics, child.requested_at = report["metrics"], math.inf
                if "exit_code" in report:
                    child.stop = _reason(report["exit_code"], report["message"])
                if child.reload_wanted:
                    child.reload_wanted = False
                    child.signal(signal.SIGHUP)

    async def _refresh_regularly(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            await self._refresh()

    async def _refresh(self) -> None:
        """Fetch the workers' metrics; keep the last of one that does not answer in time."""
        children = [child for child in self._view[1].values() if child.started]
        await asyncio.gather(*map(self._refresh_one, children))

    async def _refresh_one(self, child: Child) -> None:
        token, now = self._settings.server.token, monotonic()
        with suppress(OSError, TimeoutError, aiohttp.ClientError):
            status, body = await child.get("/metrics", token and token.read(), METRICS_S)
            if status == 200 and now >= child.requested_at:  # else a sum could go backwards
                child.metrics, child.requested_at = body.decode(), now

    async def _metrics(self) -> bytes:
        await self._refresh()
        return self._sums().encode() + generate_latest(self._own.registry)

    def _sums(self) -> str:
        ended, children = self._view
        return add_up({str(n): children[n].metrics for n in sorted(children)}, [ended])

    async def _live(self) -> Health:
        probes = await self._probes("/livez")
        return Health(all(ok is not False for ok, _ in probes.values()), _details(probes))

    async def _ready(self) -> Health:
        probes = await self._probes("/readyz")
        return Health(all(ok is True for ok, _ in probes.values()), _details(probes))

    async def _probes(self, path: str) -> dict[int, Probe]:
        numbers = range(1, self._count + 1)
        probes = await asyncio.gather(*(self._probe(number, path) for number in numbers))
        return dict(zip(numbers, probes, strict=True))

    async def _probe(self, number: int, path: str) -> Probe:
        child = self._view[1].get(number)
        if child is None:
            return None, {"state": "down"}
        if not child.started:
            age = monotonic() - child.began
            late = age > self._settings.lifecycle.startup_timeout_s
            return False if late else None, {"state": "starting", "age_s": round(age, 2)}
        try:
            status, body = await child.get(path, None, PROBE_S)
            return status == 200, orjson.loads(body)
        except (OSError, TimeoutError, ValueError, aiohttp.ClientError):
            return False, {"state": "no response"}


def _details(probes: Mapping[int, Probe]) -> dict[str, object]:
    return {"processes": {str(number): details for number, (_, details) in probes.items()}}


def _reason(exit_code: int, message: str) -> Stop:
    error = Stop(message)
    error.exit_code = exit_code
    return error


def _how(code: int) -> str:
    if code < 0:
        return f"was ended by signal {-code} ({signal.strsignal(-code)})"
    return f"ended with exit code {code}"
