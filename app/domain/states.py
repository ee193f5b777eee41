"""The words of the states. Database CHECKs, the API's enums and the documents come from these."""

from __future__ import annotations

from enum import StrEnum


class OrderStatus(StrEnum):
    """What the shop promised."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    COMPLETED = "COMPLETED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class OrderPaymentStatus(StrEnum):
    """What the money says. Derived from the payments' facts, never set by hand."""

    UNPAID = "UNPAID"
    PENDING = "PENDING"
    AUTHORIZED = "AUTHORIZED"
    PARTIALLY_PAID = "PARTIALLY_PAID"
    PAID = "PAID"
    OVERPAID = "OVERPAID"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"
    REVIEW = "REVIEW"


class FulfillmentStatus(StrEnum):
    """Where the goods are."""

    UNFULFILLED = "UNFULFILLED"
    PREPARING = "PREPARING"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    RETURNED = "RETURNED"


class LatePaymentPolicy(StrEnum):
    """What happens to money after the order was canceled or expired, or beyond its total."""

    HONOR = "HONOR"
    REFUND = "REFUND"
    HOLD = "HOLD"


class PaymentStatus(StrEnum):
    """Stripe's words, plus what the other gateways need."""

    REQUIRES_PAYMENT_METHOD = "REQUIRES_PAYMENT_METHOD"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    PROCESSING = "PROCESSING"
    REQUIRES_CAPTURE = "REQUIRES_CAPTURE"
    PARTIALLY_CAPTURED = "PARTIALLY_CAPTURED"
    SUCCEEDED = "SUCCEEDED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    CONFLICTED = "CONFLICTED"


class PaymentAttemptStatus(StrEnum):
    """How far one try came."""

    STARTED = "STARTED"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    PROCESSING = "PROCESSING"
    AUTHORIZED = "AUTHORIZED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class RefundStatus(StrEnum):
    """How far a refund came. FAILED may follow SUCCEEDED."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class DisputeStatus(StrEnum):
    """How far a dispute came."""

    NEEDS_RESPONSE = "NEEDS_RESPONSE"
    UNDER_REVIEW = "UNDER_REVIEW"
    WON = "WON"
    LOST = "LOST"


class GatewayName(StrEnum):
    """The gateways that the contract knows."""

    STRIPE = "STRIPE"
    PAYPAL = "PAYPAL"
    RAZORPAY = "RAZORPAY"
    PAYTM = "PAYTM"
    SANDBOX = "SANDBOX"


class PaymentMethodType(StrEnum):
    """What the shopper pays with."""

    CARD = "CARD"
    UPI_INTENT = "UPI_INTENT"
    UPI_QR = "UPI_QR"
    NETBANKING = "NETBANKING"
    WALLET = "WALLET"
    PAYPAL = "PAYPAL"
    OTHER = "OTHER"


class CaptureMethod(StrEnum):
    """Whether an authorisation is captured at once or by a call of ours."""

    AUTOMATIC = "AUTOMATIC"
    MANUAL = "MANUAL"


class RefundInitiator(StrEnum):
    """Who asked for a refund."""

    STAFF = "STAFF"
    API = "API"
    LATE_PAYMENT = "LATE_PAYMENT"
    SURPLUS = "SURPLUS"
    GATEWAY = "GATEWAY"


class OrderAdjustmentKind(StrEnum):
    """What an amount beside the lines is for."""

    SHIPPING = "SHIPPING"
    TAX = "TAX"
    DISCOUNT = "DISCOUNT"


class InboxEventStatus(StrEnum):
    """What became of a webhook delivery."""

    RECEIVED = "RECEIVED"
    APPLIED = "APPLIED"
    IGNORED = "IGNORED"
    UNMATCHED = "UNMATCHED"
    FAILED = "FAILED"


class EventSource(StrEnum):
    """Who told us."""

    API = "API"
    WEBHOOK = "WEBHOOK"
    POLL = "POLL"
    SYSTEM = "SYSTEM"
    STAFF = "STAFF"


class OrderEventType(StrEnum):
    """What one committed change of an order was."""

    ORDER_CREATED = "ORDER_CREATED"
    ORDER_CONFIRMED = "ORDER_CONFIRMED"
    ORDER_COMPLETED = "ORDER_COMPLETED"
    ORDER_CANCELED = "ORDER_CANCELED"
    ORDER_EXPIRED = "ORDER_EXPIRED"
    ORDER_REOPENED = "ORDER_REOPENED"
    PAYMENT_CREATED = "PAYMENT_CREATED"
    PAYMENT_ACTION_REQUIRED = "PAYMENT_ACTION_REQUIRED"
    PAYMENT_PROCESSING = "PAYMENT_PROCESSING"
    PAYMENT_AUTHORIZED = "PAYMENT_AUTHORIZED"
    PAYMENT_SUCCEEDED = "PAYMENT_SUCCEEDED"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    PAYMENT_CANCELED = "PAYMENT_CANCELED"
    PAYMENT_EXPIRED = "PAYMENT_EXPIRED"
    PAYMENT_CONFLICTED = "PAYMENT_CONFLICTED"
    REFUND_CREATED = "REFUND_CREATED"
    REFUND_SUCCEEDED = "REFUND_SUCCEEDED"
    REFUND_FAILED = "REFUND_FAILED"
    DISPUTE_OPENED = "DISPUTE_OPENED"
    DISPUTE_WON = "DISPUTE_WON"
    DISPUTE_LOST = "DISPUTE_LOST"
    FULFILLMENT_CHANGED = "FULFILLMENT_CHANGED"
    SUSPENSE_OPENED = "SUSPENSE_OPENED"
    SUSPENSE_RESOLVED = "SUSPENSE_RESOLVED"


class SuspenseReason(StrEnum):
    """Why money is held that no order may keep yet."""

    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    LATE_PAYMENT = "LATE_PAYMENT"
    SURPLUS = "SURPLUS"


class SuspenseResolution(StrEnum):
    """What became of money that was held."""

    REFUND = "REFUND"
    APPLY_TO_ORDER = "APPLY_TO_ORDER"
    WRITE_OFF = "WRITE_OFF"


class JobKind(StrEnum):
    """Work that is owed. The job's subject is a payment, a refund, an order, a delivery or a gateway."""

    PAYMENT_POLL = "PAYMENT_POLL"
    PAYMENT_CANCEL = "PAYMENT_CANCEL"
    REFUND = "REFUND"
    SUSPENSE_REFUND = "SUSPENSE_REFUND"
    ORDER_EXPIRY = "ORDER_EXPIRY"
    INBOX_REPLAY = "INBOX_REPLAY"
    GATEWAY_BACKFILL = "GATEWAY_BACKFILL"


class LedgerAccount(StrEnum):
    """The accounts of the double-entry ledger."""

    CUSTOMER = "CUSTOMER"
    GATEWAY_CLEARING = "GATEWAY_CLEARING"
    SALES = "SALES"
    REFUNDS = "REFUNDS"
    DISPUTES = "DISPUTES"
    SUSPENSE = "SUSPENSE"
