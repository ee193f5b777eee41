"""What a credential may allow."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """What a credential may do beyond what everybody may. To act on an order one must see it, too."""

    STAFF = "staff"
    """Everything below."""
    PRICE = "orders:price"
    """Set names, prices, adjustments and customers of new orders."""
    READ = "orders:read"
    """See every order, its payments, refunds, disputes and events."""
    ORDERS = "orders:write"
    """Cancel and fulfil every order, also a confirmed one; make and revoke its access tokens."""
    PAYMENTS = "payments:write"
    """Open, confirm, capture, cancel and ask after payments of every order."""
    REFUNDS = "refunds:write"
    """Give captured money back."""
    SUSPENSE = "suspense"
    """See money in suspense, and give it its place."""
    INBOX = "inbox"
    """See the gateways' deliveries as they came, and have them tried again."""
    BOOKS = "books:read"
    """See the ledger, the integrity report, statistics and metrics."""
    CATALOG = "catalog:write"
    """Write products, and see those that are no longer sold."""
