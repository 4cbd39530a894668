"""What the HTTP server asks of the worker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Health:
    """The response of a probe: 200 when ok, else 503, with the details as JSON."""

    ok: bool
    details: dict[str, object] = field(default_factory=dict)


Probe = Callable[[], Awaitable[Health]]
Metrics = Callable[[], Awaitable[bytes]]
