"""What the node holds of a case that its log is read by: messages, consents, drafts, notes and holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.cases import entries, kept
from gateway.cases import store as cases
from gateway.cases.history import ApartEntry, BlockEntry, Entry, QuestionEntry, RoleEntry, StatusEntry
from gateway.cases.register import cards_in, draft_key
from gateway.cases.rules import Card, LinkKind
from gateway.cases.store import CaseRow
from gateway.database import content as content_rows
from gateway.database.content_sealer import ContentSealer
from gateway.delivery.operations.messages_shown import opened_rows
from gateway.erasure import store as erasures
from gateway.foundation.ids import NodeId
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import local, messages, receipts
from gateway.messages.store.local import OWN
from gateway.messages.store.messages import MessageRow
from gateway.peers.registry import PeerRegistry
from gateway.policy import store as asylum
from gateway.ports import Json
from keys.documents.envelope import Status
from keys.primitives.encoding import b64u

Moment = tuple[tuple[str, ...], int]
"""Something that happened to the case, by the events that tell of it and its second."""
_TOLD = frozenset({str(Status.OPENED), str(Status.REJECTED)})
"""Receipts that are told as acts of the peer: that a person opened a message, or that it was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecords:
    """Everything of one case. `hashes` are the statements of each message, `consents` when each was recorded by its
    keyed index, `named` what each id or hash in the log is about, None where it is no message.
    """

    case: CaseRow
    card: Card
    rows: Sequence[MessageRow]
    opened: Mapping[int, MessageContent]
    hashes: Mapping[int, frozenset[str]]
    consents: Mapping[bytes, int]
    named: Mapping[str, MessageRow | None]
    moments: Sequence[Moment]
    receipts: Sequence[receipts.ReceiptRow]
    peers: PeerRegistry

    @property
    def subjects(self) -> list[str]:
        """The ids under which looks at the case are kept."""
        return list(self.named)

    def describe(self, row: MessageRow | None) -> Json:
        """The message that something is about, without what it says."""
        if row is None:
            return None
        opened = self.opened.get(row.ref)
        return {
            "direction": row.direction,
            "peer": name_peer(self.peers, row.peer),
            "kind": None if opened is None else opened.facts.body_type,
        }

    def basis(self, row: MessageRow | None) -> Json:
        """On what a message rests; null for what is none."""
        if row is None:
            return None
        opened = self.opened.get(row.ref)
        header: Mapping[str, Json] = {} if opened is None else opened.halves()[0]
        legal = header.get("legal_basis")
        return {
            "consent": None if row.consent is None else self.consents.get(row.consent),
            "legal_basis": [*legal] if isinstance(legal, list) else [],
            "transfer_basis": header.get("transfer_basis"),
            "vital_interest": "vital_interest" in header,
        }


def name_peer(peers: PeerRegistry, node: NodeId) -> str:
    """The name that a peer has here, or its node id."""
    peer = peers.get(node)
    return node if peer is None else peer.name


def load_records(connection: Connection, sealer: ContentSealer, peers: PeerRegistry, case: CaseRow) -> CaseRecords:
    """Load what the node holds of a case."""
    links = cases.links(connection, case.id)
    conversations = [link.key for link in links if link.kind == LinkKind.CONVERSATION]
    rows = messages.of_conversations(connection, conversations)
    refs = [row.ref for row in rows]
    hashes: dict[int, set[str]] = {ref: set() for ref in refs}
    for sealing in messages.sealings(connection, refs):
        hashes[sealing.message].add(sealing.hash)
    held = [(index, row) for index, rows in _consents(connection, links, rows).items() for row in rows]
    card = cards_in(sealer, connection, [case])[case.id]
    named: dict[str, MessageRow | None] = {case.id: None}
    named |= {b64u(key): None for key in conversations}
    named |= {b64u(index): None for index, _ in held}
    named |= {_draft_id(link.key): None for link in links if link.kind == LinkKind.DRAFT}
    named |= {hash: row for row in rows for hash in hashes[row.ref]} | {row.id: row for row in rows}
    return CaseRecords(
        case=case,
        card=card,
        rows=rows,
        opened=opened_rows(sealer, content_rows.get(connection, refs)),
        hashes={ref: frozenset(found) for ref, found in hashes.items()},
        consents={index: row.at for index, row in reversed(held)},
        named=named,
        moments=[
            (("case.opened",), case.at),
            *((("consent.recorded",) if row.holder == OWN else ("consent.held",), row.at) for _, row in held),
            *(_moment_of(one) for one in entries.of_case(sealer, connection, case.id)),
            *((("case.handed_over",), one.since) for one in card.keepers if one.since != case.at),
            *((("case.flagged",), flag.at) for flag in card.flags),
            *((("case.changed", "case.change_asked"), one.at) for one in cases.changes_of(connection, case.id)),
            *_holds(connection, case, links, conversations),
        ],
        receipts=[
            told
            for row in rows
            if row.direction == messages.OUT
            for told in receipts.of_message(connection, receipts.RECEIVED, row.peer, row.id)
            if told.status in _TOLD
        ],
        peers=peers,
    )


def _consents(
    connection: Connection, links: Sequence[cases.Link], rows: Sequence[MessageRow]
) -> dict[bytes, Sequence[local.ConsentRow]]:
    """The consents of the case, and those on which its messages rely, by index."""
    indexes = [link.key for link in links if link.kind == LinkKind.CONSENT]
    indexes += [row.consent for row in rows if row.consent is not None]
    return {index: local.consents(connection, index) for index in dict.fromkeys(indexes)}


def _moment_of(entry: Entry) -> Moment:
    match entry:
        case StatusEntry():
            return ("case.status_noted",), entry.at
        case RoleEntry():
            return ("case.role_noted",), entry.at
        case BlockEntry():
            return ("case.unblocked" if entry.ended else "case.blocked",), entry.at
        case QuestionEntry():
            return ("asylum.linked_asked",), entry.at
        case ApartEntry():
            return ("asylum.set_apart",), entry.at


def _holds(
    connection: Connection, case: CaseRow, links: Sequence[cases.Link], conversations: Sequence[bytes]
) -> Iterator[Moment]:
    every = erasures.every_hold(connection)
    yield from ((("retention.held",), every[key].at) for key in conversations if key in every)
    yield from ((("retention.held",), one.at) for one in kept.of_case(connection, case.id))
    found = (asylum.get(connection, link.key) for link in links if link.kind == LinkKind.HOLD)
    yield from ((("asylum.held",), one.at) for one in found if one is not None)


def _draft_id(key: bytes) -> str:
    return key.removeprefix(draft_key("")).decode()
