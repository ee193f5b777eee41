"""PayPal's webhooks: signed by the simulator, checked with its certificate, and translated."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from app.domain.facts import FactKind
from app.domain.money import Money
from app.domain.payment import PaymentTerms, payment_state
from app.domain.states import CaptureMethod, DisputeStatus, PaymentStatus
from app.gateways import GatewayError, GatewayErrorKind, Notification, SignatureError, Verified
from app.gateways.paypal import WebhookCheck, build
from app.gateways.paypal.disputes import dispute_facts
from app.gateways.paypal.facts import order_facts
from app.simulators.kit import Control, Event
from app.simulators.paypal.signer import Signer
from tests.gateways.paypal_shop import (
    MANUAL,
    PAYMENT_ID,
    REFUND_ID,
    Shop,
    capture_of,
    paypal_shop,
    refund_of,
    state_of,
)
from tests.gateways.scripted_http import Answer, ScriptedServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CERTS = "/v1/notifications/certs"


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with paypal_shop() as shop:
        yield shop


async def approval(shop: Shop) -> Event:
    await shop.approved()
    return shop.events("CHECKOUT.ORDER.APPROVED")[0]


async def read(shop: Shop, kind: str) -> Notification:
    event = shop.events(kind)[-1]
    return shop.gateway.parse(await shop.gateway.verify(shop.signed(event), event.body, datetime.now(UTC)))


async def reason(shop: Shop, headers: dict[str, str], body: bytes, now: datetime | None = None) -> str:
    with pytest.raises(SignatureError) as refusal:
        await shop.gateway.verify(headers, body, now or datetime.now(UTC))
    return refusal.value.reason


async def test_a_delivery_is_verified_with_its_certificate(shop: Shop) -> None:
    event = await approval(shop)

    verified = await shop.gateway.verify(shop.signed(event), event.body, datetime.now(UTC))

    assert verified.body == event.body
    assert await reason(shop, shop.signed(event), event.body + b" ") == "mismatch"


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("http://127.0.0.1", "https://127.0.0.1"),
        lambda url: url.replace("/v1/notifications/certs/", "/v1/other/"),
        lambda url: url + "?x=1",
        lambda url: url + "#x",
        lambda url: url.replace("certs/", "certs/../certs/"),
        lambda url: url.replace("127.0.0.1", "a@127.0.0.1"),
        lambda _: "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        lambda _: "https://api.paypal.com:444/v1/notifications/certs/CERT-1",
        lambda _: "http://api.paypal.com/v1/notifications/certs/CERT-1",
        lambda _: "https://api.paypal.com\t/v1/notifications/certs/CERT-1",
        lambda _: "https://[/v1/notifications/certs/CERT-1",
    ],
)
async def test_a_certificate_from_anywhere_else_is_not_fetched(shop: Shop, change: Any) -> None:  # noqa: ANN401
    event = await approval(shop)
    headers = shop.signed(event)
    headers["paypal-cert-url"] = change(headers["paypal-cert-url"])

    assert await reason(shop, headers, event.body) == "untrusted_address"


async def test_a_certificate_of_another_authority_is_not_trusted(shop: Shop) -> None:
    event = await approval(shop)
    url = shop.signed(event)["paypal-cert-url"]
    shop.simulator.signer = Signer(shop.simulator.webhook_id, url)

    assert await reason(shop, shop.signed(event), event.body) == "untrusted_certificate"


async def test_the_systems_roots_do_not_trust_a_simulator() -> None:
    async with paypal_shop(trust_roots_pem=None) as shop:
        event = await approval(shop)

        assert await reason(shop, shop.signed(event), event.body) == "untrusted_certificate"


async def test_a_certificate_of_another_name_is_not_trusted() -> None:
    other = Signer("WH-1", "http://127.0.0.1:9/", "messageverificationcerts.paypal.com.evil.example")
    async with paypal_shop(trust_roots_pem=other.root_pem) as shop:
        event = await approval(shop)
        headers = shop.signed(event)
        shop.simulator.signer = other

        assert await reason(shop, headers, event.body) == "untrusted_certificate"


@pytest.mark.parametrize("days", [-2, 400])
async def test_a_certificate_is_good_for_its_time_alone_also_when_it_is_kept(shop: Shop, days: int) -> None:
    event = await approval(shop)
    await shop.gateway.verify(shop.signed(event), event.body, datetime.now(UTC))

    then = datetime.now(UTC) + timedelta(days=days)

    assert await reason(shop, shop.signed(event), event.body, then) == "untrusted_certificate"


async def test_a_certificate_that_is_none_is_not_asked_for_again_at_once(shop: Shop) -> None:
    event = await approval(shop)
    headers, good = shop.signed(event), shop.simulator.signer.chain_pem
    shop.simulator.signer.chain_pem = b"x" * 100_000

    assert await reason(shop, headers, event.body) == "bad_certificate"
    shop.simulator.signer.chain_pem = good
    assert await reason(shop, headers, event.body) == "bad_certificate"


async def test_an_unreachable_certificate_is_no_forgery() -> None:
    async with paypal_shop() as shop:
        event = await approval(shop)
        headers = shop.signed(event)
        gateway = build(replace(shop.settings, api_base="http://127.0.0.1:9"))
        headers["paypal-cert-url"] = "http://127.0.0.1:9/v1/notifications/certs/CERT-1"

        with pytest.raises(GatewayError) as refusal:
            await gateway.verify(headers, event.body, datetime.now(UTC))
        await gateway.aclose()

    assert refusal.value.kind is GatewayErrorKind.UNAVAILABLE


async def test_without_a_webhook_id_nothing_is_believed() -> None:
    async with paypal_shop(webhook_id="") as shop:
        event = await approval(shop)

        assert await reason(shop, shop.signed(event), event.body) == "no_webhook_id"


async def test_paypal_itself_can_be_asked() -> None:
    async with paypal_shop(webhook_check=WebhookCheck.POSTBACK, trust_roots_pem=None) as shop:
        event = await approval(shop)
        spaced = event.body.replace(b'":', b'" :', 1)

        verified = await shop.gateway.verify(shop.signed(event), event.body, datetime.now(UTC))

        assert verified.body == event.body
        assert await reason(shop, shop.signed(event), spaced) == "mismatch"
        assert await reason(shop, shop.signed(event), b'{}, "webhook_id": "x"') == "not_json"


async def test_paypal_is_asked_of_its_own_certificates_alone() -> None:
    async with paypal_shop(webhook_check=WebhookCheck.POSTBACK, trust_roots_pem=None) as shop:
        event = await approval(shop)
        given = shop.simulator.tokens.given
        elsewhere = {**shop.signed(event), "paypal-cert-url": "https://evil.example/certs/1"}

        assert await reason(shop, elsewhere, event.body) == "untrusted_address"
        assert shop.simulator.tokens.given == given


async def test_few_certificates_are_kept(shop: Shop) -> None:
    event = await approval(shop)
    certificates = shop.gateway._verification._certificates
    for number in range(40):
        headers = {**shop.signed(event), "paypal-cert-url": f"{shop.simulator.url}{CERTS}/CERT-{number}"}
        await shop.gateway.verify(headers, event.body, datetime.now(UTC))

    assert len(certificates._kept) == 16


async def test_a_certificate_that_lies_elsewhere_is_none(shop: Shop) -> None:
    event = await approval(shop)
    redirects = Answer("", 302, (("Location", f"{shop.simulator.url}{CERTS}/CERT-1"),))
    async with ScriptedServer([redirects]).running() as server:
        gateway = build(replace(shop.settings, api_base=server.url))
        headers = {**shop.signed(event), "paypal-cert-url": f"{server.url}{CERTS}/CERT-1"}
        with pytest.raises(SignatureError) as refusal:
            await gateway.verify(headers, event.body, datetime.now(UTC))
        await gateway.aclose()

    assert refusal.value.reason == "bad_certificate"
    assert len(server.requests) == 1


async def test_an_event_that_makes_no_sense_does_not_end_the_list(shop: Shop) -> None:
    start = datetime.now(UTC) - timedelta(days=1)
    await shop.taken()
    good = len(shop.simulator.told)
    shop.simulator.told.insert(0, {**shop.simulator.told[0], "id": "WH-ODD", "resource": []})
    shop.simulator.told.insert(1, {**shop.simulator.told[0], "id": None})

    missed = [note async for note in shop.gateway.missed(start)]

    assert len(missed) == good


async def test_an_approval_asks_us_to_look(shop: Shop) -> None:
    handle = await shop.approved()

    note = await read(shop, "CHECKOUT.ORDER.APPROVED")

    assert (note.payment_id, note.reference, note.asks) == (PAYMENT_ID, handle.reference, True)


@pytest.mark.parametrize("version", ["1.0", "2.0"])
async def test_a_capture_and_its_refund_are_told_in_both_versions_as_the_order_tells_them(
    shop: Shop, version: str
) -> None:
    shop.simulator.resource_version = version
    handle = await shop.taken()
    await shop.gateway.refund(refund_of(handle, 1500))
    captured, refunded = (
        await read(shop, "PAYMENT.CAPTURE.COMPLETED"),
        await read(shop, "PAYMENT.CAPTURE.REFUNDED"),
    )

    told = (await shop.gateway.fetch(handle)).facts

    assert {*captured.facts, *refunded.facts} == set(told)
    assert (captured.payment_id, captured.reference) == (PAYMENT_ID, handle.reference)
    assert (refunded.payment_id, refunded.facts[0].own_id) == (PAYMENT_ID, REFUND_ID)
    assert refunded.related_object_ids == (captured.facts[0].object_id,)


async def test_what_a_last_capture_or_a_void_releases_is_asked_for(shop: Shop) -> None:
    handle = await shop.taken(MANUAL)
    held = await read(shop, "PAYMENT.AUTHORIZATION.CREATED")
    await shop.gateway.capture(capture_of(handle, 1000, final=False))
    first = await read(shop, "PAYMENT.CAPTURE.COMPLETED")
    await shop.gateway.cancel(handle, None, "cancel-1")
    voided = await read(shop, "PAYMENT.AUTHORIZATION.VOIDED")

    assert [note.asks for note in (held, first, voided)] == [False, False, True]
    facts = (*held.facts, *first.facts, *voided.facts, *(await shop.gateway.fetch(handle)).facts)
    state = state_of(replace(await shop.gateway.fetch(handle), facts=tuple(set(facts))), handle)
    assert (state.status, state.captured.minor) == (PaymentStatus.PARTIALLY_CAPTURED, 1000)
    assert state.capturable.minor == 0


async def test_a_dispute_names_the_capture(shop: Shop) -> None:
    handle = await shop.taken()
    (captured,) = (await shop.gateway.fetch(handle)).facts
    shop.simulator.dispute(str(handle.reference))
    shop.simulator.close_dispute(str(handle.reference), Control.WON)

    opened, won = await read(shop, "CUSTOMER.DISPUTE.CREATED"), await read(shop, "CUSTOMER.DISPUTE.RESOLVED")

    assert (opened.payment_id, opened.related_object_ids) == (None, (captured.object_id,))
    assert [fact.kind for fact in opened.facts] == [FactKind.DISPUTE_OPENED]
    assert [fact.kind for fact in won.facts] == [FactKind.DISPUTE_OPENED, FactKind.DISPUTE_WON]
    assert {fact.attempt_id for fact in (*opened.facts, *won.facts)} == {captured.object_id}


DISPUTE = {
    "dispute_id": "PP-R-ABC-1",
    "create_time": "2026-11-20T10:00:00Z",
    "disputed_transactions": [{"seller_transaction_id": "C1"}],
    "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
    "status": "RESOLVED",
    "dispute_amount": {"currency_code": "USD", "value": "12.00"},
    "dispute_outcome": {"outcome_code": "RESOLVED_BUYER_FAVOUR"},
}


def test_a_lost_dispute_and_the_refund_that_pays_it_are_counted_once(
    order_with_refund: dict[str, Any],
) -> None:
    facts = {fact.key: fact for fact in (*order_facts(order_with_refund), *dispute_facts(DISPUTE))}

    state = payment_state(
        PaymentTerms(amount=Money(2000, "USD"), capture_method=CaptureMethod.AUTOMATIC), facts.values()
    )

    assert [dispute.status for dispute in state.disputes] == [DisputeStatus.LOST]
    assert (state.captured.minor, state.refunded.minor, state.disputed.minor) == (2000, 700, 500)
    assert state.refundable.minor == 800


@pytest.fixture
def order_with_refund() -> dict[str, Any]:
    """Return an order of 20 dollars, 7 of which PayPal gave back by itself."""
    amount = {"currency_code": "USD", "value": "20.00"}
    refund = {
        "id": "R1",
        "status": "COMPLETED",
        "amount": {"currency_code": "USD", "value": "7.00"},
        "create_time": "2026-11-24T10:00:00Z",
    }
    capture = {"id": "C1", "status": "PARTIALLY_REFUNDED", "amount": amount}
    payments = {"captures": [capture], "refunds": [refund]}
    return {"id": "O1", "status": "COMPLETED", "purchase_units": [{"payments": payments}]}


@pytest.mark.parametrize(
    ("changes", "attempt_id", "minor"),
    [
        ({}, "C1", 1200),
        ({"dispute_outcome": {"outcome_code": "RESOLVED_BUYER_FAVOUR",
                              "amount_refunded": {"currency_code": "USD", "value": "7.00"}}}, "C1", 700),
        ({"disputed_transactions": [{"seller_transaction_id": "C1"}, {"seller_transaction_id": "C2"}]}, None, 1200),
        ({"disputed_transactions": [{"seller_transaction_id": "C1"}, {"seller_transaction_id": "C1"}]}, "C1", 1200),
        ({"disputed_transactions": []}, None, 1200),
    ],
)  # fmt: skip
def test_a_lost_dispute_tells_for_how_much_and_of_which_capture(
    changes: dict[str, Any], attempt_id: str | None, minor: int
) -> None:
    opened, lost = dispute_facts({**DISPUTE, **changes})

    assert (opened.kind, lost.kind) == (FactKind.DISPUTE_OPENED, FactKind.DISPUTE_LOST)
    assert (opened.attempt_id, lost.attempt_id) == (attempt_id, attempt_id)
    assert (opened.amount, lost.amount) == (Money(1200, "USD"), Money(minor, "USD"))
    assert (opened.reported_at, lost.reported_at) == (datetime(2026, 11, 20, 10, tzinfo=UTC), None)


async def test_a_failed_refund_is_told(shop: Shop) -> None:
    handle = await shop.taken()
    await shop.gateway.refund(refund_of(handle, 1500))
    shop.simulator.fail_refund(str(handle.reference))

    note = await read(shop, "PAYMENT.REFUND.FAILED")

    assert [fact.kind for fact in note.facts] == [FactKind.REFUND_FAILED]


async def test_what_was_missed_comes_oldest_first_as_webhooks_bring_it(shop: Shop) -> None:
    start = datetime.now(UTC) - timedelta(days=3)
    handle = await shop.taken()
    for n in range(120):
        shop.simulator.told.append({**shop.simulator.told[-1], "id": f"WH-{n}"})

    missed = [note async for note in shop.gateway.missed(start)]

    assert handle.reference == missed[0].reference
    assert missed[0].type == "CHECKOUT.ORDER.APPROVED"
    assert len({note.external_id for note in missed}) == len(missed) == len(shop.simulator.told) == 122
    assert shop.gateway.parse(Verified.kept(missed[1].body)) == replace(missed[1], body=b"")


def note_of(shop: Shop, **event: Any) -> Notification:  # noqa: ANN401 - JSON
    body = {"id": "WH-1", "create_time": "2026-11-26T08:00:00-07:00", **event}
    return shop.gateway.parse(Verified.kept(orjson.dumps(body)))


async def test_the_object_decides_and_unknown_words_change_nothing(shop: Shop) -> None:
    capture = {
        "id": "C1",
        "status": "DECLINED",
        "amount": {"value": "1.00", "currency_code": "EUR"},
        "supplementary_data": {"related_ids": {"order_id": "O1"}},
    }
    told = note_of(shop, event_type="PAYMENT.CAPTURE.COMPLETED", resource_type="capture", resource=capture)
    odd = note_of(
        shop, event_type="PAYMENT.CAPTURE.NEW", resource_type="capture", resource={**capture, "status": "NEW"}
    )
    other = note_of(shop, event_type="BILLING.PLAN.CREATED", resource_type="plan", resource=5)

    assert [fact.kind for fact in told.facts] == [FactKind.FAILED]
    assert told.occurred_at == datetime(2026, 11, 26, 15, tzinfo=UTC)
    assert (odd.facts, other.facts) == ((), ())


async def test_a_reversal_is_asked_after_and_a_reversed_approval_ends_the_order(shop: Shop) -> None:
    refund = {
        "id": "R1",
        "status": "COMPLETED",
        "amount": {"value": "1.00", "currency_code": "EUR"},
        "links": [{"rel": "up", "href": "https://api.paypal.com/v2/payments/captures/C1"}],
    }
    reversal = note_of(shop, event_type="PAYMENT.CAPTURE.REVERSED", resource_type="refund", resource=refund)
    ended = note_of(
        shop,
        event_type="CHECKOUT.PAYMENT-APPROVAL.REVERSED",
        resource_type="payment_approval",
        resource={"order_id": "O1"},
    )

    assert (reversal.facts, reversal.related_object_ids, reversal.asks) == ((), ("C1",), True)
    assert ([fact.kind for fact in ended.facts], ended.reference) == ([FactKind.CANCELED], "O1")


@pytest.mark.parametrize(
    "resource",
    [
        None,
        5,
        [],
        {"id": 5},
        {"id": "C1", "status": "COMPLETED"},
        {"id": "C1", "status": "COMPLETED", "amount": "1.00"},
        {"id": "C1", "status": "COMPLETED", "amount": {"value": 1.0, "currency_code": "EUR"}},
        {"id": "C1", "status": {}, "amount": {"value": "1.00", "currency_code": "EUR"}},
        {
            "id": "C1",
            "status": "DECLINED",
            "create_time": "2026-11-26T08:00:00",
            "supplementary_data": {"related_ids": {"order_id": "O1"}},
        },
        {"id": "C1", "status": "DECLINED", "links": [5]},
        {"id": "C1", "status": "DECLINED", "supplementary_data": []},
    ],
)
async def test_another_shape_is_a_value_error(shop: Shop, resource: object) -> None:
    with pytest.raises(ValueError, match="PayPal"):
        note_of(shop, event_type="PAYMENT.CAPTURE.X", resource_type="capture", resource=resource)
