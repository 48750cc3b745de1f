"""Consent travels before what relies on it, and its withdrawal stops everything that is not answered (gate G7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.forger import Forger
from support.nodeproc import UNIT
from support.pair import START, Party, Spoiler, Two, example, two_nodes
from support.patience import PATIENCE
from support.persons import damage
from support.relied_on import CONSENT, record_of, recorded, referral, types

from gateway.consent.effects import Recorded, Withdrawal
from gateway.database.content import SealedRow
from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def test_no_consent_no_referral(two: Two) -> None:
    """Without a recorded consent a referral is refused by gate G2 and nothing is stored."""
    with pytest.raises(RefusedError) as refusal:
        await two.fr.call("message.submit", **referral())
    assert refusal.value.code is Code.GATE_G2
    assert await two.fr.rows("select count(*) from message") == [(0,)]


async def test_withdrawal_cancels_what_is_queued(two: Two) -> None:
    """What was not numbered fails with gate_g7 at once and never goes; the withdrawal itself goes."""
    await recorded(two)
    wire = Spoiler(two.fr)
    wire.away = True
    id = (await two.fr.call("message.submit", **referral()))["id"]
    done = await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    assert (done["state"], [told["peer"] for told in done["told"]]) == ("withdrawn", ["AL"])
    shown = await two.fr.show(id)
    assert (shown["state"], shown["reason"], shown["n"]) == ("failed", "gate_g7", None)
    assert "message.failed" in await two.fr.alarms()
    wire.away = False
    await two.until(lambda: types(two) == ["consent.withdrawal/1"], seconds=60)


async def test_a_withdrawal_that_waits_is_not_cancelled(two: Two) -> None:
    """It is in force here already: its peer hears of it, whoever wants it back."""
    await recorded(two)
    await two.fr.call("message.submit", **referral())
    await two.until(lambda: len(types(two)) == 2, seconds=60)
    wire = Spoiler(two.fr)
    wire.away = True
    (told,) = (await two.fr.call("consent.withdraw", id=CONSENT, by="w-1"))["told"]
    with pytest.raises(RefusedError, match="nothing was changed") as refusal:
        await two.fr.call("message.cancel", id=told["message"], by="w-1")
    assert refusal.value.code is Code.CONFLICT
    wire.away = False
    await two.until(lambda: types(two)[-1] == "consent.withdrawal/1", seconds=60)


async def test_a_held_withdrawal_keeps_its_place_before_all_others(two: Two) -> None:
    """Offered again after the case system refused it, a withdrawal is urgent as it was."""
    await recorded(two)
    await two.fr.call("message.submit", **referral())
    await two.until(lambda: len(types(two)) == 2, seconds=60)
    two.al.system.refuses = True
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")

    async def held() -> bool:
        return "message.held" in await two.al.alarms()

    await two.until(held, seconds=60)
    two.al.running.handover._adapter = None  # nothing takes it off the inbox meanwhile
    ((id,),) = await two.al.rows("select id from message where state = 'held'")
    await two.al.call("message.resend", id=id)
    assert await two.al.rows("select urgent from inbox") == [(1,)]


async def test_withdrawal_voids_what_is_numbered(two: Two) -> None:
    """What was numbered and not answered is voided: the peer never hands it over, and no number is missing there."""
    await recorded(two)
    wire = Spoiler(two.fr)
    wire.deaf = True
    id = (await two.fr.call("message.submit", **referral()))["id"]
    await two.until(lambda: bool(wire.asked))
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    assert await two.fr.state(id) == "voiding"
    wire.deaf = False

    async def failed() -> bool:
        return await two.fr.state(id) == "failed"

    await two.until(failed, seconds=60)
    assert (await two.fr.show(id))["reason"] == "gate_g7"
    await two.until(lambda: types(two) == ["consent.withdrawal/1"], seconds=60)
    assert await two.al.rows("select * from link_gap") == []


async def test_withdrawal_in_part_voids_what_is_numbered(two: Two) -> None:
    """A repeat of the same bytes is judged again too: what the rest of the consent does not cover is voided."""
    await recorded(two)
    wire = Spoiler(two.fr)
    wire.deaf = True
    id = (await two.fr.call("message.submit", **referral()))["id"]
    await two.until(lambda: bool(wire.asked))
    done = await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[0])
    assert done["state"] == "withdrawn_in_part"
    wire.deaf = False

    async def failed() -> bool:
        return await two.fr.state(id) == "failed"

    await two.until(failed, seconds=60)
    assert (await two.fr.show(id))["reason"] == "gate_g7"
    assert "referral.request/1" not in types(two)


@pytest.mark.parametrize("of_before", [False, True], ids=["now", "before 0.2.0"])
async def test_a_withdrawal_is_told_to_whoever_told_of_the_consent_alone(two: Two, of_before: bool) -> None:
    """The peer got the record and no referral, since that was cancelled: the person may withdraw there too. What came
    before 0.2.0 is known to tell of the consent by what it says alone.
    """
    await recorded(two)
    wire = Spoiler(two.fr)
    wire.away = True
    id = (await two.fr.call("message.submit", **referral()))["id"]
    assert (await two.fr.call("message.cancel", id=id, by="w-1"))["state"] == "cancelled"
    wire.away = False
    await two.until(lambda: types(two) == ["consent.record/1"], seconds=60)
    if of_before:
        await two.al.running.store.move(lambda c: c.exec_driver_sql("update message set consent = null"))
    assert (await two.al.call("consent.show", id=CONSENT))["tells"] == ["FR"]
    done = await two.al.call("consent.withdraw", id=CONSENT, by="w-1")
    assert [told["peer"] for told in done["told"]] == ["FR"]

    async def known() -> bool:
        return bool((await two.fr.call("consent.show", id=CONSENT))["state"] == "withdrawn")

    await two.until(known, seconds=60)


@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["in one request", "withdrawal first"])
async def test_record_and_withdrawal_together(two: Two, order: tuple[int, int]) -> None:
    """A record and its withdrawal that come in one request, or the wrong way round, leave a withdrawn consent."""
    forger = Forger(two.fr)
    conversation = b64u(b"conversation two"[:16])
    node = two.al.running.own.node
    requests = {
        1: example("consent.record/1", "AL") | {"content": record_of(f"{node}/{UNIT}"), "conversation": conversation},
        2: example("consent.withdrawal/1", "AL") | {"conversation": conversation},
    }
    requests[1]["header"].pop("consent_ref", None)
    requests[2]["content"]["consent_id"] = CONSENT
    first, second = (forger.seal(n, request=requests[n]) for n in (1, 2))
    sealed = [first, second] if order == (1, 2) else [second, first]
    if order == (1, 2):
        assert await forger.post(*sealed) == [(None, "received"), (None, "received")]
    else:
        for envelope in sealed:
            assert await forger.post(envelope) == [(None, "received")]
    assert (await two.al.call("consent.show", id=CONSENT))["state"] == "withdrawn"


async def test_another_holder_does_not_undo_a_withdrawal(two: Two) -> None:
    """A third node's record of a consent that was taken back is held as taken back, whoever told of that."""
    await recorded(two)
    await two.fr.call("message.submit", **referral())
    await two.until(lambda: len(types(two)) == 2)
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    await two.until(lambda: types(two)[-1] == "consent.withdrawal/1", seconds=60)
    node = two.al.running
    third = Recorded(
        content=node.content,
        holder="n1" + "a" * 32,
        record=record_of(f"{node.own.node}/{UNIT}"),
        conversation=b"theirs",
    )
    await node.store.move(lambda c: third.write(c, two.clock.now()))
    assert await two.al.rows("select distinct state from consent") == [("withdrawn",)]


async def test_receiver_may_not_go_on(two: Two) -> None:
    """After a peer's withdrawal this node's own messages that rely on the consent are refused by gate G7."""
    await recorded(two)
    conversation = (await two.fr.call("message.submit", **referral()))["conversation"]
    await two.until(lambda: len(types(two)) == 2)
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    await two.until(lambda: types(two)[-1] == "consent.withdrawal/1", seconds=60)
    question = example("info.request/1", "FR", consent_ref=CONSENT) | {"purpose": "referral"}
    with pytest.raises(RefusedError) as refusal:
        await two.al.call("message.submit", **question | {"conversation": conversation})
    assert refusal.value.code is Code.GATE_G7


# --- what takes back, and from whom (finding it needs no look at the conversation) ---------------------------------


def withdrawn_by(forger: Forger, n: int, **content: Any) -> bytes:
    """The sealed withdrawal `n` of the consent."""
    request = example("consent.withdrawal/1", "AL") | {"conversation": b64u(b"conversation two"[:16])}
    return forger.seal(n, request=request | {"content": request["content"] | {"consent_id": CONSENT} | content})


def recorded_by(two: Two, forger: Forger, n: int, **content: Any) -> bytes:
    """The sealed record `n` of the consent."""
    request = example("consent.record/1", "AL") | {"conversation": b64u(b"conversation two"[:16])}
    request["header"].pop("consent_ref", None)
    record = record_of(f"{two.al.running.own.node}/{UNIT}") | content
    return forger.seal(n, request=request | {"content": record})


async def stored_consent(party: Party) -> list[tuple[Any, ...]]:
    """Every byte that is stored about consents."""
    return [
        *await party.rows("select consent.ref, state, data from consent join sealed on sealed.ref = consent.ref"),
        *await party.rows("select withdrawal.ref, data from withdrawal join sealed on sealed.ref = withdrawal.ref"),
    ]


async def test_a_repeated_withdrawal_changes_nothing(two: Two) -> None:
    """A withdrawal that takes back nothing more is accepted and leaves the stored consent as it is, byte for byte."""
    forger = Forger(two.fr)
    await forger.post(recorded_by(two, forger, 1), withdrawn_by(forger, 2))
    before = await stored_consent(two.al)
    repeats = [withdrawn_by(forger, n, withdrawn_on=START + n) for n in range(3, 20)]
    assert set(await forger.post(*repeats)) == {(None, "received")}
    assert await stored_consent(two.al) == before
    assert len((await two.al.call("consent.show", id=CONSENT))["withdrawals"]) == 1


@pytest.mark.parametrize("apart", [True, False], ids=["one after another", "in one request"])
async def test_a_peer_gives_nothing_back_by_telling_the_grants_in_another_order(two: Two, apart: bool) -> None:
    """A part was taken back by its place, where now stands what the person left: all of it counts as taken back, a
    person is told, and what the peer sends on it is not taken in.
    """
    forger, grants = Forger(two.fr), record_of(f"{two.al.running.own.node}/{UNIT}")["grants"]
    assert grants[0]["purpose"] == "referral"
    asked = referral() | {"conversation": b64u(b"conversation two"[:16])}
    sealed = [
        recorded_by(two, forger, 1),
        withdrawn_by(forger, 2, scope="grants", grants=[0]),
        recorded_by(two, forger, 3, grants=grants[::-1]),
        forger.seal(4, request=asked),
    ]
    for some in [[one] for one in sealed] if apart else [sealed]:
        answers = await forger.post(*some)
    assert answers[-1] == ("gate_g7", "rejected")
    shown = await two.al.call("consent.show", id=CONSENT)
    assert (shown["state"], [one["scope"] for one in shown["withdrawals"]]) == ("withdrawn", ["grants", "all"])
    assert "consent.changed" in await two.al.alarms()


async def test_a_peer_gives_nothing_back_by_telling_the_grants_anew_after_an_erasure(two: Two) -> None:
    """The record went with the conversation, and with it what the place of the grant said that was taken back: all of
    it counts as taken back, also after a restore.
    """
    forger, grants = Forger(two.fr), record_of(f"{two.al.running.own.node}/{UNIT}")["grants"]
    talk, other = (b64u(text[:16]) for text in (b"conversation two", b"conversation three"))
    sealed = [
        recorded_by(two, forger, 1),
        forger.seal(2, request=referral() | {"conversation": talk}),
        withdrawn_by(forger, 3, scope="grants", grants=[0]),
    ]
    for one in sealed:
        assert await forger.post(one) == [(None, "received")]
    await two.until(lambda: len(types(two)) == len(sealed), seconds=60)
    keyset = two.fr.peer().keyset
    await two.al.call("conversation.erase", id=talk, by="w-1", reason="not_needed")
    assert await two.al.rows("select * from consent") == []
    assert await two.al.rows("select grants from ledger where kind = 'withdrawn' order by n") == [("[0]",), (None,)]
    await two.until(lambda: two.fr.peer().keyset != keyset, seconds=60, what="the keys after the erasure")
    assert await forger.post(recorded_by(two, forger, 4, grants=grants[::-1])) == [(None, "received")]
    assert await forger.post(forger.seal(5, request=referral() | {"conversation": other})) == [("gate_g7", "rejected")]
    assert (await two.al.call("consent.show", id=CONSENT))["state"] == "withdrawn"


async def test_a_record_costs_the_same_in_a_long_conversation(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A consent record is accepted without opening what its conversation holds: withdrawals are found by their id."""
    forger, vault, count = Forger(two.fr), two.al.running.sealer, 0
    await forger.post(*[withdrawn_by(forger, n, consent_id=b64u(bytes([n] * 16))) for n in range(1, 30)])
    await two.until(lambda: len(types(two)) == 29)
    await two.calm()
    opened = vault.open

    def counting(row: SealedRow) -> bytes:
        nonlocal count
        count += 1
        return opened(row)

    monkeypatch.setattr(vault, "open", counting)
    two.al.system.busy = 1_000  # nothing is opened for the hand-over meanwhile
    assert await forger.post(recorded_by(two, forger, 30)) == [(None, "received")]
    assert count <= 2


async def test_a_consent_withdrawn_by_a_peer_is_not_recorded_again(two: Two) -> None:
    """A consent id that a peer has told to be withdrawn is refused with what to do; a new id is taken."""
    forger = Forger(two.fr)
    assert await forger.post(withdrawn_by(forger, 1)) == [(None, "received")]
    content = record_of(f"FR/{UNIT}")
    with pytest.raises(RefusedError) as refusal:
        await two.al.call("consent.record", by="w-1", number="fr-7f3a", content=content)
    assert refusal.value.code is Code.GATE_G7
    assert "new consent_id" in refusal.value.hint
    assert await two.al.rows("select * from consent") == []
    await two.al.call(
        "consent.record", by="w-1", number="fr-7f3a", content=content | {"consent_id": b64u(b"another consent."[:16])}
    )


async def test_a_denial_in_another_record_binds(two: Two) -> None:
    """What a third node's record of the same consent denies is refused, though the own record grants it."""
    await recorded(two)
    node = two.fr.running
    record = record_of(f"{two.al.running.own.node}/{UNIT}") | {"denials": [{"data_category": "exploitation"}]}
    third = Recorded(content=node.content, holder="n1" + "a" * 32, record=record, conversation=b"theirs")
    await node.store.move(lambda c: third.write(c, two.clock.now()))
    with pytest.raises(RefusedError) as refusal:
        await two.fr.call("message.submit", **referral())
    assert refusal.value.code is Code.GATE_G2


async def test_a_partial_withdrawal_in_another_record_binds(two: Two) -> None:
    """A place that means the referral in a third node's record takes the referral back here, whatever its place."""
    await recorded(two)
    node = two.fr.running
    record = record_of(f"{two.al.running.own.node}/{UNIT}")
    third = Recorded(
        content=node.content,
        holder="n1" + "a" * 32,
        record=record | {"grants": record["grants"][::-1]},
        conversation=b"theirs",
    )
    taken_back = {"consent_id": CONSENT, "scope": "grants", "grants": [1], "withdrawn_on": START, "erase_wanted": False}
    await node.store.move(lambda c: third.write(c, two.clock.now()))
    await node.store.move(lambda c: Withdrawal(content=node.content, withdrawn=taken_back).write(c, two.clock.now()))
    with pytest.raises(RefusedError) as refusal:
        await two.fr.call("message.submit", **referral())
    assert refusal.value.code is Code.GATE_G7


# --- what does not open --------------------------------------------------------------------------------------------


async def test_damaged_rows_do_not_stop_a_withdrawal(two: Two) -> None:
    """A peer's withdrawal is accepted and takes effect where neither the record nor any message of it opens."""
    await recorded(two)
    conversation = (await two.fr.call("message.submit", **referral()))["conversation"]
    await two.until(lambda: len(types(two)) == 2)
    wire = Spoiler(two.al)
    wire.away = True
    question = example("info.request/1", "FR", consent_ref=CONSENT) | {"purpose": "referral"}
    waiting = (await two.al.call("message.submit", **question | {"conversation": conversation}))["id"]
    await damage(two.al, "select ref from message union select ref from consent")
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    await two.until(lambda: types(two)[-1] == "consent.withdrawal/1", seconds=60)
    assert await two.al.rows("select state from consent") == [("withdrawn",)]
    assert await two.al.rows(f"select state from message where id = '{waiting}'") == [("failed",)]
    assert "content.damaged" in await two.al.alarms()
    with pytest.raises(RefusedError) as refusal:
        await two.al.call("message.submit", **question | {"conversation": conversation})
    assert refusal.value.code is Code.GATE_G7


async def test_nothing_is_sent_on_a_consent_that_does_not_open(two: Two) -> None:
    """A damaged record is not relied on, costs no other message its way, is listed, and can be withdrawn and told."""
    await recorded(two)
    wire = Spoiler(two.fr)
    wire.away = True
    waiting = (await two.fr.call("message.submit", **referral()))["id"]
    await damage(two.fr, "select ref from consent")
    with pytest.raises(RefusedError) as refusal:
        await two.fr.call("message.submit", **referral())
    assert refusal.value.code is Code.GATE_G2
    with pytest.raises(RefusedError) as shown:
        await two.fr.call("consent.show", id=CONSENT)
    assert shown.value.code is Code.UNDECRYPTABLE
    assert [(c["id"], c["state"]) for c in (await two.fr.call("consent.list"))["consents"]] == [(None, "damaged")]
    await two.fr.submit("goes on")
    wire.away = False
    two.fr.running.wakeups.peer_called(two.fr.peer().node)
    await two.until(lambda: two.al.notes() == ["goes on"], seconds=60)
    assert (await two.fr.show(waiting))["reason"] == "gate_g2"
    done = await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    assert (done["state"], [told["peer"] for told in done["told"]]) == ("withdrawn", ["AL"])
    assert "content.damaged" in await two.fr.alarms()


async def test_another_record_that_does_not_open_closes_the_consent(two: Two) -> None:
    """A third node's record may say no where nobody can read it: nothing is sent on the own record either."""
    await recorded(two)
    node = two.fr.running
    third = Recorded(
        content=node.content,
        holder="n1" + "a" * 32,
        record=record_of(f"{two.al.running.own.node}/{UNIT}"),
        conversation=b"theirs",
    )
    await node.store.move(lambda c: third.write(c, two.clock.now()))
    await damage(two.fr, "select ref from consent where holder != 'own'")
    with pytest.raises(RefusedError) as refusal:
        await two.fr.call("message.submit", **referral())
    assert refusal.value.code is Code.GATE_G2
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "damaged"


async def test_withdrawals_that_do_not_open_count_as_everything(two: Two) -> None:
    """Where nobody can read what was taken back, all of it was; a further withdrawal is taken and narrows nothing."""
    await recorded(two)
    told = referral() | {"conversation": b64u(b"conversation two")}  # a consent that lost a part is told to nobody new
    await two.fr.call("message.submit", **told)
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[1])
    await two.fr.call("message.submit", **referral())
    await two.until(lambda: len(types(two)) == 4)  # what departs was judged before the damage, which no node sees
    await damage(two.fr, "select ref from withdrawal")
    with pytest.raises(RefusedError) as refusal:
        await two.fr.call("message.submit", **referral())
    assert refusal.value.code is Code.GATE_G7
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "withdrawn"
    assert (await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[1]))["state"] == "withdrawn"
    assert "content.damaged" in await two.fr.alarms()


async def test_a_peer_that_can_not_be_told_is_named(two: Two) -> None:
    """The message by which a peer knows the consent does not open: the consent is withdrawn here, a person is told."""
    await recorded(two)
    await two.fr.call("message.submit", **referral())
    await two.until(lambda: len(types(two)) == 2)
    await damage(two.fr, "select ref from consent_told")
    done = await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    assert (done["state"], done["told"]) == ("withdrawn", [])
    (alarm,) = (await two.fr.call("alarm.list"))["alarms"]
    assert alarm["kind"] == "content.damaged"
    assert alarm["message"] is not None


async def test_drafts_and_damaged_rows_do_not_end_the_event_stream(two: Two) -> None:
    """A message that does not open any more is listed and told of without its type; what comes behind it is whole."""
    early = await two.fr.submit("early")
    await two.calm()
    await damage(two.fr, "select ref from message")
    late = await two.fr.submit("late")
    stream = aiter(two.fr.running.desk.events(0))
    told: dict[Any, Any] = {}
    async with asyncio.timeout(PATIENCE):
        while late not in told:
            told |= {event["id"]: event["type"] for _, event in await anext(stream)}
    assert told == {early: None, late: "enquiry.capacity/1"}
    listed = (await two.fr.call("message.list"))["messages"]
    assert [(item["id"], item["type"]) for item in listed] == [(late, "enquiry.capacity/1"), (early, None)]
