"""Two different people release a referral, and what goes without consent in danger to life (nrm1 12.9, gate G2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.acting import pseudonym_of
from support.attached import NOTE, added, content, opened, stored
from support.nodeproc import UNIT
from support.pair import START, Party, Spoiler, Two, example, two_nodes

import schemas
from gateway.database.sealed_content import Content
from gateway.delivery.operations import release
from gateway.delivery.operations.completing import case_of
from gateway.errors import Code, RefusedError
from gateway.ports import Json
from keys.primitives.encoding import b64u

CONSENT, OTHER = b64u(b"consent consent."[:16]), b64u(b"another consent."[:16])
TODAY = datetime.fromtimestamp(START, UTC).date().isoformat()
ALL = [code.code for code in schemas.code_list("data_category").codes]


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving, and a consent that FR has recorded."""
    async with two_nodes(tmp_path) as made:
        await agreed(made.fr, CONSENT)
        yield made


async def agreed(party: Party, consent: str, *, unit: str = UNIT, purpose: str = "referral", **more: Any) -> None:
    """The person of the case agrees that a unit of AL is told everything for this purpose, and to nothing else."""
    grants = [
        {"purpose": purpose, "recipient_units": [f"AL/{unit}"], "data_categories": ALL, "until": "2027-11-30"},
        {"purpose": "monitoring", "recipient_units": [f"AL/{UNIT}"], "data_categories": ALL, "until": "2027-11-30"},
    ]
    content = example("consent.record/1", "AL")["content"]
    content |= {"consent_id": consent, "taken_on": TODAY, "grants": grants} | more
    await party.call("consent.record", by="w-1", number="fr-7f3a", content=content)


def referral(**header: Any) -> dict[str, Any]:
    """A small referral that nobody has signed for yet."""
    request = example("referral.request/1", "AL", **header)
    for name in ("author_ref", "consent_ref"):
        if name not in header:
            request["header"].pop(name, None)
    return request | {"purpose": "referral"}


def in_danger(**claim: Any) -> dict[str, Any]:
    """The same without consent, because a life is in danger."""
    header = {"legal_basis": ["6_1_d", "9_2_c"], "transfer_basis": "vital_interest_49_1_f"}
    return referral(vital_interest={"ground": "medical_emergency", **claim}, **header)


def naming(message: str) -> dict[str, Any]:
    """A small referral with the one file that waits for the message of this id."""
    request = referral() | {"message": message}
    request["content"]["attachments"] = [{"part": 0, "doc_kind": "other"}]
    return request


async def drafted(party: Party, request: dict[str, Any]) -> str:
    """A draft that waits; its id."""
    return str((await party.call("draft.save", draft=request))["id"])


async def refused(party: Party, code: Code, operation: str, **arguments: Any) -> RefusedError:
    """It is refused, and no message is there."""
    before = await party.rows("select count(*) from message")
    with pytest.raises(RefusedError) as refusal:
        await party.call(operation, **arguments)
    assert await party.rows("select count(*) from message") == before
    assert refusal.value.code is code
    return refusal.value


async def state(party: Party, id: str) -> str:
    """State of a draft."""
    return str((await party.call("draft.show", id=id))["state"])


async def released_otherwise(party: Party, id: str) -> None:
    """The first person makes it urgent, and releases that."""
    shown = await party.call("draft.show", id=id, by="w-1")
    shown["draft"]["header"]["priority"] = "urgent"
    await party.call("draft.change", id=id, draft=shown["draft"], if_match=shown["version"])
    await party.call("draft.release", id=id, by="w-1")


async def test_a_referral_goes_when_two_people_released_it(two: Two) -> None:
    """The first release is judged as a whole and kept, the same person is no second one, and nothing is added then."""
    fr = two.fr
    id = await drafted(fr, referral())
    await refused(fr, Code.GATE_G2, "draft.release", id=id, by="w-1")
    assert await state(fr, id) == "waiting"
    first = await fr.call("draft.release", id=id, by="w-1", consent=CONSENT)
    assert first == {"id": id, "state": "waiting_second"}
    assert await fr.rows("select * from message") == []
    assert await state(fr, id) == "waiting_second"
    assert (await fr.call("draft.show", id=id))["first_by"] == "w-1"
    assert [item["id"] for item in (await fr.call("draft.list"))["drafts"]] == [id]
    await refused(fr, Code.CONFLICT, "draft.release", id=id, by="w-1")
    await refused(fr, Code.CONFLICT, "draft.release", id=id, by="w-2", consent=CONSENT)
    sent = await fr.call("draft.release", id=id, by="w-2")
    assert await state(fr, id) == "released"
    await refused(fr, Code.CONFLICT, "draft.release", id=id, by="w-3")
    await two.until(lambda: [d.type for d in two.al.deliveries()] == ["consent.record/1", "referral.request/1"])
    assert (await fr.show(sent["id"]))["header"]["author_ref"] == pseudonym_of(fr.running, "w-1")


async def test_a_release_whose_answer_was_lost_is_repeated_under_its_key(two: Two) -> None:
    """Each of the two gets the answer that they did not see, nothing goes twice, and a key stands for one release."""
    fr = two.fr
    id = await drafted(fr, referral())
    for key, by, more in (("first", "w-1", {"consent": CONSENT}), ("second", "w-2", {})):
        answer = await fr.call("draft.release", key=key, id=id, by=by, **more)
        assert await fr.call("draft.release", key=key, id=id, by=by, **more) == answer
    await refused(fr, Code.CONFLICT, "draft.release", id=id, key="third", by="w-2")
    await refused(fr, Code.CONFLICT, "draft.release", id=id, key="second", by="w-1")
    await two.until(lambda: [d.type for d in two.al.deliveries()] == ["consent.record/1", "referral.request/1"])


async def test_a_referral_with_a_file_goes_when_two_people_released_it(two: Two) -> None:
    """The first release judges it with the file that waits for it, and leaves that where it is; both arrive."""
    fr = two.fr
    await opened(two)
    message = await added(fr, NOTE)
    id = await drafted(fr, naming(message))
    assert (await fr.call("draft.release", id=id, by="w-1", consent=CONSENT))["state"] == "waiting_second"
    waiting = (await fr.call("attachment.waiting", id=message))["attachments"]
    assert ([item["size"] for item in waiting], len(stored(fr))) == ([len(NOTE)], 1)
    sent = await fr.call("draft.release", id=id, by="w-2")
    assert (sent["id"], await state(fr, id)) == (message, "released")
    await two.until(lambda: [d.type for d in two.al.deliveries()] == ["consent.record/1", "referral.request/1"])
    (given,) = [item for item in two.al.deliveries() if item.message_id == message]
    assert [await content(given, n) for n in range(len(given.attachments))] == [NOTE]


async def test_a_draft_whose_file_is_gone_is_released_by_nobody(two: Two) -> None:
    """The first of two people is told that no file waits, and the draft stays as it was."""
    fr = two.fr
    await opened(two)
    message = await added(fr, NOTE)
    id = await drafted(fr, naming(message))
    await fr.call("attachment.discard", id=message)
    await refused(fr, Code.NOT_FOUND, "draft.release", id=id, by="w-1", consent=CONSENT)
    assert await state(fr, id) == "waiting"


async def test_a_changed_draft_is_released_anew_by_both(two: Two) -> None:
    """Who released it released another one; and a message that one person may release goes at once."""
    fr = two.fr
    id = await drafted(fr, referral())
    await fr.call("draft.release", id=id, by="w-1", consent=CONSENT)
    shown = await fr.call("draft.show", id=id)
    shown["draft"]["header"]["priority"] = "urgent"
    await fr.call("draft.change", id=id, draft=shown["draft"], if_match=shown["version"])
    assert await state(fr, id) == "waiting"
    assert (await fr.call("draft.release", id=id, by="w-2"))["state"] == "waiting_second"
    await fr.call("draft.release", id=id, by="w-1")
    assert await state(fr, id) == "released"
    question = example("enquiry.capacity/1", "AL")
    assert (await fr.call("draft.release", id=await drafted(fr, question), by="w-1"))["state"] == "queued"


async def test_the_second_person_releases_what_they_have_seen(two: Two) -> None:
    """Who was shown what the first one has changed and released again since is told so, and nothing goes."""
    fr = two.fr
    id = await drafted(fr, referral())
    await fr.call("draft.release", id=id, by="w-1", consent=CONSENT)
    shown = await fr.call("draft.show", id=id, by="w-2")
    await released_otherwise(fr, id)
    await refused(fr, Code.CHANGED_MEANWHILE, "draft.release", id=id, by="w-2", if_match=shown["version"])
    assert await state(fr, id) == "waiting_second"
    seen = (await fr.call("draft.show", id=id, by="w-2"))["version"]
    sent = await fr.call("draft.release", key="second", id=id, by="w-2", if_match=seen)
    assert (await fr.show(sent["id"]))["header"]["priority"] == "urgent"
    assert await fr.call("draft.release", key="second", id=id, by="w-2") == sent, "the key stands for the release"


async def test_what_is_changed_while_it_is_released_does_not_go(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was seen is still the newest as the second release begins, and no more where it is written."""
    fr = two.fr
    id = await drafted(fr, referral())
    await fr.call("draft.release", id=id, by="w-1", consent=CONSENT)
    seen = (await fr.call("draft.show", id=id, by="w-2"))["version"]

    async def changed(content: Content, draft: str) -> dict[str, Json]:
        monkeypatch.setattr(release, "case_of", case_of)
        await released_otherwise(fr, id)
        return await case_of(content, draft)

    monkeypatch.setattr(release, "case_of", changed)
    await refused(fr, Code.CONFLICT, "draft.release", id=id, by="w-2", if_match=seen)
    assert await state(fr, id) == "waiting_second"


async def test_danger_to_life_is_approved_by_the_second_person(two: Two) -> None:
    """G2 opens by who releases it second, whomever the claim of the draft names as author and approver: a name there is
    no proof. It is asked again at departure.
    """
    fr, spoiler = two.fr, Spoiler(two.fr)
    spoiler.away = True
    named = await drafted(fr, in_danger(approver_ref="w-9"))
    unnamed = await drafted(fr, in_danger())
    for id in (named, unnamed):
        assert (await fr.call("draft.release", id=id, by="w-1"))["state"] == "waiting_second"
    await refused(fr, Code.CONFLICT, "draft.release", id=named, by="w-1")
    sent = [await fr.call("draft.release", id=id, by="w-2") for id in (named, unnamed)]
    sent.append(await fr.call("message.submit", **in_danger(approver_ref="w-2"), by="w-1", second_by="w-2"))
    spoiler.away = False
    await two.until(lambda: [d.type for d in two.al.deliveries()] == ["referral.request/1"] * 3, seconds=60)
    for message in sent:
        header = (await fr.show(message["id"]))["header"]
        both = (header["author_ref"], header["vital_interest"]["approver_ref"])
        assert both == (pseudonym_of(fr.running, "w-1"), pseudonym_of(fr.running, "w-2"))


async def released(party: Party) -> dict[str, Any]:
    """Two people release a referral in danger to life, which names no consent."""
    id = await drafted(party, in_danger())
    await party.call("draft.release", id=id, by="w-1")
    return dict(await party.call("draft.release", id=id, by="w-2"))


async def test_danger_to_life_passes_no_denial(two: Two) -> None:
    """Who said no to this kind of data for this unit, in whichever consent, is not overruled: nobody releases it."""
    await agreed(two.fr, OTHER, denials=[{"unit": f"AL/{UNIT}", "data_category": "exploitation"}])
    error = await refused(two.fr, Code.GATE_G2, "draft.release", id=await drafted(two.fr, in_danger()), by="w-1")
    assert "the person said no to exploitation" in str(error.hint)


@pytest.mark.parametrize("part", [{"grants": [0]}, {}], ids=["a part", "all"])
async def test_danger_to_life_passes_nothing_that_was_taken_back(two: Two, part: dict[str, Any]) -> None:
    """Neither in the conversation that relied on the consent, nor in a new one of the same case."""
    fr = two.fr
    sent = await fr.call("message.submit", **referral(consent_ref=CONSENT), by="w-1", second_by="w-2")
    await fr.call("consent.withdraw", id=CONSENT, by="w-1", **part)
    for talk in ({}, {"conversation": sent["conversation"]}):
        id = await drafted(fr, in_danger() | talk)
        await refused(fr, Code.GATE_G7, "draft.release", id=id, by="w-1")


async def test_danger_to_life_stands_where_the_no_is_about_something_else(two: Two) -> None:
    """Neither what was taken back for another purpose, nor a denial for another unit stops it, nor what the person
    agreed to again in another consent.
    """
    fr, elsewhere = two.fr, [{"purpose": "law_enforcement"}, {"unit": "AL/elsewhere"}]
    await fr.call("consent.withdraw", id=CONSENT, by="w-1", grants=[1])
    await agreed(fr, OTHER, purpose="assistance", denials=elsewhere)
    await fr.call("consent.withdraw", id=OTHER, by="w-1")
    assert (await released(fr))["state"] == "queued"
    await fr.call("consent.withdraw", id=CONSENT, by="w-1")
    await refused(fr, Code.GATE_G7, "draft.release", id=await drafted(fr, in_danger()), by="w-1")
    await agreed(fr, b64u(b"consent anew...."))
    assert (await released(fr))["state"] == "queued"


@pytest.mark.parametrize("no", ["denied", "taken back"])
async def test_danger_to_life_is_asked_again_as_it_departs(two: Two, no: str) -> None:
    """What the person says while it waits is heard."""
    fr, spoiler = two.fr, Spoiler(two.fr)
    spoiler.away = True
    sent = await released(fr)
    if no == "denied":
        await agreed(fr, OTHER, denials=[{"data_category": "exploitation"}])
    else:
        await fr.call("consent.withdraw", id=CONSENT, by="w-1")
    spoiler.away = False

    async def ended() -> bool:
        return await fr.state(sent["id"]) != "queued"

    await two.until(ended, seconds=60)
    shown = await fr.show(sent["id"])
    assert (shown["state"], shown["reason"]) == ("failed", "gate_g2" if no == "denied" else "gate_g7")
