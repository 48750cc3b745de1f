"""The named queries: what they find, in which order, and what doing them twice does."""

from __future__ import annotations

import sqlite3
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError
from support import rows
from support.rows import LIFE, PEER

from gateway.database import content, journal, meta
from gateway.errors import Code, TransientError
from gateway.identity import store
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import links, local, messages, receipts, records
from gateway.messages.store.links import GapRow, LinkRow, NumberRow
from gateway.messages.store.local import ConsentRow, DraftRow
from gateway.messages.store.messages import InboxRow, StatementRow
from gateway.messages.store.records import OriginRow
from gateway.peers import store as peers

BROKEN_RULE = (IntegrityError, sqlite3.IntegrityError, psycopg.IntegrityError)
"""A rule of the tables, as SQLAlchemy and as the driver says it."""

# --- what waits ------------------------------------------------------------------------------------------------------


def test_what_was_never_sealed(connection: Connection):
    """Of the peers that are named, in their state, however old: what was sealed before waits anew."""
    messages.add(
        connection, [rows.message(1), rows.message(2), rows.message(3, state="voiding"), rows.message(4, peer="n1b")]
    )
    messages.enqueue(connection, [(1, PEER, LIFE), (2, PEER, LIFE), (3, PEER, LIFE), (4, "n1b", LIFE)])
    messages.add_statements(connection, [StatementRow(hash="of before", message=2, evidence=9, created=1)])
    assert messages.never_sealed(connection, [PEER], str(Outgoing.QUEUED), 9) == [1]
    assert messages.never_sealed(connection, [PEER, "n1b"], str(Outgoing.QUEUED), 9) == [1, 4]


# --- content ------------------------------------------------------------------------------------------------------


def test_content_comes_back_as_it_was_put(connection: Connection):
    """The same bytes under the same number, also for more numbers than one query takes; unknown ones are left out."""
    stored = [rows.sealed(ref, data=b"%d" % ref) for ref in range(1, 1203)]
    content.put(connection, stored)
    assert content.get(connection, [*range(1, 1300)]) == {row.ref: row for row in stored}


def test_putting_nothing_is_nothing(connection: Connection):
    """An empty put and an empty get do no harm."""
    content.put(connection, [])
    assert content.get(connection, []) == {}


def test_content_is_never_replaced(connection: Connection):
    """A number holds one content for ever."""
    content.put(connection, [rows.sealed(1)])
    with pytest.raises(BROKEN_RULE):
        content.put(connection, [rows.sealed(1)])


def test_erasing_takes_key_and_bytes(connection: Connection):
    """Both rows are gone, only those, and the answer says whether there was something."""
    content.put(connection, [rows.sealed(1), rows.sealed(2)])
    assert content.erase(connection, 1) is True
    assert content.erase(connection, 1) is False
    assert list(content.get(connection, [1, 2])) == [2]
    assert connection.exec_driver_sql("select (select count(*) from datakey), (select count(*) from sealed)").one() == (
        1,
        1,
    )


def test_a_rotation_finds_what_is_left(connection: Connection):
    """Older epochs come first and in order, at most as many as asked for, and never those of the new epoch."""
    content.put(connection, [rows.sealed(ref, epoch=1 + ref % 3) for ref in range(1, 10)])
    found = content.keys_not_of(connection, 3, 4)
    assert [(ref, epoch) for ref, epoch, _ in found] == [(3, 1), (6, 1), (9, 1), (1, 2)]
    content.rewrap(connection, 3, [(ref, b"anew") for ref, _, _ in found])
    assert [1, 2][1:] == sorted({epoch for _, epoch, _ in content.keys_not_of(connection, 3, 100)})
    assert content.get(connection, [3])[3].wrapped == b"anew"


def test_rewrapping_does_not_revive(connection: Connection):
    """A row that was erased between the two steps of a batch stays erased."""
    content.put(connection, [rows.sealed(1)])
    content.erase(connection, 1)
    content.rewrap(connection, 2, [(1, b"anew")])
    assert content.get(connection, [1]) == {}


# --- links --------------------------------------------------------------------------------------------------------


def number(n: int) -> NumberRow:
    """A used number."""
    return NumberRow(n=n, id=f"id-{n}", prev=None if n == 1 else f"link-{n - 1}", link=f"link-{n}")


def test_a_fresh_link_stands_at_zero(connection: Connection):
    """Nothing was used: epoch 1, number 0."""
    assert links.position(connection, PEER, links.OUT) == LinkRow(epoch=1, high=0, last=None)


def test_numbers_are_kept_per_direction_and_peer(connection: Connection):
    """What was used on one link is unknown on every other."""
    links.use(connection, PEER, links.OUT, 1, [number(1), number(2)], 2)
    assert links.position(connection, PEER, links.OUT) == LinkRow(epoch=1, high=2, last=number(2))
    assert links.position(connection, PEER, links.IN).high == 0
    assert links.position(connection, "n1other", links.OUT).high == 0
    assert links.numbers(connection, PEER, links.OUT, 1, [2, 2, 5]) == {2: number(2)}


def test_a_number_is_used_once(connection: Connection):
    """The database itself refuses a second message at the same place."""
    links.use(connection, PEER, links.IN, 1, [number(1)], 1)
    with pytest.raises(BROKEN_RULE):
        links.use(connection, PEER, links.IN, 1, [number(1)], 1)


def test_the_highest_number_may_lie_above_what_was_used(connection: Connection):
    """A late fill does not move the position back."""
    links.use(connection, PEER, links.IN, 1, [number(3)], 3)
    links.use(connection, PEER, links.IN, 1, [number(1)], 3)
    assert links.position(connection, PEER, links.IN) == LinkRow(epoch=1, high=3, last=number(3))


def test_gaps_are_replaced_whole(connection: Connection):
    """The missing ranges are those of the last move, lowest first, per epoch and peer."""
    links.set_gaps(connection, PEER, 1, [GapRow(first=5, last=9, seen=10), GapRow(first=2, last=3, seen=20)])
    links.set_gaps(connection, PEER, 2, [GapRow(first=1, last=1, seen=30)])
    assert [gap.first for gap in links.gaps(connection, PEER, 1)] == [2, 5]
    links.set_gaps(connection, PEER, 1, [])
    assert links.gaps(connection, PEER, 1) == ()
    assert links.gaps(connection, PEER, 2) == (GapRow(first=1, last=1, seen=30),)


# --- messages -----------------------------------------------------------------------------------------------------


def test_the_outbox_keeps_the_order(connection: Connection):
    """Due messages of one peer come in the order of their numbers, behind a position, and never those of another."""
    messages.enqueue(connection, [(3, PEER, LIFE), (1, PEER, LIFE), (2, "n1other", LIFE), (4, PEER, LIFE)])
    assert messages.due(connection, PEER, 0, 10) == [1, 3, 4]
    assert messages.due(connection, PEER, 1, 1) == [3]
    assert messages.queued_for(connection, "n1other")
    messages.dequeue(connection, [2])
    assert not messages.queued_for(connection, "n1other")


def test_leaving_the_outbox_drops_the_envelope(connection: Connection):
    """Bytes that are answered are not kept; a newer sealing takes the place of the older."""
    messages.enqueue(connection, [(1, PEER, LIFE), (2, PEER, LIFE)])
    messages.put_envelopes(connection, [(1, b"one"), (2, b"two")])
    messages.put_envelopes(connection, [(2, b"anew")])
    assert messages.envelopes(connection, [1, 2]) == {1: b"one", 2: b"anew"}
    messages.dequeue(connection, [1])
    messages.drop_envelopes(connection, [2])
    assert messages.envelopes(connection, [1, 2]) == {}
    assert messages.due(connection, PEER, 0, 10) == [2]


def test_what_expires_comes_first_to_die(connection: Connection):
    """Expired means the last second has come; the oldest end comes first; one state is left out."""
    messages.add(connection, [rows.message(1), rows.message(2), rows.message(3), rows.message(4, state="voiding")])
    messages.enqueue(connection, [(1, PEER, 30), (2, PEER, 10), (3, PEER, 31), (4, PEER, 5)])
    assert messages.expired(connection, 30, 10, but="voiding") == [2, 1]
    assert messages.expired(connection, 30, 1, but="voiding") == [2]


def test_a_message_is_unique_by_id_direction_and_peer(connection: Connection):
    """The same id may come from two peers, never twice from one (nrm1 12.12)."""
    messages.add(connection, [rows.message(1, id="same"), rows.message(2, id="same", peer="n1other")])
    assert [row.ref for row in messages.find(connection, "same")] == [1, 2]
    assert [row.ref for row in messages.find(connection, "same", direction="out", peer="n1other")] == [2]
    assert messages.find_many(connection, "out", PEER, ["same", "no"]) == {"same": rows.message(1, id="same")}
    with pytest.raises(BROKEN_RULE):
        messages.add(connection, [rows.message(3, id="same")])


def test_pages_follow_each_other(connection: Connection):
    """Newest first; the last number of a page is where the next begins; filters hold for every page."""
    messages.add(connection, [rows.message(n, direction="in" if n % 2 else "out") for n in range(1, 8)])
    first = messages.page(connection, limit=3)
    assert [row.ref for row in first] == [7, 6, 5]
    assert [row.ref for row in messages.page(connection, limit=3, before=first[-1].ref)] == [4, 3, 2]
    assert [row.ref for row in messages.page(connection, direction="out")] == [6, 4, 2]
    assert messages.page(connection, conversation=b"another") == []


def test_states_and_numbers_are_written_by_row(connection: Connection):
    """Changes in bulk reach their own rows and no other."""
    messages.add(connection, [rows.message(1), rows.message(2), rows.message(3)])
    messages.set_states(connection, [(1, "queued", "failed", "expired"), (2, "queued", "opened", None)])
    numbered = replace(rows.message(3), epoch=1, n=9, prev="link-8")
    messages.number(connection, [(numbered, "awaiting_receipt")])
    found = messages.get(connection, [1, 2, 3])
    assert [(found[n].state, found[n].reason) for n in (1, 2, 3)] == [
        ("failed", "expired"),
        ("opened", None),
        ("awaiting_receipt", None),
    ]
    assert (found[3].epoch, found[3].n, found[3].prev) == (1, 9, "link-8")


def test_nothing_is_written_over_a_state_that_was_not_read(connection: Connection):
    """A message that somebody else moved in between is neither moved nor numbered by what was decided before."""
    messages.add(connection, [rows.message(1), rows.message(2)])
    messages.set_states(connection, [(1, "queued", "cancelled", "cancelled")])
    with pytest.raises(TransientError) as moved:
        messages.set_states(connection, [(2, "queued", "failed", None), (1, "queued", "failed", "expired")])
    with pytest.raises(TransientError) as numbered:
        messages.number(connection, [(replace(rows.message(1), epoch=1, n=1), "awaiting_receipt")])
    assert {moved.value.code, numbered.value.code} == {Code.CHANGED_MEANWHILE}
    found = messages.get(connection, [1])[1]
    assert (found.state, found.reason, found.n) == ("cancelled", "cancelled", None)


def test_the_inbox_hands_out_urgent_things_first(connection: Connection):
    """Then by number; a sender with nothing left does not wait."""
    peers.add(connection, rows.peer())
    rest = {"peer": PEER, "attempts": 0, "next_try": 0}
    messages.arrive(
        connection,
        [
            InboxRow(ref=1, n=2, urgent=False, **rest),
            InboxRow(ref=2, n=1, urgent=False, **rest),
            InboxRow(ref=3, n=3, urgent=True, **rest),
        ],
    )
    assert [row.ref for row in messages.waiting(connection, PEER, 10)] == [3, 2, 1]
    assert messages.senders_waiting(connection) == [PEER]
    messages.postpone(connection, 3, attempts=2, next_try=50)
    assert messages.waiting(connection, PEER, 1)[0] == InboxRow(
        ref=3, peer=PEER, n=3, urgent=True, attempts=2, next_try=50
    )
    messages.handed(connection, [1, 2, 3])
    assert messages.senders_waiting(connection) == []


def test_what_relies_on_a_consent_is_found(connection: Connection):
    """Outgoing messages of the consent that still wait, all that name it, and whether one came in a conversation."""
    messages.add(
        connection,
        [
            rows.message(1, consent=b"c"),
            rows.message(2, consent=b"c"),
            rows.message(3),
            rows.message(4, consent=b"c", direction="in"),
            rows.message(5, consent=b"c", direction="in"),
        ],
    )
    messages.enqueue(connection, [(2, PEER, LIFE), (3, PEER, LIFE)])
    assert [row.ref for row in messages.unsent_consenting(connection, b"c")] == [2]
    assert sorted(messages.under(connection, b"c")) == [1, 2, 4, 5]
    assert messages.came_under(connection, b"c", b"conversation")
    assert not messages.came_under(connection, b"c", b"another")
    assert messages.consents_of_conversation(connection, b"conversation") == [b"c"]


def limited(connection: Connection) -> None:
    """A driver takes no more values in one statement than that of PostgreSQL does."""
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 65_535)


def test_a_list_may_be_longer_than_a_statement(connection: Connection):
    """Of a node with a full outbox each one is met, also the last."""
    limited(connection)
    ends = [1, 70_000]
    messages.add(connection, [rows.message(ref) for ref in ends])
    messages.put_envelopes(connection, [(ref, b"sealed") for ref in ends])
    refs = range(1, 70_001)
    messages.flag_out_of_order(connection, refs)
    assert all(row.out_of_order for row in messages.get(connection, ends).values())
    messages.drop_envelopes(connection, refs)
    assert messages.envelopes(connection, ends) == {}


def test_what_a_clock_ran_ahead_of_is_dated_anew(connection: Connection, monkeypatch: pytest.MonkeyPatch):
    """What waits without a number and was written later than that, with the life that it had; some at a time."""
    monkeypatch.setattr(messages, "AT_ONCE", 2)
    ahead = [rows.message(ref, at=900, expires=900 + LIFE) for ref in (1, 2, 3)]
    others = [rows.message(4, at=500, expires=500 + LIFE), rows.message(5, at=900, expires=900 + LIFE, n=7)]
    messages.add(connection, [*ahead, *others])
    messages.enqueue(connection, [(row.ref, PEER, row.expires) for row in (*ahead, *others)])
    assert messages.redate(connection, 400, 600) == 3
    dated = {ref: (row.at, row.expires) for ref, row in messages.get(connection, [1, 2, 3, 4, 5]).items()}
    assert dated == {
        1: (400, 400 + LIFE),
        2: (400, 400 + LIFE),
        3: (400, 400 + LIFE),
        4: (500, 500 + LIFE),
        5: (900, 900 + LIFE),
    }
    assert messages.expired(connection, 400 + LIFE, 9, but="none") == [1, 2, 3]


class Compared(bytes):
    """An index that counts how often it is compared with another one."""

    count = 0

    def __eq__(self, other: object) -> bool:
        Compared.count += 1
        return bytes.__eq__(self, other)

    __hash__ = bytes.__hash__


def test_consents_are_told_apart_without_comparing_each_with_each(connection: Connection):
    """The own record and the peer's of the same consent come together, and nothing of one that is not held."""
    indexes = [Compared(b"%03d" % each) for each in range(200)]
    for ref, index in enumerate(indexes[:-1]):
        local.add_consent(connection, ConsentRow(ref=ref, consent=bytes(index), holder="", state="active", at=1))
    local.add_consent(connection, ConsentRow(ref=999, consent=b"000", holder=PEER, state="active", at=1))
    Compared.count = 0
    found = local.consents_of(connection, indexes)
    assert Compared.count <= 4 * len(indexes)
    held = [[row.ref for row in found[index]] for index in indexes]
    assert held == [[0, 999], *([ref] for ref in range(1, 199)), []]


def test_conversations_come_by_last_activity(connection: Connection):
    """(index, first, last, count), the most recent first; the messages of several come in local order."""
    messages.add(
        connection,
        [
            rows.message(1, conversation=b"a"),
            rows.message(2, conversation=b"b", direction="in", n=4),
            rows.message(3, conversation=b"a", direction="in", n=3),
            rows.message(4, conversation=b"a", direction="in", n=7),
        ],
    )
    assert messages.conversations(connection, limit=5) == [(b"a", 1, 4, 3), (b"b", 2, 2, 1)]
    assert messages.conversations(connection, limit=5, before=4) == [(b"b", 2, 2, 1)]
    assert [row.ref for row in messages.of_conversations(connection, [b"b", b"a", b"none"])] == [1, 3, 4, 2]


def test_every_sealing_of_a_message_stays(connection: Connection):
    """A receipt may name any of them, so none replaces another; the same one again is kept once."""
    found = [StatementRow(hash=f"h{n}", message=1, evidence=n, created=n) for n in (5, 6)]
    messages.add_statements(connection, found)
    assert messages.statements_of(connection, 1) == found
    assert messages.statements(connection, ["h6", "no"]) == {"h6": found[1]}
    messages.add_statements(connection, [StatementRow(hash="h5", message=9, evidence=9, created=9)])
    assert messages.statements(connection, ["h5"]) == {"h5": found[0]}


# --- receipts -----------------------------------------------------------------------------------------------------


def test_a_receipt_is_kept_once_by_of_and_status(connection: Connection):
    """A repeat changes nothing, not even with other bytes; another status of the same sealing is another receipt."""
    receipts.add(connection, [rows.receipt("s", object=b"first")])
    receipts.add(connection, [rows.receipt("s", object=b"other"), rows.receipt("s", "delivered", id="id-s", at=2)])
    found = receipts.of_message(connection, receipts.ISSUED, PEER, "id-s")
    assert [(row.status, row.object) for row in found] == [("received", b"first"), ("delivered", b"{}")]


def test_answers_are_the_final_ones_of_that_peer(connection: Connection):
    """`delivered` is no answer to a request, and another peer's receipt is none for this one."""
    receipts.add(
        connection,
        [
            rows.receipt("a"),
            rows.receipt("a", "delivered"),
            rows.receipt("b", "rejected", code="schema"),
            rows.receipt("c", peer="n1other"),
            rows.receipt("d", direction="received"),
        ],
    )
    found = receipts.answers(connection, PEER, ["id-a", "id-b", "id-c", "id-d", "id-none"])
    assert {id: row.status for id, row in found.items()} == {"id-a": "received", "id-b": "rejected"}


def test_what_is_owed_goes_in_order_until_settled(connection: Connection):
    """Receipts are sent in the order in which they came to be owed, to the peer they are for."""
    receipts.add(connection, [rows.receipt("a"), rows.receipt("b"), rows.receipt("c")])
    receipts.owe(connection, PEER, [("b", "received"), ("a", "received")])
    receipts.owe(connection, "n1other", [("c", "received")])
    owed = receipts.owed(connection, PEER, 10)
    assert [row.of for _, row in owed] == ["b", "a"]
    receipts.settled(connection, [owed[0][0]])
    assert [row.of for _, row in receipts.owed(connection, PEER, 10)] == ["a"]


# --- the local side -----------------------------------------------------------------------------------------------


def test_a_draft_moves_only_from_the_expected_state(connection: Connection):
    """Two people who release at once: the second is told."""
    local.add_draft(connection, DraftRow(ref=1, id="d", origin=5, state="waiting", at=1))
    assert local.set_draft_state(connection, "d", was="waiting", to="released") is True
    assert local.set_draft_state(connection, "d", was="waiting", to="discarded") is False
    assert local.drafts(connection, state="waiting") == []
    assert [row.state for row in local.drafts(connection)] == ["released"]


def test_a_newer_record_replaces_waiting_drafts_only(connection: Connection):
    """What a person released already stays as it is."""
    for ref, state in ((1, "waiting"), (2, "released")):
        local.add_draft(connection, DraftRow(ref=ref, id=f"d{ref}", origin=5, state=state, at=1))
    local.add_draft(connection, DraftRow(ref=3, id="d3", origin=6, state="waiting", at=1))
    assert [row.id for row in local.replace_drafts(connection, 5, was="waiting", to="replaced")] == ["d1"]
    assert [row.state for row in local.drafts(connection)] == ["replaced", "released", "waiting"]


def test_an_idempotency_key_is_used_once(connection: Connection):
    """The stored answer comes back, a second insert is refused, and old ones are forgotten."""
    local.add_submission(connection, b"k", b"digest", b"answer", at=10)
    assert local.find_submissions(connection, [b"k"]) == {b"k": (b"digest", b"answer")}
    with pytest.raises(BROKEN_RULE), connection.begin_nested():
        local.add_submission(connection, b"k", b"digest", b"answer", at=11)
    assert local.forget_submissions(connection, 10) == 0
    assert local.forget_submissions(connection, 11) == 1
    assert local.find_submissions(connection, [b"k"]) == {}


def test_a_consent_is_held_once_per_holder(connection: Connection):
    """A newer record takes the place of the older one of the same holder, not of another's."""
    row = ConsentRow(ref=1, consent=b"c", holder="own", state="active", at=1)
    local.add_consent(connection, row)
    local.add_consent(connection, ConsentRow(ref=2, consent=b"c", holder=PEER, state="active", at=1))
    local.add_consent(connection, ConsentRow(ref=3, consent=b"c", holder="own", state="active", at=2))
    assert [row.ref for row in local.consents(connection, b"c")] == [2, 3]
    local.set_consent(connection, 3, state="withdrawn")
    assert [(row.ref, row.state) for row in local.all_consents(connection)] == [(3, "withdrawn"), (2, "active")]
    local.tell_consent(connection, b"c", PEER, 7)
    local.tell_consent(connection, b"c", PEER, 8)
    assert local.consent_told_to(connection, b"c") == {PEER: 8}


@pytest.mark.parametrize("state", [*Outgoing])
def test_a_peer_holds_a_consent_unless_the_message_that_told_it_failed(connection: Connection, state: Outgoing):
    """A message that is erased by now was one that told it."""
    local.tell_consent(connection, b"c", PEER, 7)
    assert local.consents_held_by(connection, [b"c"]) == {b"c": {PEER}}
    messages.add(connection, [rows.message(7, state=str(state))])
    held = {PEER} if state not in local.LOST else set()
    assert local.consents_held_by(connection, [b"c", b"d"]) == {b"c": held, b"d": set()}


def test_withdrawals_are_found_by_their_consent(connection: Connection):
    """One row per consent, also without a record; a later one takes the place of the older."""
    local.set_withdrawals(connection, b"c", 1)
    local.set_withdrawals(connection, b"c", 2)
    local.set_withdrawals(connection, b"d", 3)
    assert local.withdrawals(connection, [b"c", b"e"]) == {b"c": 2}
    assert local.withdrawals(connection, []) == {}


def test_news_of_one_record_keeps_its_order(connection: Connection):
    """News behind postponed news of the same record waits; news of other records does not."""
    for kind, origin in (("queued", 1), ("received", 1), ("queued", 2)):
        local.add_notice(connection, kind=kind, origin=origin, at=1)
    first = local.notices(connection, 10, 30, 10)
    assert [row.origin for row in first] == [1, 1, 2]
    local.postpone_notice(connection, first[0].seq, attempts=1, refusals=0, next_try=20)
    assert [row.origin for row in local.notices(connection, 10, 30, 10)] == [2]
    assert [row.kind for row in local.notices(connection, 20, 40, 10)] == ["queued", "received", "queued"]
    assert len(local.notices(connection, 5, 15, 10)) == 3  # the clock was put back
    local.noticed(connection, first[0].seq)
    assert [row.kind for row in local.notices(connection, 10, 30, 10)] == ["received", "queued"]


def test_a_record_is_known_by_its_index_and_version(connection: Connection):
    """The same record in another version is the same origin."""
    records.add_origins(
        connection,
        [OriginRow(ref=5, key=b"key", version=b"v1", at=1), OriginRow(ref=6, key=b"second", version=b"v1", at=1)],
    )
    records.set_origin_version(connection, 5, b"v2")
    assert records.find_origins(connection, [b"other", b"second", b"key"]) == {
        b"key": (5, b"v2"),
        b"second": (6, b"v1"),
    }
    assert records.find_origins(connection, []) == {}


def test_a_record_has_a_draft_until_it_is_replaced(connection: Connection):
    """One that was refused has none, and one whose draft was discarded has had one."""
    for ref, origin, state in ((1, 5, "replaced"), (2, 6, "discarded"), (3, 7, "replaced"), (4, 7, "waiting")):
        local.add_draft(connection, DraftRow(ref=ref, id=f"d{ref}", origin=origin, state=state, at=1))
    assert local.drafted(connection, [5, 6, 7, 8]) == {6, 7}
    assert local.drafted(connection, []) == set()


# --- what happened ------------------------------------------------------------------------------------------------


def test_leaves_are_numbered_without_a_hole(connection: Connection):
    """Each leaf is built with the number under which it stands."""
    build = lambda seq: b"%d" % seq  # noqa: E731
    assert journal.append_leaf(connection, build) == 1
    journal.append_leaves(connection, [build, build])
    journal.append_leaves(connection, [])
    assert journal.append_leaf(connection, build) == 4
    assert journal.leaves(connection, 2, 2) == [(2, b"2"), (3, b"3")]


def test_event_numbers_are_never_used_again(connection: Connection):
    """A client that resumes behind a deleted event does not see a new one under the old number."""
    journal.add_events(connection, [(1, "message", 5, "queued"), (1, "message", 6, "queued")])
    assert [event.seq for event in journal.events_after(connection, 0, 10)] == [1, 2]
    connection.exec_driver_sql("delete from event")
    journal.add_event(connection, at=2, kind="draft")
    assert [event.seq for event in journal.events_after(connection, 0, 10)] == [3]
    assert journal.events_after(connection, 3, 10) == []


def test_an_alarm_stands_once_until_dismissed(connection: Connection):
    """The same trouble is one alarm; after a person dismissed it, it is told anew."""
    for _ in range(2):
        journal.raise_alarm(connection, at=1, kind="peer.silent", peer=PEER)
    journal.raise_alarm(connection, at=1, kind="adapter.busy")
    assert [alarm.kind for alarm in journal.open_alarms(connection)] == ["peer.silent", "adapter.busy"]
    assert journal.dismiss_alarm(connection, 1, at=5) is True
    assert journal.dismiss_alarm(connection, 1, at=5) is False
    journal.raise_alarm(connection, at=9, kind="peer.silent", peer=PEER)
    assert [alarm.at for alarm in journal.open_alarms(connection)] == [1, 9]


def test_open_alarms_come_in_pages(connection: Connection):
    """Behind one of them, of one kind or of all; what was dismissed is on no page."""
    for peer in ("a", "b", "c"):
        journal.raise_alarm(connection, at=1, kind="peer.silent", peer=peer)
    journal.raise_alarm(connection, at=1, kind="adapter.busy")
    journal.dismiss_alarm(connection, 2, at=5)
    assert [alarm.seq for alarm in journal.open_page(connection, limit=2)] == [1, 3]
    assert [alarm.seq for alarm in journal.open_page(connection, limit=9, after=1)] == [3, 4]
    assert [alarm.seq for alarm in journal.open_page(connection, limit=9, after=1, kind="peer.silent")] == [3]


# --- peers --------------------------------------------------------------------------------------------------------


def test_a_peer_comes_back_with_its_chain_in_order(connection: Connection):
    """Chains are kept apart and oldest first, by name of the peer."""
    peers.add(connection, rows.peer("n1b", name="B", chain=(b"b1",)))
    peers.add(connection, rows.peer("n1a", name="A", chain=(b"a1", b"a2")))
    peers.extend_chain(connection, "n1b", 2, (b"b2", b"b3"))
    peers.change(connection, "n1b", state="suspended", attempts=3)
    found = peers.load(connection)
    assert [(row.name, row.chain) for row in found] == [("A", (b"a1", b"a2")), ("B", (b"b1", b"b2", b"b3"))]
    assert (found[1].state, found[1].attempts) == ("suspended", 3)


@pytest.mark.parametrize("changes", [{"name": "other"}, {"node": "n1other"}])
def test_a_peer_is_unique_by_node_and_by_name(connection: Connection, changes):
    """Two peers never share a node id or the name that people type."""
    peers.add(connection, rows.peer(name="AL"))
    with pytest.raises(BROKEN_RULE):
        peers.add(connection, rows.peer(**{"name": "AL", **changes}))


def test_a_chain_has_one_document_per_version(connection: Connection):
    """A second document of the same version is refused by the database."""
    peers.add(connection, rows.peer())
    with pytest.raises(BROKEN_RULE):
        peers.extend_chain(connection, PEER, 1, (b"another first",))


def test_small_facts_are_replaced(connection: Connection):
    """The last value counts, and what was never written is None."""
    meta.set_meta(connection, "k", b"1")
    meta.set_meta(connection, "k", b"2")
    assert (meta.get_meta(connection, "k"), meta.get_meta(connection, "none")) == (b"2", None)
    store.add_own(connection, 1, b"d1")
    store.add_own(connection, 2, b"d2")
    assert store.own_chain(connection) == (b"d1", b"d2")
