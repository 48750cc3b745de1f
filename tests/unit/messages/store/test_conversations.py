"""The small rows of conversations: marked by a change, written by a fold, found by time."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection
from support.rows import PEER

from gateway.messages.store import conversations
from gateway.messages.store.conversations import ConversationStatus, Owing

ONE, TWO = (b"one", PEER, "referral"), (b"two", PEER, "enquiry")


def stands(index: bytes, *, changes: int = 1, due: int | None = None, fold: int | None = None) -> ConversationStatus:
    """What a fold found."""
    return ConversationStatus(
        conversation=index,
        peer=PEER,
        changes=changes,
        state="sent",
        ours=due,
        theirs=None,
        fold=fold,
    )


@pytest.fixture
def marked(connection: Connection) -> Connection:
    """Two conversations that changed once."""
    conversations.changed(connection, [ONE, TWO, ONE])
    return connection


def test_what_changed_is_folded_once_more(marked: Connection):
    """A change marks its conversation; a fold takes the mark away until the time that it names."""
    assert {index for index, _ in conversations.to_fold(marked, 5, 10)} == {b"one", b"two"}
    conversations.stand(marked, [stands(b"one", fold=8), stands(b"two")])
    assert conversations.to_fold(marked, 7, 10) == []
    assert conversations.to_fold(marked, 8, 10) == [(b"one", PEER)]
    conversations.changed(marked, [TWO])
    assert conversations.to_fold(marked, 7, 10) == [(b"two", PEER)]


def test_a_fold_that_was_overtaken_is_not_written(marked: Connection):
    """The row that changed since keeps its mark and gets no state."""
    conversations.changed(marked, [ONE])
    conversations.stand(marked, [stands(b"one", changes=1, due=3)])
    row = conversations.get(marked, [b"one"])[b"one", PEER]
    assert (row.changes, row.state, row.due, row.fold) == (2, None, None, 0)


def test_a_conversation_that_is_named_twice_changed_once(marked: Connection):
    """By messages of two kinds: the row is written once, and stays of the kind with which it began."""
    conversations.changed(marked, [(b"one", PEER, "enquiry"), ONE, (b"new", PEER, "standing"), (b"new", PEER, "other")])
    found = conversations.get(marked, [b"one", b"new"])
    assert [(found[index, PEER].changes, found[index, PEER].kind) for index in (b"one", b"new")] == [
        (2, "referral"),
        (1, "standing"),
    ]


def test_one_conversation_is_with_one_peer(marked: Connection):
    """The same index with another peer is another row."""
    conversations.changed(marked, [(b"one", "n1other", "referral")])
    conversations.stand(marked, [stands(b"one", due=3)])
    found = conversations.get(marked, [b"one"])
    assert [found[b"one", peer].state for peer in (PEER, "n1other")] == ["sent", None]


def test_what_is_due_comes_by_time(marked: Connection):
    """The earliest deadline first; where nothing is owed there is no line."""
    conversations.changed(marked, [(b"three", PEER, "standing")])
    conversations.stand(marked, [stands(b"one", due=9), stands(b"two", due=4), stands(b"three")])
    assert [row.conversation for row in conversations.due(marked, 5)] == [b"two", b"one"]
    assert [row.conversation for row in conversations.due(marked, 1)] == [b"two"]


def test_a_page_of_what_is_due_begins_behind_the_last(marked: Connection):
    """Rows with one deadline are told apart by their key, so that none is shown twice or left out."""
    conversations.changed(marked, [(b"three", PEER, "standing")])
    conversations.stand(marked, [stands(b"one", due=4), stands(b"two", due=4), stands(b"three", due=9)])
    pages, after = [], None
    while page := conversations.due(marked, 1, after=after):
        pages += [row.conversation for row in page]
        after = (page[-1].due or 0, *page[-1].key)
    assert pages == [b"one", b"two", b"three"]


def test_what_one_side_owes_goes_by_its_own_deadlines(marked: Connection):
    """The list of one side leaves out where only the other one owes; both go by the earlier."""
    there = ConversationStatus(conversation=b"one", peer=PEER, changes=1, state="sent", ours=9, theirs=4, fold=None)
    conversations.stand(marked, [there, stands(b"two", due=5)])
    found = {by: [row.conversation for row in conversations.due(marked, 5, by=by)] for by in Owing}
    assert found == {Owing.EITHER: [b"one", b"two"], Owing.US: [b"two", b"one"], Owing.THEM: [b"one"]}


def test_where_an_alert_waits_is_found(marked: Connection):
    """However much else is due before it."""
    alert = ConversationStatus(
        conversation=b"two", peer=PEER, changes=1, state="sent", ours=9, theirs=None, fold=None, alert=9
    )
    conversations.stand(marked, [stands(b"one", due=4), alert])
    assert conversations.alerted(marked) == [(b"two", PEER)]


def test_a_quoted_enquiry_is_folded_again(marked: Connection):
    """The ref of what quotes it is kept, and the row is marked."""
    conversations.stand(marked, [stands(b"two")])
    conversations.quote(marked, [(b"two", PEER, 17), (b"unknown", PEER, 18)])
    assert (b"two", PEER) in conversations.to_fold(marked, 0, 10)
    assert conversations.get(marked, [b"two"])[b"two", PEER].quoted == 17


def test_an_alert_counts_until_its_conversation_was_folded(marked: Connection):
    """It stands where alerts do at once, and is folded before what else changed; what a fold found stays meanwhile."""
    conversations.stand(marked, [stands(b"one"), stands(b"two")])
    assert conversations.alerts_to_fold(marked, 99) == []
    conversations.changed(marked, [(b"one", PEER, "referral"), (b"two", PEER, "referral")])
    conversations.alarm(marked, [(b"two", PEER)])
    assert conversations.alerted(marked) == conversations.alerts_to_fold(marked, 99) == [(b"two", PEER)]
    taken = ConversationStatus(
        conversation=b"two", peer=PEER, changes=2, state="sent", ours=None, theirs=None, fold=None
    )
    open_ = ConversationStatus(
        conversation=b"two", peer=PEER, changes=2, state="sent", ours=9, theirs=None, fold=None, alert=9
    )
    conversations.stand(marked, [open_])
    conversations.alarm(marked, [(b"two", PEER)])
    assert conversations.get(marked, [b"two"])[b"two", PEER].alert == 9
    conversations.stand(marked, [taken])
    assert conversations.alerted(marked) == []
