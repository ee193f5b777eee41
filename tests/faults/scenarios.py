"""The scenarios: small stories that together reach every point of the money path. The dice decide amounts and order."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import orjson

from tests.faults.board import Action
from tests.faults.hostile import hostile
from tests.faults.run import DECLINED, DISPUTED, GOOD, REFUND_FAILS, Run, charged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

AWAY_SECONDS: Final = 0.9
"""Longer than a submission waits for a database that is away."""
BETWEEN_HALVES: Final = "app.settle:Settler._halve/after await self._settle(connection, batch[:middle])#1"
AFTER_COMMIT: Final = "app.batch:settle_batch/after leaving connection.transaction()#1"


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
    await run.on_payment("paymentCapture", payment, amount=None if run.dice.random() < 0.3 else part)
    await run.told_all()


async def refunded(run: Run) -> None:
    """Pay, refund a part, then the rest, then more than there is."""
    payment = await run.opened(await run.order())
    await run.pay(payment)
    await run.told_all()
    part = {"amount": run.dice.choice(("1.00", "200.00")), "currency": "INR"}
    await run.on_payment("refundCreate", payment, amount=part, reason="Too weak")
    await run.on_payment("refundCreate", payment)
    await run.on_payment("refundCreate", payment, amount=part)
    await run.told_all()


async def refund_fails(run: Run) -> None:
    """A refund that had gone through fails afterwards; another one is refused by the gateway at once."""
    payment = await run.opened(await run.order())
    await run.pay(payment, REFUND_FAILS)
    await run.told_all()
    await run.on_payment("refundCreate", payment)
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
    await run.client.call("orderFulfill", goods)
    await run.told_all()


async def payment_canceled(run: Run) -> None:
    """Give a payment up, refuse it a second time, and pay with another one."""
    guest = await run.order()
    payment = await run.opened(guest)
    await run.on_payment("paymentCancel", payment, reason="Changed my mind")
    await run.told_all()
    await run.on_payment("paymentCancel", payment)
    await run.pay(await run.opened(guest))
    await run.told_all()


async def order_canceled(run: Run) -> None:
    """Cancel an order with an open payment, one with a payment that the gateway never had, one at a wrong version."""
    guest = await run.order()
    await run.on_payment("paymentCancel", await run.opened(guest))
    await run.opened(guest)
    await run.told_all()
    wrong = {"orderId": guest.order_id, "expectedVersion": 99}
    await run.client.call("orderCancel", wrong, guest.token)
    await run.client.call("orderCancel", {"orderId": guest.order_id, "reason": "No tea"}, guest.token)
    await run.told_all()


async def never_opened(run: Run) -> None:
    """The gateway is away when a payment is to be opened; it is asked after, then the order is canceled."""
    guest = await run.order()
    run.client.patient = False
    await run.chaos("create_payment", 503)
    payload = await run.open(guest)
    run.client.patient = True
    for payment in [payload["payment"]] if payload["payment"] else []:
        await run.sync(payment, guest.token)
    query = "query ($id: ID!) { order(id: $id) { payments { id } } }"
    order = (await run.client.run(query, {"id": guest.order_id}, guest.token))["order"]
    for payment in order["payments"]:
        await run.sync(payment, guest.token)
    await run.client.call("orderCancel", {"orderId": guest.order_id}, guest.token)
    await run.told_all()


async def cancel_meets_money(run: Run) -> None:
    """The shopper has paid, the shop doesn't know yet and cancels: the gateway refuses, and is asked. Or is away."""
    guest = await run.order()
    payment = await run.opened(guest)
    await run.told_all()
    run.gateway.paused = True
    await run.pay(payment)
    if run.dice.random() < 0.5:
        await run.chaos("cancel", 503)
    await run.client.call("orderCancel", {"orderId": guest.order_id}, guest.token)
    await run.told_all()


async def gateway_trouble(run: Run) -> None:
    """The gateway fails, refuses, declines and does not make sense, each once."""
    guest = await run.order()
    await run.chaos("create_payment", run.dice.choice((503, "garbage_after")))
    first = await run.opened(guest)
    await run.on_payment("paymentCancel", first)
    await run.chaos("create_payment", 400)
    await run.open(guest)
    await run.chaos("create_payment", 402)
    declined = await run.open(guest)
    if declined["payment"] is not None:
        await run.on_payment("paymentCancel", declined["payment"])
    payment = await run.opened(await run.order(), captureMethod="MANUAL")
    await run.chaos("fetch_payment", 503)
    await run.sync(payment)
    await run.pay(payment)
    await run.told_all()
    await run.chaos("capture", run.dice.choice((503, "garbage_after")))
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
    await run.on_payment("paymentConfirm", payment, gatewayData={"payment": payment["reference"]})
    await run.on_payment("paymentConfirm", payment, gatewayData={"payment": "another"})
    await run.on_payment("paymentConfirm", payment, gatewayData={"much": "x" * 17_000})
    other = await run.opened(await run.order())
    await asyncio.gather(*(run.sync(each) for each in (payment, payment, other)))
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


async def odd_deliveries(run: Run) -> None:
    """Deliveries that can't be applied are kept; requests that are no deliveries are turned away."""
    first, second = [await run.opened(await run.order()) for _ in range(2)]
    await asyncio.gather(run.pay(first), run.pay(second))
    await run.told_all()
    mine, other = (run.stage.truth.payments[each["reference"]] for each in (first, second))
    forgeries = [
        run.forged(first, id="sbx_pay_another"),
        run.forged(first, id=second["reference"]),
        run.forged(first, id="sbx_pay_unknown", metadata={}),
        run.forged(first, charges=charged(mine, id=other["charges"][-1]["id"])),
    ]
    for event in forgeries:
        run.send_hopeless(event)
    run.send_hopeless(run.forged(first, charges=charged(mine, captured_at="never")), readable=False)
    await hostile(run.stage.server.port, mine)
    await run.told_all()


async def a_crowd(run: Run) -> None:
    """More deliveries at once than fit into the queue, with poison among them: batches, halves and 503."""
    payments = [await run.opened(await run.order()) for _ in range(4)]
    run.gateway.paused = True
    await asyncio.gather(*(run.pay(payment, run.dice.choice((GOOD, DECLINED))) for payment in payments))
    donor = await run.opened(await run.order())
    await run.pay(donor)
    await run.told_all()
    stolen = run.stage.truth.payments[donor["reference"]]["charges"]
    run.send_hopeless(run.forged(payments[0], charges=stolen), copies=3)
    for payment in payments:
        run.gateway.send(orjson.dumps(run.forged(payment)), copies=12)
    await run.told_all()


async def connections_cut(run: Run) -> None:
    """Every connection to the database is cut, again and again, while somebody pays."""
    payment = await run.opened(await run.order())
    await run.pay(payment, DECLINED)
    for _ in range(2):
        await run.stage.cut_connections()
        await run.pay(payment, DECLINED)
        await asyncio.sleep(run.dice.uniform(0, 0.02))
    await run.pay(payment)
    await run.stage.cut_connections()
    await run.told_all()


async def database_away(run: Run) -> None:
    """The database is away for longer than anybody waits."""
    guest = await run.order()
    payment = await run.opened(guest)
    async with run.stage.database_away():
        await run.pay(payment)
        await asyncio.sleep(AWAY_SECONDS)
    await run.told_all()
    await run.on_payment("refundCreate", payment)
    await run.told_all()


async def in_doubt(run: Run) -> None:
    """A commit happens and nobody hears of it: the batch is submitted again, and finds itself done."""
    payment = await run.opened(await run.order())
    await run.told_all()
    run.gateway.paused = True
    await run.pay(payment)
    run.accomplice(AFTER_COMMIT, Action.LOSE)
    await run.told_all()
    await run.on_payment("refundCreate", payment)
    await run.told_all()


async def mishaps(run: Run) -> None:
    """The server meets what it doesn't expect: in a delivery, in a command, and between the halves of a batch."""
    payments = [await run.opened(await run.order()) for _ in range(2)]
    run.accomplice("app.webhooks:WebhookEndpoint._take/body = await _read(receive)#1", Action.RAISE)
    await asyncio.gather(*(run.pay(payment) for payment in payments))
    await run.told_all()
    run.accomplice("app.batch:_Batch._command/try:#1", Action.RAISE)
    await run.on_payment("refundCreate", payments[0])
    await run.told_all()
    run.accomplice(BETWEEN_HALVES, Action.LOSE)
    stolen = run.stage.truth.payments[payments[0]["reference"]]["charges"]
    run.send_hopeless(run.forged(payments[1], charges=stolen), copies=4)
    for payment in payments:
        run.gateway.send(orjson.dumps(run.forged(payment)), copies=4)
    await run.told_all()


async def restarted(run: Run) -> None:
    """The server is killed, starts, is told to stop under load, and starts again."""
    await run.stage.server.restart(fresh=True)
    payment = await run.opened(await run.order())
    await run.pay(payment)
    async with run.stage.server.reborn():
        run.stage.server.signal(signal.SIGTERM)
        await run.told_all()


SCENARIOS: Final[Mapping[str, Callable[[Run], Awaitable[None]]]] = {
    each.__name__: each
    for each in (
        paid,
        late_failure,
        captured,
        refunded,
        payment_canceled,
        order_canceled,
        several_payments,
        looked_up,
        keys,
        cancel_meets_money,
        never_opened,
        in_doubt,
        refund_fails,
        disputed,
        gateway_trouble,
        connections_cut,
        odd_deliveries,
        a_crowd,
        mishaps,
        restarted,
        database_away,
    )
}
"""By name, cheap ones first."""
