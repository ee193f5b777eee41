"""The examples, as a shop's developer runs them: pages of another origin, and a program, at a real server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import pytest
from playwright.async_api import expect

from tests.chromium import close_window
from tests.journey.browsing import AXE, violations
from tests.journey.demo_process import REPOSITORY
from tests.journey.doors import Placed, eventually
from tests.journey.network import Network
from tests.web.packages import WEB, run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, Page

    from tests.journey.conftest import Elsewhere
    from tests.journey.demo_process import Demo
    from tests.journey.doors import Doors

EXAMPLES: Final = REPOSITORY / "examples"
HEADLINE: Final = "order-tracker [part=headline]"
CONNECTION: Final = "order-tracker [part=connection]"
WAITING: Final = "Waiting for your payment"
PAID: Final = "Paid and confirmed"
LOST: Final = "Connection lost. Reconnecting; nothing is missed"
OPENS_NOTHING: Final = "This link no longer opens the order. Ask the shop for a new one"
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"color_scheme": "light"},
    "dark on a phone": {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}},
}
_TOKEN: Final = """
mutation ($id: ID!) { orderAccessTokenCreate(orderId: $id, ttlSeconds: 1) { accessToken errors { code } } }"""


@pytest.fixture(scope="module")
def packages() -> Path:
    """Return where the locked packages are, the client among them."""
    modules = WEB / "node_modules"
    if not (modules / "@orderpulse/client").is_dir():
        reason = "the packages of the pages are not installed: npm ci --prefix web"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return modules


@pytest.fixture(scope="module")
def plain_page(elsewhere: Elsewhere, shop: Doors) -> str:
    """Return where the page without a build is, which loads the tag from the demo."""
    html = (EXAMPLES / "plain-html/index.html").read_text("utf-8")
    assert html.count("http://localhost:8000") == 1
    target = elsewhere.folder / "plain-html"
    target.mkdir()
    (target / "index.html").write_text(html.replace("http://localhost:8000", shop.url), "utf-8")
    return f"{elsewhere.url}/plain-html/"


@pytest.fixture(scope="module", params=["react", "preact"])
def hook_page(request: pytest.FixtureRequest, elsewhere: Elsewhere, packages: Path) -> str:
    """Return where the page with the hook is, built as its `npm start` does; Preact stands in for React as it can."""
    library: str = request.param
    target = elsewhere.folder / library
    shutil.copytree(EXAMPLES / "react/public", target)
    aliases = {
        "@orderpulse/client/react": "@orderpulse/client/preact",
        "react/jsx-runtime": "preact/jsx-runtime",
        "react-dom/client": "preact/compat/client",
    }
    esbuild = packages / ".bin/esbuild"
    command = ["src/main.tsx", "--bundle", "--jsx=automatic", f"--outdir={target}"]
    if library == "preact":
        command += [f"--alias:{name}={other}" for name, other in aliases.items()]
    run([esbuild, *command], EXAMPLES / "react", NODE_PATH=str(packages))
    script = (target / "main.js").read_text("utf-8")
    assert ("react-dom-client" in script) == (library == "react")
    return f"{elsewhere.url}/{library}/"


@pytest.fixture
async def network(demo: Demo) -> AsyncIterator[Network]:
    """Return a network to the demo that can be cut."""
    async with Network.to(demo.port) as network:
        yield network


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Open an empty page whose script errors fail the test."""
    context = await browser.new_context(locale="en-IN")
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield await context.new_page()
    await close_window(context)
    assert errors == []


def address(base: str, order: Placed, server: str, *, token: str | None = None) -> str:
    """Return an example's address for one order."""
    return f"{base}#{urlencode({'order': order.id, 'token': token or order.token, 'server': server})}"


async def expired_token(shop: Doors, order: Placed) -> str:
    """Return a token of an order that opened it for a second."""
    made = await shop.ask(_TOKEN, {"id": order.id}, key=order.token)
    token: str = made["accessToken"]

    await eventually(lambda: shop.refuses(token))
    return token


async def test_the_tag_turns_paid_on_a_page_of_another_origin(
    shop: Doors, plain_page: str, page: Page
) -> None:
    order = await shop.place_order()
    await page.goto(address(plain_page, order, shop.url))
    await expect(page.locator(HEADLINE)).to_have_text(WAITING)
    await expect(page.locator("#thanks")).to_be_hidden()

    await shop.pay(order)

    await expect(page.locator(HEADLINE)).to_have_text(PAID)
    await expect(page.locator("order-tracker [part=amounts]")).to_have_text("Paid: ₹449.00 / ₹449.00")
    await expect(page.locator("order-tracker [part~=current]")).to_have_text("Shipped")
    await expect(page.locator("#thanks")).to_be_visible()


async def test_the_tag_says_that_the_network_is_cut_and_catches_up_by_itself(
    shop: Doors, plain_page: str, page: Page, network: Network
) -> None:
    order = await shop.place_order()
    await page.goto(address(plain_page, order, network.url))
    await expect(page.locator(HEADLINE)).to_have_text(WAITING)
    await page.evaluate("""() => {
        window.updates = [];
        const note = ({ detail }) => window.updates.push(...detail.events.map(({ version }) => version));
        document.querySelector('order-tracker').addEventListener('order-updated', note);
    }""")

    await network.cut()
    await expect(page.locator(CONNECTION)).to_have_text(LOST)
    await shop.pay(order)
    await eventually(lambda: shop.is_confirmed(order))
    network.mend()

    await expect(page.locator(HEADLINE)).to_have_text(PAID)
    await expect(page.locator(CONNECTION)).to_have_attribute("data-state", "live")
    await page.wait_for_function("window.updates.includes(4)")
    assert await page.evaluate("window.updates") == [2, 3, 4]


async def test_the_tag_says_that_a_token_has_expired_and_asks_no_more(
    shop: Doors, plain_page: str, page: Page, network: Network
) -> None:
    order = await shop.place_order()
    token = await expired_token(shop, order)
    await page.add_init_script("""
        window.failures = [];
        addEventListener('order-error', ({ detail }) => window.failures.push(detail.code));
    """)

    await page.goto(address(plain_page, order, network.url, token=token))

    await expect(page.locator(CONNECTION)).to_have_text(OPENS_NOTHING)
    assert await page.evaluate("window.failures") == ["UNAUTHENTICATED"]
    assert network.connections == 1
    await page.evaluate("dispatchEvent(new Event('online'))")
    assert network.connections == 1


async def test_the_tag_speaks_hindi_where_the_page_does(shop: Doors, plain_page: str, page: Page) -> None:
    order = await shop.place_order()
    await page.goto(address(plain_page, order, shop.url))
    await expect(page.locator(HEADLINE)).to_have_text(WAITING)

    await page.evaluate("document.querySelector('order-tracker').lang = 'hi-IN'")

    await expect(page.locator(HEADLINE)).to_have_text("आपके भुगतान की प्रतीक्षा है")
    await expect(page.locator("order-tracker [part=tracker]")).to_have_attribute("lang", "hi")
    await expect(page.locator("order-tracker [part=amounts]")).to_have_text("भुगतान: ₹0.00 / ₹449.00")


async def test_the_tag_follows_another_order_when_its_attributes_change(
    shop: Doors, plain_page: str, page: Page
) -> None:
    first, second = await shop.place_order(), await shop.place_order()
    await page.goto(address(plain_page, first, shop.url))
    await expect(page.locator("order-tracker [part=number]")).to_have_text(f"Order {first.number}")
    others = await shop.subscriptions()

    await page.evaluate(
        """([order, token]) => {
            const tracker = document.querySelector('order-tracker');
            tracker.setAttribute('order', order);
            tracker.setAttribute('token', token);
        }""",
        [second.id, second.token],
    )

    await expect(page.locator("order-tracker [part=number]")).to_have_text(f"Order {second.number}")
    await eventually(lambda: shop.has_subscriptions(others))
    await page.evaluate("document.querySelector('order-tracker').remove()")
    await eventually(lambda: shop.has_subscriptions(others - 1))


async def test_an_origin_that_the_server_does_not_know_is_named_in_the_console(
    shop: Doors, elsewhere: Elsewhere, plain_page: str, page: Page
) -> None:
    order = await shop.place_order()
    unknown = elsewhere.url.replace("127.0.0.1", "localhost")
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if message.type == "warning" else None)

    await page.goto(address(plain_page.replace(elsewhere.url, unknown), order, shop.url))
    await expect(page.locator(CONNECTION)).to_have_text(LOST)

    host = shop.url.removeprefix("http://")
    setting = f"ORDERPULSE_ALLOWED_ORIGINS={unknown}"
    assert told == [
        f"Orderpulse: no websocket to {host}. If it is up, start it with {setting} (docs/client.md#origins)"
    ]


async def test_a_page_with_a_strict_policy_allows_the_script_and_the_socket_alone(
    shop: Doors, elsewhere: Elsewhere, page: Page
) -> None:
    order = await shop.place_order()
    policy = f"default-src 'none'; script-src {shop.url}; connect-src {shop.url.replace('http', 'ws')}"
    (elsewhere.folder / "strict.html").write_text(
        f'<!doctype html><html lang="hi"><meta charset="utf-8"><title>Your order</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<script type="module" src="{shop.url}/order-tracker.js"></script>'
        f'<order-tracker order="{order.id}" token="{order.token}"></order-tracker>'
    )
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Policy" in message.text else None)

    await page.goto(f"{elsewhere.url}/strict.html")

    await expect(page.locator(HEADLINE)).to_have_text("आपके भुगतान की प्रतीक्षा है")
    await expect(page.locator(HEADLINE)).to_have_css("font-weight", "700")
    assert refused == []


@pytest.mark.parametrize("look", LOOKS)
async def test_the_tag_is_accessible(browser: Browser, shop: Doors, plain_page: str, look: str) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci --prefix web")
    order = await shop.place_order()
    paid = await shop.place_order()
    await shop.pay(paid)
    context = await browser.new_context(locale="en-IN", reduced_motion="reduce", **LOOKS[look])
    page = await context.new_page()
    found = {}
    for name, one, token, said in (
        ("waiting", order, order.token, WAITING),
        ("paid", paid, paid.token, PAID),
    ):
        await page.goto("about:blank")
        await page.goto(address(plain_page, one, shop.url, token=token))
        await expect(page.locator(HEADLINE)).to_have_text(said)
        found[name] = await violations(page)
    await page.goto("about:blank")
    await page.goto(address(plain_page, order, shop.url, token="oat_never"))
    await expect(page.locator(CONNECTION)).to_have_text(OPENS_NOTHING)
    found["refused"] = await violations(page)
    await close_window(context)

    assert found == {"waiting": [], "paid": [], "refused": []}


async def test_the_hook_turns_paid_and_catches_up_after_a_cut(
    shop: Doors, hook_page: str, page: Page, network: Network
) -> None:
    order = await shop.place_order()
    await page.goto(address(hook_page, order, network.url))
    await expect(page.locator("h1")).to_have_text(f"Order {order.number}")
    await expect(page.locator("li")).to_have_text(["ORDER_CREATED"])

    await network.cut()
    await expect(page.get_by_text("Connection lost. Reconnecting …")).to_be_visible()
    await shop.pay(order)
    await eventually(lambda: shop.is_confirmed(order))
    network.mend()

    await expect(page.get_by_text("Paid. Thank you!")).to_be_visible()
    await expect(page.locator("li")).to_have_text(
        ["ORDER_CREATED", "PAYMENT_CREATED", "PAYMENT_SUCCEEDED", "ORDER_CONFIRMED"]
    )
    await expect(page.get_by_text("Connection lost. Reconnecting …")).to_be_hidden()


async def test_the_hook_ends_with_a_typed_error(shop: Doors, hook_page: str, page: Page) -> None:
    order, other = await shop.place_order(), await shop.place_order()

    await page.goto(address(hook_page, order, shop.url, token=await expired_token(shop, order)))
    await expect(page.get_by_role("alert")).to_have_text("This link has expired. Ask us for a new one.")
    await page.goto("about:blank")
    await page.goto(address(hook_page, other, shop.url, token=order.token))
    await expect(page.get_by_role("alert")).to_have_text("There is no such order.")


async def test_the_program_follows_its_order_until_it_is_told_to_leave(
    shop: Doors, packages: Path, tmp_path: Path
) -> None:
    node = shutil.which("node")
    assert node is not None
    shutil.copytree(EXAMPLES / "node", tmp_path / "node", ignore=shutil.ignore_patterns("node_modules"))
    (tmp_path / "node/node_modules/@orderpulse").mkdir(parents=True)
    (tmp_path / "node/node_modules/@orderpulse/client").symlink_to(packages / "@orderpulse/client")
    process = await asyncio.create_subprocess_exec(
        *(node, "--experimental-websocket", "--no-warnings", "track.mjs", shop.url),
        cwd=tmp_path / "node",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    told = [line async for line in lines_until(process.stdout, "to pay 449.00")]
    found = re.search(r"order=(ord_\w+)&token=(oat_\w+)", told[1])
    assert found is not None, told

    await shop.pay(Placed(id=found[1], number="", token=found[2]))
    told += [line async for line in lines_until(process.stdout, "ORDER_CONFIRMED")]
    process.send_signal(signal.SIGINT)
    told += (await process.stdout.read()).decode().splitlines()

    assert await process.wait() == 0
    assert told[2:6] == ["connection connecting", "connection live", "ORDER_CREATED", "to pay 449.00"]
    assert [line for line in told if line.isupper()] == [
        "ORDER_CREATED",
        "PAYMENT_CREATED",
        "PAYMENT_SUCCEEDED",
        "ORDER_CONFIRMED",
    ]
    assert told[-1] == "paid 449.00 INR"


async def lines_until(stream: asyncio.StreamReader, last: str) -> AsyncIterator[str]:
    """Yield what a program prints, up to a line."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(15))
        while line := (await stream.readline()).decode().rstrip("\n"):
            yield line
            if line == last:
                return
