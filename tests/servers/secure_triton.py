"""The real Triton with more flags: TLS, mutual TLS, a header that every call must carry."""

from __future__ import annotations

from worker.embedded.triton import EmbeddedTriton

# Triton puts this before the name of a header that it is told to ask for.
HEADER = "triton-grpc-protocol-worker-token"


class SecureTriton(EmbeddedTriton):
    """An embedded Triton with flags of the tests; not restarted with others."""

    def __init__(self, models, *flags: str) -> None:
        super().__init__(models)
        self._flags = flags

    def _command(self) -> list[str]:
        return [*super()._command(), *self._flags]


def tls(pair, authority=None) -> list[str]:
    """Flags for TLS with this certificate; with an authority, its clients must show one of it."""
    kind = "--grpc-use-ssl-mutual=true" if authority else "--grpc-use-ssl=true"
    flags = [kind, f"--grpc-server-cert={pair.certificate}", f"--grpc-server-key={pair.key}"]
    return flags + ([f"--grpc-root-cert={authority}"] if authority else [])


def restricted(token: str) -> str:
    """The flag that asks every call for the token."""
    protocols = "health,metadata,inference,model-config"
    return f"--grpc-restricted-protocol={protocols}:worker-token={token}"
