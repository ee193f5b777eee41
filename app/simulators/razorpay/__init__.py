"""A simulator of Razorpay: its REST API, its hosted checkout and its signed webhooks, as documented."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.simulators.razorpay.simulator import RazorpaySimulator

if TYPE_CHECKING:
    from app.simulators.kit import Simulator, SimulatorConfig

__all__ = ["RazorpaySimulator", "build"]


def build(config: SimulatorConfig, url: str) -> Simulator:
    """Return a simulator that is reached at `url`."""
    return RazorpaySimulator(config, url)
