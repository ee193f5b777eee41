"""What every call of the API goes through: who calls, by which version, under which key, and how it is answered."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from app.simulators.kit import MishapError
from app.simulators.kit.controls import ControlError, json_response, read_body
from app.simulators.stripe.account import API_VERSION, new_id
from app.simulators.stripe.errors import RefusedError, refused_response, trouble_response
from app.simulators.stripe.forms import parse_form

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from app.simulators.stripe.account import Account
    from app.simulators.stripe.events import Journal
    from app.simulators.stripe.forms import Form
    from app.simulators.stripe.once import Keys, Rate, Turn

    Work = Callable[["Call"], dict[str, Any]]
    Path = tuple[str, str, str, Work]
    Operate = Callable[[str, Request, Callable[[], Response]], Awaitable[Response]]

OLDEST: Final = "2025-03-31"
"""Older versions show money that was never captured as a refund; the simulator writes no such objects."""
_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(\.[a-z]+)?")
_FORM: Final = "application/x-www-form-urlencoded"
_STORED: Final = 500
"""Of Stripe's faults the one that comes once work has begun; others come from before."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call. `secret`: by the merchant's server; else by a browser, with the publishable key."""

    form: Form
    path: dict[str, str]
    version: str
    secret: bool

    @property
    def id(self) -> str:
        """The id in the path."""
        return self.path["id"]


class _TooFastError(Exception):
    """The call is one too many in this second."""


class Caller:
    """Takes calls in. `operate` puts the chaos of the moment around each."""

    def __init__(self, account: Account, journal: Journal, keys: Keys, rate: Rate, operate: Operate) -> None:
        self._account = account
        self._journal = journal
        self._keys = keys
        self._rate = rate
        self._operate = operate

    def endpoint(
        self, operation: str, work: Work, *, browsers: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return what answers a path. `browsers` may call it, too."""

        async def answer(request: Request) -> Response:
            request_id = new_id("req")
            key = request.headers.get("idempotency-key") if request.method == "POST" else None
            try:
                call = await self._call(request, browsers=browsers)
                with self._keys.turn(key, request.url.path, call.form, request_id) as turn:
                    response = await self._carried_out(operation, request, call, work, turn)
            except _TooFastError:
                response = trouble_response(429)
            except RefusedError as error:
                response = refused_response(error)
            response.headers["Request-Id"] = request_id
            response.headers["Stripe-Version"] = request.headers.get("stripe-version") or API_VERSION
            if key is not None:
                with suppress(UnicodeEncodeError):
                    response.headers["Idempotency-Key"] = key
            return response

        return answer

    async def _carried_out(
        self, operation: str, request: Request, call: Call, work: Work, turn: Turn
    ) -> Response:
        def done() -> Response:
            if turn.replay is not None:
                return turn.replay
            response, begun = self._done(call, work, turn)
            if begun:
                turn.keep(response)
            return response

        try:
            return await self._operate(operation, request, done)
        except MishapError as error:
            if error.hung:
                raise
            response = turn.replay or trouble_response(error.status)
            if error.status == _STORED:
                turn.keep(response, self._keys.fault_seconds)
            return response

    def _done(self, call: Call, work: Work, turn: Turn) -> tuple[Response, bool]:
        """Do the work; return its answer, and whether it had begun."""
        with self._journal.asked(turn.request_id, turn.key):
            try:
                return json_response(work(call)), True
            except RefusedError as error:
                return refused_response(error), error.begun

    async def _call(self, request: Request, *, browsers: bool) -> Call:
        form = await _form_of(request)
        given = _credentials(request) or _text(form.pop("key", None))
        secret = self._is_secret(given)
        if not secret and not browsers:
            raise RefusedError(
                "This API call cannot be made with a publishable API key. Please use a secret API key.",
                status=403,
                code="secret_key_required",
            )
        if not self._rate.allows():
            raise _TooFastError
        return Call(form, dict(request.path_params), _version(request), secret)

    def _is_secret(self, given: str) -> bool:
        """Say which of the account's keys it is."""
        if hmac.compare_digest(given.encode("utf-8", "replace"), self._account.secret_key.encode()):
            return True
        if hmac.compare_digest(given.encode("utf-8", "replace"), self._account.publishable_key.encode()):
            return False
        if not given:
            raise RefusedError(
                "You did not provide an API key. You need to provide your API key in the Authorization header,"
                " using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
                status=401,
            )
        raise RefusedError(f"Invalid API Key provided: {given[:8]}****{given[-4:]}", status=401)


async def _form_of(request: Request) -> Form:
    if request.method == "GET":
        return parse_form(request.url.query)
    try:
        body = await read_body(request)
    except ControlError as error:
        raise RefusedError(str(error), status=error.status) from None
    kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
    if body and kind != _FORM:
        raise RefusedError(f"Invalid request (check that your POST content type is {_FORM}).")
    try:
        return parse_form(body.decode())
    except UnicodeDecodeError:
        raise RefusedError("Invalid request (the parameters could not be read).") from None


def _credentials(request: Request) -> str:
    """Return the key of a bearer, or the user's name of basic authentication."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        with suppress(binascii.Error, UnicodeDecodeError):
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
    return ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _version(request: Request) -> str:
    given = request.headers.get("stripe-version") or API_VERSION
    if not _VERSION.fullmatch(given):
        raise RefusedError(f"Invalid Stripe API version: {given[:32]}")
    if given < OLDEST:
        raise RefusedError(f"The simulator writes no objects as versions before {OLDEST}.basil do.")
    return given
