"""`orderpulse events …`: the webhook deliveries as the server keeps them, and another try for those that failed."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from app.cli.moments import clock
from app.cli.output import CommandError, Output, columns, facts
from app.error_catalog import ExitCode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from app.cli.remote import Remote

PAGE: Final = 100
SCANNED_MAX: Final = 20_000
"""How many deliveries are looked through for those of one order, or of a time."""
FOLLOW_SECONDS: Final = 1.0
OUTCOME_POLL_SECONDS: Final = 0.1
OPEN_STATES: Final = ("RECEIVED", "UNMATCHED", "FAILED")
"""What another try may help."""
_FIELDS: Final = """
  id gateway externalId type status deliveries attempts error receivedAt appliedAt
  payment { id status order { id number } }
"""
_LIST: Final = f"""
query ($filter: InboxFilter, $first: Int!, $after: Cursor) {{
  inboxEvents(filter: $filter, first: $first, after: $after) {{
    nodes {{ {_FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}
"""
_ONE: Final = f"query ($id: ID!) {{ node(id: $id) {{ ... on InboxEvent {{ {_FIELDS} body }} }} }}"
_REPLAY: Final = """
mutation ($id: ID!) { inboxEventReplay(id: $id) { inboxEvent { id } errors { code message } } }
"""
_COLOURS: Final = {"APPLIED": "green", "FAILED": "red", "UNMATCHED": "yellow", "RECEIVED": "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which deliveries."""

    gateway: str | None = None
    states: Sequence[str] = ()
    type: str | None = None
    order: str | None = None
    """An order's id or number."""
    since: datetime | None = None
    most: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaying:
    """What is to be tried again: deliveries by their ids, or all that are wanted."""

    ids: Sequence[str]
    wanted: Wanted
    dry_run: bool
    wait_seconds: float


async def run_list(remote: Remote, output: Output, wanted: Wanted, *, follow: bool) -> ExitCode:
    """Show deliveries, newest first; or, oldest first, also those that come from now on."""
    found = [event async for event in _deliveries(remote, output, wanted)]
    if not follow:
        output.document({"events": found}, _table(found) if found else "There are no such deliveries.")
        return ExitCode.OK
    known: dict[str, tuple[str, int]] = {}
    while True:
        for event in reversed(found):
            # What was tried again is worth a line of its own.
            seen = (event["status"], event["deliveries"])
            if known.get(event["id"]) != seen:
                known[event["id"]] = seen
                output.line(event, _line(event))
        await asyncio.sleep(FOLLOW_SECONDS)
        found = [event async for event in _deliveries(remote, output, wanted)]


async def run_show(remote: Remote, output: Output, event_id: str) -> ExitCode:
    """Show one delivery with its body."""
    event = await _one(remote, event_id)
    output.document(event, facts(_facts(event)), Text("Body", style="bold"), Text(_pretty(event["body"])))
    return ExitCode.OK


async def run_replay(remote: Remote, output: Output, asked: Replaying) -> ExitCode:
    """Have deliveries tried again, and say what became of each."""
    if asked.ids:
        events = [await _one(remote, event_id) for event_id in asked.ids]
    else:
        events = [event async for event in _deliveries(remote, output, asked.wanted)]
    if asked.dry_run:
        output.document(
            {"wouldReplay": events}, _table(events) if events else "Nothing would be tried again."
        )
        return ExitCode.OK
    done = []
    for event in reversed(events):
        outcome = await _replay(remote, event, asked.wait_seconds)
        done.append(outcome)
        if not output.is_json:
            output.line(outcome, _said(outcome))
    counts = Counter(each["outcome"] for each in done)
    summary = ", ".join(f"{number} {outcome}" for outcome, number in counts.items())
    output.document(
        {"replayed": done}, f"{len(done)} tried again: {summary}." if done else "Nothing is open."
    )
    if any(each["outcome"] == "refused" for each in done):
        return ExitCode.REFUSED
    return ExitCode.OK if counts["applied"] == len(done) else ExitCode.NO_OUTCOME


async def _replay(remote: Remote, event: dict[str, Any], wait_seconds: float) -> dict[str, Any]:
    """Try one again, and wait until a worker has."""
    payload = (await remote.ask(_REPLAY, {"id": event["id"]}))["inboxEventReplay"]
    if payload["errors"]:
        return {**_brief(event), "outcome": "refused", "error": payload["errors"][0]}
    ends_at = time.monotonic() + wait_seconds
    while True:
        now = await _one(remote, event["id"])
        if now["status"] in ("APPLIED", "IGNORED"):
            return {**_brief(now), "outcome": "applied", "error": None}
        if now["attempts"] > event["attempts"]:
            return {**_brief(now), "outcome": "still open", "error": {"code": None, "message": now["error"]}}
        if time.monotonic() > ends_at:
            message = "No worker has tried it yet; it stays owed."
            return {**_brief(now), "outcome": "waiting", "error": {"code": None, "message": message}}
        await asyncio.sleep(OUTCOME_POLL_SECONDS)


def _brief(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in ("id", "gateway", "type", "status", "attempts", "payment")}


async def _one(remote: Remote, event_id: str) -> dict[str, Any]:
    event: dict[str, Any] | None = (await remote.ask(_ONE, {"id": event_id}))["node"]
    if not event:
        raise CommandError(
            f"There is no delivery {event_id!r}, or the key may not see it.",
            ExitCode.NOT_FOUND,
            "List them: orderpulse events list",
        )
    return event


async def _deliveries(remote: Remote, output: Output, wanted: Wanted) -> AsyncIterator[dict[str, Any]]:
    """Yield what is wanted, newest first. The order and the time are looked for here, page by page."""
    chosen = {
        "gateway": wanted.gateway.upper() if wanted.gateway else None,
        "status": [state.upper() for state in wanted.states] or None,
        "type": wanted.type,
    }
    given = {name: value for name, value in chosen.items() if value is not None}
    after, found, scanned = None, 0, 0
    while found < wanted.most and scanned < SCANNED_MAX:
        first = PAGE if wanted.order else min(PAGE, wanted.most - found)
        page = (await remote.ask(_LIST, {"filter": given, "first": first, "after": after}))["inboxEvents"]
        for event in page["nodes"]:
            if wanted.since and datetime.fromisoformat(event["receivedAt"]) < wanted.since:
                return
            if wanted.order and not _is_of(event, wanted.order):
                continue
            found += 1
            yield event
            if found == wanted.most:
                return
        scanned += len(page["nodes"])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return
    if scanned >= SCANNED_MAX:
        output.aside(f"Only the newest {SCANNED_MAX} deliveries were looked through.")


def _is_of(event: dict[str, Any], order: str) -> bool:
    payment = event["payment"]
    return bool(payment) and order in (payment["order"]["id"], payment["order"]["number"])


def _table(events: Sequence[dict[str, Any]]) -> Text:
    rows = [
        (
            clock(event["receivedAt"]),
            event["gateway"].lower(),
            event["type"],
            _state(event),
            str(event["deliveries"]),
            str(event["attempts"]),
            event["id"],
            event["payment"]["order"]["number"] if event["payment"] else "-",
        )
        for event in events
    ]
    return columns(("received", "gateway", "type", "state", "sent", "tried", "id", "order"), rows)


def _line(event: dict[str, Any]) -> Text:
    order = event["payment"]["order"]["number"] if event["payment"] else "-"
    start = f"{clock(event['receivedAt'])}  {event['gateway'].lower():9} {event['type']:28} "
    return Text(start).append(_state(event)).append(f"  {event['id']}  {order}")


def _state(event: dict[str, Any]) -> Text:
    return Text(event["status"], style=_COLOURS.get(event["status"], ""))


def _facts(event: dict[str, Any]) -> list[tuple[str, str | Text]]:
    payment = event["payment"]
    facts: list[tuple[str, str | Text]] = [
        ("Id", event["id"]),
        ("Gateway", f"{event['gateway'].lower()}, {event['externalId']}"),
        ("Type", event["type"]),
        ("State", _state(event)),
        ("Received", f"{clock(event['receivedAt'])}, sent {_times(event['deliveries'])}"),
        (
            "Applied",
            clock(event["appliedAt"]) if event["appliedAt"] else f"no, tried {_times(event['attempts'])}",
        ),
        ("Payment", f"{payment['id']} {payment['status']}" if payment else "none that is known here"),
        ("Order", f"{payment['order']['id']} {payment['order']['number']}" if payment else "-"),
    ]
    if event["error"]:
        facts.append(("Error", event["error"]))
    if event["status"] in OPEN_STATES:
        facts.append(("Try again", f"orderpulse events replay {event['id']}"))
    return facts


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _said(outcome: dict[str, Any]) -> Text:
    mark = {"applied": ("✓", "green"), "waiting": ("…", "yellow")}.get(outcome["outcome"], ("✗", "red"))
    line = Text(mark[0], style=mark[1]).append(
        f" {outcome['id']} {outcome['gateway'].lower()} {outcome['type']}: {outcome['outcome']}"
    )
    payment = outcome["payment"]
    if outcome["outcome"] == "applied" and payment:
        line.append(f", payment {payment['status']}, order {payment['order']['number']}")
    return line.append(f" ({outcome['error']['message']})") if outcome["error"] else line


def _pretty(body: object) -> str:
    return body if isinstance(body, str) else json.dumps(body, indent=2, ensure_ascii=False)
