"""The sandbox killed, stopped and starved of disk: it never forgets what it has said."""

from __future__ import annotations

import asyncio
import resource
from typing import TYPE_CHECKING, Any

import httpx2

from tests.simulators.sandbox_process import sandbox_process
from tests.simulators.sandbox_world import calling, eventually, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulators.sandbox_world import Merchant, Sandbox


async def keep_paying(sandbox: Sandbox, acknowledged: list[dict[str, Any]]) -> None:
    """Pay until the server is gone; note each payment once it was acknowledged."""
    try:
        while True:
            acknowledged.append(await sandbox.paid())
    except httpx2.TransportError:
        return


async def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    acknowledged: list[dict[str, Any]] = []
    for round_ in range(1, 4):
        async with sandbox_process(log) as (process, url), calling(url) as sandbox:
            shoppers = [asyncio.create_task(keep_paying(sandbox, acknowledged)) for _ in range(4)]
            await eventually(lambda enough=round_ * 25: len(acknowledged) >= enough)  # type: ignore[misc] # bound now
            process.kill()
            await asyncio.gather(*shoppers)

    async with sandbox_process(log) as (_, url), calling(url) as after:
        truth = await after.truth()
        events = (await after.get("/v1/events"))["data"]
        found = [await after.payment(payment) for payment in acknowledged]

    known = {payment["id"]: payment["captured"] for payment in truth["payments"]}
    assert [known[payment["id"]] for payment in acknowledged] == [49900] * len(acknowledged)
    assert [payment["charges"] for payment in found] == [payment["charges"] for payment in acknowledged]
    assert len(acknowledged) <= truth["counts"]["succeeded"] <= len(acknowledged) + 3 * 4
    assert [event["type"] for event in events[:1]] == ["payment.created"]


async def test_what_was_not_delivered_before_a_kill_is_delivered_after(
    tmp_path: Path, merchant: Merchant
) -> None:
    log = tmp_path / "truth.jsonl"
    merchant.statuses = [503] * 1000
    async with sandbox_process(log, "--webhook-url", merchant.url) as (process, url), calling(url) as before:
        paid = await before.paid()
        await merchant.expect("payment.created", "payment.succeeded", "payment.succeeded")
        process.kill()
        await process.wait()
    merchant.received.clear()
    merchant.statuses.clear()

    async with sandbox_process(log, "--webhook-url", merchant.url) as (_, url), calling(url) as after:
        await merchant.expect("payment.created", "payment.succeeded")
        await until(after.truth, lambda truth: truth["deliveries"] == {"delivered": 2})

    objects = {received.event["data"]["object"]["id"] for received in merchant.received}
    assert objects == {paid["id"]}


async def test_what_was_delivered_before_a_restart_is_not_sent_again(
    tmp_path: Path, merchant: Merchant
) -> None:
    log = tmp_path / "truth.jsonl"
    async with sandbox_process(log, "--webhook-url", merchant.url) as (process, url), calling(url) as before:
        await before.paid()
        await until(before.truth, lambda truth: truth["deliveries"] == {"delivered": 2})
        process.kill()
        await process.wait()
    merchant.received.clear()

    async with sandbox_process(log, "--webhook-url", merchant.url) as (_, url), calling(url) as after:
        await after.create()
        await merchant.expect("payment.created")

    assert merchant.types() == ["payment.created"]


async def test_a_full_disk_refuses_the_change_and_leaves_the_truth_whole(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    limited = ("prlimit", "--fsize=6000:unlimited")
    async with sandbox_process(log, prefix=limited) as (process, url), calling(url) as full:
        answers = [
            await full.api.post("/v1/payments", json={"amount": 1, "currency": "INR"}) for _ in range(20)
        ]
        truth = await full.truth()
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        paid = await full.paid()
        roomy = await full.truth()

    statuses = [answer.status_code for answer in answers]
    assert sorted(set(statuses)) == [200, 503]
    assert truth["counts"]["payments"] == statuses.count(200)
    async with sandbox_process(log) as (_, url), calling(url) as after:
        assert await after.truth() == roomy
        assert roomy["payments"] == [*truth["payments"], roomy["payments"][-1]]
        assert (await after.payment(paid))["status"] == "succeeded"


async def test_sigterm_stops_the_program_in_order(tmp_path: Path) -> None:
    async with sandbox_process(tmp_path / "truth.jsonl") as (process, _):
        process.terminate()

        assert await process.wait() == 0
