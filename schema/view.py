"""GraphQL over HTTP, and beside it the door to the websockets, on one path.

Source: graphql.github.io/graphql-over-http, draft, 2026-11.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from strawberry.types.graphql import OperationType

from app.auth import AuthenticationError
from app.error_catalog import PATH, RequestCode
from app.rates import RateLimitedError
from schema.build import build_schema
from schema.context import Context
from schema.errors import (
    UNAVAILABLE_ERRORS,
    UNAVAILABLE_MESSAGE,
    BadRequestError,
    MethodNotAllowedError,
    OperationKindError,
    Presenter,
    UnknownDocumentError,
    content_of,
    could_not_run,
    rate_limited,
    report,
)
from schema.event_streams import EventStream
from schema.requests import (
    EVENT_STREAM_TYPE,
    GRAPHQL_TYPE,
    JSON_TYPE,
    RequestedOperation,
    check_content,
    read_body,
    read_operation,
    read_parameters,
    response_type,
)
from schema.sockets import SocketDoor
from schema.trusted import TrustedDocuments, document_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from starlette.types import ASGIApp, Receive, Scope, Send
    from strawberry.types.execution import ExecutionResult

    from schema.build import OrderpulseSchema
    from schema.context import Services

log = logging.getLogger(__name__)

IDE_PATH: Final = "/graphiql"
_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {
    401: {"www-authenticate": "Bearer"},
    408: {"connection": "close"},
    413: {"connection": "close"},
    503: {"retry-after": "1"},
}
_ANYWHERE: Final = ""
_OPERATIONS: Final = {
    "GET": frozenset({OperationType.QUERY}),
    "POST": frozenset({OperationType.QUERY, OperationType.MUTATION}),
}


class GraphQLView:
    """An ASGI application: POST for queries and mutations, GET for queries if it is on.

    Event streams and websockets are for everything.
    """

    def __init__(
        self,
        services: Services,
        schema: OrderpulseSchema,
        *,
        documents: TrustedDocuments,
        sockets: SocketDoor,
        queries_by_get: bool,
        event_streams: bool,
        ide: bool,
    ) -> None:
        self.services = services
        self.schema = schema
        self.presenter = schema.presenter
        self.documents = documents
        self.sockets = sockets
        self._event_streams = event_streams
        self._methods = ("GET", "POST") if queries_by_get else ("POST",)
        self._ide = ide

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a websocket."""
        if scope["type"] != "http":
            await self.sockets(scope, receive, send)
            return
        response = await self._answer(Request(scope), receive)
        await response(scope, receive, send)

    async def _answer(self, request: Request, receive: Receive) -> ASGIApp:
        accept = request.headers.get("accept", "")
        if request.method == "GET" and self._ide and "text/html" in accept:
            return RedirectResponse(IDE_PATH, status_code=303)
        media_type = response_type(accept, event_streams=self._event_streams)
        try:
            operation = await self._asked(request, receive, media_type)
            caller = await self.services.authenticator.identify(request.headers.get("authorization"))
            address = request.scope.get("address", _ANYWHERE)
            if media_type == EVENT_STREAM_TYPE:
                return self._stream(operation, Context.of(self.services, caller, address), request.method)
            async with self.services.views.at_one_moment() as views:
                context = Context.at_one_moment(self.services, views, caller, address)
                result = await self._run(operation, context, request.method)
            response = _show(result, media_type or JSON_TYPE)
        except UnknownDocumentError as error:
            status = 200 if media_type == JSON_TYPE else error.status  # what clients of Apollo's go by
            response = self._refuse(status, error.message, error.extensions, media_type)
        except BadRequestError as error:
            response = self._refuse(error.status, error.message, error.extensions, media_type)
            response.headers.update(error.headers)
        except RateLimitedError as error:
            response = self._refuse(429, str(error), rate_limited(error), media_type)
            response.headers["retry-after"] = str(error.retry_after_seconds)
        except AuthenticationError as error:
            response = self._refuse(401, str(error), {"code": RequestCode.UNAUTHENTICATED}, media_type)
        except UNAVAILABLE_ERRORS:
            response = self._refuse(503, UNAVAILABLE_MESSAGE, {"code": RequestCode.UNAVAILABLE}, media_type)
        except Exception as error:  # noqa: BLE001 - the boundary to the server: callers get JSON whatever happens
            response = self._refuse(500, "Internal error", report(error), media_type)
        return response

    async def _asked(self, request: Request, receive: Receive, media_type: str | None) -> RequestedOperation:
        """Read what is asked for, if it is asked for by the right method and the caller can take its answer."""
        if request.method not in self._methods:
            allowed = ", ".join(self._methods)
            raise MethodNotAllowedError(f"Send the request by {' or '.join(self._methods)}.", allowed)
        if media_type is None:
            streams = f", or as {EVENT_STREAM_TYPE}" if self._event_streams else ""
            raise BadRequestError(406, f"The answer comes as {JSON_TYPE} or {GRAPHQL_TYPE}{streams}.")
        if request.method == "GET":
            return read_operation(read_parameters(request.query_params), self.documents)
        check_content(request.headers)
        return read_operation(await read_body(receive), self.documents)

    async def _run(self, operation: RequestedOperation, context: Context, method: str) -> ExecutionResult:
        try:
            return await self.schema.execute(
                operation.query,
                variable_values=operation.variables,
                context_value=context,
                operation_name=operation.operation_name,
                allowed_operation_types=_OPERATIONS[method],
            )
        except OperationKindError as error:
            if method == "GET" and error.kind == OperationType.MUTATION.value:
                raise MethodNotAllowedError("Send a mutation by POST.", "POST") from None
            raise

    def _refuse(
        self, status: int, message: str, extensions: dict[str, object], media_type: str | None
    ) -> Response:
        """Refuse a request, in JSON though the answer would have been none."""
        error = {"message": message, "extensions": self.presenter.extended(extensions)}
        return _respond(
            status, {"errors": [error]}, GRAPHQL_TYPE if media_type == GRAPHQL_TYPE else JSON_TYPE
        )

    def _stream(self, operation: RequestedOperation, context: Context, method: str) -> EventStream:
        place = ExitStack()
        place.enter_context(self.services.event_streams.one(context.caller, context.address))
        return EventStream(
            self.schema,
            operation,
            context,
            allowed=_OPERATIONS[method] | {OperationType.SUBSCRIPTION},
            place=place,
            on_frame=self.sockets.on_frame,
        )


def _show(result: ExecutionResult, media_type: str) -> Response:
    """Answer with a result. One whose request could not be run says so by the status, too."""
    status = 400 if could_not_run(result) and media_type != JSON_TYPE else 200
    return _respond(status, content_of(result), media_type)


def _respond(status: int, content: dict[str, Any], media_type: str) -> Response:
    headers = {"cache-control": "no-store", **_HEADERS.get(status, {})}
    return Response(orjson.dumps(content), status, headers, f"{media_type}; charset=utf-8")


def graphql_app(
    services: Services,
    *,
    documents: TrustedDocuments | None = None,
    allowed_origins: Sequence[str] = (),
    introspection: bool = True,
    suggestions: bool | None = None,
    queries_by_get: bool = False,
    event_streams: bool = True,
    ide: bool = True,
    docs_url: str = PATH,
    on_frame: Callable[[UUID, int], None] | None = None,
) -> GraphQLView:
    """Return the API as an ASGI application for exactly one path, HTTP and websockets.

    Args:
        services: What it calls.
        documents: The documents that are trusted, and what becomes of others. Those that can't be run are logged.
        allowed_origins: Other origins whose pages may open websockets; the same host always may.
        introspection: Whether the schema may be asked for itself.
        suggestions: Whether errors name fields that may have been meant; as `introspection` when left out.
        queries_by_get: Whether queries may come by GET, too: their variables are in addresses then, and in logs.
        event_streams: Whether operations may be answered as event streams.
        ide: Whether a browser that comes by GET is sent on to the IDE.
        docs_url: Where errors are explained; the code follows it.
        on_frame: Is told the order and version of each committed change whose frame has been written to a
            subscriber of `orderUpdated`, `orderEvents` or `paymentUpdated`. What a subscriber is told of the time
            before it came is not counted.
    """
    schema = build_schema(
        introspection=introspection,
        suggestions=introspection if suggestions is None else suggestions,
        presenter=Presenter(docs_url),
    )
    documents = documents or TrustedDocuments()
    for text in documents.texts:
        for error in schema.documents.prepare(text).errors:
            log.error("document.invalid", extra={"document_id": document_id(text), "reason": error.message})
    sockets = SocketDoor(
        services, schema, documents=documents, allowed_origins=allowed_origins, on_frame=on_frame
    )
    return GraphQLView(
        services,
        schema,
        documents=documents,
        sockets=sockets,
        queries_by_get=queries_by_get,
        event_streams=event_streams,
        ide=ide,
    )
