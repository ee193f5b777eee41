"""The pages' routes and error pages. Everything they need comes in as arguments, from `app/main.py`."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from app.web.amounts import negotiate_locale
from app.web.documents import document, page_headers, plain_page
from app.web.errors import error_catalog_routes
from app.web.markup import element
from app.web.track import tracking_body

if TYPE_CHECKING:
    from starlette.requests import Request

    from app.web.assets import Assets
    from app.web.tracked import LoadOrder

TOKEN_LENGTH_MAX: Final = 512
RETURN_BYTES_MAX: Final = 8 * 1024
RETURN_FIELDS_MAX: Final = 50
TRACKER_PREFIX: Final = "order-tracker."
"""The web component and its words in other languages: served under names that stay, to pages of any origin."""
ErrorPage = Callable[["Request", Exception], Awaitable[Response]]


def pages(
    *,
    assets: Assets,
    load_order: LoadOrder,
    test_mode: bool,
    storefront: bool = True,
    console: bool = True,
    ide: bool = True,
    demo_key: str | None = None,
    endpoint: str = "/graphql",
    simulators: Mapping[str, str] | None = None,
) -> list[BaseRoute]:
    """Return the routes of all pages.

    `simulators` are addresses by gateway, where the shop lets a person play the shopper's phone: for demos alone.

    `demo_key` is put into the IDE's headers editor and offered at the console's door, to everyone who opens them: a
    demo's staff key, and nothing at all elsewhere. `storefront`, `console` and `ide` leave their page out where they
    are false.
    """
    routes: list[BaseRoute] = [
        Route("/static/{path:path}", assets.serve),
        Route(
            "/track/{token}",
            _tracking(
                assets,
                load_order,
                till="/#pay=" if storefront else None,
                test_mode=test_mode,
                endpoint=endpoint,
            ),
        ),
        Route("/track/{token}", _returned, methods=["POST"]),
        *(
            Route(f"/{entry}", assets.embedded(entry))
            for entry in assets.manifest
            if entry.startswith(TRACKER_PREFIX)
        ),
        *error_catalog_routes(assets, test_mode=test_mode),
    ]
    if storefront:
        config = {
            "endpoint": endpoint,
            "testMode": test_mode,
            "simulators": dict(simulators or {}),
            "backstage": [
                path for path, is_served in (("/console", console), ("/graphiql", ide)) if is_served
            ],
        }
        routes.append(Route("/", _storefront(assets, config)))
    if console:
        given = {"endpoint": endpoint, "demoKey": demo_key}
        routes.append(Route("/console", _console(assets, given, test_mode=test_mode)))
    if ide:
        headers = {"Authorization": f"Bearer {demo_key}"} if demo_key else {}
        routes.append(Route("/graphiql", _ide(assets, headers, endpoint=endpoint)))
    return routes


def error_pages(
    *, assets: Assets, test_mode: bool, storefront: bool = True
) -> dict[int | type[Exception], ErrorPage]:
    """Return the application's exception handlers for 404, 405, 429 and 500: HTML for browsers, else one line."""

    def page(status_code: int, title: str, text: str) -> ErrorPage:
        async def answer(request: Request, error: Exception) -> Response:
            headers = dict(getattr(error, "headers", None) or {})
            if "text/html" not in request.headers.get("accept", ""):
                return PlainTextResponse(f"{title}\n", status_code=status_code, headers=headers)
            response = plain_page(
                assets,
                status_code=status_code,
                title=title,
                text=text,
                link=("/", "Go to the start") if storefront else None,
                test_mode=test_mode,
            )
            response.headers.update(headers)
            return response

        return answer

    return {
        404: page(404, "There is no page here", "The address may be mistyped, or what it led to has moved."),
        405: page(405, "That can't be done here", "This address answers other kinds of requests."),
        429: page(
            429,
            "That was a lot at once",
            "This page was asked for too often from your network. Wait a minute, then load it again.",
        ),
        500: page(
            500,
            "Something broke on our side",
            "Nothing you paid is lost: payments are kept apart from this page. Please try again in a moment.",
        ),
    }


def _tracking(
    assets: Assets, load_order: LoadOrder, *, till: str | None, test_mode: bool, endpoint: str
) -> Callable[[Request], Awaitable[HTMLResponse]]:
    look = assets.text("track.css")
    headers = page_headers(inline_style=look)

    async def track(request: Request) -> HTMLResponse:
        _check_rate(request)
        token = request.path_params["token"]
        order = await load_order(token) if len(token) <= TOKEN_LENGTH_MAX else None
        if order is None:
            # The same words for a token that never was, has run out or was withdrawn.
            return plain_page(
                assets,
                status_code=404,
                title="This link opens no order",
                text="It may be incomplete, or its time has passed. Ask the shop for a fresh link.",
                link=None,
                test_mode=test_mode,
            )
        locale = negotiate_locale(request.headers.get("accept-language", ""))
        pay_url = till + quote(token, safe="") if till else None
        return document(
            title=f"Order {order.number}",
            body=tracking_body(order, pay_url=pay_url, locale=locale, endpoint=endpoint),
            styles=[],
            scripts=[assets.url("track.js")],
            test_mode=test_mode,
            inline_style=look,
            headers=headers,
        )

    return track


def _check_rate(request: Request) -> None:
    """Have a page say so when the edge found that its reader asks too often."""
    wait = request.scope.get("retry_after_seconds")
    if wait is not None:
        raise HTTPException(429, headers={"retry-after": str(wait)})


async def _returned(request: Request) -> Response:
    """Take a shopper back whom a gateway sends by a form: the page finds its fields in the address.

    Nothing is believed here. The page hands them to `paymentConfirm`, which checks them.
    """
    _check_rate(request)
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > RETURN_BYTES_MAX:
            raise HTTPException(413)
    try:
        fields = parse_qsl(raw.decode("utf-8", "replace"), max_num_fields=RETURN_FIELDS_MAX)
    except ValueError:
        raise HTTPException(400) from None
    path = f"/track/{quote(request.path_params['token'], safe='')}"
    return RedirectResponse(f"{path}?{urlencode(fields)}" if fields else path, 303)


def _storefront(assets: Assets, config: Mapping[str, object]) -> Callable[[Request], Awaitable[HTMLResponse]]:
    async def storefront(request: Request) -> HTMLResponse:
        locale = negotiate_locale(request.headers.get("accept-language", ""))
        return document(
            title="Kulhad: tea and what goes with it",
            body=element(
                "div",
                element("p", "This shop needs JavaScript to fill the basket.", class_="wait"),
                id="shop",
                data_config=json.dumps({**config, "locale": locale}),
            ),
            styles=[assets.url("shop.css")],
            scripts=[assets.url("shop.js")],
            test_mode=config["testMode"] is True,
        )

    return storefront


def _console(
    assets: Assets, config: Mapping[str, object], *, test_mode: bool
) -> Callable[[Request], Awaitable[HTMLResponse]]:
    async def console(request: Request) -> HTMLResponse:
        locale = negotiate_locale(request.headers.get("accept-language", ""))
        return document(
            title="Orderpulse console",
            body=element(
                "div",
                element("p", "The console needs JavaScript.", class_="wait"),
                id="console",
                data_config=json.dumps({**config, "locale": locale}),
            ),
            styles=[assets.url("console.css")],
            scripts=[assets.url("console.js")],
            test_mode=test_mode,
        )

    return console


def _ide(
    assets: Assets, headers: Mapping[str, str], *, endpoint: str
) -> Callable[[Request], Awaitable[HTMLResponse]]:
    config = json.dumps({"endpoint": endpoint, "headers": dict(headers)})
    loading = element("p", "Loading GraphiQL …", class_="loading")

    async def ide(_request: Request) -> HTMLResponse:
        return document(
            title="Orderpulse GraphiQL",
            body=element("div", loading, id="graphiql", data_config=config),
            styles=[assets.url("graphiql.css")],
            scripts=[assets.url("graphiql.js")],
            test_mode=False,
            headers=page_headers(ide=True),
        )

    return ide
