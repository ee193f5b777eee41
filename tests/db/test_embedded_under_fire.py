"""The embedded database killed again and again under writes: no row that was acknowledged may be missing."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from db.embedded import EmbeddedPostgres
from db.embedded.contact import NO_ANSWER
from tests.db.embedded_process import OtherProcess, eventually, kill, postmaster, query, short_folder

ROUNDS = 4
WRITERS = 4
ROWS_BETWEEN_KILLS = 100


class Ledger:
    """What the writers were told: the rows that are there for sure, and how many may be there or not."""

    def __init__(self, address: str) -> None:
        self.acknowledged: set[int] = set()
        self.unknown: set[int] = set()
        self._address = address
        self._ids = iter(range(10**9))

    async def write(self) -> None:
        """Write rows, one by one, for ever; connect again whenever the server is lost."""
        while True:
            with contextlib.suppress(*NO_ANSWER):
                connection = await asyncpg.connect(self._address, timeout=5)
                try:
                    while True:
                        await self._write_one(connection)
                finally:
                    connection.terminate()
            await asyncio.sleep(0.01)

    async def _write_one(self, connection: asyncpg.Connection) -> None:
        row = next(self._ids)
        self.unknown.add(row)
        await connection.execute("insert into written values ($1)", row)
        self.unknown.discard(row)
        self.acknowledged.add(row)

    async def more(self, rows: int) -> None:
        """Wait until so many more rows are acknowledged."""
        wanted = len(self.acknowledged) + rows

        async def reached() -> bool:
            return len(self.acknowledged) >= wanted

        await eventually(reached)

    async def judge(self) -> tuple[set[int], set[int]]:
        """Return the rows that are missing and those that nobody wrote."""
        sure = set(self.acknowledged)  # the writers go on meanwhile
        rows = set(await query(self._address, "select array_agg(id) from written"))
        return sure - rows, rows - self.acknowledged - self.unknown


@asynccontextmanager
async def writing(address: str) -> AsyncIterator[Ledger]:
    await query(address, "create table written (id int primary key)")
    ledger = Ledger(address)
    writers = [asyncio.create_task(ledger.write()) for _ in range(WRITERS)]
    try:
        yield ledger
    finally:
        for writer in writers:
            writer.cancel()
        await asyncio.wait(writers)


@pytest.fixture
def root() -> Iterator[Path]:
    with short_folder(on_disk=True) as folder:
        yield folder / "pulse"


async def test_a_server_killed_under_writes_loses_no_acknowledged_row(root: Path) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()

    def report(event: str, /, **_: object) -> None:
        heard.put_nowait(event)

    async with EmbeddedPostgres(root, report=report) as database, writing(database.dsn) as ledger:
        for _ in range(ROUNDS):
            await ledger.more(ROWS_BETWEEN_KILLS)
            kill(postmaster(root))
            assert [await heard.get(), await heard.get()] == [
                "embedded_postgres_lost",
                "embedded_postgres_back",
            ]

        await ledger.more(ROWS_BETWEEN_KILLS)
        lost, invented = await ledger.judge()

    assert (lost, invented) == (set(), set())


async def test_owners_killed_under_writes_lose_no_acknowledged_row(root: Path) -> None:
    owner = await OtherProcess.start(root, durable=True)
    address = (await owner.hear("ready"))["dsn"]
    async with writing(address) as ledger:
        for _ in range(ROUNDS):
            await ledger.more(ROWS_BETWEEN_KILLS)
            await owner.kill()
            owner = await OtherProcess.start(root, durable=True)
            assert (await owner.hear("ready"))["dsn"] == address

        await ledger.more(ROWS_BETWEEN_KILLS)
        lost, invented = await ledger.judge()

    assert (lost, invented) == (set(), set())
    assert await owner.stop() == 0


async def test_owners_killed_one_after_the_other_are_followed_by_the_attached(root: Path) -> None:
    owner = await OtherProcess.start(root, durable=True)
    address = (await owner.hear("ready"))["dsn"]
    async with writing(address) as ledger:
        for _ in range(ROUNDS):
            attached = await OtherProcess.start(root, durable=True)
            assert (await attached.hear("ready"))["is_owner"] is False
            await ledger.more(ROWS_BETWEEN_KILLS)
            await owner.kill()
            await attached.hear("embedded_postgres_back")
            owner = attached

        await ledger.more(ROWS_BETWEEN_KILLS)
        lost, invented = await ledger.judge()

    assert (lost, invented) == (set(), set())
    assert await owner.stop() == 0


async def test_a_first_start_killed_at_any_moment_can_be_done_again(root: Path) -> None:
    moments = random.Random(7)  # noqa: S311  # the same moments each time
    for _ in range(ROUNDS):
        owner = await OtherProcess.start(root)
        await asyncio.sleep(moments.uniform(0.2, 1.5))
        await owner.kill()

    async with EmbeddedPostgres(root, durable=False) as database:
        user = await query(database.dsn, "select current_user")

    assert user == "orderpulse"
