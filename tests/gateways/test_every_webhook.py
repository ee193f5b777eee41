"""What every gateway's webhooks must bear: secrets that change, and words that nobody has heard of."""

from __future__ import annotations

import logging
import secrets
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

import orjson
import pytest

from app.gateways.registry import gateway_modules
from app.simulators.kit import Control
from tests.gateways.counterparts import counterpart, refund_of, refused_or_harmless, set_up_anew

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from tests.gateways.counterparts import Counterpart

TYPES: Final = frozenset({"type", "event", "event_type"})
STATUSES: Final = frozenset({"status", "STATUS", "disputeStatus"})


@pytest.fixture(params=gateway_modules())
async def there(request: pytest.FixtureRequest) -> AsyncIterator[Counterpart]:
    async with counterpart(request.param) as opened:
        yield opened


async def test_a_new_secret_is_believed_and_the_old_one_for_as_long_as_it_is_set(there: Counterpart) -> None:
    await there.paid()
    before = (await there.control.webhooks())[-1]
    prefix = f"{there.gateway.name.lower()}_"
    changed = {prefix + name: value for name, value in (await there.control.rotate()).items()}
    after = await there.control.signed(before.id, before.body)
    if not changed:  # what it signs with is looked up
        await there.verify(before.headers, before.body)
        await there.verify(after.headers, after.body)
        return

    assert await refused_or_harmless(there, after.headers, after.body)
    async with set_up_anew(there, **changed) as new:
        await new.verify(after.headers, after.body)
        assert await refused_or_harmless(new, before.headers, before.body)
    if all(name.endswith("_secrets") for name in changed):
        both = {name: f"{there.settings[name]},{value}" for name, value in changed.items()}
        async with set_up_anew(there, **both) as patient:
            await patient.verify(before.headers, before.body)
            await patient.verify(after.headers, after.body)


async def everything_told(there: Counterpart) -> None:
    """Have the gateway tell of a payment, a decline, a refund and a dispute."""
    declined = await there.open()
    await there.control.pay(declined.reference or "", Control.DECLINED)
    payment = await there.paid()
    await there.gateway.refund(refund_of(payment, 10_000))
    await there.control.dispute(payment.reference or "")
    await there.control.close_dispute(payment.reference or "", Control.LOST)


async def test_an_event_of_a_type_that_nobody_heard_of_says_no_more_than_its_object(
    there: Counterpart,
) -> None:
    await everything_told(there)
    for webhook, before in await there.deliveries():
        body, changes = reworded(webhook.body, TYPES, "unheard.of", deep=False)
        if not changes:
            pytest.skip("Its webhooks name no types.")
        other = await there.control.signed(webhook.id, body)

        said = there.gateway.parse(await there.verify(other.headers, other.body))

        assert {fact.key for fact in said.facts} <= {fact.key for fact in before.facts}, webhook.type
        assert said.type == "unheard.of"


async def test_a_status_that_nobody_heard_of_moves_nothing_and_is_shown_as_it_came(
    there: Counterpart, caplog: pytest.LogCaptureFixture
) -> None:
    await everything_told(there)
    word = f"UNHEARD_{secrets.token_hex(4).upper()}"
    read = False
    caplog.set_level(logging.WARNING)
    for webhook, before in await there.deliveries():
        body, changes = reworded(webhook.body, STATUSES, word, deep=True)
        other = await there.control.signed(webhook.id, body)

        said = there.gateway.parse(await there.verify(other.headers, other.body))

        assert {fact.key for fact in said.facts} <= {fact.key for fact in before.facts}, webhook.type
        read = read or (changes > 0 and said.facts != before.facts)
    warned = any(word in str(value) for record in caplog.records for value in vars(record).values())
    assert warned == read  # one that tells what happened by times alone reads no status


def reworded(body: bytes, names: Collection[str], word: str, *, deep: bool) -> tuple[bytes, int]:
    """Return a body with another word under these names, and under how many."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        fields = parse_qsl(body.decode(), keep_blank_values=True)
        changes = sum(name in names for name, _ in fields)
        return urlencode(
            [(name, word if name in names else value) for name, value in fields]
        ).encode(), changes
    changes = _reword(told, names, word, deep=deep)
    return orjson.dumps(told), changes


def _reword(told: Any, names: Collection[str], word: str, *, deep: bool) -> int:  # noqa: ANN401 - JSON
    changes = 0
    if isinstance(told, list) and deep:
        return sum(_reword(each, names, word, deep=deep) for each in told)
    if not isinstance(told, dict):
        return 0
    for name, value in told.items():
        if name in names and isinstance(value, str):
            told[name] = word
            changes += 1
        elif deep:
            changes += _reword(value, names, word, deep=deep)
    return changes
