"""The sandbox put together: one account's API and checkout pages, and the loops behind them."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from app.simulators.kit.controls import ControlError, control_error
from app.simulators.sandbox.account import Account
from app.simulators.sandbox.afterwards import Afterwards
from app.simulators.sandbox.book import Book
from app.simulators.sandbox.checkout import Checkout
from app.simulators.sandbox.controls import SandboxControls
from app.simulators.sandbox.deliverer import event_deliverer
from app.simulators.sandbox.errors import ApiError, ErrorType
from app.simulators.sandbox.once import json_response
from app.simulators.sandbox.rest import RestApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from starlette.requests import Request
    from starlette.responses import Response

    from app.simulators.sandbox.config import SandboxConfig

_log = logging.getLogger(__name__)


def sandbox_app(config: SandboxConfig) -> Starlette:
    """Return the sandbox as an application. The log is opened now and closed when its lifespan ends.

    Raises:
        ValueError: the config has no `public_url`.
        RuntimeError: the log is damaged, or another sandbox has it open.
    """
    if config.public_url is None:
        raise ValueError("The sandbox needs the address that browsers reach it at.")
    book = Book(config.log_path, config.public_url)
    account = Account(
        config=config, public_url=config.public_url, book=book, webhook_secret=config.webhook_secret
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        loops = [asyncio.create_task(loop) for loop in _loops(account)]
        try:
            yield
        finally:
            for task in loops:
                task.cancel()
            await asyncio.gather(*loops, return_exceptions=True)
            book.close()

    return Starlette(
        routes=[
            *RestApi(account).routes(),
            *Checkout(account).routes(),
            *SandboxControls(account).control_routes(),
        ],
        lifespan=lifespan,
        exception_handlers={
            ApiError: partial(_refusal, account),
            ControlError: control_error,
            HTTPException: _http_error,
            OSError: _log_unwritable,
            Exception: _fault,
        },
    )


def _loops(account: Account) -> list[Coroutine[None, None, None]]:
    """Return what runs beside the requests, and have the book tell it what happens."""
    config, book = account.config, account.book
    afterwards = Afterwards(book, config.afterwards_seconds)
    book.on_change = afterwards.consider
    loops = [afterwards.run()]
    if config.webhook_url is not None:
        deliverer = event_deliverer(account, config.webhook_url)
        book.on_event = deliverer.enqueue
        loops.append(deliverer.run(book.undelivered()))
    return loops


async def _refusal(account: Account, _: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - Starlette's table of handlers loses the type
    headers = {"Retry-After": "1"} if error.status in (429, 503) else None
    return json_response(error.as_json(account.public_url), error.status, headers)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    refusal = ApiError("route_unknown", f"{error.detail}.", status=error.status_code)
    return json_response(refusal.as_json(""), error.status_code, dict(error.headers or {}))


async def _log_unwritable(_: Request, error: Exception) -> Response:
    _log.error("The truth log could not be written, so nothing was done: %s.", error)
    refusal = ApiError(
        "log_unwritable", "Nothing was done. Come again.", status=503, error_type=ErrorType.API
    )
    return json_response(refusal.as_json(""), 503, {"Retry-After": "1"})


async def _fault(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed.", request.method, request.url.path, exc_info=error)
    fault = ApiError("internal", "The sandbox itself failed.", status=500, error_type=ErrorType.API)
    return json_response(fault.as_json(""), 500)
