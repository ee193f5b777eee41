"""The sandbox as a program: `python -m app.simulators.sandbox --port 9000 --webhook-url URL --log FILE @secrets`.

`@FILE` stands for the options in a file, one a line, which keeps secrets out of the list of processes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from app.simulators.sandbox.config import SandboxConfig
from app.simulators.sandbox.server import serve


def main() -> None:
    """Read the options, serve until SIGINT or SIGTERM, and print the address once it answers."""
    options = _parser().parse_args()
    config = SandboxConfig(
        secret_key=options.secret_key,
        webhook_secret=options.webhook_secret,
        webhook_url=options.webhook_url,
        public_url=options.public_url,
        log_path=options.log,
        merchant=options.merchant,
        afterwards_seconds=options.afterwards_seconds,
    )
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_serve(config, options.host, options.port))


async def _serve(config: SandboxConfig, host: str, port: int) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine run by asyncio.run is a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await serve(config, host, port, _announce)


def _announce(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app.simulators.sandbox", description=__doc__, fromfile_prefix_chars="@"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--public-url", help="where browsers reach it, if elsewhere")
    parser.add_argument("--webhook-url", help="where events are posted to")
    parser.add_argument(
        "--log", type=Path, help="the truth log; without it everything is forgotten at the end"
    )
    parser.add_argument("--merchant", default="Demo shop", help="the name on the checkout page")
    parser.add_argument(
        "--afterwards-seconds", type=float, default=1.0, help="until disputes and late failures"
    )
    parser.add_argument("--secret-key", required=True, help="what API calls must carry")
    parser.add_argument("--webhook-secret", required=True, help="what webhooks are signed with")
    return parser


if __name__ == "__main__":
    main()
