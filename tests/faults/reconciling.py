"""The stories of owed work: what no webhook tells, money that goes back, orders that run out, deliveries that wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import orjson

from app.domain.ids import IdPrefix, encode_id
from app.domain.states import GatewayName, JobKind
from app.reconcile.backfill import backfill_id
from tests.faults.owed import calm, make_due, owe
from tests.faults.run import ASKS_SHOPPER, GOOD, REFUND_FAILS, charged, uuid_of
from tests.faults.waiting import UnexpectedError, deadline
from tests.system.processes import STAFF_KEY

if TYPE_CHECKING:
    from tests.faults.run import Run
    from tests.faults.truth import Object
    from tests.system.shop import Guest

POLL_SECONDS: Final = 0.03
REPLAY: Final = JobKind.INBOX_REPLAY


async def polled(run: Run) -> None:
    """No webhook tells of a payment: it is asked after before it is paid, and when it is."""
    payment = await run.opened(await run.order())
    await _done(run, JobKind.PAYMENT_POLL)
    await _unheard(run, payment)
    await _done(run, JobKind.PAYMENT_POLL)


async def poll_fails(run: Run) -> None:
    """The gateway refuses to say what became of a payment; another one is so old that nobody asks any more."""
    payment = await run.opened(await run.order())
    await run.chaos("fetch_payment", run.dice.choice((400, 500)))
    await _done(run, JobKind.PAYMENT_POLL)
    old = await run.opened(await run.order())
    await run.told_all()
    await run.stage.database.fetch(
        "UPDATE payments SET created_at = created_at - interval '31 days' WHERE id = $1", uuid_of(old["id"])
    )
    run.given_up.add(uuid_of(old["id"]))
    await _done(run, JobKind.PAYMENT_POLL)
    await run.pay(payment)
    await run.told_all()


async def poll_of_nothing(run: Run) -> None:
    """The gateway was away when a payment was to be opened: it has none to tell of, now and after days."""
    guest = await run.order()
    await run.chaos("create_payment", 503)
    run.client.patient = False
    await run.open(guest)
    run.client.patient = True
    await _done(run, JobKind.PAYMENT_POLL)
    await run.stage.database.fetch(
        "UPDATE payments SET created_at = created_at - interval '2 days' WHERE order_id = ANY($1)",
        list(run.order_ids),
    )
    await _done(run, JobKind.PAYMENT_POLL)
    await run.told_all()


async def called_off(run: Run) -> None:
    """An order is canceled when it is paid, so that its money goes back; before the gateway tells of it, or after."""
    guest = await run.order(latePaymentPolicy=run.dice.choice(("HONOR", "REFUND", "HOLD")))
    payment = await run.opened(guest)
    await run.pay(payment)
    await run.told_all()
    await run.client.achieve("orderCancel", {"orderId": guest.order_id, "reason": "No tea"})
    await calm(run.stage.database)
    await run.told_all()


async def refund_in_doubt(run: Run) -> None:
    """Nobody knows what became of a refund until the gateway is asked again; one is refused for good."""
    for answer in ("garbage_after", 500, 400):
        guest = await run.order()
        payment = await run.opened(guest)
        await run.pay(payment)
        await run.told_all()
        await run.chaos("refund", answer)
        await run.client.achieve("orderCancel", {"orderId": guest.order_id, "reason": "No tea"})
        await calm(run.stage.database)
    await run.told_all()


async def refund_left_alone(run: Run) -> None:
    """Whoever asked for a refund went away when the gateway didn't answer: it is seen through without them."""
    payment = await run.opened(await run.order())
    await run.pay(payment)
    await run.told_all()
    await run.chaos("refund", run.dice.choice(("garbage_after", 500)))
    run.client.patient = False
    await run.on_payment("refundCreate", payment)
    run.client.patient = True
    await _done(run, JobKind.REFUND)
    await run.told_all()


async def refund_refused(run: Run) -> None:
    """A refund is refused whose fate can't be asked after at once; a cancellation, of a payment that is not there."""
    payment = await run.opened(await run.order())
    await run.pay(payment)
    await run.told_all()
    await run.chaos_at(refund=400, fetch_payment=500)
    await run.on_payment("refundCreate", payment)
    guest = await run.order()
    await run.opened(guest)
    await run.told_all()
    await run.chaos_at(cancel=400, fetch_payment=404)
    await run.client.call("orderCancel", {"orderId": guest.order_id, "reason": "No tea"})
    await calm(run.stage.database)
    await run.told_all()


async def released(run: Run) -> None:
    """An authorisation beyond what the order costs is released; the gateway refuses that at first."""
    guest = await run.order(latePaymentPolicy="REFUND")
    first, second = [await run.opened(guest, captureMethod="MANUAL") for _ in range(2)]
    await run.pay(first)
    await run.told_all()
    await run.achieve("paymentCapture", first)
    await run.chaos("cancel", 400)
    await run.pay(second)
    await run.told_all()
    await calm(run.stage.database)
    await run.told_all()


async def expired(run: Run) -> None:
    """Orders run out: one that nobody began to pay, one that somebody had begun to, and one that is looked at early."""
    guests = [await run.order(expiresIn=3600) for _ in range(3)]
    await run.opened(guests[1])
    await _run_out(run, *guests[:2])
    await run.told_all()
    await calm(run.stage.database)
    await run.told_all()


async def expiry_meets_money(run: Run) -> None:
    """The time of orders runs out that are paid, which nobody was told of, and of one that can't be given up."""
    paid = await run.order(expiresIn=3600)
    payment = await run.opened(paid)
    await _unheard(run, payment)
    await _run_out(run, paid)
    held = await run.order(expiresIn=3600)
    begun = await run.opened(held)
    await run.pay(begun, ASKS_SHOPPER)
    await run.told_all()
    await run.chaos("cancel", 400)
    await _run_out(run, held)
    await run.chaos("cancel", 500)
    await _done(run, JobKind.ORDER_EXPIRY)
    await run.told_all()


async def missing_gateway(run: Run) -> None:
    """An order runs out whose payment is with a gateway that is not set up any more, until it is again."""
    guest = await run.order(expiresIn=3600)
    payment = uuid_of((await run.opened(guest))["id"])
    await run.told_all()
    move = "UPDATE payments SET gateway = $2 WHERE id = $1"
    await run.stage.database.fetch(move, payment, "STRIPE")
    kept = "UPDATE orders SET expires_at = statement_timestamp() WHERE id = $1"
    await run.stage.database.fetch(kept, uuid_of(guest.order_id))
    await make_due(run.stage.database, JobKind.ORDER_EXPIRY)
    await _until(run, "SELECT 1 FROM jobs WHERE kind = 'ORDER_EXPIRY' AND last_error IS NOT NULL")
    await run.stage.database.fetch(move, payment, "SANDBOX")
    await calm(run.stage.database)
    await run.told_all()


async def replayed(run: Run) -> None:
    """A delivery names a payment that comes to be known by that name only later; then it is applied."""
    guest = await run.order()
    await run.chaos("create_payment", "garbage_after")
    run.client.patient = False
    await run.open(guest)
    run.client.patient = True
    run.stage.truth.news()
    (found,) = (each for [each] in run.stage.truth.of_orders(run.order_ids).values())
    await run.pay({"reference": found["id"]})
    run.stage.truth.news()
    event = run.forged({"reference": found["id"]}, metadata={})
    run.gateway.send(orjson.dumps(event))
    await run.told_all()
    await make_due(run.stage.database, REPLAY)
    await _until(
        run, "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE kind = $1 AND last_error IS NULL)", REPLAY
    )
    await run.sync({"id": encode_id(IdPrefix.PAYMENT, UUID(found["metadata"]["payment_id"]))})
    await _until(run, "SELECT 1 FROM inbox_events WHERE external_id = $1 AND status = 'APPLIED'", event["id"])


async def replayed_in_vain(run: Run) -> None:
    """Staff have deliveries tried again: what can't be applied still can't, and what can't be read, either."""
    first, second = [await run.opened(await run.order()) for _ in range(2)]
    await asyncio.gather(run.pay(first), run.pay(second))
    await run.told_all()
    mine, other = (run.stage.truth.payments[each["reference"]] for each in (first, second))
    run.send_hopeless(run.forged(first, charges=charged(mine, id=other["charges"][-1]["id"])))
    run.send_hopeless(run.forged(first, charges=charged(mine, captured_at="never")), readable=False)
    applied = run.forged(first)
    run.gateway.send(orjson.dumps(applied))
    await run.told_all()
    query = "mutation ($id: ID!) { inboxEventReplay(id: $id) { errors { code } } }"
    inbox = "SELECT id FROM inbox_events WHERE external_id = ANY($1)"
    rows = await run.stage.database.fetch(inbox, [*run.hopeless.values(), applied["id"]])
    for row in rows:
        await run.client.run(query, {"id": encode_id(IdPrefix.INBOX_EVENT, row["id"])}, STAFF_KEY)
        await owe(run.stage.database, REPLAY, row["id"])
    await _until(
        run,
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE subject_id = ANY($1) AND died_at IS NULL)",
        [row["id"] for row in rows],
    )


async def unknown_money(run: Run) -> None:
    """Money comes in of which no order is known, and is sent back: once at once, once when the bank says no after."""
    for card, answer in ((GOOD, 500), (GOOD, None), (REFUND_FAILS, "garbage_after")):
        reference = await _strangers_payment(run, card)
        item = (await _until(run, "SELECT id FROM suspense_items WHERE reference = $1", reference))["id"]
        if answer is not None:
            await run.chaos("refund", answer)
        if card == REFUND_FAILS:
            run.given_up.add(item)
        given = {
            "id": encode_id(IdPrefix.SUSPENSE_ITEM, item),
            "resolution": "REFUND",
            "message": "Whose is it?",
        }
        await run.client.achieve("suspenseResolve", given)
        await calm(run.stage.database)
        await _tell_of_stranger(run)
        refunds = len(run.stage.truth.payments[reference]["refunds"])
        if refunds != 1:
            raise UnexpectedError(f"money of {reference} went back {refunds} times")


async def held(run: Run) -> None:
    """What was paid too much is held until staff say what becomes of it; the second thing they say is refused."""
    guest = await run.order(latePaymentPolicy="HOLD")
    payments = [await run.opened(guest) for _ in range(2)]
    run.gateway.paused = True
    await asyncio.gather(*(run.pay(payment) for payment in payments))
    await run.told_all()
    for payment in payments:
        run.gateway.send(orjson.dumps(run.forged(payment)))
    await run.told_all()
    ids = [uuid_of(payment["id"]) for payment in payments]
    item = (await _until(run, "SELECT id FROM suspense_items WHERE payment_id = ANY($1)", ids))["id"]
    answers = []
    for resolution in run.dice.sample(("REFUND", "WRITE_OFF", "APPLY_TO_ORDER"), 3):
        said = {"id": encode_id(IdPrefix.SUSPENSE_ITEM, item), "resolution": resolution}
        answers.append(await run.client.call("suspenseResolve", said))
    if sum(not answer["errors"] for answer in answers) != 1:  # a paid order has no room for more
        raise UnexpectedError(f"one of three resolutions holds: {answers}")
    await calm(run.stage.database)
    await run.told_all()


async def backfilled(run: Run) -> None:
    """Nobody told of anything, neither of what was paid nor of what was declined; the gateway's list has it all."""
    payments = [await run.opened(await run.order()) for _ in range(3)]
    for payment in payments:
        await _unheard(run, payment)
    await run.chaos("list_events", run.dice.choice((500, 503)))
    await run.stage.database.fetch("UPDATE gateway_states SET listed_until = NULL")
    for _ in range(2):
        await owe(run.stage.database, JobKind.GATEWAY_BACKFILL, backfill_id(GatewayName.SANDBOX))
        await calm(run.stage.database)


async def owed_for_nothing(run: Run) -> None:
    """What is owed has come to its end by other ways, or is not there: nothing is left to do, and nothing is done."""
    payment = await run.opened(await run.order())
    await run.pay(payment)
    await run.told_all()
    for kind in JobKind:
        if kind is not JobKind.GATEWAY_BACKFILL:
            await owe(run.stage.database, kind, uuid4())
    await owe(run.stage.database, JobKind.PAYMENT_POLL, uuid_of(payment["id"]))
    await calm(run.stage.database)


async def _unheard(run: Run, payment: Object) -> None:
    """Have a payment paid, and every webhook about it get lost."""
    await run.told_all()
    run.gateway.paused = True
    await run.pay(payment)
    run.stage.truth.news()
    run.gateway.paused = False


async def _done(run: Run, *kinds: JobKind) -> None:
    """Let the time come for jobs, and wait until they are done."""
    await make_due(run.stage.database, *kinds)
    await calm(run.stage.database)


async def _run_out(run: Run, *guests: Guest) -> None:
    """Let the time of orders run out; the others' jobs come due too early."""
    await run.stage.database.fetch(
        "UPDATE orders SET expires_at = statement_timestamp() WHERE id = ANY($1)",
        [uuid_of(guest.order_id) for guest in guests],
    )
    await _done(run, JobKind.ORDER_EXPIRY)


async def _strangers_payment(run: Run, card: str) -> str:
    """Have somebody pay at the gateway without an order here, and return the gateway's id of it."""
    await run.told_all()
    run.gateway.paused = True
    opened = await run.stage.sandbox("POST", "/v1/payments", {"amount": 70_000, "currency": "INR"})
    reference: str = opened["id"]
    await run.pay(opened | {"reference": reference}, card)
    await _tell_of_stranger(run)
    return reference


async def _tell_of_stranger(run: Run) -> None:
    """Send what the gateway tells of a payment that is nobody's: of its money no order is known."""
    for event in run.stage.truth.news():
        if event["data"]["object"]["amount_captured"]:
            run.send_hopeless(event)
        else:
            run.gateway.send(orjson.dumps(event))
    await run.told_all()
    run.gateway.paused = True


async def _until(run: Run, statement: str, *arguments: object) -> Object:
    """Wait until there is such a row, and return it."""
    async with deadline(30, statement):
        while not (rows := await run.stage.database.fetch(statement, *arguments)):  # noqa: ASYNC110 - as in calm
            await asyncio.sleep(POLL_SECONDS)
    return dict(rows[0])
