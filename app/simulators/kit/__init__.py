"""What all simulators are built from: serving, webhooks with retries, and misbehaviour on request.

`Simulator` is what the simulators of real gateways have in common, and what tests and `orderpulse chaos` drive them
by: the same control paths whatever the gateway's own API looks like.
"""

from __future__ import annotations

from app.simulators.kit.chaos import Chaos, Mishap
from app.simulators.kit.controls import Control, ControlError, Controls, PaymentTruth, RefundTruth
from app.simulators.kit.mishaps import MishapError
from app.simulators.kit.server import serve, serving
from app.simulators.kit.simulator import Event, Simulator, SimulatorConfig

__all__ = [
    "Chaos",
    "Control",
    "ControlError",
    "Controls",
    "Event",
    "Mishap",
    "MishapError",
    "PaymentTruth",
    "RefundTruth",
    "Simulator",
    "SimulatorConfig",
    "serve",
    "serving",
]
