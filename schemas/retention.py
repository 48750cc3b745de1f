"""The retention rules (`retention.json`): by message type, kind and state of the conversation, sensitivity class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from schemas import resources
from schemas.walk import SENSITIVITY

MEMBERS = frozenset({"name", "about", "types", "kinds", "states", "classes", "but", "from", "days", "source"})
NEEDED = frozenset({"name", "about", "from", "days", "source"})


class From(StrEnum):
    """The event from which the days of a rule are counted."""

    NAMED = "named"
    """The end of the day that the header names in `handling.retain_until`."""
    MESSAGE = "message"
    """When the message was submitted, or arrived."""
    LAST = "last"
    """The last message of the conversation."""
    END = "end"
    """When the conversation came into a state of `states`."""
    ARRIVAL = "arrival"
    """When the person arrived after a return."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. An empty set of `types`, `kinds`, `states` or `classes` is no condition; `but` are types left out.

    Types are without version; `days` are whole days, 0 or more.
    """

    name: str
    about: str
    types: frozenset[str]
    kinds: frozenset[str]
    states: frozenset[str]
    classes: frozenset[str]
    but: frozenset[str]
    start: From
    days: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """All rules, and the hours that a person has to place a legal hold before a request to erase is executed."""

    rules: tuple[Rule, ...]
    wait_hours: Mapping[str, int]


@cache
def load_retention() -> Retention:
    """Load the table. Raises ValueError where the file breaks a rule; a test reads the file, so no node meets this."""
    return parse_retention(resources.read_json("retention.json"))


def parse_retention(value: Mapping[str, Any]) -> Retention:
    """Read the table.

    Raises:
        ValueError: two rules have one name, a member or a class is not known, or a number is no whole number.
    """
    rules = tuple(_rule(entry) for entry in value["rules"])
    if len({rule.name for rule in rules}) != len(rules):
        raise ValueError("retention: two rules have the same name")
    hours = {case: _whole(case, count) for case, count in value["wait_hours"].items()}
    if set(hours) != {"ordinary", "misdirected"}:
        raise ValueError("retention: wait_hours has ordinary and misdirected")
    return Retention(rules=rules, wait_hours=hours)


def _rule(entry: Mapping[str, Any]) -> Rule:
    name = str(entry.get("name"))
    if not NEEDED <= set(entry) <= MEMBERS:
        raise ValueError(f"retention rule {name}: a member is missing or not known")
    rule = Rule(
        name=name,
        about=entry["about"],
        types=frozenset(entry.get("types", ())),
        kinds=frozenset(entry.get("kinds", ())),
        states=frozenset(entry.get("states", ())),
        classes=frozenset(entry.get("classes", ())),
        but=frozenset(entry.get("but", ())),
        start=From(entry["from"]),
        days=_whole(name, entry["days"]),
        source=entry["source"],
    )
    if not rule.classes <= set(SENSITIVITY):
        raise ValueError(f"retention rule {name}: a sensitivity class is not known")
    if (rule.start is From.END) != bool(rule.states):
        raise ValueError(f"retention rule {name}: is counted from an end exactly when it names states")
    return rule


def _whole(name: str, count: Any) -> int:
    if type(count) is not int or count < 0:
        raise ValueError(f"retention {name}: a duration is a whole number, 0 or more")
    return count
