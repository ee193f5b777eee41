"""Money that goes back: refunds and disputes, and how each comes to its end.

Source: the types of Stripe's library 16.1 for states and codes, docs.stripe.com/testing (excerpts) for what test cards
and evidence do; read in November 2026.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from app.simulators.stripe.account import new_id
from app.simulators.stripe.errors import RefusedError
from app.simulators.stripe.objects import Dispute, Refund

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.simulators.stripe.objects import Charge, Entity

RESPOND_SECONDS: Final = 7 * 24 * 3600
_BEGINNINGS: Final = {"pending": "pending", "asks": "requires_action"}
"""How a refund begins, by what its payment's plan says; `asks` is how one by bank transfer waits for the shopper."""
_EVIDENCE_DECIDES: Final = {"winning_evidence": True, "losing_evidence": False}
"""What in `uncategorized_text` decides a dispute of a test card at once."""


class Reversals:
    """Refunds and disputes by their ids, oldest first. `later` has a refund go on by itself."""

    def __init__(
        self, tell: Callable[[str, Entity], None], later: Callable[[Callable[[], None]], None]
    ) -> None:
        self.refunds: dict[str, Refund] = {}
        self.disputes: dict[str, Dispute] = {}
        self._tell = tell
        self._later = later

    def refund(
        self, charge: Charge, amount: int | None, reason: str | None, metadata: dict[str, str]
    ) -> Refund:
        """Give money back: with most test cards at once."""
        self._check(charge, amount)
        refund = Refund(
            id=new_id("re"),
            charge=charge.id,
            intent=charge.intent,
            amount=charge.refundable if amount is None else amount,
            currency=charge.currency,
            created=int(time.time()),
            reason=reason,
            metadata=metadata,
            status=_BEGINNINGS.get(charge.plan.refund or "", "succeeded"),
        )
        self.refunds[refund.id] = refund
        charge.amount_refunded += refund.amount
        self._tell("refund.created", refund)
        self._tell("charge.refunded", charge)
        if charge.plan.refund == "pending":
            self._later(lambda: self.succeed(refund))
        elif charge.plan.refund == "fails":
            self._later(lambda: self._fail_once(refund, charge))
        return refund

    def succeed(self, refund: Refund) -> None:
        """Have a refund come through."""
        if refund.status in _BEGINNINGS.values():
            refund.status = "succeeded"
            self._tell("refund.updated", refund)

    def fail(self, refund: Refund, charge: Charge, reason: str = "unknown") -> None:
        """Have a refund come back, also after it had succeeded."""
        refund.status, refund.failure_reason = "failed", reason
        charge.amount_refunded -= refund.amount
        self._tell("refund.updated", refund)
        self._tell("refund.failed", refund)

    def change(self, refund: Refund, metadata: dict[str, str]) -> None:
        """Take other metadata."""
        refund.metadata = metadata
        self._tell("refund.updated", refund)
        self._tell("charge.refund.updated", refund)

    def cancel(self, refund: Refund, charge: Charge) -> None:
        """Give a refund up that waits for the shopper; none that goes back to a card does."""
        if refund.status != "requires_action":
            raise RefusedError(
                f"Refund {refund.id} can't be canceled: only one with status `requires_action` can.",
                begun=True,
            )
        refund.status = "canceled"
        charge.amount_refunded -= refund.amount
        self._tell("refund.updated", refund)

    def open_dispute(
        self,
        charge: Charge,
        reason: str = "fraudulent",
        *,
        inquiry: bool = False,
        amount: int | None = None,
    ) -> Dispute:
        """Have the shopper contest a charge, or a part of it. Unless it is an inquiry, the money is withdrawn."""
        now = int(time.time())
        dispute = Dispute(
            id=new_id("du"),
            charge=charge.id,
            intent=charge.intent,
            amount=charge.amount_captured if amount is None else amount,
            currency=charge.currency,
            created=now,
            due_by=now + RESPOND_SECONDS,
            reason=reason,
            status="warning_needs_response" if inquiry else "needs_response",
        )
        self.disputes[dispute.id] = dispute
        charge.disputed = True
        if not inquiry:
            dispute.moved.append(-dispute.amount)
        self._tell("charge.dispute.created", dispute)
        if not inquiry:
            self._tell("charge.dispute.funds_withdrawn", dispute)
        return dispute

    def escalate(self, dispute: Dispute) -> None:
        """Have an inquiry become a dispute that takes the money, under the same id."""
        dispute.status = "needs_response"
        dispute.moved.append(-dispute.amount)
        self._tell("charge.dispute.updated", dispute)
        self._tell("charge.dispute.funds_withdrawn", dispute)

    def appeal(self, dispute: Dispute) -> None:
        """Have a dispute that was lost be looked at once more."""
        dispute.status = "appeal_under_review"
        self._tell("charge.dispute.updated", dispute)

    def answer_dispute(
        self, dispute: Dispute, evidence: dict[str, str], metadata: dict[str, str], *, submits: bool
    ) -> None:
        """Take evidence; once it is submitted the bank looks at it, and a test's decides at once."""
        dispute.evidence |= evidence
        dispute.metadata = metadata
        if evidence and submits:
            dispute.status = "warning_under_review" if _is_inquiry(dispute) else "under_review"
        self._tell("charge.dispute.updated", dispute)
        decided = _EVIDENCE_DECIDES.get(evidence.get("uncategorized_text", "")) if submits else None
        if decided is not None:
            self.close_dispute(dispute, won=decided)

    def close_dispute(self, dispute: Dispute, *, won: bool) -> None:
        """Have the bank decide."""
        inquiry = _is_inquiry(dispute)
        dispute.status = "warning_closed" if inquiry else "won" if won else "lost"
        if won and not inquiry:
            dispute.moved.append(dispute.amount)
            self._tell("charge.dispute.funds_reinstated", dispute)
        self._tell("charge.dispute.closed", dispute)

    def _check(self, charge: Charge, amount: int | None) -> None:
        if charge.status != "succeeded" or not charge.amount_captured:
            raise RefusedError(
                f"Charge {charge.id} has nothing that could be refunded.",
                code="charge_not_refundable",
                begun=True,
            )
        if any(each.charge == charge.id and each.moved for each in self.disputes.values()):
            raise RefusedError(
                f"Charge {charge.id} has been charged back; cannot issue a refund.",
                code="charge_disputed",
                begun=True,
            )
        if not charge.refundable:
            raise RefusedError(
                f"Charge {charge.id} has already been refunded.", code="charge_already_refunded", begun=True
            )
        if amount is not None and not 0 < amount <= charge.refundable:
            raise RefusedError(
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({charge.refundable})",
                param="amount",
                begun=True,
            )

    def _fail_once(self, refund: Refund, charge: Charge) -> None:
        if refund.status == "succeeded":
            self.fail(refund, charge, "expired_or_canceled_card")


def _is_inquiry(dispute: Dispute) -> bool:
    return dispute.status.startswith("warning")
