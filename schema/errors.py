"""What callers are told when an operation fails: refusals by their code, the rest masked under an id in the log."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError
from strawberry.types.execution import PreExecutionError

from app.auth import AuthenticationError, KeysUnavailableError
from app.domain.errors import DomainError, ErrorCode
from app.edge import request_id
from app.error_catalog import PATH, RequestCode, doc_url
from app.identity import new_id
from app.live import HubFullError, HubStoppedError
from app.rates import RateLimitedError, StreamsFullError
from app.settle import DatabaseUnavailableError, SettleBusyError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from strawberry.types.execution import ExecutionResult

log = logging.getLogger(__name__)

UNAVAILABLE_MESSAGE: Final = "The server can't do this right now. Send it again in a moment."
CARD_NUMBER_MESSAGE: Final = (
    "There is what looks like a card number in this request, so nothing of it was done or kept."
    " Cards are entered at the gateway alone."
)
_BAD_REQUEST: Final[Mapping[str, object]] = {"code": RequestCode.BAD_REQUEST}
UNAVAILABLE_ERRORS: Final = (
    SettleBusyError,
    DatabaseUnavailableError,
    HubFullError,
    HubStoppedError,
    StreamsFullError,
    KeysUnavailableError,
)


class BadRequestError(Exception):
    """A request that names no operation that could be run. `status` is HTTP's; without a `code` it is malformed."""

    def __init__(self, status: int, message: str, code: RequestCode | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code

    @property
    def extensions(self) -> dict[str, object]:
        """Return the machine-readable part."""
        return {"code": self.code or RequestCode.BAD_REQUEST}

    @property
    def headers(self) -> Mapping[str, str]:
        """Return what is said of it in the answer's head."""
        return {}


class MethodNotAllowedError(BadRequestError):
    """A request by a method that is not for it."""

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(405, message)
        self._allowed = allowed

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the methods that are."""
        return {"allow": self._allowed}


class OperationKindError(BadRequestError):
    """An operation of a kind that isn't run where it was sent to."""

    def __init__(self, kind: str) -> None:
        super().__init__(400, f"A {kind} can't be run here.")
        self.kind = kind


class UnknownDocumentError(BadRequestError):
    """A document is asked for by a name that is not known here: its client sends the text, if it has it."""

    def __init__(self, message: str, code: RequestCode) -> None:
        super().__init__(400, message, code)


@dataclass(frozen=True, slots=True)
class Presenter:
    """Shows callers what went wrong: a code, where it is explained, and by which id the log knows the request."""

    docs_url: str = PATH

    def present(self, error: GraphQLError) -> GraphQLError:  # noqa: PLR0911 - a table
        """Return an error as callers may see it; what nobody expected goes to the log with its traceback."""
        cause = _cause(error)
        match cause:
            case None:
                return self._located(error, error.message, error.extensions or _BAD_REQUEST)
            case DomainError():
                return self._located(error, cause.message, extensions_of(cause))
            case AuthenticationError():
                return self._located(error, str(cause), {"code": RequestCode.UNAUTHENTICATED})
            case _ if isinstance(cause, UNAVAILABLE_ERRORS):
                return self._located(error, UNAVAILABLE_MESSAGE, {"code": RequestCode.UNAVAILABLE})
            case BadRequestError():
                return self._located(error, cause.message, cause.extensions)
            case RateLimitedError():
                return self._located(error, str(cause), rate_limited(cause))
            case _:
                path = ".".join(str(key) for key in error.path or ())
                return self._located(error, "Internal error", report(cause, path=path))

    def extended(self, extensions: Mapping[str, object]) -> dict[str, object]:
        """Return the machine-readable part of an error with what its code is explained by."""
        found = {**extensions, "docUrl": doc_url(self.docs_url, str(extensions["code"]))}
        known_as = request_id()
        if known_as is not None:
            found["requestId"] = known_as
        return found

    def _located(self, error: GraphQLError, message: str, extensions: Mapping[str, object]) -> GraphQLError:
        return GraphQLError(
            message,
            nodes=error.nodes,
            source=error.source,
            positions=error.positions,
            path=error.path,
            extensions=self.extended(extensions),
        )


def could_not_run(result: ExecutionResult) -> bool:
    """Whether the request itself was at fault, or the stream broke: there is no data, and no field to blame."""
    if isinstance(result, PreExecutionError):
        return True
    return (
        result.data is None and bool(result.errors) and not any(error.path for error in result.errors or ())
    )


def comes_again(errors: Iterable[GraphQLError]) -> bool:
    """Whether a stream that ended by these is to be begun anew: its client isn't told, but cut off."""
    return any((error.extensions or {}).get("code") == RequestCode.UNAVAILABLE for error in errors)


def content_of(result: ExecutionResult) -> dict[str, Any]:
    """Return a result as it is sent. One whose request could not be run has no `data`."""
    content: dict[str, Any] = {}
    if result.errors:
        content["errors"] = [error.formatted for error in result.errors]
    if not could_not_run(result):
        content["data"] = result.data
    return content


def extensions_of(refusal: DomainError) -> dict[str, object]:
    """Return the machine-readable part of a refusal."""
    extensions: dict[str, object] = {"code": refusal.code}
    if refusal.field:
        extensions["field"] = list(refusal.field)
    return extensions


def rate_limited(error: RateLimitedError) -> dict[str, object]:
    """Return the machine-readable part of what is said to callers who ask for too much."""
    return {"code": ErrorCode.RATE_LIMITED, "retryAfterSeconds": error.retry_after_seconds}


def report(cause: BaseException, **where: object) -> dict[str, object]:
    """Log what nobody expected, and return the extensions that name its place in the log."""
    error_id = new_id().hex
    log.error("graphql.failed", exc_info=cause, extra={"error_id": error_id, **where})
    return {"code": RequestCode.INTERNAL, "errorId": error_id}


def _cause(error: GraphQLError) -> Exception | None:
    """Return the exception behind an error; None when GraphQL itself found the request at fault."""
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    return cause
