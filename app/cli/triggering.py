"""`orderpulse trigger`: make something really happen at a simulated gateway, which tells the server by its own webhook.

The order and the payment are made by the public API; the shopper, the bank and the webhooks are the simulator's. What
the server made of it is read back from the order's events.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from app.cli.keys import kept_keys
from app.cli.output import CommandError, Output
from app.cli.running import Reachable, running_in
from app.error_catalog import ExitCode
from app.simulators import SANDBOX
from app.simulators.kit import Control, ControlError
from app.simulators.kit.client import ControlClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from app.cli.remote import Remote
    from app.settings import Settings

POLL_SECONDS: Final = 0.05
CURRENCY: Final = "INR"
CURRENCIES: Final = {"paypal": "USD"}
"""What a gateway is paid in, where it isn't rupees."""
_OVERRIDES: Final = {
    "amount": "499.00",
    "currency": "",
    "name": "Masala chai",
    "sku": "TRIGGERED",
    "email": "",
    "method": "",
    "policy": "REFUND",
    "order": "",
    "refund_amount": "",
}
_ORDER: Final = """
query ($id: ID!) { order(id: $id) { id number status paymentStatus version
  events(first: 100) { nodes { version type source occurredAt paymentId amount { amount currency } } } } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggering:
    """What is to happen."""

    event: str
    gateway: str
    overrides: Sequence[str]
    wait_seconds: float


@dataclass
class Story:
    """One order that something happens to."""

    remote: Remote
    control: ControlClient
    gateway: str
    given: Mapping[str, str]
    order_id: str = ""
    payment_id: str = ""
    reference: str = ""
    amount_minor: int = 0

    async def orders(self) -> None:
        """Make the order, unless one is named."""
        if self.given["order"]:
            self.order_id = self.given["order"]
            return
        line = {
            "sku": self.given["sku"],
            "name": self.given["name"],
            "quantity": 1,
            "unitPrice": self._money(self.given["amount"]),
        }
        email = {"customerEmail": self.given["email"]} if self.given["email"] else {}
        asked = {"lines": [line], "latePaymentPolicy": self.given["policy"].upper(), **email}
        payload = await self.remote.mutate("orderCreate", "OrderCreateInput", "order { id }", asked)
        self.order_id = payload["order"]["id"]

    async def opens(self, **more: str) -> None:
        """Open a payment of all that is due."""
        await self.orders()
        method = {"method": self.given["method"].upper()} if self.given["method"] else {}
        asked = {"orderId": self.order_id, "gateway": self.gateway.upper(), **method, **more}
        asked["returnUrl"] = f"{self.remote.place.url}/"
        payload = await self.remote.mutate(
            "paymentCreate", "PaymentCreateInput", "payment { id reference amount { minorUnits } }", asked
        )
        self.payment_id = payload["payment"]["id"]
        self.reference = payload["payment"]["reference"]
        self.amount_minor = payload["payment"]["amount"]["minorUnits"]

    async def pays(self, outcome: Control = Control.SUCCEEDS, **more: str) -> None:
        """Open a payment and have the shopper pay it so."""
        await self.opens(**more)
        await self.control.pay(self.reference, outcome)

    async def is_paid(self) -> None:
        """Have it paid, and the server know it: what comes next needs a captured payment there."""
        await self.pays()
        await happened(self, "PAYMENT_SUCCEEDED")

    async def refunds(self) -> None:
        """Give back what was paid, or the part that is named."""
        await self.is_paid()
        part = self.given["refund_amount"]
        asked = {"paymentId": self.payment_id, **({"amount": self._money(part)} if part else {})}
        await self.remote.mutate("refundCreate", "RefundCreateInput", "refund { id }", asked)

    async def cancels(self) -> None:
        """Cancel the order."""
        asked = {"orderId": self.order_id, "reason": "Triggered"}
        await self.remote.mutate("orderCancel", "OrderCancelInput", "order { id }", asked)

    def _money(self, amount: str) -> dict[str, str]:
        return {
            "amount": amount,
            "currency": self.given["currency"] or CURRENCIES.get(self.gateway, CURRENCY),
        }


async def _canceled(story: Story) -> None:
    await story.orders()
    await story.cancels()


async def _payment_canceled(story: Story) -> None:
    await story.opens()
    await story.remote.mutate(
        "paymentCancel", "PaymentCancelInput", "payment { id }", {"paymentId": story.payment_id}
    )


async def _refund_failed(story: Story) -> None:
    await story.refunds()
    await happened(story, "REFUND_SUCCEEDED")
    await story.control.fail_refund(story.reference)


async def _disputed(story: Story) -> None:
    await story.is_paid()
    await story.control.dispute(story.reference)


def _dispute_closed(outcome: Control) -> Callable[[Story], Awaitable[None]]:
    async def close(story: Story) -> None:
        await _disputed(story)
        await happened(story, "DISPUTE_OPENED")
        await story.control.close_dispute(story.reference, outcome)

    return close


async def _mischarged(story: Story) -> None:
    """Have the gateway take another amount than was asked: the money is held until somebody decides."""
    await story.opens()
    await story.control.mischarge(story.reference, story.amount_minor - 1)


async def _authorized(story: Story) -> None:
    await story.pays(captureMethod="MANUAL")


EVENTS: Final[Mapping[str, tuple[str, str, Callable[[Story], Awaitable[None]]]]] = {
    "order.created": ("ORDER_CREATED", "An order is made.", Story.orders),
    "order.canceled": ("ORDER_CANCELED", "An order is made and canceled.", _canceled),
    "payment.created": ("PAYMENT_CREATED", "A payment is opened, and nobody pays yet.", Story.opens),
    "payment.action_required": (
        "PAYMENT_ACTION_REQUIRED",
        "The bank wants to see the shopper (3-D Secure).",
        lambda story: story.pays(Control.ASKS),
    ),
    "payment.authorized": ("PAYMENT_AUTHORIZED", "The money is held, to be captured by hand.", _authorized),
    "payment.captured": ("PAYMENT_SUCCEEDED", "The shopper pays.", Story.pays),
    "payment.failed": (
        "PAYMENT_FAILED",
        "The bank declines.",
        lambda story: story.pays(Control.DECLINED),
    ),
    "payment.canceled": ("PAYMENT_CANCELED", "A payment is opened and given up.", _payment_canceled),
    "refund.succeeded": ("REFUND_SUCCEEDED", "Paid, and given back.", Story.refunds),
    "refund.failed": ("REFUND_FAILED", "Given back, and sent back by the bank.", _refund_failed),
    "dispute.opened": ("DISPUTE_OPENED", "Paid, and disputed by the shopper.", _disputed),
    "dispute.won": ("DISPUTE_WON", "Disputed, and decided for the shop.", _dispute_closed(Control.WON)),
    "dispute.lost": ("DISPUTE_LOST", "Disputed, and decided for the shopper.", _dispute_closed(Control.LOST)),
    "payment.conflicted": (
        "PAYMENT_CONFLICTED",
        "The gateway takes another amount than was asked.",
        _mischarged,
    ),
    "suspense.opened": ("SUSPENSE_OPENED", "The same: that money belongs to no order yet.", _mischarged),
}
"""By name: the order event that it comes to, what happens, and how."""


def list_events(output: Output) -> None:
    """Show what can be triggered."""
    content = [
        {"event": name, "orderEvent": type_, "about": about} for name, (type_, about, _) in EVENTS.items()
    ]
    text = Text()
    for name, (type_, about, _) in EVENTS.items():
        text.append(f"{name:26}", style="cyan").append(f"{type_:26}", style="dim").append(f"{about}\n")
    text.append("\nOverrides: " + ", ".join(f"{name}=…" for name in _OVERRIDES))
    output.document({"events": content, "overrides": list(_OVERRIDES)}, text)


def control_of(settings: Settings, gateway: str) -> ControlClient:
    """Return the client of a simulated gateway: a running demo's, or the sandbox of the settings.

    Raises:
        CommandError: it is not known where it is.
    """
    running = running_in(settings.data_dir)
    found = running.gateways.get(gateway) if running else None
    if gateway == SANDBOX and settings.sandbox_url is not None:
        kept = kept_keys(settings.data_dir)
        given = settings.sandbox_secret_key
        key = given.get_secret_value() if given else kept.sandbox_secret_key if kept else ""
        found = Reachable(url=settings.sandbox_url, control_key=key)
    if found is None:
        known = f" It simulates {', '.join(running.gateways)}." if running else ""
        raise CommandError(
            f"It is not known where {gateway!r} is simulated.{known}",
            ExitCode.USAGE,
            "Run `orderpulse demo`, or set ORDERPULSE_SANDBOX_URL and ORDERPULSE_SANDBOX_SECRET_KEY.",
        )
    return ControlClient(found.url, found.control_key)


def read_overrides(overrides: Sequence[str]) -> dict[str, str]:
    """Return all that can be overridden, with `key=value` in place of what it is else.

    Raises:
        CommandError: there is no such key.
    """
    values = dict(_OVERRIDES)
    for text in overrides:
        name, equals, value = text.partition("=")
        if name not in values or not equals:
            raise CommandError(
                f"{text!r} overrides nothing.",
                ExitCode.USAGE,
                f"Write key=value with one of {', '.join(values)}.",
            )
        values[name] = value
    return values


async def run_trigger(remote: Remote, control: ControlClient, output: Output, asked: Triggering) -> ExitCode:
    """Make it happen, and wait until the server's order says so."""
    type_, about, deed = EVENTS[asked.event]
    given = read_overrides(asked.overrides)
    output.aside(f"{asked.event} at {asked.gateway}: {about}")
    story = Story(remote, control, asked.gateway, given)
    started = time.monotonic()
    try:
        async with control, asyncio.timeout(asked.wait_seconds):
            await deed(story)
            order = await happened(story, type_)
    except ControlError as error:
        raise CommandError(f"{asked.gateway} does not let that happen: {error}", ExitCode.REFUSED) from None
    except TimeoutError:
        raise CommandError(
            f"The order {story.order_id} shows no {type_} after {asked.wait_seconds:g} s.",
            ExitCode.NO_OUTCOME,
            f"Look at it: orderpulse orders show {story.order_id}; at the webhooks: orderpulse events list.",
        ) from None
    took_ms = round((time.monotonic() - started) * 1000)
    output.document(
        {
            "event": asked.event,
            "gateway": asked.gateway,
            "paymentId": story.payment_id or None,
            "tookMs": took_ms,
            "order": order,
        },
        _shown(order, story, took_ms),
    )
    return ExitCode.OK


async def happened(story: Story, type_: str) -> dict[str, Any]:
    """Wait until the order's events have one of this type (of this payment, if there is one); return the order."""
    while True:
        order: dict[str, Any] | None = (await story.remote.ask(_ORDER, {"id": story.order_id}))["order"]
        if order is None:
            raise CommandError(f"There is no order {story.order_id!r}.", ExitCode.NOT_FOUND)
        of_payment = {None, story.payment_id} if story.payment_id else {None}
        events = order["events"]["nodes"]
        if any(event["type"] == type_ and event["paymentId"] in of_payment for event in events):
            return {**order, "events": events}
        await asyncio.sleep(POLL_SECONDS)


def _shown(order: dict[str, Any], story: Story, took_ms: int) -> Text:
    text = Text(f"order    {order['id']}  {order['number']}  {order['status']} {order['paymentStatus']}\n")
    if story.payment_id:
        text.append(f"payment  {story.payment_id}  {story.reference}\n")
    for event in order["events"]:
        text.append("✓ ", style="green").append(f"{event['type']:24} ", style="cyan").append(
            f"{event['source'].lower()}\n"
        )
    return text.append(f"{took_ms} ms from the first call to the last event", style="dim")
