"""The clocks of a referral: the time within which an answer is due, by name and case (`clocks.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from schemas import resources

PRIORITIES = ("emergency", "urgent", "normal")
ANY = "any"


class Unit(StrEnum):
    """The unit of a duration."""

    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """``count`` hours, days or working days; at least one."""

    count: int
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One clock.

    ``durations`` is by priority, or by the cases that ``about`` names, or has the single case "any". It is empty when
    the message itself names the day, in its field ``named_in``. ``silence`` is the percentage of the duration after
    which an absent answer has an effect on the conversation, None when it never has one; of the cases in
    ``silent_as`` it is the duration of another case, so that what is urgent to answer does not end the sooner.
    """

    name: str
    about: str
    durations: Mapping[str, Duration]
    source: str
    silence: int | None
    named_in: str | None
    silent_as: Mapping[str, str] = field(default_factory=dict)

    def duration(self, case: str) -> Duration:
        """Return the duration of ``case``, or the only one when there is no choice.

        Raises:
            RuntimeError: the clock has no such case: our bug, the cases are written beside the clocks.
        """
        found = self.durations.get(case) or self.durations.get(ANY)
        if found is None:
            raise RuntimeError(f"clock {self.name} has no such case")
        return found


@cache
def load_clocks() -> Mapping[str, Clock]:
    """Load all clocks by name. Raises ValueError where the file breaks a rule; a test reads the file, so no node meets
    this.
    """
    entries = resources.read_json("clocks.json")["clocks"]
    return MappingProxyType({name: parse_clock(name, entry) for name, entry in entries.items()})


@cache
def load_reminders() -> tuple[int, ...]:
    """Load the percentages of a duration at which a reminder is due."""
    return tuple(resources.read_json("clocks.json")["remind"])


def parse_clock(name: str, entry: Mapping[str, Any]) -> Clock:
    """Parse one clock of the file.

    Raises:
        ValueError: a duration is no whole number above zero in one unit, or weekends would stop an emergency.
    """
    durations = {case: _duration(name, value) for case, value in entry["durations"].items()}
    # A person in danger is in danger on Sundays too.
    if "emergency" in durations and durations["emergency"].unit is Unit.WORKING_DAYS:
        raise ValueError(f"clock {name}: an emergency does not stop for weekends and holidays")
    silent_as = entry.get("silent_as", {})
    if not {*silent_as, *silent_as.values()} <= set(durations):
        raise ValueError(f"clock {name}: silent_as names cases that it has")
    if bool(durations) == ("named_in" in entry):
        raise ValueError(f"clock {name}: has durations or the field that names its day, and not both")
    return Clock(
        name=name,
        about=entry["about"],
        durations=MappingProxyType(durations),
        source=entry["source"],
        silence=entry.get("silence"),
        named_in=entry.get("named_in"),
        silent_as=MappingProxyType(silent_as),
    )


def _duration(name: str, value: Mapping[str, Any]) -> Duration:
    ((unit, count),) = value.items()
    if type(count) is not int or count < 1:
        raise ValueError(f"clock {name}: a duration is a whole number above zero")
    return Duration(count=count, unit=Unit(unit))
