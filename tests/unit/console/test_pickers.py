"""Messages are chosen by what they are and when they came; their ids are never typed."""

from __future__ import annotations

from typing import Any

import pytest
from support.browsing import read
from support.consoles import console
from support.played_cases import CASE, CONSENT
from support.written import HERE, ID, KNOWN, OTHER, draft

from gateway.console.words import load_words

EN = load_words("en")


def message(body_type: str | None, **other: Any) -> dict[str, Any]:
    """A line of the list of messages."""
    return {
        "id": OTHER,
        "direction": "in",
        "peer": "AL",
        "type": body_type,
        "conversation": ID,
        "of_case": {"id": CASE, "name": "Blue 7"},
        "in_reply_to": None,
        "purpose": None,
        "unit": "fp",
        "state": "opened",
        "reason": None,
        "held": None,
        "n": 1,
        "at": 1_790_000_000,
        "expires": 1_790_000_009,
        "out_of_order": False,
    } | other


GONE = message(None, id="Z" * 22, conversation=None)


@pytest.mark.parametrize(
    ("body_type", "step", "place", "said", "offered", "asked"),
    [
        (
            "referral.request/1",
            "purpose",
            "/content/enquiry_id",
            message("enquiry.reply/1", in_reply_to=ID),
            ID,
            {"peer": "AL", "direction": "in"},
        ),
        (
            "data.correction/1",
            "message",
            "/content/target_message",
            message("info.reply/1"),
            OTHER,
            {"conversation": ID},
        ),
        (
            "bid.report/1",
            "message",
            "/content/family_report_id",
            message("family.report/1"),
            OTHER,
            {"conversation": ID},
        ),
    ],
)
async def test_a_message_is_chosen_and_never_typed(body_type, step, place, said, offered, asked):
    """From those that there are for it; one without content is none of them."""
    shown = draft(body_type, draft={"type": body_type, "conversation": ID})
    other = message("stats.request/1", id="Y" * 22) if body_type != "data.correction/1" else GONE
    listed = {"messages": [said, other, GONE], "next": None}
    async with console(KNOWN | {"draft.show": shown, "message.list": listed}) as there:
        text = (await there.get(f"{HERE}/step/{step}")).text
        assert read(text).form(f"{HERE}/step/{step}").choices(place) == ["", offered]
        assert EN.message(said["type"]) in text and "Blue 7" in text
        looked = [arguments for operation, arguments, _ in there.desk.calls if operation == "message.list"]
        assert looked == [{**asked, "limit": 200}]


async def test_a_conversation_is_chosen_by_whom_it_is_about():
    """Each once, by its newest message."""
    listed = {"messages": [message("info.reply/1"), message("info.request/1"), GONE], "next": None}
    shown = draft("breach.notice/1", draft={"type": "breach.notice/1"})
    async with console(KNOWN | {"draft.show": shown, "message.list": listed}) as there:
        path = f"{HERE}/step/message"
        form = read((await there.get(path)).text).form(path)
        page = read((await there.post(path, form.filled({}, act="add:/content/conversations"))).text)
        assert page.form(path).choices("/content/conversations/0") == ["", ID]
        assert EN.message("info.reply/1") in page.said and EN.message("info.request/1") not in page.said


async def test_a_consent_is_chosen_by_what_it_covers():
    """Its purpose, how many kinds of data, and until when; withdrawn ones and those of other people are not offered."""
    shown = draft("referral.request/1", of_case={"id": CASE, "name": "Blue 7"})
    async with console(KNOWN | {"draft.show": shown}) as there:
        page = read((await there.get(f"{HERE}/step/consent")).text)
        assert page.form(f"{HERE}/step/consent").choices("/header/consent_ref") == ["", CONSENT]
        assert f"{EN.code('purpose', 'referral')}, until 24 May 2027 (kinds of data: 2); recorded" in page.said
