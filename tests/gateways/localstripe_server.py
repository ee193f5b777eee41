"""Run localstripe on the loopback address and a free port, which it prints; nothing is written to disk.

It is a program of its own, apart from the tests: upstream listens on every interface and keeps its state in a file.
"""

from __future__ import annotations

import socket

from aiohttp import web
from localstripe.resources import (  # type: ignore[import-untyped]  # it ships no types
    Store,
)
from localstripe.server import app  # type: ignore[import-untyped]  # likewise


def forget(_store: Store) -> None:
    """Stand in for writing the state to disk."""


def main() -> None:
    """Serve until terminated."""
    Store.dump_to_disk = forget
    listener = socket.create_server(("127.0.0.1", 0))  # it listens: who is early waits
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - the caller reads the port
    web.run_app(app, sock=listener, print=None, access_log=None)


if __name__ == "__main__":
    main()
