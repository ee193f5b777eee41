"""The registry: a gateway is there because its file is."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from app.domain.errors import DomainError, ErrorCode
from app.domain.states import GatewayName
from app.gateways.guard import GuardedGateway

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from app.gateways.contract import Gateway


class GatewayRegistry:
    """The gateways that are configured, by name."""

    def __init__(self, gateways: Iterable[Gateway]) -> None:
        self._gateways = {gateway.name: gateway for gateway in gateways}

    def __iter__(self) -> Iterator[Gateway]:
        return iter(self._gateways.values())

    def get(self, name: GatewayName) -> Gateway:
        """Return the gateway of that name.

        Raises:
            DomainError: INVALID when it is not configured here.
        """
        gateway = self._gateways.get(name)
        if gateway is None:
            configured = ", ".join(sorted(self._gateways)) or "none"
            raise DomainError(
                ErrorCode.INVALID,
                f"The gateway {name} is not set up here. Set up: {configured}.",
                ("gateway",),
            )
        return gateway

    def find(self, path_segment: str) -> Gateway | None:
        """Return the gateway whose webhooks come to /webhooks/{path_segment}, if it is configured."""
        name = path_segment.upper()
        return self._gateways.get(GatewayName(name)) if name in GatewayName.__members__ else None

    async def aclose(self) -> None:
        """Close every gateway's connections."""
        for gateway in self:
            await gateway.aclose()


def gateway_modules() -> list[str]:
    """Return the names of the modules in this package that are gateways: those that are called as one is."""
    package = importlib.import_module("app.gateways")
    names = {info.name for info in pkgutil.iter_modules(package.__path__)}
    return sorted(name for name in names if name.upper() in GatewayName.__members__)


def load_gateways(settings: Mapping[str, object]) -> GatewayRegistry:
    """Build every gateway that has settings, each behind a breaker; `settings` maps a module's name to them."""
    built = []
    for name in gateway_modules():
        if (given := settings.get(name)) is not None:
            gateway: Gateway = importlib.import_module(f"app.gateways.{name}").build(given)
            built.append(GuardedGateway(gateway))
    return GatewayRegistry(built)
