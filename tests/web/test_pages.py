"""Every page: its headers, that it refers to nothing outside, and what is there when."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from starlette.routing import BaseRoute, Route

from app.web.assets import Assets
from app.web.demo_products import DEMO_PRODUCTS
from tests.web.conftest import make_app
from tests.web.serving import served
from tests.web.tiny_shop import TOKEN, TinyShop

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
IDE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; font-src 'self'; "
    "worker-src 'self'"
)
LOOK = Assets.load().text("track.css")
LOOK_DIGEST = base64.b64encode(hashlib.sha256(LOOK.encode()).digest()).decode()
PAGES = {
    "/": POLICY,
    f"/track/{TOKEN}": POLICY.replace("style-src 'self'", f"style-src 'sha256-{LOOK_DIGEST}'"),
    "/track/unknown": POLICY,
    "/nowhere": POLICY,
    "/console": POLICY,
    "/errors/": POLICY,
    "/errors/PAYMENT_IN_PROGRESS": POLICY,
    "/graphiql": IDE_POLICY,
}


async def get(base_url: str, path: str, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=base_url, headers={"Accept": "text/html", **headers}) as client:
        return await client.get(path)


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_answers_with_its_policy(base_url: str, path: str) -> None:
    answer = await get(base_url, path)

    assert answer.headers["content-security-policy"] == PAGES[path]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_refers_to_an_outside_address_or_carries_a_script(base_url: str, path: str) -> None:
    text = (await get(base_url, path)).text

    addresses = re.findall(r'(?:href|src|action)="([^"]*)"', text)
    assert [address for address in addresses if not re.match(r"/(?!/)", address)] == []
    assert re.findall(r"<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=", text) == []


async def test_the_tracking_page_paints_from_its_first_answer(base_url: str) -> None:
    text = (await get(base_url, f"/track/{TOKEN}")).text

    assert text.count(f"<style>{LOOK}</style>") == text.count("<style") == 1
    assert re.findall(r'rel="stylesheet"', text) == []
    assert re.findall(r"<script[^>]*>", text) == [
        f'<script type="module" src="{Assets.load().url("track.js")}">'
    ]
    # What a connection sends before the first acknowledgement: ten segments.
    assert len(text.encode()) < 10 * 1460


def config_in(text: str) -> dict[str, Any]:
    found = re.search(r'data-config="([^"]*)"', text)
    assert found is not None
    config: dict[str, Any] = json.loads(html.unescape(found[1]))
    return config


async def test_a_demos_key_is_put_into_the_ide_and_offered_at_the_consoles_door(
    assets: Assets, shop: TinyShop
) -> None:
    app = make_app(assets, shop, [], demo_key='"demo" <key>')

    async with served(app) as base_url:
        ide, console = [(await get(base_url, path)).text for path in ("/graphiql", "/console")]

    assert config_in(ide) == {
        "endpoint": "/graphql",
        "headers": {"Authorization": 'Bearer "demo" <key>'},
    }
    assert config_in(console) == {"endpoint": "/graphql", "demoKey": '"demo" <key>', "locale": "en-IN"}


async def test_elsewhere_no_key_is_in_any_page(base_url: str) -> None:
    ide, console = [(await get(base_url, path)).text for path in ("/graphiql", "/console")]

    assert config_in(ide) == {"endpoint": "/graphql", "headers": {}}
    assert config_in(console) == {"endpoint": "/graphql", "demoKey": None, "locale": "en-IN"}


async def test_pages_can_be_left_out(assets: Assets, shop: TinyShop) -> None:
    app = make_app(assets, shop, [], storefront=False, console=False, ide=False)
    paths = ("/", "/console", "/graphiql", f"/track/{TOKEN}")

    async with served(app) as base_url:
        codes = [(await get(base_url, path)).status_code for path in paths]
        tracking = await get(base_url, f"/track/{TOKEN}")
        missing = await get(base_url, "/nowhere")

    assert codes == [404, 404, 404, 200]
    assert 'id="pay"' not in tracking.text
    assert 'href="/"' not in missing.text


@pytest.mark.parametrize(("console", "ide"), [(True, True), (True, False), (False, True), (False, False)])
async def test_the_shop_leads_only_to_what_is_served(
    assets: Assets, shop: TinyShop, *, console: bool, ide: bool
) -> None:
    app = make_app(assets, shop, [], console=console, ide=ide)

    async with served(app) as base_url:
        backstage = config_in((await get(base_url, "/")).text)["backstage"]
        codes = [(await get(base_url, path)).status_code for path in backstage]

    assert backstage == ["/console"] * console + ["/graphiql"] * ide
    assert codes == [200] * len(backstage)


async def test_a_wrong_address_is_answered_in_the_callers_language(base_url: str) -> None:
    for_people = await get(base_url, "/nowhere")
    for_programs = await get(base_url, "/nowhere", Accept="application/json")

    assert for_people.status_code == 404
    assert "<h1>There is no page here</h1>" in for_people.text
    assert for_programs.status_code == 404
    assert for_programs.text == "There is no page here\n"


async def test_a_wrong_method_is_refused_with_the_right_ones(base_url: str) -> None:
    async with httpx2.AsyncClient(base_url=base_url) as client:
        answer = await client.post("/graphiql", headers={"Accept": "text/html"})

    assert answer.status_code == 405
    assert sorted(answer.headers["allow"].split(", ")) == ["GET", "HEAD"]
    assert answer.headers["content-security-policy"] == POLICY


async def test_a_broken_page_says_so_and_gives_nothing_away(assets: Assets, shop: TinyShop) -> None:
    async def broken(_request: Request) -> Response:
        raise RuntimeError("the database password is hunter2")

    routes: list[BaseRoute] = [Route("/broken", broken)]

    async with served(make_app(assets, shop, routes)) as base_url:
        answer = await get(base_url, "/broken")

    assert answer.status_code == 500
    assert "<h1>Something broke on our side</h1>" in answer.text
    assert "hunter2" not in answer.text


async def test_every_demo_product_has_its_drawing(assets: Assets) -> None:
    pictures = [product.image_path.removeprefix("/static/") for product in DEMO_PRODUCTS]

    assert len(set(pictures)) == 6
    assert [picture for picture in pictures if picture not in assets.files] == []
