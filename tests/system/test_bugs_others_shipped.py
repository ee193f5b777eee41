"""The bugs that other shops shipped, each as it happened there, replayed against this one.

Each test names the report that it replays. The gateway is a puppet that does the right thing at the wrong moment.
"""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import pytest

from app.batch import Command
from app.domain.changes import ExpireOrder
from app.domain.states import EventSource, LatePaymentPolicy
from app.settle import Settler
from tests.gateways.stripe_objects import declined, failed_charge
from tests.system.audit import broken_invariants, inbox, order_states
from tests.system.deliveries import open_payments, success
from tests.system.processes import (
    STAFF_KEY,
    Server,
    eventually,
    free_port,
    server_settings,
    serving,
    with_password,
)
from tests.system.puppet import CutError, Puppet, pay, payment_of, told
from tests.system.shop import UPDATED, Shop
from tests.system.stripe_news import charge_of, dispute_of, intent_of, open_at_stripe, posted
from tests.system.wire import Line, ask

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from app.domain.order import Payment
    from db.pool import Database
    from tests.making import Opened
    from tests.system.puppet import Wire
    from tests.system.shop import Guest
    from tests.system.wire import Answer

PRICE: Final = 49_900
RACES: Final = 20


@dataclass(frozen=True, slots=True)
class Stage:
    """Two servers on one database, and the gateway that both of them call."""

    first: Server
    second: Server
    puppet: Puppet


@pytest.fixture(scope="module")
async def staged(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Everything, started once."""
    folder = tmp_path_factory.mktemp("shipped")
    async with Puppet().running() as puppet:
        settings = {
            "DATABASE_URL": with_password(database_dsn),
            "ORDERPULSE_DATA_DIR": str(folder),
            **server_settings(sandbox_url=puppet.url, stripe_url="http://127.0.0.1:9"),
        }
        first, second = (
            Server(free_port(), folder / f"{name}.log", settings) for name in ("first", "second")
        )
        async with serving(first, second):
            yield Stage(first, second, puppet)


@pytest.fixture
def stage(staged: Stage, database: Database) -> Stage:
    """The stage on an empty database, with a gateway that remembers nothing."""
    del database  # emptied by being asked for
    staged.puppet.forget()
    return staged


@pytest.fixture
def shop(stage: Stage) -> Shop:
    """The first server as front ends see it."""
    return Shop(stage.first)


async def mutate(shop: Shop, name: str, given: dict[str, Any], wanted: str, key: str) -> dict[str, Any]:
    """Run a mutation and return its payload, errors included."""
    query = (
        f"mutation ($input: {name[0].upper()}{name[1:]}Input!)"
        f" {{ {name}(input: $input) {{ {wanted} errors {{ code }} }} }}"
    )
    payload: dict[str, Any] = (await shop.run(query, {"input": given}, key=key))[name]
    return payload


async def tell(server: Server, *news: bytes) -> list[int]:
    """Post webhooks one after the other and return how they were answered."""
    return [(await ask(server.port, one)).status for one in news]


async def at_once(servers: Sequence[Server], news: Sequence[bytes]) -> list[Answer]:
    """Have every webhook on its own connection before any of them is written, then write them all."""
    lines = [await Line.open(servers[number % len(servers)].port) for number in range(len(news))]
    for line, one in zip(lines, news, strict=True):
        line.writer.write(one)
    answers = await asyncio.gather(*(line.answer() for line in lines))
    for line in lines:
        line.close()
    return list(answers)


def paid_at_the_gateway(payment: Payment) -> Wire:
    """Return what a gateway tells of a payment, that stands in the database, after it was paid."""
    metadata = {"payment_id": str(payment.id)}
    return pay(payment_of(f"sbx_pay_{payment.id}", metadata, payment.currency, payment.amount_minor))


async def booked(database: Database) -> dict[str, int]:
    """Return the sums of the whole ledger by account."""
    rows = await database.fetch("SELECT account, sum(amount_minor)::int FROM ledger_entries GROUP BY account")
    return {account: minor for account, minor in map(tuple, rows) if minor}


async def test_a_webhook_that_comes_before_the_call_to_create_returns_is_applied(
    stage: Stage, shop: Shop, database: Database
) -> None:
    """Source: duncanmcclean/statamic-cargo#190."""
    guest = await shop.order()

    async def shopper_is_faster(payment: Wire) -> None:
        assert await tell(stage.first, told(pay(payment.copy()))) == [200]

    stage.puppet.before_answer = shopper_is_faster
    payment = await shop.pay(guest, "SANDBOX")

    assert payment["status"] == "SUCCEEDED"
    assert [(kind, source) for _, kind, source in await shop.timeline(guest)] == [
        ("ORDER_CREATED", "API"),
        ("PAYMENT_CREATED", "API"),
        ("PAYMENT_SUCCEEDED", "WEBHOOK"),
        ("ORDER_CONFIRMED", "WEBHOOK"),
    ]
    assert await order_states(database) == {("CONFIRMED", "PAID", 4, PRICE, 0): 1}
    assert {status for status, _ in (await inbox(database)).values()} == {"APPLIED"}
    assert await broken_invariants(database) == []


async def test_a_late_failure_of_the_first_try_leaves_a_payment_of_the_second_alone(
    stage: Stage, database: Database
) -> None:
    """Source: woocommerce/woocommerce-gateway-stripe#902."""
    opened = await open_at_stripe(database)
    payment = opened.payment
    second = charge_of(payment, 2)
    succeeded = intent_of(
        payment, "succeeded", amount_received=1000, payment_method="pm_2", latest_charge=second["id"]
    )
    failed = intent_of(
        payment,
        "requires_payment_method",
        last_payment_error=declined("pm_1"),
        latest_charge=f"ch_1_{payment.id.hex}",
    )

    paid = await tell(
        stage.first, posted("charge.succeeded", second), posted("payment_intent.succeeded", succeeded)
    )
    before = await order_states(database)
    late = await tell(
        stage.first,
        posted("payment_intent.payment_failed", failed),
        posted("charge.failed", charge_of(payment, 1, failed_charge)),
    )

    assert (paid, late) == ([200, 200], [200, 200])
    assert before == await order_states(database) == {("CONFIRMED", "PAID", 4, 1000, 0): 1}
    tries = await database.fetch("SELECT status FROM payment_attempts ORDER BY status")
    assert [row["status"] for row in tries] == ["FAILED", "SUCCEEDED"]
    assert (await database.fetch("SELECT status, late_authorized FROM payments"))[0][:] == (
        "SUCCEEDED",
        False,
    )
    assert await broken_invariants(database) == []


async def test_a_paid_order_is_not_given_up_as_unpaid_when_its_time_is_over(
    stage: Stage, database: Database
) -> None:
    """Source: woocommerce/woocommerce-gateway-stripe#5485. Where the clock wins a race, the money is late."""
    opened = await open_due(database, RACES * 2)
    before, racing = opened[:RACES], opened[RACES:]

    async with Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None) as clock:

        async def times_out(each: Opened) -> None:
            await clock.submit(Command(order_id=each.order.id, change=ExpireOrder(source=EventSource.SYSTEM)))

        answers = await at_once([stage.first], [success(each.payment).request for each in before])
        await asyncio.gather(*(times_out(each) for each in before))
        paid_first = await order_states(database)
        posting = asyncio.create_task(
            at_once([stage.first, stage.second], [success(each.payment).request for each in racing])
        )
        await asyncio.gather(*(times_out(each) for each in racing))
        answers += await posting

    assert [answer.status for answer in answers] == [200] * RACES * 2
    assert paid_first[("CONFIRMED", "PAID", 4, PRICE, 0)] == RACES
    for status, payment_status, _, paid, refunded in await order_states(database):
        assert (status, payment_status, paid, refunded) in [
            ("CONFIRMED", "PAID", PRICE, 0),
            ("EXPIRED", "PAID", PRICE, 0),  # late, and its refund is owed
        ]
    owed = await database.fetch(
        """SELECT o.status, count(r.id) AS refunds, coalesce(sum(r.amount_minor), 0)::int AS minor
             FROM orders o JOIN payments p ON p.order_id = o.id LEFT JOIN refunds r ON r.payment_id = p.id
            GROUP BY o.id"""
    )
    assert {tuple(row) for row in owed} <= {("CONFIRMED", 0, 0), ("EXPIRED", 1, PRICE)}
    assert await broken_invariants(database) == []


async def open_due(database: Database, count: int) -> list[Opened]:
    """Write orders with an open payment each whose time to pay is over."""
    opened = await open_payments(database, count)
    await database.fetch("UPDATE orders SET expires_at = now() - interval '1 second' RETURNING id")
    return opened


@pytest.mark.parametrize(
    ("policy", "ends"),
    [
        (LatePaymentPolicy.REFUND, ("CANCELED", "PAID", 1, 0)),
        (LatePaymentPolicy.HOLD, ("CANCELED", "REVIEW", 0, 1)),
        (LatePaymentPolicy.HONOR, ("CONFIRMED", "PAID", 0, 0)),
    ],
)
async def test_money_that_comes_after_the_order_was_canceled_has_a_place(
    stage: Stage, shop: Shop, database: Database, policy: LatePaymentPolicy, ends: tuple[str, str, int, int]
) -> None:
    """Source: woocommerce/woocommerce-gateway-stripe#5703, and plugins that answer 200 and forget the money."""
    guest = await shop.order()
    await database.fetch("UPDATE orders SET late_payment_policy = $1 RETURNING id", policy)
    await shop.pay(guest, "SANDBOX")
    (payment,) = stage.puppet.payments.values()
    canceled = await mutate(
        shop,
        "orderCancel",
        {"orderId": guest.order_id, "idempotencyKey": str(uuid4())},
        "order { status }",
        STAFF_KEY,
    )
    answer = await tell(stage.first, told(pay(payment)))

    assert (canceled["errors"], canceled["order"]) == ([], {"status": "CANCELED"})
    assert answer == [200]
    (row,) = await database.fetch(
        """SELECT o.status, o.payment_status,
                  (SELECT count(*) FROM refunds WHERE amount_minor = o.paid_minor AND initiated_by = 'LATE_PAYMENT'),
                  (SELECT count(*) FROM suspense_items
                    WHERE amount_minor = o.paid_minor AND reason = 'LATE_PAYMENT' AND resolved_at IS NULL)
             FROM orders o"""
    )
    # A refund that the shop owes may already have been made by whoever does what is owed.
    assert tuple(row) in {ends, (ends[0], "REFUNDED", *ends[2:])} if ends[2] else tuple(row) == ends
    assert [kind for _, kind, _ in await shop.timeline(guest)].count("PAYMENT_SUCCEEDED") == 1
    assert await broken_invariants(database) == []


async def test_a_webhook_and_a_confirmation_at_the_same_instant_settle_once(
    stage: Stage, shop: Shop, database: Database
) -> None:
    """Source: medusajs/medusa#13301, saleor/saleor#12652."""
    guests = [await shop.order() for _ in range(RACES)]
    opened = [(guest, await shop.pay(guest, "SANDBOX")) for guest in guests]
    news = [told(pay(payment)) for payment in stage.puppet.payments.values()]
    start = asyncio.Barrier(2 * RACES)

    async def confirm(guest: Guest, payment_id: str) -> dict[str, Any]:
        await start.wait()
        return await shop.confirm(guest, payment_id, {})

    async def post(number: int) -> int:
        async with await Line.open((stage.first, stage.second)[number % 2].port) as line:
            await start.wait()
            return (await line.ask(news[number])).status

    confirmed, statuses = await asyncio.gather(
        asyncio.gather(*(confirm(guest, payment["id"]) for guest, payment in opened)),
        asyncio.gather(*(post(number) for number in range(RACES))),
    )

    assert statuses == [200] * RACES
    assert [payload["errors"] for payload in confirmed] == [[]] * RACES
    assert {payload["payment"]["status"] for payload in confirmed} == {"SUCCEEDED"}
    assert await order_states(database) == {("CONFIRMED", "PAID", 4, PRICE, 0): RACES}
    assert await booked(database) == {"SALES": -PRICE * RACES, "GATEWAY_CLEARING": PRICE * RACES}
    assert await broken_invariants(database) == []


async def test_three_webhooks_of_one_payment_at_once_settle_it_once(stage: Stage, database: Database) -> None:
    """Source: Pinelab-studio/pinelab-vendure-plugins#620. Each has an id of its own, so no inbox tells them apart."""
    opened = await open_payments(database, RACES)
    news = [told(paid_at_the_gateway(each.payment)) for each in opened for _ in range(3)]

    answers = await at_once([stage.first, stage.second], news)

    assert [answer.status for answer in answers] == [200] * 3 * RACES
    assert len(await inbox(database)) == 3 * RACES
    assert await order_states(database) == {("CONFIRMED", "PAID", 4, PRICE, 0): RACES}
    assert await booked(database) == {"SALES": -PRICE * RACES, "GATEWAY_CLEARING": PRICE * RACES}
    assert await broken_invariants(database) == []


@pytest.mark.parametrize("killed", [False, True])
async def test_a_call_that_is_repeated_bears_the_same_key_also_after_a_crash(
    stage: Stage, shop: Shop, database: Database, killed: bool
) -> None:
    """Source: woocommerce/woocommerce-gateway-stripe#2339, where a retry was a second charge."""
    guest = await shop.order()
    given = {"orderId": guest.order_id, "gateway": "SANDBOX", "idempotencyKey": str(uuid4())}

    async def breaks(_: Wire) -> None:
        if killed:
            stage.first.signal(signal.SIGKILL)
            await stage.first.ended()
        raise CutError

    async def create() -> dict[str, Any]:
        return await mutate(shop, "paymentCreate", given, "payment { id status }", guest.token)

    stage.puppet.before_answer = breaks
    if killed:
        with pytest.raises((OSError, EOFError)):
            await create()
        await stage.first.start()
        # The lease on the key of a caller whose server died runs out after a minute.
        await database.fetch(
            "UPDATE idempotency_keys SET locked_until = now() WHERE answer IS NULL RETURNING id"
        )
    else:
        assert [error["code"] for error in (await create())["errors"]] == ["GATEWAY_UNAVAILABLE"]
    again = await create()

    assert again["errors"] == []
    keys = stage.puppet.keys("/v1/payments")
    assert (len(keys), len(set(keys)), len(stage.puppet.payments)) == (2, 1, 1)
    assert (await database.fetch("SELECT count(*) FROM payments"))[0][0] == 1


async def test_a_refund_that_is_repeated_bears_the_same_key(
    stage: Stage, shop: Shop, database: Database
) -> None:
    """Source: woocommerce/woocommerce-gateway-stripe#2339, for money on its way back."""
    guest = await shop.order()
    payment_id = (await shop.pay(guest, "SANDBOX"))["id"]
    (payment,) = stage.puppet.payments.values()
    await tell(stage.first, told(pay(payment)))
    given = {"paymentId": payment_id, "idempotencyKey": str(uuid4())}

    async def breaks(_: Wire) -> None:
        raise CutError

    async def refund() -> dict[str, Any]:
        return await mutate(shop, "refundCreate", given, "refund { status }", STAFF_KEY)

    stage.puppet.before_answer = breaks
    unknown = await refund()
    again = await refund()

    assert [error["code"] for error in unknown["errors"]] == ["GATEWAY_UNAVAILABLE"]
    assert (again["errors"], again["refund"]) == ([], {"status": "SUCCEEDED"})
    keys = stage.puppet.keys("/refunds")
    assert (len(keys), len(set(keys)), len(payment["refunds"])) == (2, 1, 1)
    assert await order_states(database) == {("CONFIRMED", "REFUNDED", 6, PRICE, PRICE): 1}
    assert await broken_invariants(database) == []


_CRASHES: Final = """
  CREATE SEQUENCE crashes;
  CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM nextval('crashes');  -- survives the rollback
    PERFORM pg_terminate_backend(pg_backend_pid());
    RETURN NULL;
  END $$
"""
_CRASH: Final = {
    "between the writes": "CREATE TRIGGER crash AFTER INSERT ON order_events FOR EACH STATEMENT",
    "at the commit": "CREATE CONSTRAINT TRIGGER crash AFTER INSERT ON order_events"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW",
}
_NO_CRASHES: Final = """
  DROP TRIGGER IF EXISTS crash ON order_events; DROP FUNCTION IF EXISTS crash; DROP SEQUENCE IF EXISTS crashes
"""


@pytest.mark.parametrize("when", list(_CRASH))
async def test_a_crash_between_the_event_and_the_order_leaves_neither_and_the_next_try_brings_both(
    stage: Stage, database: Database, when: str
) -> None:
    """The gap between two commits, in which shops mark a webhook as seen and then lose what it said."""
    (opened,) = await open_payments(database, 1)

    async def crashed_twice() -> bool:
        return bool((await database.fetch("SELECT last_value FROM crashes"))[0][0] >= 2)

    try:
        async with database.connection() as connection:
            await connection.execute(f"{_CRASHES}; {_CRASH[when]} EXECUTE FUNCTION crash()")
        posting = asyncio.create_task(ask(stage.first.port, success(opened.payment).request))
        await eventually(crashed_twice)
        left = (await order_states(database), await inbox(database), await booked(database))
        answered = posting.done()
    finally:
        async with database.connection() as connection:
            await connection.execute(_NO_CRASHES)

    assert (await posting).status == 200
    assert not answered
    assert left == ({("PENDING", "UNPAID", 2, 0, 0): 1}, {}, {})
    assert await order_states(database) == {("CONFIRMED", "PAID", 4, PRICE, 0): 1}
    assert set((await inbox(database)).values()) == {("APPLIED", 1)}
    assert await broken_invariants(database) == []


async def test_a_refunded_order_is_not_revived_by_a_late_word_that_it_was_paid(
    stage: Stage, shop: Shop, database: Database
) -> None:
    """Source: mollie/WooCommerce#1252."""
    guest = await shop.order()
    payment_id = (await shop.pay(guest, "SANDBOX"))["id"]
    (payment,) = stage.puppet.payments.values()
    late = [told(pay(payment)), told(payment)]
    await tell(stage.first, late[0])
    refunded = await shop.refund(payment_id)
    before = await shop.state(guest)

    answers = await tell(stage.first, late[1], *late)

    assert refunded["errors"] == []
    assert answers == [200] * 3
    assert (before["paymentStatus"], before["refunded"]) == ("REFUNDED", {"amount": "499.00"})
    assert await shop.state(guest) == before
    assert await broken_invariants(database) == []


@pytest.mark.parametrize(
    ("closed", "ends", "taken"),
    [
        ("lost", "PAID", {"DISPUTES": 1000, "SALES": -1000}),
        ("won", "PAID", {"GATEWAY_CLEARING": 1000, "SALES": -1000}),
    ],
)
async def test_a_dispute_that_is_told_as_closed_before_it_is_told_as_created_stays_closed(
    stage: Stage, database: Database, closed: str, ends: str, taken: dict[str, int]
) -> None:
    """Source: polarsource/polar#13048."""
    opened = await open_at_stripe(database)
    payment = opened.payment
    first = charge_of(payment, 1)
    paid = intent_of(
        payment, "succeeded", amount_received=1000, payment_method="pm_1", latest_charge=first["id"]
    )

    answers = await tell(
        stage.first,
        posted("charge.succeeded", first),
        posted("payment_intent.succeeded", paid),
        posted("charge.dispute.closed", dispute_of(payment, closed)),
        posted("charge.dispute.created", dispute_of(payment, "needs_response")),
    )

    assert answers == [200] * 4
    (row,) = await database.fetch("SELECT status FROM disputes")
    assert row["status"] == closed.upper()
    ((_, payment_status, _, paid_minor, _),) = await order_states(database)
    assert (payment_status, paid_minor) == (ends, 1000)
    assert await booked(database) == taken
    assert await broken_invariants(database) == []


async def test_an_answer_that_is_older_than_what_is_committed_is_not_shown(
    stage: Stage, shop: Shop, database: Database
) -> None:
    """Source: juspay/hyperswitch#9278, where callers and webhooks of the merchant were told an older state."""
    guest = await shop.order()
    payment_id = (await shop.pay(guest, "SANDBOX"))["id"]
    (payment,) = stage.puppet.payments.values()

    async def is_overtaken(_: Wire) -> None:
        assert await tell(stage.second, told(pay(payment))) == [200]

    async with shop.socket(guest.token) as client:
        await client.subscribe(UPDATED, {"id": guest.order_id})
        shown = [(await client.data())["orderUpdated"]]
        stage.puppet.before_answer = is_overtaken  # and the answer says what was true before
        confirmed = await shop.confirm(guest, payment_id, {})
        shown.append((await client.data())["orderUpdated"])

    assert confirmed["errors"] == []
    assert confirmed["payment"]["status"] == "SUCCEEDED"
    assert [(one["version"], one["paymentStatus"]) for one in shown] == [(2, "UNPAID"), (4, "PAID")]
    assert await order_states(database) == {("CONFIRMED", "PAID", 4, PRICE, 0): 1}
    assert await broken_invariants(database) == []
