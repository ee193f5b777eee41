"""A whole shop for one test: the API over HTTP and websockets, settle, the hub, and a sandbox that sends webhooks."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import httpx2
import uvicorn
import websockets
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from websockets.typing import Subprotocol

from app.auth import Authenticator, hash_secret
from app.checkout import Catalog, Ordering, Paying, Suspense
from app.cli.serving import server_config
from app.gateways import load_gateways
from app.gateways.sandbox import SandboxSettings
from app.integrity import Auditor
from app.live import LiveHub
from app.metrics import Metrics
from app.settle import Settler
from app.simulators.sandbox import SandboxConfig, serving
from app.sockets import Sockets
from app.staff import Replays
from app.views import Views
from app.webhooks import WebhookEndpoint
from db.credentials import CredentialStore
from db.reads import OrderReader
from schema import Services, graphql_app
from tests import customers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from uuid import UUID

    from starlette.types import Receive, Scope, Send

    from app.gateways import GatewayRegistry
    from db.pool import Database
    from schema.view import GraphQLView

STAFF: Final = "staff-key-of-the-tests-0123456789abcdef"
SECRET: Final = "what-order-tokens-derive-from-in-the-tests"
SANDBOX_KEY: Final = "sk_sandbox_tests"
WEBHOOK_SECRET: Final = "whsec_sandbox_tests"
GOOD_CARD: Final = "4242424242424242"
DECLINED_CARD: Final = "4000000000000002"
BEGINNING: Final = "AXYAAAAA"
"""The cursor before an order's first event."""
DEADLINE_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.01
PROTOCOL: Final = Subprotocol("graphql-transport-ws")

PRODUCT: Final = """
mutation($input: ProductUpsertInput!) {
  productUpsert(input: $input) { product { id sku unitPrice { amount minorUnits currency } } errors { code field } }
}"""
ORDER: Final = """
mutation($input: OrderCreateInput!) {
  orderCreate(input: $input) {
    order { id number version status total { amount currency } } accessToken replayed errors { code message field }
  }
}"""
PAY: Final = """
mutation($input: PaymentCreateInput!) {
  paymentCreate(input: $input) {
    payment { id status reference amount { amount } nextAction { ... on RedirectAction { url } } }
    order { id version } replayed errors { code message field }
  }
}"""


def new_key() -> str:
    """Return a fresh idempotency key."""
    return str(uuid4())


def explained(code: str, **more: object) -> dict[str, object]:
    """Return the extensions of an error with this code."""
    return {"code": code, **more, "docUrl": f"/errors/{code}"}


@dataclass(frozen=True, slots=True)
class Guest:
    """An order and the token that opens it."""

    order_id: str
    token: str


@dataclass
class Shop:
    """The shop and its doors."""

    services: Services
    app: Starlette
    graphql: GraphQLView
    http: httpx2.AsyncClient
    sandbox: httpx2.AsyncClient
    port: int
    database: Database
    frames: list[tuple[UUID, int]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self.port}/graphql"

    async def send(self, query: str, variables: object = None, *, key: str | None = None) -> dict[str, Any]:
        """Run an operation over HTTP and return the response's body."""
        headers = {"authorization": f"Bearer {key}"} if key else {}
        body = {"query": query, "variables": variables or {}}
        response = await self.http.post("/graphql", json=body, headers=headers)
        answer: dict[str, Any] = response.json()
        return answer

    async def run(self, query: str, variables: object = None, *, key: str | None = None) -> dict[str, Any]:
        """Run an operation that has no GraphQL errors and return its data."""
        answer = await self.send(query, variables, key=key)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def stock(self, sku: str = "TEA", amount: str = "499.00") -> str:
        """Put a product into the catalogue and return its id."""
        price = {"amount": amount, "currency": "INR"}
        given = {"sku": sku, "name": f"Fine {sku.lower()}", "unitPrice": price}
        payload = (await self.run(PRODUCT, {"input": given}, key=STAFF))["productUpsert"]
        product_id: str = payload["product"]["id"]
        return product_id

    async def order(self, **more: object) -> Guest:
        """Order two of the stocked product as a guest."""
        await self.stock()
        given = {"lines": [{"sku": "TEA", "quantity": 2}], "idempotencyKey": new_key(), **more}
        payload = (await self.run(ORDER, {"input": given}))["orderCreate"]
        assert payload["errors"] == []
        return Guest(payload["order"]["id"], payload["accessToken"])

    async def open_payment(self, guest: Guest, **more: object) -> dict[str, Any]:
        """Open a payment for the order and return it as the API shows it."""
        given = {"orderId": guest.order_id, "gateway": "SANDBOX", "idempotencyKey": new_key(), **more}
        payload = (await self.run(PAY, {"input": given}, key=guest.token))["paymentCreate"]
        assert payload["errors"] == []
        payment: dict[str, Any] = payload["payment"]
        return payment

    async def use_card(self, reference: str, card: str = GOOD_CARD) -> None:
        """Pay at the gateway, as its checkout page would."""
        await self.sandbox.post(f"/v1/payments/{reference}/_pay", json={"card": card})

    async def paid_order(self, **more: object) -> tuple[Guest, str]:
        """Return an order that was paid, and the id of its payment."""
        guest = await self.order()
        payment = await self.open_payment(guest, **more)
        await self.use_card(payment["reference"])
        settled = {"SUCCEEDED", "REQUIRES_CAPTURE"}
        await self.until(
            guest, "payments { status }", lambda order: order["payments"][0]["status"] in settled
        )
        payment_id: str = payment["id"]
        return guest, payment_id

    async def until(
        self, guest: Guest, fields: str, holds: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Read the order until `holds`; fail after the deadline."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while True:
                data = await self.run(
                    f"query($id: ID!) {{ order(id: $id) {{ {fields} }} }}", {"id": guest.order_id}, key=STAFF
                )
                order: dict[str, Any] = data["order"]
                if holds(order):
                    return order
                await asyncio.sleep(_POLL_SECONDS)

    async def revoke(self, token: str) -> None:
        """Revoke an order's token."""
        await self.database.fetch(
            "UPDATE order_access_tokens SET revoked_at = clock_timestamp() WHERE token_hash = $1",
            hash_secret(token),
        )

    @asynccontextmanager
    async def raw_socket(self, **options: Any) -> AsyncIterator[websockets.ClientConnection]:  # noqa: ANN401 - of websockets
        """Open a websocket and send nothing."""
        address = self.url.replace("http", "ws")
        given = {"subprotocols": [PROTOCOL], "compression": None, **options}
        async with websockets.connect(address, **given) as connection:
            yield connection

    @asynccontextmanager
    async def socket(self, params: dict[str, object] | None = None) -> AsyncIterator[Client]:
        """Open a websocket and initialise it."""
        async with self.raw_socket() as connection:
            client = Client(connection)
            await client.send({"type": "connection_init", "payload": params or {}})
            assert await client.receive() == {"type": "connection_ack"}
            yield client


@dataclass
class Client:
    """One end of a websocket."""

    connection: websockets.ClientConnection

    async def send(self, message: object) -> None:
        """Send one message."""
        await self.connection.send(json.dumps(message))

    async def subscribe(self, query: str, variables: object = None, operation_id: str = "1") -> None:
        """Begin an operation."""
        payload = {"query": query, "variables": variables or {}}
        await self.send({"type": "subscribe", "id": operation_id, "payload": payload})

    async def receive(self) -> dict[str, Any]:
        """Return the next message, which comes as text."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            frame = await self.connection.recv()
        assert isinstance(frame, str)
        message: dict[str, Any] = json.loads(frame)
        return message

    async def data(self) -> dict[str, Any]:
        """Return the data of the next message, which is a `next` without errors."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        found: dict[str, Any] = message["payload"]["data"]
        return found

    async def close_code(self) -> int | None:
        """Wait until the server closes, and return its code."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            await self.connection.wait_closed()
        return self.connection.close_code


@asynccontextmanager
async def open_shop(database: Database) -> AsyncIterator[Shop]:
    """Wire a shop on a database, and serve it on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        config = SandboxConfig(
            secret_key=SANDBOX_KEY,
            webhook_secret=WEBHOOK_SECRET,
            webhook_url=f"http://127.0.0.1:{port}/webhooks/sandbox",
        )
        async with serving(config) as sandbox_url:
            settings = SandboxSettings(
                api_base=sandbox_url, secret_key=SANDBOX_KEY, webhook_secrets=(WEBHOOK_SECRET,)
            )
            gateways = load_gateways({"sandbox": settings})
            async with _wired(database, gateways, port, sandbox_url) as shop, _served(shop.app, listener):
                yield shop
            await gateways.aclose()


@asynccontextmanager
async def _wired(
    database: Database, gateways: GatewayRegistry, port: int, sandbox_url: str
) -> AsyncIterator[Shop]:
    authenticator = Authenticator(
        staff_keys=[STAFF], secret=SECRET, store=CredentialStore(database), jwt=customers.verifier()
    )
    hub = LiveHub(OrderReader(database))
    settler = Settler(database.dsn, on_commit=hub.publish, on_doubt=hub.heard)
    paying = Paying(database=database, settler=settler, gateways=gateways, return_origins=frozenset())
    metrics = Metrics()
    services = Services(
        views=Views(database, authenticator, gateways),
        catalog=Catalog(database),
        ordering=Ordering(
            database=database,
            settler=settler,
            authenticator=authenticator,
            give_up_payments=paying.give_up_all,
        ),
        paying=paying,
        suspense=Suspense(database=database, settler=settler),
        hub=hub,
        authenticator=authenticator,
        metrics=metrics,
        auditor=Auditor(database, figures=metrics),
        replays=Replays(database),
    )
    frames: list[tuple[UUID, int]] = []
    graphql = graphql_app(
        services,
        allowed_origins=["https://shop.example"],
        on_frame=lambda order_id, version: frames.append((order_id, version)),
    )
    app = Starlette(
        routes=[
            Route("/webhooks/{gateway}", _Identified(WebhookEndpoint(gateways, settler, metrics))),
            Route("/graphql", graphql),
            WebSocketRoute("/graphql", graphql),
        ]
    )
    transport = httpx2.ASGITransport(app=app)
    bearer = {"authorization": f"Bearer {SANDBOX_KEY}"}
    async with (
        hub,
        settler,
        httpx2.AsyncClient(transport=transport, base_url="http://shop.test") as http,
        httpx2.AsyncClient(base_url=sandbox_url, headers=bearer) as sandbox,
    ):
        yield Shop(services, app, graphql, http, sandbox, port, database, frames)


class _Identified:
    """Gives webhooks an id, as the edge would: without one they could not be answered, and would come again."""

    def __init__(self, endpoint: WebhookEndpoint) -> None:
        self._endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["request_id"] = b"of-the-tests"
        await self._endpoint(scope, receive, send)


@asynccontextmanager
async def _served(
    app: Starlette, listener: socket.socket, sockets: Sockets | None = None
) -> AsyncIterator[None]:
    server = uvicorn.Server(server_config(app, sockets or Sockets(subprotocol=PROTOCOL), grace_seconds=10))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not server.started:  # noqa: ASYNC110 - uvicorn raises no event
            await asyncio.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        server.should_exit = True
        await running
