"""The tracking page as HTML: complete without JavaScript, safe with hostile names, silent about tokens."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx2
import pytest

from app.domain.money import Money
from app.domain.states import FulfillmentStatus, OrderEventType, OrderPaymentStatus, OrderStatus
from app.web import words
from tests.web.conftest import make_app
from tests.web.serving import served
from tests.web.tiny_shop import TOKEN, TOTAL, TinyShop

if TYPE_CHECKING:
    from app.web.assets import Assets
    from app.web.tracked import TrackedOrder

T = OrderEventType


async def get(base_url: str, token: str = TOKEN, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=base_url, headers=headers) as client:
        return await client.get(f"/track/{token}")


def steps_in(text: str) -> list[tuple[str, bool, bool]]:
    items = re.findall(r"<li( data-done)?( aria-current=\"step\")?><span>(\w+)</span>", text)
    return [(label, bool(done), bool(current)) for done, current, label in items]


async def test_the_page_says_everything_without_javascript(shop: TinyShop, base_url: str) -> None:
    shop.happen(T.PAYMENT_CREATED, amount=TOTAL)
    shop.happen(T.PAYMENT_SUCCEEDED, amount=TOTAL, paid=TOTAL, payment_status=OrderPaymentStatus.PAID)
    shop.happen(T.ORDER_CONFIRMED, status=OrderStatus.CONFIRMED)

    answer = await get(base_url, **{"Accept-Language": "en-IN"})

    text = answer.text
    assert answer.status_code == 200
    assert "<title>Order K7Q-4MD</title>" in text
    assert (
        'role="status" aria-live="polite" data-tone="good"><h1 id="headline">Paid and confirmed</h1>' in text
    )
    assert steps_in(text) == [
        ("Ordered", True, False),
        ("Paid", True, False),
        ("Confirmed", True, False),
        ("Shipped", False, True),
        ("Delivered", False, False),
    ]
    assert '<td class="money" id="total">₹1,796.00</td>' in text
    assert '<td class="money" id="paid">₹1,796.00</td>' in text
    assert re.findall(r'class="what">([^<]*)<', text) == [
        "Order confirmed",
        "Payment received",
        "Payment started",
        "Order placed",
    ]
    assert '<time datetime="2026-11-22T09:31:00+00:00">22 Nov 2026, 09:31 UTC</time>' in text
    assert 'data-cursor="c4" data-payment="PAYMENT_SUCCEEDED"' in text


async def test_a_canceled_orders_way_ends_there(shop: TinyShop, base_url: str) -> None:
    shop.happen(T.ORDER_CANCELED, status=OrderStatus.CANCELED)

    text = (await get(base_url)).text

    assert steps_in(text) == [("Ordered", True, False), ("Canceled", True, True)]
    assert '<h1 id="headline">This order was canceled</h1>' in text


async def test_after_a_decline_the_page_offers_to_try_again(shop: TinyShop, base_url: str) -> None:
    shop.happen(T.PAYMENT_CREATED, amount=TOTAL)
    shop.happen(T.PAYMENT_FAILED, message="Your card was declined.")

    text = (await get(base_url)).text

    assert '<h1 id="headline">That payment did not go through</h1>' in text
    assert '<span class="message">Your card was declined.</span>' in text
    assert (
        f'<p id="pay-line" class="pay"><a id="pay" class="button" href="/#pay={TOKEN}">Try again</a></p>'
        in text
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"payment_in_progress": True},
        {"paid": TOTAL, "payment_status": OrderPaymentStatus.PAID},
        {"status": OrderStatus.EXPIRED},
    ],
)
async def test_paying_is_not_offered_when_money_may_be_on_its_way_or_is_not_wanted(
    shop: TinyShop, base_url: str, changes: dict[str, object]
) -> None:
    shop.happen(T.PAYMENT_CREATED, **changes)  # type: ignore[arg-type] # fields of the shop

    text = (await get(base_url)).text

    assert '<p id="pay-line" class="pay" hidden>' in text


async def test_hostile_names_are_text(shop: TinyShop, base_url: str) -> None:
    hostile = "<script>alert(1)</script>\" onload='x' &amp;"
    shop.number = hostile
    shop.line_name = hostile
    shop.happen(T.PAYMENT_FAILED, message=hostile)

    text = (await get(base_url)).text

    escaped = "&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#x27;x&#x27; &amp;amp;"
    assert "<script>alert" not in text
    assert text.count(escaped) == 4  # title, number, line, message


async def test_a_token_that_opens_nothing_learns_nothing(shop: TinyShop, base_url: str) -> None:
    never_was = await get(base_url, "never-was")
    shop.token_opens = False

    withdrawn = await get(base_url)

    assert never_was.status_code == withdrawn.status_code == 404
    assert never_was.text == withdrawn.text
    assert "<h1>This link opens no order</h1>" in withdrawn.text


async def test_an_absurdly_long_token_is_not_even_looked_up(assets: Assets, shop: TinyShop) -> None:
    asked: list[str] = []
    open_order = shop.load_order

    async def load_order(token: str) -> TrackedOrder | None:
        asked.append(token)
        return await open_order(token)

    shop.load_order = load_order  # type: ignore[method-assign] # counts the calls
    async with served(make_app(assets, shop, [])) as base_url:
        too_long = await get(base_url, "a" * 513)
        long = await get(base_url, "a" * 512)

    assert (too_long.status_code, long.status_code) == (404, 404)
    assert asked == ["a" * 512]


async def test_the_readers_english_decides_how_amounts_are_written(shop: TinyShop, base_url: str) -> None:
    shop.happen(T.PAYMENT_CREATED, amount=Money(1_234_567, "INR"))

    in_india = (await get(base_url, **{"Accept-Language": "de, en-IN;q=0.8"})).text
    in_america = (await get(base_url, **{"Accept-Language": "en-US,en;q=0.9"})).text

    assert 'data-locale="en-IN"' in in_india
    assert "₹12,345.67" in in_india
    assert 'data-locale="en-US"' in in_america
    assert "₹12,345.67" in in_america


async def test_every_event_has_words() -> None:
    assert set(words.EVENTS) == set(OrderEventType)


async def test_every_state_that_can_be_has_a_headline_of_its_own_kind(shop: TinyShop) -> None:
    generic = "We have your order"
    unnamed = []
    for status in OrderStatus:
        for payment_status in OrderPaymentStatus:
            for fulfillment_status in FulfillmentStatus:
                shop.status, shop.payment_status, shop.fulfillment_status = (
                    status,
                    payment_status,
                    fulfillment_status,
                )
                order = await shop.load_order(TOKEN)
                assert order is not None
                current = [step for step in words.steps(order) if step.current]
                assert len(current) == 1
                if words.headline(order).headline == generic:
                    unnamed.append((status, payment_status, fulfillment_status))

    # Paid in full but not confirmed: one commit makes both, so only a broken invariant leads here.
    assert set(unnamed) == {
        (OrderStatus.PENDING, payment_status, FulfillmentStatus.UNFULFILLED)
        for payment_status in (
            OrderPaymentStatus.PAID,
            OrderPaymentStatus.OVERPAID,
            OrderPaymentStatus.PARTIALLY_REFUNDED,
        )
    }


async def test_a_shopper_whom_a_gateway_sends_back_by_a_form_gets_the_page_with_its_fields(
    base_url: str,
) -> None:
    async with httpx2.AsyncClient(base_url=base_url) as client:
        back = await client.post(f"/track/{TOKEN}", data={"ORDERID": "A&B", "note": ""})
        plain = await client.post(f"/track/{TOKEN}")
        huge = await client.post(f"/track/{TOKEN}", content=b"a=" + b"x" * 8192)
        many = await client.post(f"/track/{TOKEN}", content=b"a=1&" * 51)

    assert (back.status_code, back.headers["location"]) == (303, f"/track/{TOKEN}?ORDERID=A%26B")
    assert (plain.status_code, plain.headers["location"]) == (303, f"/track/{TOKEN}")
    assert (huge.status_code, many.status_code) == (413, 400)
