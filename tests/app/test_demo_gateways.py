"""Which gateways a demo simulates: those that nobody has set up."""

from __future__ import annotations

from app.cli.demo import _not_set_up
from app.settings import isolated_settings
from app.simulators import simulator_names


def test_a_gateway_that_is_set_up_is_not_simulated() -> None:
    given = isolated_settings(stripe_secret_key="sk_test_mine", paytm_mid="MINE")

    assert _not_set_up(isolated_settings()) == simulator_names()
    assert _not_set_up(given) == [name for name in simulator_names() if name not in ("stripe", "paytm")]
