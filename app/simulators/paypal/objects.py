"""How PayPal writes its objects: resource version 2.0, and 1.0 for webhooks that were registered long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.simulators.paypal.amounts import write_amount

if TYPE_CHECKING:
    from datetime import datetime

    from app.simulators.paypal.account import Authorization, Capture, Dispute, Order, Refund


def stamp(when: datetime) -> str:
    """Write a time."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def show_order(order: Order, url: str) -> dict[str, Any]:
    """Write an order with all that is in it."""
    payments: dict[str, Any] = {}
    if order.authorizations:
        payments["authorizations"] = [show_authorization(order, held, url) for held in order.authorizations]
    if order.captures:
        payments["captures"] = [show_capture(order, capture, url) for capture in order.captures]
        refunds = [show_refund(order, c, refund, url) for c in order.captures for refund in c.refunds]
        if refunds:
            payments["refunds"] = refunds
    unit = {"reference_id": "default", "amount": write_amount(order.amount, order.currency), **_own(order)}
    if payments:
        unit["payments"] = payments
    return {
        "id": order.id,
        "intent": order.intent,
        "status": order.status,
        "purchase_units": [unit],
        "create_time": stamp(order.created),
        "update_time": order.updated.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "links": _order_links(order, url),
    }


def show_authorization(order: Order, held: Authorization, url: str) -> dict[str, Any]:
    """Write an authorisation."""
    return {
        "id": held.id,
        "status": held.status,
        "amount": write_amount(held.amount, order.currency),
        **_own(order),
        "supplementary_data": {"related_ids": {"order_id": order.id}},
        "create_time": stamp(held.created),
        "links": [
            _link(url, f"/v2/payments/authorizations/{held.id}", "self"),
            _link(url, f"/v2/checkout/orders/{order.id}", "up"),
        ],
    }


def show_capture(order: Order, capture: Capture, url: str) -> dict[str, Any]:
    """Write a capture."""
    related = {"order_id": order.id}
    up = f"/v2/checkout/orders/{order.id}"
    if capture.authorization_id:
        related["authorization_id"] = capture.authorization_id
        up = f"/v2/payments/authorizations/{capture.authorization_id}"
    shown = {
        "id": capture.id,
        "status": capture.shown_status,
        "amount": write_amount(capture.amount, order.currency),
        "final_capture": capture.final,
        **_own(order),
        "supplementary_data": {"related_ids": related},
        "create_time": stamp(capture.created),
        "links": [_link(url, f"/v2/payments/captures/{capture.id}", "self"), _link(url, up, "up")],
    }
    if capture.status == "PENDING":
        shown["status_details"] = {"reason": "PENDING_REVIEW"}
    return shown


def show_refund(order: Order, capture: Capture, refund: Refund, url: str) -> dict[str, Any]:
    """Write a refund; without an id of the merchant's it has its capture's."""
    shown = {
        "id": refund.id,
        "status": refund.status,
        "amount": write_amount(refund.amount, order.currency),
        "custom_id": refund.custom_id or order.custom_id,
        "invoice_id": refund.invoice_id or order.invoice_id,
        "seller_payable_breakdown": {"total_refunded_amount": write_amount(capture.refunded, order.currency)},
        "create_time": refund.created.strftime("%Y-%m-%dT%H:%M:%S-00:00"),
        "links": [
            _link(url, f"/v2/payments/refunds/{refund.id}", "self"),
            _link(url, f"/v2/payments/captures/{capture.id}", "up"),
        ],
    }
    return {**shown, "note_to_payer": refund.note} if refund.note else shown


def show_dispute(order: Order, dispute: Dispute) -> dict[str, Any]:
    """Write a dispute."""
    shown: dict[str, Any] = {
        "dispute_id": dispute.id,
        "create_time": stamp(dispute.created),
        "disputed_transactions": [{"seller_transaction_id": dispute.capture_id}],
        "reason": "MERCHANDISE_OR_SERVICE_NOT_RECEIVED",
        "status": dispute.status,
        "dispute_amount": write_amount(dispute.amount, order.currency),
    }
    if dispute.outcome:
        shown["dispute_outcome"] = {"outcome_code": dispute.outcome}
    return shown


def as_version_1(resource: dict[str, Any]) -> dict[str, Any]:
    """Write a resource of the payments API as version 1.0 does."""
    old = {key: value for key, value in resource.items() if key not in ("status", "amount", "custom_id")}
    amount = resource["amount"]
    old["state"] = resource["status"].lower()
    old["amount"] = {"total": amount["value"], "currency": amount["currency_code"]}
    if resource.get("custom_id"):
        old["custom"] = resource["custom_id"]
    return old


def _own(order: Order) -> dict[str, Any]:
    given = {"custom_id": order.custom_id, "invoice_id": order.invoice_id}
    return {name: value for name, value in given.items() if value}


def _order_links(order: Order, url: str) -> list[dict[str, str]]:
    links = [_link(url, f"/v2/checkout/orders/{order.id}", "self")]
    if order.status in ("CREATED", "PAYER_ACTION_REQUIRED"):
        rel = "approve" if order.status == "CREATED" else "payer-action"
        links.append(_link(url, f"/checkoutnow?token={order.id}", rel))
    return links


def _link(url: str, path: str, rel: str) -> dict[str, str]:
    return {"href": f"{url}{path}", "rel": rel, "method": "GET"}
