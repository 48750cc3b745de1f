"""gateway.erasure.erase: in one transaction everything goes that hangs on a message, and who knows of it is noted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection
from support.erasing import Desk
from support.kept_content import name_of
from support.keystores import fails
from support.nodes import NOW
from support.rows import PEER

from gateway.consent import unconfirmed_store
from gateway.database import content, journal, meta
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.erasure import erase, places, storage_epochs
from gateway.erasure import store as erasures
from gateway.erasure.store import ErasureRow, HoldRow
from gateway.errors import Code
from gateway.foundation.ids import ConversationId
from gateway.messages.store import local, messages, records
from gateway.messages.store.local import OWN, ConsentRow, DraftRow
from gateway.messages.store.messages import InboxRow
from gateway.messages.store.records import OriginRow
from gateway.policy import asylum_holds
from gateway.policy import store as policy
from gateway.policy.asylum_holds import Named
from gateway.policy.store import AsylumHold


@pytest.fixture
async def desk(store: Store, vault: ContentSealer) -> Desk:
    """Of which nothing is stored yet."""
    return await Desk.open(store, vault)


async def test_a_message_is_erased(desk: Desk) -> None:
    """Its content goes, its row stays; when, why, by whom and in which epoch is written down."""
    await desk.keeps(desk.message(1), desk.message(2))
    desk.home.clock.at += 5
    assert await desk.eraser.erase({1: "objection"}, by="Ana B.", request=7) == 1
    assert await desk.left(1, 2) == {2}
    row = (await desk.found(1, 2))[1]
    assert row.ref > 1_000
    assert (row.message, row.at, row.reason, row.request, row.told) == (1, NOW + 5, "objection", 7, None)
    assert (row.epoch, row.place, row.found) == (desk.home.keys.epoch, "not_held", "content")
    assert set(await desk.states()) == {1, 2}
    (entry,) = await desk.entries("message.erased")
    actor = desk.home.keys.actor(b"Ana B.").hex()
    for words in (name_of(1), PEER, '"reason":"objection"', actor, f'"at":{NOW + 5}'):
        assert words.encode() in entry
    events = await desk.content.store.read(lambda c: c.exec_driver_sql("select at, kind, ref, state from event").all())
    assert [tuple(one) for one in events] == [(NOW + 5, "message", 1, "erased")]
    assert desk.others.done == ["kept", "forgot", "asked", "asked no more", "swept", "happened"]
    assert desk.home.wakeups.handover.is_set()


async def test_the_epoch_that_another_machine_has_begun_is_the_one_that_ends(desk: Desk) -> None:
    """It has wrapped the data keys anew, and this machine has not followed yet: the older one opens no copy of them."""
    await desk.keeps(desk.message(1), desk.message(2))
    newer = desk.home.keys.epoch + 1
    await desk.content.store.move(lambda c: c.exec_driver_sql(f"update datakey set epoch = {newer}"))
    await desk.eraser.erase({1: "objection"}, by="Ana B.")
    assert (await desk.found(1))[1].epoch == newer
    assert await desk.content.store.read(lambda c: meta.get_meta(c, storage_epochs.ENDS)) == str(newer).encode()


async def test_nothing_of_it_stays_in_the_write_ahead_log(desk: Desk, tmp_path: Path) -> None:
    """Its bytes would be there as long as nobody writes over them."""
    await desk.keeps(desk.message(1))
    ahead = tmp_path / "node.db-wal"
    assert ahead.stat().st_size > 0
    await desk.eraser.erase({1: "objection"})
    assert ahead.stat().st_size == 0


async def test_a_rule_erases_without_a_name(desk: Desk) -> None:
    """Nobody decided it."""
    await desk.keeps(desk.message(1))
    await desk.eraser.erase({1: "declined"})
    (entry,) = await desk.entries("message.erased")
    assert b'"actor":null' in entry
    assert (await desk.found(1))[1].request is None


async def test_what_is_erased_is_not_erased_again(desk: Desk) -> None:
    """What was written down stays; the others go."""
    await desk.keeps(desk.message(1), desk.message(2))
    assert await desk.eraser.erase({1: "declined"}) == 1
    before = await desk.found(1)
    assert await desk.eraser.erase({1: "objection"}) == 0
    assert await desk.eraser.erase({1: "objection", 2: "objection"}) == 1
    assert (await desk.found(1), len(await desk.entries("message.erased"))) == (before, 2)


def holds(talk: bytes) -> Callable[[Connection], Any]:
    """A legal hold on a conversation."""
    held = HoldRow(conversation=talk, ground="legal_claims_17_3_e", until="2030-06-30", at=NOW)
    return lambda connection: erasures.set_hold(connection, held)


async def test_what_is_held_by_now_stays(desk: Desk) -> None:
    """Whoever decided had looked before; but what a ledger says was erased goes again, whatever came back with it."""
    await desk.keeps(desk.message(1, conversation=b"talk"), desk.message(2, conversation=b"other"), holds(b"talk"))
    assert await desk.eraser.erase({1: "enquiry", 2: "objection"}) == 1
    assert await desk.left(1, 2) == {1}
    assert await desk.eraser.erase_again({1: "objection"}) == 1
    assert await desk.left(1, 2) == set()


async def test_what_a_rule_did_not_know_of_is_looked_at_first(desk: Desk) -> None:
    """Something came since in one of two conversations; in the other one what came was erased before."""
    await desk.keeps(*(desk.message(ref, conversation=talk) for ref, talk in enumerate((b"a", b"a", b"b", b"b"), 1)))
    await desk.eraser.erase({4: "objection"})
    assert await desk.eraser.erase({1: "enquiry", 3: "enquiry"}, newest={b"a": 1, b"b": 3}) == 1
    assert await desk.left(1, 2, 3) == {1, 2}
    assert await desk.eraser.erase({1: "enquiry", 2: "enquiry"}, newest={b"a": 2}) == 2


@pytest.mark.parametrize(("newest", "after"), [({b"talk": 1}, "queued"), (None, "cancelled")], ids=["rule", "person"])
async def test_a_rule_leaves_what_is_under_way(desk: Desk, newest: Mapping[bytes, int] | None, after: str) -> None:
    """When it decided the peer had the message, and lost it since; a person who erases it knows that it waits."""
    await desk.keeps(
        desk.sent(1, state="queued", conversation=b"talk"), lambda c: messages.enqueue(c, [(1, PEER, NOW + 99)])
    )
    assert await desk.eraser.erase({1: "enquiry"}, newest=newest) == (after == "cancelled")
    assert (await desk.states())[1][0] == after


async def test_many_are_erased_in_several_transactions(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, each once."""
    monkeypatch.setattr(erase, "AT_ONCE", 2)
    await desk.keeps(*(desk.message(ref) for ref in range(1, 6)))
    assert await desk.eraser.erase(dict.fromkeys(range(1, 6), "declined")) == 5
    assert await desk.left(*range(1, 6)) == set()


async def test_nothing_is_erased_by_a_clock_in_doubt(desk: Desk) -> None:
    """But for what was erased before and came back with a backup: that time has passed."""
    await desk.keeps(desk.message(1))
    desk.home.times._signed.clear()
    with fails(Code.CLOCK, "nothing was erased"):
        await desk.eraser.erase({1: "declined"})
    assert (await desk.left(1), desk.others.done) == ({1}, [])
    assert await desk.eraser.erase_again({1: "declined"}) == 1
    assert (await desk.left(1), desk.others.done) == (set(), ["kept", "forgot", "asked no more", "swept", "happened"])


@pytest.mark.parametrize(
    ("state", "after"),
    [
        ("queued", ("cancelled", "cancelled")),
        ("awaiting_receipt", ("voiding", "cancelled")),
        ("opened", ("opened", None)),
    ],
)
async def test_what_waits_to_go_is_cancelled(desk: Desk, state: str, after: tuple[str, str | None]) -> None:
    """What has left may have arrived, and is asked about; what has arrived stays as it is."""
    await desk.keeps(
        desk.sent(1, state=state), lambda c: messages.enqueue(c, [(1, PEER, NOW + 99)] if state == "queued" else [])
    )
    await desk.eraser.erase({1: "objection"})
    assert (await desk.states())[1] == after


async def test_what_waits_to_be_handed_over_waits_no_more(desk: Desk) -> None:
    """Nobody is given what is erased; the others are."""
    rows = [InboxRow(ref=ref, peer=PEER, n=ref, urgent=False, attempts=0, next_try=0) for ref in (1, 2)]
    await desk.keeps(
        desk.message(1, state="awaiting_handover"),
        desk.message(2, state="awaiting_handover"),
        lambda c: messages.arrive(c, rows),
    )
    await desk.eraser.erase({1: "objection"})
    left = await desk.content.store.read(lambda c: c.exec_driver_sql("select ref from inbox").scalars().all())
    assert list(left) == [2]


@pytest.mark.parametrize(
    ("reason", "waiting"), [("objection", "discarded"), ("declined", "waiting")], ids=["a person", "a rule"]
)
async def test_the_drafts_that_it_was_made_of_go(desk: Desk, reason: str, waiting: str) -> None:
    """A rule leaves what is still worked on; what was released goes in any case."""

    def drafts(connection: Connection) -> None:
        records.add_origins(connection, [OriginRow(ref=900, key=b"key", version=b"v", at=1)])
        content.put(connection, [desk.content.sealer.seal(ref, b"draft") for ref in (900, 41, 42)])
        for ref, state in ((41, "waiting"), (42, "released")):
            local.add_draft(connection, DraftRow(ref=ref, id=f"draft {ref}", origin=900, state=state, at=1))

    await desk.keeps(desk.sent(1, origin=900), drafts)
    await desk.eraser.erase({1: reason})
    left = await desk.content.store.read(lambda c: c.exec_driver_sql("select ref, state from draft").all())
    assert dict(map(tuple, left)).get(41) == waiting
    assert (await desk.left(41, 42)) == ({41} if waiting == "waiting" else set())


async def test_what_was_kept_of_a_draft_whose_record_changed_goes(desk: Desk) -> None:
    """Of one that a version before 0.2.0 replaced, whether or not anything else is erased."""

    def replaced(connection: Connection) -> None:
        content.put(connection, [desk.content.sealer.seal(41, b"draft")])
        local.add_draft(connection, DraftRow(ref=41, id="draft 41", origin=900, state=local.REPLACED, at=1))

    await desk.keeps(replaced)
    await desk.eraser.forget_names()
    assert await desk.left(41) == set()


async def test_a_consent_goes_with_the_last_message_that_relied_on_it(desk: Desk) -> None:
    """What only proves that somebody asked does not count, whoever erases."""
    index = b"a consent"
    record = ConsentRow(ref=300, consent=index, holder=OWN, state="valid", at=1)
    await desk.keeps(
        desk.message(1, consent=index),
        desk.message(2, consent=index),
        desk.message(3, consent=index, body_type="erasure.request/1"),
        lambda c: content.put(c, [desk.content.sealer.seal(300, b"record")]),
        lambda c: local.add_consent(c, record),
    )
    await desk.eraser.erase({1: "objection"})
    assert await desk.left(300) == {300}
    await desk.eraser.erase({2: "objection"})
    assert await desk.left(300) == set()


async def test_a_consent_in_doubt_waits_no_more_once_its_record_is_erased(desk: Desk) -> None:
    """Nobody could confirm it: where it was the last one that a restore had left in doubt, the alarm ends."""
    record = ConsentRow(ref=300, consent=b"a consent", holder=OWN, state="valid", at=1)
    await desk.keeps(
        desk.message(1, consent=b"a consent"),
        lambda c: content.put(c, [desk.content.sealer.seal(300, b"record")]),
        lambda c: local.add_consent(c, record),
        lambda c: unconfirmed_store.doubt_all(c, at=NOW),
    )
    assert [alarm.kind for alarm in await desk.content.store.read(journal.open_alarms)] == ["consent.unconfirmed"]
    await desk.eraser.erase({1: "objection"})
    assert await desk.content.store.read(journal.open_alarms) == []


async def test_a_hold_ends_with_the_last_message_that_it_lies_over(desk: Desk) -> None:
    """What only proves that somebody asked does not count, nor what has to be told first."""
    talk = ConversationId(name_of(0))
    held = asylum_holds.sealed(desk.content, Named(conversation=talk, consents=()))
    of = {"conversation": desk.content.sealer.conversation_index(talk)}
    await desk.keeps(
        *(desk.message(ref, **of) for ref in (1, 2, 3)),
        desk.message(4, body_type="erasure.request/1", **of),
        lambda c: content.put(c, [held]),
        lambda c: policy.place(
            c, AsylumHold(ref=held.ref, at=NOW, lift=None), desk.content.sealer.hold_indexes(talk, ())
        ),
    )
    for refs, lies in (((1,), True), ((2,), False)):
        await desk.eraser.erase(dict.fromkeys(refs, "objection"), untold=[3])
        assert bool(await desk.content.store.read(policy.listed)) is lies


async def test_where_something_of_it_is_known(desk: Desk) -> None:
    """By the places of the node where it was looked for."""
    rows = [InboxRow(ref=1, peer=PEER, n=1, urgent=False, attempts=0, next_try=0)]
    await desk.keeps(desk.message(1, state="awaiting_handover"), lambda c: messages.arrive(c, rows))
    await desk.eraser.erase({1: "objection"})
    found: Mapping[int, ErasureRow] = await desk.found(1)
    assert found[1].found == "content inbox"
    assert await desk.content.store.read(lambda c: places.held(c, desk.content.sealer, [1])) == frozenset()
