"""Who is told of a withdrawal when the conversation was erased here before the person withdrew, between real nodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from support.pair import Party, Spoiler, Two, two_nodes
from support.persons import ANA, agreed, damage, referral, referred, stands

from keys.primitives.encoding import b64u

CONSENT = b64u(b"consent of her..")
ERASED, LEFT = b64u(b"conversation one"), b64u(b"conversation two")
EVIDENCE = "select evidence from statement where message in (select message from erasure)"


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """One person whose consent two conversations rely on, of which one was erased in France."""
    async with two_nodes(tmp_path) as made:
        await agreed(made.fr, "F-1", CONSENT)
        for talk in (ERASED, LEFT):
            await referred(made, "F-1", CONSENT, conversation=talk)
        await erase(made.fr, ERASED)
        yield made


async def erase(party: Party, conversation: str) -> None:
    """A person erases a conversation."""
    await party.call("conversation.erase", id=conversation, by=ANA, reason="not_needed")


async def withdraw(party: Party, **more: Any) -> list[str]:
    """The person takes the consent back; the ids of the messages that tell it."""
    done = await party.call("consent.withdraw", id=CONSENT, by=ANA, **more)
    return [told["message"] for told in done["told"]]


async def test_an_erased_conversation_is_told_too(two: Two):
    """Albania still has what was erased here: both conversations stand still there, by what was signed."""
    told = await withdraw(two.fr, erase_wanted=True)
    assert len(told) == 2
    await two.until(lambda: set(told) <= {d.message_id for d in two.al.deliveries()}, seconds=60, what="it is told")
    for talk in (ERASED, LEFT):
        assert "consent_withdrawn" in (await stands(two.al, talk))["overlays"]
    assert "erasure.untold" not in await two.fr.alarms()


async def test_a_part_is_told_there_too(two: Two):
    """What was taken back in part is told wherever it was relied on."""
    told = await withdraw(two.fr, grants=[0])
    await two.until(lambda: set(told) <= {d.message_id for d in two.al.deliveries()}, seconds=60, what="it is told")
    shown = [await two.fr.show(id) for id in told]
    assert sorted(one["conversation"] for one in shown) == sorted((ERASED, LEFT))


async def test_nobody_hears_of_what_never_left(two: Two):
    """A conversation that was erased before its first message departed is known to nobody else."""
    silent = b64u(b"conversation 3..")
    Spoiler(two.fr).away = True
    waits = await two.fr.call("message.submit", **referral("F-1", CONSENT, conversation=silent))
    assert await two.fr.state(waits["id"]) == "queued"
    await erase(two.fr, silent)
    told = await withdraw(two.fr)
    assert silent not in {(await two.fr.show(id))["conversation"] for id in told}
    assert (len(told), "erasure.untold" in await two.fr.alarms()) == (2, False)


async def test_whom_nothing_says_how_to_tell_is_for_the_telephone(two: Two):
    """Nothing that was signed opens either: the withdrawal counts, and an alarm names the country."""
    await damage(two.fr, EVIDENCE)
    assert [(await two.fr.show(id))["conversation"] for id in await withdraw(two.fr)] == [LEFT]
    assert (await two.fr.call("consent.show", id=CONSENT))["state"] == "withdrawn"
    assert "erasure.untold" in await two.fr.alarms()
