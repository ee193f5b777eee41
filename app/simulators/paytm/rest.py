"""Paytm's REST API, as far as a shop needs it. Every answer is HTTP's 200; `resultInfo` says how it went."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.routing import Route

from app.simulators.kit.controls import json_response, read_body
from app.simulators.paytm.account import written
from app.simulators.paytm.amounts import read_amount, write_amount
from app.simulators.paytm.errors import RefusedError, missing, not_signed
from app.simulators.paytm.signer import checksum, is_checksum

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from app.simulators.paytm.account import Account
    from app.simulators.paytm.book import Book, Order, Refund

    Body = dict[str, Any]
    Work = Callable[[Request, Body, Body], Body]
    Operate = Callable[[str, Request, Callable[[], Response]], Awaitable[Response]]

_ORDER_ID: Final = re.compile(r"[A-Za-z0-9_@.\-]{1,50}")
_BODY: Final = re.compile(rb'\s*\{\s*"head"\s*:\s*')
_WORDS: Final = {"TXN_SUCCESS": ("10", "Refund Successful"), "PENDING": ("601", "Refund is in process")}
_REFUND_FAILED: Final = ("600", "Refund failed at the bank's end")


class RestApi:
    """The calls on one account. `operate` puts the chaos of the moment around each; `later` what goes on by itself."""

    def __init__(
        self, account: Account, book: Book, operate: Operate, later: Callable[[Order, Refund], None]
    ) -> None:
        self._account = account
        self._book = book
        self._operate = operate
        self._later = later

    def routes(self) -> list[Route]:
        """Return the paths."""
        table: list[tuple[str, str, Work, bool]] = [
            ("/theia/api/v1/initiateTransaction", "create", self._initiate, True),
            ("/theia/api/v1/processTransaction", "process", self._process, False),
            ("/paymentservices/qr/create", "create_qr", self._create_code, True),
            ("/v3/order/status", "fetch", self._status, True),
            ("/refund/apply", "refund", self._refund, True),
            ("/v2/refund/status", "fetch_refund", self._refund_status, True),
        ]
        return [
            Route(path, self._endpoint(operation, work, signed=signed), methods=["POST"])
            for path, operation, work, signed in table
        ]

    def _endpoint(
        self, operation: str, work: Work, *, signed: bool
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            raw = await read_body(request)
            return await self._operate(
                operation, request, lambda: self._answered(request, raw, work, signed=signed)
            )

        return answer

    def _answered(self, request: Request, raw: bytes, work: Work, *, signed: bool) -> Response:
        try:
            head, body = self._checked(raw, signed=signed)
            told = work(request, head, body)
        except RefusedError as error:
            told = _told(error.status, error.code, error.message)
        return self._response(told)

    def _checked(self, raw: bytes, *, signed: bool) -> tuple[Body, Body]:
        head, body, written_body = _read(raw)
        if signed and not is_checksum(written_body, str(head.get("signature")), self._account.key):
            raise not_signed()
        if body.get("mid") != self._account.mid:
            raise RefusedError("F", "2006", "Mid is invalid")
        return head, body

    def _response(self, told: Body) -> Response:
        answer_head = {
            "responseTimestamp": str(int(time.time() * 1000)),
            "version": "v1",
            "clientId": "C11",
            "signature": checksum(orjson.dumps(told).decode(), self._account.key),
        }
        return json_response({"head": answer_head, "body": told})

    def _initiate(self, request: Request, _: Body, body: Body) -> Body:
        amount = body.get("txnAmount")
        if body.get("requestType") != "Payment" or not isinstance(body.get("websiteName"), str):
            raise missing("requestType or websiteName")
        if not isinstance(amount, dict) or amount.get("currency") != "INR":
            raise missing("txnAmount")
        user = body.get("userInfo")
        if not isinstance(user, dict) or not isinstance(user.get("custId"), str) or not user["custId"]:
            raise missing("custId")
        order_id = _order_id(body)
        if request.query_params.get("orderId") != order_id or request.query_params.get("mid") != body["mid"]:
            raise RefusedError(
                "F", "2013", "Mid in the query param doesn't match with the Mid send in the request"
            )
        order, repeated = self._book.open(order_id, read_amount(amount.get("value")), _asked(body))
        result = ("0002", "Success Idempotent") if repeated else ("0000", "Success")
        return {
            **_told("S", *result),
            "txnToken": order.token,
            "isPromoCodeValid": False,
            "authenticated": False,
        }

    def _process(self, _: Request, head: Body, body: Body) -> Body:
        order = self._book.orders.get(_order_id(body))
        if order is None or head.get("txnToken") != order.token:
            raise RefusedError("F", "1006", "Your Session has expired.")
        if body.get("requestType") != "NATIVE" or body.get("paymentMode") != "UPI_INTENT":
            raise missing("paymentMode")
        if order.status is None:
            order.method = "UPI"
        link = upi_link(self._account.mid, order)
        return {
            **_told("S", "0000", "Success"),
            "deepLinkInfo": {
                "deepLink": link,
                "orderId": order.id,
                "cashierRequestId": order.token[:20],
                "transId": order.id,
            },
        }

    def _create_code(self, _: Request, __: Body, body: Body) -> Body:
        if body.get("businessType") != "UPI_QR_CODE" or not isinstance(body.get("posId"), str):
            raise missing("businessType or posId")
        order, _repeated = self._book.open(_order_id(body), read_amount(body.get("amount")), _asked(body))
        order.method = "UPI"
        return {
            **_told("SUCCESS", "QR_0001", "SUCCESS"),
            "qrCodeId": order.token[:18],
            "qrData": upi_link(self._account.mid, order),
            "image": "",
        }

    def _status(self, _: Request, __: Body, body: Body) -> Body:
        order = self._book.found(body.get("orderId"))
        refunded = sum(r.amount for r in order.refunds.values() if r.status == "TXN_SUCCESS")
        return {
            **_told(order.status or "", *order.reason),
            "txnId": order.transaction_id,
            "bankTxnId": order.transaction_id[-12:] if order.status == "TXN_SUCCESS" else "",
            "orderId": order.id,
            "txnAmount": write_amount(order.taken or order.amount),
            "txnType": "SALE",
            "gatewayName": "HDFC",
            "mid": self._account.mid,
            "paymentMode": order.mode,
            "refundAmt": write_amount(refunded),
            "txnDate": written(order.paid_at),
        }

    def _refund(self, _: Request, __: Body, body: Body) -> Body:
        order = self._book.found(body.get("orderId"))
        if body.get("txnType") != "REFUND" or body.get("txnId") != order.transaction_id:
            raise RefusedError("TXN_FAILURE", "627", "Order Details Mismatch")
        ref_id = body.get("refId")
        if not isinstance(ref_id, str) or not _ORDER_ID.fullmatch(ref_id):
            raise missing("refId")
        refund = self._book.refund(order, ref_id, read_amount(body.get("refundAmount")))
        self._later(order, refund)
        return self._shown(order, refund)

    def _refund_status(self, _: Request, __: Body, body: Body) -> Body:
        order = self._book.orders.get(_order_id(body))
        refund = order.refunds.get(str(body.get("refId"))) if order else None
        if order is None or refund is None:
            raise RefusedError("TXN_FAILURE", "631", "Record not found")
        return self._shown(order, refund)

    def _shown(self, order: Order, refund: Refund) -> Body:
        told = {
            **_told(refund.status, *_WORDS.get(refund.status, _REFUND_FAILED)),
            "orderId": order.id,
            "mid": self._account.mid,
            "txnId": order.transaction_id,
            "refId": refund.ref_id,
            "refundId": refund.id,
            "refundAmount": write_amount(refund.amount),
            "merchantRefundRequestTimestamp": written(refund.asked_at),
        }
        if refund.credited_at is not None:
            told["userCreditInitiateTimestamp"] = written(refund.credited_at)
        return told


def upi_link(mid: str, order: Order) -> str:
    """Return the link that opens a UPI app."""
    return (
        f"upi://pay?pa=paytm-{mid.lower()}@ptys&pn=Simulated%20Merchant&mc=5411&tr={order.id}"
        f"&am={write_amount(order.amount)}&cu=INR"
    )


def _read(raw: bytes) -> tuple[Body, Body, str]:
    """Return head and body, and the body as it was written: what comes after the head's end."""
    try:
        message = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise RefusedError("F", "2004", "Invalid request JSON") from None
    head, body = (message.get("head"), message.get("body")) if isinstance(message, dict) else (None, None)
    if not isinstance(head, dict) or not isinstance(body, dict) or list(message) != ["head", "body"]:
        raise missing("head or body")
    start = _BODY.match(raw)
    at = raw.index(b'"body"', start.end() if start else 0)
    written_body = raw[raw.index(b":", at) + 1 : raw.rindex(b"}")].strip().decode()
    return head, body, written_body


def _order_id(body: Body) -> str:
    order_id = body.get("orderId")
    if not isinstance(order_id, str) or not _ORDER_ID.fullmatch(order_id):
        raise missing("orderId")
    return order_id


def _asked(body: Body) -> str:
    return orjson.dumps(body, option=orjson.OPT_SORT_KEYS).decode()


def _told(status: str, code: str, message: str) -> Body:
    return {"resultInfo": {"resultStatus": status, "resultCode": code, "resultMsg": message}}
