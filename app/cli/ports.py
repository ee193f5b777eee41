"""The address at which a server listens."""

from __future__ import annotations

import errno
import socket
from typing import Final

from app.cli.output import CommandError

BACKLOG: Final = 2048


class PortTakenError(CommandError):
    """The port can't be listened on; the message says what to do."""


def listen(host: str, port: int, *, or_any: bool = False) -> socket.socket:
    """Return a listening socket. `or_any`: take a free port when this one is taken.

    Raises:
        PortTakenError: the address is taken, not ours to take, or not this machine's.
    """
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE and or_any:
            return socket.create_server((host, 0), backlog=BACKLOG)
        raise PortTakenError(_why(host, port, error)) from error


def reachable(host: str) -> str:
    """Return the address at which a server that listens on `host` is reached from this machine."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - what it is compared with


def _why(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken. Stop what uses it, or choose another: --port {port + 1}."
    if error.errno == errno.EACCES:
        return f"Port {port} needs privileges. Choose one above 1023: --port 8000."
    return f"Can't listen on {host}:{port}: {error.strerror}. Choose another address: --host 127.0.0.1."
