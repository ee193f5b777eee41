"""`orderpulse chaos`: clean over the gateways that there are, and not blind."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from app.cli.chaos import ChaosOptions, run_chaos
from app.cli.chaos.verdict import _differences, _doubled
from app.simulators import simulator_names
from app.simulators.kit import PaymentTruth, RefundTruth
from db.chaos import KnownPayment

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGGERS = (None, "alembic", "stripe", "uvicorn", "uvicorn.error", "uvicorn.access")


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """Let the tests that come after have their logs: the command silences the process."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger, logger.level, list(logger.handlers)) for logger in loggers]
    yield
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers = handlers


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_payment_finds_its_order_through_the_chaos(
    seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ChaosOptions(seeds=[seed], gateways=["sandbox", *simulator_names()], orders=6)

    code = await run_chaos(options)

    assert code == 0, capsys.readouterr().out


def truth(captured_minor: int = 500, *refunds: RefundTruth, own_id: str = "p", **more: Any) -> PaymentTruth:  # noqa: ANN401 - fields
    return PaymentTruth(
        reference="r",
        own_id=own_id,
        currency="INR",
        amount_minor=500,
        captured_minor=captured_minor,
        refunds=refunds,
        **{"held_minor": 0, **more},
    )


def known(captured_minor: int = 500, refunded_minor: int = 0, **more: Any) -> dict[str | None, KnownPayment]:  # noqa: ANN401 - fields
    return {"r": KnownPayment("r", "SUCCEEDED", captured_minor, refunded_minor, **more)}


REFUND = RefundTruth(id="x", own_id="mine", amount_minor=200, status="SUCCEEDED")


def test_what_is_the_same_on_both_sides_is_nothing_to_tell() -> None:
    assert _differences([truth()], known()) == []
    assert _differences([truth(500, REFUND)], known(500, 200)) == []
    assert _differences([truth(disputes={"d": "OPEN"})], known(disputed_minor=500)) == []


def test_what_was_agreed_to_may_wait_where_nobody_needs_it() -> None:
    assert _differences([truth(0, approved=True)], known(0)) == []


@pytest.mark.parametrize(
    ("there", "here"),
    [
        (truth(500), known(0)),
        (truth(0), known(500)),
        (truth(500), {}),
        (truth(500, REFUND), known(500, 0)),
        (truth(500), known(500, 200)),
        (truth(500), known(500, disputed_minor=500)),
        (truth(0, approved=True), known(0, is_needed=True)),
        (truth(0, held_minor=500), known(0, is_needed=True)),
    ],
)
def test_every_difference_is_told(there: PaymentTruth, here: dict[str | None, KnownPayment]) -> None:
    assert len(_differences([there], here)) == 1


def test_money_of_which_the_gateway_knows_nothing_is_told() -> None:
    assert _differences([], known()) == ["r has 500 here and is not known there"]


def test_what_was_done_twice_is_told() -> None:
    assert len(_doubled([truth(), truth()])) == 1
    assert len(_doubled([truth(500, REFUND, REFUND)])) == 1
    assert _doubled([truth(500, REFUND), truth(own_id="q")]) == []
