"""Kafka by way of `broadcaster`'s own backend, over a stand-in for the broker: what the relay needs of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from app.relay import Relay, RelayLimits
from tests.app.live_fixtures.exchange import Listener
from tests.app.live_fixtures.following import until
from tests.app.live_fixtures.kafka import Kafka
from tests.app.live_fixtures.orders import change

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = "kafka://broker.test:9092"
QUICK = RelayLimits(echo_seconds=0.05, silence_seconds_max=0.5, retry_seconds_max=0.1)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kafka]:
    stand_in = Kafka()
    monkeypatch.setitem(sys.modules, "aiokafka", stand_in.module())
    yield stand_in
    sys.modules.pop("broadcaster._backends.kafka", None)


async def test_what_one_process_announces_another_hears(kafka: Kafka) -> None:
    there, ids = Listener(), [uuid4() for _ in range(500)]

    async with (
        Relay(URL, Listener(), namespace="shop") as a,
        Relay(URL, there, namespace="shop") as b,
    ):
        await until(lambda: a.connected and b.connected)
        a.announce([change(order_id, 2) for order_id in ids])
        await until(lambda: len(there.hints) == 500)

    assert sorted(there.hints) == sorted((order_id, 2) for order_id in ids)
    assert list(kafka.logs) == ["shop.orders"]


async def test_what_is_announced_while_the_broker_is_away_arrives_later(kafka: Kafka) -> None:
    there, order_id = Listener(), uuid4()

    async with (
        Relay(URL, Listener(), namespace="shop") as a,
        Relay(URL, there, namespace="shop") as b,
    ):
        await until(lambda: a.connected and b.connected)
        kafka.away = True
        a.announce([change(order_id, 2)])
        await until(lambda: not a.connected)
        kafka.away = False
        await until(lambda: there.hints == [(order_id, 2)])


async def test_a_broker_that_stays_away_is_connected_anew_and_everybody_is_told(
    kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    there, order_id = Listener(), uuid4()

    async with (
        Relay(URL, Listener(), namespace="shop", limits=QUICK) as a,
        Relay(URL, there, namespace="shop", limits=QUICK) as b,
    ):
        await until(lambda: a.connected and b.connected)
        kafka.away = True
        await until(lambda: [each.message for each in caplog.records].count("relay.session_ended") >= 4)
        resyncs = there.resyncs
        kafka.away = False
        await until(lambda: a.connected and b.connected and there.resyncs > resyncs)
        a.announce([change(order_id, 3)])
        await until(lambda: there.hints == [(order_id, 3)])

    assert kafka.consumers == 4


async def test_without_its_client_the_relay_says_so_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async with Relay(URL, Listener(), namespace="shop", limits=QUICK) as relay:
        await until(lambda: len(caplog.records) >= 2)

    assert not relay.connected
    assert "aiokafka" in str(vars(caplog.records[0])["error"])
