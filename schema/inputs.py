"""The inputs of mutations and filters, and what they become in the use cases' terms."""

from uuid import UUID

import strawberry

from app.checkout import AdjustmentInput, LineInput, NewOrderInput, NewPaymentInput, ProductInput
from app.domain.errors import DomainError, ErrorCode
from app.domain.ids import IdPrefix, decode_as
from schema.enums import (
    CaptureMethod,
    FulfillmentStatus,
    Gateway,
    LatePaymentPolicy,
    OrderAdjustmentKind,
    PaymentMethodType,
    SuspenseResolution,
)
from schema.money import MoneyInput
from schema.scalars import JSON

IDEMPOTENCY_KEY = (
    "Made by you, fresh for each thing that you want done, and sent again unchanged with every repetition: "
    "the first answer comes again, and nothing is done twice."
)
EXPECTED_VERSION = "Refuse with VERSION_CONFLICT when the order has moved on from this version."


@strawberry.input(
    description=(
        "`name` and `unitPrice` only from a trusted caller (scope `orders:price`: the shop's own back end); "
        "else the catalogue's hold."
    )
)
class OrderLineInput:
    """A line to order."""

    sku: str
    quantity: int
    name: str | None = None
    unit_price: MoneyInput | None = None

    def to_domain(self, position: int) -> LineInput:
        """Return the line; `position` is its place in the list."""
        price = self.unit_price
        return LineInput(
            sku=self.sku,
            quantity=self.quantity,
            name=self.name,
            unit_price=price.to_domain("lines", str(position), "unitPrice") if price else None,
        )


@strawberry.input(description="An amount beside the lines. A discount is negative.")
class OrderAdjustmentInput:
    """An amount to add."""

    kind: OrderAdjustmentKind
    label: str
    amount: MoneyInput

    def to_domain(self, position: int) -> AdjustmentInput:
        """Return the adjustment; `position` is its place in the list."""
        amount = self.amount.to_domain("adjustments", str(position), "amount")
        return AdjustmentInput(kind=self.kind, label=self.label, amount=amount)


@strawberry.input(description="An order to make.")
class OrderCreateInput:
    """A new order."""

    lines: list[OrderLineInput]
    adjustments: list[OrderAdjustmentInput] | None = strawberry.field(
        default=None, description="Only from a trusted caller."
    )
    customer_id: str | None = strawberry.field(
        default=None,
        description="Only from a trusted caller; a signed-in customer's own id otherwise.",
    )
    customer_email: str | None = None
    expires_in: int | None = strawberry.field(
        default=None, description="Seconds until an unpaid order expires."
    )
    late_payment_policy: LatePaymentPolicy | None = LatePaymentPolicy.REFUND
    metadata: JSON | None = strawberry.field(
        default=None, description="An object of your own, given back as it is."
    )
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)

    def to_domain(self) -> NewOrderInput:
        """Return the order as it is asked for.

        Raises:
            DomainError: INVALID.
        """
        return NewOrderInput(
            lines=tuple(line.to_domain(position) for position, line in enumerate(self.lines)),
            adjustments=tuple(
                adjustment.to_domain(position) for position, adjustment in enumerate(self.adjustments or ())
            ),
            customer_id=self.customer_id,
            customer_email=self.customer_email,
            expires_in_seconds=self.expires_in,
            late_payment_policy=self.late_payment_policy or LatePaymentPolicy.REFUND,
            metadata=json_object(self.metadata, "metadata"),
        )


@strawberry.input(description="A product to write under its SKU.")
class ProductUpsertInput:
    """A product."""

    sku: str
    name: str
    unit_price: MoneyInput
    image_url: str | None = None
    active: bool | None = strawberry.field(default=True, description="Whether it can be ordered.")

    def to_domain(self) -> ProductInput:
        """Return the product as staff enter it.

        Raises:
            DomainError: INVALID.
        """
        return ProductInput(
            sku=self.sku,
            name=self.name,
            unit_price=self.unit_price.to_domain("unitPrice"),
            image_url=self.image_url,
            active=self.active is not False,
        )


@strawberry.input(description="An order to give up.")
class OrderCancelInput:
    """An order to cancel."""

    order_id: strawberry.ID
    reason: str | None = None
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED_VERSION)
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.input(description="Where the goods are now.")
class OrderFulfillInput:
    """A step of the goods."""

    order_id: strawberry.ID
    status: FulfillmentStatus
    message: str | None = strawberry.field(default=None, description="Shown on the order's timeline.")
    expected_version: int | None = strawberry.field(default=None, description=EXPECTED_VERSION)
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.input(description="A payment to open at a gateway.")
class PaymentCreateInput:
    """A new payment."""

    order_id: strawberry.ID
    gateway: Gateway
    method: PaymentMethodType | None = None
    amount: MoneyInput | None = strawberry.field(
        default=None, description="The order's balance where left out."
    )
    capture_method: CaptureMethod | None = CaptureMethod.AUTOMATIC
    return_url: str | None = strawberry.field(
        default=None, description="Where the gateway sends the shopper's browser back to."
    )
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)

    def to_domain(self) -> NewPaymentInput:
        """Return the payment as it is asked for.

        Raises:
            DomainError: INVALID.
        """
        return NewPaymentInput(
            gateway=self.gateway,
            method=self.method,
            amount=self.amount.to_domain("amount") if self.amount else None,
            capture_method=self.capture_method or CaptureMethod.AUTOMATIC,
            return_url=self.return_url,
        )


@strawberry.input(
    description=(
        "What the gateway's browser SDK or redirect handed back; verified, then looked up at the gateway."
    )
)
class PaymentConfirmInput:
    """What a browser brings back."""

    payment_id: strawberry.ID
    gateway_data: JSON | None = None
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.input(description="An authorisation to capture.")
class PaymentCaptureInput:
    """A capture."""

    payment_id: strawberry.ID
    amount: MoneyInput | None = strawberry.field(
        default=None, description="All that is authorised where left out."
    )
    final_capture: bool | None = strawberry.field(
        default=True,
        description="Whether the rest is released. False keeps it, to be captured later, where the gateway can.",
    )
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.input(description="A payment to give up.")
class PaymentCancelInput:
    """A payment to cancel."""

    payment_id: strawberry.ID
    reason: str | None = None
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.input(description="A place for money in suspense.")
class SuspenseResolveInput:
    """A word on held money."""

    id: strawberry.ID
    resolution: SuspenseResolution = strawberry.field(
        description=(
            "REFUND sends it back. APPLY_TO_ORDER takes it for an order: late money reopens its own, an amount that "
            "differs is accepted, money of an unknown order becomes a payment of `orderId`. WRITE_OFF keeps it outside "
            "any order."
        )
    )
    order_id: strawberry.ID | None = strawberry.field(
        default=None, description="Where money of an unknown order belongs."
    )
    message: str | None = strawberry.field(default=None, description="Why, for those who look later.")
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


@strawberry.input(description="Captured money to give back.")
class RefundCreateInput:
    """A refund."""

    payment_id: strawberry.ID
    amount: MoneyInput | None = strawberry.field(default=None, description="All that is left where left out.")
    reason: str | None = None
    idempotency_key: str = strawberry.field(description=IDEMPOTENCY_KEY)


def json_object(value: JSON | None, field: str) -> dict[str, object] | None:
    """Return a JSON object.

    Raises:
        DomainError: INVALID when it is JSON of another kind.
    """
    if value is None or isinstance(value, dict):
        return value
    raise DomainError(ErrorCode.INVALID, f"{field} is a JSON object.", (field,))


def order_id_of(given: str) -> UUID | None:
    """Return the order that a public id names; None, which is nobody's, when it is none of an order."""
    return decode_as(IdPrefix.ORDER, given)


def payment_id_of(given: str) -> UUID | None:
    """Return the payment that a public id names; None, which is nobody's, when it is none of a payment."""
    return decode_as(IdPrefix.PAYMENT, given)
