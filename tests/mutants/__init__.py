"""Defects that somebody might make, as data: each is planted into a copy of the source, and a test must catch it."""

from __future__ import annotations

from typing import Final

from tests.mutants.doors import DOORS
from tests.mutants.protocols import PROTOCOLS
from tests.mutants.rules import RULES
from tests.mutants.settling import SETTLING

DEFECTS: Final = (*RULES, *SETTLING, *DOORS, *PROTOCOLS)
