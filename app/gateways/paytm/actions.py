"""What a shopper's browser does next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from app.gateways.paytm.results import unreadable
from app.gateways.qr import qr_svg

if TYPE_CHECKING:
    from app.gateways.paytm.options import PaytmSettings
    from app.gateways.paytm.wire import WireIntent, WireQrCode, WireToken

SDK: Final = "paytm"
_UPI: Final = "upi://"


def checkout_action(token: WireToken, order_id: str, amount: str, settings: PaytmSettings) -> dict[str, Any]:
    """Return what Paytm's JS Checkout is opened with, within 15 minutes; `scriptUrl` is the account's own script.

    The script's path was not held against Paytm's page.
    """
    base = settings.api_base.rstrip("/")
    return {
        "type": "ClientSdkAction",
        "sdk": SDK,
        "parameters": {
            "mid": settings.mid,
            "orderId": order_id,
            "token": token.token,
            "tokenType": "TXN_TOKEN",
            "amount": amount,
            "scriptUrl": f"{base}/merchantpgpui/checkoutjs/merchants/{settings.mid}.js",
        },
    }


def intent_action(intent: WireIntent) -> dict[str, Any]:
    """Return the link that opens a UPI app, unchanged. Paytm names no end of it."""
    if not intent.info.link.startswith(_UPI):
        raise unreadable()
    return {"type": "UpiIntentAction", "uri": intent.info.link, "expires_at": None}


def qr_action(code: WireQrCode) -> dict[str, Any]:
    """Return the code to show."""
    if not code.payload.startswith(_UPI):
        raise unreadable()
    return {
        "type": "QrCodeAction",
        "payload": code.payload,
        "image_svg": qr_svg(code.payload),
        "expires_at": code.expires_at.isoformat() if code.expires_at else None,
    }
