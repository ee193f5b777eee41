"""Gateways played as foreign systems over HTTP, for development and for tests: nothing of the product is in them.

A simulator is a package in here that is named as its gateway's module, with `build(config, url)`. The sandbox, which is
no real gateway's, has a config of its own.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from app.simulators.kit import Simulator, SimulatorConfig

SANDBOX: Final = "sandbox"
_NOT_SIMULATORS: Final = frozenset({"kit", SANDBOX})


def simulator_names() -> list[str]:
    """Return the gateways that can be simulated, beside the sandbox."""
    return sorted(info.name for info in pkgutil.iter_modules(__path__) if info.name not in _NOT_SIMULATORS)


def build_simulator(name: str, config: SimulatorConfig, url: str) -> Simulator:
    """Return the simulator of a gateway."""
    simulator: Simulator = importlib.import_module(f"app.simulators.{name}").build(config, url)
    return simulator
