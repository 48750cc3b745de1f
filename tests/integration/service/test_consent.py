"""Consent travels before what relies on it, and its withdrawal stops everything that is not answered (gate G7)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.forger import Forger
from support.nodeproc import UNIT
from support.pair import Spoiler, Two, example, two_nodes

from gateway.errors import Code, RefusedError
from gateway.service.incoming_consent import Recorded
from keys.encoding import b64u

CONSENT = b64u(b"consent consent."[:16])


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


def record_of(unit: str) -> dict[str, Any]:
    """What a person consented to: a grant for the referral and one for another purpose, both for one unit."""
    content = example("consent.record/1", "AL")["content"]
    content["consent_id"] = CONSENT
    categories = ["identity", "contact", "exploitation", "needs", "immigration", "risk"]
    content["grants"] = [
        {"purpose": purpose, "recipient_units": [unit], "data_categories": categories, "until": "2027-11-30"}
        for purpose in ("referral", "monitoring")
    ]
    return dict(content)


def referral() -> dict[str, Any]:
    """A small referral that relies on it."""
    request = example("referral.request/1", "AL", consent_ref=CONSENT)
    return request | {"purpose": "referral", "conversation": b64u(b"conversation one"[:16])}


async def recorded(two: Two) -> None:
    """A person at FR records the consent."""
    await two.fr.call("consent.record", by="w-1", content=record_of(f"AL/{UNIT}"))


def types(two: Two) -> list[str]:
    """What AL's case system was given, by type."""
    return [delivery.type for delivery in two.al.deliveries()]


async def test_record_travels_first_and_once(two: Two) -> None:
    """The consent record precedes the first message that relies on it, and only that one."""
    await recorded(two)
    await two.fr.call("message.submit", **referral())
    await two.fr.call("message.submit", **referral())
    await two.until(lambda: types(two) == ["consent.record/1", "referral.request/1", "referral.request/1"])
    held = await two.al.call("consent.show", id=CONSENT)
    assert (held["holder"], held["state"]) == ("FR", "active")


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


@pytest.mark.parametrize("order", [(1, 2), (2, 1)], ids=["in one request", "withdrawal first"])
async def test_record_and_withdrawal_together(two: Two, order: tuple[int, int]) -> None:
    """A record and its withdrawal that come in one request, or the wrong way round, leave a withdrawn consent."""
    forger = Forger(two.fr)
    conversation = b64u(b"conversation two"[:16])
    node = two.al.running.parts.own.node
    requests = {
        1: example("consent.record/1", "AL") | {"content": record_of(f"{node}/{UNIT}"), "conversation": conversation},
        2: example("consent.withdrawal/1", "AL") | {"conversation": conversation},
    }
    requests[1]["header"].pop("consent_ref", None)
    requests[2]["content"]["consent_id"] = CONSENT
    sealed = [forger.seal(n, request=requests[n]) for n in order]
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
    parts = two.al.running.parts
    third = Recorded(
        parts=parts, holder="n1" + "a" * 32, conversation=parts.vault.conversation_index("another"),
        record=record_of(f"{parts.own.node}/{UNIT}"),
    )  # fmt: skip
    await parts.store.move(lambda c: third.write(c, two.clock.now()))
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
