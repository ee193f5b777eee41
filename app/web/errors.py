"""The pages behind `extensions.docUrl`: one for each code, and a list of them."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.routing import Route

from app.error_catalog import CATALOG, PATH
from app.web.documents import document
from app.web.markup import Markup, element, join

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import HTMLResponse
    from starlette.routing import BaseRoute

    from app.error_catalog import Entry
    from app.web.assets import Assets


def error_catalog_routes(assets: Assets, *, test_mode: bool) -> list[BaseRoute]:
    """Return the routes of the pages."""

    def page(title: str, body: Markup) -> HTMLResponse:
        return document(
            title=title,
            body=element("main", body, class_="plain"),
            styles=[assets.url("plain.css")],
            scripts=[],
            test_mode=test_mode,
        )

    async def one(request: Request) -> HTMLResponse:
        entry = CATALOG.get(request.path_params["code"])
        if entry is None:
            raise HTTPException(404)
        return page(f"{entry.code}: {entry.title}", _explained(entry))

    async def listed(_: Request) -> HTMLResponse:
        return page("Errors of Orderpulse", _list())

    return [Route(PATH, listed), Route(f"{PATH}{{code}}", one)]


def _explained(entry: Entry) -> Markup:
    return join(
        [
            element("p", entry.code, class_="code"),
            element("h1", entry.title),
            element("p", entry.happened),
            element("p", element("strong", "What to do: "), entry.to_do),
            element("p", element("strong", "Send it again? "), entry.retry),
            element("a", "All errors", href=PATH, class_="button"),
        ]
    )


def _list() -> Markup:
    parts = [element("p", "Errors", class_="code"), element("h1", "What went wrong?")]
    for kind, entries in groupby(CATALOG.values(), key=lambda entry: entry.kind):
        parts.append(element("p", element("strong", kind)))
        parts += [_line(entry) for entry in entries]
    return join(parts)


def _line(entry: Entry) -> Markup:
    return element("p", element("a", entry.code, href=f"{PATH}{entry.code}"), f" · {entry.title}")
