"""Reading requests: what came over the wire becomes an operation to run, or the reason why not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

BODY_BYTES_MAX: Final = 262_144
BODY_SECONDS_MAX: Final = 15.0
JSON_TYPE: Final = "application/json"
GRAPHQL_TYPE: Final = "application/graphql-response+json"
_ANY: Final = 0
_ANY_APPLICATION: Final = 1
_EXACT: Final = 2


class BadRequestError(Exception):
    """A request that names no operation that could be run. `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedOperation:
    """What a caller asks to run."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


def read_operation(payload: object) -> RequestedOperation:
    """Read the parameters of a request, by the GraphQL-over-HTTP specification.

    Raises:
        BadRequestError: it is none.
    """
    if not isinstance(payload, dict):
        raise BadRequestError(400, "The request is not a JSON object.")
    query = payload.get("query")
    variables = payload.get("variables")
    operation_name = payload.get("operationName")
    if not isinstance(query, str):
        raise BadRequestError(400, "`query` must be a string that holds a GraphQL document.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequestError(400, "`variables` must be an object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise BadRequestError(400, "`operationName` must be a string.")
    if not isinstance(payload.get("extensions"), (dict, type(None))):
        raise BadRequestError(400, "`extensions` must be an object.")
    return RequestedOperation(query=query, variables=variables, operation_name=operation_name)


def response_type(accept: str) -> str | None:
    """Return the media type to answer with, or None when the caller takes none of ours.

    Source: graphql.github.io/graphql-over-http, "Accept" and "Legacy Watershed", 2026-11.
    """
    if not accept.strip():
        return JSON_TYPE
    best: tuple[float, int, bool] = (0.0, _ANY, False)
    chosen = None
    for part in accept.split(","):
        media, _, parameters = part.partition(";")
        quality = _quality(parameters)
        for offered, closeness in _offers(media.strip().lower()):
            rank = (quality, closeness, offered == GRAPHQL_TYPE)
            if quality > 0 and rank > best:
                best, chosen = rank, offered
    return chosen


def _offers(media: str) -> list[tuple[str, int]]:
    match media:
        case "application/graphql-response+json" | "application/json":
            return [(media, _EXACT)]
        case "application/*":
            return [(JSON_TYPE, _ANY_APPLICATION)]
        case "*/*":
            return [(JSON_TYPE, _ANY)]
        case _:
            return []


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().lower().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def check_method(method: str, media_type: str | None) -> None:
    """Refuse what is not a POST whose answer the caller can take.

    Raises:
        BadRequestError: 405 or 406.
    """
    if method != "POST":
        raise BadRequestError(405, "Send the request by POST.")
    if media_type is None:
        raise BadRequestError(406, f"The answer comes as {JSON_TYPE} or {GRAPHQL_TYPE}.")


def check_content_type(content_type: str) -> None:
    """Refuse what is not JSON in UTF-8: browsers send nothing else across origins without asking first.

    Raises:
        BadRequestError: 415.
    """
    media, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media.strip().lower() != JSON_TYPE or charset not in ("", "charset=utf-8", "charset=utf8"):
        raise BadRequestError(415, f"Send the request as {JSON_TYPE} in UTF-8.")


async def read_body(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> object:
    """Read a JSON body, counting while it comes.

    Raises:
        BadRequestError: it is too large, too slow, cut off, or no JSON.
    """
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            body = await _collect(receive)
    except TimeoutError:
        raise BadRequestError(408, "The body did not arrive in time.") from None
    try:
        decoded: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(400, f"The body is not JSON: {error}.") from None
    return decoded


async def _collect(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequestError(400, "The body did not arrive whole.")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise BadRequestError(413, f"A request has at most {BODY_BYTES_MAX} bytes.")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
