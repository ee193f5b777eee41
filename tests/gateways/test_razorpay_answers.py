"""What Razorpay's adapter makes of answers that are wrong, odd, late or broken off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from app.domain.states import PaymentMethodType
from app.gateways import GatewayError, GatewayErrorKind
from app.gateways.razorpay import RazorpaySettings, build
from tests.gateways.razorpay_objects import (
    CREATE,
    PAYMENT_ID,
    failed,
    handle,
    order,
    payment,
    qr_code,
    refund,
    refund_of,
)
from tests.gateways.razorpay_shop import told
from tests.gateways.scripted_http import Answer, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.gateways.scripted_http import Behaviour

PAID = ["ATTEMPT_STARTED", "AUTHORIZED", "CAPTURED"]


def page(*items: object) -> Answer:
    return Answer({"entity": "collection", "count": len(items), "items": list(items)})


def refused(description: str, status: int = 400, code: str = "BAD_REQUEST_ERROR", **more: str) -> Answer:
    return Answer({"error": {"code": code, "description": description, "reason": "NA", **more}}, status)


async def scripted(
    script: list[Behaviour], call: Callable[[Any], Awaitable[object]]
) -> tuple[object, ScriptedServer]:
    """Call a server that answers as it is told to, and return what the adapter makes of it."""
    async with ScriptedServer(script).running() as server:
        gateway = build(
            RazorpaySettings(key_id="rzp_test_1", key_secret="s", api_base=server.url, timeout_seconds=1.0)
        )
        try:
            return await call(gateway), server
        except GatewayError as error:
            return error, server
        finally:
            await gateway.aclose()


async def test_razorpay_may_capture_while_we_do() -> None:
    held, taken = payment("authorized"), payment("captured")
    script: list[Behaviour] = [
        Answer(order(status="attempted")),
        page(held),
        refused("Your payment has been declined as the order is already paid."),
        Answer(order()),
        page(taken),
        page(),
    ]

    answer, server = await scripted(script, lambda gateway: gateway.complete(handle("order_1"), "k"))

    assert told(answer) == PAID  # type: ignore[arg-type]
    assert [f"{asked.method} {asked.target}" for asked in server.requests[2:4]] == [
        "POST /v1/payments/pay_1/capture",
        "GET /v1/orders/order_1",
    ]


async def test_a_capture_that_is_refused_for_another_reason_stays_refused() -> None:
    held = payment("authorized")
    script: list[Behaviour] = [
        Answer(order(status="attempted")),
        page(held),
        refused("Something else is wrong with pay_1 of a.shopper@upi"),
        Answer(order(status="attempted")),
        page(held),
    ]

    error, _ = await scripted(script, lambda gateway: gateway.complete(handle("order_1"), "k"))

    assert isinstance(error, GatewayError)
    assert error.kind is GatewayErrorKind.REJECTED
    assert error.message == "Something else is wrong with pay_1 of a.****@upi"


async def test_an_order_that_is_paid_without_its_payment_is_asked_for_again_later() -> None:
    error, _ = await scripted([Answer(order()), page()], lambda gateway: gateway.fetch(handle("order_1")))

    assert isinstance(error, GatewayError)
    assert (error.kind, error.code) == (GatewayErrorKind.UNKNOWN, "inconsistent_answer")


@pytest.mark.parametrize(
    "answer",
    [
        "reset",
        "cut",
        "close",
        "hang",
        "trickle",
        Answer(b"<html>"),
        Answer(b""),
        Answer([]),
        Answer(None),
        Answer({"id": "order_1"}),
        Answer(order(amount="49900")),
        Answer(b"[" * 100_000),
        Answer(b"", 302, (("Location", "http://127.0.0.1:1/"),)),
        refused("Bank trouble", code="GATEWAY_ERROR"),
        refused("Own trouble", 400, code="SERVER_ERROR"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_unknown(answer: Behaviour) -> None:
    error, _ = await scripted([answer], lambda gateway: gateway.fetch(handle("order_1")))

    assert isinstance(error, GatewayError)
    assert error.kind is GatewayErrorKind.UNKNOWN


async def test_an_amount_in_no_currency_is_unknown() -> None:
    script: list[Behaviour] = [Answer(order(status="attempted")), page(payment("authorized", currency="ZZZ"))]

    error, _ = await scripted(script, lambda gateway: gateway.fetch(handle("order_1")))

    assert isinstance(error, GatewayError)
    assert (error.kind, error.code) == (GatewayErrorKind.UNKNOWN, "unreadable_answer")


async def test_a_limit_says_when_to_come_again() -> None:
    limited = Answer({"error": {"code": "BAD_REQUEST_ERROR"}}, 429, (("Retry-After", "7"),))

    error, _ = await scripted([limited], lambda gateway: gateway.fetch(handle("order_1")))

    assert isinstance(error, GatewayError)
    assert (error.kind, error.retry_after_seconds) == (GatewayErrorKind.UNAVAILABLE, 7.0)


async def test_a_refund_goes_with_its_key_and_to_what_has_most_left() -> None:
    """Two payments for one order: both were captured, and the first is given back for the most part."""
    first = payment(amount_refunded=45000)
    second = payment(id="pay_2")
    made = {
        "id": "rfnd_9",
        "payment_id": "pay_2",
        "amount": 10000,
        "currency": "INR",
        "status": "pending",
        "created_at": 1,
    }
    script: list[Behaviour] = [Answer(order()), page(first, second), page(), page(), Answer(made)]

    answer, server = await scripted(script, lambda gateway: gateway.refund(refund_of("order_1")))

    asked = server.requests[-1]
    assert asked.target == "/v1/payments/pay_2/refund"
    assert len(asked.headers["x-refund-idempotency"]) == 64
    assert asked.headers["authorization"].startswith("Basic ")
    assert told(answer) == ["REFUND_PENDING"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (qr_code(image_content=None), {"type": "RedirectAction", "url": "https://rzp.io/i/1"}),
        (qr_code("closed", close_reason="on_demand"), None),
    ],
)
async def test_a_code_without_its_content_is_shown_by_razorpay(
    code: dict[str, Any], expected: dict[str, str] | None
) -> None:
    request = replace(CREATE, method=PaymentMethodType.UPI_QR)

    answer, _ = await scripted([page(), Answer(code)], lambda gateway: gateway.create(request))

    assert answer.next_action == expected  # type: ignore[attr-defined]


@pytest.mark.parametrize("url", [None, "javascript:alert(1)"])
async def test_a_code_that_can_not_be_shown_is_unknown(url: str | None) -> None:
    request = replace(CREATE, method=PaymentMethodType.UPI_QR)
    code = qr_code(image_content=None, image_url=url)

    error, _ = await scripted([page(), Answer(code)], lambda gateway: gateway.create(request))

    assert isinstance(error, GatewayError)
    assert error.kind is GatewayErrorKind.UNKNOWN


async def test_an_order_whose_receipt_only_resembles_ours_is_not_taken_for_ours() -> None:
    longer = order(id="order_0", receipt=f"{PAYMENT_ID}0", status="created")
    made = order(id="order_2", status="created")

    answer, _ = await scripted([page(longer), Answer(made)], lambda gateway: gateway.create(CREATE))

    assert answer.reference == "order_2"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("payment_id", "window"),
    [
        ("0190f5e6-0000-7000-8000-000000000001", "&from=1722112349&to=1722113309"),
        ("5ad51d2e-0000-4000-8000-000000000001", ""),
    ],
)
async def test_a_qr_code_is_looked_for_where_our_own_id_says_when(payment_id: str, window: str) -> None:
    """All pages of it, as far as they go; 2024-07-27 20:33:29 UTC is in the first id."""
    others = [qr_code(id=f"qr_{number}", notes=[]) for number in range(100)]
    ours = qr_code(id="qr_ours", notes={"payment_id": payment_id})
    request = replace(CREATE, method=PaymentMethodType.UPI_QR, payment_id=UUID(payment_id))

    answer, server = await scripted(
        [page(*others), page(ours), page()], lambda gateway: gateway.create(request)
    )

    assert answer.reference == "qr_ours"  # type: ignore[attr-defined]
    assert [asked.target for asked in server.requests] == [
        f"/v1/payments/qr_codes?count=100&skip=0{window}",
        f"/v1/payments/qr_codes?count=100&skip=100{window}",
        "/v1/payments/qr_codes/qr_ours/payments",
    ]


async def test_every_refund_is_read_however_many_there_are() -> None:
    refunds = [refund(id=f"rfnd_{number}") for number in range(101)]
    script: list[Behaviour] = [Answer(order()), page(payment()), page(*refunds[:100]), page(refunds[100])]

    answer, server = await scripted(script, lambda gateway: gateway.fetch(handle("order_1")))

    assert told(answer).count("REFUND_SUCCEEDED") == 101  # type: ignore[arg-type]
    assert server.requests[-1].target == "/v1/payments/pay_1/refunds?count=100&skip=100"


async def test_two_orders_of_one_payment_are_both_read() -> None:
    """An answer was lost before the order could be found, so that there is a second one."""
    first, second = order(status="attempted"), order(id="order_2", created_at=2_000_000_000)
    paid = payment(id="pay_2", order_id="order_2")
    script: list[Behaviour] = [page(second, first), page(failed()), page(paid), page()]

    answer, _ = await scripted(script, lambda gateway: gateway.fetch(handle(None)))

    assert answer.reference == "order_1"  # type: ignore[attr-defined]
    assert told(answer) == ["ATTEMPT_STARTED", "FAILED", *PAID]  # type: ignore[arg-type]
