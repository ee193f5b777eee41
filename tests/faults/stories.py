"""The stories: orders paid, captured, refunded, disputed, given up, with nothing wrong but what shoppers do wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import uuid4

import orjson

from tests.faults.run import DECLINED, DISPUTED, REFUND_FAILS
from tests.system.processes import STAFF_KEY

if TYPE_CHECKING:
    from tests.faults.run import Run


async def paid(run: Run) -> None:
    """Order, pay, be told; half of the time declined at first, and the failure is told late."""
    guest = await run.order()
    payment = await run.opened(guest)
    if run.dice.random() < 0.5:
        await run.pay(payment, DECLINED)
    await run.pay(payment)
    await run.told_all()


async def late_failure(run: Run) -> None:
    """The failure of the first try arrives behind the success of the second, as all of it does at once."""
    payment = await run.opened(await run.order())
    run.gateway.paused = True
    await run.pay(payment, DECLINED)
    await run.pay(payment)
    await run.told_all()


async def captured(run: Run) -> None:
    """Hold, refuse what can't be captured, capture a part; the rest is released."""
    payment = await run.opened(await run.order(), captureMethod="MANUAL")
    await run.on_payment("paymentCapture", payment)  # nothing is held yet
    await run.pay(payment)
    await run.told_all()
    for amount, currency in (("1.00", "EUR"), ("0.00", "INR"), ("500.00", "INR")):
        await run.on_payment("paymentCapture", payment, amount={"amount": amount, "currency": currency})
    part = {"amount": run.dice.choice(("499.00", "100.00")), "currency": "INR"}
    if run.dice.random() < 0.3:
        first = {"amount": "50.00", "currency": "INR"}
        await run.achieve("paymentCapture", payment, amount=first, finalCapture=False)
        await run.achieve("paymentCapture", payment)
    else:
        await run.achieve("paymentCapture", payment, amount=part)
    await run.told_all()


async def refunded(run: Run) -> None:
    """Pay, refund a part, then the rest, then more than there is."""
    payment = await run.opened(await run.order())
    await run.pay(payment)
    await run.told_all()
    part = {"amount": run.dice.choice(("1.00", "200.00")), "currency": "INR"}
    await run.achieve("refundCreate", payment, amount=part, reason="Too weak")
    await run.achieve("refundCreate", payment)
    await run.on_payment("refundCreate", payment, amount=part)
    await run.told_all()


async def refund_fails(run: Run) -> None:
    """A refund that had gone through fails afterwards; another one is refused by the gateway at once."""
    payment = await run.opened(await run.order())
    await run.pay(payment, REFUND_FAILS)
    await run.told_all()
    await run.achieve("refundCreate", payment)
    await run.told_all()
    await run.chaos("refund", 400)
    key = str(uuid4())
    for _ in range(2):
        await run.on_payment("refundCreate", payment, key=key)
    await run.told_all()


async def disputed(run: Run) -> None:
    """A dispute comes up and is closed, and the shop delivers meanwhile."""
    guest = await run.order()
    payment = await run.opened(guest)
    await run.pay(payment, DISPUTED)
    await run.told_all()
    await asyncio.sleep(0.02)
    await run.told_all()
    disputes = run.stage.truth.payments[payment["reference"]]["disputes"]
    for dispute in disputes:
        path = f"/v1/payments/{payment['reference']}/_disputes/{dispute['id']}/close"
        await run.stage.sandbox("POST", path, {"result": run.dice.choice(("won", "lost"))})
    goods = {"orderId": guest.order_id, "status": "SHIPPED", "message": "On its way"}
    await run.client.achieve("orderFulfill", goods)
    await run.told_all()


async def payment_canceled(run: Run) -> None:
    """Give a payment up, refuse it a second time, and pay with another one."""
    guest = await run.order()
    payment = await run.opened(guest)
    await run.achieve("paymentCancel", payment, reason="Changed my mind")
    await run.told_all()
    await run.on_payment("paymentCancel", payment)
    await run.pay(await run.opened(guest))
    await run.told_all()


async def order_canceled(run: Run) -> None:
    """Cancel an order with an open payment, one with a payment that the gateway never had, one at a wrong version."""
    guest = await run.order()
    await run.achieve("paymentCancel", await run.opened(guest))
    payment = await run.opened(guest)
    await run.told_all()
    wrong = {"orderId": guest.order_id, "expectedVersion": 99}
    await run.client.call("orderCancel", wrong, guest.token)
    await run.client.achieve("orderCancel", {"orderId": guest.order_id, "reason": "No tea"}, guest.token)
    await run.on_payment("paymentCapture", payment)
    await run.told_all()


async def held_for_nothing(run: Run) -> None:
    """The gateway refuses to give a payment up, and the shopper is still let pay: nobody may capture that."""
    guest = await run.order(latePaymentPolicy="HOLD")
    payment = await run.opened(guest, captureMethod="MANUAL")
    await run.chaos("cancel", 400)
    await run.client.call("orderCancel", {"orderId": guest.order_id, "reason": "No tea"}, guest.token)
    await run.pay(payment)
    await run.told_all()
    await run.on_payment("paymentCapture", payment)
    await run.told_all()


async def looked_up(run: Run) -> None:
    """Confirm and sync: the shopper is back before the webhook; then with nonsense, and too often."""
    guest = await run.order()
    payment = await run.opened(guest)
    run.gateway.paused = True
    await run.pay(payment)
    if run.dice.random() < 0.5:
        await run.sync(payment, guest.token)
    await run.achieve("paymentConfirm", payment, gatewayData={"payment": payment["reference"]})
    await run.on_payment("paymentConfirm", payment, gatewayData={"payment": "another"})
    await run.on_payment("paymentConfirm", payment, gatewayData={"much": "x" * 17_000})
    other = await run.opened(await run.order())
    await asyncio.gather(*(run.sync(each) for each in (payment, payment, other)))
    revoke = (
        "mutation ($id: ID!, $token: String)"
        " { orderAccessTokenRevoke(orderId: $id, accessToken: $token) { errors { code } } }"
    )
    for token in (guest.token, None):
        await run.client.run(revoke, {"id": guest.order_id, "token": token}, STAFF_KEY)
    await run.told_all()


async def several_payments(run: Run) -> None:
    """Two payments of one order, both successful, told at once."""
    guest = await run.order()
    half = {"amount": "249.50", "currency": "INR"}
    first = await run.opened(guest, amount=half, returnUrl="http://127.0.0.1:9/back")
    await run.pay(first)
    await run.told_all()
    second = await run.opened(guest)
    await run.pay(second)
    for refused in ({"amount": half}, {"method": "UPI_QR"}, {"returnUrl": "nonsense"}):
        await run.open(guest, **refused)
    await run.told_all()


async def surplus(run: Run) -> None:
    """Two payments of the whole order succeed at once: one of them is too much, whatever the order's policy is."""
    guest = await run.order(latePaymentPolicy=run.dice.choice(("HONOR", "REFUND", "HOLD")))
    first, second = await run.opened(guest), await run.opened(guest)
    run.gateway.paused = True
    await asyncio.gather(run.pay(first), run.pay(second))
    await run.told_all()
    for payment in (first, second):
        run.gateway.send(orjson.dumps(run.forged(payment)))
    await run.told_all()


async def keys(run: Run) -> None:
    """One key: the same call at once, again, and with other parameters. And keys that are none."""
    guest = await run.order()
    key = str(uuid4())
    payloads = await asyncio.gather(*(run.open(guest, key) for _ in range(6)))
    run.client.keys["paymentCreate"] -= 5
    await run.open(guest, key, captureMethod="MANUAL")
    for bad in ("", "x" * 300):
        await run.open(guest, bad)
    anonymous = {"lines": [{"sku": "TEA-499.00", "quantity": 1}]}
    await run.client.call("orderCreate", anonymous, None, "guessable")
    await run.pay(payloads[0]["payment"])
    query = "mutation ($id: ID!, $s: Int) { orderAccessTokenCreate(orderId: $id, ttlSeconds: $s) { accessToken } }"
    for seconds in (60, 0):
        await run.client.run(query, {"id": guest.order_id, "s": seconds}, guest.token)
    await run.told_all()
