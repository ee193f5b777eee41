"""The command line: `orderpulse demo | serve | migrate | doctor | audit | sandbox`."""

from __future__ import annotations

from app.cli.commands import main

__all__ = ["main"]
