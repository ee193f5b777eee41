"""Razorpay's REST API, as far as a shop with orders and QR codes needs it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.routing import Route

from app.simulators.razorpay.book import found
from app.simulators.razorpay.creating import new_code, new_intent, new_order, upi_link
from app.simulators.razorpay.errors import RefusedError, json_response, refused_response
from app.simulators.razorpay.fields import COUNT_MAX, Fields, body_of, query_integer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from app.simulators.razorpay.account import Account
    from app.simulators.razorpay.book import Book
    from app.simulators.razorpay.objects import Entity

    Body = Mapping[str, Any]
    Work = Callable[[Request, Body], Any]
    Operate = Callable[[str, Request, Callable[[], Response]], Awaitable[Response]]

_SKIP_MAX: Final = 1_000_000
_LATEST: Final = 2_147_483_647
_REFUND_KEY_MIN: Final = 10
_REFUND_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


class RestApi:
    """The calls on one account. `operate` puts the chaos of the moment around each."""

    def __init__(self, account: Account, book: Book, operate: Operate) -> None:
        self._book = book
        self._operate = operate
        self._authorization = b"Basic " + base64.b64encode(f"{account.key_id}:{account.key_secret}".encode())
        self._refund_keys: dict[str, tuple[bytes, str]] = {}

    def routes(self) -> list[Route]:
        """Return the paths; what is fixed comes before what holds an id."""
        table: list[tuple[str, str, str, Work]] = [
            ("POST", "/v1/orders", "create", self._create_order),
            ("GET", "/v1/orders", "lookup", self._list_orders),
            ("GET", "/v1/orders/{id}", "fetch", self._order),
            ("GET", "/v1/orders/{id}/payments", "fetch", self._order_payments),
            ("POST", "/v1/payments/create/upi", "create_upi", self._create_upi),
            ("POST", "/v1/payments/qr_codes", "create_qr", self._create_code),
            ("GET", "/v1/payments/qr_codes", "lookup", self._list_codes),
            ("GET", "/v1/payments/qr_codes/{id}", "fetch", self._code),
            ("GET", "/v1/payments/qr_codes/{id}/payments", "fetch", self._code_payments),
            ("POST", "/v1/payments/qr_codes/{id}/close", "cancel", self._close_code),
            ("GET", "/v1/payments/{id}", "fetch", self._payment),
            ("POST", "/v1/payments/{id}/capture", "capture", self._capture),
            ("POST", "/v1/payments/{id}/refund", "refund", self._refund),
            ("GET", "/v1/payments/{id}/refunds", "fetch", self._refunds),
            ("GET", "/v1/refunds/{id}", "fetch", self._one_refund),
            ("GET", "/v1/disputes", "fetch", self._disputes),
            ("GET", "/v1/disputes/{id}", "fetch", self._dispute),
        ]
        return [
            *(
                Route(path, self._endpoint(operation, work), methods=[method])
                for method, path, operation, work in table
            ),
            Route("/v1/{path:path}", _no_such_path, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    def _endpoint(self, operation: str, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                self._authenticate(request)
                body = await body_of(request)
            except RefusedError as error:
                return refused_response(error)
            return await self._operate(operation, request, lambda: _done(work, request, body))

        return answer

    def _authenticate(self, request: Request) -> None:
        given = request.headers.get("authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(given, self._authorization):
            raise RefusedError("The api key/secret provided is invalid", status=401)

    def _create_order(self, _: Request, body: Body) -> Any:  # noqa: ANN401 - JSON
        return self._book.add_order(new_order(body)).shown()

    def _list_orders(self, request: Request, _: Body) -> Any:  # noqa: ANN401 - JSON
        receipt = request.query_params.get("receipt")
        matching = [o for o in self._book.orders.values() if receipt is None or o.receipt == receipt]
        return _page(request, matching)

    def _order(self, request: Request, _: Body) -> Any:  # noqa: ANN401 - JSON
        return found(self._book.orders, request.path_params["id"]).shown()

    def _order_payments(self, request: Request, _: Body) -> Any:  # noqa: ANN401 - JSON
        order = found(self._book.orders, request.path_params["id"])
        return _collection(self._book.payments_of(order))

    def _create_upi(self, _: Request, body: Body) -> Any:  # noqa: ANN401 - JSON
        payment = new_intent(body, self._book)
        return {"razorpay_payment_id": payment.id, "link": upi_link(payment.id, payment.amount)}

    def _create_code(self, _: Request, body: Body) -> Any:  # noqa: ANN401 - JSON
        return self._book.add_code(new_code(body)).shown()

    def _list_codes(self, request: Request, _: Body) -> Any:  # noqa: ANN401 - JSON
        return _page(request, self._book.codes.values())

    def _code(self, request: Request, _: Body) -> Any:  # noqa: ANN401 - JSON
        return found(self._book.codes, request.path_params["id"]).shown()

    def _code_payments(self, request: Request, _: Body) -> Any:  # noqa: ANN401 - JSON
        code = found(self._book.codes, request.path_params["id"])
        return _collection(self._book.payments_of(code))

    def _close_code(self, request: Request, body: Body) -> Any:  # noqa: ANN401 - JSON
        Fields(body)
        return self._book.close(found(self._book.codes, request.path_params["id"]), "on_demand").shown()

    def _payment(self, request: Request, _: Body) -> Any:  # noqa: ANN401 - JSON
        return found(self._book.payments, request.path_params["id"]).shown()

    def _capture(self, request: Request, body: Body) -> Any:  # noqa: ANN401 - JSON
        fields = Fields(body, "amount", "currency")
        payment = found(self._book.payments, request.path_params["id"])
        currency = fields.currency()
        return self._book.capture(payment, fields.amount("amount", currency), currency).shown()

    def _refund(self, request: Request, body: Body) -> Any:  # noqa: ANN401 - JSON
        """Refund at most once under a key; what it stands for is the whole request."""
        key = request.headers.get("x-refund-idempotency")
        if key is not None and len(key) < _REFUND_KEY_MIN:
            raise RefusedError("The idempotency key must be at least 10 characters long.")
        if key is not None and not _REFUND_KEY.fullmatch(key):
            raise RefusedError(
                "The idempotency key must only contain alphanumeric characters, underscores, and hyphens"
            )
        payment = found(self._book.payments, request.path_params["id"])
        asked = hashlib.sha256(orjson.dumps([payment.id, body], option=orjson.OPT_SORT_KEYS)).digest()
        if key in self._refund_keys:
            known, refund_id = self._refund_keys[key]
            if known != asked:
                raise RefusedError(
                    "Different request with the same idempotency key has already been processed.", status=409
                )
            return self._book.refunds[refund_id].shown()
        fields = Fields(body, "amount", "speed", "notes", "receipt")
        if fields.text("speed") not in (None, "normal"):
            raise RefusedError("The selected speed is invalid.", field="speed")
        refund = self._book.refund(payment, fields)
        if key is not None:
            self._refund_keys[key] = (asked, refund.id)
        return refund.shown()

    def _refunds(self, request: Request, _: Body) -> Any:  # noqa: ANN401 - JSON
        payment = found(self._book.payments, request.path_params["id"])
        return _page(request, [r for r in self._book.refunds.values() if r.payment_id == payment.id])

    def _one_refund(self, request: Request, _: Body) -> Any:  # noqa: ANN401 - JSON
        return found(self._book.refunds, request.path_params["id"]).shown()

    def _disputes(self, request: Request, _: Body) -> Any:  # noqa: ANN401 - JSON
        return _page(request, self._book.disputes.values())

    def _dispute(self, request: Request, _: Body) -> Any:  # noqa: ANN401 - JSON
        return found(self._book.disputes, request.path_params["id"]).shown()


async def _no_such_path(_: Request) -> Response:
    return refused_response(RefusedError("The requested URL was not found on the server."))


def _done(work: Work, request: Request, body: Body) -> Response:
    try:
        return json_response(work(request, body))
    except RefusedError as error:
        return refused_response(error)


def _page(request: Request, objects: Iterable[Entity]) -> dict[str, Any]:
    """Return what a query leaves of a list: newest first, 10 unless told."""
    since, until = (query_integer(request, name, default, _LATEST) for name, default in _SPAN)
    count = query_integer(request, "count", 10, COUNT_MAX)
    skip = query_integer(request, "skip", 0, _SKIP_MAX)
    matching = [each for each in objects if since <= each.created_at <= until]
    return _collection(matching[::-1][skip : skip + count])


_SPAN: Final = (("from", 0), ("to", _LATEST))


def _collection(objects: Iterable[Entity]) -> dict[str, Any]:
    items = [each.shown() for each in objects]
    return {"entity": "collection", "count": len(items), "items": items}
