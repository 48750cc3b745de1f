"""An asylum hold lies over its case again after a restore, also where its own conversation is lost (nrm1 13.15)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.drill import Drill, drills
from support.nodeproc import enquiry
from support.pair import Party
from support.persons import ANA, BEN, agreed, case_of, changed, consented, referral, referred

from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u

ONE, MORE = b64u(b"consent of then.."[:16]), b64u(b"consent of now.."[:16])
THEN, NOW, NEXT = (b64u(name) for name in (b"conversation one", b"conversation two", b"conversation new"))


@pytest_asyncio.fixture
async def drill(tmp_path: Path) -> AsyncIterator[Drill]:
    """Two nodes, paired and serving; FR makes backups and keeps a ledger elsewhere."""
    async with drills(tmp_path) as made:
        yield made


async def refused(party: Party, number: str, consent: str) -> str:
    """How a further referral of the person to Albania is refused."""
    with pytest.raises(RefusedError) as caught:
        await party.call("message.submit", **referral(number, consent, conversation=NEXT))
    return str(caught.value.code)


async def held_since_the_backup(drill: Drill) -> tuple[Path, Path]:
    """Make a backup of a case, then begin another conversation of it and place a hold on that; the backup."""
    two = drill.two
    await agreed(two.fr, "F-1", ONE)
    await referred(two, "F-1", ONE, conversation=THEN)
    backup = await drill.backup()
    two.clock.advance(60)
    await agreed(two.fr, "F-1", MORE)
    await referred(two, "F-1", MORE, conversation=NOW)
    await two.fr.call("asylum.hold", id=NOW, by=ANA, states=["AL"])
    return backup


async def test_the_conversation_of_the_hold_began_after_the_backup(drill: Drill) -> None:
    """It does not come again; what is left of the case is kept from all until a person says on another conversation of
    the case which States are feared, and that this is so of the lost one too. From then on they are lifted together.
    """
    two = drill.two
    data, keystore = await held_since_the_backup(drill)
    assert await case_of(two.fr, NOW) == await case_of(two.fr, THEN)
    assert await refused(two.fr, "F-1", ONE) == Code.GATE_G5
    await drill.lose()
    await drill.restore(data, keystore, drill.ledger)
    await drill.reset()
    assert await refused(two.fr, "F-1", ONE) == Code.GATE_G5
    assert await held(two.fr) == [(None, [])]
    assert (await two.fr.call("asylum.hold", id=THEN, by=ANA, states=["MA"]))["lost"] == 1
    assert await refused(two.fr, "F-1", ONE) == Code.GATE_G5
    assert (await two.fr.call("asylum.hold", id=THEN, by=ANA, lost=True))["lost"] == 0
    assert await held(two.fr) == [(THEN, ["MA"])] * 2
    assert (await two.fr.call("message.submit", **referral("F-1", ONE, conversation=NEXT)))["id"]
    for by in (ANA, BEN):
        assert await held(two.fr) == [(THEN, ["MA"])] * 2
        await two.fr.call("asylum.lift", id=THEN, by=by)
    assert await held(two.fr) == []


@pytest.mark.parametrize("later", [False, True], ids=["the same backup", "a backup of between"])
async def test_it_is_named_again_after_each_restore(drill: Drill, later: bool) -> None:
    """Both holds lie again, over what they lay over, and keep from all until a person has said what they are; two lift
    them together.
    """
    two = drill.two
    backup = await held_since_the_backup(drill)
    for known in ([(None, [])], [(None, []), (THEN, [])]):
        await drill.lose()
        await drill.restore(*backup, drill.ledger)
        await drill.reset()
        assert sorted(await held(two.fr), key=str) == sorted(known, key=str)
        assert await refused(two.fr, "F-1", ONE) == Code.GATE_G5
        backup = await drill.backup() if later else backup
        two.clock.advance(60)
        labels = await two.fr.rows("select label from asylum_hold")
        await two.fr.call("asylum.hold", id=THEN, by=ANA, states=["MA"], lost=True)
        assert await held(two.fr) == [(THEN, ["MA"])] * 2
        assert set(labels) <= set(await two.fr.rows("select label from asylum_hold"))
    for by in (ANA, BEN):
        await two.fr.call("asylum.lift", id=THEN, by=by)
    assert await two.fr.rows("select count(*) from asylum_hold") == [(0,)]


async def test_both_cases_that_were_one_are_held(drill: Drill) -> None:
    """The hold was placed, and the merge taken back, after the backup: it lies over both again."""
    two = drill.two
    for number, consent, talk in (("F-1", ONE, THEN), ("F-2", MORE, NOW)):
        await agreed(two.fr, number, consent)
        await referred(two, number, consent, conversation=talk)
    data, keystore = await drill.backup()
    two.clock.advance(60)
    cases = [await case_of(two.fr, talk) for talk in (THEN, NOW)]
    merged = await changed(two.fr, "case.merge", id=cases[0], into=cases[1])
    await two.fr.call("asylum.hold", id=THEN, by=ANA, states=["AL"])
    await two.fr.call("case.undo", id=merged["change"], by=ANA)
    await two.fr.call("case.confirm", id=merged["change"], by=BEN)
    await drill.lose()
    await drill.restore(data, keystore, drill.ledger)
    await drill.reset()
    assert [await case_of(two.fr, talk) for talk in (THEN, NOW)] == cases
    assert [await refused(two.fr, *one) for one in (("F-1", ONE), ("F-2", MORE))] == [Code.GATE_G5] * 2


async def held(party: Party) -> list[tuple[str | None, list[str]]]:
    """On which conversations holds were placed, and which States they name."""
    return [(one["id"], one["states"]) for one in (await party.call("asylum.list"))["holds"]]


async def test_the_whole_case_began_after_the_backup(drill: Drill) -> None:
    """What a peer sends again begins a case anew; the hold lay over another conversation of that case."""
    two = drill.two
    data, keystore = await drill.backup()
    two.clock.advance(60)
    two.fr.system.busy = 1_000_000
    await agreed(two.al, "A-1", ONE)
    await two.al.call("message.submit", **referral("A-1", ONE, to="FR", conversation=THEN))
    await two.until(lambda: arrived(two.fr), seconds=60)
    case = await case_of(two.fr, THEN)
    await consented(two.fr, case, MORE)
    await two.fr.call("message.submit", **referral(None, MORE, conversation=NOW), case=case)
    assert await case_of(two.fr, NOW) == case
    await two.fr.call("asylum.hold", id=NOW, by=ANA, states=["AL"])
    await drill.lose()
    two.fr.system.busy = 0
    await drill.restore(data, keystore, drill.ledger)
    await drill.reset()
    await two.until(lambda: arrived(two.fr), seconds=200)
    shown = await two.fr.call("case.show", id=await case_of(two.fr, THEN), by=ANA)
    assert [one["states"] for one in shown["asylum_holds"]] == [[]]


async def arrived(party: Party) -> bool:
    """Whether a referral and the consent that it relies on came in."""
    return await party.rows("select count(*) from message where direction = 'in'") == [(2,)]


async def test_its_conversation_joined_the_case_after_the_backup(drill: Drill) -> None:
    """A hold of before the backup, on an enquiry that was of no case then, lies over the case again until two lift it;
    of the enquiry people say once more whom it is about.
    """
    two = drill.two
    await agreed(two.fr, "F-1", ONE)
    await referred(two, "F-1", ONE, conversation=THEN)
    talk = (await two.fr.call("message.submit", **enquiry("room?", "AL")))["conversation"]
    await two.fr.call("asylum.hold", id=talk, by=ANA, states=["AL"])
    data, keystore = await drill.backup()
    two.clock.advance(60)
    case = await case_of(two.fr, THEN)
    await two.fr.call("case.join", id=case, conversation=talk, by=ANA)
    assert await refused(two.fr, "F-1", ONE) == Code.GATE_G5
    await drill.lose_all_but(data, keystore, drill.ledger)
    await drill.reset()
    assert await refused(two.fr, "F-1", ONE) == Code.GATE_G5
    assert await two.fr.rows("select count(*) from ledger where due") == [(0,)]
    await two.fr.call("case.join", id=case, conversation=talk, by=ANA)
    for by in (ANA, BEN):
        assert await refused(two.fr, "F-1", ONE) == Code.GATE_G5
        await two.fr.call("asylum.lift", id=talk, by=by)
    assert (await two.fr.call("message.submit", **referral("F-1", ONE, conversation=NEXT)))["id"]


async def test_it_stays_where_its_own_conversation_may_come_again(drill: Drill) -> None:
    """That is lost here and not at the peer: what it writes there is held, whatever of the case was erased."""
    two = drill.two
    data, keystore = await held_since_the_backup(drill)
    await drill.lose_all_but(data, keystore, drill.ledger)
    await drill.reset()
    assert await held(two.fr) == [(None, [])]
    await two.fr.call("conversation.erase", id=THEN, by=ANA, reason="not_needed")
    assert await held(two.fr) == [(None, [])]


async def test_it_stays_where_people_bring_it_after_the_restore(drill: Drill) -> None:
    """It was placed, and moved with its conversation, after the backup. That is so again once: when people move both on
    and the node starts anew, the hold lies over the case to which they went.
    """
    fr = drill.two.fr
    await agreed(fr, "F-1", ONE)
    await referred(drill.two, "F-1", ONE, conversation=THEN)
    ours = await case_of(fr, THEN)
    hers, his = [(await fr.call("case.open", label=label, by=ANA))["id"] for label in ("Blue 7", "Blue 8")]
    parts = {"conversations": [THEN], "consents": [ONE]}
    data, keystore = await drill.backup()
    drill.two.clock.advance(60)
    await fr.call("asylum.hold", id=THEN, by=ANA, states=["AL"])
    await changed(fr, "case.move", source=ours, into=hers, **parts)
    await drill.lose_all_but(data, keystore, drill.ledger)
    await changed(fr, "case.move", source=hers, into=his, **parts)
    await fr.stop()
    await fr.start()
    shown = await fr.call("case.show", id=his, by=ANA)
    assert [one["conversation"] for one in shown["asylum_holds"]] == [THEN]
