"""Whom our connections to others trust."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import httpx2

if TYPE_CHECKING:
    import ssl


@functools.cache
def trusted() -> ssl.SSLContext:
    """Return what outgoing TLS goes by, whatever the environment says.

    Read once: each client would take a twentieth of a second, and a megabyte or two, for one of its own.
    """
    return httpx2.create_ssl_context(trust_env=False)
