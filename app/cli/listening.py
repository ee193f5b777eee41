"""`orderpulse listen`: a server's order events, forwarded live to an address of your own as signed webhooks.

The format is that of Standard Webhooks: headers webhook-id, webhook-timestamp and webhook-signature. The library of
that name brings ten packages for the one HMAC below, so that it isn't used.
Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, 2026-11.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import time
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx2
from rich.text import Text

from app.cli.moments import clock
from app.cli.output import CommandError, Output
from app.error_catalog import ExitCode
from app.tls import trusted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from app.cli.remote import Remote

FORWARD_SECONDS_MAX: Final = 10.0
SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what secrets begin with
SECRET_BYTES: Final = 32
_EVENTS: Final = """
subscription ($after: Cursor) { allOrderEvents(after: $after) {
  cursor orderId version type source status paymentStatus fulfillmentStatus paymentId
  amount { amount currency minorUnits } message occurredAt
  order { id number version status paymentStatus total { amount currency } paid { amount currency } } } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What the command line says. `forward_to` None only prints; `after` is a cursor to go on behind."""

    forward_to: str | None
    types: Sequence[str]
    after: str | None
    secret: str


def local_secret(folder: Path) -> str:
    """Return the secret that this machine signs with; made on first use, the same ever after."""
    path = folder / "listen-secret"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    with contextlib.suppress(FileExistsError):
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123 - needs the mode
            file.write(made)
        return made
    return path.read_text().strip()


def signed(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return a webhook's headers."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    content = f"{message_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def check_secret(secret: str) -> str:
    """Return a secret that can be signed with.

    Raises:
        CommandError: it is none.
    """
    try:
        if secret.startswith(SECRET_PREFIX) and base64.b64decode(
            secret.removeprefix(SECRET_PREFIX), validate=True
        ):
            return secret
    except ValueError:
        pass
    raise CommandError(
        "This is no secret of Standard Webhooks.",
        ExitCode.USAGE,
        f"It is {SECRET_PREFIX} and bytes in base64.",
    )


def type_of(event: Mapping[str, Any]) -> str:
    """Return the name of an event as webhooks have it: `payment.succeeded`."""
    subject, _, deed = str(event["type"]).lower().partition("_")
    return f"{subject}.{deed}"


def payload_of(event: Mapping[str, Any]) -> bytes:
    """Return a webhook's body."""
    return json.dumps({"type": type_of(event), "timestamp": event["occurredAt"], "data": event}).encode()


async def run_listen(remote: Remote, output: Output, asked: Listening) -> ExitCode:
    """Forward events until Ctrl-C; each is sent once, in the order of their commits."""
    where = f" → {asked.forward_to}" if asked.forward_to else ""
    output.aside(f"Listening to {remote.place.url}{where} (Ctrl-C stops).")
    if asked.forward_to:
        output.aside(f"They are signed with: {asked.secret}")
    counts: Counter[str] = Counter()
    last = asked.after
    start = {"after": asked.after} if asked.after else {}
    stream = remote.follow(
        _EVENTS,
        start,
        lambda item: str(item["allOrderEvents"]["cursor"]),
        lambda why, seconds: output.aside(f"Lost: {why}. Trying again in {seconds:g} s."),
    )
    async with (
        httpx2.AsyncClient(timeout=FORWARD_SECONDS_MAX, trust_env=False, verify=trusted()) as client,
        aclosing(stream) as items,
    ):
        try:
            async for item in items:
                event = item["allOrderEvents"]
                if not asked.types or type_of(event) in asked.types:
                    answer = await _forward(client, asked, event) if asked.forward_to else None
                    counts["failed" if answer and not answer["ok"] else "sent"] += 1
                    output.line(
                        {"type": type_of(event), "event": event, "answer": answer}, _line(event, answer)
                    )
                last = event["cursor"]
        finally:
            if last:
                output.aside(
                    f"{counts['sent']} passed on, {counts['failed']} failed. Go on with: --after {last}"
                )
    return ExitCode.OK


async def _forward(client: httpx2.AsyncClient, asked: Listening, event: Mapping[str, Any]) -> dict[str, Any]:
    body = payload_of(event)
    # The same event has the same id whenever it is sent, so that receivers can tell a repetition.
    headers = signed(asked.secret, f"msg_{event['orderId']}_{event['version']}", int(time.time()), body)
    started = time.monotonic()
    status, error = None, None
    try:
        status = (await client.post(str(asked.forward_to), content=body, headers=headers)).status_code
    except httpx2.HTTPError as problem:
        error = str(problem) or type(problem).__name__
    ok = status is not None and 200 <= status < 300  # noqa: PLR2004 - HTTP's range of successes
    return {"ok": ok, "status": status, "error": error, "ms": round((time.monotonic() - started) * 1000)}


def _line(event: Mapping[str, Any], answer: Mapping[str, Any] | None) -> Text:
    line = Text(f"{clock(event['occurredAt'])}  ")
    line.append(f"{type_of(event):26}", style="cyan")
    line.append(f" {event['order']['number']} v{event['version']}  {event['paymentStatus']}")
    if answer is None:
        return line
    said = str(answer["status"]) if answer["status"] else f"no answer: {answer['error']}"
    return line.append(f"  [{said}]", style="green" if answer["ok"] else "red").append(
        f" {answer['ms']} ms", style="dim"
    )
