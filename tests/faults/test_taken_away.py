"""A restore brings nothing back that was taken away after the backup (nrm1 13.14, 13.15)."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support import persons
from support.acting import id_of
from support.drill import Drill, drills, settled
from support.nodeproc import UNIT
from support.pair import NUMBER, Party, Spoiler, Two, example
from support.persons import case_of
from support.relied_on import CONSENT, record_of, recorded, referral, types

from gateway.errors import Code, RefusedError, TransientError
from gateway.federation.address import PeerAddress
from gateway.federation.client import Answered
from gateway.peers.registry import Peer
from keys.primitives.encoding import b64u

AGAIN = b64u(b"conversation two"[:16])
HERS = b64u(b"consent of hers."[:16])


@pytest_asyncio.fixture
async def drill(tmp_path: Path) -> AsyncIterator[Drill]:
    """Two nodes, paired and serving; FR makes backups and keeps a ledger elsewhere."""
    async with drills(tmp_path) as made:
        yield made


async def referred(two: Two) -> str:
    """A person agreed, and was referred; the id of the referral."""
    await recorded(two)
    id = str((await two.fr.call("message.submit", **referral()))["id"])
    await two.until(lambda: "referral.request/1" in types(two), seconds=60)
    return id


async def taken_away(two: Two, id: str) -> None:
    """The person withdraws and wants everything erased; both nodes know."""
    two.clock.advance(60)
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", erase_wanted=True)
    await two.until(lambda: types(two)[-1] == "consent.withdrawal/1", seconds=60)
    await two.fr.call("message.erase", id=id, by="w-1", reason="consent_withdrawn")


async def refusal(two: Two) -> str:
    """How a new referral on the consent is refused."""
    with pytest.raises(RefusedError) as caught:
        await two.fr.call("message.submit", **referral() | {"conversation": AGAIN})
    return str(caught.value.code)


async def test_a_ledger_takes_away_again_before_anything_is_served(drill: Drill) -> None:
    """Backup, withdrawal with erasure, loss, restore: withdrawn, erased and refused before a peer is asked."""
    two = drill.two
    id = await referred(two)
    data, keystore = await drill.backup()
    await taken_away(two, id)
    await drill.lose()
    made = await drill.restore(data, keystore, drill.ledger)
    assert (made.unconfirmed, made.ledger) == (0, two.clock.now())
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "withdrawn"
    assert "content" not in await two.fr.show(id)
    assert await refusal(two) == Code.GATE_G7
    assert "consent.withdrawn_again" in await two.fr.alarms()
    assert await two.fr.rows("select count(*) from ledger where due") == [(0,)]
    goes_on = two.fr.folder / "ledger"
    await two.until(lambda: goes_on.exists() and goes_on.read_bytes() == drill.ledger.read_bytes(), seconds=5)


async def test_a_link_that_begins_anew_after_a_ledger_brings_nothing_back(drill: Drill) -> None:
    """Two people begin the link anew behind the ledger: still withdrawn, erased and refused, while the link works."""
    two = drill.two
    id = await referred(two)
    data, keystore = await drill.backup()
    await taken_away(two, id)
    await drill.lose()
    await drill.restore(data, keystore, drill.ledger)
    await drill.reset()
    goes = await two.fr.submit("is there a bed?")
    await two.until(lambda: settled(two.fr, [goes]), seconds=200)
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "withdrawn"
    assert "content" not in await two.fr.show(id)
    assert await refusal(two) == Code.GATE_G7
    assert types(two).count("referral.request/1") == 1


async def test_a_signed_request_that_was_taken_back_opens_no_return(drill: Drill) -> None:
    """She had asked for her return on a form, took that back, and the disk with the withdrawal is lost. By another
    consent, which is newer and in force, nobody proposes her return in her reflection period: the ledger knows.
    """
    two, talk = drill.two, referral()["conversation"]
    usual = record_of(f"AL/{UNIT}")
    units = [f"{name}/{UNIT}" for name in ("AL", "FR")]
    grants = [
        usual["grants"][0] | {"purpose": purpose, "recipient_units": units, "data_categories": persons.ALL}
        for purpose in ("referral", "return")
    ]
    oral = usual | {"form": "oral_witnessed", "grants": grants}
    signed = oral | {"form": "written", "signed_form_sha256": "ab" * 32}
    for content in (signed, oral | {"consent_id": HERS}):
        await two.fr.call("consent.record", by="w-1", number="fr-7f3a", content=content)
    request = referral()
    request["header"]["consent_ref"] = HERS
    request["content"]["person"]["age_group"] = "adult"
    request["content"] |= {"legal_status": "reflection_period", "reflection_period_until": "2030-01-01"}
    request["content"].pop("child", None)
    id = (await two.fr.call("message.submit", **request))["id"]
    record = (await two.fr.call("consent.show", id=CONSENT))["record"]
    await two.fr.call("message.submit", **said("consent.record/1", "AL", talk) | {"content": record})
    await two.until(lambda: types(two).count("consent.record/1") == 2, seconds=60)
    accept = said("referral.accept/1", "FR", talk, consent_ref=HERS) | {"in_reply_to": id}
    await two.al.call("message.submit", **accept)
    await two.until(lambda: bool(two.fr.deliveries()), seconds=60)

    async def closed_by() -> set[str]:
        proposal = said("return.proposal/1", "AL", talk, consent_ref=HERS) | {"purpose": "return"}
        with pytest.raises(RefusedError) as caught:
            await two.fr.call("message.submit", **proposal)
        return {finding.rule for finding in caught.value.findings}

    assert await closed_by() == {Code.GATE_G4}
    data, keystore = await drill.backup()
    two.clock.advance(60)
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    assert await closed_by() == {Code.GATE_G4, Code.GATE_G8}
    await put_back(drill, data, keystore)
    assert await closed_by() == {Code.GATE_G4, Code.GATE_G8}


def said(body_type: str, to: str, conversation: str, **header: str) -> dict[str, Any]:
    """An example of a type in a conversation, for a referral."""
    request = example(body_type, to, **header)
    if not header:
        request["header"].pop("consent_ref", None)
    return request | {"conversation": conversation, "purpose": "referral"}


async def test_whoever_has_what_was_erased_here_hears_of_it_after_a_restore(drill: Drill) -> None:
    """She withdraws when all of hers was erased at FR, AL is away, and the disk with the message to AL is lost. The
    ledger takes the consent back; an alarm says so though no record of it is left, and done once more AL is told.
    """
    two = drill.two
    await referred(two)
    await two.fr.call("conversation.erase", id=referral()["conversation"], by="w-1", reason="not_needed")
    assert await two.fr.rows("select count(*) from consent") == [(0,)]
    backup = await drill.backup()
    Spoiler(two.fr).away = True
    two.clock.advance(60)
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    await drill.lose_all_but(*backup, drill.ledger)
    assert "consent.withdrawn_again" in await two.fr.alarms()
    await drill.reset()
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    await two.until(lambda: "consent.withdrawal/1" in types(two), seconds=200)


async def test_a_hold_that_was_placed_lies_again(drill: Drill) -> None:
    """An asylum hold of after the backup keeps from all until a person says which States are feared, and asks the same
    of a linked case; a lifted one is gone.
    """
    two, talk = drill.two, referral()["conversation"]
    await referred(two)
    brother = (await two.fr.call("case.open", label="Blue 8", by="w-1"))["id"]
    await two.fr.call("case.relate", id=await case_of(two.fr, talk), other=brother, relation="sibling", by="w-1")

    async def asked() -> list[list[str]]:
        shown = await two.fr.call("case.show", id=brother, by="w-1")
        return [one["states"] for one in shown["linked_questions"]]

    question = await two.fr.submit("is there a bed?")
    other = (await two.fr.show(question))["conversation"]
    data, keystore = await drill.backup()
    two.clock.advance(60)
    for id in (talk, other):
        await two.fr.call("asylum.hold", id=id, states=["FR"], by="w-1")
    for by in ("w-1", "w-2"):
        await two.fr.call("asylum.lift", id=other, by=by)
    await drill.lose()
    await drill.restore(data, keystore, drill.ledger)
    (hold,) = (await two.fr.call("asylum.list"))["holds"]
    assert (hold["id"], hold["states"]) == (talk, [])
    assert await refusal(two) == Code.GATE_G5
    assert await asked() == [["*"]]
    await two.fr.call("asylum.hold", id=talk, states=["FR"], by="w-1")
    (hold,) = (await two.fr.call("asylum.list"))["holds"]
    assert "FR" in hold["states"]
    assert await asked() == [hold["states"]]


async def put_back(drill: Drill, data: Path, keystore: Path) -> None:
    """The disk is lost, and restored with the newest copy of the ledger."""
    await drill.lose()
    await drill.restore(data, keystore, drill.ledger)
    assert await drill.two.fr.rows("select count(*) from ledger where due") == [(0,)]


async def refuses(party: Party, operation: str, **arguments: Any) -> str:
    """The code with which an operation is refused."""
    with pytest.raises(RefusedError) as caught:
        await party.call(operation, **arguments)
    return str(caught.value.code)


async def test_a_legal_hold_that_was_placed_lies_again(drill: Drill) -> None:
    """On a conversation and on a whole case, with ground and day; one that was lifted since does not (threat 159)."""
    two, talk = drill.two, referral()["conversation"]
    await referred(two)
    case = await case_of(two.fr, talk)
    other = (await two.fr.show(await two.fr.submit("is there a bed?")))["conversation"]
    third = (await two.fr.show(await two.fr.submit("and another?")))["conversation"]
    data, keystore = await drill.backup()
    two.clock.advance(60)
    hold = {"ground": "restriction_18", "until": "2030-06-30"}
    await two.fr.call("case.hold", id=case, **hold)
    for id in (other, third):
        await two.fr.call("retention.hold", id=id, **hold)
    await two.fr.call("retention.release", id=third)
    before = (await two.fr.call("retention.list"))["holds"]
    await put_back(drill, data, keystore)
    assert sorted((await two.fr.call("retention.list"))["holds"], key=str) == sorted(before, key=str)
    for id in (talk, other):
        assert await refuses(two.fr, "conversation.erase", id=id, reason="not_needed") == Code.CONFLICT


async def test_who_was_kept_out_of_a_case_is_kept_out(drill: Drill) -> None:
    """A person and a unit; whoever was let in again since, is. A person looks at the case (threat 160)."""
    two = drill.two
    await referred(two)
    case = await case_of(two.fr, referral()["conversation"])
    for name in ("w-2", "w-3"):
        await two.fr.call("case.show", id=case, by=name)
    data, keystore = await drill.backup()
    two.clock.advance(60)
    for name in ("w-2", "w-3"):
        await two.fr.call("case.block", id=case, person=id_of(name), reason="a relative", by="w-1")
    await two.fr.call("case.unblock", id=case, person=id_of("w-3"), reason="an error", by="w-1")
    await put_back(drill, data, keystore)
    assert await refuses(two.fr, "case.show", id=case, by="w-2") == Code.NOT_FOUND
    assert (await two.fr.call("case.show", id=case, by="w-3"))["id"] == case
    assert "case.changed_again" in await two.fr.alarms()


async def test_who_is_kept_out_of_what_comes_again(drill: Drill) -> None:
    """The case began after the backup: when its referral comes again, nobody who was kept out is shown it, and somebody
    whom the backup does not know is for people to keep out (threat 160).
    """
    two = drill.two
    await recorded(two)
    await two.fr.call("case.list", by="w-2")
    data, keystore = await drill.backup()
    two.clock.advance(5)
    two.fr.system.busy = 1_000_000
    await persons.agreed(two.al, "A-1", HERS)
    await two.al.call("message.submit", **persons.referral("A-1", HERS, to="FR", conversation=AGAIN))
    await two.until(lambda: arrived(two.fr), seconds=60)
    case = await case_of(two.fr, AGAIN)
    for name in ("w-2", "w-new"):
        await two.fr.call("case.show", id=case, by=name)
        await two.fr.call("case.block", id=case, person=id_of(name), reason="a relative", by="w-1")
    await drill.lose()
    two.fr.system.busy = 0
    await drill.restore(data, keystore, drill.ledger)
    assert await two.fr.rows("select count(*) from message") == [(0,)]
    await drill.reset()
    await two.until(lambda: arrived(two.fr), seconds=200)
    assert await refuses(two.fr, "conversation.show", id=AGAIN, by="w-2") == Code.NOT_FOUND
    assert "case.changed_again" in await two.fr.alarms()


async def test_what_a_withdrawal_proves_brings_nothing_of_it_back(drill: Drill) -> None:
    """The backup is of the day in which a person may object: it has the withdrawal, and all that was erased on it. Once
    put back there is no consent, no case with its notes, and no asylum hold.
    """
    two, fr = drill.two, drill.two.fr
    await persons.agreed(two.al, "A-1", HERS)
    await two.al.call("message.submit", **persons.referral("A-1", HERS, to="FR", conversation=AGAIN))
    await two.until(lambda: arrived(fr), seconds=60)
    case = await case_of(fr, AGAIN)
    await fr.call("case.note_role", id=case, role="witness", on="2026-01-01", by="w-1")
    await fr.call("asylum.hold", id=AGAIN, states=["MA"], by="w-1")
    await two.al.call("consent.withdraw", id=HERS, by="w-1", erase_wanted=True)
    await two.until(lambda: fr.deliveries()[-1].type == "consent.withdrawal/1", seconds=90)
    data, keystore = await drill.backup()
    two.clock.advance(86_400 + 60)

    async def followed() -> bool:
        return await refuses_to_show(fr, case)

    await two.until(followed, seconds=180)
    await put_back(drill, data, keystore)
    assert await fr.rows("select count(*) from consent") == [(0,)]
    assert await followed()
    assert await fr.rows("select kind from case_link") == []
    assert (await fr.call("asylum.list"))["holds"] == []


async def refuses_to_show(party: Party, case: str) -> bool:
    """Whether there is no such case any more."""
    with suppress(RefusedError):
        await party.call("case.show", id=case)
        return False
    return True


async def arrived(party: Party) -> bool:
    """Whether a referral and the consent that it relies on came in."""
    return await party.rows("select count(*) from message where direction = 'in'") == [(2,)]


async def test_two_persons_are_not_mixed_again(drill: Drill) -> None:
    """Two people split a case after the backup: the consent of one person carries nothing of the other (threat 161)."""
    two, first = drill.two, referral()["conversation"]
    await referred(two)
    case = await case_of(two.fr, first)
    await two.fr.call("message.submit", **referral() | {"conversation": AGAIN, "case": case})
    data, keystore = await drill.backup()
    two.clock.advance(60)
    split = await persons.changed(two.fr, "case.split", id=case, conversations=[AGAIN])
    await put_back(drill, data, keystore)
    assert await case_of(two.fr, AGAIN) == split["into"]
    assert await case_of(two.fr, first) == case
    assert "case.changed_again" in await two.fr.alarms()
    of_the_other = referral() | {"conversation": AGAIN}
    del of_the_other["header"]["case_ref_sender"]
    assert await refuses(two.fr, "message.submit", **of_the_other) == Code.GATE_G2
    (change,) = (await two.fr.call("case.show", id=case))["changes"]
    await two.fr.call("case.undo", id=change["id"], by="w-1")
    await two.fr.call("case.confirm", id=change["id"], by="w-2")
    assert await case_of(two.fr, AGAIN) == case


async def test_what_became_one_case_is_one_again(drill: Drill) -> None:
    """Two people merged two cases, and took another merge back: what lies over the one case lies over both."""
    two, first = drill.two, referral()["conversation"]
    await referred(two)
    case = await case_of(two.fr, first)
    ids = [await persons.agreed(two.fr, number, b64u(number.encode() * 4)) for number in ("F-22", "F-33")]
    other, third = [(await two.fr.call("consent.show", id=id))["of_case"]["id"] for id in ids]
    before = await persons.changed(two.fr, "case.merge", id=third, into=case)
    data, keystore = await drill.backup()
    two.clock.advance(60)
    await persons.changed(two.fr, "case.merge", id=other, into=case)
    two.clock.advance(60)
    await two.fr.call("case.undo", id=before["change"], by=persons.ANA)
    await two.fr.call("case.confirm", id=before["change"], by=persons.BEN)
    await put_back(drill, data, keystore)
    assert [(await two.fr.call("consent.show", id=id))["of_case"]["id"] for id in ids] == [case, third]
    assert await refuses(two.fr, "case.show", id=other) == Code.NOT_FOUND
    assert (await two.fr.call("case.show", id=third))["id"] == third


@pytest.mark.parametrize("kind", ["case.merge", "case.move"])
async def test_an_enquiry_that_joined_a_case_went_on_to_another(drill: Drill, kind: str) -> None:
    """It was of no case when the backup was made. It is of the other one again, with the hold that was placed on it;
    a legal hold there lies over it.
    """
    two, fr, first = drill.two, drill.two.fr, referral()["conversation"]
    await referred(two)
    talk = (await fr.show(await fr.submit("is there a bed?")))["conversation"]
    await fr.call("asylum.hold", id=talk, states=["MA"], by="w-1")
    case, other = await case_of(fr, first), (await fr.call("case.open", label="Blue 8", by="w-1"))["id"]
    data, keystore = await drill.backup()
    two.clock.advance(60)
    await fr.call("case.join", id=case, conversation=talk, by="w-1")
    wanted = {"id": case} if kind == "case.merge" else {"source": case, "conversations": [talk]}
    await persons.changed(fr, kind, into=other, **wanted)
    await put_back(drill, data, keystore)
    shown = await fr.call("case.show", id=other)
    assert talk in [one["conversation"] for one in shown["conversations"]]
    assert [(one["conversation"], one["states"]) for one in shown["asylum_holds"]] == [(talk, ["MA"])]
    await fr.call("case.hold", id=other, ground="restriction_18", until="2030-06-30")
    assert await refuses(fr, "conversation.erase", id=talk, reason="not_needed") == Code.CONFLICT


async def test_the_number_and_the_unit_of_a_case_go_along_again(drill: Drill) -> None:
    """Two people merged a case that was handed over into one without a number and without a unit, after the backup."""
    two = drill.two
    await referred(two)
    case = await case_of(two.fr, referral()["conversation"])
    blue = (await two.fr.call("case.open", label="Blue 8"))["id"]
    await two.fr.call("case.hand_over", id=case, unit=UNIT, reason="she lives there")
    data, keystore = await drill.backup()
    two.clock.advance(60)
    await persons.changed(two.fr, "case.merge", id=case, into=blue)
    await put_back(drill, data, keystore)
    shown = await two.fr.call("case.show", id=blue)
    assert (shown["number"], [one["unit"] for one in shown["keepers"]]) == (NUMBER, [UNIT])


async def test_without_a_ledger_a_worker_confirms_each_case(drill: Drill) -> None:
    """Nothing goes on a consent of a case before a worker has confirmed it; then it does, and the alarm ends."""
    two = drill.two
    await referred(two)
    data, keystore = await drill.backup()
    await drill.lose()
    made = await drill.restore(data, keystore)
    assert (made.unconfirmed, made.ledger) == (1, None)
    assert "consent.unconfirmed" in await two.fr.alarms()
    await drill.reset()
    assert await refusal(two) == Code.GATE_G2
    case = await case_of(two.fr, referral()["conversation"])
    waiting = await two.fr.call("consent.unconfirmed")
    assert [(line["of_case"]["id"], line["consents"]) for line in waiting["cases"]] == [(case, 1)]
    assert await two.fr.call("consent.confirm", case=case) == {"case": case, "confirmed": 1}
    assert "consent.unconfirmed" not in await two.fr.alarms()
    await two.fr.call("message.submit", **referral() | {"conversation": AGAIN, "case": case})
    await two.until(lambda: types(two).count("referral.request/1") == 2, seconds=200)
    with pytest.raises(RefusedError, match="no consent of this case waits"):
        await two.fr.call("consent.confirm", case=case)


async def test_the_peer_says_what_was_taken_away(drill: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a ledger the peer's signed lists withdraw, erase and void again, before anything else departs there."""
    two = drill.two
    await referred(two)
    theirs = await two.al.submit("of AL, erased by FR")
    await two.until(lambda: two.fr.notes() == ["of AL, erased by FR"], seconds=60)
    wire = Spoiler(two.fr)
    wire.deaf = True
    voided = await two.fr.submit("voided")
    await two.until(lambda: settled(two.fr, [voided], "awaiting_receipt"), seconds=60)
    data, keystore = await drill.backup()
    await two.fr.call("message.cancel", id=voided, by="w-1")  # before it could be sent once more
    two.clock.advance(60)
    wire.deaf = False
    await two.until(lambda: settled(two.fr, [voided], "failed"), seconds=60)
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    await two.until(lambda: types(two)[-1] == "consent.withdrawal/1", seconds=60)
    await two.fr.call("message.erase", id=theirs, by="w-1", reason="not_needed")
    await two.fr.call("keys.rotate_epoch", by="admin")
    await two.until(lambda: signed_as_erased(two, theirs), seconds=200)

    await drill.lose()
    drill.ledger.unlink()
    await drill.restore(data, keystore)
    case = await case_of(two.fr, referral()["conversation"])
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "active"
    assert "content" in await two.fr.show(theirs)
    await two.fr.call("consent.confirm", case=case)
    wire = Spoiler(two.fr)
    waits = await two.fr.submit("waits for the lists")
    lists = two.fr.running.taken_lists
    take, taken = lists.take, list[int]()

    async def counted(peer: Peer, reset: str) -> None:
        taken.append(len(wire.asked))
        await take(peer, reset)

    monkeypatch.setattr(lists, "take", counted)
    await drill.reset()
    assert taken == [0]  # nothing had departed
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "withdrawn"
    assert "content" not in await two.fr.show(theirs)
    assert await two.fr.state(voided) == "failed"
    assert await refusal(two) == Code.GATE_G7
    await two.until(lambda: settled(two.fr, [waits]), seconds=200)


async def signed_as_erased(two: Two, id: str) -> bool:
    """Whether AL holds the receipt that FR has erased this message."""
    return "erased" in [receipt["status"] for receipt in (await two.al.show(id))["receipts"]]


async def test_what_was_erased_and_comes_again_is_handed_to_nobody(drill: Drill) -> None:
    """Accepted and erased after the backup, sent anew after the reset: erased in the transaction that accepts it, so
    that neither the case system nor the desk has it for a moment (threat 145).
    """
    two = drill.two
    data, keystore = await drill.backup()
    two.clock.advance(5)
    two.fr.system.busy = 1_000_000
    theirs = await two.al.submit("erased before it was handed over")
    await two.until(lambda: settled(two.al, [theirs], "awaiting_handover"), seconds=60)
    await two.fr.call("message.erase", id=theirs, by="w-1", reason="not_needed")
    await drill.lose()
    two.fr.system.busy = 0
    await drill.restore(data, keystore, drill.ledger)
    assert await two.fr.rows("select count(*) from message") == [(0,)]
    await drill.reset()

    async def came() -> bool:
        return await two.fr.rows("select count(*) from message") == [(1,)]

    await two.until(came, seconds=200)
    after = await two.al.submit("and goes on")
    await two.until(lambda: two.fr.notes() == ["and goes on"], seconds=60)
    assert "content" not in await two.fr.show(theirs)
    assert await two.fr.rows("select reason from erasure") == [("not_needed",)]
    assert await two.fr.rows("select count(*) from ledger where due") == [(0,)]
    await two.until(lambda: settled(two.al, [after]), seconds=60)


async def test_a_folder_that_was_put_back_is_told_by_the_ledger(drill: Drill) -> None:
    """The whole folder is of before, its own file too, and no peer is asked yet: the ledger on the other disk goes on
    behind it, so every link needs a reset and nobody comes in with what they had (threat 146).
    """
    two, fr = drill.two, drill.two.fr
    id = await referred(two)
    token = (await fr.call("token.new", role="adapter", label="case system"))["token"]
    await fr.stop()
    shutil.copytree(fr.folder, drill.base / "then", ignore=shutil.ignore_patterns("*.sock"))
    await fr.start()
    await taken_away(two, id)
    await fr.stop()
    shutil.rmtree(fr.folder)
    shutil.copytree(drill.base / "then", fr.folder)
    await fr.open()
    assert await fr.rows("select count(*) from meta where key = 'restored'") == [(1,)]
    assert "node.older" in await fr.alarms()
    assert (await fr.call("consent.show", id=CONSENT))["state"] == "withdrawn"
    with pytest.raises(RefusedError, match="revoked"):
        fr.running.tokens.admit(token)
    await fr.stop()
    await fr.start()  # it knows that already, and does not begin the resets anew
    assert await fr.rows("select count(*) from audit where cast(leaf as text) like '%node.older%'") == [(1,)]


async def test_alerts_and_withdrawals_do_not_wait_for_the_lists(drill: Drill, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the peer does not say what was taken away, what nothing may block goes, and everything else waits."""
    two = drill.two
    await referred(two)
    await drill.lose_all_but(*await drill.backup())
    client, away = two.fr.running.client, [True]
    ask = client.post_taken

    async def post_taken(peer: PeerAddress, question: bytes) -> Answered:
        if away:
            raise TransientError(Code.UNREACHABLE, "the lists do not come")
        return await ask(peer, question)

    monkeypatch.setattr(client, "post_taken", post_taken)
    await two.fr.changes("link.reset")
    await two.until(lambda: two.al.running.peers.reset(two.al.peer().node) is not None, seconds=200)
    await two.al.changes("link.accept_reset")
    waits = await two.fr.submit("waits for the lists")
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1")
    await two.until(lambda: types(two)[-1] == "consent.withdrawal/1", seconds=200)
    assert await two.fr.state(waits) == "queued"
    away.clear()
    await two.until(lambda: settled(two.fr, [waits]), seconds=200)
