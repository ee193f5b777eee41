"""All 720 orders of six webhooks of one payment's life, read by the real adapters, leave one state of the order."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import permutations
from typing import TYPE_CHECKING, Any, Final

import pytest

from app.domain.changes import Report
from app.domain.settlement import decide
from app.domain.states import EventSource, GatewayName
from app.gateways.sandbox import SandboxSettings
from app.gateways.sandbox import build as build_sandbox
from app.gateways.stripe import build as build_stripe
from tests.domain.told import NOON, PAYMENT_ID, a_payment, a_record
from tests.gateways.six_webhooks import SANDBOX_TOTAL, STRIPE_TOTAL, sandbox_bodies, stripe_bodies
from tests.gateways.stripe_objects import SETTINGS, declined, event, intent, parsed, verified

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from app.domain.money import Money
    from app.gateways import Notification

UNREACHED: Final = SandboxSettings(api_base="http://127.0.0.1:1", secret_key="", webhook_secrets=())


def read_all(gateway: Any, bodies: list[bytes]) -> list[Notification]:  # noqa: ANN401 - a gateway of either kind
    """Translate every body."""
    return [gateway.parse(verified(body)) for body in bodies]


def end_of(told: Sequence[Notification], gateway: GatewayName, total: Money) -> tuple[Any, ...]:
    """Settle webhooks one after the other and return all that can be seen of the order afterwards."""
    payment = a_payment(gateway=gateway, currency=total.currency, amount_minor=total.minor)
    record = a_record(payment, currency=total.currency, total_minor=total.minor)
    books: Counter[str] = Counter()
    versions = [record.order.version]
    for minute, notification in enumerate(told):
        report = Report(payment_id=PAYMENT_ID, source=EventSource.WEBHOOK, facts=notification.facts)
        decision = decide(record, report, NOON + timedelta(minutes=minute))
        record = decision.record
        versions += [event.version for event in decision.events]
        for _, posting in decision.postings:
            books[posting.account] += posting.amount_minor
        assert decide(record, report, NOON).record is record
    assert versions == list(range(1, record.order.version + 1))
    order, paid = record.order, record.payments[PAYMENT_ID]
    return (
        (
            order.status,
            order.payment_status,
            order.paid_minor,
            order.refunded_minor,
            order.balance,
            order.surplus,
        ),
        (
            paid.payment.status,
            paid.payment.captured_minor,
            paid.payment.refunded_minor,
            paid.payment.last_error,
        ),
        [(refund.id, refund.status, refund.amount) for refund in paid.state.refunds],
        [(dispute.id, dispute.status, dispute.amount) for dispute in paid.state.disputes],
        [(attempt.reference, attempt.status, attempt.failed) for attempt in paid.state.attempts],
        sorted((account, minor) for account, minor in books.items() if minor),
        [item.resolution for item in record.suspense.values()],
    )


@pytest.mark.parametrize(
    ("gateway", "build", "bodies", "total"),
    [
        (GatewayName.STRIPE, lambda: build_stripe(SETTINGS), stripe_bodies, STRIPE_TOTAL),
        (GatewayName.SANDBOX, lambda: build_sandbox(UNREACHED), sandbox_bodies, SANDBOX_TOTAL),
    ],
)
def test_all_720_orders_of_six_webhooks_end_in_one_state(
    gateway: GatewayName, build: Callable[[], Any], bodies: Callable[[UUID], list[bytes]], total: Money
) -> None:
    told = read_all(build(), bodies(PAYMENT_ID))

    ends = Counter(repr(end_of(order, gateway, total)) for order in permutations(told))

    assert len(told) == 6
    assert all(notification.facts for notification in told)
    assert list(ends.values()) == [720], "\n".join(ends)


def test_what_two_payments_with_one_card_tell_are_different_facts() -> None:
    """A card that was declined for one payment may be tried for the next: under one key the second would be foreign."""
    told = [
        parsed(event("payment_intent.payment_failed", intent("requires_payment_method", id=each, **failed)))
        for each in ("pi_1", "pi_2")
        for failed in [{"last_payment_error": declined("pm_1"), "latest_charge": None}]
    ]

    first, second = ({fact.key for fact in notification.facts} for notification in told)

    assert first
    assert first & second == set()
