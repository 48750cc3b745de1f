"""gateway.trust.link_reset.decisions: what people decide about a link fits what is so, and is carried out whole."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection
from support import rows
from support.keystores import fails
from support.nodes import NOW
from support.sign_as import sign_as
from support.trust_homes import Home, first_of, say

from gateway.audit import store as log
from gateway.audit.store import WitnessedRow
from gateway.database import journal, meta
from gateway.errors import Code
from gateway.foundation.chores import DAY
from gateway.identity.own_identity import KEYSET_FLOOR
from gateway.messages.store import links, messages, receipts
from gateway.messages.store.links import NumberRow
from gateway.peers import reset_rows, trust_record_store
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow
from gateway.peers.trust_record_store import OUT, TrustRow
from gateway.trust.link_reset import decisions, store
from gateway.trust.link_reset.protocol import record_of
from keys.documents.change import Change
from keys.documents.key_records import Use
from keys.documents.link_reset import Answered, Reset, View, reset_hash
from keys.primitives.domains import RESET
from keys.primitives.encoding import b64u

US, PEER, OTHER = first_of("a"), first_of("b"), first_of("d")
UNUSED = View(epoch=1, high=0, hash=None)
BACKUP = NOW - 500
LINK = "l" * 42 + "A"


@pytest.fixture
async def home() -> Home:
    """A node with two peers, a keyset, a message to each, and a record about each that was taken."""
    made = await Home.open("a", PEER, OTHER)
    await made.own.issue_keyset()
    for number, of in enumerate((PEER, OTHER), 1):
        sent(made.connection, number, of, "queued", None)
        said = say(made, of)
        row = TrustRow(peer=of.node, direction=OUT, seq=1, hash=said.hash, document=b"{}", acked=NOW)
        trust_record_store.add_record(made.connection, row)
    return made


def sent(connection: Connection, ref: int, to: Any, state: str, n: int | None, **changed: Any) -> None:
    """A message of ours; one that waits is on the outbox."""
    usual = {"peer": to.node, "state": state, "n": n, "epoch": None if n is None else 1, "at": BACKUP}
    messages.add(connection, [rows.message(ref, **usual | changed)])
    if state in ("queued", "awaiting_receipt", "voiding"):
        messages.enqueue(connection, [(ref, to.node, NOW + 99)])


def states(home: Home) -> dict[int, tuple[str, str | None, int | None]]:
    """State, reason and number of each message."""
    found = home.connection.exec_driver_sql("select ref, state, reason, n from message")
    return {ref: (state, reason, n) for ref, state, reason, n in found}


def alarms(home: Home) -> list[tuple[str, str | None, int | None, int]]:
    """What people are told."""
    return [(one.kind, one.peer, one.ref, one.at) for one in journal.open_alarms(home.connection)]


def change(action: str, body: dict[str, Any]) -> Change:
    """What people decide about the link to the peer."""
    return Change(node=US.node, subject=PEER.node, prev=None, at=NOW, action=action, body=body)


def put(home: Home, state: ResetState, **changed: Any) -> ResetRow:
    """Where the link to the peer stands."""
    row = ResetRow(peer=PEER.node, state=str(state), **{"at": NOW - 9, "backup": BACKUP} | changed)
    store.put(home.connection, row)
    return row


# --- a node that knows less than it did -------------------------------------------------------------------------------


def test_a_link_of_which_something_is_forgotten(home: Home) -> None:
    """This one alone needs a reset: what may be there is asked about, what was submitted since is new."""
    sent(home.connection, 5, PEER, "queued", None, at=BACKUP + 1)
    sent(home.connection, 6, PEER, "awaiting_receipt", 3, at=BACKUP + 2)
    decisions.mark_link_older(home.connection, PEER.node, made=BACKUP, at=NOW + 7)
    row = store.get(home.connection, PEER.node)
    assert row == ResetRow(peer=PEER.node, state=ResetState.REQUIRED, at=NOW + 7, backup=BACKUP)
    assert store.get(home.connection, OTHER.node) is None
    assert states(home) == {
        1: ("voiding", "restored", None),
        2: ("queued", None, None),
        5: ("queued", None, None),
        6: ("voiding", "restored", None),
    }
    assert trust_record_store.owed(home.connection) == [PEER.node]
    assert alarms(home) == [("node.older", PEER.node, None, NOW + 7)]
    (entry,) = home.entries("node.older")
    size = log.size(home.connection) - 1
    assert all(word in entry for word in (PEER.node.encode(), b'"size":%d' % size, b'"at":%d' % (NOW + 7)))


def test_a_database_that_is_older_than_the_node(home: Home) -> None:
    """Nothing that it says of a link counts any more, but for peers that are gone for ever."""
    home.connection.exec_driver_sql("update peer set state = 'revoked' where node = ?", (OTHER.node,))
    keyset = home.own.keyset
    decisions.mark_older(home.connection, made=BACKUP, sha256="s" * 64, at=NOW + 7)
    mark = reset_rows.restored(home.connection)
    assert mark == reset_rows.Restored(at=NOW + 7, backup=BACKUP, sha256="s" * 64)
    assert store.known(home.connection, PEER.node) and not store.known(home.connection, OTHER.node)
    row = store.get(home.connection, PEER.node)
    assert row == ResetRow(peer=PEER.node, state=ResetState.REQUIRED, at=NOW + 7, backup=BACKUP)
    assert {state for state, _, _ in states(home).values()} == {"voiding"}
    assert {*trust_record_store.owed(home.connection)} == {PEER.node, OTHER.node}
    assert meta.get_meta(home.connection, "keyset") is None
    assert meta.get_meta(home.connection, KEYSET_FLOOR) == b"%d" % (keyset.version + 7 + 1)
    assert alarms(home) == [("node.older", None, None, NOW + 7)]
    (entry,) = home.entries("node.older")
    assert all(word in entry for word in (b'"of":"%s"' % (b"s" * 64), b'"at":%d' % (NOW + 7)))


@pytest.mark.parametrize(
    ("state", "backup"),
    [(ResetState.REQUIRED, BACKUP - 99), (ResetState.ASKED, BACKUP - 99), (ResetState.OPEN, BACKUP)],
)
def test_what_an_earlier_restore_forgot_is_forgotten_still(home: Home, state: ResetState, backup: int) -> None:
    """Until the link was begun anew; the other one knows all up to the backup."""
    put(home, state, backup=BACKUP - 99)
    decisions.mark_restored(home.connection, made=BACKUP, sha256="s" * 64, gen=41, at=NOW + 7)
    found = [store.get(home.connection, of.node) for of in (PEER, OTHER)]
    assert [row.backup for row in found if row is not None] == [backup, BACKUP]


def test_a_snapshot_becomes_a_node_that_knows_what_it_is(home: Home) -> None:
    """It counts on from a generation of keys, says so in its log, and is alone."""
    decisions.mark_restored(home.connection, made=BACKUP, sha256="s" * 64, gen=41, at=NOW + 7)
    size = log.size(home.connection) - 1  # before it says so
    root = log.tree(home.connection, size).root()
    assert meta.get_meta(home.connection, "keystore_gen") == b"41"
    assert reset_rows.restored(home.connection) is not None
    (entry,) = home.entries("node.restored")
    words = (b'"of":"%s"' % (b"s" * 64), b'"size":%d' % size, b64u(root).encode(), b'"at":%d' % (NOW + 7))
    assert all(word in entry for word in words)
    assert alarms(home) == [("node.restored", None, None, NOW + 7)]


@pytest.mark.parametrize("ahead", [-50, 0])
def test_a_keyset_of_the_future_is_followed_by_the_next_one(home: Home, ahead: int) -> None:
    """By a clock that is behind the one that issued it."""
    version = home.own.keyset.version
    decisions.mark_older(home.connection, made=BACKUP, sha256="s" * 64, at=NOW + ahead)
    assert meta.get_meta(home.connection, KEYSET_FLOOR) == b"%d" % (version + 1)


def test_counters_that_others_have_seen_go_on(home: Home) -> None:
    """No number of an event means two things."""
    journal.add_event(home.connection, at=1, kind="message")
    before = journal.last_event(home.connection)
    decisions.mark_older(home.connection, made=BACKUP, sha256="s" * 64, at=NOW)
    journal.add_event(home.connection, at=1, kind="message")
    assert journal.last_event(home.connection) > before + decisions.UNSEEN


# --- a reset ----------------------------------------------------------------------------------------------------------

BODY = {"view": UNUSED.to_json(), "epoch": 2, "backup": BACKUP}


@pytest.mark.parametrize(
    ("row", "body", "code"),
    [
        (None, {}, Code.CONFLICT),
        ({"state": ResetState.OPEN}, {}, Code.CONFLICT),
        ({"backup": None}, {}, Code.CONFLICT),
        ({"backup": BACKUP + 1}, {}, Code.CONFLICT),
        ({}, {"epoch": 3}, Code.CONFLICT),
        ({}, {"epoch": 1}, Code.CONFLICT),
        ({}, {"view": View(epoch=4, high=0, hash=None).to_json()}, Code.CONFLICT),
        ({}, {"view": {"epoch": 1}}, Code.INVALID),
        ({}, {"more": 1}, Code.INVALID),
    ],
)
def test_a_reset_that_does_not_fit(home: Home, row: dict[str, Any] | None, body: dict[str, Any], code: Code) -> None:
    """No link that needs it, another backup, or another epoch than follows."""
    if row is not None:
        put(home, **{"state": ResetState.REQUIRED} | row)
    with fails(code):
        decisions.check_reset(home.connection, change("link.reset", BODY | body))


def test_a_change_that_can_not_be_made_says_where(home: Home) -> None:
    """Which action it is of, and which member."""
    for action, check in (
        ("link.reset", decisions.check_reset),
        ("link.accept_reset", decisions.check_accept),
    ):
        with fails(Code.INVALID, f"^invalid: this change cannot be made: body of {action}"):
            check(home.connection, change(action, {"more": 1}))


def test_a_reset_begins_both_directions_anew(home: Home) -> None:
    """In the new epoch; the peer is asked by a request that is signed later."""
    links.use(home.connection, PEER.node, links.IN, 1, [NumberRow(n=1, id="i", prev=None, link=LINK)], 1)
    put(home, ResetState.REQUIRED, ours=b"older request")
    asked = change("link.reset", BODY)
    decisions.check_reset(home.connection, asked)
    decisions.reset(home.connection, asked, NOW + 3)
    assert decisions.positions(home.connection, PEER.node) == (2, 2)
    row = store.get(home.connection, PEER.node)
    assert row is not None
    assert (row.state, row.at, row.epoch, row.change, row.ours, row.backup) == (
        ResetState.ASKED,
        NOW + 3,
        2,
        asked.hash,
        None,
        BACKUP,
    )
    assert row.view == b'{"epoch":1,"hash":null,"high":0}'
    (entry,) = home.entries("link.reset")
    words = (PEER.node.encode(), asked.hash.encode(), b'"epoch":2', b'"at":%d' % (NOW + 3))
    assert all(word in entry for word in words)


# --- its peer ---------------------------------------------------------------------------------------------------------


def offer(home: Home, **changed: Any) -> tuple[bytes, dict[str, Any]]:
    """The peer asks, and what a person accepts."""
    usual = {"from_": PEER.node, "to": US.node, "view": UNUSED, "epoch": 2, "backup": BACKUP, "change": "c" * 43}
    payload = Reset(**usual | {"created": NOW} | changed).encode()
    key = home.keys._signer(Use.SIG).key
    document = sign_as(RESET, payload, key).encode()
    return document, {"reset": reset_hash(payload), "epoch": 2, "backup": BACKUP}


@pytest.mark.parametrize(
    ("row", "body", "code"),
    [
        (None, {}, Code.CONFLICT),
        ({"offer": None}, {}, Code.CONFLICT),
        ({}, {"reset": "A" * 43}, Code.CONFLICT),
        ({}, {"epoch": 3}, Code.CONFLICT),
        ({}, {"backup": BACKUP + 1}, Code.CONFLICT),
        ({}, {"view": UNUSED.to_json()}, Code.INVALID),
    ],
)
def test_what_can_not_be_accepted(home: Home, row: dict[str, Any] | None, body: dict[str, Any], code: Code) -> None:
    """Nothing that the peer asks now."""
    document, asked = offer(home)
    if row is not None:
        put(home, **{"state": ResetState.OPEN, "offer": document} | row)
    with fails(code):
        decisions.check_accept(home.connection, change("link.accept_reset", asked | body))


@pytest.mark.parametrize("way", [links.IN, links.OUT])
def test_an_epoch_that_is_not_above_those_of_the_link(home: Home, way: str) -> None:
    """In either direction."""
    document, asked = offer(home)
    put(home, ResetState.OPEN, offer=document)
    decisions.check_accept(home.connection, change("link.accept_reset", asked))
    links.use(home.connection, PEER.node, way, 2, [NumberRow(n=1, id="i", prev=None, link=LINK)], 1)
    with fails(Code.CONFLICT, "higher epoch"):
        decisions.check_accept(home.connection, change("link.accept_reset", asked))


def received(home: Home, ref: int, at: int) -> None:
    """The peer has signed that it received a message."""
    told = {"direction": receipts.RECEIVED, "peer": PEER.node, "id": f"id-{ref}", "at": at}
    receipts.add(home.connection, [rows.receipt(f"of {ref}", **told)])


def test_what_is_accepted_is_carried_out(home: Home) -> None:
    """Both directions begin anew; what is not known to be there goes again, and what was handed over there is named."""
    sent(home.connection, 11, PEER, "awaiting_receipt", 1)
    for ref, state, at in (
        (12, "awaiting_handover", BACKUP - decisions.UNSURE),
        (13, "awaiting_handover", BACKUP - decisions.UNSURE - 1),
        (14, "awaiting_opening", BACKUP),
        (15, "opened", BACKUP),
        (16, "opened", BACKUP - 1),
    ):
        sent(home.connection, ref, PEER, state, ref)
        received(home, ref, at)
    witnessed = WitnessedRow(peer=PEER.node, origin="log", size=9, root=b"r" * 32, note=b"note")
    log.swap_witnessed(home.connection, None, witnessed)
    for kind in ("peer.link_reset", "peer.link_reset_required"):
        journal.raise_alarm(home.connection, at=1, kind=kind, peer=PEER.node)
    document, body = offer(home)
    put(home, ResetState.OPEN, offer=document, ours=b"ours")
    asked = change("link.accept_reset", body)
    decisions.accept(home.connection, asked, NOW + 3)
    assert decisions.positions(home.connection, PEER.node) == (2, 2)
    found = {ref: (state, n) for ref, (state, _, n) in states(home).items()}
    assert {ref: found[ref] for ref in (1, 2, 11, 12)} == {
        1: ("queued", None),
        2: ("queued", None),
        11: ("queued", None),
        12: ("queued", None),
    }
    assert found[13] == ("awaiting_handover", 13) and found[14] == ("awaiting_opening", 14)
    row = store.get(home.connection, PEER.node)
    assert row is not None
    assert (row.state, row.at, row.change, row.offer, row.ours, row.accepted) == (
        ResetState.OPEN,
        NOW + 3,
        asked.hash,
        None,
        None,
        document,
    )
    assert {(kind, ref) for kind, _, ref, _ in alarms(home)} == {
        ("message.forgotten", 14),
        ("message.forgotten", 15),
        ("log.restarted", None),
    }
    assert {(peer, at) for _, peer, _, at in alarms(home)} == {(PEER.node, NOW + 3)}
    assert journal.proofs(home.connection, "log.restarted") == [b"note"]
    (restarted,) = home.entries("log.restart_accepted")
    assert all(word in restarted for word in (b'"size":9', b64u(b"r" * 32).encode(), PEER.node.encode()))
    (entry,) = home.entries("link.reset_accepted")
    words = (body["reset"].encode(), asked.hash.encode(), b'"epoch":2', PEER.node.encode(), b'"at":%d' % (NOW + 3))
    assert all(word in entry for word in words)
    assert trust_record_store.owed(home.connection) == [PEER.node]


@pytest.mark.parametrize("changed", [{}, {"ours": b"ours"}, {"ours": b"ours", "accepted": b"ours"}])
def test_a_restored_node_that_accepts_has_yet_to_be_accepted(home: Home, changed: dict[str, bytes]) -> None:
    """What its peer owes it for its own backup comes with the acceptance there, in a higher epoch; also where the peer
    had accepted it and was put back since. People are told that it has to ask.
    """
    document, body = offer(home)
    put(home, ResetState.ASKED if changed else ResetState.REQUIRED, offer=document, epoch=1, **changed)
    decisions.accept(home.connection, change("link.accept_reset", body), NOW + 3)
    row = store.get(home.connection, PEER.node)
    assert row is not None
    assert (row.state, row.backup, row.ours, row.accepted) == (ResetState.REQUIRED, BACKUP, None, document)
    asks = change("link.reset", {"view": View(epoch=2, high=0, hash=None).to_json(), "epoch": 3, "backup": BACKUP})
    assert alarms(home) == [("node.older", PEER.node, None, NOW + 3)]
    decisions.check_reset(home.connection, asks)


@pytest.mark.parametrize(("epoch", "again"), [(1, False), (2, True)])
def test_an_acceptance_that_was_forgotten_is_made_up_for(home: Home, epoch: int, again: bool) -> None:
    """The peer stands in an epoch that the backup does not know: it may have been restored, and accepted here since.
    What it has not handed over goes again, and it is told all once more.
    """
    sent(home.connection, 12, PEER, "awaiting_handover", 1)
    received(home, 12, BACKUP - 99 * DAY)
    receipts.add(home.connection, [rows.receipt("of delivered", "delivered", peer=PEER.node, at=BACKUP - 99 * DAY)])
    log.swap_witnessed(home.connection, None, WitnessedRow(peer=PEER.node, origin="l", size=9, root=b"r", note=b"n"))
    put(home, ResetState.REQUIRED)
    view = View(epoch=epoch, high=0, hash=None).to_json()
    decisions.reset(home.connection, change("link.reset", BODY | {"view": view, "epoch": epoch + 1}), NOW + 3)
    assert states(home)[12] == (("queued", None, None) if again else ("awaiting_handover", None, 1))
    assert len(receipts.owed(home.connection, PEER.node, 9)) == again
    assert [kind for kind, *_ in alarms(home)] == ["log.restarted"] * again


@pytest.mark.parametrize(
    ("state", "epoch", "again"),
    [(ResetState.REQUIRED, 2, False), (ResetState.REQUIRED, 3, True), (ResetState.OPEN, 3, False)],
)
def test_so_is_one_that_a_later_request_tells_of(home: Home, state: ResetState, epoch: int, again: bool) -> None:
    """Its epoch is not the next one: there was another reset that this node has forgotten."""
    sent(home.connection, 12, PEER, "awaiting_handover", 1)
    received(home, 12, BACKUP - 99 * DAY)
    document, body = offer(home, epoch=epoch)
    put(home, state, offer=document)
    decisions.accept(home.connection, change("link.accept_reset", body | {"epoch": epoch}), NOW + 3)
    assert states(home)[12] == (("queued", None, None) if again else ("awaiting_handover", None, 1))


def test_what_the_peer_asks_is_accepted_first(home: Home) -> None:
    """Two nodes that were both restored would end each other's request for ever."""
    document, _ = offer(home)
    put(home, ResetState.REQUIRED, offer=document)
    with fails(Code.CONFLICT, "asks for a reset of the link itself"):
        decisions.check_reset(home.connection, change("link.reset", BODY))


def test_an_alarm_of_before_the_backup_ends(home: Home) -> None:
    """The peer asked then, and was answered; what another one asks is another matter."""
    put(home, ResetState.REQUIRED)
    for peer in (PEER, OTHER):
        journal.raise_alarm(home.connection, at=1, kind="peer.link_reset", peer=peer.node)
    decisions.reset(home.connection, change("link.reset", BODY), NOW + 3)
    assert [one.peer for one in journal.open_alarms(home.connection)] == [OTHER.node]


@pytest.mark.parametrize(("at", "again"), [(BACKUP - 7 * DAY, True), (BACKUP - 7 * DAY - 1, False)])
def test_what_it_was_told_since_is_told_once_more(home: Home, at: int, again: bool) -> None:
    """Since its backup, and what may have waited in an outage before it; not what a question to void brings back."""
    for status in ("received", "delivered", "erased"):
        receipts.add(home.connection, [rows.receipt(f"of {status}", status, peer=PEER.node, at=at)])
    document, body = offer(home)
    put(home, ResetState.OPEN, offer=document)
    decisions.accept(home.connection, change("link.accept_reset", body), NOW)
    owed = [row.status for _, row in receipts.owed(home.connection, PEER.node, 9)]
    assert sorted(owed) == (["delivered", "erased"] if again else [])


# --- what is said of a link -------------------------------------------------------------------------------------------


def test_what_is_held_of_a_link(home: Home) -> None:
    """The peer's numbers, and up to which of ours it has answered."""
    assert record_of(home.connection, PEER.node).view == UNUSED
    rows_in = [NumberRow(n=n, id=f"i{n}", prev=None, link=f"{n:042d}A") for n in (1, 2)]
    links.use(home.connection, PEER.node, links.IN, 1, rows_in, 2)
    links.use(home.connection, PEER.node, links.OUT, 1, [NumberRow(n=1, id="o", prev=None, link=LINK)], 4)
    sent(home.connection, 20, PEER, "awaiting_opening", 3)
    sent(home.connection, 21, PEER, "awaiting_receipt", 4)
    found = record_of(home.connection, PEER.node)
    assert found.view == View(epoch=1, high=2, hash=f"{2:042d}A") == decisions.view_of(home.connection, PEER.node)
    assert found.answered == Answered(epoch=1, n=3)
    document, body = offer(home)
    assert decisions.read_reset(document)[1] == body["reset"]
