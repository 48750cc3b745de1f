"""Whom to call in a country, at any hour: the offices of its directory and the contacts that its units signed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.ports import Json

Ask = Callable[[str, Mapping[str, Json]], Awaitable[Any]]
"""Do one operation of the node with somebody's rights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Who can be called in one country: its ``offices``, best first, and the ``signed`` contacts of its units."""

    offices: Sequence[Mapping[str, Any]] = ()
    signed: Sequence[str] = ()

    @property
    def phones(self) -> list[str]:
        """The telephones that somebody on duty answers, best first; those of nobody on duty are left out."""
        told = (
            (office["duty_phone"], office["contact"]["phone"] if (office["contact"] or {}).get("duty") else None)
            for office in self.offices
        )
        return [*dict.fromkeys(phone for pair in told for phone in pair if phone)]


async def find_called(ask: Ask, units: Iterable[Mapping[str, Any]], peer: str, at: int, language: str) -> Called:
    """Find who can be called of a peer at a moment, from the ``units`` that `directory.list` lists."""
    mine = [unit for unit in units if unit["peer"] == peer]
    found = [
        await ask("directory.search", {"country": country, "at": at, "language": language})
        for country in sorted({unit["country"] for unit in mine})
    ]
    offices = [office for one in found for office in one.get("units", ()) if office["peer"] == peer]
    return Called(offices=offices, signed=sorted({unit["contact"] for unit in mine}))
