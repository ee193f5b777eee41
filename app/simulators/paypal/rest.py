"""PayPal's paths: who may call is checked, repetitions are answered again, and the book is asked for the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.responses import Response
from starlette.routing import Route

from app.simulators.kit.controls import json_response, read_body
from app.simulators.paypal.errors import ApiError
from app.simulators.paypal.listing import list_events
from app.simulators.paypal.objects import show_authorization, show_capture, show_order, show_refund
from app.simulators.paypal.pages import approval_page, back

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from app.simulators.paypal.simulator import PayPalSimulator

    Work = Callable[[str, dict[str, Any]], tuple[int, Any]]

ROOTS_PATH: Final = "/_sim/roots.pem"
_EVENT: Final = re.compile(rb'"webhook_event"\s*:\s*')


class Rest:
    """The API of one simulator."""

    def __init__(self, simulator: PayPalSimulator) -> None:
        self._simulator = simulator
        self._book = simulator.book
        self._url = simulator.url

    def routes(self) -> list[Route]:
        """Return all paths."""
        held = "/v2/payments/authorizations/{id}"
        order = "/v2/checkout/orders/{id}"
        changes: list[tuple[str, str, Work]] = [
            ("/v2/checkout/orders", "create", self._create),
            (f"{order}/capture", "capture", lambda name, _: self._take(name, "CAPTURE")),
            (f"{order}/authorize", "authorize", lambda name, _: self._take(name, "AUTHORIZE")),
            (f"{held}/capture", "capture_authorization", self._capture_held),
            (f"{held}/void", "cancel", self._void),
            ("/v2/payments/captures/{id}/refund", "refund", self._refund),
        ]
        return [
            Route("/v1/oauth2/token", self._token, methods=["POST"]),
            *(Route(path, self._changing(name, work), methods=["POST"]) for path, name, work in changes),
            Route(order, self._get_order, methods=["GET"]),
            Route("/v2/payments/captures/{id}", self._get_capture, methods=["GET"]),
            Route(held, self._get_authorization, methods=["GET"]),
            Route("/v1/notifications/webhooks-events", self._events, methods=["GET"]),
            Route("/v1/notifications/verify-webhook-signature", self._postback, methods=["POST"]),
            Route("/v1/notifications/certs/{id}", self._certificate, methods=["GET"]),
            Route(ROOTS_PATH, self._roots, methods=["GET"]),
            Route("/checkoutnow", self._page, methods=["GET", "POST"]),
        ]

    async def _token(self, request: Request) -> Response:
        body = await read_body(request)
        return await self._simulator.operate(
            "token", request, lambda: self._simulator.tokens.give(request, body)
        )

    def _changing(self, operation: str, work: Work) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            raw = await read_body(request)
            key = None
            try:
                self._simulator.tokens.check(request)
                key = self._simulator.repetitions.begin(request)
                return await self._simulator.operate(
                    operation, request, lambda: self._done(request, key, raw, work)
                )
            except ApiError as error:
                return error.response()
            finally:
                self._simulator.repetitions.end(key)

        return endpoint

    def _done(self, request: Request, key: tuple[str, str] | None, raw: bytes, work: Work) -> Response:
        try:
            _refuse_mocked(request.headers.get("paypal-mock-response"))
            body = _object(request, raw)
            name = request.path_params.get("id", "")
            return self._simulator.repetitions.once(key, raw, lambda: work(name, body))
        except ApiError as error:
            return error.response()

    async def _asked(self, request: Request, operation: str, work: Callable[[], Response]) -> Response:
        def guarded() -> Response:
            try:
                self._simulator.tokens.check(request)
                return work()
            except ApiError as error:
                return error.response()

        return await self._simulator.operate(operation, request, guarded)

    def _create(self, _: str, body: dict[str, Any]) -> tuple[int, Any]:
        return 201, show_order(self._book.create(body), self._url)

    def _take(self, name: str, intent: str) -> tuple[int, Any]:
        return 201, show_order(self._book.take(self._book.order(name), intent), self._url)

    def _capture_held(self, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        order, held = self._book.authorization(name)
        return 201, show_capture(order, self._book.capture_held(order, held, body), self._url)

    def _void(self, name: str, _: dict[str, Any]) -> tuple[int, Any]:
        self._book.void(*self._book.authorization(name))
        return 204, None

    def _refund(self, name: str, body: dict[str, Any]) -> tuple[int, Any]:
        order, capture = self._book.capture(name)
        return 201, show_refund(order, capture, self._book.refund(order, capture, body), self._url)

    async def _get_order(self, request: Request) -> Response:
        name = request.path_params["id"]
        return await self._asked(
            request, "fetch", lambda: json_response(show_order(self._book.order(name), self._url))
        )

    async def _get_capture(self, request: Request) -> Response:
        name = request.path_params["id"]
        return await self._asked(
            request, "fetch", lambda: json_response(show_capture(*self._book.capture(name), self._url))
        )

    async def _get_authorization(self, request: Request) -> Response:
        name = request.path_params["id"]
        return await self._asked(
            request,
            "fetch",
            lambda: json_response(show_authorization(*self._book.authorization(name), self._url)),
        )

    async def _events(self, request: Request) -> Response:
        return await self._asked(
            request,
            "events",
            lambda: json_response(list_events(self._simulator.told, request.query_params, self._url)),
        )

    async def _postback(self, request: Request) -> Response:
        raw = await read_body(request)

        def work() -> Response:
            body = _object(request, raw)
            found = _EVENT.search(raw)
            if found is None or not isinstance(body.get("webhook_event"), dict):
                raise ApiError(400, "MISSING_REQUIRED_PARAMETER", field="/webhook_event")
            event = raw[found.end() : raw.rindex(b"}")]
            words = {name: value for name, value in body.items() if isinstance(value, str)}
            good = any(signer.is_own(words, event) for signer in self._simulator.signers())
            return json_response({"verification_status": "SUCCESS" if good else "FAILURE"})

        return await self._asked(request, "postback", work)

    async def _certificate(self, request: Request) -> Response:
        signers = self._simulator.signers()
        named = (each for each in signers if each.url.endswith(f"/{request.path_params['id']}"))
        return Response(next(named, signers[0]).chain_pem, media_type="text/plain")

    async def _roots(self, _: Request) -> Response:
        """Hand out the authority, which a merchant has to trust to check webhooks with the certificate."""
        return Response(self._simulator.signer.root_pem, media_type="application/x-pem-file")

    async def _page(self, request: Request) -> Response:
        order = self._book.orders.get(request.query_params.get("token", ""))
        if order is None or order.status not in ("CREATED", "PAYER_ACTION_REQUIRED"):
            return Response("Nothing is to be approved here.", 404)
        if request.method == "GET":
            return approval_page(order)
        choice = (await read_body(request)).decode("latin-1").partition("choice=")[2]
        if choice == "cancel":
            return back(order, approved=False)
        self._book.approve(order, "DECLINED" if choice == "decline" else "SUCCEEDS")
        return back(order, approved=True)


def _object(request: Request, raw: bytes) -> dict[str, Any]:
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise ApiError(400, "UNSUPPORTED_MEDIA_TYPE")
    try:
        body = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError:
        raise ApiError(400, "MALFORMED_REQUEST_JSON") from None
    if not isinstance(body, dict):
        raise ApiError(400, "MALFORMED_REQUEST_JSON")
    return body


def _refuse_mocked(header: str | None) -> None:
    """Refuse as a test asks for by header."""
    if header is None:
        return
    try:
        code = orjson.loads(header)["mock_application_codes"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise ApiError(400, "INVALID_MOCK_RESPONSE") from None
    raise ApiError(422, str(code)[:80])
