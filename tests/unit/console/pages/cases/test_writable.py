"""What can be written in a case, on its page: what is owed first, each with everything chosen."""

from __future__ import annotations

from typing import Any

from support.browsing import read
from support.casework import COURSE, DUTY, answers
from support.consoles import console, person
from support.played_cases import CASE, DRAFT, SHOWN, TALK

from gateway.console.pages.writing.beginning import name_offer
from gateway.operations.roles import Role

HERE = f"/cases/{CASE}"
OWED = {"type": "referral.accept/1", "in_reply_to": DUTY["because"]}
FREE = {"type": "safety.alert/1", "in_reply_to": None}
NODE = {"type": "reminder.due/1", "in_reply_to": None}


def played(**shown: Any) -> dict[str, Any]:
    """A case with one conversation, in which three types may be written."""
    (standing,) = COURSE["standing"]
    course = COURSE | {"standing": [standing | {"conversation": TALK, "owed": [DUTY | {"owes": "us"}]}]}
    side = {"peer": "AL", "types": [FREE, NODE, OWED], "header": {}, "known_as": []}
    writable = {"conversation": TALK, "peers": [side]}
    return answers(case__course=course, conversation__writable=writable, case__show=SHOWN | shown)


async def test_what_is_owed_stands_first_and_one_click_begins_it() -> None:
    """With the conversation and what it answers, so that nobody chooses again; what the node writes is not offered."""
    async with console(played(drafts=[])) as there:
        text = (await there.get(HERE)).text
        forms = [form for form in read(text).forms if form.action == f"/conversations/{TALK}/write"]
        assert [form.sent()["what"] for form in forms] == [(name_offer("AL", OWED),), (name_offer("AL", FREE),)]
        folded = text.partition("Everything else (1)")
        assert name_offer("AL", OWED) in folded[0] and name_offer("AL", FREE) in folded[2]
        assert all("key" in form.sent() for form in forms)


async def test_what_was_begun_is_gone_on_with() -> None:
    """A draft to the same country stands in the place of a second one."""
    begun = {"id": DRAFT, "type": OWED["type"], "to": "AL", "state": "waiting", "at": 1}
    async with console(played(drafts=[begun])) as there:
        text = (await there.get(HERE)).text.partition('id="write"')[2]
        assert f'href="/drafts/{DRAFT}"' in text and name_offer("AL", OWED) not in text


async def test_who_writes_nothing_is_offered_nothing() -> None:
    """And the node is not asked what could be written."""
    async with console(played()) as there:
        there.sign_in.sessions["secret"] = person(Role.DATA_PROTECTION_OFFICER)
        assert "What you can write" not in (await there.get(HERE)).text
        assert "conversation.writable" not in [name for name, *_ in there.desk.calls]
