"""Streams under fire: every watcher of every order sees each version once, whatever brokers, networks and deploys do.

Two replicas serve one database. Orders live their lives at random moments; meanwhile watchers are cut off, hints get
lost, replicas are restarted in turn, and the broker has its own trouble: PostgreSQL ends the listeners every 350 ms;
Redis is killed, or its wires freeze. Then everything heals, and all watchers have to be where the database is.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from app.domain.ids import IdPrefix, encode_id
from db import migrate
from db.embedded import EmbeddedPostgres
from db.pool import Database
from tests.app import redis_server
from tests.faults.followers import AGAIN_SECONDS, Followers, has_official_client
from tests.faults.stage import dice
from tests.faults.waiting import StuckError
from tests.faults.wires import to_postgresql, to_redis
from tests.system.deliveries import open_payments, success
from tests.system.processes import STAFF_KEY, Server, free_port, server_settings, serving
from tests.system.wire import LOST, ask, request

if TYPE_CHECKING:
    import random
    from collections.abc import AsyncIterator, Callable, Coroutine

    from tests.faults.wires import Wire
    from tests.making import Opened

BROKERS: Final = ("postgresql", "redis")
ONE_HINT_LOST_OF: Final = 10
LISTEN_SECONDS: Final = 0.35
CUT_SECONDS: Final = 4.0
AGAIN_SECONDS_MAX: Final = 4.0
RESTART_SECONDS: Final = (0.5, 1.5)
ORDERS_AT_EASE: Final = 100
"""With more orders, watchers are cut off and replicas restarted less often: else nothing else would be done."""
HEALED_SECONDS_MAX: Final = 2.0
"""How long after the last fault a watcher may be behind the database."""
STEP_SECONDS_MAX: Final = 180.0
"""A key whose holder could not give it back, since its server stopped, is free after a minute."""
ANSWER_SECONDS_MAX: Final = 30.0
AT_ONCE_MAX: Final = 16
"""Steps of orders' lives that are on their way for the first time at one time."""
SETTLED_SECONDS_MAX: Final = 30.0
OFFICIAL_SHARE: Final = 0.1
LAST_VERSION: Final = 10
"""Made, payment opened, paid, confirmed, five steps of fulfilment, completed."""
FULFILMENT: Final = ("PREPARING", "UNFULFILLED", "PREPARING", "SHIPPED", "DELIVERED")
_FULFIL: Final = """
mutation ($input: OrderFulfillInput!) { orderFulfill(input: $input) { order { version } errors { code message } } }
"""


@dataclass
class Result:
    """What was planted, and what came of it."""

    broker: str
    orders: int
    official: int
    happened: Counter[str] = field(default_factory=Counter)
    events: int = 0
    flaws: list[str] = field(default_factory=list)
    late_seconds: float = 0.0
    """How long after everything had healed the last watcher was where the database is."""

    def missing(self) -> list[str]:
        """Return the faults that never happened: without them the run shows nothing."""
        due = ["cut off", "connections lost", "restarts", "hints lost"]
        due += ["listeners killed"] if self.broker == "postgresql" else ["kills", "black holes"]
        due += ["official cut off"] if self.official else []
        return [name for name in due if not self.happened[name]]

    def lines(self) -> list[str]:
        """Return the coverage and the verdict."""
        coverage = ", ".join(f"{count} {name}" for name, count in sorted(self.happened.items()))
        return [
            f"{self.broker}: {self.orders} orders, {self.orders} watchers of ours and {self.official} official",
            f"  {coverage}",
            *(f"  NEVER HAPPENED: {name}" for name in self.missing()),
            *(f"  BAD: {flaw}" for flaw in self.flaws),
            f"  {self.events} events handed out, {len(self.flaws)} flaws",
            f"  all at the database's state {self.late_seconds:.2f} s after the faults",
        ]

    @property
    def is_good(self) -> bool:
        """Whether it shows what it should."""
        return not self.flaws and not self.missing()

    @property
    def is_slow(self) -> bool:
        """Whether it took too long; what a clock says on a busy machine is no flaw of the server's."""
        return self.late_seconds > HEALED_SECONDS_MAX


@dataclass
class Scene:
    """Two replicas on one database and broker, each behind a wire of its own to the broker."""

    database: Database
    replicas: list[Server]
    wires: list[Wire]
    trouble: Callable[[], Coroutine[None, None, None]]
    """What happens to the broker until it is canceled."""
    happened: Counter[str]
    rng: random.Random
    pace: float
    over: bool = False
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_MAX))

    async def restart_in_turn(self) -> None:
        """Restart one replica after the other until it is `over`; whoever was told to stop is back then."""
        for replica in itertools.cycle(self.replicas):
            await asyncio.sleep(self.pace * self.rng.uniform(*RESTART_SECONDS))
            replica.signal(signal.SIGTERM)
            await replica.ended()
            await replica.start()
            self.happened["restarts"] += 1
            if self.over:
                return

    async def live(self, opened: Opened, seconds: float) -> None:
        """Have an order live its life within so many seconds, at random moments."""
        steps = [success(opened.payment).request, *(_fulfilment(opened, status) for status in FULFILMENT)]
        began = time.monotonic()
        for at, step in zip(sorted(self.rng.uniform(0, seconds) for _ in steps), steps, strict=True):
            await asyncio.sleep(began + at - time.monotonic())
            await self._take(step)

    async def _take(self, step: bytes) -> None:
        """Have a step taken. Whoever has to come again doesn't queue again: a queue of a thousand takes minutes.

        Raises:
            StuckError: it is refused for too long.
        """
        async with self.turns:
            refusal = await self._refusal(step)
        began = time.monotonic()
        while refusal is not None:
            if time.monotonic() - began > STEP_SECONDS_MAX:
                raise StuckError(
                    f"a step of an order's life is not taken for {STEP_SECONDS_MAX:g} s: {refusal}"
                )
            await asyncio.sleep(self.rng.uniform(0.05, 0.2))
            refusal = await self._refusal(step)

    async def _refusal(self, step: bytes) -> str | None:
        """Try a step once; return why it was not taken."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX):
                answer = await ask(self.rng.choice(self.replicas).port, step)
        except TimeoutError:
            return f"no answer in {ANSWER_SECONDS_MAX:g} s"
        except LOST as loss:
            return repr(loss)
        refused = answer.status != 200 or "errors" in answer.json
        refused = refused or answer.json.get("data", {}).get("orderFulfill", {}).get("errors")
        return f"{answer.status} {answer.body.decode()}" if refused else None


async def run_streams(broker: str, orders: int, seed: int, seconds: float) -> Result:
    """Plant faults for so many seconds, let everything heal, and judge."""
    rng = dice("streams", broker, seed)
    result = Result(broker, orders, round(orders * OFFICIAL_SHARE) if has_official_client() else 0)
    pace = max(1.0, orders / ORDERS_AT_EASE)
    async with _scene(broker, rng, result.happened, pace) as scene:
        made = await open_payments(scene.database, orders)
        ids = [encode_id(IdPrefix.ORDER, each.order.id) for each in made]
        ports = [replica.port for replica in scene.replicas]
        followers = Followers(ports, rng, pace * CUT_SECONDS, min(pace * AGAIN_SECONDS, AGAIN_SECONDS_MAX))
        async with followers.following(ids, ids[: result.official]):
            trouble = asyncio.create_task(scene.trouble())
            restarts = asyncio.create_task(scene.restart_in_turn())
            numbers = itertools.count()
            for wire in scene.wires:
                wire.loses = lambda: next(numbers) % ONE_HINT_LOST_OF == 0
            await asyncio.gather(*(scene.live(each, seconds) for each in made))
            scene.over = True
            await restarts
            trouble.cancel()
            await asyncio.wait([trouble])
            healed = _heal(scene, followers)
            await _settle(followers)
        await _judge(scene, followers, result, healed)
    return result


def _heal(scene: Scene, followers: Followers) -> float:
    """End every other fault, and return when the last one was over."""
    followers.calm_down()
    for wire in scene.wires:
        wire.loses = lambda: False
        wire.thaw()
    return time.monotonic()


async def _settle(followers: Followers) -> None:
    """Wait until every watcher is where it should be, or it has had time enough; then see that nothing more comes."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLED_SECONDS_MAX):
            while not all(seen.is_at(LAST_VERSION) for seen in followers.seen):  # noqa: ASYNC110 - other tasks' doing
                await asyncio.sleep(0.02)
    await asyncio.sleep(HEALED_SECONDS_MAX)


async def _judge(scene: Scene, followers: Followers, result: Result, healed: float) -> None:
    rows = await scene.database.fetch("SELECT id, version FROM orders")
    stands = {encode_id(IdPrefix.ORDER, row["id"]): row["version"] for row in rows}
    assert set(stands.values()) == {LAST_VERSION}, Counter(stands.values())
    for seen in followers.seen:
        result.flaws += seen.flaws(stands[seen.order_id])
        result.events += len(seen.versions)
    result.late_seconds = max(0.0, max(seen.at for seen in followers.seen) - healed)
    result.happened += followers.happened
    result.happened["hints"] = sum(wire.hints for wire in scene.wires)
    result.happened["hints lost"] = sum(wire.lost for wire in scene.wires)


@contextlib.asynccontextmanager
async def _scene(
    broker: str, rng: random.Random, happened: Counter[str], pace: float
) -> AsyncIterator[Scene]:
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="op-streams-")))
        postgres = await stack.enter_async_context(EmbeddedPostgres(folder / "pg", durable=False))
        await migrate.upgrade(postgres.dsn)
        database = await stack.enter_async_context(Database(postgres.superuser_dsn, size=4))
        far = postgres.dsn.partition("host=")[2].partition("&")[0]
        redis = await stack.enter_async_context(redis_server.running()) if broker == "redis" else None
        replicas, wires = [], []
        for number in range(2):
            near = folder / f"r{number}"
            near.mkdir()
            settings = {
                "DATABASE_URL": postgres.dsn,
                "ORDERPULSE_DATA_DIR": str(near),
                "ORDERPULSE_LOG_LEVEL": "warning",
                **server_settings(),
            }
            if redis is not None:
                wire = to_redis(redis.socket)
                port = await stack.enter_async_context(wire.on_port())
                settings["ORDERPULSE_BROKER_URL"] = f"redis://127.0.0.1:{port}"
            else:
                wire = to_postgresql(f"{far}/.s.PGSQL.5432")
                await stack.enter_async_context(wire.on_path(near / ".s.PGSQL.5432"))
                settings["DATABASE_URL"] = postgres.dsn.replace(far, str(near))
            wires.append(wire)
            replicas.append(Server(free_port(), near / "server.log", settings))
        await stack.enter_async_context(serving(*replicas))

        async def trouble() -> None:
            if redis is None:
                await _kill_listeners(database, happened)
            else:
                await _hurt_redis(redis, wires, rng, happened)

        yield Scene(database, replicas, wires, trouble, happened, rng, pace)


async def _kill_listeners(database: Database, happened: Counter[str]) -> None:
    while True:
        await asyncio.sleep(LISTEN_SECONDS)
        rows = await database.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'orderpulse-notifications'"
        )
        happened["listeners killed"] += len(rows)


async def _hurt_redis(
    redis: redis_server.Redis, wires: list[Wire], rng: random.Random, happened: Counter[str]
) -> None:
    """Kill Redis and freeze wires in turn; every third time for longer than it takes to be noticed."""
    turn = 0
    try:
        while True:
            turn += 1
            away = rng.uniform(11, 13) if turn % 3 == 0 else rng.uniform(0.3, 2)
            await asyncio.sleep(rng.uniform(0.2, 1))
            await redis.kill()
            happened["kills"] += 1
            await asyncio.sleep(rng.uniform(0.1, 1))
            await redis.start()
            await asyncio.sleep(rng.uniform(0.2, 1))
            frozen = rng.sample(wires, rng.randint(1, 2))
            for wire in frozen:
                wire.freeze()
            happened["black holes"] += len(frozen)
            await asyncio.sleep(away)
            for wire in frozen:
                wire.thaw()
    finally:
        await redis.kill()
        await redis.start()


def _fulfilment(opened: Opened, status: str) -> bytes:
    order_id = encode_id(IdPrefix.ORDER, opened.order.id)
    given = {"orderId": order_id, "status": status, "idempotencyKey": str(uuid4())}
    body = json.dumps({"query": _FULFIL, "variables": {"input": given}}).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {STAFF_KEY}"}
    return request("POST", "/graphql", body, headers)
