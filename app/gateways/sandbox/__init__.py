"""The sandbox gateway: the adapter for the simulator that plays a card gateway in demos and tests.

A package, because an adapter is four thoughts: the wire format, the translation to facts, the calls and what
their failures mean, and the signature of webhooks.
"""

from __future__ import annotations

from app.gateways.sandbox.gateway import SandboxGateway, SandboxSettings, build

__all__ = ["SandboxGateway", "SandboxSettings", "build"]
