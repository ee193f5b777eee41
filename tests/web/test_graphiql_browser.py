"""The IDE in a real browser: renders offline, runs every kind of operation, keeps all events in view."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator  # noqa: TC003 - Strawberry reads annotations
from typing import TYPE_CHECKING, Any

import pytest
import strawberry
from playwright.async_api import expect
from starlette.routing import BaseRoute, Route, WebSocketRoute
from strawberry.asgi import GraphQL

from app.domain.states import OrderEventType, OrderPaymentStatus
from tests.web.conftest import make_app
from tests.web.ide_page import answered, open_tab, run
from tests.web.serving import eventually, served
from tests.web.tiny_shop import TOKEN, TOTAL, TinyShop

if TYPE_CHECKING:
    from app.web.assets import Assets
    from tests.web.conftest import OpenVisit

KEY = "demo-staff-key"


@strawberry.type
class Query:
    """What the IDE can ask."""

    @strawberry.field
    def greeting(self, name: str) -> str:
        """Greet."""
        return f"Hello, {name}"


@strawberry.type
class Subscription:
    """What the IDE can watch."""

    @strawberry.subscription
    async def count(self, info: strawberry.Info[Any, None], to: int) -> AsyncGenerator[str, None]:
        """Count, and say whose key the socket was opened with."""
        key = info.context["connection_params"]["Authorization"]
        for number in range(1, to + 1):
            yield f"{number} for {key}"


@pytest.fixture
async def strawberry_url(assets: Assets, shop: TinyShop) -> AsyncIterator[str]:
    """Serve the IDE over a schema and a socket handler that nobody here wrote."""
    schema = strawberry.Schema(Query, subscription=Subscription)
    view: GraphQL[Any, None] = GraphQL(schema, subscription_protocols=["graphql-transport-ws"])
    routes: list[BaseRoute] = [Route("/graphql", view, methods=["POST"]), WebSocketRoute("/graphql", view)]
    async with served(make_app(assets, shop, routes, demo_key=KEY)) as url:
        yield url


@pytest.fixture
async def shop_url(assets: Assets, shop: TinyShop) -> AsyncIterator[str]:
    """Serve the IDE over the contract's names."""
    async with served(make_app(assets, shop, shop.transport.routes(), demo_key=KEY)) as url:
        yield url


def with_tab(base_url: str, query: str, variables: dict[str, object]) -> dict[str, object]:
    """Return browser storage in which one tab is open, as a returning reader has it."""
    tab = {"id": "1", "title": "Stored", "query": query, "variables": json.dumps(variables), "headers": None}
    state = {"tabs": [{**tab, "operationName": None, "response": None}], "activeTabIndex": 0}
    stored = {"name": "graphiql:tabState", "value": json.dumps(state)}
    return {"origins": [{"origin": base_url, "localStorage": [stored]}]}


async def test_a_query_runs(strawberry_url: str, visit: OpenVisit) -> None:
    stored = with_tab(
        strawberry_url, "query Greet($name: String!) { greeting(name: $name) }", {"name": "Asha"}
    )

    opened = await visit(strawberry_url, "/graphiql", storage_state=stored)
    await run(opened.page)

    await answered(opened.page, "Hello, Asha")
    assert opened.problems == []


async def test_a_subscription_runs_with_the_headers_and_every_event_stays_listed(
    strawberry_url: str, visit: OpenVisit
) -> None:
    stored = with_tab(strawberry_url, "subscription Count { count(to: 3) }", {})

    opened = await visit(strawberry_url, "/graphiql", storage_state=stored)
    await run(opened.page)

    events = opened.page.get_by_label("Subscription events")
    await expect(events.locator("li code")).to_have_text(
        [f'"{number} for Bearer demo-staff-key"' for number in (3, 2, 1)]
    )
    await expect(events).to_contain_text("Count · stopped · 3 received")
    assert opened.problems == []


async def test_the_prepared_tabs_tell_one_orders_life(
    shop: TinyShop, shop_url: str, visit: OpenVisit
) -> None:
    shop.next_action = {"__typename": "RedirectAction", "url": "/pay-here"}
    opened = await visit(shop_url, "/graphiql")
    page = opened.page
    tabs = page.locator(".graphiql-tab-button")
    await expect(tabs).to_have_text(["CreateAnOrder", "Pay", "WatchItLive", "TrackByToken", "Refund"])

    await run(page)
    await answered(page, TOKEN)
    await open_tab(page, 1, "# 2 · Pay")
    await run(page)
    await answered(page, "sandbox-1")
    await open_tab(page, 2, "# 3 · Watch it live")
    await run(page)
    await eventually(lambda: "orderEvents" in [name for name, _ in shop.asked])
    shop.happen(OrderEventType.PAYMENT_PROCESSING, payment_status=OrderPaymentStatus.PENDING)
    shop.happen(
        OrderEventType.PAYMENT_SUCCEEDED, amount=TOTAL, paid=TOTAL, payment_status=OrderPaymentStatus.PAID
    )

    events = page.get_by_label("Subscription events").locator("li code")
    await expect(events).to_have_count(2)
    await expect(events.nth(0)).to_contain_text('"type":"PAYMENT_SUCCEEDED"')
    created, paid, watched = [arguments for _, arguments in shop.asked]
    assert created["lines"] == [{"sku": "TEA-ASSAM", "quantity": 2}]
    assert (paid["orderId"], paid["returnUrl"]) == ("order-1", f"{shop_url}/track/{TOKEN}")
    assert watched["orderId"] == "order-1"
    assert created["idempotencyKey"] != paid["idempotencyKey"]
    keys = [credential for credential in shop.transport.credentials if credential[1] is not None]
    assert set(keys) == {("http", "Bearer demo-staff-key"), ("socket", "Bearer demo-staff-key")}
    assert opened.problems == []


async def test_a_returning_reader_finds_the_tab_and_the_key_again(
    shop: TinyShop, shop_url: str, visit: OpenVisit
) -> None:
    shop.next_action = {"__typename": "RedirectAction", "url": "/pay-here"}
    opened = await visit(shop_url, "/graphiql")
    page = opened.page
    await open_tab(page, 1, "# 2 · Pay")
    await run(page)
    await answered(page, "sandbox-1")

    await page.reload()
    await expect(page.locator(".graphiql-tab-button")).to_have_count(5)
    await run(page)

    await answered(page, "sandbox-1")
    assert len([name for name, _ in shop.asked if name == "paymentCreate"]) == 2
    assert shop.transport.credentials[-1] == ("http", "Bearer demo-staff-key")
    stored = await page.evaluate("JSON.stringify(localStorage)")
    assert "paymentCreate" in stored
    assert "demo-staff-key" not in stored


async def test_the_explorer_opens(shop_url: str, visit: OpenVisit) -> None:
    opened = await visit(shop_url, "/graphiql")

    await opened.page.get_by_label("Show GraphiQL Explorer").click()

    await expect(opened.page.locator(".docExplorerWrap")).to_contain_text(
        re.compile("orderCreate|orderByAccessToken")
    )
    assert opened.problems == []
