"""The pages of trust: what was pasted is there after a refusal, and how far a change has come is said in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.browsing import read
from support.consoles import NODE, NOW, OWN_UNITS, console, person
from support.policies import policy, text_of

from gateway.changes import store as rows
from gateway.console.pages.trust import STAGES
from gateway.console.refusals import SAID
from gateway.console.words import load_words
from gateway.errors import Code, RefusedError
from gateway.policy.attestation import upgraded
from gateway.trust.change_text import words
from keys.documents.change import Change
from schemas.region_pack.policies import CorridorPolicy

NONE = {"in_force": None, "waiting": [], "pending": [], "changes": [], "faults": []}
SUSPEND = Change(node=NODE["node"], subject=NODE["node"], prev=None, at=NOW, action="peer.suspend", body={})
REVOKE = replace(SUSPEND, action="peer.revoke")
CHANGE = {
    "id": "c1",
    "subject": "AL",
    "action": "peer.narrow",
    "state": "done",
    "peer": None,
    "needed": 1,
    "approvals": [],
    "at": NOW,
    "effective": NOW,
    "ends": None,
    "change": None,
    "digits": None,
    "words": [],
}
FILE = '{\n  "name": "x"\n}'


async def test_a_policy_that_is_refused_is_still_there():
    """And what the node is given ends as a file does, whatever a form takes away."""
    refusal = RefusedError(Code.INVALID, "policy is not valid")
    async with console({"policy.show": NONE, "change.prepare": refusal}) as there:
        there.sign_in.sessions["secret"] = replace(person(), admin="a1")
        seen = await there.post("/trust/policy", {"policy": f"{FILE}\n", "act": "narrow"})
        assert seen.status == 422 and read(seen.text).form("/trust/policy").sent()["policy"] == (FILE,)
        asked = [arguments for name, arguments, _ in there.desk.calls if name == "change.prepare"]
        assert [one["policy"] for one in asked] == [f"{FILE}\n"]


def in_force(policy: CorridorPolicy) -> dict[str, Any]:
    """What `policy.show` says while this policy is in force, and a version after it waits."""
    held = {"change": "c1", "name": policy.name, "version": policy.version, "digest": "d", "since": NOW}
    held |= {"usable": True, "faults": []}
    waits = held | {"version": policy.version + 1}
    return NONE | {"in_force": held | {"file": text_of(policy), "ways": []}, "waiting": [waits]}


async def test_a_policy_that_says_nothing_of_attestation_can_be_upgraded():
    """A button proposes the same policy under the next free version; one that says it already has no button."""
    old = policy(("FR", "AL"))
    new = upgraded(old, version=old.version + 2)
    refusal = RefusedError(Code.INVALID, "not now")
    async with console({"policy.show": in_force(old), "change.prepare": refusal}) as there:
        assert "/trust/policy/upgrade" not in [
            form.action for form in read((await there.get("/trust/policy")).text).forms
        ]
        there.sign_in.sessions["secret"] = replace(person(), admin="a1")
        page = read((await there.get("/trust/policy")).text)
        assert page.form("/trust/policy/upgrade").method == "post"
        assert (await there.post("/trust/policy/upgrade")).status == 422
        (asked,) = [arguments for name, arguments, _ in there.desk.calls if name == "change.prepare"]
        assert (asked["action"], asked["policy"]) == ("policy.widen", text_of(new))
        there.desk.answers["policy.show"] = in_force(new)
        page = read((await there.get("/trust/policy")).text)
        assert "/trust/policy/upgrade" not in [form.action for form in page.forms]


@pytest.mark.parametrize("state", [rows.PENDING, rows.WAITING, rows.DONE, rows.EXPIRED, rows.WITHDRAWN])
async def test_how_far_a_change_has_come_is_said_in_words(state):
    """In the list and on its page, in the language of the reader."""
    approved = [{"admin": "a2", "label": "Ben C.", "at": NOW, "emergency": False}]
    change = CHANGE | {"state": state, "approvals": approved}
    async with console({"change.list": {"changes": [change]}, "change.show": change}) as there:
        for path in ("/trust/history", "/trust/changes/c1"):
            seen = await there.get(path, **{"Accept-Language": "el"})
            assert load_words("el")(STAGES[state]) in read(seen.text).said
            assert f">{state}<" not in seen.text


PEER = {
    "name": "AL",
    "node": "n1" + "b" * 32,
    "country": "AL",
    "state": "active",
    "cause": None,
    "missing": "their root holders have not signed since release 0.1.0",
    "demo": False,
    "first_form": True,
    "descriptor_version": 1,
    "keyset_seen": NOW,
    "failing_since": None,
    "attempts": 0,
    "next_try": None,
    "endpoint": "https://al.example.org:8443",
    "expires": NOW + 10**7,
    "contact": "duty desk",
    "units": [
        {"id": "ngo", "name": "A", "kind": "ngo", "roles": []},
        {"id": "old", "name": "B", "kind": None, "roles": []},
    ],
    "fingerprint": "11111 " * 6,
    "scope": None,
    "ours": None,
    "theirs": None,
    "history": [],
    "faults": [],
    "pending": [],
    "schemas": None,
    "queued": 1,
    "link": None,
    "verified": NOW,
}


async def test_a_country_of_release_0_1_0_is_shown_as_such():
    """Its page says whom to call, in the language of the reader; and the kind of each unit that has one."""
    words = load_words("fr")
    for shown in (True, False):
        answers = {"peer.show": PEER | {"first_form": shown}, "directory.list": OWN_UNITS}
        async with console(answers) as there:
            said = read((await there.get(f"/trust/peers/{PEER['node']}", **{"Accept-Language": "fr"})).text).said
        assert (words(SAID[Code.FIRST_FORM]) in said) is shown
        assert said.count(words("non-governmental organisation")) == 1


def pending(change: Change) -> dict[str, Any]:
    """What `change.show` says of a change that waits for its first person."""
    shown = {"id": change.hash, "action": change.action, "state": "pending", "ends": NOW + 60, "effective": None}
    return CHANGE | shown | {"change": change.to_json(), "digits": change.digits, "words": ["made by the node"]}


async def test_row_213_the_page_shows_what_the_passkey_is_asked_to_sign():
    """Words, hash and digits are made of the object that the challenge is made of; what else the node says of it does
    not count.
    """
    async with console({"change.show": pending(SUSPEND)}) as there:
        there.sign_in.sessions["secret"] = replace(person(), admin="a1")
        page = read((await there.get(f"/trust/changes/{SUSPEND.hash}")).text)
        for shown in (SUSPEND.hash, SUSPEND.digits, f"trm change show {SUSPEND.hash}", *words(SUSPEND.to_json())):
            assert shown in page.said
        assert "made by the node" not in page.said and load_words("en")(STAGES["asked"]) in page.said
        assert page.form(f"/trust/changes/{SUSPEND.hash}/approve").method == "post"


async def test_row_213_another_change_than_its_address_names_is_not_signed():
    """A page whose object has another hash is refused, with no form that signs."""
    lie = pending(SUSPEND) | {"change": REVOKE.to_json()}
    prepared = {"change": REVOKE.to_json(), "hash": SUSPEND.hash, "digits": SUSPEND.digits, "words": []}
    async with console({"change.show": lie, "change.prepare": prepared, "policy.show": NONE}) as there:
        there.sign_in.sessions["secret"] = replace(person(), admin="a1")
        for seen in (
            await there.get(f"/trust/changes/{SUSPEND.hash}"),
            await there.post(f"/trust/peers/{NODE['node']}/begin", {"action": "peer.revoke"}),
        ):
            assert seen.status >= 400 and "do not sign it" in seen.text
            assert not [form for form in read(seen.text).forms if "/trust/changes" in form.action]


async def test_a_change_is_kept_to_be_read_elsewhere_before_it_is_signed():
    """The page on which it is signed has a button for that; it sends the exact object and nothing signed."""
    prepared = {"change": SUSPEND.to_json(), "hash": SUSPEND.hash, "digits": SUSPEND.digits, "words": []}
    async with console({"change.prepare": prepared, "change.ask": pending(SUSPEND)}) as there:
        there.sign_in.sessions["secret"] = replace(person(), admin="a1")
        page = read((await there.post(f"/trust/peers/{NODE['node']}/begin", {"action": "peer.revoke"})).text)
        (text,) = page.form("/trust/changes/ask").sent()["change"]
        seen = await there.post("/trust/changes/ask", {"change": text})
        assert (seen.status, seen.headers["Location"]) == (303, f"/trust/changes/{SUSPEND.hash}")
        (asked,) = [arguments for name, arguments, _ in there.desk.calls if name == "change.ask"]
        assert asked == {"change": SUSPEND.to_json()}
        assert (await there.post("/trust/changes/ask", {"change": "{"})).status >= 400
