"""Two contents under one number: the alarm about them gives the proof that a stranger verifies (nrm1 5.4, 7.15)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from support.forger import Forger
from support.pair import Two, two_nodes
from support.stranger import verify

from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u, canon

SECOND = b64u(bytes(16))


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


@pytest.fixture
def forger(two: Two) -> Forger:
    """FR, numbering as the test says."""
    return Forger(two.fr)


async def alarm(two: Two) -> str:
    """The alarm of AL about what FR signed."""
    ((seq,),) = await two.al.rows("select seq from alarm where kind = 'peer.equivocation'")
    return str(seq)


def anchors(two: Two) -> set[str]:
    """Both fingerprints, from elsewhere."""
    return {party.running.own.descriptor.fingerprint for party in (two.fr, two.al)}


async def test_the_alarm_gives_the_proof(two: Two, forger: Forger) -> None:
    """Of two conversations, without content; both verifiers name who signed, with the receipt of the first."""
    await forger.send(1)
    assert await forger.send(1, id=SECOND) == ("equivocation", None)
    bundle = await two.al.call("evidence.contradiction", id=await alarm(two))
    found = verify(canon(bundle), anchors(two))
    ids = " and ".join(sorted([forger.id(1), SECOND]))
    assert found.two_contents == found.warnings == (f"FR signed two contents under number 1, as {ids}",)
    assert len(found.conversations) == 2
    receipted = {message.id: "received" in dict(message.statuses) for message in found.messages}
    assert receipted == {forger.id(1): True, SECOND: False}
    assert not any(message.disclosed or message.fields for message in found.messages)
    with pytest.raises(RefusedError, match="no proof of two descriptors"):
        await two.al.call("keys.proof", id=await alarm(two))


async def test_what_is_no_second_content_proves_nothing(two: Two, forger: Forger) -> None:
    """A void of another id under a used number stops the peer, and is no content."""
    await forger.send(1)
    await forger.void(1, id=SECOND)
    with pytest.raises(RefusedError, match="no second content") as caught:
        await two.al.call("evidence.contradiction", id=await alarm(two))
    assert caught.value.code is Code.NOT_FOUND


async def test_another_alarm_has_no_such_proof(two: Two, forger: Forger) -> None:
    """Neither a broken chain nor a number that is no alarm."""
    await forger.send(1)
    await forger.send(2, prev=b64u(bytes(32)))
    ((seq,),) = await two.al.rows("select seq from alarm where kind = 'peer.bad_chain'")
    for id, words in ((str(seq), "keeps no two messages"), ("999", "no such open alarm"), ("x", "no such open alarm")):
        with pytest.raises(RefusedError, match=words) as caught:
            await two.al.call("evidence.contradiction", id=id)
        assert caught.value.code is Code.NOT_FOUND
