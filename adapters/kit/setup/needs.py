"""The needs of an adapter, one line each: what it is, whether it is there, and the command that mends it.

`Adapter.check` tells faults alone. An adapter that also has `needs` tells what it looked at and found good, and what a
check cannot try, since trying would make something in the case system.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from gateway.errors import Finding


class State(StrEnum):
    """Whether a need is met."""

    OK = "ok"
    MISSING = "missing"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One need. `rule` and `hint` say what is missing, `command` what a person types to mend it, where a command does.

    None of them repeats a secret or anything of a case.
    """

    place: str
    state: State
    rule: str = ""
    hint: str = ""
    command: str = ""

    @property
    def finding(self) -> Finding:
        """The need as a fault, with the command behind its hint."""
        hint = f"{self.hint}: {self.command}" if self.command else self.hint
        return Finding(place=self.place, rule=self.rule, hint=hint)


def met(place: str) -> Need:
    """Tell that a need is met."""
    return Need(place=place, state=State.OK)


def missing(place: str, rule: str, hint: str, command: str = "") -> Need:
    """Tell what is missing, and the command that mends it."""
    return Need(place=place, state=State.MISSING, rule=rule, hint=hint, command=command)


def untried(place: str, hint: str) -> Need:
    """Tell what no check can try."""
    return Need(place=place, state=State.UNTRIED, hint=hint)


def faults_of(needs: Iterable[Need]) -> list[Finding]:
    """List the needs that are not met as the faults of a check."""
    return [need.finding for need in needs if need.state is State.MISSING]


def needs_of(places: Sequence[str], findings: Iterable[Finding]) -> list[Need]:
    """Make needs of the findings of a check, and of the places it looked at without finding anything there."""
    told = [missing(found.place, found.rule, found.hint) for found in findings]
    faulty = {need.place for need in told}
    return [*(met(place) for place in places if place not in faulty), *told]


@runtime_checkable
class TellsNeeds(Protocol):
    """An adapter that tells its needs one by one."""

    async def needs(self) -> Sequence[Need]:
        """Look at everything that the adapter needs, at the real case system, and change nothing there."""
        ...
