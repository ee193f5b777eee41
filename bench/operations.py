"""`python -m bench.operations`: what an operation costs before any resolver works, and what counting it adds.

In one process, without a database: Strawberry's own pipeline as it comes, the same with its parser and validation
caches, and the product's; then the product's counting. Contestants take turns; medians of processor time count.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, cast

import strawberry
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from strawberry.extensions import ParserCache, ValidationCache

from app.auth import ANYONE
from app.metrics import Metrics
from app.rates import Allowances, Counters, Rates, Unlimited
from schema import build_schema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from schema.build import OrderpulseSchema
    from schema.context import Context

ROUNDS: Final = 7
OPERATIONS: Final = 300
ADDRESSES: Final = 10_000
PLENTY: Final = 10**9
DOCUMENTS: Final = {
    "trivial": "{ __typename }",
    "a machine": "{ stateMachine(kind: PAYMENT) { kind states transitions { from to on } } }",
}


def context(rates: Unlimited | Rates) -> Context:
    """Return a context for operations that look nothing up."""
    services = SimpleNamespace(metrics=Metrics(), rates=rates)
    return cast("Context", SimpleNamespace(services=services, caller=ANYONE, address="192.0.2.1"))


async def measured(run: Callable[[], Awaitable[Any]], times: int) -> float:
    """Return the processor time of one run, in microseconds."""
    began = time.process_time()
    for _ in range(times):
        await run()
    return (time.process_time() - began) / times * 1e6


async def compare(contestants: dict[str, Callable[[], Awaitable[Any]]], times: int = OPERATIONS) -> None:
    """Print each contestant's median, and how many times the last one's it is."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, run in contestants.items():
            taken[name].append(await measured(run, times))
    medians = {name: statistics.median(each) for name, each in taken.items()}
    least = medians[next(reversed(medians))]
    for name, median in medians.items():
        print(f"  {name:<44} {median:>9.1f} us {median / least:>7.1f}x")


def running(schema: OrderpulseSchema, document: str) -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return the ways of running a document."""
    counted, uncounted = context(_rates()), context(Unlimited())
    stock, cached = build_schema(), build_schema()
    cached.extensions = (ParserCache, ValidationCache)

    async def ours(given: Context) -> None:
        result = await schema.execute(document, context_value=given)
        assert result.errors is None, result.errors

    return {
        "Strawberry as it comes": lambda: strawberry.Schema.execute(stock, document, context_value=uncounted),
        "Strawberry with its caches": lambda: strawberry.Schema.execute(
            cached, document, context_value=uncounted
        ),
        "the product, counting": lambda: ours(counted),
        "the product": lambda: ours(uncounted),
    }


async def counting() -> dict[str, Callable[[], Awaitable[Any]]]:
    """Return the ways of counting a request, with many addresses known."""
    item = RateLimitItemPerMinute(PLENTY)
    library = SlidingWindowCounterRateLimiter(MemoryStorage())
    bounded = SlidingWindowCounterRateLimiter(Counters())
    for number in range(ADDRESSES):
        await library.hit(item, str(number))
        await bounded.hit(item, str(number))

    async def by_library() -> None:
        await library.hit(item, "192.0.2.1")
        await asyncio.sleep(0)  # its walk through all keys is a task of its own

    async def by_product() -> None:
        await bounded.hit(item, "192.0.2.1")
        await asyncio.sleep(0)

    return {f"the library's memory, {ADDRESSES:,} addresses": by_library, "the product's": by_product}


def _rates() -> Rates:
    return Rates(Allowances(requests=PLENTY, values=PLENTY))


async def main() -> None:
    """Measure and print."""
    schema = build_schema()
    for name, document in DOCUMENTS.items():
        print(f"an operation, {name}")
        await compare(running(schema, document))
    print("counting a request")
    await compare(await counting(), times=100)


if __name__ == "__main__":
    asyncio.run(main())
