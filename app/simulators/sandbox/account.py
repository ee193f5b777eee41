"""What every part of one running sandbox shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.simulators.kit.chaos import Chaos

if TYPE_CHECKING:
    from app.simulators.sandbox.book import Book
    from app.simulators.sandbox.config import SandboxConfig


@dataclass(slots=True, kw_only=True)
class Account:
    """One merchant's sandbox: its settings, its book, the chaos of the moment and the keys being worked on."""

    config: SandboxConfig
    public_url: str
    book: Book
    webhook_secret: str = field(repr=False)
    chaos: Chaos = field(default_factory=Chaos)
    keys_in_flight: set[str] = field(default_factory=set)
