"""Reading requests: what came over the wire becomes an operation to run, or the reason why not."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from app.card_numbers import holds_card_number
from app.error_catalog import RequestCode
from schema.errors import CARD_NUMBER_MESSAGE, BadRequestError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, MutableMapping

    from schema.trusted import TrustedDocuments

BODY_BYTES_MAX: Final = 262_144
BODY_SECONDS_MAX: Final = 15.0
JSON_DEPTH_MAX: Final = 32
"""Values inside each other, in the request as a whole: variables need a handful."""
JSON_VALUES_MAX: Final = 20_000
JSON_TYPE: Final = "application/json"
GRAPHQL_TYPE: Final = "application/graphql-response+json"
EVENT_STREAM_TYPE: Final = "text/event-stream"
_ANY: Final = 0
_ANY_APPLICATION: Final = 1
_EXACT: Final = 2
_LENGTH_DIGITS_MAX: Final = 18


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedOperation:
    """What a caller asks to run."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


def read_operation(payload: object, documents: TrustedDocuments) -> RequestedOperation:
    """Read the parameters of a request, by the GraphQL-over-HTTP specification.

    Raises:
        BadRequestError: it is none, or not one that may be run.
    """
    if not isinstance(payload, dict):
        raise BadRequestError(400, "The request is not a JSON object.")
    _check_size(payload)
    variables = payload.get("variables")
    operation_name = payload.get("operationName")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequestError(400, "`variables` must be an object.")
    if operation_name is not None and not isinstance(operation_name, str):
        raise BadRequestError(400, "`operationName` must be a string.")
    if not isinstance(payload.get("extensions"), (dict, type(None))):
        raise BadRequestError(400, "`extensions` must be an object.")
    if holds_card_number(payload):
        raise BadRequestError(400, CARD_NUMBER_MESSAGE, RequestCode.CARD_NUMBER)
    query = documents.text_of(payload)
    return RequestedOperation(query=query, variables=variables, operation_name=operation_name or None)


def _check_size(payload: Mapping[str, object]) -> None:
    """Refuse what is nested deeper, or holds more, than whoever walks through it should bear."""
    level: list[object] = [payload]
    values = 0
    for _ in range(JSON_DEPTH_MAX):
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner.extend(each.values())
            elif isinstance(each, list):
                inner.extend(each)
        values += len(inner)
        if values > JSON_VALUES_MAX:
            raise BadRequestError(400, f"A request holds at most {JSON_VALUES_MAX} values.")
        if not inner:
            return
        level = inner
    raise BadRequestError(400, f"A request has at most {JSON_DEPTH_MAX} levels of values.")


def response_type(accept: str, *, event_streams: bool = True) -> str | None:
    """Return the media type to answer with, or None when the caller takes none of ours.

    Of what is as welcome as something else, an event stream is chosen when it is named first.

    Source: graphql.github.io/graphql-over-http, "Accept" and "Legacy Watershed", 2026-11.
    """
    if not accept.strip():
        return JSON_TYPE
    best: tuple[float, int, bool] = (0.0, _ANY, False)
    chosen = None
    for part in accept.split(","):
        media, _, parameters = part.partition(";")
        quality = _quality(parameters)
        for offered, closeness in _offers(media.strip().lower(), event_streams=event_streams):
            is_first = offered == EVENT_STREAM_TYPE and chosen is None
            rank = (quality, closeness, offered == GRAPHQL_TYPE or is_first)
            if quality > 0 and rank > best:
                best, chosen = rank, offered
    return chosen


def _offers(media: str, *, event_streams: bool) -> list[tuple[str, int]]:
    match media:
        case "application/graphql-response+json" | "application/json":
            return [(media, _EXACT)]
        case "text/event-stream" if event_streams:
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


def read_parameters(given: Mapping[str, str]) -> dict[str, object]:
    """Return the parameters of a GET as a body would hold them: `variables` and `extensions` are JSON there.

    Raises:
        BadRequestError: they are not.
    """
    payload: dict[str, object] = dict(given)
    for name in ("variables", "extensions"):
        text = given.get(name)
        if text is not None:
            payload[name] = _parsed(text, f"`{name}` is") if text else None
    return payload


def check_content(headers: Mapping[str, str]) -> None:
    """Refuse what is not plain JSON in UTF-8 of a bounded size, going by what is said of it.

    Browsers send nothing else across origins without asking first. Nothing is unpacked here: what is small may be
    endless inside.

    Raises:
        BadRequestError: 413 or 415.
    """
    media, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media.strip().lower() != JSON_TYPE or charset not in ("", "charset=utf-8", "charset=utf8"):
        raise BadRequestError(415, f"Send the request as {JSON_TYPE} in UTF-8.")
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise BadRequestError(415, "Send the request as it is, not compressed.")
    length = headers.get("content-length", "")
    if length.isdecimal() and (len(length) > _LENGTH_DIGITS_MAX or int(length) > BODY_BYTES_MAX):
        raise _too_large()


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
    return _parsed(body, "The body is")


def _parsed(text: bytes | str, what: str) -> object:
    try:
        parsed: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequestError(400, f"{what} not JSON: {error}.") from None
    return parsed


def _too_large() -> BadRequestError:
    return BadRequestError(413, f"A request has at most {BODY_BYTES_MAX} bytes.")


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
            raise _too_large()
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
