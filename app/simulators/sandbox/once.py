"""Writes: each done at most once under its key, with the chaos of the moment around it.

As at Stripe, a key's first answer is kept once the work had begun, refusals included, and given again for the same
request; parameters that were refused leave the key free. Source: docs.stripe.com/api/idempotent_requests, 2026-11.
"""

from __future__ import annotations

import hashlib
import hmac
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import Response

from app.simulators.kit.mishaps import MishapError, disturbed, spoiled
from app.simulators.sandbox import parameters
from app.simulators.sandbox.book import Answer
from app.simulators.sandbox.errors import ApiError, ErrorType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from starlette.requests import Request

    from app.simulators.kit.chaos import Mishap
    from app.simulators.sandbox.account import Account
    from app.simulators.sandbox.chaos import Operation
    from app.simulators.sandbox.transitions import Step


@dataclass(frozen=True, slots=True)
class Done:
    """What a write did and what it answers; the book takes both or neither."""

    steps: Sequence[Step]
    body: dict[str, Any]
    status: int = 200


def json_response(body: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(orjson.dumps(body), status, headers, "application/json")


async def write(
    account: Account,
    request: Request,
    operation: Operation | None,
    prepare: Callable[[dict[str, Any]], Callable[[], Done]],
) -> Response:
    """Do a write. `prepare` reads the parameters and returns the work, which must not wait for anything."""
    body = await parameters.read_json(request)
    key = parameters.idempotency_key(request)
    fingerprint = _fingerprint(account, request, body)
    if key is not None and (known := account.book.answers.get(key)):
        if known.fingerprint != fingerprint:
            raise ApiError(
                "idempotency_key_reused",
                "This Idempotency-Key was used with other parameters.",
                error_type=ErrorType.IDEMPOTENCY,
                param="Idempotency-Key",
            )
        return json_response(known.body, known.status, {"Idempotent-Replayed": "true"})
    with _in_flight(account, key):
        mishap = await disturb(account, request, operation)
        answer = _work(account, key, fingerprint, prepare(body))
    return await spoiled(request, mishap) or json_response(answer.body, answer.status)


async def disturb(account: Account, request: Request, operation: Operation | None) -> Mishap | None:
    """Let the chaos have its way before the work; return what it wants afterwards."""
    if operation is None:
        return None
    try:
        return await disturbed(account.chaos, request, operation)
    except MishapError as error:
        code, message = (
            ("timeout", "Nothing was done.") if error.hung else ("chaos", "This call fails by request.")
        )
        raise ApiError(code, message, status=error.status, error_type=ErrorType.API) from None


def _work(account: Account, key: str | None, fingerprint: str, work: Callable[[], Done]) -> Answer:
    try:
        done = work()
        steps, status, body = done.steps, done.status, done.body
    except ApiError as refusal:
        steps, status, body = (), refusal.status, refusal.as_json(account.public_url)
    answer = Answer(
        key=key or "", created=account.book.now(), fingerprint=fingerprint, status=status, body=body
    )
    account.book.commit(steps, answer if key else None)
    return answer


@contextmanager
def _in_flight(account: Account, key: str | None) -> Iterator[None]:
    if key is None:
        yield
        return
    if key in account.keys_in_flight:
        raise ApiError(
            "idempotency_key_in_use",
            "A request with this Idempotency-Key is being worked on.",
            status=409,
            error_type=ErrorType.IDEMPOTENCY,
            param="Idempotency-Key",
        )
    account.keys_in_flight.add(key)
    try:
        yield
    finally:
        account.keys_in_flight.discard(key)


def _fingerprint(account: Account, request: Request, body: dict[str, Any]) -> str:
    """Return a keyed digest: a plain one of a test card's number could be turned back into the number."""
    request_bytes = orjson.dumps([request.method, request.url.path, body], option=orjson.OPT_SORT_KEYS)
    return hmac.new(account.config.secret_key.encode(), request_bytes, hashlib.sha256).hexdigest()
