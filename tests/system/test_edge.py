"""The edge: what is no gateway's is turned away and leaves nothing, what is a gateway's is kept whatever it says."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Final

import pytest
import websockets

from tests.schema.shop import PROTOCOL, Client
from tests.system.audit import inbox, order_states
from tests.system.deliveries import PATH, open_payments, signature, signed, success
from tests.system.processes import SANDBOX_WEBHOOK_SECRET, SECRETS, STAFF_KEY
from tests.system.shop import UPDATED, Shop
from tests.system.wire import LOST, Answer, Line, ask, get, request

if TYPE_CHECKING:
    from db.pool import Database
    from tests.system.conftest import System

MIB: Final = 1_048_576
BODY_SECONDS_MAX: Final = 10.0
UNPAID: Final = {("PENDING", "UNPAID", 2, 0, 0): 1}


async def test_a_delivery_that_is_not_signed_by_the_gateway_is_refused_and_leaves_nothing(
    system: System, database: Database
) -> None:
    (opened,) = await open_payments(database, 1)
    body = success(opened.payment).request.partition(b"\r\n\r\n")[2]
    now = int(time.time())
    headers = [
        {},
        {"sandbox-signature": ""},
        {"sandbox-signature": f"t={now},v1="},
        {"sandbox-signature": f"t={now},v1={'0' * 64}"},
        {"sandbox-signature": signature(body, "another secret")},
        {"sandbox-signature": signature(body + b" ")},
        {"sandbox-signature": signature(body, at=now - 301)},
        {"sandbox-signature": signature(body, at=now + 330)},
        {"stripe-signature": signature(body)},
        {"sandbox-signature": "\xff" * 90},
    ]

    answers = [await ask(system.first.port, request("POST", PATH, body, given)) for given in headers]

    assert [answer.status for answer in answers] == [400] * len(headers)
    assert await inbox(database) == {}
    assert await order_states(database) == UNPAID


async def test_what_no_route_or_method_is_for_is_told_so(system: System, database: Database) -> None:
    body = b"{}"

    unknown = [
        (await ask(system.first.port, request("POST", path, body))).status
        for path in ("/webhooks/nobody", "/webhooks/", "/webhooks/sandbox/more", "/webhooks/paypal")
    ]
    others = [
        await ask(system.first.port, request(method, PATH, b""))
        for method in ("GET", "PUT", "DELETE", "OPTIONS")
    ]

    assert unknown == [404] * 4
    assert [(answer.status, answer.headers.get("allow")) for answer in others] == [(405, "POST")] * 4
    assert await inbox(database) == {}


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_one_byte_more_than_a_mebibyte_is_refused(
    system: System, database: Database, chunked: bool
) -> None:
    body = b"x" * (MIB + 1)

    answer = await ask(system.first.port, _chunked(body) if chunked else signed(body))
    whole = await ask(system.first.port, _chunked(body[:-1]) if chunked else signed(body[:-1]))

    assert answer.status == 413
    assert (whole.status, whole.json) == (200, {"status": "FAILED"})
    assert [status for status, _ in (await inbox(database)).values()] == ["FAILED"]


def _chunked(body: bytes) -> bytes:
    head = f"POST {PATH} HTTP/1.1\r\nhost: shop.test\r\ntransfer-encoding: chunked\r\n"
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(part), part)
        for part in (body[start : start + 65_536] for start in range(0, len(body), 65_536))
    )
    return f"{head}sandbox-signature: {signature(body)}\r\n\r\n".encode() + chunks + b"0\r\n\r\n"


async def test_garbage_that_the_gateway_signed_is_kept_as_failed_and_answered_2xx(
    system: System, database: Database
) -> None:
    bodies = [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'{"id": 5}',
        b"\xff\xfe\x00",
        b"\x00" * 100,
        b"[" * 100_000,
        b'{"id": "sbx_evt_1", "type": "payment.succeeded"}',
        b'{"a": 1' + b"0" * 10_000 + b"}",
    ]

    once = [await ask(system.first.port, signed(body)) for body in bodies]
    again = [await ask(system.first.port, signed(body)) for body in bodies]

    assert [(answer.status, answer.json) for answer in once + again] == [(200, {"status": "FAILED"})] * 20
    rows = await database.fetch("SELECT body, status, deliveries, error <> '' AS told FROM inbox_events")
    assert sorted(tuple(row) for row in rows) == sorted((body, "FAILED", 2, True) for body in bodies)


async def test_a_readable_event_with_anything_odd_in_it_is_kept_and_answered_2xx(
    system: System, database: Database
) -> None:
    (opened,) = await open_payments(database, 1)
    body = success(opened.payment).request.partition(b"\r\n\r\n")[2].decode()
    noise = "".join(chr(0x4E00 + (number * 7919) % 20_000) for number in range(9_000))
    odd = {
        "UNMATCHED": [body.replace(str(opened.payment.id), "0190f5e6-0000-7000-8000-00000000dead")],
        "FAILED": [
            body.replace('"sbx_evt_', '"\\ud800sbx_evt_'),
            body.replace('"sbx_evt_', '"1_').replace('"sbx_chg_', f'"{noise}sbx_chg_'),
            body.replace('"sbx_evt_', '"2_').replace('"sbx_chg_', '"\\u0000sbx_chg_'),
            body.replace('"sbx_evt_', '"3_').replace('"sbx_pay_', f'"{noise}sbx_pay_'),
            body.replace('"sbx_evt_', '"4_').replace('"sbx_pay_', '"\\u0000sbx_pay_'),
        ],
        "APPLIED": [
            body.replace('"sbx_evt_', '"\\u0000sbx_evt_'),
            body.replace('"sbx_evt_', f'"{noise}sbx_evt_'),
            body.replace('"sbx_evt_', '"5_').replace('"payment.succeeded"', f'"{noise}"'),
        ],
    }

    answers = {
        status: [await ask(system.first.port, signed(text.encode())) for text in texts]
        for status, texts in odd.items()
    }

    told = {status: [(a.status, a.json["status"]) for a in given] for status, given in answers.items()}
    assert told == {status: [(200, status)] * len(texts) for status, texts in odd.items()}
    kept = await inbox(database)
    assert sorted(status for status, _ in kept.values()) == ["APPLIED"] * 3 + ["FAILED"] * 5 + ["UNMATCHED"]
    assert await order_states(database) == {("CONFIRMED", "PAID", 4, 49_900, 0): 1}


async def test_a_body_that_comes_slowly_is_waited_for_and_holds_nobody_up(
    system: System, database: Database
) -> None:
    slow, quick = [success(opened.payment) for opened in await open_payments(database, 2)]

    async with await Line.open(system.first.port) as line:
        parts = [slow.request[start : start + 200] for start in range(0, len(slow.request), 200)]
        for part in parts[:-1]:
            line.writer.write(part)
            await line.writer.drain()
            await asyncio.sleep(0.02)
        meanwhile = await ask(system.first.port, quick.request)
        early = await inbox(database)
        answer = await line.ask(parts[-1])

    assert (meanwhile.status, answer.status) == (200, 200)
    assert set(early) == {quick.external_id}
    assert set(await inbox(database)) == {quick.external_id, slow.external_id}


async def test_a_body_that_never_ends_is_given_up(system: System, database: Database) -> None:
    (opened,) = await open_payments(database, 1)
    delivery = success(opened.payment)

    async with await Line.open(system.first.port) as stalled, await Line.open(system.first.port) as gone:
        gone.writer.write(delivery.request[:-1])
        await gone.writer.drain()
        gone.close()
        started = time.monotonic()
        answer = await stalled.ask(delivery.request[:-1])
        waited = time.monotonic() - started

    assert answer.status == 408
    assert BODY_SECONDS_MAX <= waited < BODY_SECONDS_MAX + 5
    assert await inbox(database) == {}
    assert (await ask(system.first.port, delivery.request)).status == 200


async def test_every_answer_bears_the_id_of_its_request(system: System, database: Database) -> None:
    (opened,) = await open_payments(database, 1)
    good = success(opened.payment).request
    paths = ("/livez", "/readyz", "/metrics", "/webhooks/nobody", PATH, "/nowhere", "/graphql")
    given = {"x-request-id": "of.the-caller_1:2"}

    echoed = [(await get(system.first.port, path, given)).headers["x-request-id"] for path in paths]
    made = [(await get(system.first.port, path)).headers["x-request-id"] for path in paths]
    odd = await get(system.first.port, "/livez", {"x-request-id": "no spaces"})
    settled = await ask(system.first.port, good.replace(b"\r\n", b"\r\nx-request-id: settled-7\r\n", 1))

    assert echoed == ["of.the-caller_1:2"] * len(paths)
    assert len(set(made)) == len(paths)
    assert len(odd.headers["x-request-id"]) == 32
    assert settled.headers["x-request-id"] == "settled-7"
    lines = [json.loads(line) for line in system.first.output().splitlines()]
    told = [line["event"] for line in lines if line.get("request") == "settled-7"]
    assert told == ["webhook.settled"]


async def test_it_says_that_it_lives_that_it_is_ready_and_how_it_is_doing(
    system: System, database: Database
) -> None:
    (opened,) = await open_payments(database, 1)
    metric = b'orderpulse_webhook_seconds_count{gateway="SANDBOX",outcome="APPLIED"}'

    live, ready, before = [await get(system.first.port, path) for path in ("/livez", "/readyz", "/metrics")]
    await ask(system.first.port, success(opened.payment).request)
    after = await get(system.first.port, "/metrics")

    assert (live.status, live.body) == (200, b"ok")
    assert (ready.status, ready.json) == (200, {"ready": True, "problems": [], "broker": True})
    assert before.headers["content-type"].startswith("text/plain")
    assert _value(after, metric) - _value(before, metric) == 1


def _value(answer: Answer, metric: bytes) -> float:
    values = [line.rpartition(b" ")[2] for line in answer.body.splitlines() if line.startswith(metric)]
    return float(values[0]) if values else 0.0


@pytest.mark.parametrize("which", ["first", "second"])
async def test_no_secret_of_the_shop_or_of_its_guests_is_printed(
    system: System, database: Database, which: str
) -> None:
    server = getattr(system, which)
    shop = Shop(server)
    (opened,) = await open_payments(database, 1)
    body = b'{"card": "4242424242424242"}'

    guest = await shop.order()
    payment = await shop.pay(guest, "STRIPE")
    await shop.pay(guest, "SANDBOX")
    async with shop.socket(guest.token) as client:
        await client.subscribe(UPDATED, {"id": guest.order_id})
        await client.data()
    await get(server.port, f"/track/{guest.token}")
    await get(server.port, f"/nowhere?token={guest.token}&key={STAFF_KEY}")
    await get(server.port, "/graphql", {"authorization": f"Bearer {STAFF_KEY}x"})
    await ask(server.port, request("POST", PATH, body, {"sandbox-signature": f"t=1,v1={'ab' * 32}"}))
    await ask(server.port, signed(body + SANDBOX_WEBHOOK_SECRET.encode()))
    await ask(server.port, success(opened.payment).request)
    printed = server.output()

    secrets = [*SECRETS, guest.token, payment["nextAction"]["parameters"]["clientSecret"], "4242424242424242"]
    assert [secret for secret in secrets if secret in printed] == []
    assert "webhook.refused" in printed
    assert "webhook.settled" in printed


async def test_an_answer_of_refusal_leaves_the_connection_usable_or_closes_it(system: System) -> None:
    async with await Line.open(system.first.port) as line:
        refused = await line.ask(request("POST", PATH, b"{}"))
        try:
            after = (await line.ask(request("GET", "/livez"))).status
        except LOST:
            after = 0

    assert refused.status == 400
    assert after == 200


async def test_an_error_leads_to_its_page_and_to_the_log(system: System) -> None:
    body = json.dumps({"query": "{ integrityReport { checkedAt } }"}).encode()
    headers = {"content-type": "application/json", "x-request-id": "asked-by-a-test"}

    answer = await ask(system.first.port, request("POST", "/graphql", body, headers))
    (error,) = answer.json["errors"]
    page = await get(system.first.port, error["extensions"]["docUrl"], {"accept": "text/html"})

    assert answer.headers["x-request-id"] == "asked-by-a-test"
    assert error["extensions"] == {
        "code": "FORBIDDEN",
        "docUrl": "/errors/FORBIDDEN",
        "requestId": "asked-by-a-test",
    }
    assert page.status == 200
    assert "The caller may not do this" in page.body.decode()
    assert (await get(system.first.port, "/errors/OOPS")).status == 404


async def test_an_error_over_a_websocket_names_its_handshake(system: System) -> None:
    url = f"ws://127.0.0.1:{system.first.port}/graphql"
    async with websockets.connect(url, subprotocols=[PROTOCOL], compression=None) as connection:
        client = Client(connection)
        await client.send({"type": "connection_init"})
        await client.receive()
        await client.subscribe("subscription { allOrderEvents { version } }")
        refused = (await client.receive())["payload"][0]
        await client.subscribe("{ nonsense }", operation_id="2")
        malformed = (await client.receive())["payload"][0]
        assert connection.response is not None
        known_as = connection.response.headers["x-request-id"]

    assert refused["extensions"] == {
        "code": "FORBIDDEN",
        "docUrl": "/errors/FORBIDDEN",
        "requestId": known_as,
    }
    assert malformed["extensions"] == {
        "code": "BAD_REQUEST",
        "docUrl": "/errors/BAD_REQUEST",
        "requestId": known_as,
    }
