"""Who must not see a case acts on nothing of it, and is told of nothing of it, where an act chooses by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_asyncio
from support.pair import Party, Spoiler, Two, two_nodes
from support.persons import ANA, agreed, asked, case_of, employed, referral

from gateway.erasure.operations import erasing
from gateway.messages.store import messages
from gateway.operations.roles import Caller
from keys.primitives.encoding import b64u

HERS, HIS = b64u(b"consent of her.."), b64u(b"consent of him..")
TALK, OTHER = b64u(b"conversation one"), b64u(b"conversation two")
DAY = 86_400


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two persons of France, each with a consent."""
    async with two_nodes(tmp_path) as made:
        for number, consent in (("F-1", HERS), ("F-2", HIS)):
            await agreed(made.fr, number, consent)
        yield made


async def test_nothing_of_a_closed_case_is_sent_anew(two: Two):
    """A relative who sends all that failed anew sends what failed in other cases; the closed one stays for others."""
    fr, wire = two.fr, Spoiler(two.fr)
    wire.away = True
    hers, his = [
        (await fr.call("message.submit", **referral(number, consent, conversation=talk)))["id"]
        for number, consent, talk in (("F-1", HERS, TALK), ("F-2", HIS, OTHER))
    ]
    two.clock.advance(15 * DAY)

    async def failed() -> bool:
        return [await fr.state(id) for id in (hers, his)] == ["failed", "failed"]

    await two.until(failed, seconds=90)
    eva, ben = await employed(fr, "Eva M."), await employed(fr, "Ben C.")
    await fr.call("case.block", id=await case_of(fr, TALK), person=eva.person, reason="a relative", by=ANA)
    theirs, all_of_it = [await asked(fr, who, "message.resend_many", COUNTED) for who in (eva, ben)]
    assert (theirs["matched"], all_of_it["matched"]) == (2, 4)  # a referral, and the record of its consent before it
    await fr.changes("peer.suspend")
    refused = (await asked(fr, eva, "message.resend_many", {"state": "failed"}))["refused"]
    listed = {one["id"] for one in (await asked(fr, eva, "message.list", {}))["messages"]}
    assert his in listed and {one["id"] for one in refused} <= listed
    await fr.changes("peer.resume")
    wire.away = False
    await asked(fr, eva, "message.resend_many", {"state": "failed"})
    assert len((await fr.call("message.list", conversation=TALK))["messages"]) == 2
    assert (await asked(fr, ben, "message.resend_many", COUNTED))["matched"] == 2


COUNTED = {"state": "failed", "dry_run": True}


async def test_retention_tells_nothing_of_a_closed_case(two: Two, monkeypatch: pytest.MonkeyPatch):
    """Neither what is due nor how much, nor that a peer asked for it, before it is erased and afterwards; it is erased
    all the same.
    """
    fr = two.fr
    ids = [await fr.submit(f"a room for one, {number}?") for number in ("F-1", "F-2")]
    talks = [(await fr.show(id))["conversation"] for id in ids]
    cases = [one["id"] for one in (await fr.call("case.list"))["cases"]]
    for case, talk in zip(cases, talks, strict=True):
        await fr.call("case.join", id=case, conversation=talk, by=ANA)
    eva, ben = await employed(fr, "Eva M."), await employed(fr, "Ben C.")
    await fr.call("case.block", id=cases[0], person=eva.person, reason="a relative", by=ANA)
    held = {"ground": "restriction_18", "until": "2099-01-01", "by": ANA}
    for talk in talks:
        await fr.call("retention.hold", id=talk, **held)
    two.clock.advance(100 * DAY)
    await fr.running.erasure.follow_rules()  # the node itself looks once a day, and the holds keep them
    await two.calm()
    for talk in talks:
        await fr.call("retention.release", id=talk, by=ANA)
    rows = await fr.running.store.read(lambda c: [messages.find(c, id)[0] for id in ids])
    told_by = [SimpleNamespace(message=row.ref, follow=0) for row in rows]  # as if a peer had asked by these
    monkeypatch.setattr(erasing, "requests", SimpleNamespace(unsettled=lambda _: told_by))
    theirs, all_of_it = [(len(some), set(some), some) for some in (ids[1:], ids)]
    assert [await due(fr, who) for who in (eva, ben)] == [theirs, all_of_it]
    assert await due(fr, eva, dry_run=False) == theirs
    assert [(await fr.show(id))["erased"]["reason"] for id in ids] == ["enquiry", "enquiry"]


async def due(party: Party, caller: Caller, *, dry_run: bool = True) -> tuple[int, set[str], list[str]]:
    """What somebody is told of what is to be erased: how much by the report, which messages, and by which requests."""
    told = await asked(party, caller, "retention.run", {"dry_run": dry_run})
    counted = sum(line["messages"] for line in told["report"] if line["verdict"] == "erase")
    return counted, {one["id"] for one in told["erase"]}, told["requests"]
