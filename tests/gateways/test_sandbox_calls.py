"""The sandbox's adapter: each call does its work once and tells it in facts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from app.domain.facts import Fact, FactKind, Failure
from app.domain.money import Money
from app.domain.states import GatewayName, PaymentMethodType
from app.gateways import GatewayError, GatewayErrorKind, Verified, load_gateways
from app.gateways.sandbox import SandboxSettings
from tests.gateways.sandbox_requests import (
    CREATE,
    CREATE_MANUAL,
    ORDER_ID,
    PAYMENT_ID,
    PRICE,
    REFUND_ID,
    capture_of,
    handle,
    refund_of,
)
from tests.simulators.sandbox_world import until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.gateways import Gateway, GatewayAnswer
    from app.gateways.sandbox import SandboxGateway
    from tests.simulators.sandbox_world import Sandbox


def told(facts: Iterable[Fact]) -> list[tuple[str, str, Money | None]]:
    """Return the facts' kinds, the type of their objects and their amounts."""
    return [(fact.kind.value, fact.object_id[:8], fact.amount) for fact in facts]


async def opened(gateway: SandboxGateway, sandbox: Sandbox, card: str, *, manual: bool = False) -> str:
    """Open a payment, try a card and return the reference."""
    answer = await gateway.create(CREATE_MANUAL if manual else CREATE)
    assert answer.reference is not None
    await sandbox.pay({"id": answer.reference}, card)
    return answer.reference


async def test_it_is_a_gateway_that_the_registry_builds() -> None:
    settings = SandboxSettings(api_base="http://127.0.0.1:1", secret_key="sk", webhook_secrets=("wh",))

    registry = load_gateways({"sandbox": settings})

    gateway: Gateway = registry.get(GatewayName.SANDBOX)
    assert registry.find("sandbox") is gateway
    assert (gateway.methods, gateway.currencies) == ((PaymentMethodType.CARD,), ())
    assert gateway.public_config() == {"testMode": True}
    assert repr(settings) == "SandboxSettings(api_base='http://127.0.0.1:1', timeout_seconds=10.0)"
    await registry.aclose()


async def test_creating_opens_a_payment_and_sends_the_shopper_to_its_page(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    answer = await sandbox_gateway.create(CREATE)

    assert answer.reference is not None
    assert answer.facts == ()
    url = f"{sandbox.url}/checkout/{answer.reference}"
    assert answer.next_action == {"type": "RedirectAction", "url": url}
    payment = await sandbox.get(f"/v1/payments/{answer.reference}")
    assert (payment["amount"], payment["currency"], payment["capture_method"]) == (49900, "INR", "automatic")
    assert payment["return_url"] == CREATE.return_url
    assert payment["metadata"] == {
        "payment_id": str(PAYMENT_ID),
        "order_id": str(ORDER_ID),
        "order_number": "K7-4F2Q",
    }


async def test_creating_again_with_the_same_key_returns_the_same_payment(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    first = await sandbox_gateway.create(CREATE)

    again = await sandbox_gateway.create(CREATE)

    assert again == first
    assert (await sandbox.truth())["counts"]["payments"] == 1


async def test_a_paid_payment_tells_its_try_and_its_capture(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    reference = await opened(sandbox_gateway, sandbox, "4242424242424242")
    paid = await sandbox.get(f"/v1/payments/{reference}")
    (attempt,), (charge,) = paid["attempts"], paid["charges"]

    answer = await sandbox_gateway.fetch(handle(reference))

    assert answer.facts == (
        Fact(
            gateway=GatewayName.SANDBOX,
            object_id=attempt["id"],
            kind=FactKind.ATTEMPT_STARTED,
            method=PaymentMethodType.CARD,
            reported_at=datetime.fromisoformat(attempt["created"]),
        ),
        Fact(
            gateway=GatewayName.SANDBOX,
            object_id=charge["id"],
            kind=FactKind.CAPTURED,
            amount=PRICE,
            attempt_id=attempt["id"],
            method=PaymentMethodType.CARD,
            reported_at=datetime.fromisoformat(charge["captured_at"]),
        ),
    )
    assert (answer.reference, answer.next_action) == (reference, None)


async def test_a_declined_try_tells_why(sandbox_gateway: SandboxGateway, sandbox: Sandbox) -> None:
    reference = await opened(sandbox_gateway, sandbox, "4000000000009995")

    answer = await sandbox_gateway.fetch(handle(reference))

    assert told(answer.facts) == [("ATTEMPT_STARTED", "sbx_att_", None), ("FAILED", "sbx_att_", None)]
    assert answer.facts[1].failure == Failure(
        code="card_declined",
        decline_code="insufficient_funds",
        message="There is not enough money on the card. Use another one.",
        retryable=True,
    )
    assert answer.next_action is not None


async def test_3d_secure_tells_each_step(sandbox_gateway: SandboxGateway, sandbox: Sandbox) -> None:
    reference = await opened(sandbox_gateway, sandbox, "4000002500003155")
    waiting = await sandbox_gateway.fetch(handle(reference))
    await sandbox.post(f"/v1/payments/{reference}/_authenticate", {"result": "complete"})

    done = await sandbox_gateway.fetch(handle(reference))

    steps = [("ATTEMPT_STARTED", "sbx_att_", None), ("ACTION_REQUIRED", "sbx_att_", None)]
    assert told(waiting.facts) == steps
    assert waiting.next_action == {"type": "RedirectAction", "url": f"{sandbox.url}/checkout/{reference}"}
    assert told(done.facts) == [*steps, ("PROCESSING", "sbx_att_", None), ("CAPTURED", "sbx_chg_", PRICE)]


async def test_a_partial_capture_tells_what_was_released(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    reference = await opened(sandbox_gateway, sandbox, "4242424242424242", manual=True)

    answers = [await sandbox_gateway.capture(capture_of(reference, 20000)) for _ in range(2)]

    assert answers[0] == answers[1]
    assert told(answers[0].facts) == [
        ("ATTEMPT_STARTED", "sbx_att_", None),
        ("AUTHORIZED", "sbx_chg_", PRICE),
        ("CAPTURED", "sbx_chg_", Money(20000, "INR")),
        ("RELEASED", "sbx_chg_", Money(29900, "INR")),
    ]
    assert (await sandbox.truth())["totals"]["INR"] == {"captured": 20000, "refunded": 0, "held": 0}


async def test_cancelling_tells_the_release_and_the_end(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    reference = await opened(sandbox_gateway, sandbox, "4242424242424242", manual=True)

    answer = await sandbox_gateway.cancel(handle(reference), "changed_mind", "cancel-1")

    assert told(answer.facts) == [
        ("ATTEMPT_STARTED", "sbx_att_", None),
        ("AUTHORIZED", "sbx_chg_", PRICE),
        ("RELEASED", "sbx_chg_", PRICE),
        ("CANCELED", "sbx_pay_", None),
    ]
    assert answer.next_action is None


async def test_cancelling_too_late_is_refused_with_what_happened_instead(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    reference = await opened(sandbox_gateway, sandbox, "4242424242424242")

    with pytest.raises(GatewayError) as refusal:
        await sandbox_gateway.cancel(handle(reference), None, "cancel-1")

    assert (refusal.value.kind, refusal.value.code) == (GatewayErrorKind.REJECTED, "payment_unexpected_state")
    assert refusal.value.answer == await sandbox_gateway.fetch(handle(reference))


async def test_a_refund_carries_our_id_and_is_made_once(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    reference = await opened(sandbox_gateway, sandbox, "4242424242424242")

    answers = [await sandbox_gateway.refund(refund_of(reference, 900)) for _ in range(2)]

    assert answers[0] == answers[1]
    assert (answers[0].reference, answers[0].next_action) == (reference, None)
    refunded = Money(900, "INR")
    assert told(answers[0].facts) == [
        ("REFUND_PENDING", "sbx_ref_", refunded),
        ("REFUND_SUCCEEDED", "sbx_ref_", refunded),
    ]
    assert {(fact.own_id, fact.detail) for fact in answers[0].facts} == {(REFUND_ID, "size")}
    fetched = await sandbox_gateway.fetch(handle(reference))
    assert fetched.facts[-2:] == answers[0].facts
    assert (await sandbox.truth())["totals"]["INR"]["refunded"] == 900


async def test_a_refund_that_fails_later_and_a_dispute_are_told(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    failing = await opened(sandbox_gateway, sandbox, "4000000000007726")
    await sandbox_gateway.refund(refund_of(failing, 900))

    async def facts() -> GatewayAnswer:
        return await sandbox_gateway.fetch(handle(failing))

    answer = await until(facts, lambda answer: answer.facts[-1].kind is FactKind.REFUND_FAILED)

    assert told(answer.facts[-2:]) == [
        ("REFUND_SUCCEEDED", "sbx_ref_", Money(900, "INR")),
        ("REFUND_FAILED", "sbx_ref_", Money(900, "INR")),
    ]


@pytest.mark.parametrize(("outcome", "kind"), [("won", "DISPUTE_WON"), ("lost", "DISPUTE_LOST")])
async def test_a_dispute_is_told_with_its_reason_and_deadline(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox, outcome: str, kind: str
) -> None:
    reference = await opened(sandbox_gateway, sandbox, "4000000000000259")
    path = f"/v1/payments/{reference}"
    now = await until(lambda: sandbox.get(path), lambda now: bool(now["disputes"]))
    await sandbox.post(f"{path}/_disputes/{now['disputes'][0]['id']}/close", {"outcome": outcome})

    answer = await sandbox_gateway.fetch(handle(reference))

    assert told(answer.facts[-2:]) == [("DISPUTE_OPENED", "sbx_dsp_", PRICE), (kind, "sbx_dsp_", PRICE)]
    respond_by = datetime.fromisoformat(now["disputes"][0]["respond_by"])
    assert {(fact.detail, fact.respond_by) for fact in answer.facts[-2:]} == {("fraudulent", respond_by)}


async def test_a_payment_whose_creation_was_never_answered_is_found_by_our_id(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    reference = await opened(sandbox_gateway, sandbox, "4242424242424242", manual=True)
    nameless = handle(None)

    fetched = await sandbox_gateway.fetch(nameless)
    captured = await sandbox_gateway.capture(capture_of(None, 49900))
    refunded = await sandbox_gateway.refund(refund_of(None, 1))

    assert (fetched.reference, captured.reference, refunded.reference) == (reference,) * 3
    assert told(fetched.facts)[-1] == ("AUTHORIZED", "sbx_chg_", PRICE)


async def test_the_money_of_every_payment_with_our_id_is_told(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    first = await opened(sandbox_gateway, sandbox, "4242424242424242")
    second = await sandbox_gateway.create(replace(CREATE, idempotency_key="create-2"))
    await sandbox.pay({"id": second.reference})

    answer = await sandbox_gateway.fetch(handle(None))

    assert [kind for kind, _, _ in told(answer.facts)].count("CAPTURED") == 2
    assert answer.reference == first


async def test_what_the_sandbox_does_not_know_is_not_found(sandbox_gateway: SandboxGateway) -> None:
    kinds = []
    for payment in (
        handle("sbx_pay_none"),
        handle(None),
        handle("../_truth"),
        handle(None, payment_id=uuid4()),
    ):
        with pytest.raises(GatewayError) as refusal:
            await sandbox_gateway.fetch(payment)
        kinds.append(refusal.value.kind)

    assert kinds == [GatewayErrorKind.NOT_FOUND] * 4


async def test_coming_back_from_the_checkout_is_looked_up_not_believed(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    reference = await opened(sandbox_gateway, sandbox, "4242424242424242")

    answer = await sandbox_gateway.confirm(handle(reference), {"payment": reference, "status": "failed"}, "c")

    assert told(answer.facts)[-1] == ("CAPTURED", "sbx_chg_", PRICE)
    with pytest.raises(GatewayError) as refusal:
        await sandbox_gateway.confirm(handle(reference), {"payment": "sbx_pay_other"}, "c")
    assert (refusal.value.kind, refusal.value.code) == (GatewayErrorKind.REJECTED, "payment_mismatch")


async def test_what_was_missed_is_listed_from_a_time_on_and_past_a_page(
    sandbox_gateway: SandboxGateway, sandbox: Sandbox
) -> None:
    await asyncio.gather(*(sandbox.create() for _ in range(120)))
    since = datetime.now(UTC)
    reference = await opened(sandbox_gateway, sandbox, "4242424242424242")

    everything = [event async for event in sandbox_gateway.missed(datetime.fromtimestamp(0, UTC))]
    late = [event async for event in sandbox_gateway.missed(since)]

    assert len({event.external_id for event in everything}) == len(everything) == 122
    assert everything[-2:] == late
    assert [(event.type, event.payment_id, event.reference) for event in late] == [
        ("payment.created", PAYMENT_ID, reference),
        ("payment.succeeded", PAYMENT_ID, reference),
    ]
    assert late[1].facts == (await sandbox_gateway.fetch(handle(reference))).facts
    assert [sandbox_gateway.parse(Verified.kept(event.body)) for event in late] == [
        replace(event, body=b"") for event in late
    ]
