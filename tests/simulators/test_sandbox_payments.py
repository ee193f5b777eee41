"""Payments over the REST API: what may happen to them, and what is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.simulators.sandbox_world import RETURN_URL, until

if TYPE_CHECKING:
    from tests.simulators.sandbox_world import Sandbox


async def refused(sandbox: Sandbox, path: str, body: dict[str, Any]) -> tuple[int, str, str | None]:
    answer = await sandbox.api.post(path, json=body)
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["param"]


async def test_a_new_payment_waits_at_its_checkout_page(sandbox: Sandbox) -> None:
    payment = await sandbox.create(metadata={"payment_id": "p-1", "order_number": "A1"})

    assert payment["id"].startswith("sbx_pay_")
    assert payment["checkout_url"] == f"{sandbox.url}/checkout/{payment['id']}"
    assert (payment["status"], payment["amount"], payment["currency"]) == (
        "requires_payment_method",
        49900,
        "INR",
    )
    assert (payment["capture_method"], payment["return_url"]) == ("automatic", RETURN_URL)
    assert await sandbox.payment(payment) == payment
    assert await sandbox.get("/v1/payments", metadata_payment_id="p-1") == {"data": [payment]}
    assert await sandbox.get("/v1/payments", metadata_payment_id="p-2") == {"data": []}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": 1.5}, "amount"),
        ({"amount": True}, "amount"),
        ({"amount": "100"}, "amount"),
        ({"amount": 2**53}, "amount"),
        ({"amount": None}, "amount"),
        ({"currency": "inr"}, "currency"),
        ({"currency": "XYZ"}, "currency"),
        ({"currency": None}, "currency"),
        ({"capture_method": "later"}, "capture_method"),
        ({"return_url": "javascript:alert(1)"}, "return_url"),
        ({"return_url": "//shop.example/"}, "return_url"),
        ({"return_url": "http://user@shop.example/"}, "return_url"),
        ({"return_url": "http://shop.example/\r\nX: y"}, "return_url"),
        ({"return_url": "http://[::1/"}, "return_url"),
        ({"return_url": "http://shop.example/" + "a" * 2048}, "return_url"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"metadata": {"a": "b" * 501}}, "metadata"),
        ({"metadata": {str(n): "" for n in range(51)}}, "metadata"),
        ({"metadata": ["a"]}, "metadata"),
        ({"ammount": 1}, "ammount"),
    ],
)
async def test_a_wrong_parameter_is_refused_by_name(
    sandbox: Sandbox, change: dict[str, Any], param: str
) -> None:
    body = {"amount": 100, "currency": "INR", **change}

    status, _, named = await refused(sandbox, "/v1/payments", body)

    assert (status, named) == (400, param)
    assert (await sandbox.truth())["counts"]["payments"] == 0


@pytest.mark.parametrize(
    "body", [b"[]", b"5", b"null", b'"x"', b"{", b"\xff", b"[" * 5000, b'{"amount": 1e400}']
)
async def test_a_body_that_is_no_object_is_refused(sandbox: Sandbox, body: bytes) -> None:
    answer = await sandbox.api.post("/v1/payments", content=body)

    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_body_without_end_is_refused(sandbox: Sandbox) -> None:
    answer = await sandbox.api.post("/v1/payments", content=b"{" + b" " * 65536)

    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer sbx_sk_made_uq", "Basic sbx_sk_made_up", "Bearer \u00fc"]
)
async def test_nothing_is_told_without_the_secret_key(sandbox: Sandbox, header: str) -> None:
    async with httpx2.AsyncClient(base_url=sandbox.url, trust_env=False) as stranger:
        for path in ("/v1/payments", "/v1/_truth", "/v1/_chaos", "/v1/events"):
            answer = await stranger.get(path, headers=[(b"Authorization", header.encode("latin-1"))])

            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "secret_key_invalid")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/payments/sbx_pay_none", 404),
        ("GET", "/v1/refunds/sbx_ref_none", 404),
        ("GET", "/v1/events/sbx_evt_none", 404),
        ("POST", "/v1/payments/sbx_pay_none/capture", 404),
        ("GET", "/v1/nothing", 404),
        ("DELETE", "/v1/payments", 405),
        ("GET", "/v1/payments", 400),
        ("GET", "/v1/events?since=yesterday", 400),
        ("GET", "/v1/events?since=2026-01-01T00:00:00", 400),
        ("GET", "/v1/events?after=sbx_evt_none", 404),
        ("GET", "/v1/events?limit=0", 400),
        ("GET", "/v1/events?limit=1000", 400),
    ],
)
async def test_what_is_not_there_is_refused_in_json(
    sandbox: Sandbox, method: str, path: str, status: int
) -> None:
    answer = await sandbox.api.request(method, path)

    assert (answer.status_code, set(answer.json())) == (status, {"error"})


async def test_an_authorisation_is_captured_whole(sandbox: Sandbox) -> None:
    held = await sandbox.paid(capture_method="manual")

    captured = await sandbox.post(f"/v1/payments/{held['id']}/capture")

    assert (held["status"], held["amount_capturable"], held["amount_captured"]) == ("authorized", 49900, 0)
    assert (captured["status"], captured["amount_captured"]) == ("succeeded", 49900)
    assert captured["charges"][0]["released_at"] is None


async def test_a_partial_capture_releases_the_rest(sandbox: Sandbox) -> None:
    held = await sandbox.paid(capture_method="manual")
    path = f"/v1/payments/{held['id']}/capture"

    captured = await sandbox.post(path, {"amount": 20000})

    (charge,) = captured["charges"]
    assert (charge["amount_captured"], charge["amount_released"]) == (20000, 29900)
    assert captured["amount_capturable"] == 0
    assert await refused(sandbox, path, {"amount": 1}) == (400, "payment_unexpected_state", None)


async def test_no_more_is_captured_than_is_held(sandbox: Sandbox) -> None:
    held = await sandbox.paid(capture_method="manual")

    refusal = await refused(sandbox, f"/v1/payments/{held['id']}/capture", {"amount": 49901})

    assert refusal == (400, "amount_too_large", "amount")
    assert await sandbox.payment(held) == held


async def test_cancelling_releases_what_is_held(sandbox: Sandbox) -> None:
    held = await sandbox.paid(capture_method="manual")

    canceled = await sandbox.post(f"/v1/payments/{held['id']}/cancel", {"reason": "changed_mind"})

    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "changed_mind")
    assert (canceled["charges"][0]["amount_released"], canceled["amount_capturable"]) == (49900, 0)


async def test_money_that_was_taken_cannot_be_canceled(sandbox: Sandbox) -> None:
    paid = await sandbox.paid()

    refusal = await refused(sandbox, f"/v1/payments/{paid['id']}/cancel", {})

    assert refusal == (400, "payment_unexpected_state", None)
    assert await sandbox.payment(paid) == paid


async def test_a_canceled_payment_cannot_be_paid(sandbox: Sandbox) -> None:
    payment = await sandbox.create()
    await sandbox.post(f"/v1/payments/{payment['id']}/cancel")

    answer = await sandbox.pay(payment)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "payment_unexpected_state")
    assert (await sandbox.truth())["totals"]["INR"] == {"captured": 0, "refunded": 0, "held": 0}


async def test_a_payment_is_paid_once_however_many_pay_at_once(sandbox: Sandbox) -> None:
    payment = await sandbox.create()

    answers = await asyncio.gather(*(sandbox.pay(payment) for _ in range(20)))

    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    assert (await sandbox.truth())["totals"]["INR"]["captured"] == 49900


async def test_a_payment_takes_twenty_tries(sandbox: Sandbox) -> None:
    payment = await sandbox.create()
    for _ in range(20):
        await sandbox.pay(payment, "4000000000000002")

    answer = await sandbox.pay(payment)

    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "attempts_exhausted")


async def test_refunds_add_up_to_what_was_captured_and_no_further(sandbox: Sandbox) -> None:
    paid = await sandbox.paid()
    path = f"/v1/payments/{paid['id']}/refunds"

    first = await sandbox.post(path, {"amount": 20000, "reason": "size", "metadata": {"refund_id": "r-1"}})
    over = await refused(sandbox, path, {"amount": 29901})
    rest = await sandbox.post(path)
    more = await refused(sandbox, path, {"amount": 1})

    assert (first["status"], first["reason"], first["metadata"]) == (
        "succeeded",
        "size",
        {"refund_id": "r-1"},
    )
    assert (first["currency"], first["payment"]) == ("INR", paid["id"])
    assert (rest["amount"], over, more) == (29900, (400, "amount_too_large", "amount"), over)
    after = await sandbox.payment(paid)
    assert (after["amount_refunded"], after["status"]) == (49900, "succeeded")
    assert await sandbox.get(f"/v1/refunds/{first['id']}") == first


async def test_refunds_at_once_never_exceed_what_was_captured(sandbox: Sandbox) -> None:
    paid = await sandbox.paid()
    path = f"/v1/payments/{paid['id']}/refunds"

    answers = await asyncio.gather(*(sandbox.api.post(path, json={"amount": 20000}) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200, 200] + [400] * 8
    assert (await sandbox.payment(paid))["amount_refunded"] == 40000


async def test_what_was_not_captured_cannot_be_refunded(sandbox: Sandbox) -> None:
    held = await sandbox.paid(capture_method="manual")

    refusal = await refused(sandbox, f"/v1/payments/{held['id']}/refunds", {"amount": 1})

    assert refusal == (400, "payment_unexpected_state", None)


@pytest.mark.parametrize("outcome", ["won", "lost"])
async def test_a_dispute_is_decided_once_and_blocks_refunds_unless_won(
    sandbox: Sandbox, outcome: str
) -> None:
    paid = await sandbox.paid("4000000000000259")
    now = await until(lambda: sandbox.payment(paid), lambda now: bool(now["disputes"]))
    refunds = f"/v1/payments/{paid['id']}/refunds"
    close = f"/v1/payments/{paid['id']}/_disputes/{now['disputes'][0]['id']}/close"

    while_open = await refused(sandbox, refunds, {"amount": 1})
    closed = await sandbox.post(close, {"outcome": outcome})
    again = await refused(sandbox, close, {"outcome": outcome})
    refund = await sandbox.api.post(refunds, json={"amount": 1})

    assert while_open == (400, "charge_disputed", None)
    assert closed["disputes"][0]["status"] == outcome
    assert again == (400, "dispute_closed", None)
    assert refund.status_code == (200 if outcome == "won" else 400)


async def test_the_truth_adds_everything_up(sandbox: Sandbox) -> None:
    paid = await sandbox.paid(metadata={"payment_id": "p-1"})
    await sandbox.paid(capture_method="manual", currency="JPY", amount=700)
    await sandbox.post(f"/v1/payments/{paid['id']}/refunds", {"amount": 900})

    truth = await sandbox.truth()

    assert truth["totals"] == {
        "INR": {"captured": 49900, "refunded": 900, "held": 0},
        "JPY": {"captured": 0, "refunded": 0, "held": 700},
    }
    assert truth["counts"] == {
        "payments": 2, "succeeded": 1, "attempts": 2, "charges": 2, "refunds": 1, "disputes": 0, "events": 6,
    }  # fmt: skip
    assert (truth["payments"][0]["captured"], truth["payments"][0]["refunded"]) == (49900, 900)
    assert truth["payments"][0]["metadata"] == {"payment_id": "p-1"}


async def test_events_are_listed_by_page_oldest_first(sandbox: Sandbox) -> None:
    first = await sandbox.paid()
    second = await sandbox.paid()

    page = await sandbox.get("/v1/events", limit="3")
    rest = await sandbox.get("/v1/events", limit="3", after=page["data"][-1]["id"])
    late = await sandbox.get("/v1/events", since=page["data"][2]["created"])
    local = page["data"][2]["created"].replace("Z", "+00:00")
    same = await sandbox.get("/v1/events", since=local)

    assert [event["type"] for event in page["data"]] == [
        "payment.created",
        "payment.succeeded",
        "payment.created",
    ]
    assert (page["has_more"], rest["has_more"]) == (True, False)
    assert [event["type"] for event in rest["data"]] == ["payment.succeeded"]
    assert late["data"] == same["data"] == [page["data"][2], *rest["data"]]
    assert [event["data"]["object"]["id"] for event in late["data"]] == [second["id"], second["id"]]
    assert page["data"][1]["data"]["object"] == first
