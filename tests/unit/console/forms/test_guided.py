"""Steps of one draft: what applies, what is done, and that steps one by one make what one page makes."""

from __future__ import annotations

import random
from typing import Any

import pytest
from support.generate import bodies
from support.tables import table

from gateway.console.forms.build import build_form
from gateway.console.forms.faults import explain_faults, find_faults
from gateway.console.forms.fields import to_document, to_fields
from gateway.console.forms.guided import (
    Progress,
    applies,
    assign_findings,
    belongs,
    find_need,
    list_steps,
    pick_parts,
    put_answers,
)
from gateway.console.forms.parts import Group, list_places
from gateway.console.forms.steps import plan_steps
from gateway.console.words import load_words
from gateway.errors import Finding
from gateway.messages.emergency import ASKED, INSTEAD, leave_for_later
from schemas import load_catalogue
from schemas.describing.members import ALWAYS, ANSWERED

TYPES = [entry.body_type for entry in load_catalogue().types]
REFERRAL = "referral.request/1"


def offset(at: int) -> int:
    """A country one hour ahead."""
    return 3600


def written(body_type: str, share: float) -> dict[str, Any]:
    """A valid document that nobody wrote, without what the node fills in."""
    body = bodies(body_type, random.Random(len(body_type)), share)
    body["header"].pop("author_ref", None)
    body["header"].pop("seen", None)
    body["header"].get("vital_interest", {}).pop("approver_ref", None)
    return {half: body[half] for half in ("header", "content")}


@table("body_type", TYPES)
def test_steps_one_by_one_make_what_one_page_makes(body_type):
    """In any order, each saved before the next; so nothing that is required is out of reach."""
    for share in (0.2, 0.9):
        document = written(body_type, share)
        whole = to_fields(body_type, document, offset)
        steps = list(plan_steps(body_type))
        random.Random(7).shuffle(steps)
        draft: dict[str, Any] = {"header": {}, "content": {}}
        for step in steps:
            fields = to_fields(body_type, draft, offset)
            sent = {name: values for name, values in whole.items() if any(belongs(name, p) for p in step.places)}
            draft = to_document(body_type, put_answers(fields, step, sent), offset)
        assert draft == to_document(body_type, whole, offset) == document


@table("body_type", TYPES)
def test_a_valid_document_is_done_in_every_step(body_type):
    """Nothing that is right is marked, and what is filled in is never hidden."""
    document = written(body_type, 0.5)
    fields = to_fields(body_type, document, offset)
    steps = list_steps(body_type, document, fields, find_faults(body_type, document))
    assert {one.progress for one in steps} <= {Progress.DONE, Progress.FREE}
    shown = [place for one in steps for place in one.step.places]
    assert [name for name in fields if not any(belongs(name, place) for place in shown)] == []


@table("body_type", TYPES)
def test_each_fault_of_an_empty_draft_is_told_in_a_step_at_a_field(body_type):
    """Each finding is of exactly one step, whose form has the field to which its sentence leads."""
    empty: dict[str, Any] = {"header": {}, "content": {}}
    findings, words = find_faults(body_type, empty), load_words("en")
    steps = list_steps(body_type, empty, {}, findings)
    assert sorted(one.place for step in steps for one in step.findings) == sorted(one.place for one in findings)
    whole = build_form(body_type, {}, words)
    for one in steps:
        parts = pick_parts(body_type, whole, one.step, empty)
        faults = explain_faults(body_type, one.findings, words, parts)
        assert {fault.place for fault in faults} <= set(list_places(parts))


def body(**content: Any) -> dict[str, Any]:
    """A body with this content."""
    return {"header": {}, "content": content}


@pytest.mark.parametrize(
    ("body_type", "place", "content", "asked"),
    [
        (REFERRAL, "/content/child", {}, True),
        (REFERRAL, "/content/child", {"person": {"age_group": "adult"}}, False),
        (REFERRAL, "/content/child", {"person": {"age_group": "child"}}, True),
        (REFERRAL, "/content/thb_decision_body", {"thb_status": "presumed"}, False),
        (REFERRAL, "/content/thb_decision_body", {"thb_status": "identified"}, True),
        (REFERRAL, "/content/person/birth_year", {"person": {"birth_date": "2001-03-14"}}, False),
        (REFERRAL, "/content/summary", {}, True),
        ("enquiry.reply/1", "/content/places_held", {"answer": "no"}, False),
        ("enquiry.reply/1", "/content/places_held", {"answer": "yes"}, True),
        ("erasure.confirmation/1", "/content/kept", {"result": "erased"}, False),
    ],
)
def test_a_question_is_asked_where_it_applies(body_type, place, content, asked):
    """By the rules of the schema; a rule that an answer has not met yet hides nothing that may be filled in."""
    assert applies(body_type, place, body(**content)) is asked


def test_what_is_filled_in_is_shown_also_where_it_does_not_apply_any_more():
    """It has to be taken out, and nobody but the person takes it out."""
    content = {"person": {"age_group": "adult"}, "child": {"bia_done": True}}
    fields = to_fields(REFERRAL, body(**content), offset)
    steps = list_steps(REFERRAL, body(**content), fields, find_faults(REFERRAL, body(**content)))
    (family,) = [one for one in steps if one.step.name == "contact"]
    assert "/content/child" in family.step.places and family.progress is Progress.OPEN
    assert "forbidden" in [one.rule for one in family.findings]


def test_what_an_answer_makes_necessary_is_called_so():
    """Also a value that may be missing with a reason; before the answer it is no more than possible."""
    assert find_need(REFERRAL, "/content/thb_decision_body", body(thb_status="identified")) == ANSWERED
    assert find_need(REFERRAL, "/content/child", body(person={"age_group": "child"})) == ALWAYS
    assert find_need(REFERRAL, "/content/child", body(person={"age_group": "adult"})) == ""


def test_the_purpose_and_one_of_several_are_told_where_they_are_asked():
    """A rule about an object as a whole goes to the first question that can mend it."""
    steps = plan_steps(REFERRAL)
    some = Finding(place="/content/person", rule="anyOf", hint="at least one of birth_date, birth_year, age_group")
    found = assign_findings(steps, [some, Finding(place="/purpose", rule="required"), Finding(place="/x", rule="y")])
    assert {name: [one.place for one in mine] for name, mine in found.items()} == {
        "person": ["/content/person"],
        "purpose": ["/purpose"],
    }
    words = load_words("en")
    person = next(step for step in steps if step.name == "person")
    parts = pick_parts(REFERRAL, build_form(REFERRAL, {}, words), person, body())
    (fault,) = explain_faults(REFERRAL, found["person"], words, parts)
    assert fault.place == "/content/person/age_group"


def test_what_is_the_same_for_every_message_is_folded_when_it_is_complete():
    """Where something is missing in it, it is a step like the others."""
    document = written("enquiry.capacity/1", 0.9)
    for header, folded in (({}, False), (document["header"], True)):
        draft = {"header": header, "content": document["content"]}
        fields = to_fields("enquiry.capacity/1", draft, offset)
        steps = list_steps("enquiry.capacity/1", draft, fields, find_faults("enquiry.capacity/1", draft))
        assert [one.folded for one in steps if one.step.name in ("basis", "units")] == [folded, folded]


def test_an_alert_is_one_page_of_five_questions():
    """Everything else is folded, until an answer makes it necessary."""
    header = written("safety.alert/1", 0.9)["header"]
    said = {"kind": "missing_child", "level": "high", "what_happened": "x", "police_informed": "yes"}
    for action, asked in (("inform_police", ["alert"]), ("stop_channel", ["alert", "more"])):
        draft = {"header": header, "content": said | {"asked_action": [action]}}
        fields = to_fields("safety.alert/1", draft, offset)
        steps = list_steps("safety.alert/1", draft, fields, find_faults("safety.alert/1", draft))
        assert [one.step.name for one in steps if not one.folded] == asked
        assert len(steps[0].step.places) == 5


def test_a_step_that_nobody_came_to_is_later_and_one_that_was_begun_is_open():
    """What may stay empty is neither."""
    draft = body(person={"pseudonym": "Merle"})
    fields = to_fields(REFERRAL, draft, offset)
    steps = list_steps(REFERRAL, draft, fields, find_faults(REFERRAL, draft))
    found = {one.step.name: one.progress for one in steps}
    assert (found["person"], found["ask"], found["files"]) == (Progress.OPEN, Progress.LATER, Progress.FREE)


def test_what_may_be_left_out_is_folded_and_what_is_needed_is_not():
    """Members of an object that is not there would look needed; one that stands alone is what the step is about."""
    words, draft = load_words("en"), body(person={"age_group": "child"})
    whole = build_form(REFERRAL, to_fields(REFERRAL, draft, offset), words)
    parts = {
        part.place: part
        for name in ("consent", "family", "contact")
        for step in plan_steps(REFERRAL)
        if step.name == name
        for part in pick_parts(REFERRAL, whole, step, draft)
    }
    shown = {place: part.filled for place, part in parts.items() if isinstance(part, Group)}
    assert shown == {
        "/header/vital_interest": False,
        "/content/household": True,
        "/content/child": True,
        "/content/person/safe_contact_rule": True,
    }


def test_in_danger_to_life_ten_questions_stand_open_and_the_rest_is_folded():
    """Whoever says that it is an emergency meets ten questions in all, and every other one folded (domain 7.22)."""
    header: dict[str, Any] = {"priority": "emergency"}
    content: dict[str, Any] = {"person": {"pseudonym": "Mali", "age_group": "adult"}}
    for priority, most in (("emergency", 10), ("normal", 99)):
        body = {"header": header | {"priority": priority}, "content": content}
        body["content"] = leave_for_later(REFERRAL, body["header"], content)
        fields = to_fields(REFERRAL, body, offset) | {"/purpose": ("referral",)}
        steps = list_steps(REFERRAL, body, fields, find_faults(REFERRAL, body))
        terms = {"basis", "units"}
        asked = [
            place
            for one in steps
            if one.step.name not in terms and not one.folded
            for place in one.step.places
            if place not in one.step.more and place != "/purpose"
        ]
        assert set(asked) <= {*ASKED, INSTEAD} if most == 10 else len(asked) > 10
        assert len(asked) <= most + 1  # the claim of danger to life stands in the place of the consent
        assert {one.step.name for one in steps} >= {"purpose", "person", "happened", "consent", "ask"}
