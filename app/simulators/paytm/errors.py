"""Refusals, in words like Paytm's. Source: "Response codes" of paytmpayments.com/docs/api, in stored copies."""

from __future__ import annotations


class RefusedError(Exception):
    """A call that is refused; nothing was done."""

    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def not_signed() -> RefusedError:
    """Return the refusal of a wrong checksum."""
    return RefusedError("F", "2005", "Checksum provided is invalid")


def missing(name: str) -> RefusedError:
    """Return the refusal of a request without something."""
    return RefusedError("F", "2004", f"{name} is missing or invalid")
