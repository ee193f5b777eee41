"""Whom a simulator's connections trust."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    import ssl


@functools.cache
def trusted() -> ssl.SSLContext:
    """Return what webhooks over TLS go by; read once, since it takes long."""
    return httpx2.create_ssl_context(trust_env=False)
