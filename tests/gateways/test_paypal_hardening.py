"""What PayPal's adapter does where PayPal is slow, refuses, or says less than it might."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
import pytest

from app.domain.facts import FactKind
from app.domain.states import PaymentStatus
from app.gateways import GatewayAnswer, GatewayError, GatewayErrorKind, SignatureError, Verified
from app.gateways.http import HttpAnswer
from app.gateways.paypal import build
from app.gateways.paypal.fields import own_ids, refund_custom_id
from app.gateways.paypal.refusals import refusal
from app.gateways.paypal.requests import refund_body
from app.simulators.kit.chaos import Chaos, Fault, Mishap
from tests.gateways.paypal_shop import (
    MANUAL,
    PAYMENT_ID,
    REFUND_ID,
    Shop,
    capture_of,
    handle_of,
    paypal_shop,
    refund_of,
    state_of,
)
from tests.gateways.scripted_http import Answer, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from app.gateways import PaymentHandle


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with paypal_shop(timeout_seconds=1.5) as shop:
        yield shop


HANDLE: Final = handle_of(GatewayAnswer(facts=(), reference="O1"))
STEPS: Final[dict[str, tuple[str, Callable[[Shop, PaymentHandle], Awaitable[GatewayAnswer]]]]] = {
    "capture": ("capture", lambda shop, handle: shop.gateway.complete(handle, "complete-1")),
    "hold": ("authorize", lambda shop, handle: shop.gateway.complete(handle, "complete-1")),
    "capture of a hold": (
        "capture_authorization",
        lambda shop, handle: shop.gateway.capture(capture_of(handle, 4990)),
    ),
    "void": ("cancel", lambda shop, handle: shop.gateway.cancel(handle, None, "cancel-1")),
    "refund": ("refund", lambda shop, handle: shop.gateway.refund(refund_of(handle, 1500))),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("fault", [500, Mishap.HANG])
async def test_what_is_tried_again_carries_the_key_of_the_first_try(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str, fault: int | Mishap
) -> None:
    operation, call = STEPS[step]
    request = MANUAL if step in ("hold", "capture of a hold", "void") else None
    handle = await (
        (shop.approved(request) if request else shop.approved())
        if step in ("capture", "hold")
        else (shop.taken(request) if request else shop.taken())
    )
    keys = keys_of(shop, monkeypatch)
    shop.simulator.chaos = Chaos(api_fail={operation: Fault(fault, 1)})

    with pytest.raises(GatewayError) as error:
        await call(shop, handle)
    await call(shop, handle)

    assert error.value.kind is GatewayErrorKind.UNKNOWN
    first, again = keys
    assert first == again
    (truth,) = shop.simulator.truth()
    assert len(truth.refunds) == (step == "refund")
    assert (truth.captured_minor, truth.held_minor) == {
        "capture": (4990, 0),
        "hold": (0, 4990),
        "capture of a hold": (4990, 0),
        "void": (0, 0),
        "refund": (4990, 0),
    }[step]


def keys_of(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list that the keys of all writes go into."""
    keys: list[str] = []
    http = shop.gateway._calls._http
    exchange = http.exchange

    async def seen(method: str, path: str, **more: Any) -> HttpAnswer:  # noqa: ANN401 - as it is called
        if "PayPal-Request-Id" in more["headers"]:
            keys.append(more["headers"]["PayPal-Request-Id"])
        return await exchange(method, path, **more)

    monkeypatch.setattr(http, "exchange", seen)
    return keys


async def test_a_certificate_without_an_end_is_not_read_to_it(shop: Shop) -> None:
    await shop.approved()
    (event,) = shop.events("CHECKOUT.ORDER.APPROVED")
    path = "/v1/notifications/certs/CERT-1"
    chain = shop.simulator.signer.chain_pem
    reasons: list[str | None] = []
    for body in (chain + b"\n" * 1000, chain + b"\n" * 70_000):
        async with ScriptedServer([Answer(body)]).running() as server:
            gateway = build(replace(shop.settings, api_base=server.url))
            headers = {**shop.signed(event), "paypal-cert-url": f"{server.url}{path}"}
            try:
                await gateway.verify(headers, event.body, datetime.now(UTC))
                reasons.append(None)
            except SignatureError as error:
                reasons.append(error.reason)
            await gateway.aclose()

    assert reasons == [None, "bad_certificate"]


@pytest.mark.parametrize(
    ("issue", "kind"),
    [
        ("ORDER_COMPLETION_IN_PROGRESS", GatewayErrorKind.UNKNOWN),
        ("PREVIOUS_REQUEST_IN_PROGRESS", GatewayErrorKind.UNKNOWN),
        ("INSTRUMENT_DECLINED", GatewayErrorKind.DECLINED),
        ("PAYEE_BLOCKED_TRANSACTION", GatewayErrorKind.DECLINED),
        ("COMPLIANCE_VIOLATION", GatewayErrorKind.DECLINED),
        ("DECLINED_DUE_TO_RELATED_TXN", GatewayErrorKind.DECLINED),
        ("DUPLICATE_INVOICE_ID", GatewayErrorKind.REJECTED),
    ],
)
def test_what_is_still_going_on_is_not_refused_and_declines_are_told_from_mistakes(
    issue: str, kind: GatewayErrorKind
) -> None:
    body = orjson.dumps({"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": issue}]})

    error = refusal(HttpAnswer(422, {}, body))

    assert (error.kind, error.code) == (kind, issue)


async def test_a_hold_that_was_voided_in_between_is_given_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = await shop.taken(MANUAL)
    order = shop.gateway._order
    stale = await order(handle)
    (held,) = shop.simulator.book.orders[str(handle.reference)].authorizations
    shop.simulator.book.void(shop.simulator.book.orders[str(handle.reference)], held)
    answers = [stale]

    async def read(payment: PaymentHandle) -> Any:  # noqa: ANN401 - JSON
        return answers.pop() if answers else await order(payment)

    monkeypatch.setattr(shop.gateway, "_order", read)

    answer = await shop.gateway.cancel(handle, None, "cancel-1")

    assert state_of(answer, handle).status is PaymentStatus.CANCELED


def test_what_a_refund_carries_is_of_the_characters_that_paypal_documents() -> None:
    request = replace(refund_of(HANDLE, 1500), reason="wrong size,\nsent\tback")

    body = refund_body(request)

    carried = body["custom_id"]
    assert set(carried) <= set("ABCDEFabcdef0123456789-_.,")
    assert own_ids({"custom_id": carried}) == (PAYMENT_ID, REFUND_ID)
    assert body["note_to_payer"] == "wrong size, sent back"


def test_refunds_that_were_made_with_a_slash_are_still_known() -> None:
    assert own_ids({"custom_id": f"{PAYMENT_ID}/{REFUND_ID}"}) == (PAYMENT_ID, REFUND_ID)
    assert own_ids({"custom_id": str(PAYMENT_ID)}) == (PAYMENT_ID, None)
    assert own_ids({"custom_id": "gift-card_7"}) == (None, None)
    assert refund_custom_id(UUID(int=1), UUID(int=2)).count("_") == 1


@pytest.mark.parametrize("status", ["PENDING", "DECLINED"])
async def test_a_capture_that_names_no_order_is_asked_after_and_opens_no_try_of_its_own(
    shop: Shop, status: str
) -> None:
    amount = {"value": "49.90", "currency_code": "EUR"}
    capture = {"id": "C1", "status": status, "amount": amount, "custom_id": str(PAYMENT_ID)}

    note = parsed(shop, "PAYMENT.CAPTURE.PENDING", capture)
    known = parsed(
        shop,
        "PAYMENT.CAPTURE.PENDING",
        {**capture, "supplementary_data": {"related_ids": {"order_id": "O1"}}},
    )

    assert (note.facts, note.asks, note.payment_id) == ((), True, PAYMENT_ID)
    assert [fact.object_id for fact in known.facts] == ["O1"]


async def test_a_completed_capture_that_names_no_order_is_money(shop: Shop) -> None:
    amount = {"value": "49.90", "currency_code": "EUR"}

    note = parsed(shop, "PAYMENT.CAPTURE.COMPLETED", {"id": "C1", "status": "COMPLETED", "amount": amount})

    assert [(fact.kind, fact.object_id) for fact in note.facts] == [(FactKind.CAPTURED, "C1")]


def parsed(shop: Shop, kind: str, capture: dict[str, Any]) -> Any:  # noqa: ANN401 - a Notification
    event = {"id": "WH-1", "event_type": kind, "resource_type": "capture", "resource": capture}
    return shop.gateway.parse(Verified.kept(orjson.dumps(event)))
