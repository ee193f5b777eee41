"""For those who run it: is it alive, is it ready, and how is it doing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from app.auth import AuthenticationError, KeysUnavailableError
from app.scopes import Scope
from db.health import revision_of
from db.migrate import head, is_behind
from db.pool import DatabaseUnavailableError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import BaseRoute

    from app.auth import Authenticator
    from app.metrics import Metrics
    from app.relay import Relay
    from db.pool import Database

CHECK_TIMEOUT_SECONDS: Final = 2.0


@dataclass(slots=True)
class Readiness:
    """Whether a process takes new work: not before it has started, and not once it is told to stop."""

    takes_work: bool = False


def health_routes(
    *,
    readiness: Readiness,
    database: Database,
    relay: Relay,
    metrics: Metrics,
    authenticator: Authenticator,
    open_metrics: bool,
) -> list[BaseRoute]:
    """Return /livez, /readyz and /metrics; figures need a staff key unless they are open."""
    newest = head()

    async def live(_: Request) -> Response:
        """The event loop turns."""
        return PlainTextResponse("ok")

    async def ready(_: Request) -> Response:
        """Requests can be served: the database answers, with all that is needed, and the server isn't stopping."""
        problems = [] if readiness.takes_work else ["the server is starting or stopping"]
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                revision = await revision_of(database)
            if is_behind(revision, newest):  # further is good: a newer release is about to take over
                problems.append(f"the schema is not at {newest}: run `orderpulse migrate`")
        except (DatabaseUnavailableError, TimeoutError):
            problems.append("the database does not answer")
        # A broker that is away makes pushes late, not wrong: it is told, and nobody is turned away for it.
        body = {"ready": not problems, "problems": problems, "broker": relay.connected}
        return JSONResponse(body, status_code=503 if problems else 200)

    async def figures(request: Request) -> Response:
        """What is measured, for Prometheus."""
        if not open_metrics:
            try:
                caller = await authenticator.identify(request.headers.get("authorization"))
            except AuthenticationError as error:
                return PlainTextResponse(str(error), status_code=401)
            except KeysUnavailableError:
                return PlainTextResponse("The keys for tokens can't be had.", status_code=503)
            if not caller.has(Scope.BOOKS):
                return PlainTextResponse("Send a staff key.", status_code=401)
        return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return [Route("/livez", live), Route("/readyz", ready), Route("/metrics", figures)]
