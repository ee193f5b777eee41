"""What Razorpay's adapter makes of answers that are wrong, odd, late or broken off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from app.domain.states import PaymentMethodType
from app.gateways import GatewayError, GatewayErrorKind
from app.gateways.razorpay import RazorpaySettings, build
from tests.gateways.razorpay_objects import CREATE, handle, order, payment, qr_code, refund_of
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
