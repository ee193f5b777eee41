"""The short form of streams under fire."""

from __future__ import annotations

from typing import Final

import pytest

from tests.app.redis_server import MISSING, installed
from tests.faults.followers import has_official_client
from tests.faults.streams import BROKERS, run_streams

ORDERS: Final = 60
SECONDS: Final = 4.0


@pytest.mark.parametrize("broker", BROKERS)
async def test_every_watcher_sees_every_version_once_whatever_fails(broker: str) -> None:
    if broker == "redis" and not installed():
        pytest.skip(MISSING)

    result = await run_streams(broker, ORDERS, seed=1, seconds=SECONDS)

    assert result.flaws == []
    assert result.missing() == []
    assert result.official == (6 if has_official_client() else 0)
    assert result.events == 10 * (result.orders + result.official)
