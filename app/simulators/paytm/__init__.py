"""A simulator of Paytm: its REST API, its payment page, and its webhooks, as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.simulators.paytm.simulator import PaytmSimulator

if TYPE_CHECKING:
    from app.simulators.kit import Simulator, SimulatorConfig

__all__ = ["PaytmSimulator", "build"]


def build(config: SimulatorConfig, url: str) -> Simulator:
    """Return a simulator that is reached at `url`."""
    return PaytmSimulator(config, url)
