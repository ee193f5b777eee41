"""What every gateway must do, whichever file it is: the same suite for each module of `app/gateways`."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import TYPE_CHECKING

import orjson
import pytest

from app.domain.facts import Fact, FactKind, Facts, add_facts
from app.domain.money import Money
from app.domain.payment import PaymentTerms, payment_state
from app.domain.states import CaptureMethod, PaymentMethodType
from app.gateway_calls import is_unknown_to_gateway
from app.gateways import (
    CaptureRequest,
    Gateway,
    GatewayAnswer,
    GatewayError,
    GatewayErrorKind,
    SignatureError,
)
from app.gateways.registry import gateway_modules
from app.identity import new_id
from app.simulators import simulator_names
from app.simulators.kit import Control
from tests.gateways.counterparts import (
    counterpart,
    handle,
    kinds,
    refund_of,
    refused_or_harmless,
    taken,
    told_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from app.gateways import PaymentHandle
    from tests.gateways.counterparts import Counterpart

SIGNED = ("signature", "transmission", "auth-algo")
FLIPS = 150


@pytest.fixture(params=gateway_modules())
async def there(request: pytest.FixtureRequest) -> AsyncIterator[Counterpart]:
    async with counterpart(request.param) as opened:
        yield opened


def test_every_gateway_is_played_and_nothing_else() -> None:
    assert sorted({*simulator_names(), "sandbox"}) == gateway_modules()
    assert {"paypal", "razorpay", "sandbox", "stripe"} <= set(gateway_modules())


async def test_it_is_a_gateway_in_full(there: Counterpart) -> None:
    named = {name for name in dir(Gateway) if not name.startswith("_")} | set(Gateway.__annotations__)

    assert [name for name in sorted(named) if not hasattr(there.gateway, name)] == []
    assert there.gateway.methods
    assert there.gateway.public_config().keys().isdisjoint({"secretKey", "keySecret", "clientSecret"})


async def test_a_payment_is_opened_paid_and_known(there: Counterpart) -> None:
    payment = await there.open()
    before = await there.known(payment)
    await there.control.pay(payment.reference or "", Control.SUCCEEDS)

    facts = await there.until(payment, FactKind.CAPTURED)

    assert taken(before) == 0
    assert taken(facts) == payment.amount.minor
    assert (await there.truth(payment)).captured_minor == payment.amount.minor


async def test_every_method_opens_with_something_for_the_browser_to_do(there: Counterpart) -> None:
    for method in (None, *there.gateway.methods):
        if method in (PaymentMethodType.UPI_INTENT, PaymentMethodType.UPI_QR) and there.currency != "INR":
            continue
        answer = await there.gateway.create(there.request(method=method))

        assert answer.next_action is not None, method
        assert answer.next_action["type"] in {
            "RedirectAction",
            "ClientSdkAction",
            "UpiIntentAction",
            "QrCodeAction",
        }


async def test_a_declined_try_takes_nothing(there: Counterpart) -> None:
    payment = await there.open()
    await there.control.pay(payment.reference or "", Control.DECLINED)

    facts = await there.until(payment, FactKind.FAILED)

    assert taken(facts) == 0
    failures = [fact.failure for fact in facts.values() if fact.kind is FactKind.FAILED]
    assert all(failure and failure.code and failure.message for failure in failures)


@pytest.mark.parametrize("outcome", [Control.ASKS, Control.PENDS])
async def test_what_is_open_is_not_taken_until_the_bank_decides(there: Counterpart, outcome: Control) -> None:
    payment = await there.open()
    await there.control.pay(payment.reference or "", outcome)
    open_still = await there.known(payment)
    await there.control.resolve(payment.reference or "", Control.SUCCEEDS)

    facts = await there.until(payment, FactKind.CAPTURED)

    assert taken(open_still) == 0
    assert FactKind.FAILED not in kinds(open_still)
    assert taken(facts) == payment.amount.minor


async def test_a_hold_is_captured_or_refused_clearly(there: Counterpart) -> None:
    try:
        payment = await there.open(capture_method=CaptureMethod.MANUAL)
    except GatewayError as error:
        refusal = error
    else:
        await _capture(there, payment)
        return
    assert refusal.kind is GatewayErrorKind.REJECTED
    assert refusal.code


async def _capture(there: Counterpart, payment: PaymentHandle) -> None:
    await there.control.pay(payment.reference or "", Control.SUCCEEDS)
    held = await there.until(payment, FactKind.AUTHORIZED)
    request = CaptureRequest(payment=payment, amount=payment.amount, idempotency_key="capture-1")

    captured = await there.gateway.capture(request)
    again = await there.gateway.capture(request)

    assert taken(held) == 0
    assert taken(add_facts({}, captured.facts)[0]) == payment.amount.minor
    assert taken(add_facts({}, again.facts)[0]) == payment.amount.minor
    assert (await there.truth(payment)).captured_minor == payment.amount.minor


async def test_what_nobody_paid_is_given_up(there: Counterpart) -> None:
    payment = await there.open()

    answer = await there.gateway.cancel(payment, "No tea", "cancel-1")

    assert kinds(add_facts({}, answer.facts)[0]) & {FactKind.CANCELED, FactKind.LAPSED}


async def test_what_was_paid_is_not_given_up(there: Counterpart) -> None:
    payment = await there.paid()

    with pytest.raises(GatewayError) as refusal:
        await there.gateway.cancel(payment, "No tea", "cancel-1")

    assert refusal.value.kind is GatewayErrorKind.REJECTED
    assert (await there.truth(payment)).captured_minor == payment.amount.minor


async def test_refunds_come_to_their_end_and_carry_our_id(there: Counterpart) -> None:
    payment = await there.paid()
    first, second = refund_of(payment, 10_000), refund_of(payment, 39_900)
    for request in (first, second):
        await there.gateway.refund(request)
    asked = replace(payment, refund_ids=(first.refund_id, second.refund_id))

    async def both_through() -> bool:
        facts = await there.known(asked)
        return all(FactKind.REFUND_SUCCEEDED in told_of(facts, each.refund_id) for each in (first, second))

    for _ in range(100):
        if await both_through():
            break

    assert await both_through()
    truth = await there.truth(payment)
    assert sorted(refund.amount_minor for refund in truth.refunds) == [10_000, 39_900]


async def test_more_than_there_is_is_not_given_back(there: Counterpart) -> None:
    payment = await there.paid()

    with pytest.raises(GatewayError) as refusal:
        await there.gateway.refund(refund_of(payment, payment.amount.minor + 1))

    assert refusal.value.kind is GatewayErrorKind.REJECTED
    assert (await there.truth(payment)).refunds == ()


async def test_a_refund_without_an_answer_is_made_once(there: Counterpart) -> None:
    payment = await there.paid()
    request = refund_of(payment, 10_000)
    await there.control.set_chaos(api_fail={"refund": {"answer": "garbage_after", "times": 1}})

    with pytest.raises(GatewayError) as no_answer:
        await there.gateway.refund(request)
    await there.gateway.refund(request)

    assert no_answer.value.kind is GatewayErrorKind.UNKNOWN
    assert len((await there.truth(payment)).refunds) == 1


async def test_a_payment_without_an_answer_is_opened_once(there: Counterpart) -> None:
    request = there.request()
    operation = "create_payment" if "create_payment" in await there.control.operations() else "create"
    await there.control.set_chaos(api_fail={operation: {"answer": "garbage_after", "times": 1}})

    with pytest.raises(GatewayError) as no_answer:
        await there.gateway.create(request)
    payment = handle(request, await there.gateway.create(request))
    again = handle(request, await there.gateway.create(request))

    assert no_answer.value.kind is GatewayErrorKind.UNKNOWN
    assert again.reference == payment.reference
    own = [each for each in await there.control.truth() if each.own_id == (await there.truth(payment)).own_id]
    assert len(own) == 1


async def test_a_gateway_that_is_busy_says_so(there: Counterpart) -> None:
    operation = "create_payment" if "create_payment" in await there.control.operations() else "create"
    await there.control.set_chaos(api_fail={operation: {"answer": 429, "times": 3}})

    with pytest.raises(GatewayError) as busy:
        await there.gateway.create(there.request())

    assert busy.value.kind is GatewayErrorKind.UNAVAILABLE


async def test_nobody_knows_of_a_payment_that_never_was(there: Counterpart) -> None:
    payment = handle(there.request(), await there.gateway.create(there.request()))
    stranger = replace(payment, payment_id=there.request().payment_id, reference=f"{payment.reference}x")

    said = await answered(there.gateway.fetch(stranger))

    # One that can't tell it from what nobody began to pay has nothing to say of either.
    if isinstance(said, GatewayError):
        assert said.kind is GatewayErrorKind.NOT_FOUND
    else:
        assert (said.facts, said.awaits_us) == ((), False)


async def answered(call: Awaitable[GatewayAnswer]) -> GatewayAnswer | GatewayError:
    """Return what a call answers, or how it fails."""
    try:
        return await call
    except GatewayError as error:
        return error


async def test_what_was_never_opened_can_not_be_given_up(there: Counterpart) -> None:
    stranger = replace(handle(there.request(), GatewayAnswer(facts=())), payment_id=new_id())

    said = await answered(there.gateway.cancel(stranger, "No tea", "cancel-1"))

    # As above; such a one stays open to what may come.
    if isinstance(said, GatewayError):
        assert is_unknown_to_gateway(said)
    else:
        assert kinds(add_facts({}, said.facts)[0]) == {FactKind.LAPSED}


async def test_webhooks_are_believed_and_say_the_same_each_time(there: Counterpart) -> None:
    payment = await there.paid()
    deliveries = await there.deliveries()
    again = await there.deliveries()

    assert deliveries
    assert [said.facts for _, said in deliveries] == [said.facts for _, said in again]
    assert [said.external_id for _, said in deliveries] == [said.external_id for _, said in again]
    about = [
        said
        for _, said in deliveries
        if payment.payment_id == said.payment_id or payment.reference == said.reference
    ]
    assert about
    assert any(said.asks or said.facts for said in about)


async def test_every_bit_that_is_changed_on_the_way_is_noticed(there: Counterpart) -> None:
    await there.paid()
    dice = random.Random(1)  # noqa: S311 - which bits are turned over is no secret
    webhook, _ = (await there.deliveries())[-1]
    for _ in range(FLIPS):
        body = bytearray(webhook.body)
        body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
        assert await refused_or_harmless(there, dict(webhook.headers), bytes(body)), bytes(body)
    for name, value in webhook.headers.items():
        if any(word in name.lower() for word in SIGNED):
            for _ in range(20):
                at = dice.randrange(len(value))
                changed = value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
                assert await refused_or_harmless(there, {**webhook.headers, name: changed}, webhook.body), (
                    name
                )


async def test_another_accounts_webhooks_are_refused(there: Counterpart) -> None:
    await there.paid()
    async with counterpart(there.gateway.name.lower()) as stranger:
        for webhook in await there.control.webhooks():
            with pytest.raises(SignatureError):
                await stranger.verify(webhook.headers, webhook.body)


@pytest.mark.parametrize("nonsense", ["", "é²", "t=²,v1=x", "\x00", "=" * 5000, "🂡"])
async def test_a_nonsensical_signature_is_a_refusal(there: Counterpart, nonsense: str) -> None:
    await there.paid()
    (webhook, _), *_ = await there.deliveries()
    signed = {name for name in webhook.headers if any(word in name.lower() for word in SIGNED)}
    headers = {**webhook.headers, **dict.fromkeys(signed, nonsense)}
    if not signed:
        pytest.skip("It is signed in its body; changed bits are noticed there.")

    with pytest.raises(SignatureError):
        await there.verify(headers, webhook.body)


async def test_an_old_signature_is_refused_where_its_time_is_signed(there: Counterpart) -> None:
    await there.paid()
    (webhook, _), *_ = await there.deliveries()
    now = datetime.now(UTC)

    async def is_taken(seconds: float) -> bool:
        try:
            await there.verify(webhook.headers, webhook.body, now + timedelta(seconds=seconds))
        except SignatureError:
            return False
        return True

    taken_at = [await is_taken(seconds) for seconds in (-301, -295, 0, 295, 301)]

    assert taken_at in ([True] * 5, [False, True, True, True, False])


async def test_a_body_written_anew_is_not_what_was_signed(there: Counterpart) -> None:
    await there.paid()
    (webhook, _), *_ = await there.deliveries()
    try:
        again = orjson.dumps(orjson.loads(webhook.body), option=orjson.OPT_INDENT_2)
    except orjson.JSONDecodeError:
        pytest.skip("It is a form.")

    assert await refused_or_harmless(there, dict(webhook.headers), again)


async def test_webhooks_and_polls_in_any_order_come_to_the_same(there: Counterpart) -> None:
    payment = await there.open()
    reference = payment.reference or ""
    polled: list[tuple[Fact, ...]] = [tuple((await there.known(payment)).values())]
    await there.control.pay(reference, Control.ASKS)
    polled.append(tuple((await there.known(payment)).values()))
    await there.control.resolve(reference, Control.SUCCEEDS)
    polled.append(tuple((await there.until(payment, FactKind.CAPTURED)).values()))
    refund = refund_of(payment, 10_000)
    await there.gateway.refund(refund)
    asked = replace(payment, refund_ids=(refund.refund_id,))
    polled.append(tuple((await there.until(asked, FactKind.REFUND_SUCCEEDED)).values()))
    told = [said.facts for _, said in await there.deliveries()]
    asks = any(said.asks for _, said in await there.deliveries())
    terms = PaymentTerms(amount=payment.amount, capture_method=payment.capture_method)
    dice = random.Random(2)  # noqa: S311 - as above

    def state_of(tellings: list[tuple[Fact, ...]]) -> tuple[object, ...]:
        facts: Facts = {}
        for each in tellings:
            facts = add_facts(facts, each)[0]
        state = payment_state(terms, facts.values())
        return (state.status, state.captured, [(each.status, each.amount) for each in state.refunds])

    truth = state_of(polled)
    for _ in range(50):
        both = [*polled, *told, *told]
        dice.shuffle(both)
        assert state_of(both) == truth
        # A gateway whose webhooks only hint is asked upon each of them.
        alone = [*told, *told, *(polled[-1:] if asks else ())]
        dice.shuffle(alone)
        assert state_of(alone) == truth
    assert Money(49_900, payment.amount.currency) in truth


async def test_all_orders_of_six_tellings_come_to_one_state(there: Counterpart) -> None:
    payment = await there.open()
    reference = payment.reference or ""
    await there.control.pay(reference, Control.ASKS)
    tellings = [tuple((await there.known(payment)).values())]
    await there.control.resolve(reference, Control.SUCCEEDS)
    tellings.append(tuple((await there.until(payment, FactKind.CAPTURED)).values()))
    refund = refund_of(payment, 10_000)
    await there.gateway.refund(refund)
    asked = replace(payment, refund_ids=(refund.refund_id,))
    tellings.append(tuple((await there.until(asked, FactKind.REFUND_SUCCEEDED)).values()))
    await there.control.dispute(reference)
    await there.control.close_dispute(reference, Control.WON)
    tellings += [said.facts for _, said in await there.deliveries() if said.facts]
    six = [[fact for each in tellings[start::6] for fact in each] for start in range(6)]
    terms = PaymentTerms(amount=payment.amount, capture_method=payment.capture_method)
    states = set()
    for order in permutations(six):
        facts: Facts = {}
        for told in order:
            facts = add_facts(facts, told)[0]
        states.add(payment_state(terms, facts.values()))

    (state,) = states
    assert all(six)
    assert (state.status, state.captured, state.refunded.minor) == ("SUCCEEDED", payment.amount, 10_000)
    assert [dispute.status for dispute in state.disputes] == ["WON"]


async def test_a_dispute_is_told_and_closed(there: Counterpart) -> None:
    payment = await there.paid()
    await there.control.dispute(payment.reference or "")
    await there.control.close_dispute(payment.reference or "", Control.LOST)

    told = [fact for _, said in await there.deliveries() for fact in said.facts]
    facts = add_facts(add_facts({}, told)[0], (await there.known(payment)).values())[0]

    assert FactKind.DISPUTE_LOST in kinds(facts)
