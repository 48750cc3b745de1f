"""What is erased goes from every place of the node, and what is left of it elsewhere is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert
from support import rows
from support.rows import PEER

from gateway.cases import kept
from gateway.cases import store as cases
from gateway.cases.kept import CaseHold
from gateway.cases.register import draft_key
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow, Link
from gateway.database import content, meta
from gateway.database.content_sealer import ContentSealer
from gateway.database.tables import attachment
from gateway.erasure import places, store
from gateway.erasure.rules import DAY, Backups
from gateway.erasure.store import ErasureRow, HoldRow
from gateway.foundation.config import BackupSection
from gateway.foundation.ids import CaseId, MessageId, NodeId
from gateway.messages.store import conversations, handed_over, links, local, messages, records
from gateway.messages.store.links import NumberRow
from gateway.messages.store.local import ConsentRow, DraftRow
from gateway.messages.store.messages import InboxRow
from gateway.messages.store.records import OriginRow
from keys.primitives.encoding import canon

NOW = 1_000


def erased(connection: Connection, message: int, **changed: Any) -> ErasureRow:
    """The message was erased in epoch 4; its case system had never had it."""
    usual = ErasureRow(
        ref=500 + message, message=message, at=NOW, reason="declined", epoch=4, place="not_held", told=None
    )
    row = replace(usual, **changed)
    store.add(connection, [row])
    return row


def put(connection: Connection, *refs: int) -> None:
    """Sealed rows with these numbers."""
    content.put(connection, [rows.sealed(ref) for ref in refs])


def left(connection: Connection, *refs: int) -> list[int]:
    """Which of these sealed rows are still there."""
    return sorted(content.get(connection, refs))


def draft(connection: Connection, ref: int, origin: int | None, state: str = "waiting") -> None:
    """A draft with its sealed content."""
    put(connection, ref)
    local.add_draft(connection, DraftRow(ref=ref, id=f"draft-{ref}", origin=origin, state=state, at=1))


def record(connection: Connection, ref: int) -> None:
    """A local record, with the sealed name that the case system has for it."""
    put(connection, ref)
    records.add_origins(connection, [OriginRow(ref=ref, key=b"key %d" % ref, version=b"version", at=1)])


# --- what was erased ---------------------------------------------------------------------------------------------


def test_what_was_erased_is_found_by_its_message(connection: Connection):
    """However many are asked about at once; what is left is told in local order, page by page."""
    store.add(connection, [])
    messages.add(connection, [rows.message(ref) for ref in range(1, 6)])
    found = {ref: erased(connection, ref, found="content inbox") for ref in (2, 4)}
    assert store.of(connection, [*range(1, 6), *range(900, 1_500)]) == found
    assert store.of(connection, [*range(900, 1_500), 2]) == {2: found[2]}
    assert [row.ref for row in store.stored(connection, 0, 9)] == [1, 3, 5]
    assert store.stored(connection, 1, 1) == [rows.message(3)]


def test_what_is_left_of_some_conversations(connection: Connection):
    """In local order, of these alone."""
    talks = {1: b"a", 2: b"b", 3: b"a", 4: b"c", 5: b"a"}
    messages.add(connection, [rows.message(ref, conversation=talk) for ref, talk in talks.items()])
    erased(connection, 3)
    assert [row.ref for row in store.stored_of(connection, [b"a", b"b"])] == [1, 2, 5]
    assert store.stored_of(connection, []) == []


def test_what_the_case_system_still_has_to_answer(connection: Connection):
    """In their order, page by page, until it has; then its local id is destroyed."""
    first, second = erased(connection, 1, place="due"), erased(connection, 2, place="due")
    erased(connection, 3)
    put(connection, 11, 12)
    handed_over.add_items(connection, [(1, 11), (2, 12)])
    assert store.due(connection, 0, 9) == [first, second]
    assert store.due(connection, 0, 1) == [first]
    assert store.due(connection, first.ref, 9) == [second]
    store.answered(connection, first, "erased")
    assert store.due(connection, 0, 9) == [second]
    assert store.of(connection, [1]) == {1: replace(first, place="erased")}
    assert (handed_over.items(connection, [1, 2]), left(connection, 11, 12)) == ({2: 12}, [12])


def test_senders_that_do_not_know_yet(connection: Connection):
    """Once the epoch is gone, of what came and had a number; each is told once."""
    came = {"direction": "in", "state": "opened"}
    messages.add(
        connection,
        [rows.message(ref, n=ref, **came) for ref in (1, 2, 3, 4)] + [rows.message(5, n=5), rows.message(6, **came)],
    )
    first, second = erased(connection, 2), erased(connection, 1, ref=900)
    erased(connection, 3, epoch=5), erased(connection, 4, told=NOW), erased(connection, 5), erased(connection, 6)
    assert store.untold(connection, 5, 9) == [first, second]
    assert store.untold(connection, 5, 1) == [first]
    store.tell(connection, [first.ref], at=NOW + 1)
    assert store.untold(connection, 5, 9) == [second]
    assert store.of(connection, [2]) == {2: replace(first, told=NOW + 1)}


def test_what_came_once_more_is_told_again(connection: Connection):
    """Of the sender that sent it again, and of nobody else; it is known by its number in a later epoch."""
    came = {"direction": "in", "state": "opened", "epoch": 1}
    messages.add(
        connection, [rows.message(1, n=1, **came), rows.message(2, n=2, **came), rows.message(3, n=1, peer="b", **came)]
    )
    messages.add(connection, [rows.message(4, n=1, epoch=1)])
    gone = [erased(connection, ref, told=NOW) for ref in (1, 2, 3, 4)]
    for peer, direction, epoch, ids in (
        (PEER, links.IN, 1, ("id-1", "id-2")),
        (PEER, links.IN, 2, ("id-2",)),
        (PEER, links.OUT, 2, ("id-1",)),  # what this node sent under the same id is another message
        ("b", links.IN, 2, ("id-1",)),
    ):
        used = [NumberRow(n=n, id=id, prev=None, link="") for n, id in enumerate(ids, 1)]
        links.use(connection, NodeId(peer), direction, epoch, used, len(used))
    assert [store.came_again(connection, refs) for refs in ([1, 3], [2], [1, 2, 3], [])] == [False, True, True, False]
    store.tell_again(connection, NodeId(PEER), [])
    store.tell_again(connection, NodeId("b"), [MessageId("id-2")])
    assert store.untold(connection, 5, 9) == []
    store.tell_again(connection, NodeId(PEER), [MessageId(f"id-{ref}") for ref in (2, 3, 4)])
    assert store.of(connection, [1, 2, 3, 4]) == {
        1: gone[0],
        2: replace(gone[1], told=None),
        3: gone[2],
        4: gone[3],
    }


# --- what goes with a message ------------------------------------------------------------------------------------


def test_drafts_of_a_record_go_with_it(connection: Connection):
    """All but those in the state that is named, and none of another record."""
    for ref, origin, state in ((1, 21, "released"), (2, 21, "waiting"), (3, 22, "refused"), (4, 23, "released")):
        draft(connection, ref, origin, state)
    store.erase_drafts(connection, [21, 22], but="waiting")
    assert left(connection, 1, 2, 3, 4) == [2, 4]


def test_a_draft_that_goes_leaves_its_case(connection: Connection):
    """The case ends with the last of what is of it; one that has another draft stays."""
    alone, shared = CaseId("alone"), CaseId("shared")
    for ref, origin, case in ((1, 21, alone), (2, 21, shared), (3, 22, shared)):
        draft(connection, ref, origin, "discarded")
        cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=1, card=None)] if ref < 3 else [])
        cases.link(connection, [Link(key=draft_key(f"draft-{ref}"), kind=LinkKind.DRAFT, case_id=case)])
    store.erase_drafts(connection, [21], but="waiting")
    assert [*cases.get(connection, [alone, shared])] == [shared]
    assert [link.key for link in cases.links(connection, shared)] == [draft_key("draft-3")]


def test_a_case_that_has_to_be_kept_loses_its_drafts_alone(connection: Connection, vault: ContentSealer):
    """A legal hold lies on it: it stays, with nothing but that, and another case is as it was."""
    held, other = CaseId("A" * 22), CaseId("B" * 22)
    cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=1, card=None) for case in (held, other)])
    for ref, origin, case in ((1, 21, held), (2, 21, held), (3, 22, other)):
        draft(connection, ref, origin, "discarded")
        cases.link(connection, [Link(key=draft_key(f"draft-{ref}"), kind=LinkKind.DRAFT, case_id=case)])
    placed = CaseHold(conversation=b"key", ground="restriction_18", until="2030-01-01", at=1)
    kept.place(vault, connection, held, placed, at=1)
    store.erase_drafts(connection, [21], but="waiting")
    assert set(cases.get(connection, [held, other])) == {held, other}
    assert [link.key for link in cases.links(connection, held)] == [b"key"]
    assert [link.key for link in cases.links(connection, other)] == [draft_key("draft-3")]


def test_what_was_kept_of_replaced_drafts_goes(connection: Connection, monkeypatch: pytest.MonkeyPatch):
    """Of those alone, in parts; once more changes nothing."""
    monkeypatch.setattr(store, "_SLICE", 2)
    for ref, origin, state in (
        (1, 21, "replaced"),
        (2, 21, "waiting"),
        (3, 22, "released"),
        (4, None, "replaced"),
        (5, 22, "released"),
        (6, 23, "replaced"),
    ):
        draft(connection, ref, origin, state)
    assert [store.erase_replaced(connection) for _ in range(3)] == [2, 1, 0]
    assert left(connection, *range(1, 7)) == [2, 3, 5]


def test_only_the_last_draft_of_a_record_keeps_its_place(connection: Connection):
    """By its own record: what came since of another one says nothing of it, nor does what was not replaced go."""
    case = CaseId("case")
    cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=1, card=None)])
    for ref, origin, state in (
        (1, 21, "replaced"),
        (2, 22, "released"),
        (3, 21, "replaced"),
        (4, 22, "waiting"),
        (5, None, "replaced"),
    ):
        draft(connection, ref, origin, state)
        cases.link(connection, [Link(key=draft_key(f"draft-{ref}"), kind=LinkKind.DRAFT, case_id=case)])
    store.erase_replaced(connection)
    assert {link.key for link in cases.links(connection, case)} == {draft_key(f"draft-{ref}") for ref in (2, 3, 4, 5)}


def test_drafts_that_wait_are_discarded(connection: Connection):
    """Those of the record, and no other; then they go as well."""
    for ref, origin, state in ((1, 21, "waiting"), (2, 21, "released"), (3, 22, "waiting")):
        draft(connection, ref, origin, state)
    store.discard_drafts(connection, [21], waiting="waiting", to="discarded")
    assert [(row.ref, row.state) for row in local.drafts(connection)] == [
        (1, "discarded"),
        (2, "released"),
        (3, "waiting"),
    ]


def test_a_released_draft_without_a_record_goes(connection: Connection):
    """Its message has all of it; one of a record goes with that."""
    for ref, origin, state in ((1, None, "released"), (2, 21, "released"), (3, None, "waiting")):
        draft(connection, ref, origin, state)
    store.erase_released(connection, "released")
    assert left(connection, 1, 2, 3) == [2, 3]
    store.erase_released(connection, "released")


def test_the_only_content_there_is_goes(connection: Connection):
    """Whether it is there is a question of its own key, not of others."""
    draft(connection, 1, None, "released")
    store.erase_released(connection, "released")
    assert left(connection, 1) == []


@pytest.fixture
def everywhere(connection: Connection) -> Connection:
    """Message 1 lies in every place of the node, 2 and 3 in some, 4 in none."""
    messages.add(connection, [rows.message(ref, origin=20 + ref) for ref in (1, 2, 3, 4)])
    put(connection, 1, 2)
    messages.put_envelopes(connection, [(1, b"sealed"), (3, b"sealed")])
    messages.enqueue(connection, [(1, rows.PEER, rows.LIFE)])
    messages.arrive(
        connection,
        [InboxRow(ref=ref, peer=rows.PEER, n=ref, urgent=False, attempts=0, next_try=0) for ref in (1, 2)],
    )
    file = {"ref": 31, "file": "f", "direction": "in", "peer": None, "id": "id-1", "n": 0, "message": 1}
    connection.execute(insert(attachment).values(**file, length=1, held=1, at=1))
    draft(connection, 41, 21)
    draft(connection, 42, 21, "released")
    return connection


def test_each_place_of_the_node_is_looked_at(everywhere: Connection, vault: ContentSealer):
    """Only messages of which something is held are named."""
    assert places.find_places(everywhere, vault, [*range(600, 1_200), 1, 2, 3, 4]) == {
        1: {"content", "envelope", "attachment", "inbox", "draft"},
        2: {"content", "inbox"},
        3: {"envelope"},
    }
    assert places.held(everywhere, vault, [2, 3]) == {"content", "inbox", "envelope"}
    assert places.held(everywhere, vault, [4]) == frozenset()


def test_a_draft_whose_content_is_gone_is_in_no_place(everywhere: Connection, vault: ContentSealer):
    """What is left of it says nothing."""
    for ref in (41, 42):
        content.erase(everywhere, ref)
    assert "draft" not in places.find_places(everywhere, vault, [1])[1]


def test_files_that_wait_for_a_later_draft_count(connection: Connection, vault: ContentSealer):
    """By what the draft names; one that names other files, or does not open, has none here."""
    messages.add(connection, [rows.message(ref, origin=20 + ref) for ref in (1, 2, 3)])
    for ref, said in ((41, {"message": "id-1"}), (42, {"message": "id-2"})):
        content.put(connection, [vault.seal(ref, canon(said))])
        local.add_draft(connection, DraftRow(ref=ref, id=f"draft-{ref}", origin=ref - 20, state="waiting", at=1))
    draft(connection, 43, 23)
    file = {"ref": 31, "file": "f", "direction": "out", "peer": None, "id": "id-1", "n": 0, "message": None}
    connection.execute(insert(attachment).values(**file, length=1, held=0, at=1))
    assert places.find_places(connection, vault, [1, 2, 3]) == {
        1: {"draft", "attachment"},
        2: {"draft"},
        3: {"draft"},
    }
    assert places.find_places(connection, vault, [2, 3]) == {2: {"draft"}, 3: {"draft"}}
    assert places.held(connection, vault, [1]) == {"draft", "attachment"}


SETTINGS = BackupSection(recovery_key=Path("recovery.pub"))


@pytest.mark.parametrize(
    ("made", "settings", "known"),
    [
        (False, None, Backups(made=False)),
        (True, None, Backups(made=True)),
        (False, SETTINGS, Backups(made=True)),
        (True, SETTINGS.model_copy(update={"keystore_days": 30}), Backups(made=True, until=NOW + 30 * DAY)),
    ],
    ids=["never", "made once", "perhaps elsewhere", "with an end"],
)
def test_what_is_known_of_backups(connection: Connection, made: bool, settings: BackupSection | None, known: Backups):
    """Where the settings name any, one may have been made; when the last copy goes is what the office says."""
    if made:
        meta.set_meta(connection, meta.BACKUP_MADE, b"1")
    assert store.find_backups(connection, settings, NOW, archive_days=0) == known


@pytest.mark.parametrize(
    ("days", "archive_days", "until"),
    [(None, None, None), (30, None, None), (None, 9, None), (30, 9, 30), (3, 9, 9), (3, 0, 3)],
)
def test_what_a_server_keeps_is_a_backup(
    connection: Connection, days: int | None, archive_days: int | None, until: int | None
) -> None:
    """The copy that is kept longest counts, and one of which nobody has said how long leaves the end unknown. A file
    has no archive.
    """
    file = connection.dialect.name == "sqlite"
    until = days if file else until
    settings = SETTINGS.model_copy(update={"keystore_days": days})
    known = Backups(made=True, until=None if until is None else NOW + until * DAY)
    assert store.find_backups(connection, settings, NOW, archive_days=archive_days) == known
    alone = store.find_backups(connection, None, NOW, archive_days=archive_days)
    assert alone.made is (not file and archive_days != 0)


# --- local records -----------------------------------------------------------------------------------------------


def test_a_record_that_is_still_used(connection: Connection):
    """By a message that is left, or by a draft that waits."""
    messages.add(connection, [rows.message(1, origin=21), rows.message(2, origin=21), rows.message(3, origin=22)])
    draft(connection, 41, 23), draft(connection, 42, 24, "released")
    erased(connection, 1), erased(connection, 3)
    used = {origin: store.still_used(connection, origin, "waiting") for origin in (21, 22, 23, 24)}
    assert used == {21: True, 22: False, 23: True, 24: False}
    erased(connection, 2)
    assert not store.still_used(connection, 21, "waiting")


def test_records_nothing_is_left_of_are_forgotten(connection: Connection):
    """Every message erased, the case system asked, no draft with content and no news owed; each other one stays."""
    for ref in range(21, 28):
        record(connection, ref)
    messages.add(connection, [rows.message(ref, origin=20 + ref) for ref in (1, 2, 3, 4, 5)])
    messages.add(connection, [rows.message(11, origin=21), rows.message(12, origin=22), rows.message(13)])
    for ref in (1, 11, 2, 4, 5):
        erased(connection, ref)
    erased(connection, 3, place="due")
    erased(connection, 13, place="due")  # of no record
    draft(connection, 41, 21, "released"), content.erase(connection, 41)
    draft(connection, 44, 24, "released"), draft(connection, 46, 26, "waiting"), draft(connection, 47, None)
    local.add_notice(connection, kind="failed", origin=25, at=1)
    assert store.erase_origins(connection) == 1
    assert left(connection, *range(21, 28)) == [22, 23, 24, 25, 26, 27]
    assert set(records.find_origins(connection, [b"key 21", b"key 22"])) == {b"key 22"}
    assert {ref: row.origin for ref, row in messages.get(connection, [1, 11, 12]).items()} == {
        1: None,
        11: None,
        12: 22,
    }
    assert {row.ref: row.origin for row in local.drafts(connection)} == {41: None, 44: 24, 46: 26, 47: None}
    assert store.erase_origins(connection) == 0


def test_that_a_record_is_forgotten_is_a_change_of_its_messages(connection: Connection):
    """Whoever has read their conversations reads them again; others did not change."""
    record(connection, 21)
    keys = [(talk, PEER) for talk in (b"conversation", b"other")]
    conversations.changed(connection, [(*key, "referral") for key in keys])
    messages.add(connection, [rows.message(1, origin=21), rows.message(2, conversation=b"other"), rows.message(3)])
    erased(connection, 1)
    assert store.erase_origins(connection) == 1
    assert conversations.changes_of(connection, [b"conversation", b"other"]) == dict(zip(keys, (2, 1), strict=True))
    assert [row.ref for row in messages.changed_since(connection, keys[0], 1)] == [1]


def test_much_is_looked_at_and_forgotten_in_parts(
    connection: Connection, vault: ContentSealer, monkeypatch: pytest.MonkeyPatch
):
    """As many at once as one question of the database may name."""
    for module in (store, places):
        monkeypatch.setattr(module, "_SLICE", 2)
    refs = [*range(1, 6)]
    for ref in refs:
        record(connection, 20 + ref)
        put(connection, ref)
    messages.add(connection, [rows.message(ref, origin=20 + ref) for ref in refs])
    assert places.find_places(connection, vault, refs) == {ref: {"content"} for ref in refs}
    found = {ref: erased(connection, ref) for ref in refs}
    assert store.of(connection, refs) == found
    assert [store.erase_origins(connection) for _ in range(4)] == [2, 2, 1, 0]


def test_records_of_consents_go_with_the_last_conversation(connection: Connection):
    """Each holder's; a message that proves an erasure does not keep them, and what was taken back binds on."""
    for ref, index, holder in ((61, b"one", "own"), (62, b"one", "n1peer"), (63, b"two", "own"), (64, b"three", "own")):
        put(connection, ref)
        local.add_consent(connection, ConsentRow(ref=ref, consent=index, holder=holder, state="active", at=1))
    local.set_withdrawals(connection, b"one", 69)
    messages.add(
        connection,
        [
            rows.message(1, conversation=b"a", consent=b"one"),
            rows.message(2, conversation=b"a"),
            rows.message(3, conversation=b"b", consent=b"two"),
            rows.message(4, conversation=b"b"),
            rows.message(5, conversation=b"c", consent=b"three"),
        ],
    )
    erased(connection, 1), erased(connection, 3)
    assert store.erase_consents(connection, [b"one", b"one", b"two"], but=[2]) == [b"one"]
    assert left(connection, 61, 62, 63, 64) == [63, 64]
    assert [len(local.consents(connection, index)) for index in (b"one", b"two", b"three")] == [0, 1, 1]
    assert local.withdrawals(connection, [b"one"]) == {b"one": 69}


# --- legal holds -------------------------------------------------------------------------------------------------


def test_a_legal_hold_is_placed_changed_and_lifted(connection: Connection):
    """One for each conversation."""
    one = HoldRow(conversation=b"a", ground="legal_claims_17_3_e", until="2030-01-01", at=1)
    other = replace(one, conversation=b"b")
    store.set_hold(connection, one), store.set_hold(connection, other)
    changed = replace(one, ground="restriction_18", until="2031-01-01", at=2)
    store.set_hold(connection, changed)
    assert store.every_hold(connection) == store.holds(connection) == {b"a": changed, b"b": other}
    assert [store.lift_hold(connection, b"a"), store.lift_hold(connection, b"a")] == [True, False]
    assert store.every_hold(connection) == {b"b": other}


def test_a_hold_on_a_case_lies_over_its_conversations(connection: Connection, vault: ContentSealer):
    """A conversation that has one of its own has that."""
    case = CaseId("A" * 22)
    cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=1, card=None)])
    cases.link(connection, [Link(key=key, kind=LinkKind.CONVERSATION, case_id=case) for key in (b"a", b"b")])
    placed = CaseHold(conversation=b"key", ground="restriction_18", until="2030-01-01", at=1)
    kept.place(vault, connection, case, placed, at=1)
    own = HoldRow(conversation=b"b", ground="legal_claims_17_3_e", until="2031-01-01", at=2)
    store.set_hold(connection, own)
    whole = HoldRow(conversation=b"key", ground="restriction_18", until="2030-01-01", at=1)
    assert store.every_hold(connection) == {b"key": whole, b"b": own}
    assert store.holds(connection) == {b"a": replace(whole, conversation=b"a"), b"b": own, b"key": whole}
