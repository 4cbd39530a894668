"""What the parts of the settings have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

PORT = r"([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])"
HOST_PORT = rf"([^\s,/:\[\]]+|\[[0-9A-Fa-f:.]+\]):{PORT}"  # an IPv6 address stands in brackets


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
