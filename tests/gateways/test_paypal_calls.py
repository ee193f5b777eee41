"""PayPal's adapter against the simulator, over real sockets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.domain.facts import FactKind
from app.domain.states import PaymentStatus
from app.gateways import NO_REFERENCE, GatewayError, GatewayErrorKind, http
from app.gateways.paypal import PayPalSettings, build
from app.simulators.kit import Control
from app.simulators.kit.chaos import Chaos, Fault, Mishap
from tests.gateways.paypal_shop import (
    CREATE,
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
    from collections.abc import AsyncIterator, Awaitable

    from app.gateways import GatewayAnswer, PaymentHandle
    from app.gateways.paypal.fields import Json
    from tests.gateways.scripted_http import Behaviour


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with paypal_shop() as shop:
        yield shop


async def refused(call: Awaitable[GatewayAnswer]) -> GatewayError:
    with pytest.raises(GatewayError) as refusal:
        await call
    return refusal.value


async def test_an_order_is_opened_once_and_sends_the_payer_to_paypal(shop: Shop) -> None:
    first = await shop.gateway.create(CREATE)
    again = await shop.gateway.create(CREATE)

    assert first == again
    assert first.next_action == {
        "type": "RedirectAction",
        "url": f"{shop.simulator.url}/checkoutnow?token={first.reference}",
    }
    (truth,) = shop.simulator.truth()
    assert (truth.own_id, truth.amount_minor, truth.currency) == (str(PAYMENT_ID), 4990, "EUR")


async def test_what_the_payer_approved_waits_for_us_and_is_captured_once(shop: Shop) -> None:
    handle = await shop.approved()
    waiting = await shop.gateway.fetch(handle)

    taken = await shop.gateway.complete(handle, "complete-1")
    again = await shop.gateway.complete(handle, "complete-1")

    assert (waiting.awaits_us, waiting.next_action) == (True, None)
    assert (taken.awaits_us, again) == (False, taken)
    assert state_of(taken, handle).status is PaymentStatus.SUCCEEDED
    assert shop.simulator.truth()[0].captured_minor == 4990


async def test_completing_at_once_from_two_sides_takes_the_money_once(shop: Shop) -> None:
    handle = await shop.approved()

    answers = await asyncio.gather(
        *(shop.gateway.complete(handle, f"complete-{n}") for n in range(4)), return_exceptions=True
    )

    assert shop.simulator.truth()[0].captured_minor == 4990
    known = await shop.gateway.fetch(handle)
    assert answers == [known] * 4


async def test_an_unapproved_order_is_not_taken(shop: Shop) -> None:
    created = await shop.gateway.create(CREATE)

    answer = await shop.gateway.complete(handle_of(created), "complete-1")

    assert answer == created


async def test_a_decline_sends_the_payer_back_and_the_next_approval_is_not_late(shop: Shop) -> None:
    handle = await shop.approved(plan=Control.DECLINED)

    error = await refused(shop.gateway.complete(handle, "complete-1"))
    assert error.answer is not None
    shop.simulator.pay(str(handle.reference), Control.SUCCEEDS, None)
    taken = await shop.gateway.complete(handle, "complete-1")

    assert (error.kind, error.code) == (GatewayErrorKind.DECLINED, "INSTRUMENT_DECLINED")
    assert error.failure is not None
    assert error.failure.retryable
    assert error.answer.next_action is not None
    told = replace(taken, facts=(*error.answer.facts, *taken.facts))
    assert state_of(told, handle).status is PaymentStatus.SUCCEEDED
    assert not state_of(told, handle).late_authorized


async def test_what_paypal_asks_of_the_payer_is_the_next_action(shop: Shop) -> None:
    handle = await shop.approved(plan=Control.ASKS)

    answer = await shop.gateway.complete(handle, "complete-1")

    assert answer.next_action is not None
    assert state_of(answer, handle).status is PaymentStatus.REQUIRES_ACTION


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Control.SUCCEEDS, PaymentStatus.SUCCEEDED), (Control.DECLINED, PaymentStatus.FAILED)],
)
async def test_a_capture_under_review_is_processing_until_it_ends(
    shop: Shop, outcome: Control, status: PaymentStatus
) -> None:
    handle = await shop.approved(plan=Control.PENDS)

    pending = await shop.gateway.complete(handle, "complete-1")
    shop.simulator.resolve(str(handle.reference), outcome)
    ended = await shop.gateway.fetch(handle)

    assert state_of(pending, handle).status is PaymentStatus.PROCESSING
    told = replace(ended, facts=(*pending.facts, *ended.facts))
    assert state_of(told, handle).status is status


async def test_an_authorisation_is_captured_in_parts_and_the_rest_released(shop: Shop) -> None:
    handle = await shop.approved(MANUAL)

    held = await shop.gateway.complete(handle, "complete-1")
    first = await shop.gateway.capture(capture_of(handle, 1000, "capture-1", final=False))
    repeated = await shop.gateway.capture(capture_of(handle, 1000, "capture-1", final=False))
    last = await shop.gateway.capture(capture_of(handle, 2000, "capture-2"))

    assert state_of(held, handle).status is PaymentStatus.REQUIRES_CAPTURE
    assert (state_of(first, handle).captured.minor, state_of(first, handle).capturable.minor) == (1000, 3990)
    assert repeated == first
    ended = state_of(last, handle)
    assert (ended.captured.minor, ended.capturable.minor, ended.conflict) == (3000, 0, None)
    (truth,) = shop.simulator.truth()
    assert (truth.captured_minor, truth.held_minor) == (3000, 0)


@pytest.mark.parametrize(
    "kind", [GatewayErrorKind.UNAVAILABLE, GatewayErrorKind.REJECTED, GatewayErrorKind.NOT_FOUND]
)
@pytest.mark.parametrize("step", ["capture", "cancel"])
async def test_what_was_done_and_can_not_be_read_is_unknown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, kind: GatewayErrorKind, step: str
) -> None:
    handle = await shop.taken(MANUAL)
    order, reads = shop.gateway._order, 0

    async def read(payment: PaymentHandle) -> Json:
        nonlocal reads
        reads += 1
        if reads > 1:
            raise GatewayError(kind, "It went wrong.")
        return await order(payment)

    monkeypatch.setattr(shop.gateway, "_order", read)
    call = (
        shop.gateway.capture(capture_of(handle, 4990, "capture-1"))
        if step == "capture"
        else shop.gateway.cancel(handle, None, "cancel-1")
    )

    assert (await refused(call)).kind is GatewayErrorKind.UNKNOWN
    truth = shop.simulator.truth()[0]
    assert (truth.captured_minor, truth.held_minor) == ((4990, 0) if step == "capture" else (0, 0))


async def test_an_authorisation_is_voided_and_stays_so(shop: Shop) -> None:
    handle = await shop.taken(MANUAL)

    first = await shop.gateway.cancel(handle, None, "cancel-1")
    again = await shop.gateway.cancel(handle, None, "cancel-1")

    assert state_of(first, handle).status is PaymentStatus.CANCELED
    assert again == first
    assert shop.simulator.truth()[0].held_minor == 0


async def test_an_order_that_is_not_taken_is_left_to_lapse_and_one_that_is_can_not_be_given_up(
    shop: Shop,
) -> None:
    handle = await shop.approved()

    left = await shop.gateway.cancel(handle, None, "cancel-1")
    await shop.gateway.complete(handle, "complete-1")
    error = await refused(shop.gateway.cancel(handle, None, "cancel-2"))

    assert state_of(left, handle).status is PaymentStatus.CANCELED
    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, "already_captured")


async def test_a_refund_is_made_once_and_read_back_with_our_id(shop: Shop) -> None:
    handle = await shop.taken()

    await shop.gateway.refund(refund_of(handle, 1500))
    await shop.gateway.refund(refund_of(handle, 1500, "refund-2"))
    told = await shop.gateway.fetch(handle)

    (refund,) = [fact for fact in told.facts if fact.kind is FactKind.REFUND_SUCCEEDED]
    assert (refund.own_id, refund.amount and refund.amount.minor) == (REFUND_ID, 1500)
    assert [known.amount_minor for known in shop.simulator.truth()[0].refunds] == [1500]


async def test_a_refund_takes_the_capture_that_has_enough_left(shop: Shop) -> None:
    handle = await shop.taken(MANUAL)
    await shop.gateway.capture(capture_of(handle, 1000, "capture-1", final=False))
    await shop.gateway.capture(capture_of(handle, 3990, "capture-2"))

    spanning = await refused(shop.gateway.refund(refund_of(handle, 4500)))
    excessive = await refused(shop.gateway.refund(refund_of(handle, 5000)))
    answer = await shop.gateway.refund(refund_of(handle, 3000))

    assert (spanning.kind, spanning.code) == (GatewayErrorKind.REJECTED, "refund_spans_captures")
    assert (excessive.kind, excessive.code) == (GatewayErrorKind.REJECTED, "REFUND_AMOUNT_EXCEEDED")
    assert state_of(answer, handle).refunded.minor == 3000


async def test_the_redirect_must_name_this_payments_order(shop: Shop) -> None:
    handle = await shop.approved()

    answer = await shop.gateway.confirm(handle, {"token": handle.reference, "PayerID": "X"}, "confirm-1")
    error = await refused(shop.gateway.confirm(handle, {"token": "5O190127TN364715T"}, "confirm-2"))

    assert answer.awaits_us
    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, "payment_mismatch")


async def test_without_a_reference_it_can_not_be_asked_and_unknown_orders_are_not_found(shop: Shop) -> None:
    handle = handle_of(await shop.gateway.create(CREATE))

    unknown = await refused(shop.gateway.fetch(replace(handle, reference=None)))
    missing = await refused(shop.gateway.fetch(replace(handle, reference="5O190127TN364715T")))
    odd = await refused(shop.gateway.fetch(replace(handle, reference="../x")))

    assert (unknown.kind, unknown.code) == (GatewayErrorKind.UNKNOWN, NO_REFERENCE)
    assert missing.kind is GatewayErrorKind.NOT_FOUND
    assert odd.kind is GatewayErrorKind.NOT_FOUND


async def test_many_calls_share_one_token_and_an_expired_one_is_renewed_once(shop: Shop) -> None:
    handle = handle_of(await shop.gateway.create(CREATE))
    assert shop.simulator.tokens.given == 1
    shop.simulator.tokens.expire()

    await asyncio.gather(*(shop.gateway.fetch(handle) for _ in range(5)))

    assert shop.simulator.tokens.given == 2


async def test_bad_credentials_are_rejected_and_never_shown(shop: Shop) -> None:
    gateway = build(replace(shop.settings, client_secret="made-up-secret"))

    error = await refused(gateway.create(CREATE))
    await gateway.aclose()

    assert (error.kind, error.code) == (GatewayErrorKind.REJECTED, "invalid_client")
    assert "made-up-secret" not in f"{error} {shop.settings!r} {gateway._settings!r}"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (429, GatewayErrorKind.UNAVAILABLE),
        (500, GatewayErrorKind.UNKNOWN),
        (503, GatewayErrorKind.UNKNOWN),
        (Mishap.HANG_AFTER, GatewayErrorKind.UNKNOWN),
        (Mishap.GARBAGE_AFTER, GatewayErrorKind.UNKNOWN),
    ],
)
async def test_a_failed_creation_is_told_rightly_and_can_be_repeated(
    answer: int | Mishap, kind: GatewayErrorKind
) -> None:
    async with paypal_shop(timeout_seconds=1.0) as shop:
        shop.simulator.chaos = Chaos(api_fail={"create": Fault(answer, 1)})

        error = await refused(shop.gateway.create(CREATE))
        await shop.gateway.create(CREATE)

        assert error.kind is kind
        assert len(shop.simulator.truth()) == 1


async def test_without_a_token_nothing_was_asked(shop: Shop) -> None:
    shop.simulator.chaos = Chaos(api_fail={"token": Fault(500, 1)})

    error = await refused(shop.gateway.create(CREATE))

    assert (error.kind, error.code) == (GatewayErrorKind.UNAVAILABLE, "no_token")
    assert shop.simulator.truth() == []


async def test_all_who_wait_for_a_token_share_its_failure() -> None:
    async with paypal_shop(timeout_seconds=0.5) as shop:
        shop.simulator.chaos = Chaos(api_fail={"token": Fault(Mishap.HANG, None)})
        started = asyncio.get_running_loop().time()

        errors = await asyncio.gather(
            *(refused(shop.gateway.create(replace(CREATE, idempotency_key=f"k{n}"))) for n in range(8))
        )

        assert asyncio.get_running_loop().time() - started < 2.0
        assert {error.kind for error in errors} == {GatewayErrorKind.UNAVAILABLE}
        shop.simulator.chaos = Chaos()
        assert (await shop.gateway.create(CREATE)).reference


async def test_one_who_gives_up_takes_the_token_from_nobody(shop: Shop) -> None:
    shop.simulator.chaos = Chaos(api_latency_ms=200)
    hasty = asyncio.create_task(shop.gateway.create(CREATE))
    patient = asyncio.create_task(shop.gateway.create(replace(CREATE, idempotency_key="create-2")))
    await asyncio.sleep(0.05)
    hasty.cancel()

    assert (await patient).reference
    assert shop.simulator.tokens.given == 1


async def test_a_redirect_is_not_followed() -> None:
    script: list[Behaviour] = [
        Answer({"access_token": "A", "expires_in": 3600}),
        Answer("", 302, (("Location", "http://127.0.0.1:9/elsewhere"),)),
    ]
    async with ScriptedServer(script).running() as server:
        gateway = build(PayPalSettings(client_id="c", client_secret="s", api_base=server.url))
        error = await refused(gateway.create(CREATE))
        await gateway.aclose()

    assert error.kind is GatewayErrorKind.UNKNOWN
    assert len(server.requests) == 2


async def test_an_answer_without_an_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "ANSWER_BYTES_MAX", 1000)
    script: list[Behaviour] = [
        Answer({"access_token": "A", "expires_in": 3600}),
        Answer({"id": "5O190127TN364715T", "pad": "x" * 2000}, 201),
    ]
    async with ScriptedServer(script).running() as server:
        gateway = build(PayPalSettings(client_id="c", client_secret="s", api_base=server.url))
        error = await refused(gateway.create(CREATE))
        await gateway.aclose()

    assert (error.kind, error.message) == (GatewayErrorKind.UNKNOWN, "PayPal's answer is too long.")


async def test_a_repeated_call_carries_the_same_request_id() -> None:
    token, broken = Answer({"access_token": "A", "expires_in": 3600}), Answer({}, 500)
    async with ScriptedServer([token, broken]).running() as server:
        gateway = build(PayPalSettings(client_id="c", client_secret="s", api_base=server.url))
        for _ in range(2):
            await refused(gateway.create(CREATE))
        await refused(gateway.create(replace(CREATE, idempotency_key="create-2")))
        await gateway.aclose()

    first, again, other = (request.headers["paypal-request-id"] for request in server.requests[1:])
    assert first == again != other
