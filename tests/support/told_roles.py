"""Who may do what, as docs/roles.md tells it to whoever operates a node."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from support.pair import ROOT
from support.two_units import Credential

from gateway.operations.roles import Role


@dataclass(frozen=True)
class Told:
    """What docs/roles.md tells."""

    marks: Mapping[str, frozenset[Role]]
    by_person: frozenset[str]
    attested: frozenset[str]
    narrowed: frozenset[str]
    free: frozenset[str]

    def may(self, one: Credential, operation: str) -> bool:
        """Whether this credential gets past the door."""
        program = not one.person and not one.owner
        if operation in self.by_person and (one.owner or (program and operation not in self.attested)):
            return False
        bound = one.unit is not None and operation not in self.narrowed | self.free
        return one.owner or (not bound and bool(one.roles & self.marks[operation]))

    def attests(self, one: Credential, operation: str) -> bool:
        """Whether this credential has to name a user of the case system who does it."""
        return operation in self.attested and not one.person


def told() -> Told:
    """Read the page."""
    page = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `([a-z_.]+)` \| [A-Z]+ `[^`]+` \|(.*)\|$", page, re.M)
    marks = {
        name: frozenset(role for role, mark in zip(Role, cells.split("|"), strict=True) if mark.strip())
        for name, cells in table
    }
    acts, units = (
        page.partition(f"\n## {title}\n")[2].partition("\n## ")[0] for title in ("Acts of a person", "Units")
    )
    person, attested = re.split(r"A token of a case system|The owner does", acts)[:2]
    narrowed, free = units.split("and what shows no message")

    def named(text: str) -> frozenset[str]:
        return frozenset(re.findall(r"`([a-z_]+\.[a-z_]+)`", text))

    return Told(marks, named(person), named(attested), named(narrowed), named(free))
