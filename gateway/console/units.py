"""Units by their names. Messages and lists know a unit by its id; people know it by what its country calls it.

A name is the one that the directory has in the language of the reader, else the one of the signed descriptor; where two
units of a node are called the same, the id stands behind it. What neither knows is shown by its id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.console.visit import Visit
from gateway.console.words import Words
from gateway.foundation.ids import UnitKind
from schemas import load_catalogue
from schemas.render import Named, replace_controls
from schemas.roles import role_in


class Units:
    """The units of this node and of its peers, named for one reader. Peers are identified by their short name here,
    this node by None.
    """

    def __init__(self, listed: Sequence[Mapping[str, Any]], words: Words) -> None:
        self.listed = listed
        names = [replace_controls(str(unit["name"])) for unit in listed]
        called = Counter((unit["peer"], name) for unit, name in zip(listed, names, strict=True))
        self._names: dict[tuple[str | None, str], str] = {}
        self._references: dict[str, str] = {}
        for unit, name in zip(listed, names, strict=True):
            id = str(unit["unit"])
            shown = name if called[unit["peer"], name] == 1 else f"{name} ({id})"
            self._names[_peer(unit), id] = shown
            self._references[f"{unit['node']}/{id}"] = f"{words.country(unit['country'])}{words.colon}{shown}"

    def name(self, id: str, peer: str | None = None) -> str:
        """Return the name of a unit, or its id if it is unknown."""
        return self._names.get((peer, id), id)

    def reference(self, text: str) -> str:
        """Return country and name of a unit that a message refers to as node id, slash, unit id."""
        return self._references.get(text, text)

    def address(self, id: str, peer: str) -> str:
        """Return a unit of a peer as consents name it: node id, slash, unit id; empty where it is unknown."""
        nodes = (unit["node"] for unit in self.listed if (_peer(unit), unit["unit"]) == (peer, id))
        return next((f"{node}/{id}" for node in nodes), "")

    def of(self, peer: str | None = None) -> list[tuple[str, str]]:
        """List the units of one node as (id, name)."""
        return [(id, name) for (whose, id), name in self._names.items() if whose == peer]

    def references(self) -> list[tuple[str, str]]:
        """List the units of all countries as (reference, country and name)."""
        return list(self._references.items())

    def named(self, sender: str | None, recipient: str | None) -> Named:
        """Name the units of a message between these two nodes, for `schemas.render`. Unit ids in a message mean the
        sender's units, except the recipient unit and references to units of any country.
        """
        return {
            "unit": lambda id: self.name(id, sender),
            "unit_ref": self.reference,
            "/header/recipient_unit": lambda id: self.name(id, recipient),
        }

    def only_role(self, id: object, peer: str | None = None, *, body_type: str) -> str | None:
        """Return the role of a unit that has exactly one, as messages of `body_type` know it."""
        for unit in self.listed:
            if (_peer(unit), unit["unit"]) == (peer, id) and len(unit["roles"]) == 1:
                return role_in(load_catalogue().get(body_type), str(unit["roles"][0]))
        return None

    def is_authority(self, id: object) -> bool:
        """Return whether a unit of this node is a public authority, by the descriptor that its roots signed."""
        return any(
            (_peer(unit), unit["unit"], unit["kind"]) == (None, id, UnitKind.PUBLIC_AUTHORITY) for unit in self.listed
        )


async def load_units(visit: Visit, spoken: Words | None = None) -> Units:
    """Load all units that this node knows, named for the reader or in another language."""
    words = spoken or visit.words
    return Units((await visit.ask("directory.list", {"language": words.language.code}))["units"], words)


def _peer(unit: Mapping[str, Any]) -> str | None:
    return None if unit["state"] == "own" else str(unit["peer"])


async def find_sender(visit: Visit, units: Units, case: str | None) -> str | None:
    """Find the unit here that writes: that of the person, the only one there is, or the only one that looks after the
    case; None where somebody has to choose.
    """
    own = [visit.who.caller.unit] if visit.who.caller.unit else [id for id, _ in units.of()]
    if len(own) > 1 and case is not None and visit.allows("case.show"):
        keepers = (await visit.ask("case.show", {"id": case}))["units"]
        own = [unit for unit in own if unit in keepers]
    return own[0] if len(own) == 1 else None
