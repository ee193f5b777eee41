"""Webhooks: signed, repeated until taken, bounded, and as unruly as asked for."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest

from app.simulators.kit.deliverer import retry_seconds
from tests.simulators.sandbox_world import sandbox_serving, signed_header, until

if TYPE_CHECKING:
    from tests.simulators.sandbox_world import Merchant, Received, Sandbox


def signed_at(received: Received) -> int:
    return int(received.headers["sandbox-signature"].removeprefix("t=").partition(",")[0])


async def deliveries(sandbox: Sandbox, **wanted: int) -> None:
    """Wait until the events' deliveries stand as wanted."""
    await until(sandbox.truth, lambda truth: truth["deliveries"] == wanted)


async def shown(sandbox: Sandbox) -> list[dict[str, Any]]:
    """Return what the sandbox shows of each event's delivery."""
    events = (await sandbox.get("/v1/events"))["data"]
    return [await sandbox.get(f"/v1/events/{event['id']}") for event in events]


async def test_an_event_carries_the_payment_and_is_signed_over_its_raw_body(
    telling_sandbox: Sandbox, merchant: Merchant
) -> None:
    before = int(time.time())

    paid = await telling_sandbox.paid()

    await merchant.expect("payment.created", "payment.succeeded")
    received = next(one for one in merchant.received if one.event["type"] == "payment.succeeded")
    timestamp = signed_at(received)
    assert received.headers["sandbox-signature"] == signed_header(received.body, timestamp)
    assert before <= timestamp <= int(time.time())
    assert received.headers["content-type"] == "application/json"
    assert set(received.event) == {"id", "type", "created", "data"}
    assert received.event["data"] == {"object": paid}
    listed = (await telling_sandbox.get("/v1/events"))["data"]
    assert received.event == next(event for event in listed if event["id"] == received.event["id"])


@pytest.mark.parametrize(
    ("story", "types"),
    [
        ("paid", ["payment.succeeded"]),
        ("declined", ["payment.failed"]),
        ("3d secure", ["payment.requires_action", "payment.processing", "payment.succeeded"]),
        ("3d secure failed", ["payment.requires_action", "payment.failed"]),
        ("captured", ["payment.authorized", "payment.succeeded"]),
        ("canceled", ["payment.authorized", "payment.canceled"]),
        ("refunded", ["payment.succeeded", "refund.created", "refund.succeeded"]),
        ("refund failed", ["payment.succeeded", "refund.created", "refund.succeeded", "refund.failed"]),
        ("dispute won", ["payment.succeeded", "dispute.opened", "dispute.won"]),
        ("dispute lost", ["payment.succeeded", "dispute.opened", "dispute.lost"]),
    ],
)
async def test_every_story_tells_its_events(sandbox: Sandbox, story: str, types: list[str]) -> None:
    cards = {
        "declined": "4000000000000002",
        "3d secure": "4000002500003155",
        "3d secure failed": "4000002500003155",
        "refund failed": "4000000000007726",
        "dispute won": "4000000000000259",
        "dispute lost": "4000000000000259",
    }
    method = "manual" if story in ("captured", "canceled") else "automatic"
    payment = await sandbox.create(capture_method=method)
    path = f"/v1/payments/{payment['id']}"

    await sandbox.pay(payment, cards.get(story, "4242424242424242"))
    match story.split():
        case ["3d", "secure", *failed]:
            await sandbox.post(f"{path}/_authenticate", {"result": "fail" if failed else "complete"})
        case ["captured"]:
            await sandbox.post(f"{path}/capture")
        case ["canceled"]:
            await sandbox.post(f"{path}/cancel")
        case ["refunded"] | ["refund", _]:
            await sandbox.post(f"{path}/refunds")
        case ["dispute", outcome]:
            now = await until(lambda: sandbox.payment(payment), lambda now: bool(now["disputes"]))
            await sandbox.post(f"{path}/_disputes/{now['disputes'][0]['id']}/close", {"outcome": outcome})
    page = await until(lambda: sandbox.get("/v1/events"), lambda page: len(page["data"]) > len(types))

    assert [event["type"] for event in page["data"]] == ["payment.created", *types]


async def test_a_webhook_is_repeated_until_it_is_taken_and_signed_anew(
    telling_sandbox: Sandbox, merchant: Merchant
) -> None:
    merchant.statuses = [500, 302, 404]

    await telling_sandbox.create()
    await deliveries(telling_sandbox, delivered=1)

    assert len({received.body for received in merchant.received}) == 1
    for received in merchant.received:
        assert received.headers["sandbox-signature"] == signed_header(received.body, signed_at(received))
    (event,) = await shown(telling_sandbox)
    assert [attempt["status"] for attempt in event["attempts"]] == [500, 302, 404, 200]
    assert (event["attempts_made"], event["delivery"]) == (4, "delivered")
    assert signed_at(merchant.received[-1]) >= signed_at(merchant.received[0])


async def test_a_merchant_who_is_away_gets_everything_when_back(merchant: Merchant) -> None:
    async with sandbox_serving("http://127.0.0.1:1/hook") as unreached:
        await unreached.create()
        (event,) = await until(lambda: shown(unreached), lambda events: bool(events[0]["attempts"]))

    assert event["attempts"][0] | {"at": ""} == {
        "at": "", "status": None, "error": "ConnectError", "duplicate": False,
    }  # fmt: skip
    assert event["delivery"] == "pending"
    assert merchant.received == []


async def test_a_merchant_is_not_called_more_than_eight_times_at_once(
    telling_sandbox: Sandbox, merchant: Merchant
) -> None:
    merchant.answer_seconds = 0.2

    await asyncio.gather(*(telling_sandbox.create() for _ in range(24)))
    await deliveries(telling_sandbox, delivered=24)

    assert merchant.most_at_once == 8


def test_repetitions_double_up_to_a_minute() -> None:
    waits = [(retry_seconds(tries), min(60.0, 0.25 * 2 ** (tries - 1))) for tries in range(1, 1000)]

    assert all(full / 2 <= wait <= full for wait, full in waits)
    assert waits[0][1] == 0.25
    assert waits[-1][1] == 60.0


async def test_duplicates_are_the_same_event_again(telling_sandbox: Sandbox, merchant: Merchant) -> None:
    await telling_sandbox.chaos(duplicate=2)

    await telling_sandbox.create()
    await merchant.expect("payment.created", "payment.created", "payment.created")

    assert len({received.event["id"] for received in merchant.received}) == 1
    (event,) = await until(
        lambda: shown(telling_sandbox), lambda events: bool(events[0]["attempts_made"] == 3)
    )
    assert sorted(attempt["duplicate"] for attempt in event["attempts"]) == [False, True, True]


async def test_a_dropped_webhook_is_lost_for_good_but_stays_listed(
    telling_sandbox: Sandbox, merchant: Merchant
) -> None:
    await telling_sandbox.chaos(drop=1.0)
    paid = await telling_sandbox.paid()
    await deliveries(telling_sandbox, lost=2)

    await telling_sandbox.api.delete("/v1/_chaos")
    await telling_sandbox.create()
    await merchant.expect("payment.created")
    await deliveries(telling_sandbox, lost=2, delivered=1)

    assert [received.event["data"]["object"]["id"] != paid["id"] for received in merchant.received] == [True]
    listed = (await telling_sandbox.get("/v1/events"))["data"]
    assert [event["data"]["object"]["id"] for event in listed[:2]] == [paid["id"], paid["id"]]


async def test_a_lost_webhook_is_delivered_when_asked_for(
    telling_sandbox: Sandbox, merchant: Merchant
) -> None:
    await telling_sandbox.chaos(drop=1.0)
    await telling_sandbox.create()
    await deliveries(telling_sandbox, lost=1)
    await telling_sandbox.api.delete("/v1/_chaos")
    (event,) = await shown(telling_sandbox)

    await telling_sandbox.post(f"/v1/events/{event['event']['id']}/_deliver")
    unknown = await telling_sandbox.api.post("/v1/events/evt_unknown/_deliver")
    await deliveries(telling_sandbox, delivered=1)

    assert [received.event for received in merchant.received] == [event["event"]]
    assert unknown.status_code == 404


async def test_a_seed_drops_the_same_ones_again(merchant: Merchant) -> None:
    lost = []
    for _ in range(2):
        async with sandbox_serving(merchant.url) as sandbox:
            await sandbox.chaos(drop=0.5, seed=7)
            for _ in range(10):
                await sandbox.create()
                await until(sandbox.truth, lambda truth: "pending" not in truth["deliveries"])
            lost.append([event["delivery"] for event in await shown(sandbox)])

    assert lost[0] == lost[1]
    assert set(lost[0]) == {"lost", "delivered"}


async def test_reordered_webhooks_come_in_another_order(telling_sandbox: Sandbox, merchant: Merchant) -> None:
    await telling_sandbox.chaos(reorder=True, seed=3)

    for _ in range(12):
        await telling_sandbox.create()
    await deliveries(telling_sandbox, delivered=12)

    arrived = [received.event["created"] for received in merchant.received]
    assert len(arrived) == 12
    assert arrived != sorted(arrived)


async def test_a_delayed_webhook_comes_late(telling_sandbox: Sandbox, merchant: Merchant) -> None:
    await telling_sandbox.chaos(delay_ms=[400, 500])
    started = time.monotonic()

    await telling_sandbox.create()
    await merchant.expect("payment.created")

    assert time.monotonic() - started >= 0.4
