"""What submission judged counts at departure while all stands that it rests on, and only in the same second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Connection
from support.nodeproc import DAY
from support.pair import Two, example, two_nodes
from support.policies import policy, text_of
from support.relied_on import CONSENT, record_of, recorded, referral

from gateway.cases import store as cases
from gateway.cases.rules import CaseState
from gateway.cases.store import CaseRow
from gateway.consent import unconfirmed_store
from gateway.consent.effects import Recorded
from gateway.delivery.outbound import kept
from gateway.delivery.outbound.departure import Departure, Ready
from gateway.delivery.outbound.exchange import may_go
from gateway.delivery.outbound.kept import KeptJudgements
from gateway.delivery.outbound.lookout import Lookout
from gateway.errors import TransientError
from gateway.foundation.ids import CaseId
from gateway.peers import store as peer_rows
from gateway.peers.registry import Peer
from keys.primitives.encoding import b64u

SECOND_TALK, THIRD_TALK = b64u(b"conversation two"[:16]), b64u(b"conversation new"[:16])


@dataclass
class Desk:
    """FR with a referral that submission let pass and that has not departed; `looked_up` counts what was loaded."""

    two: Two
    depart: Callable[[Peer, list[int]], Awaitable[list[Ready]]]
    looked_up: list[object]
    id: str = ""
    ref: int = 0

    async def submit(self, conversation: str, nationalities: list[str]) -> None:
        """The referral, of a person of these States; a second one takes its place."""
        request = referral() | {"conversation": conversation}
        request["content"]["person"]["nationalities"] = nationalities
        self.id = (await self.two.fr.call("message.submit", **request))["id"]
        ((self.ref,),) = await self.two.fr.rows(f"select ref from message where id = '{self.id}'")

    async def leave(self) -> list[Ready]:
        """It departs, if it may."""
        return await self.depart(self.two.fr.peer(), [self.ref])

    async def row(self) -> tuple[str, str | None, int | None]:
        """State, reason and number of the message."""
        query = f"select state, reason, n from message where ref = {self.ref}"
        ((state, reason, n),) = await self.two.fr.rows(query)
        return state, reason, n


@pytest_asyncio.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """A first referral told the peer of the consent; the second one waits while the sender is held."""
    async with two_nodes(tmp_path) as two:
        fr, looked_up = two.fr, list[object]()
        await recorded(two)
        first = (await fr.call("message.submit", **referral()))["id"]

        async def there() -> bool:
            return await fr.state(first) == "awaiting_opening"

        await two.until(there, seconds=30)
        depart, look_up = fr.running.departure.depart, Lookout.look_up

        async def held(self: Departure, peer: Peer, refs: object) -> list[Ready]:
            await asyncio.Event().wait()  # a failure would be noted at the peer, on which the judgement rests
            return []

        async def counted(self: Lookout, peer: Peer, refs: object) -> Any:
            looked_up.append(refs)
            return await look_up(self, peer, refs)

        monkeypatch.setattr(Departure, "depart", held)
        monkeypatch.setattr(Lookout, "look_up", counted)
        monkeypatch.setattr(kept, "LIFE", 60.0)
        made = Desk(two, depart, looked_up)
        await made.submit(SECOND_TALK, ["AL"])
        yield made


async def test_what_was_judged_departs_without_being_loaded_again(desk: Desk) -> None:
    """Nothing was changed, and it is the same second."""
    (ready,) = await desk.leave()
    assert (ready.row.ref, desk.looked_up) == (desk.ref, [])
    assert await desk.row() == ("awaiting_receipt", None, 3)
    assert "referral.request/1" in desk.two.fr.compared


async def move(desk: Desk, write: Callable[[Connection], object]) -> None:
    """Something is written that the node does not read again by itself."""
    await desk.two.fr.running.store.move(write)


async def told_otherwise(desk: Desk) -> None:
    """The peer tells of the same consent, with a denial of everything."""
    record = record_of("AL/focal-point") | {"denials": [{"purpose": "referral"}]}
    told = Recorded(
        content=desk.two.fr.running.content, holder=desk.two.fr.peer().node, record=record, conversation=b"told"
    )
    await move(desk, lambda c: told.write(c, desk.two.clock.now()))


async def of_another_case(desk: Desk) -> None:
    """People find that the conversation is about somebody else."""
    index = desk.two.fr.running.content.sealer.conversation_index(SECOND_TALK)
    other = CaseId("B" * 22)

    def write(connection: Connection) -> None:
        was = cases.cases_of(connection, [index])[index]
        cases.open_cases(connection, [CaseRow(id=other, state=CaseState.OPEN, at=1, card=None)])
        assert cases.move_links(connection, [index], was=was, to=other) == 1

    await move(desk, write)


async def without_schemas(desk: Desk) -> None:
    """The peer was set up anew by another version, which holds nothing that we write."""
    await move(desk, lambda c: peer_rows.change(c, desk.two.fr.peer().node, schemas="[]"))
    await desk.two.fr.running.peers.refresh()


def scope_of(desk: Desk) -> dict[str, Any]:
    """What this side lets pass now."""
    mine = desk.two.fr.peer().trust.mine
    assert mine is not None
    return dict(mine.scope)


ACTS: dict[str, tuple[Callable[[Desk], Awaitable[object]], str, str | None]] = {
    "the message": (lambda d: d.two.fr.call("message.cancel", id=d.id, by="w-1"), "cancelled", "cancelled"),
    "its content": (
        lambda d: d.two.fr.call("message.erase", id=d.id, by="w-1", reason="not_needed"),
        "cancelled",
        "cancelled",
    ),
    "the consent": (lambda d: d.two.fr.call("consent.withdraw", id=CONSENT, by="w-1"), "failed", "gate_g7"),
    "a record of the consent": (told_otherwise, "failed", "gate_g2"),
    "confidence in the consent": (
        lambda d: move(d, lambda c: unconfirmed_store.doubt_all(c, at=d.two.clock.now())),
        "failed",
        "gate_g2",
    ),
    "a hold": (lambda d: d.two.fr.call("asylum.hold", id=SECOND_TALK, by="w-1"), "failed", "gate_g5"),
    "the case": (of_another_case, "failed", "gate_g2"),
    "the policy": (
        lambda d: d.two.fr.changes("policy.narrow", "node", policy=text_of(policy(name="nothing"))),
        "failed",
        "closed_by_policy",
    ),
    "the schemas of the peer": (without_schemas, "failed", "no_common_schema"),
    "the state of the peer": (lambda d: d.two.fr.changes("peer.suspend"), "queued", None),
    "the scope": (
        lambda d: d.two.fr.changes("peer.narrow", scope=scope_of(d) | {"types": ["enquiry.capacity"]}),
        "failed",
        "out_of_scope",
    ),
}


@pytest.mark.parametrize("changed", ACTS)
async def test_what_was_changed_since_is_judged_anew(desk: Desk, changed: str) -> None:
    """Each thing that the judgement rests on: the message does not go, for the reason that there is now."""
    act, state, reason = ACTS[changed]
    await act(desk)
    assert await desk.leave() == []
    assert await desk.row() == (state, reason, None)
    assert desk.looked_up


PEOPLE = ("a record of the consent", "confidence in the consent", "a hold", "the case", "the state of the peer")
"""Acts that change nothing of the message, so that its bytes do not tell of them."""


@pytest.mark.parametrize("changed", PEOPLE)
async def test_what_is_changed_before_the_request_stays_here(desk: Desk, changed: str) -> None:
    """The message has its number and its bytes by now: the peer is not shown them, and its number is fenced off, or it
    waits for the peer.
    """
    (ready,) = await desk.leave()
    assert await goes(desk, ready)
    act, _, reason = ACTS[changed]
    await act(desk)
    assert not await goes(desk, ready)
    await desk.leave()
    assert await desk.row() == ("voiding" if reason else "awaiting_receipt", reason, 3)


async def test_a_hold_that_names_a_further_state(desk: Desk) -> None:
    """It lay already, over the same, and kept nothing from this peer: before the number is used and before the request
    is made it is noticed.
    """
    place = partial(desk.two.fr.call, "asylum.hold", id=referral()["conversation"], by="w-1")
    assert "AL" not in (await place(states=["MA"]))["states"]
    await desk.submit(THIRD_TALK, [])
    (ready,) = await desk.leave()
    assert await goes(desk, ready)
    await place(states=["AL"])
    assert not await goes(desk, ready)
    await desk.leave()
    assert await desk.row() == ("voiding", "gate_g5", 3)


async def goes(desk: Desk, ready: Ready) -> bool:
    """Whether it would be shown to the peer now; where not, it has to be judged anew."""
    found = await desk.two.fr.running.store.read(lambda c: may_go(c, [ready]))
    assert found in ([ready], None)
    return found is not None


async def test_a_peer_that_is_suspended_this_moment(desk: Desk) -> None:
    """The node has not read the new state yet; it is compared where the number is written."""
    await move(desk, lambda c: peer_rows.change(c, desk.two.fr.peer().node, state="suspended"))
    with pytest.raises(TransientError):
        await desk.leave()
    assert await desk.row() == ("queued", None, None)


async def test_what_is_said_meanwhile_in_the_conversation(desk: Desk) -> None:
    """Another message of the conversation: the first one is judged with it."""
    note = example("info.request/1", "AL", consent_ref=CONSENT) | {"purpose": "referral", "conversation": SECOND_TALK}
    await desk.two.fr.call("message.submit", **note)
    (ready,) = await desk.leave()
    assert ready.row.ref == desk.ref
    assert desk.looked_up


def day_after_the_consent(desk: Desk) -> int:
    """The first second of the day after its last."""
    return int(datetime(2027, 12, 1, tzinfo=UTC).timestamp())


def end_of_scope(desk: Desk) -> int:
    """The second in which what the two sides agreed runs out."""
    mine = desk.two.fr.peer().trust.mine
    assert mine is not None
    return mine.expires


DATES: dict[str, tuple[Callable[[Desk], int], tuple[str, str | None]]] = {
    "the end of the consent": (day_after_the_consent, ("failed", "gate_g2")),
    "the life of the message": (lambda d: d.two.clock.now() + 15 * DAY, ("failed", "expired")),
    "the end of the scope": (end_of_scope, ("queued", None)),
}


@pytest.mark.parametrize("date", DATES)
async def test_each_date_is_judged_anew(desk: Desk, date: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each date that decides: in its second the message, whose life is longer here, does not go."""
    when, (state, reason) = DATES[date]
    at = when(desk)
    if date != "the life of the message":
        await move(desk, lambda c: c.exec_driver_sql(f"update message set expires = {at + DAY} where ref = {desk.ref}"))
    monkeypatch.setattr(desk.two.fr.running.clock, "now", lambda: at)
    assert await desk.leave() == []
    assert await desk.row() == (state, reason, None)
    assert desk.looked_up


async def test_the_next_second_is_judged_anew(desk: Desk) -> None:
    """Nothing that was kept outlives its second."""
    desk.two.clock.jump(1)
    (ready,) = await desk.leave()
    assert ready.row.ref == desk.ref
    assert desk.looked_up


async def test_what_does_not_depart_is_forgotten(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time, and what is too much is not kept at all."""
    node = desk.two.fr.running
    (one,) = node.departure._kept.take([desk.ref]) or ()
    monkeypatch.setattr(kept, "LIFE", 0.01)
    kept_now = KeptJudgements()
    kept_now.keep([one])
    await desk.two.calm()
    assert kept_now.take([desk.ref]) is None
    monkeypatch.setattr(kept, "MOST_BYTES", one.passed.row.size - 1)
    kept_now.keep([one])
    assert kept_now.take([desk.ref]) is None
