"""The same schema and the same settling on every PostgreSQL that is installed here, down to 15."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.domain.states import InboxEventStatus, OrderStatus
from app.settle import Settler
from db import migrate, reads
from db.embedded import EmbeddedPostgres
from db.pool import Database
from tests.making import a_webhook, captured, opened_payment

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTALLED: Sequence[Path] = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@pytest.mark.parametrize("bin_folder", INSTALLED, ids=[path.parent.name for path in INSTALLED])
async def test_an_installed_server_migrates_and_settles(tmp_path: Path, bin_folder: Path) -> None:
    async with EmbeddedPostgres(tmp_path / "pg", durable=False, bin_folder=bin_folder) as server:
        await migrate.upgrade(server.dsn)
        await migrate.check(server.dsn)
        async with (
            Database(server.dsn) as database,
            Settler(server.dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as settler,
        ):
            opened = await opened_payment(database, settler)
            outcome = await settler.submit(a_webhook(opened.payment, captured(opened.payment)))
            snapshot = (await reads.OrderReader(database).snapshots([opened.order.id]))[opened.order.id]
            log = await reads.log(database, None, 10)

    assert server.version.partition(".")[0] == bin_folder.parent.name
    assert outcome.status is InboxEventStatus.APPLIED
    assert (snapshot.order.status, snapshot.order.version) == (OrderStatus.CONFIRMED, 4)
    assert [event.version for _, event in log] == [1, 2, 3, 4]
