"""`orderpulse audit` as people and machines run it: a table or JSON, all or what is newest, and its exit code."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from app.domain.ids import IdPrefix, encode_id
from app.integrity import CHECKS
from app.settle import Settler
from db.embedded import EmbeddedPostgres
from tests.app.audited_shop import AuditedShop
from tests.db.embedded_process import short_folder
from tests.system.processes import run_command
from tests.system.test_commands import said

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[AuditedShop]:
    """Three paid orders."""
    settler = Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None)
    async with settler:
        filled = AuditedShop(database, settler)
        for name in ("first", "second", "third"):
            await filled.paid(name)
        yield filled


async def test_a_shop_in_order_ends_with_0_and_one_that_is_not_with_1(shop: AuditedShop) -> None:
    url = shop.database.dsn
    clean = await run_command("audit", DATABASE_URL=url)
    await shop.database.fetch(
        "UPDATE orders SET paid_minor = 1, updated_at = '2020-01-01' WHERE id = $1", shop.orders["first"].id
    )
    whole, newest, as_json = await asyncio.gather(
        run_command("audit", DATABASE_URL=url),
        run_command("audit", "--recent", "2", DATABASE_URL=url),
        run_command("audit", "--format", "json", DATABASE_URL=url),
    )

    named = encode_id(IdPrefix.ORDER, shop.orders["first"].id)
    message = "It holds 1 INR as paid, and the facts of its payments add up to 49900."
    assert (clean.code, clean.errors) == (0, "")
    assert "Everything holds:" in said(clean)
    assert [name for name in CHECKS if name not in said(clean)] == []
    assert (whole.code, newest.code, as_json.code) == (1, 0, 1)
    assert f"{named} order_paid: {message}" in said(whole)
    assert "1 violations in" in said(whole)
    assert as_json.errors == ""
    report = json.loads(as_json.output)
    assert report["violations"] == [{"check": "order_paid", "subjectId": named, "message": message}]
    assert [check["name"] for check in report["checks"]] == list(CHECKS)
    (paid,) = [check for check in report["checks"] if check["name"] == "order_paid"]
    assert (paid["rowsChecked"], paid["violations"]) == (3, 1)


async def test_a_database_without_the_schema_is_told_in_a_sentence() -> None:
    with short_folder() as folder:
        async with EmbeddedPostgres(folder, durable=False) as postgres:
            ran = await run_command("audit", DATABASE_URL=postgres.dsn)

    assert ran.code == 1
    assert "The schema is at nothing" in said(ran)
    assert "run `orderpulse migrate`" in said(ran)
    assert "Traceback" not in said(ran)
