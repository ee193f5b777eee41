"""What every answer carries and what none gives away, in production mode and while developing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import pytest

from tests.system.processes import (
    SECRET_KEY,
    STAFF_KEY,
    Server,
    free_port,
    run_command,
    serving,
    with_password,
)
from tests.system.wire import Answer, Line, ask, get, request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.system.conftest import System

HOST: Final = "pay.shop.example"
WANTED: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
BANNERS: Final = {"server", "x-powered-by", "via"}
PATHS: Final = (
    *(
        "/",
        "/console",
        "/graphql",
        "/graphiql",
        "/static/favicon.svg",
        "/static/nothing.js",
        "/track/oat_nothing",
    ),
    *("/livez", "/readyz", "/metrics", "/nowhere", "/webhooks/stripe", "/webhooks/nobody", "/webhooks/"),
)
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")


@pytest.fixture(scope="module")
async def hardened(database_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """A server in production mode that says nothing but what must be said of it."""
    folder = tmp_path_factory.mktemp("hardened")
    settings = {
        "DATABASE_URL": with_password(database_dsn),
        "ORDERPULSE_DATA_DIR": str(folder),
        "ORDERPULSE_MODE": "production",
        "ORDERPULSE_WORKER": "false",
        "ORDERPULSE_SECRET_KEY": SECRET_KEY,
        "ORDERPULSE_STAFF_KEYS": STAFF_KEY,
        "ORDERPULSE_PUBLIC_URL": f"https://{HOST}",
        "ORDERPULSE_ALLOWED_HOSTS": "*.inner.example,[::1]",
        "ORDERPULSE_TRUSTED_DOCUMENTS": "log",
        "ORDERPULSE_CONSOLE": "false",
    }
    server = Server(free_port(), folder / "log", settings)
    async with serving(server):
        yield server


async def post(server: Server, query: str, host: str = HOST) -> Answer:
    content = json.dumps({"query": query}).encode()
    return await ask(
        server.port, request("POST", "/graphql", content, {"content-type": "application/json", "host": host})
    )


def lacks(answer: Answer, path: str) -> set[str]:
    """Return which headers are wrong or missing, and which should not be there."""
    wrong = {name for name, value in WANTED.items() if answer.headers.get(name) != value}
    if "content-security-policy" not in answer.headers and not path.startswith("/static/"):
        wrong.add("content-security-policy")
    if "x-request-id" not in answer.headers:
        wrong.add("x-request-id")
    return wrong | (BANNERS & answer.headers.keys())


async def test_every_answer_of_every_route_has_its_headers(hardened: Server, system: System) -> None:
    wrong = {}
    for server in (hardened, system.first):
        for path in PATHS:
            for method in METHODS:
                sent = request(method, path, b"", {"host": HOST}, close=True)
                answer = await _whole(server, sent, head=method == "HEAD")
                if found := lacks(answer, path):
                    wrong[server.port, method, path] = found

    assert wrong == {}


async def _whole(server: Server, sent: bytes, *, head: bool) -> Answer:
    if not head:
        return await ask(server.port, sent)
    async with await Line.open(server.port) as line:
        line.writer.write(sent)
        text = (await line.reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = text.rstrip().split("\r\n")
    pairs = (each.partition(":") for each in lines)
    return Answer(int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}, b"")


async def test_browsers_are_told_to_use_https_alone_where_it_is_reached_so(
    hardened: Server, system: System
) -> None:
    here = await get(hardened.port, "/livez")
    there = await get(system.first.port, "/livez")

    assert here.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in there.headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        (HOST, 200),
        (HOST.upper(), 200),
        (f"{HOST}:8443", 200),
        ("a.inner.example", 200),
        ("a.b.inner.example:1", 200),
        ("[::1]:8000", 200),
        ("inner.example", 400),
        ("ainner.example", 400),
        (f"{HOST}.evil.example", 400),
        (f"evil.example:{HOST}", 400),
        (f"user@{HOST}", 400),
        ("[::2]", 400),
        ("127.0.0.1", 400),
        ("", 400),
    ],
)
async def test_it_answers_to_its_own_names_alone(hardened: Server, host: str, status: int) -> None:
    answer = await post(hardened, "{ __typename }", host)

    assert answer.status == status
    assert lacks(answer, "/graphql") - {"x-request-id"} == set()


async def test_webhooks_come_to_its_own_names_and_whoever_looks_after_it_needs_none(hardened: Server) -> None:
    webhook = await ask(hardened.port, request("POST", "/webhooks/stripe", b"{}", {"host": "evil.example"}))
    health = [(await get(hardened.port, path, {"host": "10.0.0.1"})).status for path in ("/livez", "/readyz")]

    assert webhook.status == 400
    assert health == [200, 200]


@pytest.mark.parametrize("server", ["hardened", "system"])
async def test_of_two_hosts_none_is_believed(server: str, hardened: Server, system: System) -> None:
    port = (hardened if server == "hardened" else system.first).port
    sent = request("GET", "/livez", headers={"host": HOST}).replace(
        b"\r\n", b"\r\nhost: pay.shop.example\r\n", 1
    )
    page = sent.replace(b"/livez", b"/graphql")

    assert (await ask(port, page)).status == 400


async def test_while_developing_any_name_will_do(system: System) -> None:
    assert (await get(system.first.port, "/", {"host": "whatever.example"})).status == 200


async def test_in_production_the_schema_is_not_told_in_any_way(hardened: Server) -> None:
    asked = [
        await post(hardened, text)
        for text in (
            "{ __schema { types { name } } }",
            '{ __type(name: "Order") { name } }',
            "{ ordrs { nodes { id } } }",
            "{ orders(frist: 1) { nodes { id } } }",
            "{ stateMachine(kind: PAYMEN) { kind } }",
            "query ($kind: StateMachineKin) { __typename }",
        )
    ]
    variables = json.dumps(
        {
            "query": "query ($kind: StateMachineKind!) { stateMachine(kind: $kind) { kind } }",
            "variables": {"kind": "PAYMEN"},
        }
    ).encode()
    headers = {"content-type": "application/json", "host": HOST}
    asked.append(await ask(hardened.port, request("POST", "/graphql", variables, headers)))
    pages = [await get(hardened.port, path, {"host": HOST}) for path in ("/graphiql", "/", "/console")]
    led = await get(hardened.port, "/graphql", {"host": HOST, "accept": "text/html"})

    said = " ".join(answer.body.decode() for answer in asked)
    assert all("data" not in answer.json for answer in asked)
    assert "Did you mean" not in said
    assert '"__Schema"' not in said
    assert [page.status for page in pages] == [404, 404, 404]
    assert led.status == 405


async def test_errors_that_callers_made_are_told_in_production_too(hardened: Server) -> None:
    mine = await post(hardened, "{ nope }")
    ours = await post(hardened, '{ paymentGateways(orderId: "x") { gateway } }')

    assert mine.json["errors"][0]["message"] == "Cannot query field 'nope' on type 'Query'."
    assert ours.json["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_documents_that_nobody_knows_are_logged_once(hardened: Server) -> None:
    for _ in range(3):
        await post(hardened, "{ __typename unknown: __typename }")

    lines = [json.loads(line) for line in hardened.output().splitlines()]
    told = [line for line in lines if line["event"] == "document.unknown" and "unknown:" in line["text"]]
    assert len(told) == 1


async def test_settings_that_make_no_sense_are_named(database_dsn: str, tmp_path: Path) -> None:
    given = {
        "DATABASE_URL": database_dsn,
        "ORDERPULSE_DATA_DIR": str(tmp_path),
        "ORDERPULSE_TRUSTED_PROXIES": "proxy",
    }

    ran = await run_command("serve", **given)

    assert ran.code != 0
    assert "ORDERPULSE_TRUSTED_PROXIES" in ran.output + ran.errors
    assert "Traceback" not in ran.output + ran.errors
