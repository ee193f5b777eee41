"""The relay over a broker that misbehaves: it never keeps anybody waiting, and comes back by itself."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID, uuid4

import pytest

from app.relay import RESYNC, Relay, RelayLimits
from tests.app.live_fixtures.exchange import Exchange, Listener
from tests.app.live_fixtures.following import idle, soon, until
from tests.app.live_fixtures.orders import change

QUICK = RelayLimits(
    echo_seconds=0.02,
    silence_seconds_max=0.2,
    retry_seconds_first=0.01,
    retry_seconds_max=0.05,
    unsent_max=100,
)


async def test_what_one_process_announces_another_hears_and_itself_does_not() -> None:
    exchange, here, there, order_id = Exchange(), Listener(), Listener(), uuid4()

    async with (
        Relay(exchange.backend(), here, namespace="shop") as a,
        Relay(exchange.backend(), there, namespace="shop") as b,
    ):
        await until(lambda: a.connected and b.connected)
        a.announce([change(order_id, 3)])
        await until(lambda: there.hints)
        await idle()

    assert there.hints == [(order_id, 3)]
    assert here.hints == []


async def test_deployments_with_other_names_hear_nothing_of_each_other() -> None:
    exchange, there, order_id = Exchange(), Listener(), uuid4()

    async with (
        Relay(exchange.backend(), Listener(), namespace="shop") as a,
        Relay(exchange.backend(), there, namespace="other") as b,
    ):
        await until(lambda: a.connected and b.connected)
        a.announce([change(order_id, 3)])
        await until(lambda: any("shop" in channel and ":3" in message for channel, message in exchange.sent))
        await idle()

    assert there.hints == []


async def test_announcements_that_wait_go_together_and_only_the_newest_of_each_order() -> None:
    exchange, there, ids = Exchange(), Listener(), [uuid4() for _ in range(50)]

    async with (
        Relay(exchange.backend(), Listener(), namespace="shop") as a,
        Relay(exchange.backend(), there, namespace="shop") as b,
    ):
        await until(lambda: a.connected and b.connected)
        exchange.open.clear()
        a.announce([change(ids[0], 1)])
        await idle()
        for version in range(2, 22):
            a.announce([change(order_id, version) for order_id in ids])
        a.announce([change(ids[0], 5)])  # told of late, by another lane
        exchange.sent.clear()
        exchange.open.set()
        await until(lambda: len(there.hints) > 50)
        await idle()

    assert sorted(there.hints) == sorted([(ids[0], 1)] + [(order_id, 21) for order_id in ids])
    assert len([message for _, message in exchange.sent if ":" in message]) == 2


async def test_a_broker_that_is_away_keeps_nobody_waiting_and_hears_of_it_later() -> None:
    exchange, there, ids = Exchange(), Listener(), [uuid4() for _ in range(60)]

    async with (
        Relay(exchange.backend(), Listener(), namespace="shop", limits=QUICK) as a,
        Relay(exchange.backend(), there, namespace="shop", limits=QUICK) as b,
    ):
        await until(lambda: a.connected and b.connected)
        exchange.away = True
        for order_id in ids:
            a.announce([change(order_id, 2)])
        await until(lambda: not a.connected and not b.connected)
        exchange.away = False
        await until(lambda: len(there.hints) == 60 and a.connected and b.connected)

    assert sorted(there.hints) == sorted((order_id, 2) for order_id in ids)


async def test_more_than_can_be_kept_becomes_the_word_that_anything_may_have_changed() -> None:
    exchange, there = Exchange(), Listener()

    async with (
        Relay(exchange.backend(), Listener(), namespace="shop", limits=QUICK) as a,
        Relay(exchange.backend(), there, namespace="shop", limits=RelayLimits()) as b,
    ):
        await until(lambda: a.connected and b.connected)
        exchange.open.clear()
        a.announce([change(uuid4(), 1)])
        await idle()
        before = there.resyncs
        for _ in range(1_000):
            a.announce([change(uuid4(), 2)])
        kept = len(a._unsent)
        exchange.open.set()
        await until(lambda: there.resyncs > before)
        await idle()

    assert kept == 100
    assert there.resyncs == before + 1
    assert len(there.hints) == 1


async def test_a_broker_that_is_away_at_the_start_is_waited_for_in_the_background() -> None:
    exchange, hub = Exchange(), Listener()
    exchange.away = True
    backend = exchange.backend()

    async with Relay(backend, hub, namespace="shop", limits=QUICK) as relay:
        await until(lambda: backend.connects == 3)
        connected_before = relay.connected
        exchange.away = False
        await until(lambda: relay.connected)

    assert not connected_before
    assert hub.resyncs == 1


async def test_a_broker_that_goes_deaf_is_noticed_and_connected_anew() -> None:
    exchange, hub, order_id = Exchange(), Listener(), uuid4()
    backend = exchange.backend()

    async with (
        Relay(backend, hub, namespace="shop", limits=QUICK) as a,
        Relay(exchange.backend(), Listener(), namespace="shop") as b,
    ):
        await until(lambda: a.connected and b.connected)
        backend.deaf = True
        await until(lambda: not a.connected)
        await until(lambda: a.connected)
        b.announce([change(order_id, 9)])
        await until(lambda: hub.hints == [(order_id, 9)])

    assert backend.connects == 2
    assert hub.resyncs == 2


async def test_what_nobody_understands_is_logged_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    exchange, hub = Exchange(), Listener()

    async with Relay(exchange.backend(), hub, namespace="shop") as relay:
        await until(lambda: relay.connected)
        stranger = exchange.backend()
        await stranger.publish("shop.orders", "hello")
        await stranger.publish("shop.orders", f"1 beef {UUID(int=1).hex}:4")
        await until(lambda: hub.hints)

    assert hub.hints == [(UUID(int=1), 4)]
    assert [record.message for record in caplog.records] == ["relay.message_not_understood"]


async def test_a_resync_of_the_backend_is_passed_to_the_hub() -> None:
    exchange, hub = Exchange(), Listener()

    async with Relay(exchange.backend(), hub, namespace="shop") as relay:
        await until(lambda: relay.connected)
        await exchange.backend().publish("shop.orders", RESYNC)
        await until(lambda: hub.resyncs == 2)


async def test_stopping_sends_what_waits() -> None:
    exchange, there, order_id = Exchange(), Listener(), uuid4()

    async with Relay(exchange.backend(), there, namespace="shop") as b:
        a = Relay(exchange.backend(), Listener(), namespace="shop")
        a.start()
        await until(lambda: a.connected and b.connected)
        a.announce([change(order_id, 2)])
        await a.stop()
        await until(lambda: there.hints == [(order_id, 2)])

    assert exchange.backends == []


async def test_stopping_in_the_middle_of_a_publication_that_fails_comes_to_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exchange, begun, over = Exchange(), asyncio.Event(), asyncio.Event()
    backend = exchange.backend()

    async def cut_off(_channel: str, _message: str) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if over.is_set():
                raise
            raise ConnectionResetError from None  # as a line that breaks at the same moment does

    monkeypatch.setattr(backend, "publish", cut_off)
    relay = Relay(backend, Listener(), namespace="shop", limits=QUICK)
    relay.start()
    await soon(begun.wait())
    relay.announce([change(uuid4(), 1)])
    await idle()

    began = time.monotonic()
    try:
        await soon(relay.stop())
    finally:
        over.set()

    assert time.monotonic() - began < 1  # nothing had to be told twice


async def test_a_backend_of_broadcaster_itself_will_do() -> None:
    hub = Listener()

    async with Relay("memory://", hub, namespace="shop") as relay:
        await until(lambda: relay.connected)
        relay.announce([change(uuid4(), 2)])
        await until(lambda: not relay._unsent)

    assert hub.hints == []
    assert not relay.connected


@pytest.mark.parametrize("url", ["postgres://db/shop", "postgresql://db/shop"])
def test_the_backend_that_loses_subscribers_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="LineBackend"):
        Relay(url, Listener(), namespace="shop")
