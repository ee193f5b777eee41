"""Addresses by which people pay, hidden but for what lets somebody recognise their own: `ra****@okaxis`."""

from __future__ import annotations

import re
from typing import Final

_LOCAL_PART: Final = r"\b([\w.+-]{1,2})[\w.+-]*@"
_VPA: Final = re.compile(_LOCAL_PART + r"([A-Za-z][A-Za-z0-9]{1,63})(?![\w-]|\.\w)")
"""A virtual payment address names its bank by a word without a dot, unlike a mail address."""
_ADDRESS: Final = re.compile(_LOCAL_PART + r"([\w-]+(?:\.[\w-]+)*)")


def mask_vpas(text: str) -> str:
    """Hide the virtual payment addresses of UPI in a text; mail addresses stay."""
    return _VPA.sub(r"\1****@\2", text)


def mask_addresses(text: str) -> str:
    """Hide the virtual payment addresses and the mail addresses in a text."""
    return _ADDRESS.sub(r"\1****@\2", text)
