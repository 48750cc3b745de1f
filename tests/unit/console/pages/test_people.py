"""The pages of who works here."""

from __future__ import annotations

from typing import Any

import pytest
from support.consoles import NOW, OWN_UNITS, console, person

from gateway.errors import Code, RefusedError
from gateway.operations.roles import Role

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
