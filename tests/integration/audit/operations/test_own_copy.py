"""The person's own copy of a case of two nodes: what was said and to whom, and neither a word of it nor a colleague."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.pair import Two, two_nodes
from support.persons import ANA, BEN, agreed, case_of, referred
from support.shapes import misfits

from gateway.errors import Code, RefusedError
from keys.primitives.encoding import b64u

HERS, TALK = b64u(b"consent of her.."), b64u(b"conversation one")
LABEL = "Blaue Tulpe"


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """A referral from France to Albania that relies on a consent; the case has a label."""
    async with two_nodes(tmp_path) as made:
        await agreed(made.fr, "F-1", HERS)
        await referred(made, "F-1", HERS, conversation=TALK)
        await made.fr.call("case.label", id=await case_of(made.fr, TALK), label=LABEL, by=ANA)
        yield made


async def copy(two: Two) -> Any:
    """The copy that a worker at France makes."""
    return await two.fr.call("case.copy", id=await case_of(two.fr, TALK), by=ANA)


async def test_it_tells_what_was_said_to_whom_and_when_it_ends(two: Two) -> None:
    """Each message that left or came with its kinds of data; the consent with what it covers."""
    told = await copy(two)
    assert misfits("case.copy", told) == []
    (referral,) = [one for one in told["said"] if one["kind"] == "referral.request/1"]
    assert (referral["direction"], referral["peer"], referral["erased"]) == ("out", "AL", False)
    assert referral["categories"] != []
    assert [one["state"] for one in told["consents"]] == ["active"]
    assert told["number"] == "F-1" and [one["peer"] for one in told["references"]] == ["AL"]


async def test_no_word_of_a_message_and_no_colleague_stands_in_it(two: Two) -> None:
    """Neither label nor pseudonym, nor who works here."""
    text = json.dumps(await copy(two), ensure_ascii=False)
    found = (await two.fr.call("message.list", conversation=TALK))["messages"]
    referral = await two.fr.call("message.show", id=next(m["id"] for m in found if m["type"] == "referral.request/1"))
    assert [one for one in (LABEL, ANA, BEN, referral["content"]["person"]["pseudonym"]) if one in text] == []


async def test_the_log_says_that_it_was_made(two: Two) -> None:
    """Once for each copy."""
    await copy(two)
    await copy(two)
    events = [one["event"] for one in (await two.fr.call("audit.list", limit=500))["entries"]]
    assert events.count("case.copied") == 2


async def test_nothing_of_it_is_kept_under_a_key(two: Two) -> None:
    """Asked for again under its Idempotency-Key it is made anew: of a case that was erased meanwhile there is none, and
    a case that is found shows up under no key either.
    """
    case, who = await case_of(two.fr, TALK), {"key": "copy-F-1", "by": ANA}
    assert (await two.fr.call("case.copy", id=case, **who))["number"] == "F-1"
    find = {"key": "find-tulpe", "by": ANA, "text": LABEL}
    assert [one["id"] for one in (await two.fr.call("case.find", **find))["cases"]] == [case]
    await two.fr.call("case.erase", id=case, reason="not_needed", by=BEN)
    with pytest.raises(RefusedError) as gone:
        await two.fr.call("case.copy", id=case, **who)
    assert gone.value.code is Code.NOT_FOUND
    assert (await two.fr.call("case.find", **find))["cases"] == []
