"""How a case is shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from gateway.cases import store, units
from gateway.cases.changes import reason_of
from gateway.cases.register import cards_in, draft_key, find_row
from gateway.cases.rules import Card, LinkKind
from gateway.cases.store import CaseRow, ChangeRow
from gateway.consent import register
from gateway.database import content as content_rows
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId, UnitId
from gateway.messages import content_codec
from gateway.messages.store import messages
from gateway.peers.registry import PeerRegistry
from gateway.ports import Json


class CaseViews:
    """Shows one case with what is of it."""

    def __init__(self, content: Content, peers: PeerRegistry) -> None:
        self._content = content
        self._peers = peers

    def show(self, connection: Connection, id: str) -> dict[str, Json]:
        """The whole case. Raises RefusedError not_found."""
        row = find_row(connection, id, place="/id")
        card = cards_in(self._content.sealer, connection, [row])[row.id]
        of = units.of_cases(self._content.sealer, connection, [row.id])[row.id]
        links = store.links(connection, row.id)
        drafts: list[Json] = [
            link.key.removeprefix(draft_key("")).decode() for link in links if link.kind == LinkKind.DRAFT
        ]
        return {
            **summary(row, card, of),
            "keepers": _keepers(card),
            "group": [{"other": case, "relation": how} for case, how in (card.group or {}).items()],
            "conversations": self._conversations(
                connection, [link.key for link in links if link.kind == LinkKind.CONVERSATION]
            ),
            "drafts": drafts,
            "consents": self._consents(connection, row.id),
            "changes": [self._change(connection, one) for one in store.changes_of(connection, row.id)],
        }

    def _conversations(self, connection: Connection, keys: Sequence[bytes]) -> list[Json]:
        rows = messages.of_conversations(connection, keys)
        last = {(row.conversation, row.peer): row for row in rows}
        sealed = content_rows.get(connection, [row.ref for row in last.values()])
        found: list[Json] = []
        for (_, node), row in last.items():
            opened = None
            if row.ref in sealed:
                opened = content_codec.read_content(self._content.sealer.open(sealed[row.ref]))
            peer = self._peers.get(node)
            found.append(
                {
                    "conversation": None if opened is None else opened.facts.conversation,
                    "peer": node if peer is None else peer.name,
                    "last": row.at,
                }
            )
        return found

    def _consents(self, connection: Connection, id: CaseId) -> list[Json]:
        found: list[Json] = []
        for ref, _, _ in store.consents_of(connection, [id]):
            sealed = content_rows.get(connection, [ref]).get(ref)
            record = register.opened(self._content.sealer, sealed)
            found.append(record["consent_id"] if isinstance(record, dict) else None)
        return found

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


NAMES = frozenset({"name", "number", "worker", "reason"})
"""What a case is called, and what people wrote about it."""


def nameless(value: Json) -> Json:
    """A case, or a list of them, without what names the person or was written about it."""
    if isinstance(value, list):
        return [nameless(item) for item in value]
    if isinstance(value, dict):
        return {name: nameless(item) for name, item in value.items() if name not in NAMES}
    return value


def summary(row: CaseRow, card: Card, of: Collection[UnitId]) -> dict[str, Json]:
    """What lists show of a case."""
    return {"id": row.id, "name": card.name, "number": card.number, "at": row.at, "units": [*sorted(of)]}


def _keepers(card: Card) -> list[Json]:
    return [
        {"unit": one.unit, "worker": one.worker, "since": one.since, "until": one.until, "reason": one.reason}
        for one in card.keepers
    ]
