"""The state machines as data."""

from typing import Self

import strawberry

from app.domain import machines
from schema.enums import StateMachineKind


@strawberry.type(description="An edge of a machine.")
class StateTransition:
    """What moves a thing from one state to another."""

    source: str = strawberry.field(name="from")
    target: str = strawberry.field(name="to")
    on: str = strawberry.field(description="What moves it, in words.")


@strawberry.type(description="All states of one kind of thing, and every way from one to another.")
class StateMachine:
    """One machine."""

    kind: StateMachineKind
    states: list[str]
    transitions: list[StateTransition]

    @classmethod
    def of(cls, machine: machines.StateMachine) -> Self:
        """Return the API's form of a machine."""
        return cls(
            kind=machine.kind,
            states=list(machine.states),
            transitions=[
                StateTransition(source=edge.source, target=edge.target, on=edge.on)
                for edge in machine.transitions
            ],
        )
