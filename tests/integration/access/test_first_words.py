"""What somebody said as the first of two people is over when they have left, or all that they came in with ends; and it
counts only while they might say it: with the role, not kept out, in a unit that looks after the case.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import pytest_asyncio
from support.enrolled import Known, enrol
from support.nodeproc import UNIT
from support.pair import Party, Two, two_nodes
from support.persons import ANA, BEN, agreed, case_of, changed, referral, referred

from gateway.errors import Code, RefusedError
from gateway.operations.roles import Role
from keys.primitives.encoding import b64u

CONSENT = b64u(b"consent of hers.")
HERS, NEXT = b64u(b"conversation one"), b64u(b"conversation two")
OF_OTHER = b64u(b"consent of other")
SPARE, OTHERS = b64u(b"conversation ten"), b64u(b"conversation oth")


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """FR and AL, paired and serving."""
    async with two_nodes(tmp_path) as pair:
        yield pair


@pytest.mark.parametrize(
    ("operation", "more"), [("person.end", {}), ("person.invite", {"instead": True})], ids=["left", "a stolen passkey"]
)
async def test_a_second_person_confirms_nothing_of_whoever_is_shut_out(
    two: Two, operation: str, more: dict[str, Any]
) -> None:
    """The second becomes the first one of a release and of lifting a hold; changes of cases are asked for anew."""
    fr = two.fr
    await agreed(fr, "F-1", CONSENT)
    await referred(two, "F-1", CONSENT, conversation=HERS)
    case = await case_of(fr, HERS)
    other = (await fr.call("case.open", label="Blue 7", by=BEN))["id"]
    moved = await changed(fr, "case.move", source=case, into=other, conversations=[HERS])
    await fr.call("asylum.hold", id=HERS, by=BEN, states=["MA"])
    draft = (await fr.call("draft.save", draft=referral("F-1", CONSENT, conversation=NEXT), by=BEN))["id"]

    assert (await fr.call("draft.release", id=draft, by=ANA))["state"] == "waiting_second"
    assert (await fr.call("asylum.lift", id=HERS, by=ANA))["held"]
    asked = await fr.call("case.merge", id=other, into=case, reason="one person", by=ANA)
    await fr.call("case.undo", id=moved["change"], by=ANA)
    await fr.call(operation, id=await person(fr, ANA), **more)

    assert (await fr.call("draft.list"))["drafts"][0]["state"] == "waiting"
    assert (await fr.call("draft.release", id=draft, by=BEN))["state"] == "waiting_second"
    assert (await fr.call("asylum.lift", id=HERS, by=BEN))["held"]
    for change in (asked["change"], moved["change"]):
        with pytest.raises(RefusedError) as refusal:
            await fr.call("case.confirm", id=change, by=BEN)
        assert refusal.value.code is Code.CONFLICT
    assert await case_of(fr, HERS) == other
    assert len(two.al.deliveries()) == 2  # the consent and the first referral
    await fr.call("draft.release", id=draft, by="Cleo D.")
    assert not (await fr.call("asylum.lift", id=HERS, by="Cleo D."))["held"]


async def person(party: Party, name: str) -> str:
    """The id of a person of this name."""
    return str(next(one["id"] for one in (await party.call("person.list"))["people"] if one["name"] == name))


# --- who might not say it any more --------------------------------------------------------------------------------

CLEO = "Cleo D."
SHELTER = """
[[units]]
id = "shelter"
name = "Shelter"
kind = "ngo"
roles = ["shelter_provider"]
"""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """France, with a case that is linked to another one, and Eva of the focal point, who works on both."""

    fr: Party
    eva: Known
    bound: bool
    case: str
    other: str

    async def call(self, operation: str, *, by: str, **arguments: Any) -> Any:
        """One operation, by Eva with what she may, or by somebody else."""
        if by != self.eva.name:
            return await self.fr.call(operation, by=by, **arguments)
        caller = self.fr.running.tokens.admit(self.eva.token)
        return (await self.fr.running.desk.call(operation, arguments, caller=caller)).value


Act: TypeAlias = Callable[[str], Awaitable[bool]]
"""Somebody says the same as those before; whether it is done with that."""


async def lifting(desk: Desk) -> Act:
    """A hold is lifted."""
    await desk.fr.call("asylum.hold", id=HERS, by=BEN, states=["MA"])

    async def act(by: str) -> bool:
        return not (await desk.call("asylum.lift", by=by, id=HERS))["held"]

    return act


async def releasing(desk: Desk) -> Act:
    """A draft that needs two people goes."""
    draft = (await desk.fr.call("draft.save", draft=referral("F-1", CONSENT, conversation=NEXT), by=BEN))["id"]

    async def act(by: str) -> bool:
        return (await desk.call("draft.release", by=by, id=draft))["state"] != "waiting_second"

    return act


async def merging(desk: Desk) -> Act:
    """Two cases become one."""
    asked = await desk.call("case.merge", by=desk.eva.name, id=desk.case, into=desk.other, reason="one person")

    async def act(by: str) -> bool:
        return by != desk.eva.name and await confirmed(desk, asked["change"], by)

    return act


async def undoing(desk: Desk) -> Act:
    """What went to another case comes back."""
    moved = await changed(desk.fr, "case.move", source=desk.case, into=desk.other, conversations=[SPARE])

    async def act(by: str) -> bool:
        if by != desk.eva.name:
            return await confirmed(desk, moved["change"], by)
        return (await desk.call("case.undo", by=by, id=moved["change"]))["state"] == "undone"

    return act


async def confirmed(desk: Desk, change: str, by: str) -> bool:
    """A further person confirms a change of cases."""
    return (await desk.call("case.confirm", by=by, id=change))["state"] in ("done", "undone")


async def answering(desk: Desk) -> Act:
    """What a linked person fears does not concern this one."""
    await desk.fr.call("asylum.hold", id=OTHERS, by=BEN, states=["MA"])

    async def act(by: str) -> bool:
        return (await desk.call("asylum.apart", by=by, id=desk.case, states=["MA"]))["unanswered"] == []

    return act


Way: TypeAlias = Callable[[Desk], tuple[str, Mapping[str, Any]]]


def kept_out(desk: Desk) -> tuple[str, Mapping[str, Any]]:
    """For a conflict of interest."""
    return "case.block", {"id": desk.case, "person": desk.eva.id, "reason": "a relative of the trafficker"}


def without_the_role(desk: Desk) -> tuple[str, Mapping[str, Any]]:
    """She keeps the node running now."""
    return "person.change", {"id": desk.eva.id, "roles": ["operator"]}


def in_another_unit(desk: Desk) -> tuple[str, Mapping[str, Any]]:
    """Another one looks after the case; or she is of another one, who was of none: who is of one lifts no hold."""
    if desk.bound:
        return "case.hand_over", {"id": desk.case, "unit": "shelter", "reason": "she moved"}
    return "person.change", {"id": desk.eva.id, "unit": "shelter"}


async def desk_of(two: Two, *, bound: bool) -> Desk:
    """Two linked cases of France with their first referrals, and Eva, bound to the unit that looks after them."""
    fr = two.fr
    await fr.stop()
    settings = fr.folder / "node.toml"
    settings.write_text(settings.read_text() + SHELTER)
    await fr.start()
    await agreed(fr, "F-1", CONSENT)
    for talk in (HERS, SPARE):
        await referred(two, "F-1", CONSENT, conversation=talk)
    await agreed(fr, "F-2", OF_OTHER)
    await referred(two, "F-2", OF_OTHER, conversation=OTHERS)
    case, other = [await case_of(fr, talk) for talk in (HERS, OTHERS)]
    await fr.call("case.relate", id=case, other=other, by=BEN, relation="sibling")
    eva = await enrol(fr.running, "Eva M.", Role.CASE_WORKER, unit=UNIT if bound else None)
    return Desk(fr=fr, eva=eva, bound=bound, case=case, other=other)


@pytest.mark.parametrize("way", [None, kept_out, without_the_role, in_another_unit])
@pytest.mark.parametrize("begin", [lifting, releasing, merging, undoing, answering])
async def test_a_second_person_confirms_nothing_of_whoever_might_not_say_it_any_more(
    two: Two, begin: Callable[[Desk], Awaitable[Act]], way: Way | None
) -> None:
    """A second person who knows nothing of it becomes the first, and a third one the second. Of whoever might say it
    still the word counts.
    """
    desk = await desk_of(two, bound=begin is not lifting)
    act = await begin(desk)
    assert not await act(desk.eva.name)
    if way is not None:
        operation, arguments = way(desk)
        await desk.fr.call(operation, by=ANA, **arguments)
        assert not await act(BEN)
    assert await act(CLEO)
