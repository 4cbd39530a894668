"""`query-worker health`: whether a running worker is alive, for the health check of a container."""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection

import click

from worker.commands.options import configured
from worker.config.settings import Server, Settings
from worker.errors import ConfigError, Stop

TIMEOUT_S = 4.0
THIS_MACHINE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # of what listens on every address


@click.command(short_help="Ask a running worker whether it is alive.")
@configured
def health(settings: Settings) -> None:
    """Ask the worker on this machine that runs with the same configuration for its /livez.

    The exit code is 1 if it is not alive.

    \b
    Example:
      query-worker health -c worker.toml
    """
    click.echo(livez(settings.server))


def livez(server: Server) -> str:
    """The worker's own account of itself, JSON.

    Raises:
        Stop: it is not alive, or does not answer.
    """
    if not server.port:
        raise ConfigError("server.port: found 0, expected the worker's port; set it for both")
    host = THIS_MACHINE.get(server.host, server.host)
    if server.tls_certificate:
        # Its certificate is for those who come from outside, as for the kubelet's probes.
        context = ssl._create_unverified_context()
        connection = HTTPSConnection(host, server.port, timeout=TIMEOUT_S, context=context)
    else:
        connection = HTTPConnection(host, server.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/livez")
        answer = connection.getresponse()
        body = answer.read().decode()
    except (OSError, HTTPException) as error:
        remedy = "start it, or give both the same [server]"
        raise Stop(f"no worker answers at {host}:{server.port}: {error}; {remedy}") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise Stop(f"the worker is not alive: {body}")
    return body
