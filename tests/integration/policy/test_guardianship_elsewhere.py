"""What this side told of a child's guardians in other conversations of the case counts for its own consent (7.23)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio
from support.nodeproc import UNIT
from support.pair import START, Party, Two, example, two_nodes
from support.persons import agreed
from support.policies import open_on, text_of

from gateway.consent.effects import Recorded
from gateway.consent.givers import NOTHING_TOLD, Guardianship
from gateway.foundation.ids import ConversationId
from gateway.policy.consent_context import Question
from keys.primitives.encoding import b64u

GUARDIANS, HERS, NEW = b64u(b"by the guardian."), b64u(b"by the mother..."), b64u(b"of nobody here..")
TOLD, OTHER = (ConversationId(b64u(name)) for name in (b"conversation one", b"conversation two"))
TODAY = datetime.fromtimestamp(START, UTC).date()
BEGAN, ENDS = TODAY - timedelta(days=20), TODAY + timedelta(days=40)


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """A child with a guardian's consent and a parent's; in one conversation the other node is told of the guardian."""
    async with two_nodes(tmp_path) as made:
        await agreed(made.fr, "fr-7f3a", GUARDIANS, given_by="person_and_guardian", child_assent="given")
        await agreed(made.fr, "fr-7f3a", HERS, given_by="parent", child_assent="given")
        await made.fr.changes("policy.widen", "node", policy=text_of(open_on(("FR", "AL"))))
        person = example("referral.request/1", "AL")["content"]["person"]
        person |= {"age_group": "child", "nationalities": ["AL"]}
        child = {"guardian_pending": True, "bia_done": True, "situation": "unaccompanied"}
        referral = await say(made, made.fr, "referral.request", person=person, child=child)
        await say(made, made.al, "referral.accept", reply_to=referral)
        term = {"from": BEGAN.isoformat(), "until": (ENDS - timedelta(days=1)).isoformat()}
        await say(made, made.fr, "guardian.notice", event="appointed", **term)
        yield made


async def say(two: Two, party: Party, name: str, *, reply_to: str | None = None, **content: Any) -> str:
    """Send a message of the conversation in which the guardian is told of, and wait until it is there; its id."""
    other, role = (two.al if party is two.fr else two.fr), "national_focal_point"
    request = example(f"{name}/1", other.name, consent_ref=GUARDIANS, sender_role=role, recipient_role=role)
    request |= {"purpose": "referral", "conversation": TOLD, "content": request["content"] | content}
    if reply_to is not None:
        request |= {"in_reply_to": reply_to}
    id = str((await party.call("message.submit", **request))["id"])
    await two.until(lambda: any(d.message_id == id for d in other.deliveries()), seconds=60, what=f"{name} arrives")
    return id


async def elsewhere(two: Two, conversation: ConversationId, consent: str | None = GUARDIANS) -> Guardianship:
    """What is known elsewhere of the guardians when a message of this conversation is judged."""
    node = two.fr.running
    asked = Question(
        conversation=conversation,
        consent_ref=consent,
        to=two.al.running.own.node,
        sender_unit=UNIT,
        recipient_unit=UNIT,
    )
    (found,) = await node.store.read(lambda c: node.consent_contexts.load_consent_context(c, [asked]))
    return found.circumstances.guardianship_elsewhere


async def test_a_guardian_is_known_in_every_conversation_of_the_case(two: Two) -> None:
    """In the one in which it was told it is no other one's; a parent's consent does not end with a guardian."""
    told = Guardianship(began=frozenset({BEGAN}), left=frozenset({ENDS}))
    assert await elsewhere(two, OTHER) == told
    assert await elsewhere(two, TOLD) == NOTHING_TOLD
    assert await elsewhere(two, OTHER, HERS) == NOTHING_TOLD
    assert await elsewhere(two, OTHER, None) == NOTHING_TOLD
    assert await elsewhere(two, OTHER, NEW) == NOTHING_TOLD


async def test_of_another_nodes_consent_its_own_guardians_count(two: Two) -> None:
    """What this side told of guardians ends no consent that it did not record."""
    node = two.fr.running
    record = example("consent.record/1", "AL")["content"]
    given = {"consent_id": NEW, "given_by": "person_and_guardian", "child_assent": "given"}
    conversation = node.sealer.conversation_index(TOLD)
    theirs = Recorded(
        content=node.content, holder=two.al.running.own.node, record=record | given, conversation=conversation
    )
    await node.store.move(lambda c: theirs.write(c, START))
    assert await elsewhere(two, OTHER, NEW) == NOTHING_TOLD
