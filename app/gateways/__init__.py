"""What every payment gateway must be able to do, and the registry of those that can.

A gateway is one module in this package: its file name is its name. The module defines `build(settings)`, which
returns a `Gateway` or None when nothing is configured. An adapter translates between a gateway's wire format and
facts, holds no rule, opens no database, and never decides what a fact means for an order.
"""

from __future__ import annotations

from app.gateways.contract import (
    NO_REFERENCE,
    CaptureRequest,
    CreateRequest,
    Gateway,
    GatewayAnswer,
    GatewayError,
    GatewayErrorKind,
    Notification,
    PaymentHandle,
    RefundRequest,
    SignatureError,
    Verified,
)
from app.gateways.offers import Limits, offer
from app.gateways.polling import PollSchedule
from app.gateways.registry import GatewayRegistry, load_gateways

__all__ = [
    "NO_REFERENCE",
    "CaptureRequest",
    "CreateRequest",
    "Gateway",
    "GatewayAnswer",
    "GatewayError",
    "GatewayErrorKind",
    "GatewayRegistry",
    "Limits",
    "Notification",
    "PaymentHandle",
    "PollSchedule",
    "RefundRequest",
    "SignatureError",
    "Verified",
    "load_gateways",
    "offer",
]
