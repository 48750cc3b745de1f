"""A referral that has ended is erased by its end, and the other side is told; the state outlives the contents."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from support.nodeproc import UNIT
from support.pair import Party, Two, example, two_nodes

from gateway.database import journal
from gateway.messages.store import messages
from keys.primitives.encoding import b64u

DAY = 86_400
CONSENT = b64u(b"consent consent."[:16])
CASE = b64u(b"conversation one"[:16])


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def about(body_type: str, to: str, **content: Any) -> dict[str, Any]:
    """An example of a type as a message of the case."""
    request = example(body_type, to, consent_ref=CONSENT) | {"purpose": "referral", "conversation": CASE}
    request["header"]["handling"]["retain_until"] = "2030-11-30"  # so that only the end of the case ends it
    return request | {"content": request["content"] | content}


async def referred(two: Two) -> str:
    """FR has referred a person to AL, where somebody opened it; the id of the request."""
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
    id = str((await two.fr.call("message.submit", **about("referral.request/1", "AL")))["id"])

    async def known() -> bool:
        return await two.fr.state(id) == "awaiting_opening"

    await two.until(known, seconds=30)
    await two.al.call("message.open", id=id, by="w-2")
    return id


async def came(party: Party, body_type: str) -> bool:
    """Whether a party holds a message of this type of the other side."""
    listed = (await party.call("message.list", direction="in"))["messages"]
    return body_type in [item["type"] for item in listed]


async def stand(two: Two, state: str) -> bool:
    """Whether the case stands so in the rows of both sides, and as people are shown it."""
    found: list[Any] = []
    for party in two:
        await party.running.status_updates.keep()
        found += [state for (state,) in await party.rows("select state from conversation")]
        found += [item["state"] for item in (await party.call("conversation.show", id=CASE))["standing"]]
    return found == [state] * 4


async def test_a_declined_referral(two: Two) -> None:
    """Thirty days later AL erases it and confirms; FR keeps its own for the confirmation, then erases it too."""
    request = await referred(two)
    answer = about("referral.decline/1", "FR", reason="no_capacity") | {"in_reply_to": request}
    await two.al.call("message.submit", **answer)
    await two.until(lambda: came(two.fr, "referral.decline/1"), seconds=60)
    await two.until(lambda: stand(two, "declined"), seconds=60)
    two.clock.advance(29 * DAY)
    await two.al.call("retention.run", by="dpo")
    assert "content" in await two.al.show(request)
    two.clock.advance(DAY)
    await two.al.call("retention.run", by="dpo")
    await two.until(lambda: came(two.fr, "erasure.confirmation/1"), seconds=180)
    assert "content" not in await two.al.show(request)
    for party in two:
        assert "erasure.overdue" not in await party.alarms()
    two.clock.advance(DAY)
    await two.fr.call("retention.run", by="dpo")
    assert "content" not in await two.fr.show(request)
    two.clock.advance(300 * DAY)
    await two.until(lambda: stand(two, "declined"), seconds=60)
    assert await two.al.rows("select count(*) from consent") == [(0,)]


async def test_a_declined_referral_about_which_an_alarm_is_open(two: Two) -> None:
    """AL keeps it until they have seen it, and erases and confirms then: the confirmation is made of the referral."""
    request = await referred(two)
    answer = about("referral.decline/1", "FR", reason="no_capacity") | {"in_reply_to": request}
    decline = (await two.al.call("message.submit", **answer))["id"]
    await two.until(lambda: came(two.fr, "referral.decline/1"), seconds=60)
    await two.until(lambda: stand(two, "declined"), seconds=60)
    alarm, store = "message.forgotten", two.al.running.store
    (row,) = await store.read(lambda c: messages.find(c, decline))
    await store.move(lambda c: journal.raise_alarm(c, at=two.clock.now(), kind=alarm, ref=row.ref))
    two.clock.advance(30 * DAY)
    await two.al.call("retention.run", by="dpo")
    assert "content" in await two.al.show(request)
    await store.move(lambda c: journal.close_alarms(c, alarm, at=two.clock.now()))
    await two.al.call("retention.run", by="dpo")
    await two.until(lambda: came(two.fr, "erasure.confirmation/1"), seconds=180)
    assert "content" not in await two.al.show(request)


async def test_a_referral_that_was_taken_back(two: Two) -> None:
    """FR takes it back and wants it erased: AL erases after a day, says so, and it stays withdrawn on both sides."""
    request = await referred(two)
    await two.fr.call("message.submit", **about("referral.withdraw/1", "AL", reason="solved_locally", erase=True))
    await two.until(lambda: came(two.al, "referral.withdraw/1"), seconds=60)
    two.clock.advance(DAY + 60)
    await two.until(lambda: came(two.fr, "erasure.confirmation/1"), seconds=180)
    assert "content" not in await two.al.show(request)
    await two.until(lambda: stand(two, "withdrawn"), seconds=60)
