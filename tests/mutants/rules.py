"""Defects in the rules: what a payment and an order are, and what may be asked of them."""

from __future__ import annotations

from typing import Final

from tests.mutants.defect import Defect

_STATE: Final = "tests/domain/test_payment_state.py"
_SETTLEMENT: Final = "tests/domain/test_settlement.py"
_KEPT: Final = "tests/domain/test_histories.py::test_what_once_went_wrong_goes_well"
_COMMANDS: Final = "tests/domain/test_commands.py"

RULES: Final = (
    Defect(
        name="the amount that was captured is not compared with what was asked",
        file="app/domain/payment.py",
        old="    if captured > asked.minor or short:\n",
        new="    if False:\n",
        tests=(f"{_STATE}::test_one_minor_unit_makes_the_difference_in_every_currency",),
    ),
    Defect(
        name="an amount too high is let through, only one too low is not",
        file="app/domain/payment.py",
        old="    if captured > asked.minor or short:\n",
        new="    if short:\n",
        tests=(f"{_STATE}::test_one_minor_unit_makes_the_difference_in_every_currency",),
    ),
    Defect(
        name="the currency of the money is ignored",
        file="app/domain/payment.py",
        old="        if fact.amount is not None and fact.amount.currency != asked.currency\n",
        new="        if False\n",
        tests=(f"{_STATE}::test_a_conflict_says_what_differs",),
    ),
    Defect(
        name="money in any currency is added up",
        file="app/domain/payment.py",
        old="        if fact.amount is not None and fact.amount.currency == currency\n",
        new="        if fact.amount is not None\n",
        tests=(f"{_STATE}::test_the_rules_agree_with_a_second_reading_of_the_design",),
    ),
    Defect(
        name="a failure outranks a success of the same try",
        file="app/domain/payment.py",
        old="    FactKind.FAILED: PaymentAttemptStatus.FAILED,\n"
        "    FactKind.AUTHORIZED: PaymentAttemptStatus.AUTHORIZED,\n"
        "    FactKind.CAPTURED: PaymentAttemptStatus.SUCCEEDED,\n",
        new="    FactKind.AUTHORIZED: PaymentAttemptStatus.AUTHORIZED,\n"
        "    FactKind.CAPTURED: PaymentAttemptStatus.SUCCEEDED,\n"
        "    FactKind.FAILED: PaymentAttemptStatus.FAILED,\n",
        tests=(f"{_STATE}::test_a_try_counts_by_its_furthest_step",),
    ),
    Defect(
        name="a refund that failed after it succeeded stays a success",
        file="app/domain/refunds.py",
        old="    FactKind.REFUND_SUCCEEDED: RefundStatus.SUCCEEDED,\n"
        "    FactKind.REFUND_CANCELED: RefundStatus.CANCELED,\n"
        "    FactKind.REFUND_FAILED: RefundStatus.FAILED,\n",
        new="    FactKind.REFUND_CANCELED: RefundStatus.CANCELED,\n"
        "    FactKind.REFUND_FAILED: RefundStatus.FAILED,\n"
        "    FactKind.REFUND_SUCCEEDED: RefundStatus.SUCCEEDED,\n",
        tests=(f"{_STATE}::test_a_refund_counts_by_its_last_step_in_any_order",),
    ),
    Defect(
        name="a dispute that is told as opened after it was closed is open again",
        file="app/domain/refunds.py",
        old="    FactKind.DISPUTE_OPENED: DisputeStatus.NEEDS_RESPONSE,\n"
        "    FactKind.DISPUTE_UNDER_REVIEW: DisputeStatus.UNDER_REVIEW,\n"
        "    FactKind.DISPUTE_LOST: DisputeStatus.LOST,\n"
        "    FactKind.DISPUTE_WON: DisputeStatus.WON,\n",
        new="    FactKind.DISPUTE_LOST: DisputeStatus.LOST,\n"
        "    FactKind.DISPUTE_WON: DisputeStatus.WON,\n"
        "    FactKind.DISPUTE_OPENED: DisputeStatus.NEEDS_RESPONSE,\n"
        "    FactKind.DISPUTE_UNDER_REVIEW: DisputeStatus.UNDER_REVIEW,\n",
        tests=(f"{_STATE}::test_a_dispute_counts_by_its_last_step_even_before_its_payment",),
    ),
    Defect(
        name="of two tellings the one that came last counts",
        file="app/domain/facts.py",
        old="    return max(left, right, key=lambda money: (money.minor, money.currency))\n",
        new="    return right\n",
        tests=(
            "tests/domain/test_facts.py",
            f"{_STATE}::test_any_order_number_and_portions_of_deliveries_give_the_same_state",
        ),
    ),
    Defect(
        name="a refund on its way is not counted when the next one is asked for",
        file="app/domain/payment.py",
        old="self.captured - self.refunded - self.refund_pending - self.disputed",
        new="self.captured - self.refunded - self.disputed",
        tests=(f"{_COMMANDS}::test_a_refund_that_can_t_be_is_refused",),
    ),
    Defect(
        name="disputed money is given back a second time",
        file="app/domain/payment.py",
        old="self.captured - self.refunded - self.refund_pending - self.disputed",
        new="self.captured - self.refunded - self.refund_pending",
        tests=(f"{_COMMANDS}::test_a_refund_that_can_t_be_is_refused",),
    ),
    Defect(
        name="a capture that grows is added up twice",
        file="app/domain/facts.py",
        old="        return (self.gateway, self.object_id, self.kind)\n",
        new='        return (self.gateway, f"{self.object_id}{self.amount}", self.kind)\n',
        tests=(f"{_KEPT}[a-capture-that-grows-counts-once]",),
    ),
    Defect(
        name="money that nobody may keep is not shown as to be looked at",
        file="app/domain/order.py",
        old="    if review:\n",
        new="    if False:\n",
        tests=(f"{_SETTLEMENT}::test_the_first_line_that_holds_is_what_the_money_says",),
    ),
    Defect(
        name="the money of a conflicted payment counts as paid",
        file="app/domain/order.py",
        old="        if state.status is PaymentStatus.CONFLICTED:\n            continue\n",
        new="",
        tests=(f"{_SETTLEMENT}::test_money_that_is_not_what_was_asked_is_kept_apart",),
    ),
    Defect(
        name="what was given back still pays the order",
        file="app/domain/order.py",
        old="        return self.paid - self.refunded + self.authorized\n",
        new="        return self.paid + self.authorized\n",
        tests=(f"{_SETTLEMENT}::test_what_was_given_back_does_not_pay_a_second_time",),
    ),
    Defect(
        name="an overpaid order is complete only when paid to the unit",
        file="app/domain/order.py",
        old="        and order.paid_minor >= order.total_minor\n",
        new="        and order.paid_minor == order.total_minor\n",
        tests=(f"{_KEPT}[an-overpaid-order-is-complete-when-delivered]",),
    ),
    Defect(
        name="goods arrive that were never sent",
        file="app/domain/machines.py",
        old='        Transition(_F.UNFULFILLED, _F.SHIPPED, "it was handed to the carrier"),\n',
        new='        Transition(_F.UNFULFILLED, _F.SHIPPED, "it was handed to the carrier"),\n'
        '        Transition(_F.UNFULFILLED, _F.DELIVERED, "it was handed over"),\n',
        tests=(f"{_COMMANDS}::test_a_wish_that_can_t_be_is_refused", "tests/domain/test_machines.py"),
    ),
    Defect(
        name="yen have cents",
        file="app/domain/money.py",
        old='        "JPY",\n',
        new="",
        tests=("tests/domain/test_money.py",),
    ),
    Defect(
        name="amounts are added whatever their currency",
        file="app/domain/money.py",
        old="        if other.currency != self.currency:\n",
        new="        if False:\n",
        tests=("tests/domain/test_money.py",),
    ),
    Defect(
        name="more is given back than is there",
        file="app/domain/requests.py",
        old="    if amount > left:\n",
        new="    if False:\n",
        tests=(f"{_COMMANDS}::test_a_refund_that_can_t_be_is_refused",),
    ),
    Defect(
        name="more is paid than is left to pay",
        file="app/domain/requests.py",
        old="    if amount > due:\n",
        new="    if False:\n",
        tests=(f"{_COMMANDS}::test_a_payment_that_can_t_be_is_refused",),
    ),
    Defect(
        name="an order is called off while its shopper pays",
        file="app/domain/orders.py",
        old="    if order.payment_in_progress:\n",
        new="    if False:\n",
        tests=(f"{_COMMANDS}::test_a_wish_that_can_t_be_is_refused",),
    ),
    Defect(
        name="a paid order runs out of time",
        file="app/domain/orders.py",
        old="    if order.status is not OrderStatus.PENDING or order.payment_in_progress or not due:\n",
        new="    if order.payment_in_progress or not due:\n",
        tests=(f"{_KEPT}[a-paid-order-does-not-run-out-of-time]",),
    ),
    Defect(
        name="an order runs out of time before its time",
        file="app/domain/orders.py",
        old="order.payment_in_progress or not due:\n",
        new="order.payment_in_progress:\n",
        tests=(f"{_KEPT}[an-order-has-until-its-time-is-over]",),
    ),
    Defect(
        name="an order that has moved on is changed all the same",
        file="app/domain/orders.py",
        old="    if expected is not None and expected != order.version:\n",
        new="    if expected is not None and expected > order.version:\n",
        tests=(f"{_COMMANDS}::test_a_wish_that_can_t_be_is_refused",),
    ),
    Defect(
        name="whoever paid first gets the money back",
        file="app/domain/placing.py",
        old="    for record in sorted(_counted(draft), key=_came_in, reverse=True):\n",
        new="    for record in sorted(_counted(draft), key=_came_in):\n",
        tests=(f"{_KEPT}[whoever-paid-first-has-the-order]",),
    ),
    Defect(
        name="a refund by rule that failed is asked for again and again",
        file="app/domain/placing.py",
        old="    if failed and not failed.isdisjoint(_rule_ids(record)):\n",
        new="    if False:\n",
        tests=(f"{_KEPT}[a-late-refund-that-failed-is-looked-at]",),
    ),
    Defect(
        name="late money is refunded where it is to be held",
        file="app/domain/placing.py",
        old="        case LatePaymentPolicy.HOLD:\n            return False\n",
        new="        case LatePaymentPolicy.HOLD:\n            return True\n",
        tests=(
            f"{_SETTLEMENT}::test_late_money_reopens_an_order_only_where_it_is_honoured",
            f"{_SETTLEMENT}::test_two_payments_that_both_succeed_leave_a_surplus",
        ),
    ),
    Defect(
        name="a refund is owed by nobody",
        file="app/domain/draft.py",
        old="            if refund.id not in known and refund.status is RefundStatus.PENDING:\n",
        new="            if False:\n",
        tests=(f"{_KEPT}[whoever-paid-first-has-the-order]",),
    ),
)
