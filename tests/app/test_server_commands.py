"""The commands that talk to a server, on a real one: what they print, and what they end with."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
import websockets
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from app.cli import deliveries, orders
from app.cli.auditing import audit_newest
from app.cli.keys import local_keys
from app.cli.listening import Listening, run_listen, signed
from app.cli.moments import read_moment
from app.cli.output import CommandError, Format, Output
from app.cli.remote import Place, Remote, place_of
from app.cli.running import Running, announced, running_in
from app.cli.simulating import Simulated
from app.cli.traffic import background, read_rate
from app.cli.triggering import EVENTS, Triggering, run_trigger
from app.error_catalog import ExitCode
from app.settings import isolated_settings
from app.simulators.kit.client import ControlClient
from tests.app.backroom import open_backroom
from tests.schema.shop import PROTOCOL, SANDBOX_KEY, STAFF, Shop, open_shop
from tests.web.serving import eventually, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from starlette.requests import Request
    from websockets.asyncio.server import ServerConnection

    from db.pool import Database

KEY: Final = b"0123456789abcdef01234567"
SECRET: Final = f"whsec_{base64.b64encode(KEY).decode()}"
DEADLINE_SECONDS: Final = 15.0
POLL_SECONDS: Final = 0.02


@pytest.fixture
async def shop(database: Database) -> AsyncIterator[Shop]:
    async with open_shop(database) as opened:
        yield opened


@pytest.fixture
async def remote(shop: Shop) -> AsyncIterator[Remote]:
    async with Remote(Place(url=f"http://127.0.0.1:{shop.port}", key=STAFF)) as opened:
        yield opened


def control(shop: Shop) -> ControlClient:
    return ControlClient(str(shop.sandbox.base_url), SANDBOX_KEY)


def asked(event: str, *overrides: str) -> Triggering:
    return Triggering(event=event, gateway="sandbox", overrides=overrides, wait_seconds=DEADLINE_SECONDS)


async def triggered(
    shop: Shop, remote: Remote, capsys: pytest.CaptureFixture[str], event: str, *overrides: str
) -> dict[str, Any]:
    """Trigger an event and return what the command printed."""
    code = await run_trigger(remote, control(shop), Output(Format.JSON), asked(event, *overrides))
    assert code == ExitCode.OK
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


async def test_whatever_is_triggered_shows_in_its_order(
    shop: Shop, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    # Refunds are asked for by a worker.
    events = [name for name in EVENTS if not name.startswith("refund.")]

    printed = {event: await triggered(shop, remote, capsys, event) for event in events}

    sources = {
        event: {each["type"]: each["source"] for each in one["order"]["events"]}
        for event, one in printed.items()
    }
    assert [event for event in events if EVENTS[event][0] not in sources[event]] == []
    assert sources["payment.captured"]["PAYMENT_SUCCEEDED"] == "WEBHOOK"
    assert sources["payment.failed"]["PAYMENT_FAILED"] == "WEBHOOK"
    assert sources["dispute.lost"]["DISPUTE_LOST"] == "WEBHOOK"


async def test_overrides_are_what_the_order_is_made_of(
    shop: Shop, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = await triggered(shop, remote, capsys, "payment.captured", "amount=12.50", "currency=EUR")
    again = asked("payment.failed", f"order={printed['order']['id']}")

    order = (
        await remote.ask(
            "query($id: ID!) { order(id: $id) { total { amount currency } } }", {"id": printed["order"]["id"]}
        )
    )["order"]
    assert order == {"total": {"amount": "12.50", "currency": "EUR"}}
    with pytest.raises(CommandError) as paid:
        await run_trigger(remote, control(shop), Output(Format.JSON), again)
    assert (paid.value.code, str(paid.value)) == (
        ExitCode.REFUSED,
        "ALREADY_PAID: Nothing is left to pay on this order.",
    )
    with pytest.raises(CommandError) as unknown:
        await run_trigger(remote, control(shop), Output(Format.JSON), asked("payment.captured", "colour=red"))
    assert unknown.value.code == ExitCode.USAGE


async def test_this_machine_is_asked_without_the_proxy_that_leads_out(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "WS_PROXY"):
        for spelled in (name, name.lower()):
            monkeypatch.setenv(spelled, "http://127.0.0.1:9")

    async with Remote(Place(url=f"http://localhost:{shop.port}", key=STAFF)) as remote:
        order_id = (await triggered(shop, remote, capsys, "payment.captured"))["order"]["id"]
        watch = asyncio.create_task(orders.run_watch(remote, Output(Format.JSON), order_id))
        await triggered_beside(shop, order_id)
        lines = await lines_until(capsys, lambda line: line["type"] == "DISPUTE_OPENED")
        await ended(watch)

    assert [line["version"] for line in lines] == list(range(1, len(lines) + 1))


async def test_what_does_not_show_in_time_has_an_exit_code_of_its_own(shop: Shop, remote: Remote) -> None:
    async with control(shop) as bank:
        await bank.set_chaos(drop=1.0)
    hasty = Triggering(event="payment.captured", gateway="sandbox", overrides=(), wait_seconds=1.0)

    with pytest.raises(CommandError) as late:
        await run_trigger(remote, control(shop), Output(Format.JSON), hasty)

    assert late.value.code == ExitCode.NO_OUTCOME
    assert "PAYMENT_SUCCEEDED" in str(late.value)


async def test_a_delivery_that_failed_is_listed_shown_and_tried_again(
    shop: Shop, remote: Remote, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    paid = await triggered(shop, remote, capsys, "payment.captured")
    await unapplied(database)
    failed = deliveries.Wanted(states=["FAILED"], order=paid["order"]["number"], since=read_moment("5m"))

    await deliveries.run_list(remote, Output(Format.JSON), failed, follow=False)
    (listed,) = json.loads(capsys.readouterr().out)["events"]
    await deliveries.run_show(remote, Output(Format.TEXT), listed["id"])
    shown = capsys.readouterr().out
    replaying = deliveries.Replaying(ids=[], wanted=failed, dry_run=False, wait_seconds=DEADLINE_SECONDS)
    async with open_backroom(database) as backroom:
        replay = asyncio.create_task(deliveries.run_replay(remote, Output(Format.JSON), replaying))
        while not replay.done():
            await backroom.work()
            await asyncio.sleep(POLL_SECONDS)
    (done,) = json.loads(capsys.readouterr().out)["replayed"]

    assert listed["payment"]["id"] == paid["paymentId"]
    assert f"orderpulse events replay {listed['id']}" in shown
    assert '"type": "payment.succeeded"' in shown
    assert (await replay, done["outcome"], done["status"]) == (ExitCode.OK, "applied", "APPLIED")


async def unapplied(database: Database) -> None:
    """Have the delivery of the payment's success look as if nobody could have read it."""
    applied = "SELECT 1 FROM inbox_events WHERE type = 'payment.succeeded' AND status = 'APPLIED'"
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not await database.fetch(applied):  # noqa: ASYNC110 - rows raise no event
            await asyncio.sleep(POLL_SECONDS)
    await database.fetch(
        "UPDATE inbox_events SET status = 'FAILED', error = 'unreadable', applied_at = NULL"
        " WHERE type = 'payment.succeeded'"
    )


async def test_what_is_applied_is_not_tried_again(
    shop: Shop, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    await triggered(shop, remote, capsys, "payment.captured")
    wanted = deliveries.Wanted(states=["APPLIED"], most=1)
    replaying = deliveries.Replaying(ids=[], wanted=wanted, dry_run=False, wait_seconds=0)

    code = await deliveries.run_replay(remote, Output(Format.JSON), replaying)

    (done,) = json.loads(capsys.readouterr().out)["replayed"]
    assert (code, done["error"]["code"]) == (ExitCode.REFUSED, "INVALID_STATE")


async def test_orders_are_listed_shown_and_watched(
    shop: Shop, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    paid = await triggered(shop, remote, capsys, "payment.captured")
    order_id, number = paid["order"]["id"], paid["order"]["number"]

    await orders.run_list(remote, Output(Format.JSON), orders.Wanted(payment_states=["PAID"]))
    listed = json.loads(capsys.readouterr().out)["orders"]
    await orders.run_show(remote, Output(Format.TEXT), number)
    shown = capsys.readouterr().out
    watch = asyncio.create_task(orders.run_watch(remote, Output(Format.JSON), order_id))
    await triggered_beside(shop, order_id)
    lines = await lines_until(capsys, lambda line: line["type"] == "DISPUTE_OPENED")
    await ended(watch)

    assert [order["id"] for order in listed] == [order_id]
    assert (number in shown, "PAYMENT_SUCCEEDED" in shown) == (True, True)
    assert [line["version"] for line in lines] == list(range(1, len(lines) + 1))


async def triggered_beside(shop: Shop, order_id: str) -> None:
    """Have the shopper of a paid order dispute."""
    query = "query($id: ID!) { order(id: $id) { payments { reference } } }"
    payment = (await shop.run(query, {"id": order_id}, key=STAFF))["order"]["payments"][0]
    async with control(shop) as bank:
        await bank.dispute(payment["reference"])


async def lines_until(capsys: pytest.CaptureFixture[str], last: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - a predicate
    """Return the lines of JSON that are printed, up to the one that is waited for."""
    lines: list[dict[str, Any]] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not any(last(line) for line in lines):
            lines += [json.loads(line) for line in capsys.readouterr().out.splitlines()]
            await asyncio.sleep(POLL_SECONDS)
    return lines


@asynccontextmanager
async def receiver(got: list[tuple[dict[str, str], bytes]], status: int = 204) -> AsyncIterator[str]:
    async def take(request: Request) -> Response:
        got.append((dict(request.headers), await request.body()))
        return Response(status_code=status)

    async with served(Starlette(routes=[Route("/hook", take, methods=["POST"])])) as url:
        yield f"{url}/hook"


async def test_events_are_forwarded_signed_and_go_on_behind_a_cursor(
    shop: Shop, remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    got: list[tuple[dict[str, str], bytes]] = []
    async with receiver(got) as url:
        first = asyncio.create_task(run_listen(remote, Output(Format.JSON), listening(url)))
        begun = await first_heard(remote, capsys)
        order = {"order": begun["event"]["orderId"]}
        await run_trigger(
            remote, control(shop), Output(), asked("payment.captured", f"order={order['order']}")
        )
        await eventually(lambda: bool(paid_of(got)))
        await ended(first)
        before = list(got)
        got.clear()
        again = asyncio.create_task(
            run_listen(remote, Output(Format.JSON), listening(url, begun["event"]["cursor"]))
        )
        await eventually(lambda: bool(paid_of(got)))
        await ended(again)

    ((headers, body),) = paid_of(before)
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(KEY, message, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert begun["answer"]["status"] == 204
    ((headers_again, body_again),) = paid_of(got)
    assert (headers_again["webhook-id"], body_again) == (headers["webhook-id"], body)


def paid_of(got: list[tuple[dict[str, str], bytes]]) -> list[tuple[dict[str, str], bytes]]:
    return [(headers, body) for headers, body in got if json.loads(body)["type"] == "payment.succeeded"]


def listening(url: str | None, after: str | None = None) -> Listening:
    types = ["order.created", "payment.succeeded"]
    return Listening(forward_to=url, types=types, after=after, secret=SECRET)


async def first_heard(remote: Remote, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Make orders until one is heard of: a stream tells of what comes after it has begun."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            await run_trigger(
                remote, ControlClient("http://127.0.0.1:9", ""), Output(), asked("order.created")
            )
            for line in capsys.readouterr().out.splitlines():
                if line.startswith("{"):
                    heard: dict[str, Any] = json.loads(line)
                    return heard
            await asyncio.sleep(POLL_SECONDS)


async def ended(task: asyncio.Task[ExitCode]) -> None:
    """End a command as Ctrl-C does."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_address_that_answers_nothing_is_shown_and_stops_nothing(
    remote: Remote, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = asyncio.create_task(
        run_listen(remote, Output(Format.JSON), listening("http://127.0.0.1:9/hook"))
    )

    heard = await first_heard(remote, capsys)
    still_runs = not nowhere.done()
    await ended(nowhere)

    assert still_runs
    assert (heard["answer"]["ok"], heard["answer"]["status"]) == (False, None)
    assert "0 passed on, " in capsys.readouterr().err


def test_a_signature_is_that_of_the_standards_own_example() -> None:
    headers = signed(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
    )

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_lost_connection_goes_on_behind_the_last_cursor() -> None:
    asked_after: list[str | None] = []
    told: list[str] = []

    async def serve(socket: ServerConnection) -> None:
        await socket.recv()
        await socket.send(json.dumps({"type": "connection_ack"}))
        asked_after.append(json.loads(await socket.recv())["payload"]["variables"].get("after"))
        event = {"cursor": f"c{len(asked_after)}"}
        await socket.send(json.dumps({"type": "next", "id": "1", "payload": {"data": {"e": event}}}))
        await socket.close(1012)

    async with websockets.serve(serve, "127.0.0.1", 0, subprotocols=[PROTOCOL]) as server:
        port = server.sockets[0].getsockname()[1]
        async with Remote(Place(url=f"http://127.0.0.1:{port}")) as client:
            stream = client.follow(
                "subscription { e }", {}, lambda item: item["e"]["cursor"], lambda why, _: told.append(why)
            )
            got = [(await anext(stream))["e"]["cursor"] for _ in range(2)]
            await stream.aclose()

    assert got == ["c1", "c2"]
    assert asked_after == [None, "c1"]
    assert told == ["the connection was closed (1012)"]


async def test_errors_say_what_to_do_and_have_codes_of_their_own(shop: Shop) -> None:
    url = f"http://127.0.0.1:{shop.port}"

    ends = [
        await end(Place(url="http://127.0.0.1:9", key=STAFF), "ord_1"),
        await end(Place(url=str(shop.sandbox.base_url), key=STAFF), "ord_1"),
        await end(Place(url=url, key="opk_wrong"), "ord_1"),
        await end(Place(url=url, key=STAFF), "ord_1"),
    ]

    assert [error.code for error in ends] == [
        ExitCode.UNREACHABLE,
        ExitCode.UNREACHABLE,
        ExitCode.NO_ACCESS,
        ExitCode.NOT_FOUND,
    ]
    assert [error.to_do.split(":")[0] for error in ends] == [
        "Start one by `orderpulse demo`, or name it",
        "Start one by `orderpulse demo`, or name it",
        "Name a staff key or API key",
        "List them",
    ]


async def end(place: Place, order: str) -> CommandError:
    """Show an order, and return what that ends with."""
    async with Remote(place) as client:
        with pytest.raises(CommandError) as ended_with:
            await orders.run_show(client, Output(), order)
    return ended_with.value


def test_this_machines_keys_go_to_no_other(tmp_path: Path) -> None:
    own = local_keys(tmp_path).staff_key
    settings = isolated_settings(data_dir=tmp_path, port=8123)
    abroad = isolated_settings(data_dir=tmp_path, url="https://shop.example/")
    running = Running(pid=os.getpid(), url="http://127.0.0.1:8456")

    at_rest = place_of(settings, None, None)
    with announced(tmp_path, running):
        found = place_of(settings, None, None)
    left = running_in(tmp_path)

    assert at_rest == Place(url="http://127.0.0.1:8123", key=own)
    assert found == Place(url="http://127.0.0.1:8456", key=own)
    assert left is None
    assert place_of(abroad, None, None) == Place(url="https://shop.example", key=None)
    assert place_of(abroad, None, "opk_given") == Place(url="https://shop.example", key="opk_given")


def test_a_server_whose_data_folder_can_not_be_written_serves_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = tmp_path / "file" / "folder"

    with announced(nowhere, Running(pid=os.getpid(), url="http://127.0.0.1:8000")):
        assert running_in(nowhere) is None


def test_a_server_makes_its_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    running = Running(pid=os.getpid(), url="http://127.0.0.1:8000")

    with announced(folder, running):
        assert running_in(folder) == running
    assert running_in(folder) is None


async def test_shoppers_come_while_gateways_misbehave_and_all_adds_up(shop: Shop, database: Database) -> None:
    async with control(shop) as bank:
        sandbox = Simulated("sandbox", str(shop.sandbox.base_url), {}, bank)
        url = f"http://127.0.0.1:{shop.port}"
        async with background(url, STAFF, [sandbox], traffic=25.0, chaos=True):
            async with asyncio.timeout(DEADLINE_SECONDS):
                while len(await database.fetch("SELECT 1 FROM orders WHERE paid_minor > 0")) < 5:  # noqa: ASYNC110 - rows raise no event
                    await asyncio.sleep(POLL_SECONDS)
    rows, violations, whole = await audit_newest(database, 500, DEADLINE_SECONDS)

    assert rows > 0
    assert (violations, whole) == (0, True)


@pytest.mark.parametrize(("text", "rate"), [("5/s", 5.0), ("30/m", 0.5), ("2", 2.0), ("0.5/s", 0.5)])
def test_a_rate_is_read(text: str, rate: float) -> None:
    assert read_rate(text) == rate


@pytest.mark.parametrize("text", ["0", "-1", "51/s", "5/h", "many", ""])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(CommandError) as refused:
        read_rate(text)

    assert refused.value.code == ExitCode.USAGE
