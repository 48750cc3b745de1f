"""How a case is shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence, Set

from sqlalchemy import Connection

from gateway.cases import listing, store, units
from gateway.cases.changes import reason_of
from gateway.cases.entries import cases_closed_to
from gateway.cases.list_rules import ListedCase
from gateway.cases.operations.contents import CaseContents
from gateway.cases.operations.history_views import show_history
from gateway.cases.register import cards_in, find_row
from gateway.cases.rules import Card, LinkKind
from gateway.cases.store import CaseRow, ChangeRow
from gateway.database import content as content_rows
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId, UnitId
from gateway.operations.ids import Subject
from gateway.operations.roles import Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Json


class CaseViews:
    """Shows one case with what is of it."""

    def __init__(self, content: Content, peers: PeerRegistry) -> None:
        self._content = content
        self._contents = CaseContents(content, peers)

    def lines(self, connection: Connection, rows: Sequence[CaseRow], unit: UnitId | None) -> list[Json]:
        """Write the lines of these cases in a list, for a caller of this unit."""
        cards = cards_in(self._content.sealer, connection, rows)
        of = units.of_cases(self._content.sealer, connection, [row.id for row in rows])
        shown = [row for row in rows if unit is None or unit in of[row.id]]
        owed = _owed(connection, [row.id for row in shown])
        return [summary(row, cards[row.id], of[row.id]) | owed[row.id] for row in shown]

    def show(self, connection: Connection, id: str, caller: Caller) -> dict[str, Json]:
        """The whole case, as a caller sees it. Raises RefusedError not_found."""
        closed = cases_closed_to(self._content.sealer, connection, caller)
        row = find_row(connection, id, place="/id")
        card = cards_in(self._content.sealer, connection, [row])[row.id]
        of = units.of_cases(self._content.sealer, connection, [row.id])[row.id]
        return {
            **summary(row, card, of),
            "keepers": _keepers(card),
            "worker": card.worker,
            "flags": [flag.text for flag in card.flags],
            "group": self._group(connection, card, closed, caller.unit),
            **self._contents.show(connection, row.id),
            **show_history(self._content.sealer, connection, row.id),
            "changes": self._changes(connection, row.id, closed, caller.unit),
        }

    def _group(self, connection: Connection, card: Card, closed: Set[CaseId], unit: UnitId | None) -> list[Json]:
        """The cases of the family; a caller learns the name of none that is closed to them, and a caller of one unit
        only the names of those that its unit looks after.
        """
        group = card.group or {}
        rows = store.get(connection, group.keys() - closed)
        cards = cards_in(self._content.sealer, connection, rows.values())
        of = units.of_cases(self._content.sealer, connection, list(group))
        return [
            {
                "other": case,
                "relation": how,
                "name": cards[case].name if case in rows and (unit is None or unit in of[case]) else None,
            }
            for case, how in group.items()
        ]

    def _changes(self, connection: Connection, id: CaseId, closed: Set[CaseId], unit: UnitId | None) -> list[Json]:
        """How people changed the case, as far as the caller may be shown both cases of a change: its reason tells of
        both. Who is of one unit is shown what that unit may confirm and take back.
        """
        return [
            self._change(connection, one)
            for one in store.changes_of(connection, id)
            if closed.isdisjoint((one.source, one.target))
            and (unit is None or unit in (self._units_of(connection, one) or ()))
        ]

    def _units_of(self, connection: Connection, row: ChangeRow) -> Set[UnitId] | None:
        return units.units_of(self._content.sealer, connection, Subject.CASE_CHANGE, row.id)

    def _change(self, connection: Connection, row: ChangeRow) -> dict[str, Json]:
        sealed = content_rows.get(connection, [row.ref]).get(row.ref)
        return {
            "id": row.id,
            "kind": row.kind,
            "state": row.state,
            "at": row.at,
            "from": row.source or None,
            "into": row.target,
            "reason": reason_of(self._content, sealed).get("reason"),
        }


def _owed(connection: Connection, ids: Collection[CaseId]) -> dict[CaseId, dict[str, Json]]:
    """Count the conversations of each case, and find when the next thing is over that each side owes in them."""
    talks = listing.talks_of(connection, ids, stages=(), resting=())
    counts = Counter(link.case_id for link in store.links_of(connection, ids, LinkKind.CONVERSATION))
    listed = [ListedCase(id=id, at=0, talks=talks.get(id, ())) for id in ids]
    return {one.id: {"conversations": counts[one.id], "ours": one.ours, "theirs": one.theirs} for one in listed}


NAMES = frozenset({"name", "number", "worker", "reason", "states", "flags", "covers"})
"""What a case is called, what people wrote about it, whom the person fears, and what she agreed to."""


def nameless(value: Json) -> Json:
    """A case, or a list of them, without what names the person or was written about it."""
    if isinstance(value, list):
        return [nameless(item) for item in value]
    if isinstance(value, dict):
        return {name: nameless(item) for name, item in value.items() if name not in NAMES}
    return value


def summary(row: CaseRow, card: Card, of: Collection[UnitId]) -> dict[str, Json]:
    """Write the line of a case in a list."""
    return {"id": row.id, "name": card.name, "number": card.number, "at": row.at, "units": [*sorted(of)]}


def _keepers(card: Card) -> list[Json]:
    return [
        {"unit": one.unit, "worker": one.worker, "since": one.since, "until": one.until, "reason": one.reason}
        for one in card.keepers
    ]
