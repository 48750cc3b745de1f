"""What a state machine is here: a table that is checked when it is written down, and one step.

All state lives in the caller (a column of the database); a machine only knows the moves. A pair of state and event that
the table does not hold is a bug of ours, because whatever a peer can cause has a row: it raises ``IllegalStep`` and
changes nothing. A row whose target is its source says that an event is expected there and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class IllegalStep(RuntimeError):
    """An event met a state that has no row for it. Our bug: ask ``Machine.allows`` where an event may come late."""


@dataclass(frozen=True, slots=True)
class Transition(Generic[S, E]):
    """One row: in ``source``, ``event`` leads to ``target``, because of ``reason`` (which cites its clause)."""

    source: S
    event: E
    target: S
    reason: str


def moves(source: S, *rows: tuple[E, S, str]) -> tuple[Transition[S, E], ...]:
    """The rows of one state, so that a table reads by state: event, target, reason."""
    return tuple(Transition(source, event, target, reason) for event, target, reason in rows)


@dataclass(frozen=True, slots=True)
class Entry(Generic[S]):
    """One way into a machine: a new item starts in ``state``, because of ``reason``."""

    state: S
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(Generic[S, E]):
    """A checked table: each pair once, each state reachable, a way out of each state that is not final.

    Raises:
        ValueError: the table breaks one of these promises; it is raised while the module is imported.
    """

    name: str
    about: str
    states: tuple[S, ...]
    entries: tuple[Entry[S], ...]
    final: frozenset[S]
    table: tuple[Transition[S, E], ...]
    _rows: dict[tuple[S, E], S] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rows: dict[tuple[S, E], S] = {}
        for row in self.table:
            if (row.source, row.event) in rows:
                raise ValueError(f"{self.name}: {row.source} + {row.event} is in the table twice")
            rows[row.source, row.event] = row.target
        object.__setattr__(self, "_rows", rows)
        self._check_shape()

    def _check_shape(self) -> None:
        leaving = {row.source for row in self.table if row.target != row.source}
        if leaving & self.final:
            raise ValueError(f"{self.name}: a final state is left: {sorted(leaving & self.final)}")
        if stuck := set(self.states) - leaving - self.final:
            raise ValueError(f"{self.name}: no way out of {sorted(stuck)}")
        if lost := set(self.states) - reachable((entry.state for entry in self.entries), self.table):
            raise ValueError(f"{self.name}: no way into {sorted(lost)}")

    def allows(self, state: S, event: E) -> bool:
        """Whether the table has a row for the pair; for callers whose event may come too late (a person, a timer)."""
        return (state, event) in self._rows

    def step(self, state: S, event: E) -> S:
        """The state after ``event``.

        Raises:
            IllegalStep: the table has no such row; nothing was changed.
        """
        try:
            return self._rows[state, event]
        except KeyError as exc:
            raise IllegalStep(f"{self.name}: {event} is not possible in state {state}") from exc


def reachable(start: Iterable[S], table: Iterable[Transition[S, E]]) -> set[S]:
    """Every state that a walk along ``table`` can visit from ``start``."""
    rows = tuple(table)
    seen: set[S] = set()
    todo = list(start)
    while todo:
        state = todo.pop()
        if state not in seen:
            seen.add(state)
            todo.extend(row.target for row in rows if row.source == state)
    return seen
