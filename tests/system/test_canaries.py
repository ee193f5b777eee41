"""Secrets and card numbers go in by every door, and none comes out: not in answers, logs, figures or the database."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, get_args
from urllib.parse import quote

import pytest
import websockets
from pydantic import SecretStr

from app.settings import Settings
from tests.schema.shop import PROTOCOL
from tests.schema.test_card_numbers import attempts
from tests.system.processes import Server, free_port, serving, with_password
from tests.system.wire import LOST, ask, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from db.pool import Database

CARDS: Final = ("4242424242424242", "378282246310005", "5555 5555 5555 4444", "6011-1111-1111-1117")
STAFF: Final = "canary-of-staff-keys-0123456789abcdefghijkl"
DSN_PASSWORD: Final = "canary-of-the-database-password"


def _is_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(_is_secret(part) for part in get_args(annotation))


_MADE_UP: Final = {
    name: f"canary-of-{name.replace('_', '-')}-0123456789abcdefghijkl"
    for name, about in Settings.model_fields.items()
    if _is_secret(about.annotation) and name != "database_url"
}
SECRETS: Final = {
    **_MADE_UP,
    "staff_keys": STAFF,
    "stripe_secret_key": "sk_test_canary0123456789abcdefghijkl",
    "paytm_merchant_key": "canary-of-paytm!",
    "broker_url": "redis://:canary-of-broker-url@127.0.0.1:9/0",
    "rate_limits_url": "redis://:canary-of-rate-limits-url@127.0.0.1:9/0",
}
NOWHERE: Final = "http://127.0.0.1:9"
ROUTES: Final = (
    "/",
    "/console",
    "/graphql",
    "/graphiql",
    "/metrics",
    "/readyz",
    "/livez",
    "/static/x",
    "/track/",
    "/webhooks/",
)


@dataclass
class Told:
    """Everything that a server has said to anybody."""

    server: Server
    answers: list[bytes] = field(default_factory=list)

    async def send(self, method: str, path: str, body: bytes = b"", **headers: str) -> int:
        """Send a request, keep all of the answer, and return its status."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            answer = await ask(self.server.port, request(method, path, body, given))
        except LOST:
            return 0
        self.answers += [answer.body, json.dumps(answer.headers).encode()]
        return answer.status

    async def post(self, payload: object, key: str | None = None, **headers: str) -> int:
        """Send an operation."""
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        content = json.dumps(payload).encode()
        return await self.send("POST", "/graphql", content, content_type="application/json", **headers)

    async def tell_socket(self, init: object, *messages: object) -> None:
        """Open a websocket, send, and keep what comes until it is quiet or closed."""
        url = f"ws://127.0.0.1:{self.server.port}/graphql"
        async with websockets.connect(url, subprotocols=[PROTOCOL]) as socket:
            with contextlib.suppress(websockets.ConnectionClosed):
                await socket.send(json.dumps({"type": "connection_init", "payload": init}))
                self.answers.append(str(await socket.recv()).encode())
                for message in messages:
                    await socket.send(json.dumps(message))
                    self.answers.append(str(await socket.recv()).encode())
            if socket.close_reason:
                self.answers.append(socket.close_reason.encode())


@pytest.fixture(scope="module")
async def told(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    """A server in production mode that logs all it can, every secret of whose settings is a canary."""
    folder = tmp_path_factory.mktemp("canaries")
    settings = {f"ORDERPULSE_{name.upper()}": value for name, value in SECRETS.items()}
    settings |= {
        "DATABASE_URL": with_password(database_dsn),
        "ORDERPULSE_DATA_DIR": str(folder),
        "ORDERPULSE_MODE": "production",
        "ORDERPULSE_JWT_ISSUER": "https://issuer.example/",
        "ORDERPULSE_JWT_AUDIENCE": "shop",
        "ORDERPULSE_LOG_LEVEL": "debug",
        "ORDERPULSE_WORKER": "false",
        "ORDERPULSE_STRIPE_PUBLISHABLE_KEY": "pk_test_public",
        "ORDERPULSE_STRIPE_API_BASE": NOWHERE,
        "ORDERPULSE_RAZORPAY_KEY_ID": "rzp_test_public",
        "ORDERPULSE_RAZORPAY_API_BASE": NOWHERE,
        "ORDERPULSE_PAYTM_MID": "public",
        "ORDERPULSE_PAYTM_API_BASE": NOWHERE,
        "ORDERPULSE_PAYPAL_CLIENT_ID": "public",
        "ORDERPULSE_PAYPAL_WEBHOOK_ID": "public",
        "ORDERPULSE_PAYPAL_API_BASE": NOWHERE,
        "ORDERPULSE_RATE_REQUESTS": "100000",
    }
    server = Server(free_port(), folder / "log", settings)
    async with serving(server):
        yield Told(server)


def canaries() -> list[str]:
    given = [*SECRETS.values(), DSN_PASSWORD, "canary-of-rate-limits-url"]
    return [*given, *(secret.encode().hex() for secret in given)]


async def leaks(told: Told, database: Database, wanted: list[str]) -> list[tuple[str, str]]:
    """Return where one of the texts is found, with what is around it."""
    await told.send("GET", "/metrics", authorization=f"Bearer {STAFF}")
    tables = await database.fetch(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )
    dump = []
    for row in tables:
        rows = await database.fetch(f'SELECT t::text FROM "{row["table_name"]}" t')  # noqa: S608 - its own tables
        dump += [str(found[0]) for found in rows]
    places = {
        "answers": b"\n".join(told.answers).decode("utf-8", "replace"),
        "logs": told.server.output(),
        "database": "\n".join(dump),
    }
    return [
        (place, content[max(0, content.index(text) - 80) : content.index(text) + 80])
        for place, content in places.items()
        for text in wanted
        if text in content
    ]


async def test_every_secret_of_the_settings_is_a_canary() -> None:
    assert {
        "secret_key",
        "staff_keys",
        "stripe_secret_key",
        "razorpay_webhook_secrets",
        "paytm_merchant_key",
    } <= set(SECRETS)
    assert len(SECRETS) >= 11


async def test_whatever_goes_wrong_no_secret_is_told(told: Told, database: Database) -> None:
    order = (
        'mutation { orderCreate(input: {lines: [{sku: "%s", quantity: 1}], idempotencyKey: "sixteen-letters-%s"})'
        " { order { id } accessToken errors { code } } }"
    )
    product = (
        'mutation { productUpsert(input: {sku: "%s", name: "T", unitPrice: {amount: "499.00", currency: %s}})'
        " { errors { code } } }"
    )
    gateways = {"STRIPE": "INR", "RAZORPAY": "INR", "PAYTM": "INR", "PAYPAL": "USD"}
    for currency in ("INR", "USD"):
        await told.post({"query": product % (currency, f'"{currency}"')}, STAFF)
    statuses = [
        await told.post({"query": order % (currency, gateway)}) for gateway, currency in gateways.items()
    ]
    ids = [
        json.loads(answer)["data"]["orderCreate"]
        for answer in told.answers
        if answer.startswith(b'{"data":{"orderCreate":{"order":{')
    ]
    assert len(ids) == 4, told.answers
    for made, gateway in zip(ids, gateways, strict=True):
        pay = (
            f'mutation {{ paymentCreate(input: {{orderId: "{made["order"]["id"]}", gateway: {gateway}, '
            f'idempotencyKey: "of-sixteen-letters"}}) {{ errors {{ code message }} }} }}'
        )
        statuses.append(await told.post({"query": pay}, made["accessToken"]))
    for route in ROUTES:
        for method in ("GET", "POST", "DELETE"):
            await told.send(method, route, b"{}", authorization=f"Bearer {STAFF}x")
    for name in ("stripe", "razorpay", "paytm", "paypal", "sandbox", "nobody"):
        await told.send("POST", f"/webhooks/{name}", b'{"id": "x"}', stripe_signature="t=1,v1=00")
    for content in (b"", b"{", b"[" * 5_000, b'{"query": "{ nope }"}', b"x" * 300_000):
        await told.send("POST", "/graphql", content, content_type="application/json")
    await told.tell_socket({"authorization": f"Bearer {STAFF}x"})
    await told.tell_socket(
        {"authorization": f"Bearer {STAFF}"}, {"type": "subscribe", "id": "1", "payload": {"query": "{"}}
    )

    assert statuses == [200] * 8
    assert sum(b'"GATEWAY_UNAVAILABLE"' in answer for answer in told.answers) == len(gateways)
    await database.fetch("ALTER TABLE products RENAME TO hidden")
    try:
        broken = await told.post({"query": "{ products { nodes { id } } }"}, STAFF)
    finally:
        await database.fetch("ALTER TABLE hidden RENAME TO products")
    assert broken == 200
    assert '"errorId"' in told.answers[-2].decode()
    assert "Traceback" in told.server.output()
    assert "Traceback" not in b"".join(told.answers).decode("utf-8", "replace")
    assert await leaks(told, database, canaries()) == []


async def test_a_card_number_that_comes_in_anywhere_is_kept_nowhere(told: Told, database: Database) -> None:
    told.answers.clear()
    for card in CARDS:
        await told.post({"query": "{ __typename }", "operationName": card})
        await told.post(
            {"query": "{ __typename }", "variables": {card: [card, int(card) if card.isdigit() else card]}}
        )
        await told.post({"query": "{ __typename }", "extensions": {"persistedQuery": {"sha256Hash": card}}})
        await told.post({"documentId": card})
        await told.post({"query": f"{{ a(b: {card}) }}"})
        await told.post({"query": f'query ($n: Int = "{card}") {{ __typename }}'})
        await told.post(
            {"query": "{ __typename }"}, card, user_agent=card, cookie=f"card={card}", referer=card
        )
        await told.post({"query": "{ nope }"}, x_request_id=card.replace(" ", ""))
        await told.post({"query": "{ nope }"}, accept=card)
        await told.send("POST", "/graphql", b"{}", content_type=card)
        for route in ROUTES:
            await told.send(
                "GET", f"{route}{quote(card)}?card={quote(card)}", x_request_id=card.replace(" ", "-")
            )
        await told.send(
            "POST",
            "/webhooks/stripe",
            json.dumps({"card": card}).encode(),
            stripe_signature=f"t={card},v1=00",
        )
        await told.send("POST", f"/webhooks/{quote(card)}", card.encode())
        await told.tell_socket({"authorization": card})
        await told.tell_socket(
            {},
            {"type": "subscribe", "id": "1", "payload": {"query": f'{{ order(id: "{card}") {{ id }} }}'}},
            {"type": "subscribe", "id": "2", "payload": {"query": "{ a }", "variables": {"a": card}}},
            {"type": card, "id": card},
        )

    said = b"\n".join(told.answers).decode("utf-8", "replace")
    assert said.count("CARD_NUMBER") >= 6 * len(CARDS)
    assert await leaks(told, database, list(CARDS)) == []


async def test_on_a_socket_a_card_number_is_refused_in_every_field(told: Told, database: Database) -> None:
    told.answers.clear()
    given = list(attempts())
    messages = [
        {"type": "subscribe", "id": str(number), "payload": {"query": document, "variables": {"v": value}}}
        for number, (_, document, value) in enumerate(given)
    ]

    await told.tell_socket({"authorization": f"Bearer {STAFF}"}, *messages)

    said = [json.loads(answer) for answer in told.answers[1:]]
    assert len(said) == len(given) > 40
    assert {message["type"] for message in said} == {"error"}
    assert {message["payload"][0]["extensions"]["code"] for message in said} == {"CARD_NUMBER"}
    assert await leaks(told, database, list(CARDS)) == []
