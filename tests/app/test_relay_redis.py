"""What is Redis's own: how it is reached, and how connections end there."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
from broadcaster import Broadcast
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.cli.doctor import _broker
from app.relay import RESYNC, LineBackend, RedisLine, Relay, RelayLimits
from app.settings import isolated_settings
from tests.app.live_fixtures.exchange import Listener
from tests.app.live_fixtures.following import soon, until
from tests.app.live_fixtures.orders import change
from tests.app.redis_server import running
from tests.system.processes import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from tests.app.redis_server import Redis

pytest_plugins = ["tests.app.scratch_redis"]

PASSWORD: Final = "canary-of-the-redis-password"
QUICK: Final = RelayLimits(echo_seconds=0.05, silence_seconds_max=0.5, retry_seconds_max=0.1)


async def command(server: Redis, *words: str) -> object:
    """Say something to Redis, and return its answer."""
    line = await RedisLine.open(server.url)
    await line._connection.send_command(*words)
    answer = await line._connection.read_response()
    line.cut()
    return answer


def backend_on(url: str) -> LineBackend:
    return LineBackend(partial(RedisLine.open, url), namespace=f"t{uuid4().hex[:12]}")


async def test_a_listener_that_redis_turns_out_is_told_and_listens_again(scratch_redis: Redis) -> None:
    backend = backend_on(scratch_redis.url)

    async with Broadcast(backend=backend) as broadcast, broadcast.subscribe("news") as subscriber:
        received = [(await soon(subscriber.get())).message]
        for number in range(3):
            assert await command(scratch_redis, "CLIENT", "KILL", "TYPE", "pubsub") == 1
            received.append((await soon(subscriber.get())).message)
            await broadcast.publish("news", str(number))
            received.append((await soon(subscriber.get())).message)

    assert received == [RESYNC, RESYNC, "0", RESYNC, "1", RESYNC, "2"]


async def test_after_a_redis_that_was_killed_everybody_is_told_that_hints_may_be_missing() -> None:
    there, order_id = Listener(), uuid4()
    async with running() as server:
        here, elsewhere = backend_on(server.url), backend_on(server.url)
        vars(elsewhere)["_line_channel"] = here._line_channel
        async with (
            Relay(here, Listener(), namespace="shop", limits=QUICK) as a,
            Relay(elsewhere, there, namespace="shop", limits=QUICK) as b,
        ):
            await until(lambda: a.connected and b.connected)
            await server.kill()
            await until(lambda: not a.connected and not b.connected)
            resyncs = there.resyncs
            await server.start()
            await until(lambda: a.connected and b.connected and there.resyncs > resyncs)
            a.announce([change(order_id, 2)])
            await until(lambda: there.hints == [(order_id, 2)])


async def test_a_line_without_subscribers_is_pinged_too(scratch_redis: Redis) -> None:
    line = await RedisLine.open(scratch_redis.url)

    await soon(line.ping())
    line.cut()


async def test_a_ping_of_a_connection_that_ended_says_so(scratch_redis: Redis) -> None:
    line, lost = await RedisLine.open(scratch_redis.url), asyncio.Event()
    line.on_lost(lost.set)
    await line.listen("news", lambda _: None)

    await command(scratch_redis, "CLIENT", "KILL", "TYPE", "pubsub")
    await soon(lost.wait())

    with pytest.raises(ConnectionError):
        await soon(line.ping())
    line.cut()


async def test_a_user_who_may_not_listen_is_told_why(scratch_redis: Redis) -> None:
    rights = ("reset", "on", f">{PASSWORD}", "resetchannels", "-@all", "+subscribe", "+publish", "+ping")
    assert await command(scratch_redis, "ACL", "SETUSER", "shop", *rights) == "OK"
    url = f"unix://shop:{PASSWORD}@{scratch_redis.socket}"

    line = await RedisLine.open(url)
    with pytest.raises(ConnectionError, match="channel"):
        await soon(line.listen("shop_hints", lambda _: None))
    line.cut()
    assert await command(scratch_redis, "ACL", "SETUSER", "shop", "&shop_hints") == "OK"
    line, heard = await RedisLine.open(url), asyncio.Event()
    await soon(line.listen("shop_hints", lambda _: heard.set()))
    sender = await RedisLine.open(url)
    await sender.notify("shop_hints", ["hello"])
    await soon(heard.wait())
    await soon(line.ping())
    line.cut()
    sender.cut()


async def test_what_is_no_text_harms_nobody(scratch_redis: Redis) -> None:
    backend = backend_on(scratch_redis.url)

    async with Broadcast(backend=backend) as broadcast, broadcast.subscribe("news") as subscriber:
        assert (await soon(subscriber.get())).message == RESYNC
        line = await RedisLine.open(scratch_redis.url)
        payloads = (b"\xff\xfe", b"", b"news\n\xff", b"news\nhello")
        commands = [("PUBLISH", backend._line_channel, payload) for payload in payloads]
        await line._connection.send_packed_command(line._connection.pack_commands(commands))
        received = [(await soon(subscriber.get())).message for _ in range(2)]
        line.cut()

    assert received == ["�", "hello"]


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate for this machine, that vouches for itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "redis.test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    certificate_path, key_path = folder / "redis.crt", folder / "redis.key"
    certificate_path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate_path, key_path


async def test_tls_and_a_password_are_taken_from_the_url(
    scratch_redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert await command(scratch_redis, "PING") == "PONG"  # one that lets everybody in
    certificate_path, key_path = certificate(tmp_path)
    port = free_port()
    options = {
        "requirepass": PASSWORD,
        "tls-port": str(port),
        "tls-cert-file": str(certificate_path),
        "tls-key-file": str(key_path),
        "tls-auth-clients": "no",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    async with running(*words):
        trusting = f"127.0.0.1:{port}/0?ssl_ca_certs={certificate_path}"
        backend = backend_on(f"rediss://:{PASSWORD}@{trusting}")
        async with Broadcast(backend=backend) as broadcast, broadcast.subscribe("news") as subscriber:
            assert (await soon(subscriber.get())).message == RESYNC
            await broadcast.publish("news", "hello")
            received = (await soon(subscriber.get())).message

        with pytest.raises(ConnectionError, match="invalid username-password"):
            await RedisLine.open(f"rediss://:wrong-{PASSWORD}@{trusting}")
        with pytest.raises(ConnectionError, match="certificate"):
            await RedisLine.open(f"rediss://:{PASSWORD}@127.0.0.1:{port}/0")
        wrong = backend_on(f"rediss://:wrong-{PASSWORD}@{trusting}")
        await wrong.connect()
        await until(lambda: caplog.records)
        await wrong.disconnect()

    assert received == "hello"
    assert PASSWORD not in "".join(str(vars(record)) for record in caplog.records)


async def test_nothing_at_the_address_is_an_error_that_keeps_the_password() -> None:
    with pytest.raises(ConnectionError, match="connect") as refused:
        await RedisLine.open(f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0")

    assert PASSWORD not in str(refused.value)


async def test_the_doctor_says_whether_redis_answers_and_keeps_the_password(scratch_redis: Redis) -> None:
    away = f"redis://:{PASSWORD}@127.0.0.1:{free_port()}/0"

    found = [
        [finding async for finding in _broker(isolated_settings(broker_url=url))]
        for url in (scratch_redis.url, away, "memory://", None)
    ]
    (answers,), (silent,), *rest = found

    assert (answers.detail, answers.wrong, answers.advice) == ("Redis answers", False, None)
    assert (silent.detail, silent.wrong) == ("Redis does not answer", True)
    assert "Error 111 connecting to 127.0.0.1" in str(silent.advice)
    assert PASSWORD not in str(silent.advice)
    assert rest == [[], []]
