"""The integrity report: every invariant by name, how much was looked at, and each row that breaks one."""

from datetime import datetime
from typing import Self

import strawberry

from app import integrity
from schema.scalars import BigInt


@strawberry.type(description="One invariant.")
class IntegrityCheck:
    """One check."""

    name: str
    description: str = strawberry.field(description="What must hold.")
    rows_checked: BigInt = strawberry.field(description="How many rows this report looked at.")
    violations: int

    @classmethod
    def of(cls, tally: integrity.Tally) -> Self:
        """Return the API's form of a check."""
        return cls(
            name=tally.check.name,
            description=tally.check.description,
            rows_checked=BigInt(tally.rows_checked),
            violations=tally.violations,
        )


@strawberry.type(description="Something that is not as it must be.")
class IntegrityViolation:
    """One violation."""

    check: str = strawberry.field(description="The name of the check.")
    subject_id: strawberry.ID = strawberry.field(
        description=(
            "What it is about: an order, payment, refund, delivery, suspense item, ledger transaction (`ltx_…`), job "
            "(`job_…`) or idempotency key (`key_…`)."
        )
    )
    message: str = strawberry.field(
        description="What is wrong, with the numbers. Amounts are in the currency's minor unit."
    )

    @classmethod
    def of(cls, violation: integrity.Violation) -> Self:
        """Return the API's form of a violation."""
        return cls(
            check=violation.check,
            subject_id=strawberry.ID(violation.subject_id),
            message=violation.message,
        )


@strawberry.type(
    description=(
        "What changed last, whatever waits, and what the audit in the background has come by, held against facts and "
        "ledger. `orderpulse audit` looks at everything there is."
    )
)
class IntegrityReport:
    """A report."""

    checked_at: datetime
    checks: list[IntegrityCheck]
    violations: list[IntegrityViolation] = strawberry.field(description="Empty is the only good answer.")

    @classmethod
    def of(cls, report: integrity.Report) -> Self:
        """Return the API's form of a report."""
        return cls(
            checked_at=report.checked_at,
            checks=[IntegrityCheck.of(tally) for tally in report.tallies],
            violations=[IntegrityViolation.of(violation) for violation in report.violations],
        )
