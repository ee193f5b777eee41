"""The REST API under /v1: what merchants call, and what tests ask for beyond it (paths with an underscore)."""

from __future__ import annotations

import hmac
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.routing import Route

from app.simulators.kit.chaos import Chaos
from app.simulators.sandbox import cards, parameters, transitions
from app.simulators.sandbox.chaos import Operation, chaos_from
from app.simulators.sandbox.errors import ApiError, ErrorType, not_found
from app.simulators.sandbox.objects import Payment, PaymentStatus
from app.simulators.sandbox.once import Done, disturb, json_response, write

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from app.simulators.sandbox.account import Account
    from app.simulators.sandbox.book import Event
    from app.simulators.sandbox.transitions import Step

    Endpoint = Callable[[Request], Awaitable[Response]]

PAYMENTS_MAX: Final = 200_000


class RestApi:
    """The endpoints of one account."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._book = account.book

    def routes(self) -> list[Route]:
        """Return what to mount at the root."""
        table: list[tuple[str, str, Endpoint]] = [
            ("POST", "/v1/payments", self._create_payment),
            ("GET", "/v1/payments", self._list_payments),
            ("GET", "/v1/payments/{id}", self._fetch_payment),
            ("POST", "/v1/payments/{id}/capture", self._capture),
            ("POST", "/v1/payments/{id}/cancel", self._cancel),
            ("POST", "/v1/payments/{id}/refunds", self._refund),
            ("POST", "/v1/payments/{id}/_pay", self._pay),
            ("POST", "/v1/payments/{id}/_authenticate", self._authenticate),
            ("POST", "/v1/payments/{id}/_disputes/{dispute}/close", self._close_dispute),
            ("GET", "/v1/refunds/{id}", self._fetch_refund),
            ("GET", "/v1/events", self._list_events),
            ("GET", "/v1/events/{id}", self._fetch_event),
            ("POST", "/v1/events/{id}/_deliver", self._deliver_event),
            ("GET", "/v1/_truth", self._truth),
            ("PUT", "/v1/_chaos", self._set_chaos),
            ("GET", "/v1/_chaos", self._show_chaos),
            ("DELETE", "/v1/_chaos", self._calm),
        ]
        return [
            Route(path, self._authenticated(endpoint), methods=[method]) for method, path, endpoint in table
        ]

    def _authenticated(self, endpoint: Endpoint) -> Endpoint:
        expected = f"Bearer {self._account.config.secret_key}".encode()

        async def check(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, expected):
                raise ApiError(
                    "secret_key_invalid",
                    "Send the secret key as: Authorization: Bearer …",
                    status=401,
                    error_type=ErrorType.AUTHENTICATION,
                )
            return await endpoint(request)

        return check

    async def _create_payment(self, request: Request) -> Response:
        def prepare(body: dict[str, Any]) -> Callable[[], Done]:
            payment = parameters.new_payment(body, self._book.now)
            return lambda: self._done(self._create(payment))

        return await write(self._account, request, Operation.CREATE_PAYMENT, prepare)

    async def _capture(self, request: Request) -> Response:
        def prepare(body: dict[str, Any]) -> Callable[[], Done]:
            parameters.only(body, "amount", "final_capture")
            amount = parameters.optional_amount(body)
            final = parameters.flag(body, "final_capture", default=True)
            return lambda: self._done(
                transitions.capture(self._payment(request), amount, self._book.now, final=final)
            )

        return await write(self._account, request, Operation.CAPTURE, prepare)

    async def _cancel(self, request: Request) -> Response:
        def prepare(body: dict[str, Any]) -> Callable[[], Done]:
            parameters.only(body, "reason")
            reason = parameters.text(body, "reason")
            return lambda: self._done(transitions.cancel(self._payment(request), reason, self._book.now))

        return await write(self._account, request, Operation.CANCEL, prepare)

    async def _refund(self, request: Request) -> Response:
        def prepare(body: dict[str, Any]) -> Callable[[], Done]:
            parameters.only(body, "amount", "reason", "metadata")
            amount, reason = parameters.optional_amount(body), parameters.text(body, "reason")
            metadata = parameters.metadata(body)

            def work() -> Done:
                payment = self._payment(request)
                steps = transitions.refund(payment, amount, reason, metadata, self._book.now)
                return Done(steps, steps[-1].payment.refunds[-1].as_json())

            return work

        return await write(self._account, request, Operation.REFUND, prepare)

    async def _pay(self, request: Request) -> Response:
        def prepare(body: dict[str, Any]) -> Callable[[], Done]:
            parameters.only(body, "card")
            card = cards.use_card(parameters.text(body, "card") or "")
            if card is None:
                raise ApiError(
                    "incorrect_number",
                    "The card number is not correct.",
                    status=402,
                    error_type=ErrorType.CARD,
                    param="card",
                )
            return lambda: self._tried(transitions.pay(self._payment(request), card, self._book.now))

        return await write(self._account, request, None, prepare)

    async def _authenticate(self, request: Request) -> Response:
        def prepare(body: dict[str, Any]) -> Callable[[], Done]:
            parameters.only(body, "result")
            result = parameters.choice(body, "result", ("complete", "fail"))
            return lambda: self._done(
                transitions.authenticate(
                    self._payment(request), self._book.now, completed=result == "complete"
                )
            )

        return await write(self._account, request, None, prepare)

    async def _close_dispute(self, request: Request) -> Response:
        def prepare(body: dict[str, Any]) -> Callable[[], Done]:
            parameters.only(body, "outcome")
            won = parameters.choice(body, "outcome", ("won", "lost")) == "won"
            dispute = request.path_params["dispute"]
            return lambda: self._done(
                transitions.close_dispute(self._payment(request), dispute, self._book.now, won=won)
            )

        return await write(self._account, request, None, prepare)

    async def _fetch_payment(self, request: Request) -> Response:
        await disturb(self._account, request, Operation.FETCH_PAYMENT)
        return json_response(self._payment(request).as_json(self._account.public_url))

    async def _list_payments(self, request: Request) -> Response:
        await disturb(self._account, request, Operation.LIST_PAYMENTS)
        wanted = request.query_params.get("metadata_payment_id")
        if not wanted:
            raise ApiError("parameter_missing", "Name a metadata_payment_id.", param="metadata_payment_id")
        found = self._book.payments_of(wanted)[: parameters.PAGE_SIZE_MAX]
        return json_response({"data": [payment.as_json(self._account.public_url) for payment in found]})

    async def _fetch_refund(self, request: Request) -> Response:
        await disturb(self._account, request, Operation.FETCH_REFUND)
        wanted = request.path_params["id"]
        payment = self._book.payment_of_refund(wanted)
        for refund in payment.refunds if payment else ():
            if refund.id == wanted:
                return json_response(refund.as_json())
        raise not_found("refund", wanted)

    async def _list_events(self, request: Request) -> Response:
        await disturb(self._account, request, Operation.LIST_EVENTS)
        query = request.query_params
        after = query.get("after")
        if after is not None and self._book.event(after) is None:
            raise not_found("event", after)
        events, more = self._book.events_since(parameters.since(query), after, parameters.limit(query))
        return json_response({"data": [orjson.Fragment(event.body) for event in events], "has_more": more})

    async def _fetch_event(self, request: Request) -> Response:
        return json_response(_shown(self._event(request)))

    async def _deliver_event(self, request: Request) -> Response:
        """Send an event's webhook once more, as gateways do when their dashboard's button is pressed."""
        event = self._event(request)
        self._book.on_event(event)
        return json_response(_shown(event))

    async def _truth(self, _: Request) -> Response:
        return json_response(_truth(list(self._book.payments.values()), self._book.events))

    async def _set_chaos(self, request: Request) -> Response:
        self._account.chaos = chaos_from(await parameters.read_json(request))
        return json_response(self._account.chaos.as_json())

    async def _show_chaos(self, _: Request) -> Response:
        return json_response(self._account.chaos.as_json())

    async def _calm(self, _: Request) -> Response:
        self._account.chaos = Chaos()
        return json_response(self._account.chaos.as_json())

    def _payment(self, request: Request) -> Payment:
        payment = self._book.payments.get(request.path_params["id"])
        if payment is None:
            raise not_found("payment", request.path_params["id"])
        return payment

    def _event(self, request: Request) -> Event:
        event = self._book.event(request.path_params["id"])
        if event is None:
            raise not_found("event", request.path_params["id"])
        return event

    def _create(self, payment: Payment) -> Sequence[Step]:
        if len(self._book.payments) >= PAYMENTS_MAX:
            raise ApiError(
                "sandbox_full",
                f"The sandbox holds {PAYMENTS_MAX} payments. Start a new one.",
                status=503,
                error_type=ErrorType.API,
            )
        return transitions.create(payment)

    def _done(self, steps: Sequence[Step]) -> Done:
        return Done(steps, steps[-1].payment.as_json(self._account.public_url))

    def _tried(self, steps: Sequence[Step]) -> Done:
        """Return what a try with a card answers: a declined one is an error that happened all the same."""
        payment = steps[-1].payment
        failure = payment.attempts[-1].failure
        if failure is None:
            return self._done(steps)
        declined = ApiError(
            failure["code"],
            failure["message"],
            error_type=ErrorType.CARD,
            decline_code=failure["decline_code"],
            payment=payment,
        )
        return Done(steps, declined.as_json(self._account.public_url), 402)


def _shown(event: Event) -> dict[str, Any]:
    return {
        "event": orjson.Fragment(event.body),
        "delivery": event.delivery,
        "attempts_made": event.attempts_made,
        "attempts": event.attempts,
    }


def _truth(payments: Sequence[Payment], events: Sequence[Event]) -> dict[str, Any]:
    totals: dict[str, Counter[str]] = {}
    for payment in payments:
        sums = totals.setdefault(payment.currency, Counter())
        sums.update(captured=payment.captured, refunded=payment.refunded, held=payment.held)
    return {
        "payments": [_summary(payment) for payment in payments],
        "totals": totals,
        "counts": {
            "payments": len(payments),
            "succeeded": sum(payment.status is PaymentStatus.SUCCEEDED for payment in payments),
            "attempts": sum(len(payment.attempts) for payment in payments),
            "charges": sum(len(payment.charges) for payment in payments),
            "refunds": sum(len(payment.refunds) for payment in payments),
            "disputes": sum(len(payment.disputes) for payment in payments),
            "events": len(events),
        },
        "deliveries": Counter(event.delivery.value for event in events),
    }


def _summary(payment: Payment) -> dict[str, Any]:
    return {
        "id": payment.id,
        "status": payment.status,
        "amount": payment.amount,
        "currency": payment.currency,
        "held": payment.held,
        "captured": payment.captured,
        "refunded": payment.refunded,
        "disputed": sum(dispute.amount for dispute in payment.disputes if dispute.status != "won"),
        "attempts": len(payment.attempts),
        "charges": len(payment.charges),
        "refunds": len(payment.refunds),
        "metadata": payment.metadata,
    }
