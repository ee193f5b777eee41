"""Paytm's webhooks: a form for a payment, JSON for refunds and disputes, each signed inside its body.

Source: the samples of paytmpayments.com on webhooks, in stored copies.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import orjson

from app.simulators.kit import Event
from app.simulators.paytm.account import written
from app.simulators.paytm.amounts import write_amount
from app.simulators.paytm.book import Dispute, Refund
from app.simulators.paytm.signer import checksum, form_checksum

if TYPE_CHECKING:
    from app.simulators.paytm.account import Account
    from app.simulators.paytm.book import Order


def event_of(account: Account, name: str, order: Order, thing: Refund | Dispute | None) -> Event:
    """Return an event that tells of an order, a refund or a dispute as it is now."""
    event_id = secrets.token_hex(12)
    if thing is None:
        return Event(
            id=event_id,
            type=f"{name} {order.status}",
            body=urlencode(payment_form(account, order)).encode(),
            content_type="application/x-www-form-urlencoded",
        )
    told = _refund(account, order, thing) if isinstance(thing, Refund) else _dispute(account, order, thing)
    return Event(id=event_id, type=name, body=_sealed(account, told))


def signed_anew(account: Account, body: bytes) -> bytes:
    """Return a form or a JSON body with the checksum that its contents need."""
    try:
        told = orjson.loads(body)["body"]
    except orjson.JSONDecodeError:
        fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
        fields.pop("CHECKSUMHASH", None)
        return urlencode({**fields, "CHECKSUMHASH": form_checksum(fields, account.key)}).encode()
    return _sealed(account, told)


def _sealed(account: Account, told: dict[str, Any]) -> bytes:
    body = orjson.dumps(told)
    head = orjson.dumps({"signature": checksum(body.decode(), account.key), "version": "v1"})
    return b'{"head":' + head + b',"body":' + body + b"}"


def payment_form(account: Account, order: Order) -> dict[str, str]:
    """Return what became of an order, as a form."""
    code, message = order.reason
    fields = {
        "ORDERID": order.id,
        "MID": account.mid,
        "TXNID": order.transaction_id,
        "TXNAMOUNT": write_amount(order.taken or order.amount),
        "PAYMENTMODE": order.mode,
        "CURRENCY": "INR",
        "TXNDATE": written(order.paid_at),
        "STATUS": order.status or "",
        "RESPCODE": code,
        "RESPMSG": message,
        "GATEWAYNAME": "HDFC",
        "BANKTXNID": order.transaction_id[-12:] if order.status == "TXN_SUCCESS" else "",
        "BANKNAME": "HDFC Bank",
    }
    return {**fields, "CHECKSUMHASH": form_checksum(fields, account.key)}


def _refund(account: Account, order: Order, refund: Refund) -> dict[str, Any]:
    told = {
        "source": "MERCHANT",
        "txnId": order.transaction_id,
        "orderId": order.id,
        "txnAmount": write_amount(order.taken),
        "mid": account.mid,
        "refundAmount": write_amount(refund.amount),
        "txnTimestamp": written(order.paid_at),
        "totalRefundAmount": write_amount(order.taken - order.refundable),
        "acceptRefundTimestamp": written(refund.asked_at),
        "refId": refund.ref_id,
        "merchantRefundRequestTimestamp": written(refund.asked_at),
        "refundId": refund.id,
    }
    if refund.credited_at is not None:
        told["userCreditInitiateTimestamp"] = written(refund.credited_at)
    return told


def _dispute(account: Account, order: Order, dispute: Dispute) -> dict[str, Any]:
    return {
        "mid": account.mid,
        "disputeId": dispute.id,
        "orderId": order.id,
        "txnId": order.transaction_id,
        "disputeStatus": dispute.status,
        "disputeAmount": write_amount(dispute.amount),
        "disputeReason": "Goods not received",
        "disputeCreatedDate": written(dispute.created_at),
    }
