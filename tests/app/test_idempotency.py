"""One key, one answer: repeated, at once, with other input, after a refusal, and after its holder died."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from app.auth import ANYONE, Authenticator, Caller
from app.checkout import LineInput, NewOrderInput, Ordering
from app.domain.errors import DomainError, ErrorCode
from app.domain.money import Money
from app.idempotency import Answer, Idempotency
from app.identity import new_id
from app.scopes import Scope
from app.settle import Settler
from db import orders as store
from db.credentials import CredentialStore

if TYPE_CHECKING:
    from uuid import UUID

    from db.pool import Database

STAFF = Caller(subject="staff:test", scopes=frozenset(Scope))


class Work:
    """Stores an answer under its key as a use case does, and remembers which keys it was run for."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ran: list[UUID] = []

    async def __call__(self, key_id: UUID) -> Answer:
        """Do it."""
        self.ran.append(key_id)
        await asyncio.sleep(0.05)
        answer = Answer(order_id=key_id)
        await store.answer_key(self.database, key_id, answer.to_json())
        return answer


async def test_the_same_key_and_input_get_the_first_answer_again(database: Database) -> None:
    keys, work = Idempotency(database), Work(database)

    first = await keys.once("me:op", "k", {"amount": 1}, work)
    second = await keys.once("me:op", "k", {"amount": 1}, work)

    assert (first.replayed, second.replayed) == (False, True)
    assert first.order_id == second.order_id
    assert len(work.ran) == 1


async def test_the_same_key_with_other_input_is_a_named_error(database: Database) -> None:
    keys, work = Idempotency(database), Work(database)
    await keys.once("me:op", "k", {"amount": 1}, work)

    with pytest.raises(DomainError) as refused:
        await keys.once("me:op", "k", {"amount": 2}, work)

    assert refused.value.code is ErrorCode.IDEMPOTENCY_KEY_PARAMETER_MISMATCH
    assert len(work.ran) == 1


async def test_of_two_hundred_calls_at_once_one_works_and_the_others_are_told(database: Database) -> None:
    keys, work = Idempotency(database), Work(database)

    async def call() -> str:
        try:
            answer = await keys.once("me:op", "k", {}, work)
        except DomainError as error:
            return error.code
        return "replayed" if answer.replayed else "first"

    outcomes = Counter(await asyncio.gather(*[call() for _ in range(200)]))

    assert outcomes["first"] == 1
    assert outcomes[ErrorCode.IDEMPOTENCY_CONCURRENT_REQUEST] + outcomes["replayed"] == 199
    assert len(work.ran) == 1


async def test_another_caller_with_the_same_key_is_another_request(database: Database) -> None:
    keys, work = Idempotency(database), Work(database)

    mine = await keys.once("me:op", "k", {}, work)
    theirs = await keys.once("you:op", "k", {}, work)

    assert mine.order_id != theirs.order_id
    assert theirs.replayed is False


async def test_after_a_refusal_the_key_may_be_used_again_at_once(database: Database) -> None:
    keys, work = Idempotency(database), Work(database)

    async def refuse(_: UUID) -> Answer:
        raise DomainError(ErrorCode.PAYMENT_IN_PROGRESS, "later")

    with pytest.raises(DomainError):
        await keys.once("me:op", "k", {}, refuse)
    answer = await keys.once("me:op", "k", {}, work)

    assert answer.replayed is False
    assert len(work.ran) == 1


async def test_a_key_whose_holder_died_goes_on_with_the_same_thing(database: Database) -> None:
    keys, work = Idempotency(database, lease_seconds=0.2), Work(database)
    died: list[UUID] = []
    taken = asyncio.Event()

    async def die(key_id: UUID) -> Answer:
        died.append(key_id)
        taken.set()
        await asyncio.Event().wait()
        raise AssertionError

    # The call never ends: what a killed process leaves behind is a key that nobody answers.
    holder = asyncio.create_task(keys.once("me:op", "k", {}, die))
    await taken.wait()
    with pytest.raises(DomainError) as refused:
        await keys.once("me:op", "k", {}, work)
    await asyncio.sleep(0.25)
    answer = await keys.once("me:op", "k", {}, work)
    holder.cancel()
    await asyncio.wait([holder])

    assert refused.value.code is ErrorCode.IDEMPOTENCY_CONCURRENT_REQUEST
    assert work.ran == died == [answer.order_id]


@pytest.mark.parametrize("key", ["", "k" * 256, "a\x00b"])
async def test_a_key_that_is_none_is_refused(database: Database, key: str) -> None:
    with pytest.raises(DomainError) as refused:
        await Idempotency(database).once("me:op", key, {}, Work(database))

    assert refused.value.code is ErrorCode.INVALID


async def test_nobody_in_particular_needs_an_unguessable_key(database: Database) -> None:
    async def nothing_open(_: object) -> None:
        return None

    ordering = Ordering(
        database=database,
        settler=Settler(database.dsn, on_commit=lambda _: None, on_doubt=lambda _: None),
        authenticator=Authenticator(staff_keys=(), secret="s" * 32, store=CredentialStore(database)),
        give_up_payments=nothing_open,
    )
    tea = store.Product(
        id=new_id(),
        sku="TEA",
        name="Tea",
        unit_price=Money(100, "INR"),
        image_url=None,
        active=True,
    )
    await store.upsert_product(database, tea)
    order = NewOrderInput(lines=(LineInput(sku="TEA", quantity=1),))

    with pytest.raises(DomainError) as refused:
        await ordering.create(ANYONE, order, "short")
    by_staff = await ordering.create(STAFF, order, "short")

    assert (refused.value.code, refused.value.field) == (ErrorCode.INVALID, ("idempotencyKey",))
    assert by_staff.order_id is not None
    assert len(await database.fetch("SELECT id FROM orders")) == 1
