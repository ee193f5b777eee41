"""Whose address a request comes from: the client's, also where proxies of ours stand between."""

from __future__ import annotations

import logging
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

log = logging.getLogger(__name__)

UNKNOWN: Final = "unknown"
"""Where there is no address: a unix socket, or a test."""
HOPS_MAX: Final = 16
"""How many entries of X-Forwarded-For are looked at, from the end."""
_IPV6_PREFIX_BITS: Final = 64
"""What one subscriber gets, at least: counting single IPv6 addresses would count nothing."""
_FORWARDED: Final = b"x-forwarded-for"


class UnreadableNetworkError(ValueError):
    """What should be an address or a network is none."""


class Addresses:
    """Tells the client's address, which only proxies that are trusted may name."""

    def __init__(self, trusted_proxies: Iterable[str] = ()) -> None:
        """Take the proxies' addresses, or their networks in CIDR notation.

        Raises:
            UnreadableNetworkError: one is neither.
        """
        try:
            self._trusted: tuple[IPv4Network | IPv6Network, ...] = tuple(
                ip_network(each, strict=False) for each in trusted_proxies
            )
        except ValueError as error:
            raise UnreadableNetworkError(str(error)) from None
        self._is_trusted = lru_cache(maxsize=1_024)(self._look_up)
        self._warned = False

    def client_of(self, scope: MutableMapping[str, Any]) -> str:
        """Return the address of a request's client; of IPv6, its network of 64 bits.

        From the right, X-Forwarded-For is read for as long as trusted proxies wrote it: the first address that isn't
        theirs is the client's. Whatever stands further left anybody may have made up.
        """
        client = scope.get("client")
        address: str = client[0] if client else UNKNOWN
        if self._trusted and self._is_trusted(address):
            for hop in self._hops(scope):
                address = hop
                if not self._is_trusted(hop):
                    break
        elif not self._warned and _is_internal(address) and self._hops(scope):
            self._warned = True  # a proxy that isn't on the list makes one client of all
            log.warning("rates.proxy_not_trusted", extra={"address": address})
        return _network_of(address)

    @staticmethod
    def _hops(scope: MutableMapping[str, Any]) -> list[str]:
        given = b",".join(value for name, value in scope["headers"] if name == _FORWARDED)
        hops = given.decode("latin-1").rsplit(",", HOPS_MAX)[-HOPS_MAX:] if given else []
        return [_without_port(hop.strip()) for hop in reversed(hops) if hop.strip()]

    def _look_up(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
        return any((mapped or parsed) in network for network in self._trusted)


@lru_cache(maxsize=1_024)
def _is_internal(address: str) -> bool:
    """Whether an address is of a network that clients of the internet don't come from."""
    try:
        return ip_address(address).is_private
    except ValueError:
        return False


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


@lru_cache(maxsize=4_096)
def _network_of(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return UNKNOWN
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, _IPV6_PREFIX_BITS), strict=False))
