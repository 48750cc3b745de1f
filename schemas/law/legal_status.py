"""What each legal status does at the gates (`legal_status.json`; domain 9.29)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from schemas import resources


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalStatus:
    """What follows from one code of the list legal_status.

    ``protected``: nothing goes to a feared State (G5). ``returnable``: a return by a final decision may be proposed
    (G8). ``transferable``: so may a transfer to the EU State that examines the asylum claim (G8).
    """

    protected: bool
    returnable: bool
    transferable: bool
    why: str
    source: str


@cache
def load_legal_statuses() -> Mapping[str, LegalStatus]:
    """Load what follows from each code; a test compares the codes with the list."""
    return MappingProxyType(
        {
            code: LegalStatus(
                protected=entry["protected"],
                returnable=entry["returnable"],
                transferable=entry.get("transferable", False),
                why=entry["why"],
                source=entry["source"],
            )
            for code, entry in resources.read_json("legal_status.json")["statuses"].items()
        }
    )


def is_protected(code: str | None) -> bool:
    """Whether nothing goes to a feared State under this status (G5); a status that was not told protects nobody."""
    found = load_legal_statuses().get(code or "")
    return found is not None and found.protected


def is_returnable(code: str | None) -> bool:
    """Whether a return by a final decision may be proposed under this status (G8)."""
    found = load_legal_statuses().get(code or "")
    return found is not None and found.returnable


def is_transferable(code: str | None) -> bool:
    """Whether a transfer to the EU State that examines the claim may be proposed under this status (G8)."""
    found = load_legal_statuses().get(code or "")
    return found is not None and found.transferable
