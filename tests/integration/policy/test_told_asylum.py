"""A message tells that a sister seeks asylum, between two real nodes: what both sides ask of her brother's case, what
stops, and what ends it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from support.pair import Party, Two, example, two_nodes
from support.persons import ANA, BEN, agreed, case_of, referral, referred
from support.policies import policy

from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u
from schemas.groups import field_groups
from schemas.region_pack.policies import canonical_bytes

HERS, HIS = b64u(b"consent of her.."), b64u(b"consent of him..")
HER_TALK, HIS_TALK = (b64u(name) for name in (b"conversation her", b"conversation him"))


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """France referred two siblings to Albania; people link their cases in the tests."""
    async with two_nodes(tmp_path) as made:
        for number, consent in (("F-1", HERS), ("F-2", HIS)):
            await agreed(made.fr, number, consent)
        await referred(made, "F-2", HIS, conversation=HIS_TALK)
        yield made


async def adopt_wide(party: Party) -> None:
    """Its policy tells nationalities before the other side has accepted the person, which an ordinary one does not."""
    wide = policy(("FR", "AL"), before=field_groups().groups, name="wide")
    await party.changes("policy.widen", "node", policy=canonical_bytes(wide).decode())


async def relate(party: Party) -> None:
    """Say that they are siblings."""
    her, him = [await case_of(party, talk) for talk in (HER_TALK, HIS_TALK)]
    await party.call("case.relate", id=him, other=her, by=ANA, relation="sibling")


async def asked(party: Party) -> list[list[str]]:
    """Of which States his case is asked; the alarm says the same."""
    him = await case_of(party, HIS_TALK)
    found = (await party.call("case.show", id=him, by=ANA))["linked_questions"]
    alarms = (await party.call("alarm.list", kind="asylum.linked"))["alarms"]
    assert [one["of_case"]["id"] for one in alarms] == [him for _ in found]
    return [one["states"] for one in found]


def her_referral(status: str) -> dict[str, Any]:
    """The referral of the sister, who has two nationalities."""
    request = referral("F-1", HERS, conversation=HER_TALK)
    content = request["content"]
    person = content["person"] | {"nationalities": ["FR", "MA"]}
    return request | {"content": content | {"legal_status": status, "person": person}}


async def arrives(two: Two, id: str) -> None:
    """Wait until Albania has a message and France knows it; the clock stands still meanwhile."""
    await two.until(lambda: any(d.message_id == id for d in two.al.deliveries()), what="it arrives")

    async def told() -> bool:
        return await two.fr.state(id) in ("awaiting_opening", "opened")

    await two.until(told, what="France has the receipts")


async def refer_her(two: Two, status: str) -> str:
    """Refer her, and wait until Albania has it; the id."""
    id = str((await two.fr.call("message.submit", **her_referral(status)))["id"])
    await arrives(two, id)
    return id


async def correct(two: Two, id: str, status: str) -> None:
    """France tells another legal status of her, and Albania has it: what was said later counts."""
    content = {"target_message": id, "path": "/content/legal_status", "data_category": "immigration"}
    content |= {"new_value": status, "reason": "new_fact", "safety_relevant": False}
    header = {"case_ref_sender": "F-1", "consent_ref": HERS}
    request = example("data.correction/1", "AL", **header) | {"conversation": HER_TALK, "purpose": "referral"}
    await arrives(two, str((await two.fr.call("message.submit", **request | {"content": content}))["id"]))


async def accept_him(two: Two) -> str | Code:
    """Albania tells France that it takes him: the state of the answer, or the refusal."""
    his = [one for one in two.al.deliveries() if one.conversation == HIS_TALK and one.type == "referral.request/1"]
    request = example("referral.accept/1", "FR", consent_ref=HIS) | {"conversation": HIS_TALK, "purpose": "referral"}
    request["in_reply_to"] = his[0].message_id
    try:
        return str((await two.al.call("message.submit", **request))["state"])
    except RefusedError as refusal:
        return refusal.code


async def test_who_is_told_asks_and_so_does_who_tells(two: Two) -> None:
    """Where people linked the two before. Nothing about him goes to a State that she fears, until two people answer."""
    await adopt_wide(two.fr)
    hers = await refer_her(two, "irregular")
    for party in (two.fr, two.al):
        await relate(party)
        assert await asked(party) == []
    await correct(two, hers, "asylum_pending")
    assert await asked(two.fr) == await asked(two.al) == [["FR", "MA"]]
    assert await accept_him(two) is Code.GATE_G5
    him = await case_of(two.al, HIS_TALK)
    for by, left in ((ANA, ["FR", "MA"]), (BEN, ["MA"])):
        assert (await two.al.call("asylum.apart", id=him, by=by, states=["FR"]))["unanswered"] == left
    assert await accept_him(two) == "queued"
    assert (await asked(two.al), await asked(two.fr)) == ([["MA"]], [["FR", "MA"]])


async def test_a_correction_counts_that_departs_in_the_second_of_what_it_corrects(two: Two) -> None:
    """A case system sends both one after the other."""
    await adopt_wide(two.fr)
    begun = two.clock.now()
    hers = await refer_her(two, "irregular")
    await correct(two, hers, "asylum_pending")
    assert two.clock.now() == begun
    for party in (two.fr, two.al):
        await relate(party)
        assert await asked(party) == [["FR", "MA"]]


async def test_where_no_state_was_told_every_one_is_asked_about_but_who_told_it(two: Two) -> None:
    """Before it has accepted her Albania does not know what she fears. She seeks asylum in another State than that."""
    await refer_her(two, "asylum_pending")
    await relate(two.al)
    assert await asked(two.al) == [["*"]]
    assert await accept_him(two) == "queued"


async def test_who_is_linked_later_is_asked_about_and_an_end_ends_it(two: Two) -> None:
    """It was told before people linked the two; then it is told that she does not seek asylum any more."""
    hers = await refer_her(two, "asylum_pending")
    for party, states in ((two.fr, ["FR", "MA"]), (two.al, ["*"])):
        await relate(party)
        assert await asked(party) == [states]
    await correct(two, hers, "regular")
    assert await asked(two.fr) == await asked(two.al) == []


async def test_with_what_told_it_the_question_ends(two: Two) -> None:
    """It is erased here, and nobody knows it any more; the other side still asks."""
    await refer_her(two, "asylum_pending")
    for party in (two.fr, two.al):
        await relate(party)
    await two.al.call("conversation.erase", id=HER_TALK, by=ANA, reason="not_needed")
    assert (await asked(two.al), await asked(two.fr)) == ([], [["FR", "MA"]])
