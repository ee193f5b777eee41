"""What may happen to a payment. Each rule takes a payment and returns the steps that follow, or refuses.

A step is an event and the payment as it was at that moment, so every webhook shows its own time.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from app.simulators.sandbox.cards import AUTHENTICATION_FAILED, Behavior
from app.simulators.sandbox.errors import ApiError, not_found
from app.simulators.sandbox.objects import Attempt, Charge, Dispute, Payment, PaymentStatus, Refund, new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.simulators.sandbox.cards import CardUse, Decline

    Clock = Callable[[], str]

ATTEMPTS_MAX: Final = 20
REFUNDS_MAX: Final = 50
_RESPOND_WITHIN: Final = timedelta(days=7)
_CANCELABLE: Final = frozenset(
    {
        PaymentStatus.REQUIRES_PAYMENT_METHOD,
        PaymentStatus.REQUIRES_ACTION,
        PaymentStatus.PROCESSING,
        PaymentStatus.AUTHORIZED,
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """An event's type and the payment as the event shows it."""

    type: str
    payment: Payment


def create(payment: Payment) -> list[Step]:
    """Open a payment."""
    return [Step("payment.created", payment)]


def pay(payment: Payment, card: CardUse, now: Clock, submission: str | None = None) -> list[Step]:
    """Try a card."""
    if payment.status is not PaymentStatus.REQUIRES_PAYMENT_METHOD:
        raise _unexpected(payment, "be paid")
    if len(payment.attempts) >= ATTEMPTS_MAX:
        raise ApiError(
            "attempts_exhausted",
            f"{ATTEMPTS_MAX} tries failed. Open a new payment.",
            status=402,
            payment=payment,
        )
    attempt = Attempt(
        id=new_id("att"),
        created=now(),
        brand=card.brand,
        last4=card.last4,
        behavior=card.behavior,
        submission=submission,
    )
    if card.decline is not None:
        return _fail(payment, attempt, card.decline, now)
    if card.authenticate:
        waiting = _with_attempt(payment, replace(attempt, action_required_at=now()))
        return [Step("payment.requires_action", waiting)]
    return _approve(payment, attempt, now)


def mischarge(payment: Payment, card: CardUse, amount: int, now: Clock) -> list[Step]:
    """Try a card, and charge it another amount than the payment's."""
    steps = pay(replace(payment, amount=amount), card, now)
    return [Step(step.type, replace(step.payment, amount=payment.amount)) for step in steps]


def authenticate(payment: Payment, now: Clock, *, completed: bool) -> list[Step]:
    """Let the shopper come back from the bank's page."""
    if payment.status is not PaymentStatus.REQUIRES_ACTION:
        raise _unexpected(payment, "be authenticated")
    attempt = payment.attempts[-1]
    if not completed:
        return _fail(payment, attempt, AUTHENTICATION_FAILED, now)
    processing = replace(attempt, processing_at=now())
    asked = Step("payment.processing", _with_attempt(payment, processing))
    return [asked, *_approve(asked.payment, processing, now)]


def capture(payment: Payment, amount: int | None, now: Clock, *, final: bool = True) -> list[Step]:
    """Capture what is held, in whole or in part; the rest is released, unless more is to be captured later."""
    if payment.status is not PaymentStatus.AUTHORIZED:
        raise _unexpected(payment, "be captured")
    taken = payment.held if amount is None else amount
    if taken > payment.held:
        raise ApiError(
            "amount_too_large", f"Only {payment.held} can be captured.", param="amount", payment=payment
        )
    charge = payment.charges[-1]
    rest = charge.held - taken if final else 0
    done = replace(
        charge,
        amount_captured=charge.amount_captured + taken,
        captured_at=charge.captured_at or now(),
        amount_released=rest,
        released_at=now() if rest else None,
    )
    captured = replace(payment, charges=(*payment.charges[:-1], done))
    return [Step("payment.partially_captured" if captured.held else "payment.succeeded", captured)]


def cancel(payment: Payment, reason: str | None, now: Clock) -> list[Step]:
    """Give a payment up and release what is held."""
    if payment.status not in _CANCELABLE:
        raise _unexpected(payment, "be canceled")
    at = now()
    charges = tuple(
        replace(charge, amount_released=charge.amount_released + charge.held, released_at=at)
        for charge in payment.charges
    )
    return [
        Step(
            "payment.canceled",
            replace(payment, canceled_at=at, cancellation_reason=reason, charges=charges),
        )
    ]


def refund(
    payment: Payment, amount: int | None, reason: str | None, metadata: Mapping[str, str], now: Clock
) -> list[Step]:
    """Give captured money back, in whole or in part."""
    given = payment.refundable if amount is None else amount
    if not payment.captured:
        raise _unexpected(payment, "be refunded")
    if any(dispute.status != "won" for dispute in payment.disputes):
        raise ApiError("charge_disputed", "A disputed charge cannot be refunded.", payment=payment)
    if not 0 < given <= payment.refundable:
        raise ApiError(
            "amount_too_large", f"Only {payment.refundable} can be refunded.", param="amount", payment=payment
        )
    if len(payment.refunds) >= REFUNDS_MAX:
        raise ApiError("refunds_exhausted", f"A payment has at most {REFUNDS_MAX} refunds.", payment=payment)
    asked = Refund(
        id=new_id("ref"),
        payment=payment.id,
        charge=payment.charges[-1].id,
        amount=given,
        currency=payment.currency,
        reason=reason,
        metadata=dict(metadata),
        created=now(),
    )
    return [
        Step("refund.created", replace(payment, refunds=(*payment.refunds, asked))),
        Step(
            "refund.succeeded",
            replace(payment, refunds=(*payment.refunds, replace(asked, succeeded_at=now()))),
        ),
    ]


def dispute(payment: Payment, now: Clock) -> list[Step]:
    """Dispute what was captured."""
    if not payment.captured:
        raise _unexpected(payment, "be disputed")
    at = now()
    opened = Dispute(
        id=new_id("dsp"),
        charge=payment.charges[-1].id,
        amount=payment.captured,
        reason="fraudulent",
        respond_by=rfc3339(datetime.fromisoformat(at) + _RESPOND_WITHIN),
        created=at,
    )
    return [Step("dispute.opened", replace(payment, disputes=(*payment.disputes, opened)))]


def close_dispute(payment: Payment, dispute_id: str, now: Clock, *, won: bool) -> list[Step]:
    """Decide a dispute."""
    known = next((it for it in payment.disputes if it.id == dispute_id), None)
    if known is None:
        raise not_found("dispute", dispute_id)
    if known.status != "open":
        raise ApiError("dispute_closed", f"The dispute was {known.status} already.", payment=payment)
    closed = replace(known, won_at=now()) if won else replace(known, lost_at=now())
    disputes = tuple(closed if it is known else it for it in payment.disputes)
    return [Step("dispute.won" if won else "dispute.lost", replace(payment, disputes=disputes))]


def afterwards(payment: Payment, now: Clock) -> list[Step]:
    """Return what the banks of the special cards do by themselves; nothing once it was done."""
    behaviors = {attempt.behavior for attempt in payment.attempts if attempt.status == "succeeded"}
    if Behavior.DISPUTED in behaviors and payment.captured and not payment.disputes:
        return dispute(payment, now)
    refunded = any(refund.status == "succeeded" for refund in payment.refunds)
    return fail_refund(payment, now) if Behavior.REFUND_FAILS in behaviors and refunded else []


def fail_refund(payment: Payment, now: Clock) -> list[Step]:
    """Have the oldest refund that had gone through fail: the bank sends the money back."""
    refunds = payment.refunds
    index = next((n for n, refund in enumerate(refunds) if refund.status == "succeeded"), None)
    if index is None:
        raise _unexpected(payment, "have a refund fail")
    failed = replace(refunds[index], failed_at=now(), failure_reason="expired_or_canceled_card")
    changed = (*refunds[:index], failed, *refunds[index + 1 :])
    return [Step("refund.failed", replace(payment, refunds=changed))]


def _approve(payment: Payment, attempt: Attempt, now: Clock) -> list[Step]:
    at = now()
    paid = _with_attempt(payment, replace(attempt, succeeded_at=at))
    charge = Charge(id=new_id("chg"), attempt=attempt.id, amount=payment.amount, created=at)
    if payment.capture_method == "manual":
        held = replace(charge, authorized_at=at)
        return [Step("payment.authorized", replace(paid, charges=(*payment.charges, held)))]
    taken = replace(charge, amount_captured=payment.amount, captured_at=at)
    return [Step("payment.succeeded", replace(paid, charges=(*payment.charges, taken)))]


def _fail(payment: Payment, attempt: Attempt, decline: Decline, now: Clock) -> list[Step]:
    failed = replace(attempt, failed_at=now(), failure=asdict(decline))
    return [Step("payment.failed", _with_attempt(payment, failed))]


def rfc3339(moment: datetime) -> str:
    """Return an instant in UTC as this gateway writes it."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _with_attempt(payment: Payment, attempt: Attempt) -> Payment:
    others = tuple(known for known in payment.attempts if known.id != attempt.id)
    return replace(payment, attempts=(*others, attempt))


def _unexpected(payment: Payment, what: str) -> ApiError:
    return ApiError(
        "payment_unexpected_state",
        f"A payment that is {payment.status} cannot {what}.",
        payment=payment,
    )
