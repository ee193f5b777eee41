"""`orderpulse doctor`: everything that has to be right, checked one by one."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from rich.text import Text

from app.cli.databases import open_database
from app.cli.ports import PortTakenError, listen
from app.relay import RedisLine
from app.settings import Mode
from db import jobs
from db.embedded import EmbeddedDatabaseError
from db.health import examine
from db.migrate import is_behind
from db.pool import Database, DatabaseUnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from app.cli.output import Output
    from app.settings import Settings

SKEW_SECONDS_MAX: Final = 5.0
OVERDUE_SECONDS_MAX: Final = 300.0
BROKER_SECONDS_MAX: Final = 5.0
DISK_BYTES_MIN: Final = 500 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `advice` says what to do when it isn't right."""

    name: str
    detail: str
    advice: str | None = None
    wrong: bool = False


async def run_doctor(settings: Settings, output: Output) -> int:
    """Print what was found; 1 when something is wrong."""
    findings = [*_machine(settings), *_gateways(settings)]
    findings += [finding async for finding in _database(settings)]
    findings += [finding async for finding in _broker(settings)]
    wrong = sum(finding.wrong for finding in findings)
    said = "Everything is in order." if not wrong else f"{wrong} to mend."
    content = {"findings": [asdict(finding) for finding in findings], "wrong": wrong}
    output.document(content, *(_shown(finding) for finding in findings), said)
    return 1 if wrong else 0


def _shown(finding: Finding) -> Text:
    mark = ("✗", "red") if finding.wrong else ("!", "yellow") if finding.advice else ("✓", "green")
    advice = (f"\n    {finding.advice}", "dim") if finding.advice else ""
    return Text.assemble(mark, f" {finding.name}: {finding.detail}", advice)


def _machine(settings: Settings) -> Iterator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding(name="Python", detail=version)
    folder = next(path for path in (settings.data_dir, *settings.data_dir.parents) if path.exists())
    writable = os.access(folder, os.W_OK)
    free = shutil.disk_usage(folder).free
    yield Finding(
        name="Data folder",
        detail=f"{settings.data_dir} ({free // 1024**2} MiB free)",
        advice=None if writable else f"{folder} is not writable: choose another with --data-dir.",
        wrong=not writable,
    )
    if free < DISK_BYTES_MIN:
        yield Finding(name="Disk", detail="nearly full", advice="Free at least 500 MiB.", wrong=True)
    try:
        listen(settings.host, settings.port).close()
        yield Finding(name="Port", detail=f"{settings.host}:{settings.port} is free")
    except PortTakenError as error:
        yield Finding(name="Port", detail=f"{settings.host}:{settings.port} is taken", advice=str(error))
    yield Finding(name="Mode", detail=settings.mode)


def _gateways(settings: Settings) -> Iterator[Finding]:
    given = (
        settings.stripe_secret_key,
        settings.paypal_client_id,
        settings.razorpay_key_secret,
        settings.paytm_merchant_key,
        settings.sandbox_url,
    )
    if all(secret is None for secret in given):
        yield Finding(
            name="Gateways",
            detail="none is set up",
            advice="Set up Stripe, PayPal, Razorpay or Paytm (docs/gateways), or try `orderpulse demo`.",
            wrong=settings.mode is Mode.PRODUCTION,
        )
    if settings.stripe_secret_key is not None:
        yield _stripe(settings)
    if settings.razorpay_key_secret is not None or settings.razorpay_key_id:
        yield _razorpay(settings)
    if settings.paytm_merchant_key is not None or settings.paytm_mid:
        yield _paytm(settings)
    if settings.paypal_client_id is not None:
        yield _paypal(settings)
    if settings.sandbox_url is not None:
        yield Finding(name="Sandbox", detail=settings.sandbox_url)


def _stripe(settings: Settings) -> Finding:
    if not settings.stripe_webhook_secrets:
        advice = "Set ORDERPULSE_STRIPE_WEBHOOK_SECRETS: without it no webhook is believed."
        return Finding(name="Stripe", detail="no webhook secret", advice=advice, wrong=True)
    if not settings.stripe_publishable_key:
        advice = "Set ORDERPULSE_STRIPE_PUBLISHABLE_KEY: without it no browser can pay."
        return Finding(name="Stripe", detail="no publishable key", advice=advice, wrong=True)
    return Finding(name="Stripe", detail="set up")


def _razorpay(settings: Settings) -> Finding:
    if settings.razorpay_key_secret is None or not settings.razorpay_key_id:
        advice = "Set both ORDERPULSE_RAZORPAY_KEY_ID and ORDERPULSE_RAZORPAY_KEY_SECRET."
        return Finding(name="Razorpay", detail="half a key", advice=advice, wrong=True)
    if not settings.razorpay_webhook_secrets:
        advice = "Set ORDERPULSE_RAZORPAY_WEBHOOK_SECRETS: without it no webhook is believed."
        return Finding(name="Razorpay", detail="no webhook secret", advice=advice, wrong=True)
    return Finding(name="Razorpay", detail="set up")


def _paytm(settings: Settings) -> Finding:
    if settings.paytm_merchant_key is None or not settings.paytm_mid:
        advice = "Set both ORDERPULSE_PAYTM_MID and ORDERPULSE_PAYTM_MERCHANT_KEY."
        return Finding(name="Paytm", detail="half a key", advice=advice, wrong=True)
    return Finding(name="Paytm", detail="set up")


def _paypal(settings: Settings) -> Finding:
    if settings.paypal_client_secret is None:
        advice = "Set ORDERPULSE_PAYPAL_CLIENT_SECRET: without it PayPal is not used."
        return Finding(name="PayPal", detail="no client secret", advice=advice, wrong=True)
    if not settings.paypal_webhook_id:
        advice = "Set ORDERPULSE_PAYPAL_WEBHOOK_ID: without it no webhook is believed."
        return Finding(name="PayPal", detail="no webhook id", advice=advice, wrong=True)
    return Finding(name="PayPal", detail="set up")


async def _owed_work(dsn: str, settings: Settings) -> Finding:
    async with Database(dsn, size=1) as database:
        counts = await jobs.count(database)
    dead = sum(counts.dead.values())
    late = counts.oldest_due_seconds > OVERDUE_SECONDS_MAX
    advice = None
    if dead:
        advice = "Look at them: orderpulse jobs."
    elif late:
        advice = "Nobody seems to do owed work: run `orderpulse serve --role worker`, or serve without --no-worker."
    detail = f"{counts.due} due, {dead} dead" + (
        "" if settings.does_owed_work else ", not done by this server"
    )
    return Finding(name="Owed work", detail=detail, advice=advice)


async def _broker(settings: Settings) -> AsyncIterator[Finding]:
    """Look at the broker where it is a server of its own; PostgreSQL's notifications need nothing."""
    url = settings.broker_url.get_secret_value() if settings.broker_url else ""
    if not RedisLine.leads_to(url):
        return
    try:
        async with asyncio.timeout(BROKER_SECONDS_MAX):
            line = await RedisLine.open(url)
            await line.ping()
            line.cut()
    except Exception as error:  # noqa: BLE001 - whatever it was, the broker is of no use
        advice = f"Other processes hear of commits late. Check ORDERPULSE_BROKER_URL: {error}"
        yield Finding(name="Broker", detail="Redis does not answer", advice=advice, wrong=True)
    else:
        yield Finding(name="Broker", detail="Redis answers")


async def _database(settings: Settings) -> AsyncIterator[Finding]:
    try:
        async with open_database(settings) as database:
            health = await examine(database.dsn)
            behind = is_behind(health.revision, health.newest_revision)
            # Asked for here, as an embedded database is gone with its block.
            owed = None if behind else await _owed_work(database.dsn, settings)
    except (EmbeddedDatabaseError, DatabaseUnavailableError) as error:
        yield Finding(name="Database", detail="does not answer", advice=str(error), wrong=True)
        return
    kind = "embedded" if database.embedded else "external"
    yield Finding(name="Database", detail=f"PostgreSQL {health.version} ({kind})")
    yield Finding(
        name="Schema",
        detail=health.revision or "empty",
        advice=f"Run `orderpulse migrate` to come to {health.newest_revision}." if behind else None,
        wrong=behind and database.embedded is None,
    )
    if owed is not None:
        yield owed
    for name, value in health.settings.items():
        yield Finding(
            name=name,
            detail=value,
            advice=f"Turn {name} on: without it an acknowledged payment can be lost."
            if value == "off"
            else None,
            wrong=value == "off",
        )
    skewed = abs(health.clock_skew_seconds) > SKEW_SECONDS_MAX
    yield Finding(
        name="Clocks",
        detail=f"the database is {health.clock_skew_seconds:+.3f} s ahead",
        advice="Set the clocks by NTP: signatures of webhooks are only believed for 300 s."
        if skewed
        else None,
        wrong=skewed,
    )
