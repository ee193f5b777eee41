"""The troubles: a gateway that fails, a database that goes away, deliveries that make no sense, a restart."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Final

import orjson

from app.domain.states import JobKind
from tests.faults.board import Action
from tests.faults.hostile import hostile
from tests.faults.owed import calm, owe
from tests.faults.run import DECLINED, GOOD, charged, uuid_of

if TYPE_CHECKING:
    from tests.faults.run import Run

AWAY_SECONDS: Final = 0.9
"""Longer than a submission waits for a database that is away."""
BETWEEN_HALVES: Final = "app.settle:Settler._halve/after await self._settle(connection, batch[:middle])#1"
AFTER_COMMIT: Final = "app.batch:settle_batch/after leaving connection.transaction()#1"


async def never_opened(run: Run) -> None:
    """The gateway is away when a payment is to be opened; it is asked after, the order canceled, and it is opened."""
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
    for payment in order["payments"]:
        own = {"payment_id": str(uuid_of(payment["id"])), "order_id": str(uuid_of(guest.order_id))}
        found = await run.stage.sandbox("GET", f"/v1/payments?metadata_payment_id={own['payment_id']}")
        if not found["data"]:  # a late try would have the first one's key: another one is not opened
            await run.stage.sandbox(
                "POST", "/v1/payments", {"amount": 49_900, "currency": "INR", "metadata": own}
            )
        await owe(run.stage.database, JobKind.PAYMENT_POLL, uuid_of(payment["id"]))
    await run.told_all()
    await calm(run.stage.database)


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
    await run.achieve("paymentCapture", payment)
    await run.told_all()


async def refused_and_away(run: Run) -> None:
    """The gateway refuses to open a payment, and is away when it is asked whether it has one."""
    guest = await run.order()
    await run.chaos_at(create_payment=400, list_payments=503, fetch_payment=503, cancel=503)
    payload = await run.open(guest)
    await run.told_all()
    if payload["payment"] is not None:
        await run.on_payment("paymentCancel", payload["payment"])
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
    await run.achieve("refundCreate", payment)
    await run.told_all()


async def in_doubt(run: Run) -> None:
    """A commit happens and nobody hears of it: the batch is submitted again, and finds itself done."""
    payment = await run.opened(await run.order())
    await run.told_all()
    run.gateway.paused = True
    await run.pay(payment)
    run.accomplice(AFTER_COMMIT, Action.LOSE)
    await run.told_all()
    await run.achieve("refundCreate", payment)
    await run.told_all()


async def mishaps(run: Run) -> None:
    """The server meets what it doesn't expect: in a delivery, in a command, and between the halves of a batch."""
    payments = [await run.opened(await run.order()) for _ in range(2)]
    run.accomplice("app.webhooks:WebhookEndpoint._take/body = await _read(receive)#1", Action.RAISE)
    await asyncio.gather(*(run.pay(payment) for payment in payments))
    await run.told_all()
    run.accomplice("app.batch:_Batch._command/try:#1", Action.RAISE)
    await run.achieve("refundCreate", payments[0])
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
