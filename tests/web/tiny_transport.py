"""GraphQL over HTTP and over graphql-transport-ws for the tests' shop, with a hand on the wires."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import ExecutionResult, GraphQLSchema, graphql, parse, subscribe
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

if TYPE_CHECKING:
    from starlette.requests import Request


@dataclass
class TinyTransport:
    """The endpoint `/graphql`. A test cuts, completes and refuses connections through it."""

    schema: GraphQLSchema
    root: dict[str, Any]
    failures: int = 0
    """How many HTTP requests to answer with 503 from now on."""
    credentials: list[tuple[str, str | None]] = field(default_factory=list)
    """Where a credential came in (`http` or `socket`) and which."""
    sockets: set[WebSocket] = field(default_factory=set)
    open_for_sockets: bool = True
    _operations: list[tuple[WebSocket, str, asyncio.Task[None]]] = field(default_factory=list)

    def routes(self) -> list[BaseRoute]:
        """Return the endpoint, HTTP and WebSocket."""
        return [Route("/graphql", self._http, methods=["POST"]), WebSocketRoute("/graphql", self._socket)]

    async def cut(self, *, code: int = 1012) -> None:
        """Close every open socket; 1012 is what a restarting server says."""
        for socket in list(self.sockets):
            with suppress(RuntimeError):
                await socket.close(code)

    async def complete(self) -> None:
        """End every running subscription and keep the sockets, as a draining server does."""
        operations, self._operations = self._operations, []
        for socket, id_, task in operations:
            task.cancel()
            await socket.send_json({"id": id_, "type": "complete"})

    async def _http(self, request: Request) -> JSONResponse:
        self.credentials.append(("http", request.headers.get("authorization")))
        if self.failures > 0:
            self.failures -= 1
            return JSONResponse({}, status_code=503)
        body = await request.json()
        result = await graphql(
            self.schema, body["query"], root_value=self.root, variable_values=body.get("variables")
        )
        return JSONResponse(result.formatted)

    async def _socket(self, socket: WebSocket) -> None:
        if not self.open_for_sockets:
            await socket.close(1013)
            return
        await socket.accept(subprotocol="graphql-transport-ws")
        self.sockets.add(socket)
        try:
            async for message in socket.iter_json():
                await self._message(socket, message)
        except WebSocketDisconnect:
            return
        finally:
            self.sockets.discard(socket)
            for one, _, task in self._operations:
                if one is socket:
                    task.cancel()
            self._operations = [one for one in self._operations if one[0] is not socket]

    async def _message(self, socket: WebSocket, message: dict[str, Any]) -> None:
        match message["type"]:
            case "connection_init":
                payload = message.get("payload", {})
                credential = payload.get("orderAccessToken") or payload.get("Authorization")
                self.credentials.append(("socket", credential))
                await socket.send_json({"type": "connection_ack"})
            case "ping":
                await socket.send_json({"type": "pong"})
            case "subscribe":
                running = self._operation(socket, message["id"], message["payload"])
                self._operations.append((socket, message["id"], asyncio.create_task(running)))

    async def _operation(self, socket: WebSocket, id_: str, payload: dict[str, Any]) -> None:
        results = await subscribe(  # type: ignore[misc] # awaitable or not, as the resolver is; ours is async
            self.schema, parse(payload["query"]), variable_values=payload.get("variables")
        )
        if isinstance(results, ExecutionResult):
            errors = [error.formatted for error in results.errors or ()]
            await socket.send_json({"id": id_, "type": "error", "payload": errors})
            return
        async for result in results:
            await socket.send_json({"id": id_, "type": "next", "payload": result.formatted})
