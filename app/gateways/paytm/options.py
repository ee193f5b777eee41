"""What the Paytm adapter is told: the merchant, its key, where the API is, and how patient to be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from app.gateways.http import check_base

LIVE_BASE: Final = "https://secure.paytmpayments.com"
STAGING_BASE: Final = "https://securestage.paytmpayments.com"
"""Source: paytmpayments.com/docs/api/initiate-transaction-api, read in November 2026."""
_MID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_WEBSITE: Final = re.compile(r"[A-Za-z0-9_]{1,30}")
_KEY_BYTES: Final = 16
"""Of AES-128, which the checksum is made with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaytmSettings:
    """One Paytm account.

    `merchant_key` signs requests and webhooks alike. `website` is what the dashboard calls the website: `DEFAULT` for
    live accounts, `WEBSTAGING` for staging.
    """

    mid: str
    merchant_key: str = field(repr=False)
    website: str = "DEFAULT"
    api_base: str = LIVE_BASE
    timeout_seconds: float = 20.0

    def __post_init__(self) -> None:
        if not _MID.fullmatch(self.mid):
            raise ValueError("The Paytm merchant id (MID) is 1 to 32 letters and digits.")
        if not self.merchant_key.isascii() or len(self.merchant_key) != _KEY_BYTES:
            raise ValueError("The Paytm merchant key has 16 ASCII characters.")
        if not _WEBSITE.fullmatch(self.website):
            raise ValueError("The Paytm website is a name like DEFAULT or WEBSTAGING.")
        if self.timeout_seconds <= 0:
            raise ValueError("Paytm's time-out must be positive.")
        check_base("Paytm", self.api_base)

    @property
    def live(self) -> bool:
        """Whether real money moves."""
        return self.api_base.rstrip("/") == LIVE_BASE
