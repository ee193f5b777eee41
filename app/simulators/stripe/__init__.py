"""A simulator of Stripe: its REST API, what Stripe.js does in a browser, and its signed webhooks, as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.simulators.stripe.simulator import StripeSimulator

if TYPE_CHECKING:
    from app.simulators.kit import Simulator, SimulatorConfig

__all__ = ["StripeSimulator", "build"]


def build(config: SimulatorConfig, url: str) -> Simulator:
    """Return a simulator that is reached at `url`."""
    return StripeSimulator(config, url)
