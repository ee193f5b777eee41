"""One call of Stripe's API: sent with our key, repeated with the same key, and its failure told in our words.

Repeating is done here and not by the SDK, which forgets what its earlier tries met: a refused connection after a
time-out would look as though nothing had happened.
"""

from __future__ import annotations

import asyncio
import random
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import stripe

from app.gateways.budget import RetryBudget
from app.gateways.contract import GatewayError, GatewayErrorKind
from app.gateways.stripe.failures import failure_of_error
from app.gateways.stripe.fields import Json, part
from app.gateways.stripe.transport import NoAnswerError, NotSentError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from app.domain.facts import Failure
    from app.gateways.stripe.options import StripeSettings

_KEY_CHARS_MAX: Final = 255
"""Source: docs.stripe.com/api/idempotent_requests, read in November 2026."""
_DELAY_SECONDS_MAX: Final = 5.0
"""Whoever is asked to wait longer comes back later, by the reconciler's schedule."""
_RETRY_AFTER_SECONDS_MAX: Final = 3600.0
_MESSAGE_CHARS_MAX: Final = 500
_SECRETS: Final = re.compile(r"\b(sk|rk|whsec|\w+_secret)_[\w*]+")
_UNREADABLE: Final = "unreadable_answer"
_LOCKED: Final = "lock_timeout"


class KeptError(GatewayError):
    """What Stripe keeps under our key: it says so for a day at least, whatever becomes of the call meanwhile.

    Source: docs.stripe.com/error-low-level, "Server errors", of which a copy was read in November 2026: the outcome is
    not known, Stripe may still carry it out or undo it, and another key may do it twice.
    """


def idempotency_key(step: str, key: str) -> str:
    """Return Stripe's key for one step of what `key` stands for: a key is good for one endpoint only."""
    whole = f"{step}:{key}"
    return whole if len(whole) <= _KEY_CHARS_MAX else f"{step}:{sha256(key.encode()).hexdigest()}"


class Calls:
    """Carries calls out. `read_error` adds the facts that an error's body tells."""

    def __init__(
        self, settings: StripeSettings, read_error: Callable[[GatewayError, Json], GatewayError]
    ) -> None:
        self._retries = settings.max_network_retries
        self._delay_seconds = settings.retry_delay_seconds
        self._read_error = read_error
        self._budget = RetryBudget()

    async def ask(self, expected: str, send: Callable[[], Awaitable[stripe.StripeObject]]) -> dict[str, Any]:
        """Send, again where that is safe and may help, and return the object of type `expected` as JSON.

        Raises:
            GatewayError: as the contract tells its kinds apart.
        """
        may_have_happened = False
        retry = 0
        self._budget.earn()
        while True:
            try:
                return _checked(await send(), expected)
            except stripe.StripeError as error:
                failed, again = _refusal(error), _may_repeat(error)
                body = part(_body(error), "error")
            # What the SDK makes of JSON that is no object, or no JSON at all.
            except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
                failed, again, body = _unreadable(error), True, {}
            may_have_happened |= failed.kind is GatewayErrorKind.UNKNOWN
            asked_to_wait = failed.retry_after_seconds or 0.0
            again = again and retry < self._retries and asked_to_wait <= _DELAY_SECONDS_MAX
            if not again or not self._budget.spend():
                if may_have_happened and failed.kind is GatewayErrorKind.UNAVAILABLE:
                    failed.kind = GatewayErrorKind.UNKNOWN
                raise self._read_error(failed, body)
            retry += 1
            await asyncio.sleep(max(self._pause_seconds(retry), asked_to_wait))

    def _pause_seconds(self, retry: int) -> float:
        longest = min(self._delay_seconds * (1 << retry - 1), _DELAY_SECONDS_MAX)
        return longest * random.uniform(0.5, 1)  # noqa: S311 - spreads the load, guards nothing


def _checked(answer: stripe.StripeObject, expected: str) -> dict[str, Any]:
    told: dict[str, Any] = answer.to_dict(for_json=True)  # it makes other types of some numbers in texts
    if told.get("object") != expected:
        raise ValueError(f"not a {expected}")
    for obj in told["data"] if expected == "list" else [told]:
        if not isinstance(obj["id"], str):
            raise ValueError(f"a {expected} without an id")  # noqa: TRY004 - told apart from a defect of ours
    return told


def _unreadable(error: Exception) -> GatewayError:
    return GatewayError(
        GatewayErrorKind.UNKNOWN,
        f"Stripe's answer could not be read ({type(error).__name__}).",
        code=_UNREADABLE,
    )


def _refusal(error: stripe.StripeError) -> GatewayError:
    told = part(_body(error), "error")
    by_transport = error.code if isinstance(error, NoAnswerError) else None
    made = KeptError if _is_kept(error) and _kind(error) is GatewayErrorKind.UNKNOWN else GatewayError
    return made(
        _kind(error),
        _without_secrets(error.user_message),
        code=_word(told, "code") or _word(told, "type") or by_transport or _UNREADABLE,
        retry_after_seconds=_retry_after_seconds(error),
        failure=_failure(told) if isinstance(error, stripe.CardError) else None,
    )


def _failure(told: Json) -> Failure | None:
    try:
        return failure_of_error(told)
    except ValueError:  # declined all the same
        return None


def _kind(error: stripe.StripeError) -> GatewayErrorKind:
    match error:
        case NotSentError() | stripe.RateLimitError():
            return GatewayErrorKind.UNAVAILABLE
        case stripe.CardError():
            return GatewayErrorKind.DECLINED
        case stripe.InvalidRequestError(http_status=404):
            return GatewayErrorKind.NOT_FOUND
        case stripe.InvalidRequestError() | stripe.AuthenticationError() | stripe.PermissionError():
            return GatewayErrorKind.REJECTED
        case (
            _
        ):  # no answer, a broken one, a server's fault, the same key in flight or used for something else
            return GatewayErrorKind.UNKNOWN


def _may_repeat(error: stripe.StripeError) -> bool:
    """Stripe's own word counts; else whatever may be a passing trouble, but not a limit on our rate.

    A 429 may also say that another call holds the object for a moment; that one is to be repeated.
    Source: docs.stripe.com/rate-limits, "Object lock timeouts", of which a copy was read in November 2026.

    What was kept under our key is said again however often it is asked for, and so is that the key stands for a call
    with other parameters: one that an older version of this adapter may have made, so that nobody knows but Stripe.
    """
    if _is_kept(error):
        return False
    word = (error.headers or {}).get("stripe-should-retry")
    if word in ("true", "false"):
        return word == "true"
    passing = isinstance(error, NotSentError) or _word(part(_body(error), "error"), "code") == _LOCKED
    return passing or _kind(error) is GatewayErrorKind.UNKNOWN


def _is_kept(error: stripe.StripeError) -> bool:
    replayed = (error.headers or {}).get("idempotent-replayed") == "true"
    return replayed or isinstance(error, stripe.IdempotencyError)


def _body(error: stripe.StripeError) -> Json:
    return error.json_body if isinstance(error.json_body, dict) else {}


def _word(told: Json, name: str) -> str | None:
    value = told.get(name)
    return value if isinstance(value, str) else None


def _retry_after_seconds(error: stripe.StripeError) -> float | None:
    word = (error.headers or {}).get("retry-after", "")
    return min(float(word), _RETRY_AFTER_SECONDS_MAX) if word.isascii() and word.isdigit() else None


def _without_secrets(message: object) -> str:
    """Stripe quotes what it was sent, and a broken answer is quoted whole."""
    words = message if isinstance(message, str) and message else "Stripe refused without a word."
    return _SECRETS.sub(r"\1_…", words)[:_MESSAGE_CHARS_MAX]
