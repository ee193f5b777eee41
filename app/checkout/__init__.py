"""The use cases behind the mutations: who may, the idempotency key, the gateway's call, and its facts to settle."""

from __future__ import annotations

from app.checkout.catalog import Catalog, ProductInput
from app.checkout.ordering import AdjustmentInput, LineInput, NewOrderInput, Ordering
from app.checkout.paying import NewPaymentInput, Paying

__all__ = [
    "AdjustmentInput",
    "Catalog",
    "LineInput",
    "NewOrderInput",
    "NewPaymentInput",
    "Ordering",
    "Paying",
    "ProductInput",
]
