"""The use cases behind the mutations: who may, the idempotency key, the gateway's call, and its facts to settle."""

from __future__ import annotations

from app.checkout.catalog import Catalog, ProductInput
from app.checkout.new_order import AdjustmentInput, LineInput, NewOrderInput
from app.checkout.new_payment import NewPaymentInput
from app.checkout.ordering import Ordering
from app.checkout.paying import Paying
from app.checkout.suspense import Suspense

__all__ = [
    "AdjustmentInput",
    "Catalog",
    "LineInput",
    "NewOrderInput",
    "NewPaymentInput",
    "Ordering",
    "Paying",
    "ProductInput",
    "Suspense",
]
