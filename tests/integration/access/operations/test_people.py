"""Who does what to whom: rights that change, people who leave, lost devices, and who may not (threats 136, 155)."""

from __future__ import annotations

from typing import Any

import pytest
from support.authenticator import Authenticator
from support.ceremony import aplay
from support.enrolled import approving
from support.people import House, refused
from support.tables import table

from gateway.errors import Code, RefusedError
from gateway.operations.roles import OWNER, Caller, Role
from keys.primitives.encoding import b64u


async def test_rights_that_change_end_the_sessions(house: House):
    """The next sign-in has the new rights, and the unit; the same again is no change."""
    id, device, session = await house.worker()
    unit = house.node.config.units[0].id
    shown = await house.do("person.change", id=id, roles=["focal_point"], unit=unit)
    assert (shown["roles"], shown["unit"], shown["sessions"]) == (["focal_point"], unit, 0)
    assert await house.people.admit(session) is None
    caller = await house.caller(await house.sign_in(device))
    assert (caller.roles, caller.unit) == ({Role.FOCAL_POINT}, unit)
    await refused(house.ask("person.change", id=id, roles=["focal_point"]), Code.INVALID)
    assert (await house.do("person.change", id=id, unit=None))["unit"] is None


async def test_who_has_left_is_nobody(house: House):
    """Session, passkey and invitation end at once; the name stays, and is free for somebody else."""
    id, device, session = await house.worker()
    code = (await house.do("person.invite", id=id))["code"]
    shown = await house.ask("person.end", id=id)
    assert (shown["state"], shown["passkeys"], shown["invited_until"]) == ("ended", [], None)
    assert await house.people.admit(session) is None
    await refused(house.sign_in(device))
    await refused(house.people.invited(code))
    for operation in ("person.end", "person.invite", "person.change", "person.sign_out"):
        await refused(house.ask(operation, id=id), Code.NOT_FOUND)
    await house.add("Eva", Role.CASE_WORKER)
    assert len(await house.leaves("person.ended")) == 1


async def test_a_lost_device(house: House):
    """A new invitation leaves the old passkey good, unless it comes instead: then it ends at once."""
    id, device, session = await house.worker()
    second = Authenticator()
    await house.enrol((await house.do("person.invite", id=id))["code"], second)
    await house.sign_in(device)
    assert len((await house.one(id))["passkeys"]) == 2
    code = (await house.do("person.invite", id=id, instead=True))["code"]
    assert await house.people.admit(session) is None
    for lost in (device, second):
        await refused(house.sign_in(lost))
    await house.enrol(code, third := Authenticator())
    assert await house.caller(await house.sign_in(third)) == Caller(roles=frozenset({Role.CASE_WORKER}), person=id)


async def test_a_colleague_ends_the_sessions(house: House):
    """And so does the person themselves; the passkey stays."""
    id, device, session = await house.worker("Eva", Role.FOCAL_POINT)
    await house.ask("person.sign_out", id=id, caller=await house.caller(session))
    assert await house.people.admit(session) is None
    await house.sign_in(device)


async def test_nobody_gives_themselves_rights(house: House):
    """A trust administrator neither changes their own row nor makes, invites or changes somebody who reads content."""
    ben, _, session = await house.worker("Ben", Role.TRUST_ADMIN)
    eva, _, _ = await house.worker("Eva")
    admin = await house.caller(session)
    for operation, asked in (
        ("person.change", {"id": ben, "roles": ["trust_admin", "case_worker"]}),
        ("person.invite", {"id": ben}),
        ("person.end", {"id": ben}),
        ("person.add", {"name": "Mallory", "roles": ["case_worker"]}),
        ("person.invite", {"id": eva, "instead": True}),
        ("person.change", {"id": eva, "roles": ["trust_admin"]}),
    ):
        before = await house.ask_list()
        await refused(house.ask(operation, caller=admin, **asked), Code.FORBIDDEN)
        assert await house.ask_list() == before
    await house.ask("person.add", caller=admin, name="Carla", roles=["operator", "trust_admin"])
    await house.ask("person.end", caller=admin, id=eva)


async def test_a_focal_point_invites_case_workers(house: House):
    """And nobody who looks after trust."""
    _, _, session = await house.worker("Fay", Role.FOCAL_POINT)
    focal = await house.caller(session)
    made = await house.ask("person.add", caller=focal, name="Eva", roles=["case_worker"])
    again = await house.ask("person.invite", caller=focal, id=made["id"])
    assert (made["code"], again["code"], again["state"]) == (None, None, "asked")
    await refused(house.ask("person.add", caller=focal, name="Tom", roles=["trust_admin"]), Code.FORBIDDEN)


@table(
    ("asked", "place"),
    [
        ({"name": ""}, "/name"),
        ({"name": "a\u202eb"}, "/name"),
        ({"name": " "}, "/name"),
        ({"name": "x" * 65}, "/name"),
        ({"roles": []}, "/roles"),
        ({"roles": ["adapter"]}, "/roles/0"),
        ({"roles": "auditor"}, "/roles"),
        ({"roles": ["data_protection_officer", "case_worker"]}, "/roles"),
        ({"unit": "elsewhere"}, "/unit"),
        ({"language": "../x"}, "/language"),
        ({"x": 1}, ""),
    ],
)
async def test_a_person_that_can_not_be(house: House, asked: dict[str, Any], place: str):
    """The argument is named, and nobody is made."""
    with pytest.raises(RefusedError) as caught:
        await house.ask("person.add", **({"name": "Eva", "roles": ["auditor"]} | asked))
    assert (caught.value.code, caught.value.findings[0].place) == (Code.INVALID, place)
    assert await house.ask_list() == []


async def test_who_works_on_cases_does_not_become_their_officer(house: House):
    """Nor the other way round, whoever asks; a change to the role alone is one."""
    officer, _ = await house.add("Dora", Role.DATA_PROTECTION_OFFICER)
    worker, _ = await house.add("Eva", Role.CASE_WORKER)
    before = await house.ask_list()
    for id in (officer, worker):
        await refused(house.ask("person.change", id=id, roles=["case_worker", "data_protection_officer"]), Code.INVALID)
    assert await house.ask_list() == before
    await house.ask("person.change", id=officer, roles=["data_protection_officer", "auditor"])


async def test_nobody_makes_up_an_officer_to_read_cases(house: House):
    """Who looks after trust, and who runs the node, asks for a data protection officer and sees no code, neither of a
    new one nor instead of an old one; one administrator lets them in (threat 155).
    """
    trust = Caller(roles=frozenset({Role.TRUST_ADMIN}), person=b64u(b"person of trust."))
    for n, caller in enumerate((trust, OWNER)):
        asked = await house.ask(
            "person.add", caller=caller, name=f"Dora {n}", roles=["data_protection_officer"], language="fr"
        )
        assert (asked["code"], asked["state"]) == (None, "asked")
        made = await aplay(approving(asked), house.ask)
        await house.enrol(made["code"], Authenticator())
        again = await house.ask("person.invite", caller=caller, id=asked["id"], instead=True)
        assert again["code"] is None
    auditor = await house.ask("person.add", caller=trust, name="Ada", roles=["auditor"])
    assert (await house.ask("person.change", id=auditor["id"], roles=["data_protection_officer"]))["waits"]
    assert (await house.one(auditor["id"]))["roles"] == ["auditor"]


async def test_no_two_people_have_one_name(house: House):
    """However it is spaced, and with whatever is not seen: colleagues tell a second person from the first by it."""
    await house.add("Eva M.", Role.AUDITOR)
    for unseen in ("\u3164", "\uffa0", "\u034f", "\u2800", "\ufe0f", "\u180b", "\u115f", "\u17b4"):
        await refused(house.add(f"Eva M.{unseen}", Role.AUDITOR), Code.EXISTS)
    await refused(house.add("eva  m.", Role.AUDITOR), Code.EXISTS)
    assert len(await house.ask_list()) == 1
