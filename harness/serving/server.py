"""A server process that runs until it is stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn

from harness.errors import UserError
from harness.serving.application import LOCAL, application
from harness.serving.models import Served


def serve_here(runs: Sequence[Path], *, host: str, port: int, started: Callable[[str], None]) -> None:
    """Serve runs until Ctrl-C or a termination signal.

    Args:
        runs: The folders of runs or exports.
        host: The address to listen on.
        port: The port to listen on; 0: any free one.
        started: Called with the page's address when the server is ready.

    Raises:
        UserError: If a run can't be served, or the address can't be used.
    """
    with _listening(host, port) as listening:
        served = Served(runs)
        named = f"[{host}]" if ":" in host else host
        # A server for other machines is reached by any of its names.
        hosts = [*LOCAL, named] if host in ("127.0.0.1", "::1", "localhost") else ["*"]
        settings = uvicorn.Config(application(served, hosts=hosts), log_level="warning", server_header=False)
        started(f"http://{named}:{listening.getsockname()[1]}")
        with suppress(KeyboardInterrupt):
            uvicorn.Server(settings).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        where = f"harness serve: can't listen on {host}, port {port} ({error.strerror or error})"
        raise UserError(f"{where}. Give another --port or --host.") from error
