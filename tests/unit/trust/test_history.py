"""The history of a subject is verified from its own bytes: an altered one is named at its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import Connection, delete, update
from support import rows
from support.ceremony import ADMINS

from gateway.changes import administrators, store
from gateway.changes.administrators import ADMINS as OF_ADMINS
from gateway.changes.rules import DELAY
from gateway.changes.store import DONE, ApprovalRow, ChangeRow
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.tables import approval, audit, change
from gateway.foundation.ids import NodeId
from gateway.peers import store as peers
from gateway.peers.scope import Scope
from gateway.trust import history
from keys.documents.admin_card import AdminCard
from keys.documents.change import Change
from keys.offline.administrator_key import Admin, new_admin
from keys.primitives.encoding import SKEW

NOTHING = frozenset[str]()
SCOPE = Scope(
    types=NOTHING,
    directions=frozenset(),
    corridors=frozenset(),
    units=NOTHING,
    roles=NOTHING,
    purposes=NOTHING,
    max_bytes=1,
    max_file_bytes=0,
).to_json()
NODE, PEER = NodeId("n1" + "a" * 32), "n1" + "b" * 32
ANA, BEN = ADMINS
ZOE = new_admin(label="Zoe D.", now=0)
YAN = new_admin(label="Yan E.", now=0)
NOW = 1_800_000_000


@dataclass
class Office:
    """A node with Ana and Ben as its administrators, and what it completes since."""

    connection: Connection
    prev: str | None = None

    def completes(
        self,
        action: str,
        by: Sequence[Admin],
        *,
        at: int = NOW,
        effective: int | None = None,
        emergency: bool = False,
        subject: str = PEER,
        seq: int | None = None,
        **changed: Any,
    ) -> Change:
        """A change that these people approve one second after each other, with its entry of the log."""
        prev = changed.pop("prev", self.prev)
        body = changed.pop("body", {})
        usual = {"node": NODE, "subject": subject, "prev": prev, "at": at, "action": action, "body": body}
        made = Change(**{**usual, **changed})
        done = at + len(by) if effective is None else effective
        place = seq or 1 + len(store.changes_of(self.connection, subject))
        row = ChangeRow(
            hash=made.hash, subject=subject, seq=place, payload=made.encode(), state=DONE, at=at, effective=done
        )
        store.add_change(self.connection, row)
        for second, who in enumerate(by, 1):
            self.approves(made, who, at + second, emergency=emergency)
        self.logs(made, at + 60, subject)
        self.prev = made.hash
        return made

    def approves(self, made: Change, who: Admin, at: int, *, emergency: bool = False) -> None:
        """One more approval of a change."""
        document = who.approve(made, at=at, emergency=emergency).document.encode()
        row = ApprovalRow(change=made.hash, admin=who.card.pseudonym, document=document, at=at)
        store.add_approval(self.connection, row)

    def logs(self, made: Change, at: int, subject: str) -> None:
        """The entry of the audit log that says that it was completed."""
        built = leaf(at, "change.completed", change=made.hash, action=made.action, subject=subject, effective=at)
        journal.append_leaf(self.connection, built)

    def shown(self, subject: str = PEER) -> tuple[list[Any], list[str]]:
        """What is shown of a subject: its changes, and what is wrong."""
        return history.verified(NODE, self.connection, subject)

    def faults(self, subject: str = PEER) -> list[str]:
        """What is wrong."""
        return self.shown(subject)[1]


@pytest.fixture
def office(connection: Connection) -> Office:
    """The node as it begins."""
    administrators.begin(connection, NODE, [admin.card for admin in ADMINS], 100)
    return Office(connection)


def test_a_true_history(office: Office):
    """Who approved what and when, when it took effect, and which change left nothing of which."""
    first = office.completes("peer.suspend", [ANA])
    second = office.completes("peer.resume", [BEN, ANA], at=NOW + 10)
    changes, faults = office.shown()
    assert faults == []
    assert changes == [
        {
            "seq": 1,
            "id": first.hash,
            "action": "peer.suspend",
            "at": NOW,
            "completed": NOW + 60,
            "effective": NOW + 60,
            "superseded": 2,
            "state": DONE,
            "approvals": [{"admin": ANA.card.pseudonym, "label": "Ana B.", "at": NOW + 1}],
            "fault": None,
        },
        {
            "seq": 2,
            "id": second.hash,
            "action": "peer.resume",
            "at": NOW + 10,
            "completed": NOW + 70,
            "effective": NOW + 70,
            "superseded": None,
            "state": DONE,
            "approvals": [
                {"admin": BEN.card.pseudonym, "label": "Ben C.", "at": NOW + 11},
                {"admin": ANA.card.pseudonym, "label": "Ana B.", "at": NOW + 12},
            ],
            "fault": None,
        },
    ]
    assert office.shown("n1" + "c" * 32) == ([], [])
    assert office.faults(OF_ADMINS) == []


def test_a_change_with_a_delay_takes_effect_at_its_own_time(office: Office):
    """A day after the last approval, whenever the log here heard of it."""
    office.completes("peer.widen", [ANA, BEN], body={"scope": SCOPE}, effective=NOW + 2 + DELAY)
    ((shown,), faults) = office.shown()
    assert (shown["completed"], shown["effective"], faults) == (NOW + 60, NOW + 2 + DELAY, [])


def test_an_emergency_of_all_who_approved_has_no_delay(office: Office):
    """It takes effect with the last approval; the same time without the mark would be a fault."""
    widened = office.completes("peer.widen", [ANA, BEN], body={"scope": SCOPE}, emergency=True)
    office.completes("peer.widen", [ANA, BEN], body={"scope": SCOPE}, at=NOW + 10, effective=NOW + 12)
    changes, _ = office.shown()
    assert (changes[0]["id"], changes[0]["effective"]) == (widened.hash, NOW + 2)
    assert [shown["fault"] for shown in changes] == [None, "its time is not the one that the approvals give"]


# --- what was altered --------------------------------------------------------------------------------------------


def test_bytes_that_are_not_those_that_were_approved(office: Office):
    """The place is named; the change after it is judged for itself."""
    office.completes("peer.suspend", [ANA])
    forged = office.completes("peer.resume", [ANA, BEN], at=NOW + 10)
    payload = replace(forged, at=NOW + 11).encode()
    office.connection.execute(update(change).where(change.c.hash == forged.hash).values(payload=payload))
    changes, faults = office.shown()
    assert faults == ["change 2: its bytes are not those that were approved"]
    assert [shown["fault"] for shown in changes] == [None, "its bytes are not those that were approved"]
    office.connection.execute(update(change).where(change.c.hash == forged.hash).values(payload=b"{}"))
    (broken,) = (shown for shown in office.shown()[0] if shown["fault"])
    assert (broken["action"], broken["effective"], broken["superseded"]) == (None, NOW + 12, None)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"node": NodeId("n1" + "d" * 32)}, "it is of another node, subject or time"),
        ({"prev": "A" * 43}, "it does not follow the change before it"),
        ({"seq": 2}, "it does not follow the change before it"),
        ({"effective": NOW + 5}, "its time is not the one that the approvals give"),
        ({"by": []}, "too few people approved it"),
        ({"by": [ZOE]}, "approved by somebody who was no administrator then"),
    ],
    ids=["another node", "another before it", "another place", "another time", "nobody", "a stranger"],
)
def test_a_change_that_was_put_there(office: Office, changed: dict[str, Any], fault: str):
    """Each of the steps by which a change is judged."""
    office.completes("peer.suspend", **{"by": [ANA]} | changed)
    assert office.faults() == [f"change 1: {fault}"]


def test_a_change_of_another_subject(office: Office):
    """It is true, and true of somebody else."""
    other = office.completes("peer.suspend", [ANA], subject="n1" + "c" * 32)
    office.connection.execute(update(change).where(change.c.hash == other.hash).values(subject=PEER))
    assert "change 1: it is of another node, subject or time" in office.faults()


def test_one_person_counts_once(office: Office):
    """Under another name too: the key tells."""
    twin = Admin(card=AdminCard.make(pseudonym="D" * 21 + "A", label="Dana E.", at=NOW, key=ANA.key), key=ANA.key)
    enrols(office, NOW, twin)
    office.completes("peer.resume", [ANA, twin], at=NOW + 10, prev=None)
    assert office.faults() == ["change 1: the same person approved this already; it still waits for a different one"]


@pytest.mark.parametrize("column", ["admin", "at"])
def test_an_approval_beside_another_name_or_time(office: Office, column: str):
    """What stands beside the signed approval is what it says."""
    made = office.completes("peer.suspend", [ANA], effective=NOW + 1)
    value = {"admin": BEN.card.pseudonym, "at": NOW + 2}[column]
    office.connection.execute(update(approval).where(approval.c.change == made.hash).values({column: value}))
    assert office.faults() == ["change 1: an approval is for another change, person or time"]


def test_an_approval_of_another_change(office: Office):
    """It is signed, and not for this."""
    made, other = office.completes("peer.suspend", [ANA]), office.completes("peer.resume", [ANA, BEN], at=NOW + 10)
    document = ANA.approve(other, at=NOW + 1).document.encode()
    office.connection.execute(update(approval).where(approval.c.change == made.hash).values(document=document))
    (fault,) = office.faults()
    assert fault.startswith("change 1: ")


# --- administrators of then --------------------------------------------------------------------------------------


def enrols(office: Office, at: int, who: Admin = ZOE) -> None:
    """Somebody becomes an administrator."""
    (first,) = store.changes_of(office.connection, OF_ADMINS)
    body = {"admin": who.card.document.to_json()}
    office.completes("admin.enrol", [ANA, BEN], at=at, subject=OF_ADMINS, prev=first.hash, body=body)


def test_who_approved_was_an_administrator_then(office: Office):
    """From the second on in which they became one, by clocks that may differ; and no longer than they were."""
    enrols(office, NOW)
    (_, last) = store.changes_of(office.connection, OF_ADMINS)
    retired = NOW + 100_000
    body = {"pseudonym": ZOE.card.pseudonym}
    office.completes("admin.retire", [ANA, BEN], at=retired, subject=OF_ADMINS, prev=last.hash, body=body)
    since, until = NOW + 2, retired + 2
    for at, right in (
        (since - SKEW - 2, False),
        (since - SKEW - 1, True),
        (until + SKEW - 1, True),
        (until + SKEW, False),
    ):
        office.connection.execute(delete(approval).where(approval.c.admin == ZOE.card.pseudonym))
        office.connection.execute(delete(change).where(change.c.subject == PEER))
        office.completes("peer.suspend", [ZOE], at=at, prev=None)
        found = office.shown()[0][-1]
        assert (found["fault"] is None) is right, at
        assert found["approvals"][0]["label"] == "Zoe D."


def test_altered_administrators_are_told_with_every_subject(office: Office):
    """What rests on them rests on nothing; among their own changes it is told once."""
    enrols(office, NOW)
    office.completes("peer.suspend", [ANA], at=NOW + 10, prev=None)
    (row,) = [row for row in store.changes_of(office.connection, OF_ADMINS) if row.seq == 2]
    office.connection.execute(update(change).where(change.c.hash == row.hash).values(effective=NOW))
    fault = "its time is not the one that the approvals give"
    assert office.faults() == [f"change 2 of the administrators: {fault}"]
    assert office.faults(OF_ADMINS) == [f"change 2: {fault}"]
    office.connection.execute(update(change).where(change.c.hash == row.hash).values(payload=b"{}"))
    (told,) = office.faults()
    assert told.startswith("change 2 of the administrators: ")


def test_who_was_enrolled_after_a_change_that_can_not_be_read(office: Office):
    """That change is told, and what they approved counts all the same."""
    enrols(office, NOW)
    (_, unreadable) = store.changes_of(office.connection, OF_ADMINS)
    body = {"admin": YAN.card.document.to_json()}
    office.completes("admin.enrol", [ANA, BEN], at=NOW + 10, subject=OF_ADMINS, prev=unreadable.hash, body=body)
    office.connection.execute(update(change).where(change.c.hash == unreadable.hash).values(payload=b"{}"))
    office.completes("peer.suspend", [YAN], at=NOW + 100, prev=None)
    (told,) = office.faults()
    assert told.startswith("change 2 of the administrators: ")


# --- the audit log -----------------------------------------------------------------------------------------------


def test_a_change_that_was_cut_off(office: Office):
    """The log says that there was one: neither the end of a history nor that of the administrators goes unseen."""
    made = office.completes("peer.suspend", [ANA])
    enrols(office, NOW)
    for hash in (made.hash, store.changes_of(office.connection, OF_ADMINS)[-1].hash):
        office.connection.execute(delete(approval).where(approval.c.change == hash))
        office.connection.execute(delete(change).where(change.c.hash == hash))
    assert office.faults() == [
        "the change that entry 2 of the audit log completed is not here",
        "the change that entry 3 of the audit log completed is not here",
    ]


def test_a_change_that_was_only_proposed(office: Office):
    """The log names it, and not as completed: nothing is missing."""
    proposed = leaf(NOW, "change.proposed", change="h" * 43, action="peer.suspend", subject=PEER)
    journal.append_leaf(office.connection, proposed)
    assert office.faults() == []


def test_a_change_that_the_log_does_not_know(office: Office):
    """It was put there; a damaged entry of the log counts as none and is for the examination of the log to name."""
    office.completes("peer.suspend", [ANA])
    office.connection.execute(update(audit).where(audit.c.seq == 2).values(leaf=b'{"ev":"change.completed"'))
    office.connection.execute(delete(audit).where(audit.c.seq == 1))
    ((shown,), faults) = office.shown()
    assert (shown["completed"], shown["effective"]) == (None, NOW + 1)
    assert sorted(faults) == [
        "change 1 of the administrators: the audit log has no entry of it",
        "change 1: the audit log has no entry of it",
    ]


def test_a_change_of_administrators_that_the_log_does_not_know(office: Office):
    """It is named as theirs, whosever history is asked about."""
    office.connection.execute(delete(audit).where(audit.c.seq == 1))
    assert office.faults() == ["change 1 of the administrators: the audit log has no entry of it"]


# --- where a peer stands -----------------------------------------------------------------------------------------


def stands(connection: Connection, *entries: tuple[str, dict[str, Any]], state: str = "active") -> list[str]:
    """What is wrong with a peer in this state after these entries of the log."""
    peers.add(connection, rows.peer(PEER, state=state))
    for event, facts in entries:
        journal.append_leaf(connection, leaf(NOW, event, **facts))
    return history.position(connection, PEER)


ACTIVE = ("peer.state", {"peer": PEER, "state": "active"})
STOPPED = ("peer.state", {"peer": PEER, "state": "suspended"})
OTHERS = ("peer.suspended", {"peer": "n1" + "c" * 32})


@pytest.mark.parametrize(
    "entries", [[ACTIVE], [STOPPED, ACTIVE], [ACTIVE, OTHERS], [ACTIVE, ("peer.seen", {"peer": PEER})]]
)
def test_a_peer_that_is_active_by_the_log(connection: Connection, entries: list[Any]):
    """The last word on where it stands counts, not that on another peer or on something else."""
    assert stands(connection, *entries) == []


@pytest.mark.parametrize("event", ["peer.state", "peer.suspended", "peer.tombstone", "peer.roots_changed"])
def test_a_peer_that_the_log_stopped(connection: Connection, event: str):
    """Also where no person did: a proof of misbehaviour, a tombstone, changed roots."""
    stopped = (event, {"peer": PEER} | ({"state": "suspended"} if event == "peer.state" else {}))
    assert stands(connection, ACTIVE, stopped, OTHERS) == [
        "the peer counts as active, and entry 2 of the audit log stopped it"
    ]


def test_a_peer_that_the_log_never_made_active(connection: Connection):
    """Somebody wrote it into the database."""
    assert stands(connection, OTHERS) == ["the peer counts as active, and the audit log has no entry of that"]


def test_a_peer_that_is_stopped_needs_no_entry(connection: Connection):
    """Whoever stops one wrongly lets nothing in."""
    assert stands(connection, ACTIVE, state="suspended") == []
