"""What shoppers, banks and staff do to one order. Every decision is the dice's, so that a seed tells the same story."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from uuid import UUID

from app.simulators.kit import Control, ControlError

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Mapping

    from app.cli.chaos.shop import Shop
    from app.cli.simulating import Simulated

PRICE: Final = "499.00"
PRICE_MINOR: Final = 499_00
PART: Final = "120.00"
CURRENCIES: Final = {"paypal": "USD"}
"""What a gateway's shoppers pay in, where it isn't rupees."""
_POLICIES: Final = ("REFUND", "REFUND", "HONOR", "HOLD")


@dataclass
class Shopper:
    """One shopper, one order, one gateway."""

    shop: Shop
    gateway: Simulated
    dice: random.Random
    order_id: str = ""
    payments: list[str] = field(default_factory=list)

    async def orders(self) -> None:
        """Order something."""
        payload = await self.shop.call(
            "orderCreate",
            self._key(),
            lines=[{"sku": "TEA", "name": "Tea", "quantity": 1, "unitPrice": self._money(PRICE)}],
            latePaymentPolicy=self.dice.choice(_POLICIES),
        )
        self.order_id = payload["order"]["id"]

    async def opens(self) -> str | None:
        """Open a payment and return the gateway's reference of it; None when the shop refuses."""
        methods = await self.shop.methods(self.order_id, self.gateway.name.upper())
        method = self.dice.choice([None, *methods])
        payload = await self.shop.call(
            "paymentCreate",
            self._key(),
            orderId=self.order_id,
            gateway=self.gateway.name.upper(),
            method=method,
            returnUrl=f"{self.shop.url}/",
        )
        if payload["payment"] is None:
            return None
        self.payments.append(payload["payment"]["id"])
        reference: str | None = payload["payment"]["reference"]
        return reference

    async def pays(self, outcome: Control = Control.SUCCEEDS) -> str | None:
        """Open a payment and pay it so."""
        reference = await self.opens()
        if reference is not None:
            await self.does(self.gateway.control.pay(reference, outcome))
        return reference

    async def does(self, deed: Awaitable[object]) -> bool:
        """Do something at the gateway; return whether it let that happen."""
        with contextlib.suppress(ControlError):
            await deed
            return True
        return False

    async def settles(self) -> None:
        """Wait until the newest payment is known to be paid, or seems never to be."""
        if self.payments:
            await self.shop.settle(self.payments[-1])

    async def refunds(self, amount: str | None = None) -> None:
        """Give back what the newest payment took, or a part of it."""
        if self.payments:
            given = {"amount": self._money(amount)} if amount else {}
            await self.shop.call("refundCreate", self._key(), paymentId=self.payments[-1], **given)

    async def cancels(self) -> None:
        """Cancel the order."""
        await self.shop.call("orderCancel", self._key(), orderId=self.order_id, reason="Changed my mind")

    async def waits(self) -> None:
        """Let some time pass, in which webhooks come or don't."""
        await asyncio.sleep(self.dice.uniform(0.0, 0.5))

    def _key(self) -> str:
        return str(UUID(int=self.dice.getrandbits(128), version=4))

    def _money(self, amount: str) -> Mapping[str, str]:
        return {"amount": amount, "currency": CURRENCIES.get(self.gateway.name, "INR")}


async def paid(shopper: Shopper) -> None:
    """Order, pay."""
    await shopper.pays()


async def declined(shopper: Shopper) -> None:
    """The bank says no at first; then another try, by the same payment where the gateway lets one."""
    reference = await shopper.pays(Control.DECLINED)
    await shopper.waits()
    if reference is not None and not await shopper.does(
        shopper.gateway.control.pay(reference, Control.SUCCEEDS)
    ):
        await shopper.pays()


async def late_success(shopper: Shopper) -> None:
    """The bank said no, and yes in the end."""
    reference = await shopper.pays(Control.DECLINED)
    await shopper.waits()
    if reference is not None:
        await shopper.does(shopper.gateway.control.resolve(reference, Control.SUCCEEDS))


async def asked(shopper: Shopper) -> None:
    """The bank wants to see the shopper, or takes its time, and decides then."""
    reference = await shopper.pays(shopper.dice.choice((Control.ASKS, Control.PENDS)))
    await shopper.waits()
    outcome = shopper.dice.choice((Control.SUCCEEDS, Control.SUCCEEDS, Control.DECLINED))
    if reference is not None:
        await shopper.does(shopper.gateway.control.resolve(reference, outcome))


async def double_success(shopper: Shopper) -> None:
    """Two payments of the whole order, both successful."""
    references = [await shopper.opens() for _ in range(2)]
    paying = [
        shopper.does(shopper.gateway.control.pay(reference, Control.SUCCEEDS))
        for reference in references
        if reference is not None
    ]
    await asyncio.gather(*paying)


async def canceled(shopper: Shopper) -> None:
    """The order is canceled as it is paid."""
    reference = await shopper.opens()
    deeds: list[Awaitable[object]] = [shopper.cancels()]
    if reference is not None:
        deeds.append(shopper.does(shopper.gateway.control.pay(reference, Control.SUCCEEDS)))
    shopper.dice.shuffle(deeds)
    await asyncio.gather(*deeds)


async def paid_after_all(shopper: Shopper) -> None:
    """The order is canceled, and the shopper pays on a page that was left open."""
    reference = await shopper.opens()
    await shopper.cancels()
    if reference is not None:
        await shopper.does(shopper.gateway.control.pay(reference, Control.SUCCEEDS))


async def mischarged(shopper: Shopper) -> None:
    """The gateway takes another amount than was asked: a little less, or a little more."""
    reference = await shopper.opens()
    amount_minor = PRICE_MINOR + shopper.dice.choice((-100, 100))
    if reference is not None:
        await shopper.does(shopper.gateway.control.mischarge(reference, amount_minor))


async def refunded(shopper: Shopper) -> None:
    """Paid and given back, in parts; sometimes the bank sends it back."""
    reference = await shopper.pays()
    await shopper.settles()
    await shopper.refunds(PART)
    await shopper.refunds()
    if reference is not None and shopper.dice.random() < 0.3:  # noqa: PLR2004 - some
        await shopper.waits()
        await shopper.does(shopper.gateway.control.fail_refund(reference))


async def disputed(shopper: Shopper) -> None:
    """Paid, disputed, and decided."""
    reference = await shopper.pays()
    await shopper.settles()
    if reference is not None and await shopper.does(shopper.gateway.control.dispute(reference)):
        outcome = shopper.dice.choice((Control.WON, Control.LOST))
        await shopper.does(shopper.gateway.control.close_dispute(reference, outcome))


STORIES: Final[tuple[Callable[[Shopper], Awaitable[None]], ...]] = (
    paid,
    declined,
    late_success,
    asked,
    double_success,
    canceled,
    paid_after_all,
    mischarged,
    refunded,
    disputed,
)
