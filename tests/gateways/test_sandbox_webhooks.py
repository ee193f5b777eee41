"""The sandbox's webhooks: believed only when signed, and in whatever order they come they say the same."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.facts import add_facts
from app.domain.payment import PaymentTerms, payment_state
from app.domain.states import CaptureMethod, PaymentStatus
from app.gateways import SignatureError
from app.gateways.sandbox import SandboxSettings, build
from tests.gateways.sandbox_requests import (
    CREATE,
    CREATE_MANUAL,
    PAYMENT_ID,
    PRICE,
    capture_of,
    handle,
    refund_of,
)
from tests.simulators.sandbox_world import WEBHOOK_SECRET, signed_header, until

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.domain.payment import PaymentState
    from app.gateways import Notification
    from app.gateways.sandbox import SandboxGateway
    from tests.simulators.sandbox_world import Merchant, Received, Sandbox

BODY: Final = b'{"id": "sbx_evt_1", "type": "payment.created"}'
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
UNIX: Final = int(NOW.timestamp())
SECRETS: Final = ("old", "new")
UNREACHED: Final = SandboxSettings(api_base="http://127.0.0.1:1", secret_key="", webhook_secrets=SECRETS)


@cache
def unreached() -> SandboxGateway:
    """Return a gateway that is never called; made once, for each makes a TLS context."""
    return build(UNREACHED)


async def refusal_of(header: str | None, body: bytes = BODY, now: datetime = NOW) -> str | None:
    """Return why a delivery is refused, or None."""
    headers = {} if header is None else {"sandbox-signature": header}
    try:
        verified = await unreached().verify(headers, body, now)
    except SignatureError as error:
        return error.reason
    assert verified.body == body
    return None


async def read(gateway: SandboxGateway, received: Received) -> Notification:
    return gateway.parse(await gateway.verify(received.headers, received.body, datetime.now(UTC)))


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("seconds", [-300, 0, 300])
async def test_a_body_signed_with_any_secret_within_five_minutes_is_taken(secret: str, seconds: int) -> None:
    assert await refusal_of(signed_header(BODY, UNIX + seconds, secret)) is None


@pytest.mark.parametrize("seconds", [-301, 301, -UNIX])
async def test_an_old_or_future_delivery_is_stale(seconds: int) -> None:
    assert await refusal_of(signed_header(BODY, UNIX + seconds, "new")) == "stale"


async def test_one_of_several_signatures_is_enough() -> None:
    other, right = signed_header(BODY, UNIX, "other"), signed_header(BODY, UNIX, "old")

    assert await refusal_of(f"{other},{right.partition(',')[2]}") is None
    assert await refusal_of(f"{other.replace('v1=', 'v0=')},{right.partition(',')[2]}") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.replace("v1=", "v0="),
        lambda header: header[:-1] + ("0" if header[-1] != "0" else "1"),
        lambda header: header[:-1],
        lambda header: f"t={UNIX + 1},{header.partition(',')[2]}",
        lambda _: signed_header(BODY, UNIX, "other"),
        lambda _: signed_header(BODY + b" ", UNIX, "new"),
        lambda _: signed_header(b"", UNIX, "new"),
    ],
)
async def test_a_forged_delivery_is_refused(change: Any) -> None:  # noqa: ANN401 - a function from header to header
    assert await refusal_of(change(signed_header(BODY, UNIX, "new"))) == "mismatch"


@pytest.mark.parametrize(
    "header",
    ["", "t=,v1=00", "t=1", "v1=00", "t=1,v1=", "t=1,v1=ZZ", "t=²,v1=00", "t=-1,v1=00", "t=1,v1=00\n", "t=1,v1=é",
     "t=1 ,v1=00", "t=1,t=2,v1=00", "t=1" + ",v1=00" * 9, "t=" + "1" * 13 + ",v1=00", "t=1,v1=00\u20ac"],
)  # fmt: skip
async def test_a_header_of_another_shape_is_malformed(header: str) -> None:
    assert await refusal_of(header) == "malformed"


async def test_a_delivery_without_a_signature_is_refused() -> None:
    assert await refusal_of(None) == "missing"


@settings(deadline=None)  # the machine is shared, and speed is not what this shows
@given(position=st.integers(0, len(BODY) * 8 - 1))
async def test_every_bit_of_the_body_counts(position: int) -> None:
    body = bytearray(BODY)
    body[position // 8] ^= 1 << position % 8

    assert await refusal_of(signed_header(BODY, UNIX, "new"), bytes(body)) == "mismatch"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"5",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"id":1,"type":"x","created":"x","data":{}}',
    ],
)
async def test_a_signed_body_of_another_shape_is_a_value_error(body: bytes) -> None:
    gateway = unreached()
    verified = await gateway.verify({"sandbox-signature": signed_header(body, UNIX, "new")}, body, NOW)

    with pytest.raises(ValueError, match=r"."):
        gateway.parse(verified)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("amount",), 1.5),
        (("amount",), True),
        (("amount",), -1),
        (("amount",), 2**53),
        (("amount",), "49900"),
        (("captured_at",), 1763800000),
        (("captured_at",), "2026-11-22T12:00:00"),
        (("attempt",), None),
    ],
)
async def test_a_wrong_value_in_a_charge_is_a_value_error_that_quotes_nothing(
    sandbox: Sandbox, path: tuple[str], value: object
) -> None:
    await sandbox.paid()
    event = (await sandbox.get("/v1/events"))["data"][-1]
    event["data"]["object"]["charges"][0][path[0]] = value
    event["data"]["object"]["charges"][0]["amount_captured"] = event["data"]["object"]["charges"][0]["amount"]
    body = orjson.dumps(event)
    gateway = unreached()
    verified = await gateway.verify({"sandbox-signature": signed_header(body, UNIX, "new")}, body, NOW)

    with pytest.raises(ValueError, match="charges") as refusal:
        gateway.parse(verified)

    assert "49900" not in str(refusal.value)


async def test_a_real_delivery_is_verified_and_names_its_payment(
    sandbox: Sandbox, sandbox_merchant: Merchant, sandbox_gateway: SandboxGateway
) -> None:
    created = await sandbox_gateway.create(CREATE)
    await sandbox.pay({"id": created.reference})
    await sandbox_merchant.expect("payment.created", "payment.succeeded")

    notes = {
        note.type: note for note in [await read(sandbox_gateway, one) for one in sandbox_merchant.received]
    }

    opened, paid = notes["payment.created"], notes["payment.succeeded"]
    assert (opened.facts, opened.next_action) == ((), created.next_action)
    assert (paid.payment_id, paid.reference) == (PAYMENT_ID, created.reference)
    assert paid.facts == (await sandbox_gateway.fetch(handle(created.reference))).facts
    assert paid.next_action is None
    events = (await sandbox.get("/v1/events"))["data"]
    assert [opened.external_id, paid.external_id] == [event["id"] for event in events]
    assert paid.occurred_at == datetime.fromisoformat(events[1]["created"])


async def test_the_object_counts_and_not_the_events_type(
    sandbox: Sandbox, sandbox_gateway: SandboxGateway
) -> None:
    paid = await sandbox.paid()
    event = (await sandbox.get("/v1/events"))["data"][-1] | {"type": "payment.failed"}
    event["data"]["object"]["metadata"]["payment_id"] = "none of ours"
    body = orjson.dumps(event)
    headers = {"sandbox-signature": signed_header(body, UNIX, WEBHOOK_SECRET)}

    note = sandbox_gateway.parse(await sandbox_gateway.verify(headers, body, NOW + timedelta(seconds=1)))

    assert (note.type, note.payment_id, note.reference) == ("payment.failed", None, paid["id"])
    assert note.facts == (await sandbox_gateway.fetch(handle(paid["id"]))).facts


def state_of(terms: PaymentTerms, notes: Iterable[Notification]) -> PaymentState:
    facts: Any = {}
    for note in notes:
        facts, _ = add_facts(facts, note.facts)
    return payment_state(terms, facts.values())


async def tell(story: str, sandbox: Sandbox, gateway: SandboxGateway, reference: str) -> None:
    """Let a story happen at the sandbox."""
    payment, path = {"id": reference}, f"/v1/payments/{reference}"
    match story:
        case "declined, 3-D Secure, paid":
            await sandbox.pay(payment, "4000000000000002")
            await sandbox.pay(payment, "4000002500003155")
            await sandbox.post(f"{path}/_authenticate", {"result": "complete"})
        case "captured in part, refund fails":
            await sandbox.pay(payment, "4000000000007726")
            await gateway.capture(capture_of(reference, 20000))
            await gateway.refund(refund_of(reference, 900))
        case "held and canceled":
            await sandbox.pay(payment)
            await gateway.cancel(handle(reference), None, "cancel-1")
        case "disputed and lost":
            await sandbox.pay(payment, "4000000000000259")
            now = await until(lambda: sandbox.get(path), lambda now: bool(now["disputes"]))
            await sandbox.post(f"{path}/_disputes/{now['disputes'][0]['id']}/close", {"outcome": "lost"})


@pytest.mark.parametrize(
    ("story", "manual", "count", "status"),
    [
        ("declined, 3-D Secure, paid", False, 5, PaymentStatus.SUCCEEDED),
        ("captured in part, refund fails", True, 6, PaymentStatus.PARTIALLY_CAPTURED),
        ("held and canceled", True, 3, PaymentStatus.CANCELED),
        ("disputed and lost", False, 4, PaymentStatus.SUCCEEDED),
    ],
)
async def test_every_order_of_a_storys_webhooks_ends_in_one_state(
    sandbox: Sandbox,
    sandbox_merchant: Merchant,
    sandbox_gateway: SandboxGateway,
    story: str,
    manual: bool,
    count: int,
    status: PaymentStatus,
) -> None:
    await sandbox.chaos(duplicate=1, reorder=True, seed=5)
    reference = (await sandbox_gateway.create(CREATE_MANUAL if manual else CREATE)).reference
    assert reference is not None
    await tell(story, sandbox, sandbox_gateway, reference)
    await until(sandbox.truth, lambda truth: truth["deliveries"] == {"delivered": count})
    terms = PaymentTerms(
        amount=PRICE, capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC
    )
    notes = {
        note.external_id: note
        for note in [await read(sandbox_gateway, one) for one in sandbox_merchant.received]
    }
    truth = payment_state(terms, (await sandbox_gateway.fetch(handle(reference))).facts)

    orders = list(itertools.permutations(notes.values()))
    states = [state_of(terms, (*order, order[0])) for order in orders]

    assert len(notes) == count
    assert (truth.status, truth.conflict) == (status, None)
    assert [state for state in states if state != truth] == []
    newest = max(notes.values(), key=lambda note: len(note.facts))
    assert state_of(terms, [newest]) == truth
