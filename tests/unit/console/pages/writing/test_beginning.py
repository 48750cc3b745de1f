"""How a message begins at the console: from a case, about nobody, or as an answer in a conversation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.browsing import read
from support.casework import WHOLE as WHOLE_MESSAGE
from support.consoles import NOW, console
from support.played_cases import CASE
from support.written import HERE, ID, KNOWN, OTHER, ROLE

from gateway.console.words import load_words
from gateway.foundation.config import CorridorSection


async def test_a_new_draft_has_what_leaves_no_choice():
    """The units, the role of a unit that has one, and nothing else."""
    async with console(KNOWN) as there:
        page = read((await there.get("/drafts/new")).text)
        fields = page.form("/drafts/new").filled({"type": "enquiry.capacity/1", "to": "AL/fp"})
        seen = await there.post("/drafts/new", fields)
        assert seen.headers["Location"] == HERE
        operation, arguments, key = there.desk.calls[-1]
        header = {"sender_unit": "fp", "sender_role": ROLE, "recipient_unit": "fp"}
        assert (operation, bool(key)) == ("draft.save", True)
        assert arguments["draft"] == {"type": "enquiry.capacity/1", "to": "AL", "header": header, "content": {}}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": "enquiry.capacity/1"},
        {"to": "AL/fp"},
        {"type": "info.reply/1", "to": "AL/fp"},
        {"type": "enquiry.capacity/1", "to": "XX/fp"},
        {"type": "consent.record/1", "to": "AL/fp"},
    ],
)
async def test_what_can_not_begin_is_not_begun(fields):
    """The page says what is missing and keeps the rest."""
    async with console(KNOWN) as there:
        seen = await there.post("/drafts/new", fields)
        assert seen.status == 422 and "Choose one." in read(seen.text).wrong
        assert "draft.save" not in [call[0] for call in there.desk.calls]


REFERRAL = {"type": "referral.request/1", "to": "AL/fp"}


async def test_a_referral_begins_from_a_case():
    """The one whose page led here is chosen; a new one is begun once, with the draft; without any it does not begin."""
    async with console(KNOWN) as there:
        page = read((await there.get(f"/drafts/new?case={CASE}")).text)
        await there.post("/drafts/new", page.form("/drafts/new").filled(REFERRAL))
        assert there.desk.calls[-1][1]["draft"]["case"] == CASE
        page = read((await there.get("/drafts/new")).text)
        await there.post("/drafts/new", page.form("/drafts/new").filled(REFERRAL | {"case_label": "Blue 8"}))
        (operation, opened, key), (_, saved, _) = there.desk.calls[-2:]
        assert (operation, opened["label"], bool(key)) == ("case.open", "Blue 8", True)
        assert saved["draft"]["case"] == CASE
        there.desk.calls.clear()
        seen = await there.post("/drafts/new", REFERRAL)
        assert seen.status == 422 and "#case_label" in read(seen.text).links
        assert [call[0] for call in there.desk.calls if call[0] in ("case.open", "draft.save")] == []


@pytest.mark.parametrize(
    ("looked_after_by", "sender"), [(["shelter"], "shelter"), (["shelter", "fp"], None), (["elsewhere"], None)]
)
async def test_of_several_units_the_one_that_looks_after_the_case_writes(looked_after_by, sender):
    """Where two do, or none of ours, somebody chooses."""
    (own, *others), cases = KNOWN["directory.list"]["units"], KNOWN["case.show"] | {"units": looked_after_by}
    units = {"units": [own, own | {"unit": "shelter", "roles": ["shelter"]}, *others]}
    async with console(KNOWN | {"directory.list": units, "case.show": cases}) as there:
        await there.post("/drafts/new", REFERRAL | {"case": CASE})
        header = there.desk.calls[-1][1]["draft"]["header"]
        assert (header.get("sender_unit"), header.get("sender_role")) == (sender, sender)


async def test_what_is_between_two_mechanisms_is_of_no_case():
    """Whatever was chosen beside it."""
    async with console(KNOWN) as there:
        await there.post("/drafts/new", {"type": "breach.notice/1", "to": "AL/fp", "case": CASE})
        assert "case" not in there.desk.calls[-1][1]["draft"]


# --- writing in a conversation --------------------------------------------------------------------------------------


def conversation(**standing: Any) -> dict[str, Any]:
    """A referral with a question of the other side that is owed an answer."""
    message = {
        "id": OTHER,
        "direction": "in",
        "peer": "AL",
        "type": "info.request/1",
        "conversation": ID,
        "purpose": "referral",
        "in_reply_to": None,
        "unit": "fp",
        "state": "opened",
        "reason": None,
        "held": None,
        "n": 1,
        "at": 1,
        "expires": 9,
        "out_of_order": False,
        "outcome": "applied",
    }
    duty = {
        "what": "info_reply",
        "owes": "us",
        "because": OTHER,
        "until": 9,
        "overdue": True,
        "certain": True,
        "doubts": [],
    }
    place = {
        "peer": "AL",
        "kind": "referral",
        "side": "host",
        "state": "info_requested",
        "owed": [duty],
        "provisional": False,
        "overlays": [],
        "procedure": None,
        "missing": 0,
        "no_calendar": [],
        "ask_elsewhere": False,
        "owed_later": [],
    }
    return {
        "conversation": ID,
        "messages": [message],
        "standing": [place | standing],
        "asylum_hold": False,
        "consents": [],
    }


WRITABLE = {
    "conversation": ID,
    "peers": [
        {
            "peer": "AL",
            "header": {"sender_unit": "fp", "recipient_unit": "fp"},
            "known_as": [],
            "types": [
                {"type": "consent.record/1", "in_reply_to": None},
                {"type": "referral.withdraw/1", "in_reply_to": None},
                {"type": "info.reply/1", "in_reply_to": OTHER},
            ],
        }
    ],
}


ITEMS = [
    {
        "item_id": "q1",
        "data_category": "needs",
        "question": "What?",
        "why_needed": "A place",
        "needed_by": "2026-12-01",
    },
    {"item_id": "q2", "data_category": "risk", "question": "Who?", "why_needed": "Safety", "needed_by": "2026-12-01"},
]
ASKED = WHOLE_MESSAGE | {"header": {"legal_basis": ["6_1_e"], "language": "sq"}, "content": {"items": ITEMS}}
TALK = KNOWN | {"conversation.writable": WRITABLE, "message.show": ASKED}


async def test_what_is_owed_is_offered_first():
    """With what it answers and until when; consents have pages of their own. An answer begins with what was asked."""
    async with console(TALK | {"conversation.show": conversation()}) as there:
        page = read((await there.get(f"/conversations/{ID}/write")).text)
        reply, withdrawal, consent = [
            load_words("en").message(name) for name in ("info.reply/1", "referral.withdraw/1", "consent.record/1")
        ]
        assert page.said.index(reply) < page.said.index(withdrawal)
        assert "overdue" in page.said and consent not in page.said
        chosen = {"what": f"AL info.reply/1 {OTHER}"}
        seen = await there.post(f"/conversations/{ID}/write", page.form(f"/conversations/{ID}/write").filled(chosen))
        assert seen.headers["Location"] == HERE
        assert there.desk.calls[-1][1]["draft"] == {
            "type": "info.reply/1",
            "to": "AL",
            "conversation": ID,
            "in_reply_to": OTHER,
            "purpose": "referral",
            "header": {"sender_unit": "fp", "recipient_unit": "fp"},
            "content": {
                "answers": [{name: one[name] for name in ("item_id", "data_category")} for one in ITEMS],
            },
        }


async def test_the_next_message_begins_as_our_last_one_to_them():
    """With its basis, retention and language; theirs are never taken over, and nothing else of ours is."""
    shown = conversation()
    (first,) = shown["messages"]
    shown["messages"] = [first, first | {"id": ID, "direction": "out", "type": "referral.request/1", "at": 2}]
    theirs = ASKED["header"] | {"consent_ref": ID, "priority": "urgent"}
    answers = TALK | {"conversation.show": shown, "message.show": ASKED | {"header": theirs}}
    async with console(answers) as there:
        await there.post(f"/conversations/{ID}/write", {"what": "AL referral.withdraw/1"})
        looked = [arguments for operation, arguments, _ in there.desk.calls if operation == "message.show"]
        assert looked == [{"id": ID, "direction": "out"}]
        known = {"sender_unit": "fp", "recipient_unit": "fp", "legal_basis": ["6_1_e"], "language": "sq"}
        assert there.desk.calls[-1][1]["draft"]["header"] == known


@pytest.mark.parametrize(("body_type", "personal"), [("referral.request/1", True), ("enquiry.capacity/1", False)])
async def test_what_is_set_for_a_country_stands_in_what_is_new(body_type, personal):
    """The legal part only where the message is about a person; another country begins with nothing of it."""
    section = CorridorSection(
        to="AL", legal_basis=("6_1_e",), transfer_basis="adequacy_45", onward_sharing="none", retain_days=30
    )
    for name in ("AL", "MA"):
        async with console(KNOWN, corridors={name: section}) as there:
            await there.post("/drafts/new", {"type": body_type, "to": "AL/fp", "case": CASE})
            header = there.desk.calls[-1][1]["draft"]["header"]
            legal = {"legal_basis": ["6_1_e"], "transfer_basis": "adequacy_45"} if personal else {}
            until = (datetime.fromtimestamp(NOW, UTC) + timedelta(30)).date().isoformat()
            handled = {"handling": {"onward_sharing": "none", "retain_until": until}, "language": "en"}
            known = {"sender_unit": "fp", "sender_role": ROLE, "recipient_unit": "fp"}
            assert header == (known | legal | handled if name == "AL" else known)


@pytest.mark.parametrize(
    ("kind", "body_type", "begins"),
    [
        ("public_authority", "referral.request/1", ["6_1_e", "9_2_g"]),
        ("public_authority", "enquiry.capacity/1", None),
        ("ngo", "referral.request/1", None),
        (None, "referral.request/1", None),
    ],
)
async def test_finding_a8_an_authority_begins_with_its_task(kind, body_type, begins):
    """By the kind that its descriptor signs; what is set for the country comes before it, and it can be changed."""
    listed = KNOWN["directory.list"]["units"]
    units = [unit | {"kind": kind} if unit["state"] == "own" else unit for unit in listed]
    answers = KNOWN | {"directory.list": {"units": units}}
    for set_for in ({}, {"AL": CorridorSection(to="AL", legal_basis=("6_1_c",))}):
        async with console(answers, corridors=set_for) as there:
            await there.post("/drafts/new", {"type": body_type, "to": "AL/fp", "case": CASE})
            header = there.desk.calls[-1][1]["draft"]["header"]
            personal = body_type == "referral.request/1"
            assert header.get("legal_basis") == (["6_1_c"] if set_for and personal else begins)


@pytest.mark.parametrize("what", ["", "AL info.reply/1", "AL consent.record/1", "XX referral.withdraw/1"])
async def test_what_is_not_offered_is_not_begun(what):
    """Whatever somebody sends."""
    async with console(KNOWN | {"conversation.show": conversation(), "conversation.writable": WRITABLE}) as there:
        seen = await there.post(f"/conversations/{ID}/write", {"what": what})
        assert seen.status == 422 and "draft.save" not in [call[0] for call in there.desk.calls]


async def test_a_referral_after_an_offer_is_of_the_case_of_the_enquiry():
    """It quotes the enquiry, in a conversation of its own; where that was about nobody, it is asked whose it is."""
    offered = {"kind": "enquiry", "state": "offered", "side": "host", "owed": []}
    asked = conversation(**offered) | {"of_case": {"id": CASE, "name": "Blue 7"}}
    asked["messages"][0]["type"] = "enquiry.capacity/1"
    async with console(KNOWN | {"conversation.show": asked, "conversation.writable": WRITABLE}) as there:
        await there.post(f"/conversations/{ID}/write", {"what": "AL referral.request/1"})
        draft = there.desk.calls[-1][1]["draft"]
        assert (draft["case"], draft["content"], "conversation" in draft) == (CASE, {"enquiry_id": OTHER}, False)
        there.desk.answers["conversation.show"] = asked | {"of_case": None}
        page = read((await there.get(f"/conversations/{ID}/write")).text)
        there.desk.calls.clear()
        here, what = f"/conversations/{ID}/write", {"what": "AL referral.request/1"}
        seen = await there.post(here, page.form(here).filled(what))
        assert seen.status == 422 and "#case_label" in read(seen.text).links
        assert read(seen.text).form(here).sent()["what"] == (what["what"],)
        await there.post(here, page.form(here).filled(what | {"case": CASE}))
        saved = [arguments["draft"] for name, arguments, _ in there.desk.calls if name == "draft.save"]
        assert [draft["case"] for draft in saved] == [CASE]
