"""It says so itself: every invariant, recomputed from facts and ledger, with each violation named.

`audit` looks at one page of orders, deliveries or keys as of one moment; an `Auditor` walks through all of them in
the background, and reports what the newest rows, whatever waits and the next pages say.
"""

from __future__ import annotations

from app.integrity.auditor import AuditLimits, Auditor, Report, Tally
from app.integrity.checks import CHECKS, Check
from app.integrity.pages import PAGE_ROWS, Audited, Position, Section, audit, audit_ids, audit_waiting, newest
from app.integrity.violations import Violation

__all__ = [
    "CHECKS",
    "PAGE_ROWS",
    "AuditLimits",
    "Audited",
    "Auditor",
    "Check",
    "Position",
    "Report",
    "Section",
    "Tally",
    "Violation",
    "audit",
    "audit_ids",
    "audit_waiting",
    "newest",
]
