"""The load: a number of senders, each on a connection of its own, each sending its next when its last is answered."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.dataset import Delivery


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run of webhooks came to."""

    per_second: float
    p50_ms: float
    p99_ms: float


class _Sender(asyncio.Protocol):
    """One keep-alive connection. The answers here are small and have a content-length or are chunked in one piece."""

    def __init__(self, work: list[Delivery], latencies: list[float], done: asyncio.Event) -> None:
        self._work = work
        self._latencies = latencies
        self._done = done
        self._buffer = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.failed: bytes | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes, but behave as they do.
        self._transport = cast("asyncio.Transport", transport)
        self._next()

    def _next(self) -> None:
        assert self._transport is not None
        if not self._work:
            self._transport.close()
            self._done.set()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(self._work.pop().request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        if not separator or not _is_whole(head, body):
            return
        if b" 200 " not in head[:16]:
            self.failed = self._buffer
            self._done.set()
            return
        self._latencies.append(time.perf_counter() - self._sent_at)
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        self.failed = self.failed or (repr(exc).encode() if exc else None)
        self._done.set()


def _is_whole(head: bytes, body: bytes) -> bool:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.partition(b":")[2])
    return body.endswith(b"0\r\n\r\n")


async def send_all(port: int, deliveries: Sequence[Delivery], senders: int) -> Measured:
    """Send every delivery once, `senders` at a time, and measure.

    Raises:
        RuntimeError: something was not answered with 200.
    """
    work = list(deliveries)
    latencies: list[float] = []
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    ends = []
    protocols = []
    for _ in range(senders):
        done = asyncio.Event()
        sender = _Sender(work, latencies, done)
        await loop.create_connection(lambda sender=sender: sender, "127.0.0.1", port)  # type: ignore[misc]  # bound at once
        ends.append(done.wait())
        protocols.append(sender)
    await asyncio.gather(*ends)
    elapsed = time.perf_counter() - started
    for protocol in protocols:
        if protocol.failed:
            raise RuntimeError(protocol.failed.decode(errors="replace"))
    latencies.sort()
    return Measured(
        len(latencies) / elapsed, quantile(latencies, 0.5) * 1000, quantile(latencies, 0.99) * 1000
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share of an ordered list lies."""
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
