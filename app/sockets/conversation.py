"""What a socket asks of those who say something over it."""

from __future__ import annotations

from typing import Protocol


class Conversation(Protocol):
    """What is said over a socket. It is called within a turn of the loop, and does not wait."""

    def text_received(self, text: str) -> None:
        """Take a message."""

    def binary_received(self) -> None:
        """Take notice of a message that is no text."""

    def writable(self) -> None:
        """Go on sending: what had filled the buffer was taken."""

    def late(self) -> None:
        """Say that nobody has introduced himself within the time for it; called once, whether or not it is so."""

    def ended(self) -> None:
        """Stop: nothing can be sent any more."""
