"""Facts: what gateways are known to have said, each kept once under (gateway, object id, kind).

Adapters translate whatever they see (webhook body, REST answer) into facts; the rules know no gateway. When
the same fact is told twice with other details, `merge` joins the two; the join is commutative, associative and
idempotent, so the order and number of tellings make no difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from app.domain.money import Money
    from app.domain.states import GatewayName, PaymentMethodType, RefundInitiator


LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class FactKind(StrEnum):
    """What a fact says about its object."""

    ATTEMPT_STARTED = "ATTEMPT_STARTED"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    PROCESSING = "PROCESSING"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    RELEASED = "RELEASED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"
    LAPSED = "LAPSED"
    REFUND_REQUESTED = "REFUND_REQUESTED"
    REFUND_PENDING = "REFUND_PENDING"
    REFUND_SUCCEEDED = "REFUND_SUCCEEDED"
    REFUND_FAILED = "REFUND_FAILED"
    REFUND_CANCELED = "REFUND_CANCELED"
    DISPUTE_OPENED = "DISPUTE_OPENED"
    DISPUTE_UNDER_REVIEW = "DISPUTE_UNDER_REVIEW"
    DISPUTE_WON = "DISPUTE_WON"
    DISPUTE_LOST = "DISPUTE_LOST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a try failed. `retryable`: another try by the shopper may work."""

    code: str
    message: str
    decline_code: str | None = None
    retryable: bool = True

    @property
    def rank(self) -> tuple[str, str, bool, str, bool]:
        """A total order over all fields, so that of two tellings the same one wins whichever came first."""
        return (
            self.code,
            self.message,
            self.decline_code is not None,
            self.decline_code or "",
            not self.retryable,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that a gateway is known to have said about one of its objects.

    `object_id` is the gateway's id of what the fact is about: the attempt for ATTEMPT_STARTED, ACTION_REQUIRED,
    PROCESSING and FAILED; the authorisation, capture, refund or dispute for those; the payment for CANCELED and
    LAPSED. `amount` is cumulative for that object. `attempt_id` names the try that an authorisation or a capture
    came from, and the capture that a dispute or a refund is about. `own_id` is the id of our refund, where the
    gateway carries it (metadata), and `initiator` who asked for it. `detail` is the reason of a refund or dispute.
    `reported_at` is when the gateway says it happened, taken from the object itself rather than from the delivery;
    `recorded_at` is when we first learned of it.
    """

    gateway: GatewayName
    object_id: str
    kind: FactKind
    amount: Money | None = None
    attempt_id: str | None = None
    own_id: UUID | None = None
    method: PaymentMethodType | None = None
    failure: Failure | None = None
    initiator: RefundInitiator | None = None
    detail: str | None = None
    respond_by: datetime | None = None
    reported_at: datetime | None = None
    recorded_at: datetime | None = None

    @property
    def happened_at(self) -> datetime:
        """When it happened as far as is known: the gateway's time, else ours."""
        return self.reported_at or self.recorded_at or LONG_AGO

    @property
    def key(self) -> FactKey:
        """What the fact is stored under."""
        return (self.gateway, self.object_id, self.kind)


FactKey = tuple["GatewayName", str, FactKind]
Facts = dict[FactKey, Fact]
FactsByKind = Mapping[FactKind, Sequence[Fact]]


def merge(known: Fact, told: Fact) -> Fact:
    """Join two tellings of one fact. Returns `known` itself when the other adds nothing."""
    if known == told:
        return known
    joined = replace(
        known,
        amount=_larger(known.amount, told.amount),
        attempt_id=_greater(known.attempt_id, told.attempt_id),
        own_id=_greater(known.own_id, told.own_id),
        method=_greater(known.method, told.method),
        failure=_more_telling(known.failure, told.failure),
        initiator=_greater(known.initiator, told.initiator),
        detail=_greater(known.detail, told.detail),
        respond_by=_greater(known.respond_by, told.respond_by),
        reported_at=_earlier(known.reported_at, told.reported_at),
        recorded_at=_earlier(known.recorded_at, told.recorded_at),
    )
    return known if joined == known else joined


def add_facts(known: Facts, told: Iterable[Fact]) -> tuple[Facts, list[Fact]]:
    """Return the joined set and those of its facts that are new or say more than before."""
    facts = dict(known)
    for fact in told:
        before = facts.get(fact.key)
        facts[fact.key] = fact if before is None else merge(before, fact)
    return facts, [fact for key, fact in facts.items() if known.get(key) is not fact]


_T = TypeVar("_T", str, "UUID", "PaymentMethodType", "RefundInitiator", "datetime")


def _greater(left: _T | None, right: _T | None) -> _T | None:
    if left is None or right is None:
        return right if left is None else left
    return max(left, right)


def _earlier(left: datetime | None, right: datetime | None) -> datetime | None:
    if left is None or right is None:
        return right if left is None else left
    return min(left, right)


def _larger(left: Money | None, right: Money | None) -> Money | None:
    if left is None or right is None:
        return right if left is None else left
    return max(left, right, key=lambda money: (money.minor, money.currency))


def _more_telling(left: Failure | None, right: Failure | None) -> Failure | None:
    if left is None or right is None:
        return right if left is None else left
    return max(left, right, key=lambda failure: failure.rank)
