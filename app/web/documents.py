"""The frame around every page: head, test-mode banner, security headers; and the pages of a few words."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse

from app.web.markup import Markup, element, join, style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.web.assets import Assets

_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    # 'self' covers WebSockets of the same host and port in every browser since Safari 15.4.
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
_IDE_POLICY: Final = {
    **_POLICY,
    # Monaco positions its lines with style attributes and adds style elements.
    "style-src": "'self' 'unsafe-inline'",
    "font-src": "'self'",
    "worker-src": "'self'",
}
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Addresses here carry order access tokens, which no other site may see.
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def page_headers(*, ide: bool = False, inline_style: str | None = None) -> dict[str, str]:
    """Return the security headers of a page.

    The IDE's editor needs a wider style policy; a page with a style element may have this one and no other.
    """
    policy = _IDE_POLICY if ide else _POLICY
    if inline_style is not None:
        digest = base64.b64encode(hashlib.sha256(inline_style.encode()).digest()).decode()
        policy = {**policy, "style-src": f"'sha256-{digest}'"}
    return {
        **_HEADERS,
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
    }


def document(
    *,
    title: str,
    body: Markup,
    styles: list[str],
    scripts: list[str],
    test_mode: bool,
    status_code: int = 200,
    inline_style: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """Return a whole page. Pages are not for search engines: most are one shopper's own.

    With `inline_style` instead of `styles` the first paint needs this one request; `headers` have to allow it.
    """
    banner = element(
        "aside",
        element("strong", "TEST MODE"),
        " · no real money moves here",
        class_="test-mode",
        aria_label="Test mode",
    )
    head = join(
        [
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="robots", content="noindex"),
            element("meta", name="color-scheme", content="light dark"),
            element("title", title),
            element("link", rel="icon", href="/static/favicon.svg", type="image/svg+xml"),
            style(inline_style) if inline_style else "",
            *(element("link", rel="stylesheet", href=url) for url in styles),
            *(element("script", type="module", src=url) for url in scripts),
        ]
    )
    page = element(
        "html", element("head", head), element("body", banner if test_mode else "", body), lang="en"
    )
    return HTMLResponse(f"<!doctype html>{page}", status_code=status_code, headers=headers or page_headers())


def plain_page(
    assets: Assets, *, status_code: int, title: str, text: str, link: tuple[str, str] | None, test_mode: bool
) -> HTMLResponse:
    """Return a page of a few words. `link` is where to go from here: address and words."""
    return document(
        title=title,
        body=element(
            "main",
            element("p", str(status_code), class_="code"),
            element("h1", title),
            element("p", text),
            element("a", link[1], href=link[0], class_="button") if link else "",
            class_="plain",
        ),
        styles=[assets.url("plain.css")],
        scripts=[],
        test_mode=test_mode,
        status_code=status_code,
    )
