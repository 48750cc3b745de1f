"""The pages of trust: what was pasted is there after a refusal, and how far a change has come is said in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.browsing import read
from support.consoles import NOW, console, person

from gateway.changes import store as rows
from gateway.console.pages.trust import STAGES
from gateway.console.words import load_words
from gateway.errors import Code, RefusedError

NONE = {"in_force": None, "waiting": [], "pending": [], "changes": [], "faults": []}
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


@pytest.mark.parametrize("state", [rows.PENDING, rows.WAITING, rows.DONE, rows.EXPIRED, rows.WITHDRAWN])
async def test_how_far_a_change_has_come_is_said_in_words(state):
    """In the list and on its page, in the language of the reader."""
    change = CHANGE | {"state": state}
    async with console({"change.list": {"changes": [change]}, "change.show": change}) as there:
        for path in ("/trust/history", "/trust/changes/c1"):
            seen = await there.get(path, **{"Accept-Language": "el"})
            assert load_words("el")(STAGES[state]) in read(seen.text).said
            assert f">{state}<" not in seen.text
