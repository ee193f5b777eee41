"""The pages that shoppers see: paying by card, the bank's question, and where it ended. They need no script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.simulators.kit.display import show_amount
from app.simulators.sandbox.cards import TEST_CARDS
from app.simulators.sandbox.markup import NOTHING, Markup, fill, join

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.simulators.sandbox.cards import TestCard
    from app.simulators.sandbox.objects import Payment

FIELDS: Final = ("number", "expiry", "cvc")

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/checkout.css">
</head>
<body>
<p class="test-mode"><strong>TEST MODE</strong> <span>No real money moves. Never type a real card.</span></p>
<div class="stage">
$summary
<main>
$main
</main>
</div>
</body>
</html>
"""

_SUMMARY: Final = """<header class="summary">
<p class="mark"><img src="/assets/mark.svg" alt="" width="28" height="28"> Sandbox Pay</p>
<p class="merchant">Pay $merchant</p>
<p class="amount">$amount</p>
$order
$back
</header>"""
_ORDER: Final = """<p class="order">Order $number</p>"""
_BACK: Final = (
    """<p class="back"><a href="$url"><span aria-hidden="true">←</span> Cancel and go back</a></p>"""
)

_CHECKOUT: Final = """$alert
<h1>Pay by card</h1>
<form class="card" method="post" action="/checkout/$id/pay" autocomplete="off">
<input type="hidden" name="submission" value="$submission">
$fields
<button class="pay">Pay $amount</button>
</form>
<section aria-labelledby="test-cards">
<h2 id="test-cards">Or choose a test card</h2>
<p class="hint">One click fills in everything and pays.</p>
<form method="post" action="/checkout/$id/pay">
<input type="hidden" name="submission" value="$submission">
<ul class="tests">
$tests
</ul>
</form>
</section>"""
_TEST: Final = """<li><button name="card" value="$number"><span class="label $tone">$label</span>
<span class="digits">$digits</span></button></li>
"""
_ALERT: Final = """<div class="alert" role="alert"><strong>$title</strong> <span>$message</span></div>"""
_FIELD: Final = """<div class="field $name">
<label for="$name">$label</label>
<input id="$name" name="$name" inputmode="numeric" autocomplete="off" required maxlength="$longest"
 placeholder="$example"$problem_attributes>
$problem
</div>"""
_PROBLEM: Final = """<p class="problem" id="$name-problem">$message</p>"""

_CHALLENGE: Final = """<h1>Is this you?</h1>
<p class="bank">Sandbox Bank · 3-D Secure</p>
<p>$merchant asks for <strong>$amount</strong> from your card ending in <strong>$last4</strong>.</p>
<form class="answers" method="post" action="/checkout/$id/authenticate">
<input type="hidden" name="attempt" value="$attempt">
<button class="pay" name="result" value="complete">Complete authentication</button>
<button class="quiet" name="result" value="fail">Fail authentication</button>
</form>"""

_END: Final = """<p class="seal $tone" aria-hidden="true">$sign</p>
<h1>$title</h1>
<p>$message</p>
$link"""
_LINK: Final = """<p><a class="pay" href="$url">Back to the shop</a></p>"""

_FOCUS: Final = fill(" autofocus")
_LABELS: Final = {
    "number": ("Card number", "23", "1234 1234 1234 1234"),
    "expiry": ("Expiry", "7", "MM / YY"),
    "cvc": ("Security code", "4", "123"),
}


def checkout_page(
    payment: Payment,
    *,
    merchant: str,
    submission: str,
    back_url: str | None,
    problems: Mapping[str, str],
) -> Markup:
    """Return the card form. `problems` says by field what is wrong with what was typed."""
    amount = show_amount(payment.amount, payment.currency)
    main = fill(
        _CHECKOUT,
        id=payment.id,
        submission=submission,
        amount=amount,
        alert=_alert(payment, problems),
        fields=join(_field(name, problems.get(name), first=name in list(problems)[:1]) for name in FIELDS),
        tests=join(_test(card) for card in TEST_CARDS),
    )
    return _page(payment, f"Pay {amount} to {merchant}", merchant, main, back_url)


def challenge_page(payment: Payment, *, merchant: str) -> Markup:
    """Return the bank's page."""
    attempt = payment.attempts[-1]
    main = fill(
        _CHALLENGE,
        id=payment.id,
        attempt=attempt.id,
        merchant=merchant,
        amount=show_amount(payment.amount, payment.currency),
        last4=attempt.last4,
    )
    return _page(payment, "Confirm the payment", merchant, main, None)


def end_page(payment: Payment, *, merchant: str, back_url: str | None) -> Markup:
    """Return the page for a payment at which nothing is left to do."""
    amount = show_amount(payment.amount, payment.currency)
    if payment.canceled_at:
        words = ("stop", "✕", "Payment canceled", f"{merchant} canceled this payment. Nothing was charged.")
    elif payment.captured:
        captured = show_amount(payment.captured, payment.currency)
        words = ("done", "✓", "Paid", f"{merchant} received {captured}.")
    else:
        words = ("done", "✓", "Approved", f"{merchant} reserved {amount} and takes it later.")
    tone, sign, title, message = words
    link = fill(_LINK, url=back_url) if back_url else NOTHING
    main = fill(_END, tone=tone, sign=sign, title=title, message=message, link=link)
    return _page(payment, title, merchant, main, None)


def missing_page() -> Markup:
    """Return the page for a payment that is not here."""
    message = "Check the address, or go back to the shop and start again."
    main = fill(_END, tone="stop", sign="?", title="No such payment", message=message, link=NOTHING)
    return fill(_PAGE, title="No such payment", summary=NOTHING, main=main)


def _page(payment: Payment, title: str, merchant: str, main: Markup, back_url: str | None) -> Markup:
    number = payment.metadata.get("order_number")
    summary = fill(
        _SUMMARY,
        merchant=merchant,
        amount=show_amount(payment.amount, payment.currency),
        order=fill(_ORDER, number=number) if number else NOTHING,
        back=fill(_BACK, url=back_url) if back_url else NOTHING,
    )
    return fill(_PAGE, title=f"{title} · Sandbox Pay", summary=summary, main=main)


def _alert(payment: Payment, problems: Mapping[str, str]) -> Markup:
    if problems:
        return fill(_ALERT, title="Check the card.", message="Nothing was charged yet.")
    failure = payment.attempts[-1].failure if payment.attempts else None
    return fill(_ALERT, title="Not paid.", message=failure["message"]) if failure else NOTHING


def _field(name: str, problem: str | None, *, first: bool) -> Markup:
    label, longest, example = _LABELS[name]
    attributes = fill(
        ' aria-invalid="true" aria-describedby="$name-problem"$focus',
        name=name,
        focus=_FOCUS if first else NOTHING,
    )
    return fill(
        _FIELD,
        name=name,
        label=label,
        longest=longest,
        example=example,
        problem_attributes=attributes if problem else NOTHING,
        problem=fill(_PROBLEM, name=name, message=problem) if problem else NOTHING,
    )


def _test(card: TestCard) -> Markup:
    digits = " ".join(card.number[start : start + 4] for start in range(0, len(card.number), 4))
    tone = "no" if card.decline else "later" if card.authenticate or card.behavior else "yes"
    return fill(_TEST, number=card.number, label=card.label, digits=digits, tone=tone)
