"""Reloads the configuration of a running worker, as a whole or not at all.

It is read from the same sources as at the start. It is refused, and the old one stays in use, if
any of it is wrong or if a key differs that only a restart can change; all faults are reported at
once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from worker import logs
from worker.config.load import Change, changes, fingerprint
from worker.config.settings import Settings, reloadable
from worker.errors import ConfigError, Fault, Stop
from worker.metrics import Metrics
from worker.redact import HIDDEN
from worker.tasks import aside

logger = logging.getLogger(__name__)


class Target(Protocol):
    """What a reload is applied to."""

    lexicon_versions: Mapping[str, str]  # by the setting that names the lexicon

    def prepared(self, settings: Settings) -> Any:
        """A snapshot for `use`, which has `lexicon_versions` too; may take seconds.

        Raises:
            Stop: these settings cannot be used.
        """

    def use(self, settings: Settings, snapshot: Any) -> None:
        """Use these from now on."""


class Reloads:
    """Reloads on demand, one at a time.

    Args:
        settings: those in use.
        read: reads them again from their sources; may block; raises `ConfigError`.
        use: called on the event loop with the new settings.
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
        self._requested = asyncio.Event()
        self._show_metrics()

    def request(self) -> None:
        """Reload when no other reload runs any more; called on the event loop."""
        self._requested.set()

    async def serve(self) -> None:
        """Reload whenever it is requested, until cancelled."""
        while True:
            await self._requested.wait()
            self._requested.clear()
            logger.info("reloading the configuration")
            self._outcomes[await self._reload()].inc()

    async def _reload(self) -> str:
        try:
            settings, snapshot, changed = await aside(self._prepare)
        except Stop as error:
            message = f"the configuration is not reloaded, the old one stays: {error}"
            for line in message.splitlines():  # a line break within a message would be escaped
                logger.error("%s", line)
            return "refused"
        except Exception:
            logger.exception("the configuration is not reloaded, the old one stays; please report")
            return "refused"
        self._apply(settings, snapshot, changed)
        return "changed" if changed else "unchanged"

    def _prepare(self) -> tuple[Settings, Any, list[Change]]:
        settings = self._read()
        changed = changes(self.settings, settings)
        faults = [_needs_restart(change) for change in changed if not reloadable(change.key)]
        try:
            snapshot = self._target.prepared(settings)
        except Stop as error:
            raise (ConfigError(f"configuration: {error}", faults) if faults else error) from None
        if faults:
            raise ConfigError("configuration: it needs a restart", faults)
        before = self._target.lexicon_versions
        for key, after in snapshot.lexicon_versions.items():
            if after != before[key]:
                changed.append(Change(key, f"version {before[key]}", f"version {after}"))
        return settings, snapshot, changed

    def _apply(self, settings: Settings, snapshot: Any, changed: list[Change]) -> None:
        """Use it; in one step of the event loop, so that nothing runs with half of it."""
        self._target.use(settings, snapshot)
        self._use(settings)
        for change in changed or ["nothing has changed"]:
            logger.info("reloaded: %s", change)
        if self.settings.logging != settings.logging:
            logs.set_up(settings.logging)
        self.settings = settings
        self._show_metrics()

    def _show_metrics(self) -> None:
        self._metrics.config.info({"hash": fingerprint(self.settings)})
        self._metrics.config_loaded.set(time.time())


def _needs_restart(change: Change) -> Fault:
    remedy = "restart the worker to apply it, or set it back"
    if change.new == change.old == HIDDEN:
        return Fault(change.key, f"another value {HIDDEN}", "the one of the start", remedy)
    return Fault(change.key, change.new, f"{change.old}, as at the start", remedy)
