"""Paytm's webhooks: forms that only hint, and JSON that tells of refunds and disputes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson
import pytest

from app.domain.states import DisputeStatus, RefundStatus
from app.gateways import Notification, SignatureError, Verified
from app.gateways.paytm.checksum import sign
from app.gateways.paytm.webhooks import check_delivery, read_delivery, read_form
from app.simulators.kit import Control
from app.simulators.paytm.signer import form_checksum
from tests.gateways.paytm_shop import KEY, shop_open

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.gateways.paytm_shop import Shop

ORDER = "01a218fc-d6a0-747b-87d7-6ed162cf114b"
FORM = {"ORDERID": ORDER, "STATUS": "TXN_SUCCESS", "TXNID": "1", "TXNAMOUNT": "499.00", "RESPCODE": "01"}
REFUND = {
    "orderId": ORDER,
    "refId": "01a218fc-d6a0-747b-87d7-6ed162cf1111",
    "refundId": "20200903111",
    "refundAmount": "120.00",
    "merchantRefundRequestTimestamp": "2020-09-03 16:52:08.0",
}
DISPUTE = {"orderId": ORDER, "disputeId": "20191218111", "disputeStatus": "NEW", "disputeAmount": "20"}


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with shop_open() as opened:
        yield opened


def form(fields: dict[str, str]) -> bytes:
    return urlencode({**fields, "CHECKSUMHASH": form_checksum(fields, KEY)}).encode()


def message(body: object) -> bytes:
    written = orjson.dumps(body)
    head = orjson.dumps({"signature": sign(written.decode(), KEY.encode()), "version": "v1"})
    return b'{"head":' + head + b',"body":' + written + b"}"


def read(body: bytes) -> Notification:
    return read_delivery(Verified.by(lambda raw: check_delivery(raw, KEY.encode()), body, {}).body)


def kinds(said: Notification) -> list[str]:
    return [fact.kind.value for fact in said.facts]


def test_a_form_has_paytm_asked_and_moves_nothing() -> None:
    said = read(form(FORM))

    assert (str(said.payment_id), said.reference, said.asks) == (ORDER, ORDER, True)
    assert said.facts == ()
    assert said.type == "payment.TXN_SUCCESS"


def test_a_payment_in_json_is_a_hint_too() -> None:
    said = read(message({"orderId": ORDER, "status": "TXN_SUCCESS", "txnAmount": "499.00"}))

    assert (str(said.payment_id), said.asks, said.facts) == (ORDER, True, ())


def test_a_delivery_that_comes_again_is_the_same_and_another_is_not() -> None:
    first, again = read(form(FORM)), read(form(FORM))
    later = read(form({**FORM, "STATUS": "TXN_FAILURE", "RESPCODE": "227"}))

    assert first.external_id == again.external_id
    assert first.external_id != later.external_id


def test_an_order_of_another_system_is_looked_for_by_its_id() -> None:
    said = read(form({**FORM, "ORDERID": "ORDERID_98765"}))

    assert (said.payment_id, said.reference) == (None, "ORDERID_98765")


def test_a_delivery_that_names_no_order_says_nothing() -> None:
    said = read(form({"MID": "x"}))

    assert (said.payment_id, said.reference, said.asks, said.facts) == (None, None, False, ())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"ORDERID=O1",
        b"ORDERID=O1&ORDERID=O2&CHECKSUMHASH=x",
        b"&&&",
        b"\xff\xfe",
        "ORDERID=é".encode(),
        b"=" * 5000,
        b"&".join(b"A%d=1" % number for number in range(200)),
        form(FORM) + b"&X=1",
        form(FORM).replace(b"499.00", b"1.00"),
        form(FORM).replace(ORDER.encode(), b"O2"),
        form({}).replace(b"CHECKSUMHASH", b"CHECKSUM"),
    ],
)
def test_what_proves_nothing_is_refused(body: bytes) -> None:
    with pytest.raises(SignatureError):
        check_delivery(body, KEY.encode())


def test_a_form_is_read_strictly() -> None:
    with pytest.raises(ValueError, match="twice"):
        read_form(b"A=1&A=1")


def test_a_refund_is_told_as_accepted_and_as_sent() -> None:
    accepted = read(message(REFUND))
    sent = read(message({**REFUND, "userCreditInitiateTimestamp": "2020-09-03 16:52:10.0"}))

    assert kinds(accepted) == ["REFUND_PENDING"]
    assert kinds(sent) == ["REFUND_PENDING", "REFUND_SUCCEEDED"]
    assert accepted.external_id != sent.external_id
    assert accepted.asks
    (pending, succeeded) = sent.facts
    assert (pending.object_id, str(pending.own_id)) == ("20200903111", REFUND["refId"])
    assert succeeded.amount is not None
    assert succeeded.amount.minor == 12_000
    assert succeeded.reported_at == datetime(2020, 9, 3, 11, 22, 10, tzinfo=UTC), "Paytm writes Indian time"


@pytest.mark.parametrize("word", ["status", "userCreditInitiateStatus"])
def test_a_refund_that_did_not_go_well_is_not_told_as_sent(word: str) -> None:
    told = read(message({**REFUND, "userCreditInitiateTimestamp": "2020-09-03 16:52:10.0", word: "FAILURE"}))

    assert kinds(told) == ["REFUND_PENDING"]


def test_a_refund_that_staff_made_at_paytm_is_none_of_ours() -> None:
    (fact,) = read(message({**REFUND, "refId": "REFUNDID_98765"})).facts

    assert fact.own_id is None


def test_a_dispute_is_told_with_an_amount_without_paise() -> None:
    (fact,) = read(message(DISPUTE)).facts

    assert (fact.kind.value, fact.object_id) == ("DISPUTE_OPENED", "20191218111")
    assert fact.amount is not None
    assert fact.amount.minor == 2_000


def test_a_word_that_is_not_known_changes_nothing() -> None:
    said = read(message({**DISPUTE, "disputeStatus": "SLEEPING"}))

    assert (said.facts, said.type) == ((), "dispute.SLEEPING")


@pytest.mark.parametrize(
    "body",
    [
        {**REFUND, "refundAmount": "1.234"},
        {**REFUND, "refundAmount": 120},
        {**REFUND, "refundAmount": None},
        {**REFUND, "refundId": ""},
        {**REFUND, "refundId": ["1"]},
        {**REFUND, "orderId": {}},
        {**REFUND, "refundAmount": "-1.00"},
        {**REFUND, "refundAmount": "٣.00"},
        {**DISPUTE, "disputeAmount": "1e3"},
        {**DISPUTE, "disputeId": "x" * 500},
        [],
        "text",
    ],
)
def test_what_is_signed_and_makes_no_sense_is_a_value_error(body: Any) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises(ValueError):  # noqa: PT011 - pydantic's and ours
        read(message(body))


def test_every_changed_bit_of_a_json_webhook_is_noticed() -> None:
    good = message({**REFUND, "userCreditInitiateTimestamp": "2020-09-03 16:52:10.0"})
    signed_from, signed_to = good.index(b'"body"'), len(good)
    unnoticed = []
    for at in range(len(good)):
        for bit in range(8):
            changed = bytearray(good)
            changed[at] ^= 1 << bit
            try:
                said = read(bytes(changed))
            except (SignatureError, ValueError):
                continue
            unnoticed.append((at, bit))
            assert said == read(good), "the head's own words mean nothing"

    assert [place for place in unnoticed if signed_from <= place[0] < signed_to] == []


async def test_simulated_webhooks_tell_of_refunds_and_disputes(shop: Shop) -> None:
    await shop.paid()
    await shop.asked()
    await shop.gateway.refund(shop.refund(20_000))
    order = shop.paytm.book.orders[shop.reference]
    (refund,) = order.refunds.values()
    shop.paytm.book.credit(order, refund)
    shop.paytm.dispute(shop.reference)
    opened = (await shop.heard()).disputes
    shop.paytm.close_dispute(shop.reference, Control.LOST)

    state = await shop.heard()

    assert [each.status for each in opened] == [DisputeStatus.NEEDS_RESPONSE]
    assert [each.status for each in state.disputes] == [DisputeStatus.LOST]
    assert [each.status for each in state.refunds] == [RefundStatus.SUCCEEDED]
