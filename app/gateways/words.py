"""Words of gateways that their documentation doesn't have: they change nothing, and somebody is told."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from app.domain.states import GatewayName

log = logging.getLogger(__name__)

_KEPT: Final = 1024
_SHOWN_CHARS: Final = 128


@lru_cache(maxsize=_KEPT)
def warn_of_unknown(gateway: GatewayName, what: str, word: str | None) -> None:
    """Log a word as it came, once: `what` says where, e.g. "refund status"."""
    shown = None if word is None else word[:_SHOWN_CHARS]
    log.warning("gateway.unknown_word", extra={"gateway": gateway, "what": what, "word": shown})
