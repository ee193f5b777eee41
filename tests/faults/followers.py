"""Who watches orders while faults are planted: clients of ours, cut off at random moments, and the official one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import websockets

from schema.cursors import encode_version
from tests.schema.shop import PROTOCOL
from tests.system.processes import ROOT, STAFF_KEY
from tests.system.shop import EVENTS, UPDATED

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Sequence

WEB: Final = ROOT / "web"
SCRIPT: Final = Path(__file__).with_name("streams.mjs")
MISSING: Final = "the official client is not installed: apt-get install nodejs npm, then npm ci --prefix web"
OPEN_SECONDS_MAX: Final = 10.0
_EVENTS: Final = EVENTS.replace("version", "cursor version")
AGAIN_SECONDS: Final = 0.4


@dataclass
class Seen:
    """What one client was handed of one order."""

    client: str
    order_id: str
    versions: list[int] = field(default_factory=list)
    states: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    cursor: str = field(default_factory=lambda: encode_version(0))
    at: float = 0.0
    """When something new came last, by the monotonic clock."""

    def event(self, version: int) -> None:
        """Note an event."""
        self.versions.append(version)
        self.at = time.monotonic()

    def state(self, version: int) -> None:
        """Note a state. Each connection begins with the present one, so the newest may come again."""
        if self.states and version < self.states[-1]:
            self.errors.append(f"state {version} after {self.states[-1]}")
        if self.states[-1:] != [version]:
            self.at = time.monotonic()
        self.states.append(version)

    def is_at(self, version: int) -> bool:
        """Whether both streams have come as far."""
        return self.versions[-1:] == [version] == self.states[-1:]

    def flaws(self, version: int) -> list[str]:
        """Return what is wrong when the order stands at a version, in sentences."""
        found = list(self.errors)
        if self.versions != list(range(1, version + 1)):
            found.append(f"saw {self.versions} instead of 1 to {version}")
        if self.states[-1:] != [version]:
            found.append(f"ends at state {self.states[-1:]} instead of {version}")
        return [f"{self.client} client of {self.order_id}: {flaw}" for flaw in found]


@dataclass
class Followers:
    """All clients, what they saw, and what happened to them."""

    ports: Sequence[int]
    dice: random.Random
    cut_seconds: float
    """From one time to the next that a client is cut off, on average."""
    again_seconds: float
    """How long clients wait at most before they come again, while there are faults."""
    seen: list[Seen] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)
    calm: bool = False
    """Whether nobody is cut off any more."""
    _commands: asyncio.StreamWriter | None = field(default=None, init=False)
    """To the official client's process."""

    @contextlib.asynccontextmanager
    async def following(self, orders: Sequence[str], official: Sequence[str]) -> AsyncIterator[None]:
        """Follow orders while the block lasts: all by clients of ours, some by the official one, too."""
        tasks = [asyncio.create_task(self._follow(self._new("our", order_id))) for order_id in orders]
        async with self._official(official):
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _new(self, client: str, order_id: str) -> Seen:
        seen = Seen(client, order_id)
        self.seen.append(seen)
        return seen

    async def _follow(self, seen: Seen) -> None:
        while True:
            try:
                async with asyncio.timeout(OPEN_SECONDS_MAX):
                    connection = await websockets.connect(
                        f"ws://127.0.0.1:{self.dice.choice(self.ports)}/graphql",
                        subprotocols=[PROTOCOL],
                        compression=None,
                    )
                try:
                    await self._watch(connection, seen)
                finally:
                    connection.transport.abort()
            except (OSError, TimeoutError, websockets.WebSocketException):
                self.happened["connections lost"] += 1
            longest = AGAIN_SECONDS if self.calm else self.again_seconds
            await asyncio.sleep(self.dice.uniform(0.05, longest))

    async def _watch(self, connection: websockets.ClientConnection, seen: Seen) -> None:
        """Take what comes until the connection ends, by our doing or others'."""
        for message in (
            {"type": "connection_init", "payload": {"authorization": f"Bearer {STAFF_KEY}"}},
            _subscribe("events", _EVENTS, {"id": seen.order_id, "after": seen.cursor}),
            _subscribe("state", UPDATED, {"id": seen.order_id}),
        ):
            if message["type"] == "subscribe" and message["id"] == "events":
                await connection.recv()  # the acknowledgement
            await connection.send(json.dumps(message))
        try:
            async with asyncio.timeout(self.dice.uniform(0, 2 * self.cut_seconds)) as cut:
                while True:
                    self._take(json.loads(await connection.recv()), seen)
                    if self.calm:
                        cut.reschedule(None)
        except TimeoutError:
            if not self.calm:
                self.happened["cut off"] += 1

    def _take(self, message: dict[str, object], seen: Seen) -> None:
        payload = message.get("payload")
        if message["type"] != "next" or not isinstance(payload, dict) or "errors" in payload:
            seen.errors.append(json.dumps(message))
        elif message["id"] == "events":
            event = payload["data"]["orderEvents"]
            seen.event(event["version"])
            seen.cursor = event["cursor"]
        else:
            seen.state(payload["data"]["orderUpdated"]["version"])

    @contextlib.asynccontextmanager
    async def _official(self, orders: Sequence[str]) -> AsyncIterator[None]:
        if not orders:
            yield
            return
        settings = {
            "packages": str(WEB / "package.json"),
            "urls": [f"ws://127.0.0.1:{port}/graphql" for port in self.ports],
            "key": STAFF_KEY,
            "orders": list(orders),
            "after": encode_version(0),
            "cutSeconds": self.cut_seconds,
        }
        process = await asyncio.create_subprocess_exec(
            # Node 20 has a WebSocket, and hides it.
            *("node", "--no-warnings", "--experimental-websocket", SCRIPT),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        self._commands = process.stdin
        reading = asyncio.create_task(
            self._read(process, {each: self._new("official", each) for each in orders})
        )
        try:
            yield
        finally:
            process.kill()
            await process.wait()
            await reading

    def calm_down(self) -> None:
        """Cut nobody off any more."""
        self.calm = True
        if self._commands is not None:
            self._commands.write(b"calm\n")

    async def _read(self, process: asyncio.subprocess.Process, seen: dict[str, Seen]) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            match json.loads(line):
                case {"order": order_id, "version": version}:
                    seen[order_id].event(version)
                case {"order": order_id, "state": version}:
                    seen[order_id].state(version)
                case {"order": order_id, "error": error}:
                    seen[order_id].errors.append(error)
                case {"cut": _}:
                    self.happened["official cut off"] += 1
                case {"closed": _}:
                    self.happened["official connections lost"] += 1


def has_official_client() -> bool:
    """Whether node and the official client are there."""
    return shutil.which("node") is not None and (WEB / "node_modules" / "graphql-ws").is_dir()


def _subscribe(name: str, query: str, variables: object) -> dict[str, object]:
    return {"type": "subscribe", "id": name, "payload": {"query": query, "variables": variables}}
