"""The stored trust records of both directions are verified from their own bytes, and against the audit log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import Connection, delete, func, update
from support import rows
from support.nodes import NOW, Node
from support.sign_as import sign_as

from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.tables import audit, trust_record
from gateway.foundation.ids import NodeId
from gateway.peers import store as peers
from gateway.peers import trust_record_store
from gateway.peers.trust_record_store import IN, OUT, TrustRow
from gateway.trust import history
from keys.documents.trust_record import Assertion, TrustRecord, TrustState
from keys.primitives.domains import TRUST, TRUST_1
from keys.primitives.encoding import DAY
from keys.primitives.sign import sign_document

US, THEM = Node("us"), Node("them")
OURS, THEIRS = US.first(), THEM.first()
OTHER = Node("other").first().node
SIDES = {OUT: ("of ours", "trust.issued"), IN: ("of theirs", "trust.taken")}
SCOPE = {
    "types": ["referral.request"],
    "directions": ["receive", "send"],
    "corridors": [["AL", "FR"]],
    "units": ["gateway-1"],
    "roles": ["case_worker"],
    "purposes": ["referral"],
    "max_bytes": 1_000,
    "max_file_bytes": 2_000,
}
FIRST = TrustRecord(
    node=OURS.node,
    peer=THEIRS.node,
    peer_desc_version=1,
    peer_desc_hash=THEIRS.hash,
    state=TrustState.ACTIVE,
    scope=SCOPE,
    not_before=NOW,
    expires=NOW + 365 * DAY,
    approvals=(Assertion(admin="A" * 22, credential="B" * 21 + "A", assertion="C" * 42 + "A"),),
    prev=None,
)


@dataclass
class Link:
    """What this node stores of its link with one peer: two records each way, one after the other."""

    connection: Connection
    held: dict[str, list[TrustRecord]] = field(default_factory=lambda: {OUT: [], IN: []})

    def keeps(
        self, direction: str, peer: NodeId = THEIRS.node, *, payload_type: str = TRUST, follows: bool = True
    ) -> None:
        """One more record of this direction, with its entry of the log."""
        chain = self.held[direction]
        ends = (OURS, THEIRS) if direction == OUT else (THEIRS, OURS)
        made = replace(
            FIRST,
            node=ends[0].node,
            peer=ends[1].node,
            not_before=NOW + len(chain),
            prev=chain[-1].hash if chain and follows else None,
            payload_type=payload_type,
        )
        chain.append(made)
        document = signed(direction, made)
        row = TrustRow(peer=peer, direction=direction, seq=len(chain), hash=made.hash, document=document, acked=None)
        trust_record_store.add_record(self.connection, row)
        self.logs(direction, made.hash, peer)

    def logs(self, direction: str, hash: str, peer: NodeId = THEIRS.node) -> None:
        """An entry of the log that says that a record was issued or taken."""
        built = leaf(NOW, SIDES[direction][1], peer=peer, record=hash, state="active")
        journal.append_leaf(self.connection, built)

    def alters(self, direction: str, seq: int, **values: object) -> None:
        """Somebody edits a stored record by hand."""
        where = (trust_record.c.direction == direction, trust_record.c.seq == seq)
        assert self.connection.execute(update(trust_record).where(*where).values(values)).rowcount == 1

    def loses(self, direction: str, *places: int) -> None:
        """Somebody takes stored records out."""
        where = (trust_record.c.direction == direction, trust_record.c.seq.in_(places))
        assert self.connection.execute(delete(trust_record).where(*where)).rowcount == len(places)

    def faults(self) -> list[str]:
        """What is wrong."""
        return history.records(self.connection, THEIRS.node, ours=[OURS], theirs=[THEIRS])


def signed(direction: str, record: TrustRecord) -> bytes:
    """The record as its issuer signs it."""
    by = US if direction == OUT else THEM
    if record.is_first_form:
        return sign_as(TRUST_1, record.encode(), by.sig).encode()
    return sign_document(TRUST, record.encode(), [by.sig]).encode()


@pytest.fixture
def link(connection: Connection) -> Link:
    """A link with two records each way."""
    for node in (THEIRS.node, OTHER):
        peers.add(connection, rows.peer(node))
    made = Link(connection)
    for direction in (OUT, OUT, IN, IN):
        made.keeps(direction)
    return made


def test_true_records(link: Link):
    """Nothing is wrong with them, nor with a peer that has none yet."""
    assert link.faults() == []
    assert history.records(link.connection, OTHER, ours=[OURS], theirs=[THEIRS]) == []


@pytest.mark.parametrize("direction", SIDES)
def test_another_record_at_a_place(link: Link, direction: str):
    """Signed by the right key, and yet not the one whose hash stands beside it; the next one is judged for itself."""
    whose, _ = SIDES[direction]
    link.alters(direction, 1, document=signed(direction, replace(link.held[direction][0], expires=NOW + DAY)))
    assert link.faults() == [f"trust record 1 {whose}: not the record that was stored at this place"]
    link.alters(direction, 1, document=signed(direction, link.held[direction][0]), hash="x")
    assert link.faults() == [
        f"trust record {seq} {whose}: not the record that was stored at this place" for seq in (1, 2)
    ]


@pytest.mark.parametrize("direction", SIDES)
def test_a_record_out_of_the_middle(link: Link, direction: str):
    """The one behind it follows nothing that is here."""
    link.loses(direction, 1)
    whose, _ = SIDES[direction]
    assert link.faults() == [f"trust record 2 {whose}: not the record that was stored at this place"]


@pytest.mark.parametrize(("direction", "signer"), [(OUT, IN), (IN, OUT)])
def test_a_record_that_the_other_side_signed(link: Link, direction: str, signer: str):
    """Only the issuer's own keys sign what it permits."""
    link.alters(direction, 2, document=signed(signer, link.held[direction][1]))
    assert link.faults() == [f"trust record 2 {SIDES[direction][0]}: signed by a key that was never listed"]


@pytest.mark.parametrize(("direction", "entry"), [(OUT, 2), (IN, 4)])
def test_the_newest_record_was_cut_off(link: Link, direction: str, entry: int):
    """The log says which one was the newest; the same if nothing is left of the chain."""
    told = f"the newest trust record {SIDES[direction][0]} is not the one of entry {entry} of the audit log"
    link.loses(direction, 2)
    assert link.faults() == [told]
    link.loses(direction, 1)
    assert link.faults() == [told]


@pytest.mark.parametrize("direction", SIDES)
def test_a_newest_entry_that_says_nothing_of_this_chain(link: Link, direction: str):
    """One of another peer counts for that one; a damaged one is for the examination of the log to name."""
    link.logs(direction, "h" * 43, OTHER)
    assert link.faults() == []
    assert history.records(link.connection, OTHER, ours=[OURS], theirs=[THEIRS]) == [
        f"the newest trust record {SIDES[direction][0]} is not the one of entry 5 of the audit log"
    ]
    link.logs(direction, "h" * 43)
    damaged = (
        update(audit).where(audit.c.seq == 6).values(leaf=func.substr(audit.c.leaf, 1, func.length(audit.c.leaf) - 1))
    )
    link.connection.execute(damaged)
    assert link.faults() == []


@pytest.mark.parametrize("direction", SIDES)
def test_a_chain_begins_anew_behind_the_first_form(connection: Connection, direction: str):
    """What was said in the first form is history: the first record of the second names none of it, the next one that
    first one; a record that names the history, and one of the first form behind the second, do not belong there.
    """
    peers.add(connection, rows.peer(THEIRS.node))
    link = Link(connection)
    for payload_type, follows in ((TRUST_1, True), (TRUST_1, True), (TRUST, False), (TRUST, True)):
        link.keeps(direction, payload_type=payload_type, follows=follows)
    assert link.faults() == []
    whose, _ = SIDES[direction]
    link.keeps(direction, payload_type=TRUST_1)
    assert link.faults() == [f"trust record 5 {whose}: not the record that was stored at this place"]
    other = Link(connection)
    connection.execute(delete(trust_record))
    for payload_type in (TRUST_1, TRUST):
        other.keeps(direction, payload_type=payload_type)
    assert other.faults() == [f"trust record 2 {whose}: not the record that was stored at this place"]
