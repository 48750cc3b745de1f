"""Countries of which the European Commission decided that they protect personal data adequately (`adequacy.json`).

A decision holds from its first to its last day. One that covers some organisations alone (``only``) is listed and
covers none of the units that refer people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any

from schemas import resources

FORMAT = "trm-adequacy/1"


class Law(StrEnum):
    """The law under which a decision was taken."""

    GDPR = "gdpr"
    """Regulation (EU) 2016/679 article 45."""
    LED = "led"
    """Directive (EU) 2016/680 article 36, for police and prosecutors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adequacy:
    """One decision about one country (ISO 3166-1). ``since`` and ``until`` are its first and last day, None where none
    is known or set; ``source`` says where that was seen.
    """

    country: str
    law: Law
    decision: str
    since: date | None
    until: date | None
    only: str | None
    source: str

    def covers(self, today: date) -> bool:
        """Whether it holds today, for whoever there receives the data."""
        begun = self.since is None or self.since <= today
        return self.only is None and begun and (self.until is None or today <= self.until)


@cache
def list_decisions() -> tuple[Adequacy, ...]:
    """List the decisions of the file. Raises ValueError where it breaks a rule; a test reads it, no node meets this."""
    return parse_decisions(resources.read_json("adequacy.json"))


def is_adequate(country: str, law: Law, today: date) -> bool:
    """Whether a decision about this country holds today under this law."""
    return any(one.country == country and one.law is law and one.covers(today) for one in list_decisions())


def parse_decisions(value: Mapping[str, Any]) -> tuple[Adequacy, ...]:
    """Read the file.

    Raises:
        ValueError: another format, a source that is not listed, a law or a day that is none, or a decision twice.
    """
    if value["format"] != FORMAT:
        raise ValueError("adequacy: another format")
    found = tuple(_decision(entry, value["sources"]) for entry in value["decisions"])
    if len({(one.country, one.law, one.decision) for one in found}) != len(found):
        raise ValueError("adequacy: a decision twice")
    return found


def _decision(entry: Mapping[str, Any], sources: Mapping[str, str]) -> Adequacy:
    if entry["source"] not in sources:
        raise ValueError(f"adequacy {entry['country']}: its source is not listed")
    return Adequacy(
        country=entry["country"],
        law=Law(entry["law"]),
        decision=entry["decision"],
        since=_day(entry["from"]),
        until=_day(entry["to"]),
        only=entry.get("only"),
        source=sources[entry["source"]],
    )


def _day(value: str | None) -> date | None:
    return None if value is None else date.fromisoformat(value)
