"""Corrections between two nodes: what the sender refuses, and what the receiver refuses of a node that does not ask."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.pair import Two, example, two_nodes
from support.relied_on import CONSENT, recorded, referral, types
from support.tables import table

from gateway.delivery.outbound import judgement
from gateway.errors import Code, RefusedError
from gateway.policy.gates.gate_table import Permit

NAME = "Canary-name-41d7"
WRONG = {
    "a pseudonym as a need": {"path": "/content/person/pseudonym", "data_category": "needs", "new_value": NAME},
    "no field as a need": {"path": "/content/no_such_field", "data_category": "needs", "new_value": NAME},
    "a message that never came": {"target_message": "C" * 21 + "A"},
    "a code that is none": {"path": "/content/legal_status", "data_category": "immigration", "new_value": NAME},
}


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving; AL has a referral that rests on a consent, and FR knows that it has."""
    async with two_nodes(tmp_path) as made:
        await recorded(made)
        id = (await made.fr.call("message.submit", **referral()))["id"]

        async def known() -> bool:
            return bool(await made.fr.state(id) == "awaiting_opening")

        await made.until(known, seconds=30)
        yield made


async def correction(two: Two, **changes: Any) -> dict[str, Any]:
    """A correction of the status in the referral, with `changes`."""
    listed = (await two.fr.call("message.list", direction="out"))["messages"]
    (target,) = [item["id"] for item in listed if item["type"] == "referral.request/1"]
    said = {
        "target_message": target,
        "path": "/content/legal_status",
        "data_category": "immigration",
        "new_value": "regular",
        "reason": "typo",
        "safety_relevant": False,
    }
    request = example("data.correction/1", "AL", consent_ref=CONSENT)
    content = request["content"] | said | changes
    return request | {"purpose": "referral", "conversation": referral()["conversation"], "content": content}


async def test_a_correction_of_what_arrived_arrives(two: Two):
    """It goes to the case system of the other side like any message."""
    request = await correction(two)
    await two.fr.call("message.submit", **request)
    await two.until(lambda: "data.correction/1" in types(two), seconds=30)


@table("name", WRONG)
async def test_the_sender_refuses_what_is_no_correction(two: Two, name: str):
    """Nothing is stored, and the refusal does not repeat the value."""
    with pytest.raises(RefusedError) as refusal:
        await two.fr.call("message.submit", **await correction(two, **WRONG[name]))
    assert refusal.value.code is Code.GATE_G2
    assert NAME not in str([refusal.value.hint, refusal.value.what, refusal.value.findings])
    assert [item["type"] for item in (await two.fr.call("message.list", direction="out"))["messages"]].count(
        "data.correction/1"
    ) == 0


@pytest.mark.parametrize("name", WRONG)
async def test_a_correction_from_a_node_that_does_not_ask_is_refused(
    two: Two, name: str, monkeypatch: pytest.MonkeyPatch
):
    """The receiver signs a refusal, keeps nothing of it and shows nothing to its case system."""
    request = await correction(two, **WRONG[name])
    monkeypatch.setattr(judgement, "evaluate", lambda _: Permit())
    id = (await two.fr.call("message.submit", **request))["id"]

    async def rejected() -> bool:
        return bool(await two.fr.state(id) == "rejected")

    await two.until(rejected, seconds=30)
    assert (await two.fr.show(id))["reason"] == "gate_g2"
    assert "data.correction/1" not in types(two)
    assert await two.al.rows(f"select * from message where id = '{id}'") == []
