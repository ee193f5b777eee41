"""A payment gateway of our own making, played as a foreign system over HTTP: nothing of the product is in it.

It takes payments through a REST API and a hosted checkout page with the test cards that everyone knows, keeps its
own books in a file that survives being killed, sends signed webhooks until they are taken, and misbehaves on
request. The product meets it as it meets any gateway.
"""

from __future__ import annotations

from app.simulators.sandbox.app import sandbox_app
from app.simulators.sandbox.config import SandboxConfig
from app.simulators.sandbox.server import serve, serving

__all__ = ["SandboxConfig", "sandbox_app", "serve", "serving"]
