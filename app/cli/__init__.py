"""The command line: `orderpulse demo | serve | events | trigger | listen | doctor | …`."""

from __future__ import annotations

from app.cli.commands import main

__all__ = ["main"]
