"""What is checked, in words: for each check what must hold, and the sentence that is said of a row that breaks it.

Amounts in the sentences are in the currency's minor unit, as the rows hold them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Check:
    """One invariant. `sentence` is filled in with the numbers of the row that breaks it."""

    name: str
    description: str
    sentence: str


_CHECKS: Final = (
    Check(
        "order_versions",
        "An order's events are numbered 1 to n without a gap, and its version is the last of them.",
        "It is at version {version}, and its {events} events are numbered {first} to {last}.",
    ),
    Check(
        "order_axes",
        "An order's last event shows the order's status, payment status and fulfilment status.",
        "It is {status}, {payment_status} and {fulfillment_status}; its last event, {version}, says {told_status}, "
        "{told_payment_status} and {told_fulfillment_status}.",
    ),
    Check(
        "order_steps",
        "From event to event an order's status goes along the edges of its state machine.",
        "It went from {before} to {after} with event {version}, which its state machine has no edge for.",
    ),
    Check(
        "fulfillment_steps",
        "From event to event the goods go along the edges of their state machine.",
        "Its goods went from {before} to {after} with event {version}, which their state machine has no edge for.",
    ),
    Check(
        "event_payments",
        "An event that names a payment names one of its own order.",
        "Its event {version}, {type}, names payment {payment_id}, which is not one of its own.",
    ),
    Check(
        "order_total",
        "An order's total is the sum of its lines and adjustments, in one currency.",
        "Its total is {total_minor} {currency}, and its lines and adjustments add up to {told}.",
    ),
    Check(
        "order_paid",
        "What an order was paid is the sum of the captures that its payments' facts tell of; conflicts don't count.",
        "It holds {paid_minor} {currency} as paid, and the facts of its payments add up to {told}.",
    ),
    Check(
        "order_refunded",
        "What an order was refunded is the sum of the refunds that its payments' facts tell of; conflicts don't count.",
        "It holds {refunded_minor} {currency} as refunded, and the facts of its payments add up to {told}.",
    ),
    Check(
        "order_payment_status",
        "An order's payment status, and whether a payment is in progress, follow from its payments' facts.",
        "It is {held}, and the facts of its payments say {told}.",
    ),
    Check(
        "payment_captured",
        "What a payment captured is the sum of its facts.",
        "It holds {held} {currency} as captured, and its facts add up to {told}.",
    ),
    Check(
        "payment_authorized",
        "What a payment's bank has agreed to is what its facts say: authorised, less what was released, or captured.",
        "It holds {held} {currency} as authorised, and its facts add up to {told}.",
    ),
    Check(
        "payment_refunded",
        "What a payment gave back is the sum of the refunds that its facts say succeeded.",
        "It holds {held} {currency} as refunded, and its facts add up to {told}.",
    ),
    Check(
        "payment_disputed",
        "What is disputed of a payment is what its facts claim and don't say was won or given back.",
        "It holds {held} {currency} as disputed, and its facts add up to {told}.",
    ),
    Check(
        "payment_suspended",
        "What is in suspense of a payment is the sum of its open suspense items, as far as it was captured.",
        "It holds {held} {currency} as suspended, and its open items add up to {told}.",
    ),
    Check(
        "payment_state",
        "A payment's status, its last error and whether it was late follow from the set of its facts.",
        "It is {held}, and its facts say {told}.",
    ),
    Check(
        "payment_attempts",
        "A payment's tries are those that its facts tell of.",
        "Its tries differ from what its facts say: {differences}.",
    ),
    Check(
        "payment_refunds",
        "A payment's refunds are those that its facts tell of.",
        "Its refunds differ from what its facts say: {differences}.",
    ),
    Check(
        "payment_disputes",
        "A payment's disputes are those that its facts tell of.",
        "Its disputes differ from what its facts say: {differences}.",
    ),
    Check(
        "refunds_within_captures",
        "No payment gives back more than it captured.",
        "{refunded} {currency} were given back, and {captured} were captured.",
    ),
    Check(
        "foreign_currency",
        "A payment is in its order's currency, and one whose facts are in another is a conflict.",
        "It is {status} in {currency}, its order is in {order_currency}, and some fact is in a currency of its own.",
    ),
    Check(
        "payment_references",
        "A gateway's reference names one payment.",
        "{others} more payments are {reference} at {gateway}.",
    ),
    Check(
        "fact_gateways",
        "A payment's facts are of its own gateway.",
        "It is at {payment_gateway}, and has the fact {kind} of {object_id} at {gateway}.",
    ),
    Check(
        "delivery_facts",
        "A delivery that was applied to a payment left facts with it, unless it only had the gateway asked.",
        "It was applied ({gateway} {external_id}), and its payment has no fact of that gateway.",
    ),
    Check(
        "ledger_balance",
        "The amounts of a ledger transaction add up to zero in each currency.",
        "Its entries in {currency} add up to {surplus}.",
    ),
    Check(
        "ledger_owners",
        "A ledger entry's payment is of the entry's order.",
        "Its entry {position} books a payment of another order.",
    ),
    Check(
        "ledger_accounts",
        "On each account the ledger holds what the payment's figures come to.",
        "{booked} {currency} are booked on {account}, and its figures come to {expected}.",
    ),
    Check(
        "ledger_foreign",
        "Money in a currency that was not asked for is booked in that currency, as far as it is in suspense there.",
        "{booked} {currency} are booked on {account}, and its facts and suspense come to {expected}.",
    ),
    Check(
        "order_excess",
        "Money that an order may not keep is in suspense or on its way back.",
        "It is {status} and holds {held} {currency}: {excess} more than the {keeps} that it may keep and the "
        "{suspended} in suspense.",
    ),
    Check(
        "conflicted_money",
        "The money of a payment whose amount or currency is not what was asked is in suspense or on its way back.",
        "It conflicts and holds {held} {currency}; {suspended} of them have a place, and {open} are in open items.",
    ),
    Check(
        "order_suspense_flag",
        "An order says that it has suspense items, or had any, exactly when there are some.",
        "It says {has_suspense}, and it has {items} items.",
    ),
    Check(
        "suspense_items",
        "A suspense item is of its payment's order, and has an end exactly when it has an outcome.",
        "It is {reason} since {created_at} with outcome {resolution} at {resolved_at}; its payment is of order "
        "{payment_order}.",
    ),
    Check(
        "refunds_owed",
        "A refund that was asked for and is not final has a job that will see to it.",
        "{amount_minor} {currency} are pending, and no job will ask after them.",
    ),
    Check(
        "payments_polled",
        "A payment that is not final has a job that will ask its gateway, for as long as its schedule runs.",
        "It is {status} since {created_at}, and no job will ask its gateway.",
    ),
    Check(
        "orders_expiring",
        "An unpaid order past its time has a job that will expire it.",
        "Its time ran out at {expires_at}, and no job will expire it.",
    ),
    Check(
        "delivery_outcomes",
        "A delivery is applied at some instant exactly when it needs nothing more, and then has its payment.",
        "{gateway} {external_id} is {status}, applied at {applied_at}, or without its payment.",
    ),
    Check(
        "deliveries_once",
        "A gateway's event is kept once.",
        "{others} more deliveries are {external_id} of {gateway}.",
    ),
    Check(
        "keys_once",
        "A caller's idempotency key is kept once, and is answered or at work, never both.",
        "{others} more rows hold the same key; answered and still taken: {taken}.",
    ),
    Check(
        "key_answers",
        "What an idempotency key's answer names is there: an answer is never taken back.",
        "Its answer is {answer}, and not all of it is there.",
    ),
    Check(
        "deliveries_unapplied",
        "A delivery waits for a minute at most; one that failed or matched nothing is tried again.",
        "{gateway} {external_id} is {status} since {received_at}, and nothing will try it again: {error}",
    ),
    Check(
        "jobs_dead",
        "No owed work was given up.",
        "{kind} was given up at {died_at} after {attempts} attempts: {last_error}",
    ),
    Check(
        "jobs_overdue",
        "Owed work is begun within ten minutes of becoming due.",
        "{kind} is due since {due_at}, and nobody is at work on it after {attempts} attempts.",
    ),
    Check(
        "suspense_unknown",
        "Money of an unknown order waits with its delivery until a payment has its reference.",
        "{reference} of {gateway} is open since {created_at}; payment known: {known}, else the delivery is gone.",
    ),
)

CHECKS: Final[Mapping[str, Check]] = {check.name: check for check in _CHECKS}
"""Every check by its name, in the order of the report."""
