"""Paytm's webhooks: forms and JSON, checked as their raw bytes are, and what they tell.

What a payment's webhook says is a hint alone, and has Paytm asked: a form's checksum doesn't cover the names of its
fields, and one spelling of a payment is enough. Refunds and disputes come as JSON, of which every byte is covered.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from app.domain.facts import add_facts
from app.domain.states import GatewayName
from app.gateways.contract import Notification, SignatureError
from app.gateways.paytm.checksum import check, check_form
from app.gateways.paytm.facts import as_uuid, dispute_facts, told_refund_facts
from app.gateways.paytm.messages import read_object, split
from app.gateways.paytm.wire import WireDispute, WireRefund
from app.gateways.words import warn_of_unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from app.domain.facts import Fact

FIELDS_MAX: Final = 100
_TYPE_CHARS_MAX: Final = 64
_ORDER_CHARS_MAX: Final = 50


def check_delivery(body: bytes, key: bytes) -> None:
    """Check a delivery's checksum.

    Raises:
        SignatureError: `missing`, `malformed` or `mismatch`.
    """
    try:
        if _is_json(body):
            head, signed = split(body.decode())
            checksum = head.get("signature")
            check(signed, checksum if isinstance(checksum, str) else None, key)
        else:
            check_form(read_form(body), key)
    except ValueError:
        raise SignatureError("malformed") from None


def read_form(body: bytes) -> dict[str, str]:
    """Return a form's fields.

    Raises:
        ValueError: it is none, or names a field twice.
    """
    pairs = parse_qsl(
        body.decode("ascii"),
        keep_blank_values=True,
        strict_parsing=True,
        errors="strict",
        max_num_fields=FIELDS_MAX,
    )
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field is named twice")
    return fields


def read_delivery(body: bytes) -> Notification:
    """Translate a delivery that was checked.

    Raises:
        ValueError: it is not of the documented shape.
    """
    if not _is_json(body):
        return _hint(read_form(body), body)
    _, told = split(body.decode())
    message = read_object(told)
    if "disputeId" in message:
        return _disputed(WireDispute.model_validate(message))
    if "refundId" in message or "refId" in message:
        return _refunded(WireRefund.model_validate(message))
    return _hint({name: value for name, value in message.items() if isinstance(value, str)}, body)


def _hint(fields: Mapping[str, str], body: bytes) -> Notification:
    """Tell whom a delivery is about, and have Paytm asked about it. Names are in capitals, or not."""
    named = {name.upper(): value for name, value in fields.items()}
    order_id = named.get("ORDERID", "")[:_ORDER_CHARS_MAX]
    status = named.get("STATUS", "")[:_TYPE_CHARS_MAX]
    if not order_id:
        warn_of_unknown(GatewayName.PAYTM, "delivery", ", ".join(sorted(named))[:_TYPE_CHARS_MAX])
    known_by = (
        order_id,
        named.get("TXNID", ""),
        status,
        named.get("RESPCODE", ""),
        named.get("REFUNDID", ""),
    )
    return Notification(
        external_id=_digest(known_by) if order_id else f"sha256:{hashlib.sha256(body).hexdigest()}",
        type=f"payment.{status or 'unknown'}",
        payment_id=as_uuid(order_id),
        reference=order_id or None,
        asks=bool(order_id),
    )


def _refunded(refund: WireRefund) -> Notification:
    facts = _collected(told_refund_facts(refund))
    step = "accepted" if refund.credited_at is None else "sent"
    return Notification(
        external_id=_digest((refund.order_id, refund.id or "", step)),
        type=f"refund.{step}",
        payment_id=as_uuid(refund.order_id),
        reference=refund.order_id,
        facts=facts,
        occurred_at=refund.credited_at or refund.at,
        asks=True,
    )


def _disputed(dispute: WireDispute) -> Notification:
    return Notification(
        external_id=_digest((dispute.order_id, dispute.id, dispute.status)),
        type=f"dispute.{dispute.status}",
        payment_id=as_uuid(dispute.order_id),
        reference=dispute.order_id,
        facts=_collected(dispute_facts(dispute)),
        occurred_at=dispute.created_at,
    )


def _collected(told: Iterable[Fact]) -> tuple[Fact, ...]:
    return tuple(add_facts({}, told)[0].values())


def _digest(known_by: tuple[str, ...]) -> str:
    """Return what a delivery is known by, for Paytm gives it no id and may send it again."""
    return f"sha256:{hashlib.sha256(json.dumps(known_by).encode()).hexdigest()}"


def _is_json(body: bytes) -> bool:
    return body.lstrip()[:1] == b"{"
