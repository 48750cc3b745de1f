"""The pages of who works here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.consoles import NODE, NOW, OWN_UNITS, console, person

from gateway.errors import Code, RefusedError
from gateway.operations.roles import Role
from keys.documents.change import Change

EVA: dict[str, Any] = {
    "id": "AAAAAAAAAAAAAAAAAAAAAA",
    "name": "Eva <M.>",
    "roles": ["case_worker"],
    "unit": None,
    "language": "fr",
    "state": "active",
    "made": NOW,
    "ended": None,
    "invited_until": None,
    "passkeys": [{"kid": "AAAAAAAAAAAAAAAAAAAAAA", "made": NOW, "synced": False, "used": None}],
    "sessions": 1,
    "tokens": 0,
    "vouched": ["Ana B."],
    "waits": None,
}
INVITED = EVA | {
    "state": "invited",
    "invited_until": NOW + 60,
    "code": "the-code",
    "address": "http://x/enrol#the-code",
}


async def test_everybody_is_listed_and_each_has_a_page():
    """Names are shown safely; who has left can not be changed."""
    gone = EVA | {"id": "BBBBBBBBBBBBBBBBBBBBBB", "state": "ended", "ended": NOW}
    async with console({"person.list": {"people": [gone, EVA]}, "directory.list": OWN_UNITS}) as there:
        page = await there.get("/people")
        assert "Eva &lt;M.&gt;" in page.text and page.text.index("works here") < page.text.index("has left")
        assert "Invite again" in (await there.get(f"/people/{EVA['id']}")).text
        assert "Invite again" not in (await there.get(f"/people/{gone['id']}")).text
        assert (await there.get("/people/nobody")).status == 303


async def test_the_code_is_on_one_page():
    """Made in the name of who is signed in; what was left empty is not said."""
    async with console({"person.add": INVITED, "directory.list": OWN_UNITS}) as there:
        assert (await there.get("/people/new")).status == 200
        fields = [("name", "Eva"), ("roles", "case_worker"), ("roles", "operator"), ("unit", ""), ("language", "fr")]
        page = await there.post("/people/new", fields)
        assert "the-code" in page.text
        asked = {"name": "Eva", "roles": ["case_worker", "operator"], "language": "fr"}
        assert there.desk.calls[-1][:2] == ("person.add", asked)


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        (Role.FOCAL_POINT, {"case_worker", "focal_point"}),
        (Role.TRUST_ADMIN, {"trust_admin", "operator", "auditor", "data_protection_officer"}),
    ],
)
async def test_a_role_that_one_may_not_give_is_not_offered(role, offered):
    """The others are given by somebody else, or at the shell."""
    async with console({"directory.list": OWN_UNITS}) as there:
        there.sign_in.sessions["secret"] = person(role)
        text = (await there.get("/people/new")).text
        assert {str(one) for one in Role if f'name="roles" value="{one}"' in text} == offered


async def test_a_refusal_keeps_what_was_filled_in():
    """And says why, above the form."""
    refused = RefusedError(Code.EXISTS, "somebody here has this name already; nothing was made")
    async with console({"person.add": refused, "directory.list": OWN_UNITS}) as there:
        page = await there.post("/people/new", {"name": "Eva", "roles": "case_worker"})
        assert page.status == 422 and 'value="Eva"' in page.text and "This exists already." in page.text


@pytest.mark.parametrize(
    ("fields", "operation", "asked"),
    [
        ({"act": "change", "roles": "operator", "unit": ""}, "person.change", {"roles": ["operator"], "unit": None}),
        ({"act": "invite", "instead": "yes"}, "person.invite", {"instead": True}),
        ({"act": "sign-out"}, "person.sign_out", {}),
        ({"act": "end"}, "person.end", {}),
    ],
)
async def test_each_button_does_its_one_thing(fields, operation, asked):
    """In the name of who pressed it."""
    answer = INVITED if operation == "person.invite" else EVA
    async with console({operation: answer, "person.list": {"people": [EVA]}, "directory.list": OWN_UNITS}) as there:
        seen = await there.post(f"/people/{EVA['id']}", fields)
        assert seen.status in (200, 303)
        assert there.desk.calls[-1][:2] == (operation, {"id": EVA["id"]} | asked)


# --- what waits for an administrator ------------------------------------------------------------------------------

CHANGE = Change(
    node=NODE["node"],
    subject=f"person/{EVA['id']}",
    prev=None,
    at=NOW,
    action="person.enrol",
    body={"name": "Eva <M.>", "roles": ["case_worker"], "unit": None},
)
WAITS: dict[str, Any] = {
    "id": CHANGE.hash,
    "action": "person.enrol",
    "change": CHANGE.to_json(),
    "words": ["name: Eva <M.>"],
    "ends": NOW + 86_400,
}
ASKED = EVA | {"state": "asked", "passkeys": [], "sessions": 0, "vouched": [], "waits": WAITS}


async def test_a_focal_point_gets_no_code():
    """Who asks is led to the page of the person, which says what it waits for, and offers no signature."""
    asked = {"person.add": ASKED | {"code": None, "address": None}, "person.list": {"people": [ASKED]}}
    async with console(asked | {"directory.list": OWN_UNITS}) as there:
        seen = await there.post("/people/new", {"name": "Eva", "roles": "case_worker"})
        assert (seen.status, seen.headers["Location"]) == (303, f"/people/{EVA['id']}")
        page = (await there.get(f"/people/{EVA['id']}")).text
        assert "Waits for an administrator: Enrol somebody who may release" in page
        assert "name: Eva &lt;M.&gt;" in page and "Approve with my passkey" not in page


async def test_an_administrator_approves_and_sees_the_code():
    """The passkey signs what waits; the code is on the page that follows, and on no other."""
    made = ASKED | {"code": "the-code", "address": None, "waits": None, "state": "invited", "invited_until": NOW + 60}
    answers = {"person.approve": made, "person.list": {"people": [ASKED]}, "directory.list": OWN_UNITS}
    async with console(answers) as there:
        there.sign_in.sessions["secret"] = replace(person(), admin="a1")
        page = (await there.get(f"/people/{EVA['id']}")).text
        assert "Approve with my passkey" in page and f"&#34;challenge&#34;: &#34;{NOW}&#34;" in page
        form = {"act": "approve", "change": CHANGE.hash, "credential": '{"id": "k"}'}
        seen = await there.post(f"/people/{EVA['id']}", form)
        assert "the-code" in seen.text
        assert there.desk.calls[-1][:2] == ("person.approve", {"id": CHANGE.hash, "assertion": {"id": "k"}})


async def test_row_213_another_change_than_the_one_that_waits_is_not_signed():
    """The page says so and offers no signature; the person can still be ended."""
    lie = ASKED | {"waits": WAITS | {"change": CHANGE.to_json() | {"at": NOW + 1}}}
    async with console({"person.list": {"people": [lie]}, "directory.list": OWN_UNITS}) as there:
        there.sign_in.sessions["secret"] = replace(person(), admin="a1")
        seen = await there.get(f"/people/{EVA['id']}")
        assert seen.status == 422 and "do not sign it" in seen.text
        assert "Approve with my passkey" not in seen.text and "They no longer work here" in seen.text


async def test_an_administrator_vouches_for_who_may_release():
    """The button asks, and leads to what waits; who is no administrator, or where nothing is released, has none."""
    other = EVA | {"id": "BBBBBBBBBBBBBBBBBBBBBB", "roles": ["auditor"]}
    answers = {"person.vouch": ASKED, "person.list": {"people": [EVA, other]}, "directory.list": OWN_UNITS}
    async with console(answers) as there:
        assert "I have met this person" not in (await there.get(f"/people/{EVA['id']}")).text
        there.sign_in.sessions["secret"] = replace(person(), admin="a1")
        assert "I have met this person" in (await there.get(f"/people/{EVA['id']}")).text
        assert "I have met this person" not in (await there.get(f"/people/{other['id']}")).text
        seen = await there.post(f"/people/{EVA['id']}", {"act": "vouch"})
        assert seen.headers["Location"] == f"/people/{EVA['id']}"
        assert there.desk.calls[-1][:2] == ("person.vouch", {"id": EVA["id"]})
