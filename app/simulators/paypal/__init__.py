"""PayPal as its documentation has it: Orders v2, Payments v2, tokens, webhooks with certificates, and disputes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.simulators.paypal.simulator import PayPalSimulator

if TYPE_CHECKING:
    from app.simulators.kit import SimulatorConfig

__all__ = ["PayPalSimulator", "build"]


def build(config: SimulatorConfig, url: str) -> PayPalSimulator:
    """Return one merchant's account at PayPal, reached at `url`."""
    return PayPalSimulator(config, url)
