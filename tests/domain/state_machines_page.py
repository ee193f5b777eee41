"""docs/state-machines.md, made from `app.domain.machines`: `python -m tests.domain.state_machines_page` writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.domain.machines import MACHINES, StateMachine, StateMachineKind

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Path(__file__).parents[2] / "docs" / "state-machines.md"

_INTRODUCTION: Final = """\
# State machines

The edges that an order, a payment, a refund and the goods can take, one at a time. This page is made from
`app/domain/machines.py` (`make docs`), which the API's `stateMachine` shows too; the tests hold them together.
"""
_ABOUT: Final = {
    StateMachineKind.ORDER: """\
What the shop promised. Money only moves it forward; refunds and disputes move `paymentStatus` instead. An order that
was canceled after it was paid is not reopened by late money: it is owed a refund.""",
    StateMachineKind.PAYMENT: """\
What follows from the *set* of facts known about a payment; each edge is what one more fact can do. What SUCCEEDED can
only become CONFLICTED: the gateway took more than was asked, or names another amount or currency.""",
    StateMachineKind.REFUND: "One refund, by its id. Banks send money back even after a refund had succeeded.",
    StateMachineKind.FULFILLMENT: "Where the goods are, as staff say.",
}


def page() -> str:
    """Return the whole page."""
    parts = [_INTRODUCTION]
    parts += ["\n".join(_section(machine)) for machine in MACHINES.values()]
    return "\n".join(parts)


def _section(machine: StateMachine) -> Iterator[str]:
    yield f"## {machine.kind.capitalize()}"
    yield ""
    yield _ABOUT[machine.kind]
    yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {machine.states[0]}"
    for edge in machine.transitions:
        yield f"    {edge.source} --> {edge.target}"
    yield "```"
    yield ""
    yield "| from | to | when |"
    yield "|---|---|---|"
    for edge in machine.transitions:
        yield f"| {edge.source} | {edge.target} | {edge.on} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
