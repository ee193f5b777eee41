"""What the shopper's browser does next, as the gateways' adapters describe it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeAlias

import strawberry

from schema.scalars import JSON


@strawberry.type(description="Send the shopper's browser to this address.")
class RedirectAction:
    """A hosted page."""

    url: str


@strawberry.type(
    description=(
        "Hand these parameters to the gateway's own browser SDK "
        "(Stripe.js, Razorpay Checkout, Paytm JS Checkout, PayPal Buttons)."
    )
)
class ClientSdkAction:
    """A gateway's script."""

    sdk: str = strawberry.field(description="Which SDK, e.g. `stripe.js`.")
    parameters: JSON


@strawberry.type(description="Open this UPI link: the shopper's phone offers the payment apps that it has.")
class UpiIntentAction:
    """A UPI deep link."""

    uri: str
    expires_at: datetime | None


@strawberry.type(description="Show this QR code; the shopper scans it with a payment app.")
class QrCodeAction:
    """A code to scan."""

    payload: str = strawberry.field(description="What the code says.")
    image_svg: str = strawberry.field(description="The code, drawn: an SVG document.")
    expires_at: datetime | None


NextAction: TypeAlias = Annotated[
    RedirectAction | ClientSdkAction | UpiIntentAction | QrCodeAction,
    strawberry.union("NextAction", description="What the shopper's browser does next."),
]


def next_action_of(stored: Mapping[str, Any]) -> NextAction:
    """Return an action that an adapter described by `type` and fields.

    Raises:
        ValueError: it is of no type of the contract.
    """
    match stored["type"]:
        case "RedirectAction":
            return RedirectAction(url=stored["url"])
        case "ClientSdkAction":
            return ClientSdkAction(sdk=stored["sdk"], parameters=JSON(stored["parameters"]))
        case "UpiIntentAction":
            return UpiIntentAction(uri=stored["uri"], expires_at=_instant(stored.get("expires_at")))
        case "QrCodeAction":
            return QrCodeAction(
                payload=stored["payload"],
                image_svg=stored["image_svg"],
                expires_at=_instant(stored.get("expires_at")),
            )
        case unknown:
            raise ValueError(f"{unknown!r} is no action of the contract")


def _instant(value: object) -> datetime | None:
    """Return an instant that came straight from the adapter, or as text from the database."""
    if value is None or isinstance(value, datetime):
        return value
    return datetime.fromisoformat(str(value))
