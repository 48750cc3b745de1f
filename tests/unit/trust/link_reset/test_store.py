"""What a link that begins anew finds, clears and asks about: of one peer, one direction and one time, and no other."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, insert, select
from support import rows
from support.rows import PEER

from gateway.cases import kept
from gateway.cases import store as cases
from gateway.cases.kept import CaseHold
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.database.content_sealer import ContentSealer
from gateway.database.tables import consent, consent_told, inbox, receipt_due, withdrawal
from gateway.erasure import store as erasures
from gateway.erasure.store import ErasureRow, HoldRow
from gateway.foundation.ids import CaseId
from gateway.messages.store import links, messages, receipts
from gateway.messages.store.links import GapRow, LinkRow, NumberRow
from gateway.messages.store.messages import InboxRow
from gateway.peers import store as peers
from gateway.peers.link_reset_state import ResetState
from gateway.peers.reset_rows import ResetRow, Restored
from gateway.trust.link_reset import store

OTHER = "n1other"
RECEIVED = {"direction": receipts.RECEIVED}


def sent(connection: Connection, ref: int, **changed: Any) -> None:
    """A message to the peer, but for what is said otherwise."""
    messages.add(connection, [rows.message(ref, **changed)])


def came(connection: Connection, ref: int, **changed: Any) -> None:
    """A message of the peer, but for what is said otherwise."""
    sent(connection, ref, **{"direction": "in", "state": "opened"} | changed)


def said(connection: Connection, *made: dict[str, Any]) -> None:
    """Receipts, each with a hash and an id of its own; the newest one last."""
    receipts.add(connection, [rows.receipt(f"of-{place}", **one) for place, one in enumerate(made)])


# --- where the reset of a link stands --------------------------------------------------------------------------------


def test_a_link_of_which_nothing_is_written(connection: Connection):
    """There is nothing to reset, unless this node was put back: then every link needs it."""
    peers.add(connection, rows.peer())
    assert (store.get(connection, PEER), store.known(connection, PEER)) == (None, False)
    store.mark_restored(connection, Restored(at=1, backup=1, sha256="old"))
    store.mark_restored(connection, Restored(at=90, backup=70, sha256="new"))
    assert store.get(connection, PEER) == ResetRow(peer=PEER, state=ResetState.REQUIRED, at=90, backup=70)
    assert not store.known(connection, PEER)


def test_the_row_of_a_link_is_written_whole(connection: Connection):
    """What it said before is replaced; those of other links stay."""
    other = ResetRow(peer=OTHER, state=ResetState.OPEN, at=1)
    store.put(connection, other)
    store.put(connection, ResetRow(peer=PEER, state=ResetState.REQUIRED, at=5, backup=4, offer=b"offer"))
    changed = ResetRow(peer=PEER, state=ResetState.ASKED, at=6, epoch=2, ours=b"ours")
    store.put(connection, changed)
    assert [store.get(connection, peer) for peer in (PEER, OTHER)] == [changed, other]
    assert store.known(connection, PEER)


# --- numbers ---------------------------------------------------------------------------------------------------------


def test_both_directions_begin_anew(connection: Connection):
    """Of this link; what is missing in the new epoch stays missing, what was in older ones is so no longer."""
    used = NumberRow(n=3, id="id", prev=None, link="link")
    for peer in (PEER, OTHER):
        for way in (links.IN, links.OUT):
            links.use(connection, peer, way, 1, [used], 3)
        for epoch in (1, 2):
            links.set_gaps(connection, peer, epoch, [GapRow(first=1, last=2, seen=50)])
    store.begin(connection, PEER, 2)
    begun = LinkRow(epoch=2, high=0, last=None)
    assert [links.position(connection, PEER, way) for way in (links.IN, links.OUT)] == [begun, begun]
    assert links.position(connection, OTHER, links.IN) == LinkRow(epoch=1, high=3, last=used)
    left = [(peer, epoch, len(links.gaps(connection, peer, epoch))) for peer in (PEER, OTHER) for epoch in (1, 2)]
    assert left == [(PEER, 1, 0), (PEER, 2, 1), (OTHER, 1, 1), (OTHER, 2, 1)]


def test_what_had_come_goes_before_the_new_epoch(connection: Connection):
    """Also what waited for a missing number, which never comes now; once is enough, and other peers are left alone."""
    for ref, changed in ((1, {}), (2, {"state": "awaiting_order"}), (3, {"state": "awaiting_order", "peer": OTHER})):
        came(connection, ref, **changed)
        whose = changed.get("peer", PEER)
        messages.arrive(connection, [InboxRow(ref=ref, peer=whose, n=ref, urgent=False, attempts=0, next_try=0)])
    for _ in range(2):
        store.take_first(connection, PEER, "awaiting_order")
    assert [row.out_of_order for row in messages.get_all(connection, [1, 2, 3])] == [False, True, False]
    places = connection.execute(select(inbox.c.ref, inbox.c.n).order_by(inbox.c.ref)).all()
    assert places == [(1, 1 - store.EARLIER), (2, 2 - store.EARLIER), (3, 3)]


def test_the_highest_number_that_was_answered(connection: Connection):
    """Of ours, in this epoch: what is queued, waits or is asked about has no answer yet."""
    assert store.highest_answered(connection, PEER, 2) == 0
    for ref, changed in enumerate(
        (
            {"n": 3, "state": "received"},
            {"n": 4, "state": "rejected"},
            {"n": 5, "state": "queued"},
            {"n": 6, "state": "awaiting_receipt"},
            {"n": 7, "state": "voiding"},
            {"n": 8, "state": "received", "epoch": 1},
            {"n": 9, "state": "received", "peer": OTHER},
            {"n": 10, "state": "opened", "direction": "in"},
        )
    ):
        sent(connection, ref, **{"epoch": 2} | changed)
    assert store.highest_answered(connection, PEER, 2) == 4


def test_numbers_are_forgotten(connection: Connection):
    """With the sealed bytes, of these messages only, however many; which number a message had is still known."""
    for ref in range(1, 503):
        sent(connection, ref, epoch=1, n=ref, prev="prev")
    messages.put_envelopes(connection, [(ref, b"sealed") for ref in (1, 502)])
    store.forget_numbers(connection, range(1, 502))
    numbers = {(row.epoch, row.n, row.prev) for row in messages.get_all(connection, list(range(1, 502)))}
    assert numbers == {(None, None, None)}
    (kept_row,) = messages.get_all(connection, [502])
    assert (kept_row.epoch, kept_row.n, kept_row.prev) == (1, 502, "prev")
    assert messages.envelopes(connection, [1, 502]) == {502: b"sealed"}


def test_whether_a_message_had_a_number(connection: Connection):
    """In whatever epoch, among those that we gave to this peer."""
    links.use(connection, PEER, links.OUT, 1, [NumberRow(n=3, id="id", prev=None, link="link")], 3)
    links.use(connection, PEER, links.IN, 1, [NumberRow(n=4, id="id", prev=None, link="link")], 4)
    links.use(connection, OTHER, links.OUT, 1, [NumberRow(n=5, id="id", prev=None, link="link")], 5)
    assert [n for n in range(7) if store.had_number(connection, PEER, "id", n)] == [3]
    assert not store.had_number(connection, PEER, "another", 3)


def test_which_messages_had_two_numbers(connection: Connection):
    """Those that were numbered anew, of these and to this peer alone."""
    for peer, direction, epoch, n, id in (
        (PEER, links.OUT, 1, 1, "anew"),
        (PEER, links.OUT, 2, 1, "anew"),
        (PEER, links.OUT, 1, 2, "not asked"),
        (PEER, links.OUT, 2, 2, "not asked"),
        (PEER, links.OUT, 2, 3, "once"),
        (PEER, links.IN, 1, 3, "once"),
        (OTHER, links.OUT, 1, 3, "once"),
    ):
        links.use(connection, peer, direction, epoch, [NumberRow(n=n, id=id, prev=None, link="link")], n)
    assert store.find_renumbered(connection, PEER, ["anew", "once", "never"]) == ["anew"]


# --- messages --------------------------------------------------------------------------------------------------------


def test_what_waits_to_be_sent(connection: Connection):
    """In order, to one peer or to all; what is not on the outbox does not wait."""
    for ref, peer in ((3, PEER), (1, PEER), (2, OTHER), (4, PEER)):
        sent(connection, ref, peer=peer)
    messages.enqueue(connection, [(3, PEER, 9), (1, PEER, 9), (2, OTHER, 9)])
    assert [row.ref for row in store.waiting(connection)] == [1, 2, 3]
    assert [row.ref for row in store.waiting(connection, PEER)] == [1, 3]


def test_what_the_peer_has_answered_since(connection: Connection):
    """Messages of ours in these states that it received, by its own word, from that second on."""
    answers = (
        {"at": 100},
        {"at": 100, "status": "rejected"},
        {"at": 99},
        {"at": 100, "peer": OTHER},
        {"at": 100, "direction": receipts.ISSUED},
        {"at": 200},
        {"at": 200},
        {"at": 200},
    )
    for place, answer in enumerate(answers):
        said_here = {"id": f"id-{place}", **RECEIVED, **answer}
        receipts.add(connection, [rows.receipt(f"of-{place}", **said_here)])
        made = came if place == 7 else sent
        made(connection, place, state="expired" if place == 6 else "received")
    sent(connection, 9, id="id-0", peer=OTHER, state="received")  # who sends it gives a message its id
    assert [row.ref for row in store.answered_since(connection, PEER, 100, ["received", "voided"])] == [0, 5]


def test_an_answer_may_be_lost_that_a_later_receipt_includes(connection: Connection):
    """Where there is no `received`, the first that says as much; where there is, what came later moves nothing."""
    told = ({"delivered": 100}, {"opened": 101}, {"delivered": 99, "opened": 100}, {"received": 99, "delivered": 100})
    for place, said in enumerate(told):
        sent(connection, place, state="received")
        for status, at in said.items():
            words = {"id": f"id-{place}", **RECEIVED, "status": status, "at": at}
            receipts.add(connection, [rows.receipt(f"of-{place}", **words)])
    assert [row.ref for row in store.answered_since(connection, PEER, 100, ["received"])] == [0, 1]


def test_messages_that_are_being_asked_about(connection: Connection):
    """In the order in which they were written."""
    for ref, changed in ((2, {}), (1, {}), (3, {"state": "queued"}), (4, {"peer": OTHER}), (5, {"direction": "in"})):
        sent(connection, ref, **{"state": "voiding"} | changed)
    asked = [f"id-{ref}" for ref in (2, 1, 3, 4, 5, 9)]
    assert store.being_voided(connection, PEER, asked) == ["id-1", "id-2"]
    assert store.being_voided(connection, PEER, asked[:1]) == ["id-2"]


def test_what_is_erased_or_held_here(connection: Connection, vault: ContentSealer):
    """A hold lies over a conversation or over the whole case that it belongs to."""
    for ref in range(1, 6):
        came(connection, ref, conversation=b"%d" % ref)
    came(connection, 6, peer=OTHER), sent(connection, 7)
    for ref in (1, 6, 7):
        erased = ErasureRow(ref=500 + ref, message=ref, at=1, reason="declined", epoch=4, place="not_held", told=None)
        erasures.add(connection, [erased])
    erasures.set_hold(connection, HoldRow(conversation=b"2", ground="court", until="2030-01-01", at=1))
    case = CaseId("c" * 22)
    cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=1, card=None)])
    cases.link(connection, [Link(key=b"3", kind=LinkKind.CONVERSATION, case_id=case)])
    held = CaseHold(conversation=b"key", ground="court", until="2030-01-01", at=1)
    kept.place(vault, connection, case, held, at=1)
    everything = [f"id-{ref}" for ref in range(1, 8)]
    assert store.erased_or_held(connection, PEER, everything) == {"id-1", "id-2", "id-3"}
    assert store.erased_or_held(connection, PEER, ["id-2", "id-4"]) == {"id-2"}


# --- what was taken away, and what is owed ---------------------------------------------------------------------------


def test_what_the_peer_has_erased(connection: Connection):
    """By its own word, from that second on, each once."""
    erased = {"status": "erased", "id": "b", "at": 100, **RECEIVED}
    others: list[dict[str, Any]] = [
        {"id": "a"},
        {},
        {"id": "c", "at": 99},
        {"id": "d", "peer": OTHER},
        {"id": "e", "direction": receipts.ISSUED},
        {"id": "f", "status": "received"},
    ]
    said(connection, erased, *(erased | other for other in others))
    assert store.erased_there(connection, PEER, 100) == ["a", "b"]


def test_what_this_node_has_fenced(connection: Connection):
    """Told to the peer as void, from that second on, each once."""
    fenced = {"status": "rejected", "code": "void", "id": "b", "at": 100}
    others: list[dict[str, Any]] = [
        {"id": "a"},
        {},
        {"id": "c", "at": 99},
        {"id": "d", "peer": OTHER},
        {"id": "e", **RECEIVED},
        {"id": "f", "code": "schema"},
    ]
    said(connection, fenced, *(fenced | other for other in others))
    assert store.voided_here(connection, PEER, 100) == ["a", "b"]


def test_withdrawn_consents_that_the_peer_knows(connection: Connection):
    """It told of them, was told of them, or something between the two relied on them; each once, in their order."""
    for place, name in enumerate((b"f", b"e", b"d", b"c", b"b", b"a")):
        connection.execute(insert(withdrawal).values(consent=name, ref=place))
    told = {"state": "valid", "at": 1}
    connection.execute(insert(consent).values(ref=1, consent=b"c", holder=PEER, **told))
    connection.execute(insert(consent).values(ref=2, consent=b"d", holder=OTHER, **told))
    connection.execute(insert(consent_told).values(consent=b"b", peer=PEER, ref=1))
    connection.execute(insert(consent_told).values(consent=b"e", peer=OTHER, ref=1))
    for ref, name, peer in ((1, b"a", PEER), (2, b"b", PEER), (3, b"f", OTHER), (4, None, PEER), (5, b"z", PEER)):
        sent(connection, ref, consent=name, peer=peer)
    assert store.withdrawn_with(connection, PEER) == [b"a", b"b", b"c"]


def test_what_is_owed_once_more(connection: Connection):
    """What the peer was told since then in these words, the oldest first; what is owed already is not owed twice."""
    told = {"at": 100}
    said(
        connection,
        told | {"at": 101},
        told,
        told | {"at": 99},
        told | {"status": "rejected"},
        told | {"peer": OTHER},
        told | RECEIVED,
        told | {"status": "erased"},
        told,
    )
    receipts.owe(connection, PEER, [("of-7", "received"), ("of-6", "received")])
    assert store.owe_again(connection, PEER, 100, ["received", "erased"]) == 3
    due = connection.execute(select(receipt_due.c.of, receipt_due.c.peer).order_by(receipt_due.c.seq)).all()
    assert due[:2] == [("of-7", PEER), ("of-6", PEER)]
    assert (sorted(due[2:4]), due[4:]) == ([("of-1", PEER), ("of-6", PEER)], [("of-0", PEER)])
    assert store.owe_again(connection, PEER, 100, ["received", "erased"]) == 0
