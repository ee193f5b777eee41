"""Executions that sockets share: one for each change, whoever is slow, late, gone or somebody else."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.schema.shop import BEGINNING, STAFF, Client, new_key
from tests.schema.test_subscriptions import FULFILL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.schema.shop import Guest, Shop

UPDATED = "subscription($id: ID!) { orderUpdated(id: $id) { version paymentStatus } }"
EVENTS = """subscription($id: ID!, $after: Cursor) {
  orderEvents(orderId: $id, after: $after) { version order { version } } }"""
STEPS = ("PREPARING", "UNFULFILLED")


@pytest.fixture
def executed(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was executed for shared streams."""
    found: list[object] = []
    schema = shop.graphql.schema
    answer = schema.answer

    async def counted(asked: Any, source: object, context: Any) -> Any:  # noqa: ANN401 - as the original
        found.append(source)
        return await answer(asked, source, context)

    monkeypatch.setattr(schema, "answer", counted)
    return found


async def step(shop: Shop, guest: Guest, status: str) -> None:
    """Have the order change once."""
    given = {"orderId": guest.order_id, "status": status, "idempotencyKey": new_key()}
    data = await shop.run(FULFILL, {"input": given}, key=STAFF)
    assert data["orderFulfill"]["errors"] == []


async def watch(
    stack: AsyncExitStack, shop: Shop, params: dict[str, object], query: str, variables: object
) -> Client:
    client = await stack.enter_async_context(shop.socket(params))
    await client.subscribe(query, variables)
    await client.data()
    return client


async def test_a_change_is_executed_once_for_all_who_may_see_as_much(
    shop: Shop, executed: list[object]
) -> None:
    guest, _ = await shop.paid_order()
    async with AsyncExitStack() as stack:
        ways: list[dict[str, object]] = [
            {"orderAccessToken": guest.token},
            {"authorization": f"Bearer {STAFF}"},
        ]
        clients = [
            await watch(stack, shop, params, UPDATED, {"id": guest.order_id})
            for params in ways
            for _ in range(5)
        ]
        executed.clear()

        await step(shop, guest, "PREPARING")
        seen = [(await client.data())["orderUpdated"] for client in clients]

    assert seen == [{"version": 5, "paymentStatus": "PAID"}] * 10
    assert len(executed) == 2


async def test_events_are_executed_once_wherever_their_readers_began(
    shop: Shop, executed: list[object]
) -> None:
    guest, _ = await shop.paid_order()
    async with AsyncExitStack() as stack:
        staff: dict[str, object] = {"authorization": f"Bearer {STAFF}"}
        early = await watch(stack, shop, staff, EVENTS, {"id": guest.order_id, "after": BEGINNING})
        behind = [(await early.data())["orderEvents"]["version"] for _ in range(3)]
        late = await stack.enter_async_context(shop.socket(staff))
        await late.subscribe(EVENTS, {"id": guest.order_id})
        (stream,) = shop.graphql.sockets.streams._streams.values()
        await until(lambda: len(stream.members) == 2)
        executed.clear()

        await step(shop, guest, "PREPARING")
        seen = [(await client.data())["orderEvents"] for client in (early, late)]

    assert behind == [2, 3, 4]
    assert seen == [{"version": 5, "order": {"version": 5}}] * 2
    assert len(executed) == 1


async def test_a_reader_that_stalls_costs_others_nothing_and_misses_no_event(shop: Shop) -> None:
    guest, _ = await shop.paid_order()
    changes = 40
    wide = " ".join(f"a{n}: orderId" for n in range(25))
    events = EVENTS.replace("version order", f"version {wide} order")
    async with AsyncExitStack() as stack:
        staff: dict[str, object] = {"authorization": f"Bearer {STAFF}"}
        stalled = await watch(stack, shop, staff, events, {"id": guest.order_id, "after": BEGINNING})
        state = await watch(stack, shop, staff, UPDATED, {"id": guest.order_id})
        for client in (stalled, state):
            client.connection.transport.pause_reading()
        other = await watch(stack, shop, staff, events, {"id": guest.order_id, "after": BEGINNING})
        stalled_events, _, stalled_state = [
            member._conversation.socket  # type: ignore[attr-defined]  # the rest of an operation
            for stream in shop.graphql.sockets.streams._streams.values()
            for member in stream.members
        ]
        for socket in (stalled_events, stalled_state):
            socket.pause_writing()  # as the transport does once its buffer is full

        for number in range(changes):
            await step(shop, guest, STEPS[number % 2])
        seen = [(await other.data())["orderEvents"]["version"] for _ in range(3 + changes)]
        for client in (stalled, state):
            client.connection.transport.resume_reading()
        for socket in (stalled_events, stalled_state):
            socket.resume_writing()
        caught_up: list[int] = []
        while not caught_up or caught_up[-1] < 4 + changes:
            caught_up.append((await stalled.data())["orderEvents"]["version"])
        newest = (await state.data())["orderUpdated"]["version"]

    assert seen == list(range(2, 5 + changes))
    assert caught_up == list(range(2, 5 + changes))
    assert newest == 4 + changes


async def test_the_first_state_is_not_older_than_the_reader(shop: Shop) -> None:
    guest, _ = await shop.paid_order()
    staff: dict[str, object] = {"authorization": f"Bearer {STAFF}"}
    async with AsyncExitStack() as stack:
        first = await watch(stack, shop, staff, UPDATED, {"id": guest.order_id})
        for number in range(6):
            await step(shop, guest, STEPS[number % 2])
            other = await stack.enter_async_context(shop.socket(staff))

            await other.subscribe(UPDATED, {"id": guest.order_id})

            assert (await other.data())["orderUpdated"]["version"] == 5 + number
        versions = [0]
        while versions[-1] < 10:
            versions.append((await first.data())["orderUpdated"]["version"])

    assert versions == sorted(set(versions))


async def test_nothing_stays_of_streams_whose_readers_are_gone(shop: Shop) -> None:
    guest, _ = await shop.paid_order()
    staff: dict[str, object] = {"authorization": f"Bearer {STAFF}"}
    async with AsyncExitStack() as stack:
        completed = await watch(stack, shop, staff, UPDATED, {"id": guest.order_id})
        await watch(stack, shop, staff, EVENTS, {"id": guest.order_id, "after": BEGINNING})
        cut = await watch(stack, shop, staff, UPDATED, {"id": guest.order_id})
        assert (shop.graphql.sockets.streams.number, shop.services.hub.watchers) == (2, 3)

        await completed.send({"type": "complete", "id": "1"})
        cut.connection.transport.abort()
        await until_watched(shop, 1)
        assert shop.graphql.sockets.streams.number == 1

    await until_watched(shop, 0)
    assert (shop.graphql.sockets.streams.number, shop.services.hub.orders_watched) == (0, 0)


async def until_watched(shop: Shop, times: int) -> None:
    await until(lambda: shop.services.hub.watchers == times)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - the hub raises no event
            await asyncio.sleep(0.01)
