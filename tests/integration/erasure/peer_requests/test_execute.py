"""What a peer asks to be erased, between two real nodes: followed by the node, by a person, or refused on a legal
ground; what is left, and what is overdue, is told on both sides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.forger import Forger
from support.nodeproc import UNIT
from support.pair import Party, Two, example, two_nodes

from gateway.errors import Code, RefusedError
from gateway.ports import Erasure
from keys.primitives.encoding import b64u

DAY = 86_400
CONSENT = b64u(b"consent consent."[:16])
CASE = b64u(b"conversation one"[:16])


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def about(body_type: str, to: str = "AL", **content: Any) -> dict[str, Any]:
    """An example of a type as a message of the case, with what `content` says."""
    request = example(body_type, to, consent_ref=CONSENT) | {"purpose": "referral", "conversation": CASE}
    return request | {"content": request["content"] | content}


async def recorded(two: Two) -> None:
    """A person at FR agrees to a referral."""
    record = example("consent.record/1", "AL")["content"] | {"consent_id": CONSENT}
    categories = ["identity", "contact", "exploitation", "needs", "immigration", "risk"]
    record["grants"] = [
        {
            "purpose": "referral",
            "recipient_units": [f"{name}/{UNIT}" for name in ("AL", "FR")],
            "data_categories": categories,
            "until": "2027-11-30",
        }
    ]
    await two.fr.call("consent.record", by="w-1", number="fr-7f3a", content=record)


async def referred(two: Two) -> str:
    """FR has referred a person to AL, whose case system has it; the id of the request."""
    await recorded(two)
    id = str((await two.fr.call("message.submit", **about("referral.request/1")))["id"])

    async def known() -> bool:
        return await two.fr.state(id) == "awaiting_opening"

    await two.until(known, seconds=30)
    return id


async def asked(two: Two, **content: Any) -> str:
    """FR asks AL to erase, and AL's case system has that; the id of the message."""
    request = about("erasure.request/1")
    request["content"] = content
    id = str((await two.fr.call("message.submit", **request))["id"])

    async def there() -> bool:
        return [item["id"] for item in await requests(two.al)] == [id]

    await two.until(there, seconds=90)
    return id


async def requests(party: Party) -> list[dict[str, Any]]:
    """What peers asked of a party."""
    found: list[dict[str, Any]] = (await party.call("erasure.list"))["requests"]
    return found


async def is_(party: Party, state: str) -> bool:
    """Whether every request of a party has come so far."""
    return {item["state"] for item in await requests(party)} == {state}


async def answers(party: Party) -> list[dict[str, Any]]:
    """The contents of the confirmations that a party was sent, oldest first."""
    listed = (await party.call("message.list", direction="in"))["messages"]
    ids = [item["id"] for item in reversed(listed) if item["type"] == "erasure.confirmation/1"]
    return [(await party.show(id))["content"] for id in ids]


async def answered(two: Two, count: int = 1) -> dict[str, Any]:
    """The last of so many confirmations that came to FR."""

    async def there() -> bool:
        return len(await answers(two.fr)) == count

    await two.until(there, seconds=180)
    return (await answers(two.fr))[-1]


async def kept(two: Two, id: str) -> bool:
    """Whether AL still has what a message says."""
    return "content" in await two.al.show(id)


async def test_a_day_in_which_a_person_may_object(two: Two) -> None:
    """Nothing goes in the first 24 hours; then the node follows, and says what it did."""
    referral = await referred(two)
    await asked(two, scope="conversation", ground="objection")
    await two.until(lambda: is_(two.al, "waiting"), seconds=90)
    (waiting,) = await requests(two.al)
    assert (waiting["what"], waiting["ground"], waiting["state"]) == ("conversation", "objection", "waiting")
    assert waiting["follow"] - waiting["at"] == DAY
    await two.al.call("retention.run", by="dpo")
    assert await kept(two, referral)
    two.clock.advance(DAY)
    said = await answered(two)
    assert said["result"] == "erased"
    assert {place["place"]: place["done"] for place in said["places"]} == {
        "gateway": "erased",
        "draft": "not_held",
        "envelope": "not_held",
        "attachment": "not_held",
        "key_file": "erased",
        "local_system": "erased",
        "journal": "erased",
        "backup": "not_held",
        "recipient": "not_held",
    }
    assert not await kept(two, referral)
    assert await requests(two.al) == []


async def test_what_was_misdirected_goes_at_once(two: Two) -> None:
    """The named message and no other; a run of retention follows it, and its dry run says that it will."""
    referral = await referred(two)
    other = await two.fr.submit("stays")
    request = about("erasure.request/1")
    request["content"] = {"scope": "message", "targets": [referral], "ground": "misdirected"}
    await two.fr.call("message.submit", **request)
    assert (await answered(two))["result"] == "erased"
    assert not await kept(two, referral)
    assert await kept(two, other)


async def test_a_request_that_overtook_what_it_names_waits_for_it(two: Two) -> None:
    """A message comes after the request to erase it. Nothing is said until then; it goes by itself, and that is what
    the answer says. What came after the request stays, whatever its number is.
    """
    forger = Forger(two.fr)
    request = about("erasure.request/1")
    request["content"] = {"scope": "message", "targets": [forger.id(1), forger.id(3)], "ground": "misdirected"}
    assert await forger.post(forger.seal(2, request=request)) == [(None, "received")]
    await two.until(lambda: is_(two.al, "followed"), seconds=90)
    two.clock.advance(5 * 60)
    await two.calm()
    assert await sent(two.al) == []
    assert await forger.post(forger.seal(3)) == [(None, "received")]
    assert await forger.post(forger.seal(1)) == [(None, "received")]
    assert await says(two, 1) == "erased"
    assert [await kept(two, forger.id(n)) for n in (1, 3)] == [False, True]
    assert await requests(two.al) == []


async def test_what_never_comes_is_answered_in_time(two: Two) -> None:
    """Shortly before the answer is due it goes, and says that nothing was held; what comes then goes all the same, and
    is told in a second answer.
    """
    forger = Forger(two.fr)
    request = about("erasure.request/1")
    request["content"] = {"scope": "message", "targets": [forger.id(1)], "ground": "misdirected"}
    assert await forger.post(forger.seal(2, request=request)) == [(None, "received")]
    await two.until(lambda: is_(two.al, "followed"), seconds=90)
    (waits,) = await requests(two.al)
    two.clock.advance((waits["due"] - waits["at"]) * 7 // 8)
    assert await says(two, 1) == "not_held"
    assert await forger.post(forger.seal(1)) == [(None, "received")]
    assert await says(two, 2) == "erased"
    assert not await kept(two, forger.id(1))


async def sent(party: Party) -> list[str]:
    """What the confirmations say that a party wrote, oldest first."""
    listed = (await party.call("message.list", direction="out"))["messages"]
    ids = [item["id"] for item in reversed(listed) if item["type"] == "erasure.confirmation/1"]
    return [(await party.show(id))["content"]["result"] for id in ids]


async def says(two: Two, count: int) -> str:
    """What the last of so many confirmations says that AL wrote."""

    async def there() -> bool:
        return len(await sent(two.al)) == count

    await two.until(there, seconds=180, what="AL answers")
    return (await sent(two.al))[-1]


async def test_a_dry_run_names_what_is_due(two: Two) -> None:
    """The request that the next run follows is in the report, and nothing is followed."""
    referral = await referred(two)
    id = await asked(two, scope="conversation", ground="objection")
    two.clock.advance(DAY - 30)  # the chore of this minute is over
    assert (await two.al.call("retention.run", by="dpo", dry_run=True))["requests"] == []
    assert await kept(two, referral)
    await two.al.call("erasure.follow", id=id, by="dpo")
    assert not await kept(two, referral)


async def test_a_legal_ground_to_refuse(two: Two) -> None:
    """AL keeps it under a legal hold; FR is told the ground, the day and what is kept, and alarmed. When the hold is
    lifted it goes, and that is said too.
    """
    referral = await referred(two)
    id = await asked(two, scope="conversation", ground="objection")
    ground = {"ground": "legal_claims_17_3_e", "until": "2027-12-31"}
    await two.al.call("erasure.refuse", id=id, by="dpo", **ground)
    said = await answered(two)
    assert (said["result"], "erased_at" in said) == ("refused", False)
    assert {item["ground"] for item in said["kept"]} == {"legal_claims_17_3_e"}
    assert {item["until"] for item in said["kept"]} == {"2027-12-31"}
    assert {item["data_category"] for item in said["kept"]} >= {"identity"}
    assert await kept(two, referral)
    assert "erasure.kept" in await two.fr.alarms()
    assert await is_(two.al, "kept")
    two.clock.advance(40 * DAY)
    await two.al.call("retention.run", by="dpo")
    assert await kept(two, referral)
    await two.al.call("retention.release", id=CASE, by="dpo")
    assert (await answered(two, 2))["result"] == "erased"
    assert not await kept(two, referral)
    for party in two:
        assert "erasure.overdue" not in await party.alarms()


async def test_a_refusal_with_another_day(two: Two) -> None:
    """AL keeps it longer than it had said: FR is told the day of now."""
    await referred(two)
    id = await asked(two, scope="conversation", ground="objection")
    for count, until in ((1, "2027-12-31"), (2, "2028-06-30")):
        await two.al.call("erasure.refuse", id=id, by="dpo", ground="legal_claims_17_3_e", until=until)
        said = await answered(two, count)
        assert (said["result"], {item["until"] for item in said["kept"]}) == ("refused", {until})
        await two.until(lambda: is_(two.al, "kept"), seconds=90)


async def test_overdue_on_both_sides(two: Two) -> None:
    """A part of what messages say is for a person; when nobody decides in 30 days, both sides are alarmed."""
    referral = await referred(two)
    await asked(two, scope="data_category", data_categories=["needs"], ground="objection")
    assert "erasure.asked" in await two.al.alarms()
    two.clock.advance(32 * DAY)
    for party in two:
        await party.running.status_updates.keep()
        assert "erasure.overdue" in await party.alarms()
    assert await kept(two, referral)


async def test_a_person_chooses(two: Two) -> None:
    """Of a request about a part, what the person names goes; without a choice nothing does."""
    referral = await referred(two)
    id = await asked(two, scope="data_category", data_categories=["needs"], ground="objection")
    with pytest.raises(RefusedError) as refusal:
        await two.al.call("erasure.follow", id=id, by="dpo")
    assert refusal.value.code is Code.CONFLICT
    assert await kept(two, referral)
    assert (await two.al.call("erasure.follow", id=id, by="dpo", messages=[referral]))["erased"] == 1
    assert (await answered(two))["result"] == "erased"
    with pytest.raises(RefusedError) as again:
        await two.al.call("erasure.follow", id=id, by="dpo", messages=[referral])
    assert again.value.code is Code.CONFLICT


@pytest.mark.parametrize("of_before", [False, True], ids=["new", "of before"])
async def test_a_consent_of_which_the_record_alone_came(two: Two, of_before: bool) -> None:
    """Its person takes it back and wants it erased: the record goes, though nothing relied on it. So does one that came
    when it was not written down which consent it tells.
    """
    await recorded(two)
    content = (await two.fr.call("consent.show", id=CONSENT))["record"]
    record = about("consent.record/1", **content)
    del record["header"]["consent_ref"]
    told = str((await two.fr.call("message.submit", **record))["id"])
    await two.until(lambda: [one.message_id for one in two.al.deliveries()] == [told], seconds=60)
    if of_before:
        await two.al.running.store.move(lambda c: c.exec_driver_sql("update message set consent = null"))
    await two.fr.call("consent.withdraw", id=CONSENT, by="w-1", erase_wanted=True)
    await two.until(lambda: is_(two.al, "waiting"), seconds=90)
    two.clock.advance(DAY + 60)
    assert (await answered(two))["result"] == "erased"
    assert not await kept(two, told)
    assert await two.al.rows("select count(*) from consent") == [(0,)]


@pytest.mark.parametrize("word", [Erasure.DISABLED_ONLY, Erasure.NOT_SUPPORTED])
async def test_no_more_is_claimed_than_was_done(two: Two, word: Erasure) -> None:
    """A case system that cannot erase leaves something, and that is what FR is told."""
    two.al.system.erases = word
    await referred(two)
    id = await asked(two, scope="conversation", ground="objection")
    await two.al.call("erasure.follow", id=id, by="dpo")
    said = await answered(two)
    assert said["result"] == "partly_erased"
    assert {"place": "local_system", "done": str(word)} in said["places"]
    assert "erasure.kept" in await two.fr.alarms()
    assert "erasure.left" in await two.al.alarms()


async def test_what_is_no_request(two: Two) -> None:
    """An id of something else, and a ground that is none, change nothing."""
    referral = await referred(two)
    id = await asked(two, scope="conversation", ground="objection")
    ground = {"by": "dpo", "ground": "legal_claims_17_3_e", "until": "2027-12-31"}
    for arguments, code in (
        (ground | {"id": referral}, Code.NOT_FOUND),
        (ground | {"id": id, "ground": "because"}, Code.INVALID),
        (ground | {"id": id, "until": "soon"}, Code.INVALID),
    ):
        with pytest.raises(RefusedError) as refusal:
            await two.al.call("erasure.refuse", **arguments)
        assert refusal.value.code is code
    assert (await two.al.call("retention.list"))["holds"] == []
    assert [item["erased_at"] for item in await requests(two.al)] == [None]
