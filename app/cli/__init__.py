"""The command line: `orderpulse demo | serve | migrate | doctor | sandbox`."""

from __future__ import annotations

from app.cli.commands import main

__all__ = ["main"]
