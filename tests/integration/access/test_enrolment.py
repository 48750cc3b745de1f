"""Who may release, at a real node: nobody without the word of an administrator, no code without one, and no two people
by the word of one (nrm1 13.10; threats 117 to 119).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from support.ceremony import ADMINS, aplay
from support.enrolled import approving, enrol, inviting
from support.nodechild import CHEAP, SteeredClock
from support.pair import PASSPHRASE, START, make_party

from gateway.access import people_store
from gateway.access.enrolment import check_two_people
from gateway.app import open_node
from gateway.changes.rules import DAY
from gateway.composition.node import Node
from gateway.database import journal
from gateway.errors import Code, RefusedError
from gateway.operations.roles import OWNER, Caller, Role
from keys.documents.change import Change
from keys.offline.administrator_key import new_admin
from keys.primitives.encoding import canon

ANA, BEN = ADMINS
FOCAL = Caller(roles=frozenset({Role.FOCAL_POINT}), person="fay")


@dataclass
class House:
    """One opened node and its people."""

    node: Node
    clock: SteeredClock

    async def ask(self, operation: str, *, caller: Caller = OWNER, **arguments: Any) -> Any:
        """One operation of the desk."""
        return (await self.node.desk.call(operation, arguments, caller=caller)).value

    async def do(self, operation: str, *, admin: Any = ANA, **arguments: Any) -> Any:
        """One operation about a person, with the word of an administrator."""
        return await aplay(approving(await self.ask(operation, **arguments), admin=admin), self.ask)

    async def add(self, name: str, *roles: Role, admin: Any = ANA) -> Any:
        """Somebody new, with the word of an administrator where it is needed."""
        return await aplay(inviting(name, *roles, admin=admin), self.ask)

    async def people(self) -> Any:
        """Everybody, as the list shows them."""
        return (await self.ask("person.list"))["people"]

    async def together(self, one: Any, other: Any) -> None:
        """Ask whether two may release together, as whoever lets them does."""
        await self.node.store.read(lambda c: check_two_people(c, one["id"], other["id"]))

    async def apart(self, one: Any, other: Any) -> None:
        """They may not, in either order."""
        for first, second in ((one, other), (other, one)):
            with pytest.raises(RefusedError, match="one administrator, or none") as caught:
                await self.together(first, second)
            assert caught.value.code is Code.CONFLICT


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A node that was made once."""
    base = tmp_path_factory.mktemp("enrolment")
    asyncio.run(make_party(base, "FR", SteeredClock(START)))
    yield base / "FR"


@pytest_asyncio.fixture
async def house(made: Path, tmp_path: Path) -> AsyncIterator[House]:
    """A copy of it, opened and not served."""
    folder, clock = tmp_path / "FR", SteeredClock(START)
    shutil.copytree(made, folder)
    node, stack = await open_node(folder, PASSPHRASE, at_least=CHEAP, clock=clock)
    async with stack:
        yield House(node, clock)


def signed(asked: Any, admin: Any = ANA, **changes: Any) -> dict[str, Any]:
    """The arguments by which an administrator approves what waits, or something else in its place."""
    wanted = asked["waits"]["change"]
    change = Change.parse(canon({**wanted, **changes}))
    return {"id": asked["waits"]["id"], "approval": admin.approve(change, at=change.at).document.to_json()}


async def refused(act: Any, *codes: Code) -> None:
    """It is refused, for one of these reasons."""
    with pytest.raises(RefusedError) as caught:
        await act
    assert caught.value.code in codes, caught.value.what


# --- no code and no right without an administrator ----------------------------------------------------------------


@pytest.mark.parametrize("caller", [OWNER, FOCAL], ids=["the owner", "a focal point"])
@pytest.mark.parametrize("role", [Role.CASE_WORKER, Role.FOCAL_POINT])
async def test_who_may_release_gets_no_code_from_one_person(house: House, caller: Caller, role: Role):
    """Neither the owner of the node nor a focal point sees one; what is signed says who it is, in words."""
    asked = await house.ask("person.add", caller=caller, name="Eva M.", roles=[role])
    assert (asked["code"], asked["address"], asked["state"], asked["invited_until"]) == (None, None, "asked", None)
    assert {"name: Eva M.", f"roles: {role}", f"about: person/{asked['id']}"} <= set(asked["waits"]["words"])
    made = await house.ask("person.approve", **signed(asked))
    assert (made["state"], made["waits"], made["vouched"]) == ("invited", None, ["Ana B."])
    taken = await house.ask("login.enrol", code=made["code"], label="x")
    assert house.node.tokens.admit(taken["token"]).person == asked["id"]


async def test_who_releases_nothing_needs_no_administrator(house: House):
    """A trust administrator, an operator and an auditor get their code at once."""
    for role in (Role.TRUST_ADMIN, Role.OPERATOR, Role.AUDITOR):
        made = await house.ask("person.add", name=str(role), roles=[role])
        assert (made["state"], made["waits"], made["vouched"], bool(made["code"])) == ("invited", None, [], True)


async def test_a_new_code_needs_the_word_again(house: House):
    """Also instead of a lost device, whose passkeys and tokens end at once."""
    eva = await enrol(house.node, "Eva M.", Role.CASE_WORKER)
    more = await house.ask("person.invite", id=eva.id)
    assert (more["code"], more["waits"]["action"], more["state"]) == (None, "person.invite", "active")
    assert (await house.ask("person.invite", id=eva.id))["waits"] == more["waits"]
    house.clock.advance(1)
    lost = await house.ask("person.invite", id=eva.id, instead=True)
    assert (lost["code"], lost["tokens"], lost["state"]) == (None, 0, "asked")
    await refused(house.ask("person.approve", **signed(more)), Code.CONFLICT)  # asked for again since
    found = [orjson.loads(leaf) for _, leaf in await house.node.store.read(journal.leaves)]
    assert [leaf["at"] for leaf in found if leaf["ev"] == "change.withdrawn"] == [house.clock.now()]
    assert (await house.ask("person.approve", **signed(lost)))["code"]


@pytest.mark.parametrize(
    ("before", "after", "waits"),
    [
        (["auditor"], {"roles": ["auditor", "case_worker"]}, True),
        (["case_worker"], {"roles": ["focal_point"]}, True),
        (["case_worker", "focal_point"], {"roles": ["case_worker"]}, False),
        (["case_worker"], {"roles": ["auditor"]}, False),
        (["case_worker"], {"roles": ["case_worker", "operator"]}, False),
        (["case_worker"], {"unit": "focal-point"}, False),
    ],
)
async def test_what_lets_somebody_release_more_waits(house: House, before: list[str], after: Any, waits: bool):
    """Another role that may release; what narrows is at once."""
    made = await house.add("Eva M.", *map(Role, before))
    asked = await house.ask("person.change", id=made["id"], **after)
    assert (asked["waits"] is not None) is waits
    assert (asked["roles"] == sorted(before) and asked["unit"] is None) is waits
    if waits:
        done = await house.ask("person.approve", **signed(asked))
        assert (done["roles"], done["vouched"]) == (sorted(after["roles"]), ["Ana B."])
        assert (done["code"] is None) is (before == ["case_worker"])


async def test_what_somebody_came_in_with_before_is_none(house: House):
    """Who invited an auditor has seen that code: with the right to release a new one comes, and the old ways end."""
    made = await house.ask("person.add", name="Tom", roles=["auditor"])
    taken = await house.ask("login.enrol", code=made["code"], label="x")
    old = (await house.ask("person.invite", id=made["id"]))["code"]
    done = await house.do("person.change", id=made["id"], roles=["case_worker"])
    with pytest.raises(RefusedError, match="the token was revoked"):
        house.node.tokens.admit(taken["token"])
    await refused(house.ask("login.enrol", code=old, label="x"), Code.UNAUTHORISED)
    token = (await house.ask("login.enrol", code=done["code"], label="x"))["token"]
    assert house.node.tokens.admit(token).roles == {Role.CASE_WORKER}


async def test_another_unit_waits(house: House):
    """Out of the unit that somebody is bound to; into one is at once."""
    made = await house.add("Eva M.", Role.CASE_WORKER)
    await house.ask("person.change", id=made["id"], unit="focal-point")
    asked = await house.ask("person.change", id=made["id"], unit=None)
    assert (asked["unit"], asked["waits"]["action"]) == ("focal-point", "person.change")
    assert (await house.ask("person.approve", **signed(asked)))["unit"] is None


async def test_what_is_signed_names_the_unit_that_somebody_stays_bound_to(house: House):
    """Also where it is about another role alone."""
    made = await house.add("Eva M.", Role.CASE_WORKER)
    await house.ask("person.change", id=made["id"], unit="focal-point")
    asked = await house.ask("person.change", id=made["id"], roles=["focal_point"])
    assert asked["waits"]["change"]["body"] == {"name": "Eva M.", "roles": ["focal_point"], "unit": "focal-point"}


async def test_a_word_for_something_else_is_none(house: House):
    """For another name, role, unit or person, by a stranger, a second time, too late, or for a trust change."""
    asked = await house.ask("person.add", name="Eva M.", roles=["case_worker"])
    other = await house.ask("person.add", name="Tom", roles=["case_worker"])
    body = asked["waits"]["change"]["body"]
    stranger = new_admin(label="Mallory", now=0)
    for wrong in (
        signed(asked, body=body | {"name": "Tom"}),
        signed(asked, body=body | {"roles": ["focal_point"]}),
        signed(asked, body=body | {"unit": "focal-point"}),
        signed(asked, subject=other["waits"]["change"]["subject"]),
        signed(asked, action="person.vouch"),
        signed(asked) | {"id": other["waits"]["id"]},
        signed(asked, admin=stranger),
        signed(asked) | {"id": "nobody"},
    ):
        await refused(
            house.ask("person.approve", **wrong), Code.CONFLICT, Code.NOT_FOUND, Code.BAD_SIGNATURE, Code.INVALID
        )
    for operation, more in (("change.approve", {}), ("change.propose", {"change": asked["waits"]["change"]})):
        given = {name: value for name, value in (signed(asked) | more).items() if not (more and name == "id")}
        await refused(house.ask(operation, **given), Code.INVALID)
    assert {one["name"]: (one["state"], one["vouched"]) for one in await house.people()} == {
        "Eva M.": ("asked", []),
        "Tom": ("asked", []),
    }
    await house.ask("person.approve", **signed(asked))
    await refused(house.ask("person.approve", **signed(asked)), Code.CONFLICT)
    house.clock.advance(DAY)
    late = signed(other)
    await refused(house.ask("person.approve", **late), Code.CONFLICT)
    assert [one["state"] for one in await house.people() if one["name"] == "Tom"] == ["locked_out"]


async def test_what_waits_ends_with_the_person(house: House):
    """Who has left is not let in by a word that came too late."""
    asked = await house.ask("person.add", name="Eva M.", roles=["case_worker"])
    word = signed(asked)
    await house.ask("person.end", id=asked["id"])
    await refused(house.ask("person.approve", **word), Code.NOT_FOUND)


# --- two people by the word of two --------------------------------------------------------------------------------


async def test_two_people_of_one_administrator_are_not_two(house: House):
    """Who saw both codes can be both; a second administrator who has met one of them makes them two."""
    eva, tom = [await house.add(name, Role.CASE_WORKER) for name in ("Eva M.", "Tom")]
    await house.apart(eva, tom)
    await house.do("person.vouch", admin=ANA, id=tom["id"])
    await house.apart(eva, tom)
    done = await house.do("person.vouch", admin=BEN, id=tom["id"])
    assert (done["vouched"], done["code"]) == (["Ana B.", "Ben C."], None)
    await house.together(eva, tom)
    await house.together(tom, eva)


async def test_two_people_of_two_administrators_are_two(house: House):
    """Each let one in."""
    eva, tom = await house.add("Eva M.", Role.CASE_WORKER), await house.add("Tom", Role.FOCAL_POINT, admin=BEN)
    await house.together(eva, tom)


async def test_a_new_code_begins_anew(house: House):
    """Whoever vouched before has not seen who uses it."""
    eva, tom = [await house.add(name, Role.CASE_WORKER) for name in ("Eva M.", "Tom")]
    await house.do("person.vouch", admin=BEN, id=tom["id"])
    await house.together(eva, tom)
    assert (await house.do("person.invite", admin=ANA, id=tom["id"]))["vouched"] == ["Ana B."]
    await house.apart(eva, tom)


async def test_a_code_that_nobody_approved_begins_anew(house: House):
    """Somebody who released nothing meanwhile: their code was seen by whoever invited them, and no administrator."""
    eva, tom = [await house.add(name, Role.CASE_WORKER) for name in ("Eva M.", "Tom")]
    await house.do("person.vouch", admin=BEN, id=tom["id"])
    await house.ask("person.change", id=tom["id"], roles=["auditor"])
    assert (await house.ask("person.invite", id=tom["id"]))["vouched"] == []
    await house.do("person.change", admin=ANA, id=tom["id"], roles=["case_worker"])
    await house.apart(eva, tom)


async def test_nobody_vouches_for_people_of_before(house: House):
    """They work on alone; together they do not release before an administrator has vouched, and then as any two."""
    eva, tom = [await house.add(name, Role.CASE_WORKER) for name in ("Eva M.", "Tom")]
    for one in (eva, tom):
        await house.node.store.move(lambda c, one=one: people_store.vouch(c, one["id"], ()))
    await house.apart(eva, tom)
    await house.do("person.vouch", admin=ANA, id=eva["id"])
    await house.apart(eva, tom)
    await house.do("person.vouch", admin=BEN, id=tom["id"])
    await house.together(eva, tom)


async def test_an_administrator_is_no_witness_of_themselves(house: House):
    """Who is an administrator and a person lets nobody in with whom they would then release."""
    fay, eva = await house.add("Fay", Role.FOCAL_POINT), await house.add("Eva M.", Role.CASE_WORKER, admin=BEN)
    await house.together(fay, eva)
    pseudonym = BEN.card.pseudonym
    await house.node.store.move(lambda c: people_store.offer(c, fay["id"], pseudonym, b"{}"))  # Ben is Fay
    await house.apart(fay, eva)


async def test_nobody_approves_their_own_rights(house: House):
    """An administrator with a passkey, whose person the node knows; another one does it."""
    fay = await house.add("Fay", Role.TRUST_ADMIN)
    await house.node.store.move(lambda c: people_store.offer(c, fay["id"], BEN.card.pseudonym, b"{}"))  # Ben is Fay
    asked = await house.ask("person.change", id=fay["id"], roles=["trust_admin", "case_worker"])
    await refused(house.ask("person.approve", **signed(asked, admin=BEN)), Code.FORBIDDEN)
    assert (await house.people())[0]["roles"] == ["trust_admin"]
    assert (await house.ask("person.approve", **signed(asked, admin=ANA)))["vouched"] == ["Ana B."]


async def test_nobody_vouches_for_who_releases_nothing(house: House):
    """There is nothing to vouch for."""
    tom = await house.add("Tom", Role.AUDITOR)
    await refused(house.ask("person.vouch", id=tom["id"]), Code.CONFLICT)
    assert await house.node.store.read(lambda c: people_store.find(c, tom["id"])) is not None
