"""Messages are chosen by what they are and when they came; their ids are never typed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import pytest
from support.browsing import read
from support.casework import ANSWERS, WHOLE
from support.consoles import console
from support.played_cases import CASE, CONSENT
from support.tables import table
from support.written import HERE, ID, KNOWN, OTHER, PREVIEW, SCRIPT, draft

from gateway.console.choices import list_choices
from gateway.console.forms.build import build_form
from gateway.console.forms.fields import HALVES, Kind, kind_of, list_asked, type_of
from gateway.console.forms.known import COMES_FIRST, VERSION, VERSIONED
from gateway.console.forms.parts import Field, Part, label_place
from gateway.console.forms.steps import plan_steps
from gateway.console.pages.writing import beginning
from gateway.console.pickers import list_leaves
from gateway.console.visit import Visit
from gateway.console.words import load_words
from schemas import load_catalogue
from schemas.walk import Node, resolve_reference

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


PROPOSED = message("return.proposal/1", direction="out", at=1_790_000_500)
CONTENT = {"version": 2, "travellers": [{"pseudonym": "Merle", "age_group": "adult"}]}


@pytest.mark.parametrize("body_type", sorted(VERSIONED))
async def test_a_version_is_that_of_the_newest_arrangement(body_type):
    """Nobody is asked for it: where there is one it is chosen, and a new arrangement has the next number."""
    listed = {"messages": [message("return.proposal/1", id="Y" * 22, at=1), PROPOSED], "next": None}
    said = WHOLE | {"header": {}, "content": CONTENT}
    step = next(one.name for one in plan_steps(body_type) if VERSION in one.places)
    path, shown = f"{HERE}/step/{step}", draft(body_type, draft={"type": body_type, "conversation": ID})
    async with console(KNOWN | {"draft.show": shown, "message.list": listed, "message.show": said}) as there:
        form = read((await there.get(path)).text).form(path)
        right = "3" if body_type == "return.proposal/1" else "2"
        assert form.choices(VERSION) == ["", right] and form.sent()[VERSION] == (right,)
        (read_,) = [arguments for operation, arguments, _ in there.desk.calls if operation == "message.show"]
        assert read_ == {"id": OTHER, "direction": "out"}, "the newest one"
        there.desk.answers["draft.show"] = draft(
            body_type, draft={"type": body_type, "conversation": ID, "content": {"version": 7}}
        )
        form = read((await there.get(path)).text).form(path)
        assert VERSION not in form.lists and form.sent()[VERSION] == ("7",)


async def test_where_nothing_can_be_chosen_the_page_says_what_comes_first():
    """No empty list, and no field to guess into."""
    for body_type in ("return.cancel/1", "bid.report/1", "referral.request/1"):
        (place,) = [place for of, place in COMES_FIRST if of == body_type]
        step = next(one.name for one in plan_steps(body_type) if place in one.places)
        shown = draft(body_type, draft={"type": body_type, "conversation": ID})
        async with console(KNOWN | {"draft.show": shown, "draft.preview": PREVIEW}) as there:
            page = read((await there.get(f"{HERE}/step/{step}")).text)
            first = ", ".join(map(EN.message, COMES_FIRST[body_type, place]))
            assert f"This has to come first: {first}." in page.said
            assert place not in page.form(f"{HERE}/step/{step}").offered | page.form(f"{HERE}/step/{step}").lists.keys()


async def test_what_is_corrected_is_chosen_by_its_labels():
    """From what the chosen message says, and only after it was chosen."""
    held = {"type": "data.correction/1", "conversation": ID}
    listed = {"messages": [PROPOSED], "next": None}
    said = WHOLE | {"header": {}, "content": CONTENT}
    answers = KNOWN | {"draft.show": draft("data.correction/1", draft=held), "message.list": listed}
    async with console(answers | {"message.show": said}) as there:
        path = f"{HERE}/step/message-2"
        assert "Choose the message first." in read((await there.get(path)).text).said
        content = {"target_message": OTHER}
        there.desk.answers["draft.show"] = draft("data.correction/1", draft={**held, "content": content})
        page = read((await there.get(path)).text)
        assert page.form(path).choices("/content/path") == ["", *list_leaves(CONTENT, "/content")]
        assert "/content/travellers/0/age_group" in page.form(path).choices("/content/path")
        assert label_place("return.proposal/1", "/content/travellers/0/age_group", EN) in page.said


async def test_an_answer_stands_beside_its_question():
    """In the words of who asked, and never by a number alone."""
    items = [{"item_id": "q1", "question": f"Which papers? {SCRIPT}"}, {"item_id": "q2", "question": "Since when?"}]
    held = {"conversation": ID, "in_reply_to": OTHER, "content": {"answers": [{"item_id": "q1"}]}}
    said = WHOLE | {"header": {}, "content": {"items": items}}
    async with console(KNOWN | {"draft.show": draft("info.reply/1", draft=held), "message.show": said}) as there:
        path = f"{HERE}/step/message"
        seen = await there.get(path)
        page = read(seen.text)
        assert page.form(path).choices("/content/answers/0/item_id") == ["", "q1", "q2"]
        assert page.form(path).sent()["/content/answers/0/item_id"] == ("q1",)
        assert "Since when?" in page.said and SCRIPT not in seen.text


async def test_an_offer_for_somebody_else_is_not_offered():
    """Of the answers of a country those of this case and those of no case yet."""
    said = [
        message("enquiry.reply/1", id="1" * 22, in_reply_to="O" * 22, of_case={"id": "Z" * 22, "name": None}),
        message("enquiry.reply/1", id="2" * 22, in_reply_to="P" * 22),
        message("enquiry.reply/1", id="3" * 22, in_reply_to="Q" * 22, of_case=None),
    ]
    shown = draft("referral.request/1", draft={"type": "referral.request/1", "case": CASE})
    async with console(KNOWN | {"draft.show": shown, "message.list": {"messages": said, "next": None}}) as there:
        form = read((await there.get(f"{HERE}/step/purpose")).text).form(f"{HERE}/step/purpose")
        assert form.choices("/content/enquiry_id") == ["", "P" * 22, "Q" * 22]


async def test_a_region_is_one_in_which_the_country_has_offices():
    """By its code and the offices that are there; where the directory names none, the page says so."""
    office = ANSWERS["directory.search"]["units"][0]
    entry = {"peer": "AL", "state": "active", "number": 3, "made": 1, "expires": 2, "current": True, "foreign": 0}
    told = {"country": "AL", "entries": [entry | {"units": [office, office | {"region": None}], "procedures": []}]}
    path = f"{HERE}/step/needs"
    async with console(KNOWN | {"directory.show": told}) as there:
        form = read((await there.get(path)).text).form(path)
        assert form.choices("/content/region_preferred") == ["", "AL-11"]
        there.desk.answers["directory.show"] = told | {"entries": []}
        page = read((await there.get(path)).text)
        assert "The offices of this country name no regions." in page.said
        assert "/content/region_preferred" not in page.form(path).lists


WRITTEN = {
    "/content/reference": "a number that another authority gave",
    "/content/case_worker_ref": "what they may call a colleague by",
    "/content/met_by/staff_ref": "what they may call a colleague by",
    "/content/table_id": "a table on which two countries agreed",
    "/content/against_advice/statement_sha256": "of a paper in a drawer",
}
"""Ids that a person has to write, and what they are, since no node knows them. A new one is a decision."""
IDS = frozenset({"ref", "id", "region", "item", "unit", "unit_ref", "part", "field", "sha256", "node"})
ELSEWHERE = beginning.ELSEWHERE | {"directory.update/1", beginning.TAKEN}
"""Types of which no draft is written: other pages make them."""
TYPES = sorted({one.body_type for one in load_catalogue().types} - ELSEWHERE)


def members(body_type: str, said: Node | None = None, place: str = "") -> Iterator[tuple[str, Node, Kind]]:
    """Every member that a form asks for, rows as 0, with its schema."""
    root = load_catalogue().resolve(body_type).document
    if said is None:
        for half in HALVES:
            yield from members(body_type, root["properties"][half], f"/{half}")
        return
    kind, node = kind_of(said, root), resolve_reference(said, root)
    yield place, said, kind
    if kind is Kind.OBJECT:
        for name, member in list_asked(node, place):
            yield from members(body_type, member, f"{place}/{name}")
    elif kind in (Kind.ROWS, Kind.LINES):
        yield from members(body_type, node["items"], f"{place}/0")


def fields_of(parts: Iterable[Part]) -> Iterator[Field]:
    """The single questions of a form."""
    for part in parts:
        yield from [part] if isinstance(part, Field) else fields_of(part.parts)


class Asking:
    """What the pickers use of a visit: a reader who may read everything, and a node that knows of two countries."""

    words = EN

    async def ask(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        """What is played for the operation."""
        return (KNOWN | {"directory.show": {"entries": []}, "attachment.waiting": {"attachments": []}})[operation]

    def allows(self, operation: str) -> bool:
        """Everything."""
        return True


@table("body_type", TYPES)
async def test_no_form_asks_for_an_id_that_the_node_knows(body_type):
    """All fields of all types, with a row in each list, in a conversation in which nothing was said yet."""
    said = {"type": body_type, "to": "AL", "conversation": ID, "message": ID}
    offered = await list_choices(cast("Visit", Asking()), said, None)
    rows = {place for place, _, kind in members(body_type) if kind in (Kind.ROWS, Kind.LINES)}
    parts = build_form(body_type, {}, EN, choices=offered, blank=rows)
    looks = {field.place: field.look for field in fields_of(parts)}
    ids = {place for place, node, _ in members(body_type) if type_of(node) in IDS}
    assert ids <= looks.keys(), "a field of the type is in no form"
    typed = {place for place in ids if looks[place] not in ("select", "known", "nothing", "fixed")}
    assert typed <= WRITTEN.keys()
