"""A new configuration for a running worker: taken over as a whole, or not at all.

Read from the same sources as at the start. It is refused, and the old one stays, if anything of it
is wrong or if a key differs that only a restart can change; all of that is told in one listing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from worker import logs
from worker.config.load import Change, changes, fingerprint
from worker.config.settings import Settings, reloadable
from worker.errors import ConfigError, Fault, Stop
from worker.metrics import Metrics
from worker.tasks import aside

logger = logging.getLogger(__name__)


class Versioned(Protocol):
    """What is replaced as a whole."""

    @property
    def lexicon_version(self) -> str: ...


class Target(Versioned, Protocol):
    """What a reload changes, besides the settings in use."""

    def prepared(self, settings: Settings) -> Versioned:
        """What `use` takes; may take seconds.

        Raises:
            Stop: it cannot be made of these settings.
        """

    def use(self, settings: Settings, snapshot: Versioned) -> None:
        """Work with these from now on."""


@dataclass(frozen=True)
class Prepared:
    """All that a change needs, loaded and found good."""

    settings: Settings
    snapshot: Versioned
    changes: list[Change]


class Reloads:
    """Reloads on demand, one after the other.

    Args:
        settings: those in use.
        read: reads them again from their sources; may block; raises `ConfigError`.
        use: called on the event loop with what is to be used from then on.
    """

    def __init__(
        self,
        settings: Settings,
        read: Callable[[], Settings],
        target: Target,
        metrics: Metrics,
        use: Callable[[Settings], None],
    ) -> None:
        self.settings = settings
        self._read, self._target, self._use = read, target, use
        self._metrics = metrics
        outcomes = ("changed", "unchanged", "refused")
        self._outcomes = {outcome: metrics.config_reloads.labels(outcome) for outcome in outcomes}
        self._wanted = asyncio.Event()
        self._tell_metrics()

    def request(self) -> None:
        """Reload as soon as a reload that is under way has ended; called on the event loop."""
        self._wanted.set()

    async def serve(self) -> None:
        """Reload whenever it is requested, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            logger.info("reloading the configuration")
            self._outcomes[await self._reload()].inc()

    async def _reload(self) -> str:
        try:
            found = await aside(self._prepare)
        except Stop as error:
            told = f"the configuration is not reloaded, the old one stays: {error}"
            for line in told.splitlines():  # a line break within a message would be escaped
                logger.error("%s", line)
            return "refused"
        except Exception:
            logger.exception("the configuration is not reloaded, the old one stays; please report")
            return "refused"
        self._take(found)
        return "changed" if found.changes else "unchanged"

    def _prepare(self) -> Prepared:
        settings = self._read()
        found = changes(self.settings, settings)
        fixed = [change for change in found if not reloadable(change.key)]
        faults = [_restart(change) for change in fixed]
        try:
            snapshot = self._target.prepared(settings)
        except Stop as error:
            told = f"configuration: {error}"
            raise (ConfigError(told, faults) if faults else error) from None
        if faults:
            raise ConfigError("configuration: it needs a restart", faults)
        before = self._target.lexicon_version
        after = snapshot.lexicon_version
        if before != after:
            found.append(Change("lexicon", f"version {before}", f"version {after}"))
        return Prepared(settings, snapshot, found)

    def _take(self, found: Prepared) -> None:
        """In one step of the event loop, so that nothing sees half of it."""
        self._target.use(found.settings, found.snapshot)
        self._use(found.settings)
        for change in found.changes:
            logger.info("reloaded: %s", change)
        if not found.changes:
            logger.info("reloaded: nothing has changed")
        if self.settings.logging != found.settings.logging:
            logs.set_up(found.settings.logging)
        self.settings = found.settings
        self._tell_metrics()

    def _tell_metrics(self) -> None:
        self._metrics.config.info({"hash": fingerprint(self.settings)})
        self._metrics.config_loaded.set(time.time())


def _restart(change: Change) -> Fault:
    remedy = "restart the worker for it, or set it back"
    return Fault(change.key, change.new, f"{change.old}, as at the start", remedy)
