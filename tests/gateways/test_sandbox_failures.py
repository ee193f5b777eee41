"""What it means when a call to the sandbox fails: certainly nothing, certainly refused, or unknown."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from app.gateways import GatewayError, GatewayErrorKind
from app.gateways.sandbox import SandboxGateway, SandboxSettings, build
from tests.gateways.sandbox_requests import CREATE, CREATE_MANUAL, PAYMENT_ID, capture_of, handle, refund_of
from tests.simulators.sandbox_world import SECRET_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.simulators.sandbox_world import Sandbox

UNKNOWN, UNAVAILABLE = GatewayErrorKind.UNKNOWN, GatewayErrorKind.UNAVAILABLE
REJECTED, DECLINED = GatewayErrorKind.REJECTED, GatewayErrorKind.DECLINED


@asynccontextmanager
async def gateway_at(
    url: str, secret_key: str = SECRET_KEY, timeout_seconds: float = 5
) -> AsyncIterator[SandboxGateway]:
    gateway = build(
        SandboxSettings(
            api_base=url, secret_key=secret_key, webhook_secrets=(), timeout_seconds=timeout_seconds
        )
    )
    try:
        yield gateway
    finally:
        await gateway.aclose()


@asynccontextmanager
async def answering(answer: bytes, *, then_wait: bool = False) -> AsyncIterator[str]:
    """Serve a gateway that reads a request's head, sends these bytes and hangs up, or waits."""

    async def handle_call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if then_wait:
            await reader.read()
            await reader.read()
        writer.close()

    server = await asyncio.start_server(handle_call, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def http(status: str, body: bytes = b"", headers: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


async def failure_of(gateway: SandboxGateway) -> GatewayError:
    with pytest.raises(GatewayError) as failure:
        await gateway.create(CREATE)
    return failure.value


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (b"", UNKNOWN, "RemoteProtocolError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", UNKNOWN, "RemoteProtocolError"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", UNKNOWN, "RemoteProtocolError"),
        (http("200 OK", b"<html>"), UNKNOWN, ""),
        (http("200 OK", b"{}"), UNKNOWN, ""),
        (http("200 OK", b"[" * 100_000), UNKNOWN, ""),
        (http("302 Found", headers="Location: http://127.0.0.1:1/\r\n"), UNKNOWN, "http_302"),
        (http("400 Bad Request", b"<html>"), REJECTED, "http_400"),
        (http("408 Request Timeout"), UNKNOWN, "http_408"),
        (http("499 Odd"), REJECTED, "http_499"),
        (http("500 Oops", b'{"error": 5}'), UNKNOWN, "http_500"),
        (http("502 Bad Gateway"), UNKNOWN, "http_502"),
        (http("503 Busy"), UNKNOWN, "http_503"),
    ],
)
async def test_an_answer_that_cannot_be_trusted_is_unknown_and_a_refusal_is_one(
    answer: bytes, kind: GatewayErrorKind, code: str
) -> None:
    async with answering(answer) as url, gateway_at(url) as gateway:
        failure = await failure_of(gateway)

    assert (failure.kind, failure.code) == (kind, code)


@pytest.mark.parametrize(
    ("status", "headers", "kind", "seconds"),
    [
        ("503 Busy", "Retry-After: 7\r\n", UNAVAILABLE, 7.0),
        ("503 Busy", "Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", UNAVAILABLE, None),
        ("429 Slow Down", "", UNAVAILABLE, None),
        ("429 Slow Down", "Retry-After: 2\r\n", UNAVAILABLE, 2.0),
    ],
)
async def test_a_gateway_that_is_busy_says_when_to_come_again(
    status: str, headers: str, kind: GatewayErrorKind, seconds: float | None
) -> None:
    async with answering(http(status, headers=headers)) as url, gateway_at(url) as gateway:
        failure = await failure_of(gateway)

    assert (failure.kind, failure.retry_after_seconds) == (kind, seconds)


async def test_nobody_there_is_unavailable() -> None:
    async with gateway_at("http://127.0.0.1:1") as gateway:
        failure = await failure_of(gateway)

    assert (failure.kind, failure.code) == (UNAVAILABLE, "ConnectError")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"])
async def test_silence_is_unknown(answer: bytes) -> None:
    async with answering(answer, then_wait=True) as url, gateway_at(url, timeout_seconds=0.2) as gateway:
        failure = await failure_of(gateway)

    assert failure.kind is UNKNOWN


async def test_an_endless_answer_is_cut_off() -> None:
    body = b" " * (17 * 1024 * 1024)

    async with answering(http("200 OK", body)) as url, gateway_at(url) as gateway:
        failure = await failure_of(gateway)

    assert (failure.kind, failure.message) == (UNKNOWN, "The sandbox's answer is too long.")


async def test_a_wrong_secret_key_is_rejected_and_not_shown(sandbox: Sandbox) -> None:
    async with gateway_at(sandbox.url, secret_key="sbx_sk_wrong") as gateway:
        failure = await failure_of(gateway)

    assert (failure.kind, failure.code) == (REJECTED, "secret_key_invalid")
    assert "sbx_sk_wrong" not in f"{failure!r} {failure.message}"


@pytest.mark.parametrize("answer", ["hang_after", "garbage_after"])
async def test_a_charge_with_an_unknown_outcome_is_made_once(
    sandbox: Sandbox, sandbox_gateway: SandboxGateway, answer: str
) -> None:
    opened = await sandbox_gateway.create(CREATE_MANUAL)
    await sandbox.pay({"id": opened.reference})
    await sandbox.chaos(api_fail={"capture": {"answer": answer, "times": 1}})

    async with gateway_at(sandbox.url, timeout_seconds=0.3) as hasty:
        with pytest.raises(GatewayError) as failure:
            await hasty.capture(capture_of(opened.reference, 20000))
        repeated = await hasty.capture(capture_of(opened.reference, 20000))

    assert failure.value.kind is UNKNOWN
    assert repeated == await sandbox_gateway.fetch(handle(opened.reference))
    assert (await sandbox.truth())["totals"]["INR"] == {"captured": 20000, "refunded": 0, "held": 0}


async def test_a_payment_with_an_unknown_outcome_is_opened_once_and_found(sandbox: Sandbox) -> None:
    await sandbox.chaos(api_fail={"create_payment": {"answer": "hang_after", "times": 1}})

    async with gateway_at(sandbox.url, timeout_seconds=0.3) as gateway:
        failure = await failure_of(gateway)
        found = await gateway.fetch(handle(None))
        repeated = await gateway.create(CREATE)

    assert failure.kind is UNKNOWN
    assert repeated == found
    assert (await sandbox.get("/v1/payments", metadata_payment_id=str(PAYMENT_ID)))["data"].__len__() == 1


async def test_a_key_that_is_being_worked_on_is_unknown(
    sandbox: Sandbox, sandbox_gateway: SandboxGateway
) -> None:
    await sandbox.chaos(api_latency_ms=300)

    answers = await asyncio.gather(
        *(sandbox_gateway.create(CREATE) for _ in range(5)), return_exceptions=True
    )

    failures = [answer for answer in answers if isinstance(answer, GatewayError)]
    assert [(failure.kind, failure.code) for failure in failures] == [(UNKNOWN, "idempotency_key_in_use")] * 4


async def test_another_use_of_a_key_is_rejected(sandbox: Sandbox, sandbox_gateway: SandboxGateway) -> None:
    opened = await sandbox_gateway.create(CREATE_MANUAL)
    await sandbox.pay({"id": opened.reference})
    await sandbox_gateway.capture(capture_of(opened.reference, 20000))

    with pytest.raises(GatewayError) as failure:
        await sandbox_gateway.capture(capture_of(opened.reference, 20001))

    assert (failure.value.kind, failure.value.code) == (REJECTED, "idempotency_key_reused")


async def test_refunding_too_much_is_rejected_and_moves_nothing(
    sandbox: Sandbox, sandbox_gateway: SandboxGateway
) -> None:
    opened = await sandbox_gateway.create(CREATE)
    await sandbox.pay({"id": opened.reference})

    with pytest.raises(GatewayError) as failure:
        await sandbox_gateway.refund(refund_of(opened.reference, 49901))

    assert (failure.value.kind, failure.value.code) == (REJECTED, "amount_too_large")
    assert (await sandbox.truth())["totals"]["INR"]["refunded"] == 0


async def test_a_declined_card_carries_why_and_the_facts() -> None:
    body = b'{"error":{"type":"card_error","code":"card_declined","decline_code":"lost","message":"No.","param":null}}'

    async with answering(http("402 Payment Required", body)) as url, gateway_at(url) as gateway:
        failure = await failure_of(gateway)

    assert (failure.kind, failure.code) == (DECLINED, "card_declined")
    assert failure.failure is not None
    assert (failure.failure.code, failure.failure.decline_code, failure.failure.retryable) == (
        "card_declined",
        "lost",
        True,
    )
