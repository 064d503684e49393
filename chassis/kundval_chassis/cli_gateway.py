"""`kundval gateway`."""

from __future__ import annotations

import sys

import click


@click.command()
def gateway() -> None:
    """Serve every RPC method over HTTP and JSON until SIGTERM or SIGINT.

    POST /v1/SERVICE/METHOD with a bearer token; GET /openapi.json says what there is. It needs the broker and nothing
    else (KUNDVAL_AMQP_URI, KUNDVAL_GATEWAY_HTTP_PORT). Exit status: 0 stopped as told; 1 something went wrong; 2 it did
    not start because of its settings, each fault on a line of its own.
    """
    from .gateway import server

    sys.exit(server.run())
