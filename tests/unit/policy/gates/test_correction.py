"""A correction is judged by the message that it corrects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.gate_facts import GOOD, ID, NOON, gates, refusals
from support.pair import example

from gateway.conversations.history import Opened, Side, history_of
from gateway.errors import Code, Finding
from gateway.policy.gates.correction import judge_correction
from gateway.policy.gates.gate_table import GateFacts

REFERRAL = example("referral.request/1", "AL")
REQUEST = Opened(
    body_type="referral.request/1",
    side=Side.OURS,
    created=NOON,
    header=REFERRAL["header"] | {"seen": 0},
    content=REFERRAL["content"] | {"legal_status": "regular", "summary": "words"},
    id=ID,
    schema="referral.request/1",
    arrived=True,
)
OTHER = replace(REQUEST, id="BBBBBBBBBBBBBBBBBBBBBB", body_type="data.correction/1", schema="data.correction/1")


def correcting(path: str, called: str | None, value: Any, *, target: str = ID, **history: Any) -> GateFacts:
    """Facts about a correction of the referral that the other side has."""
    content = {"target_message": target, "path": path, "data_category": called, "new_value": value}
    given = {name: member for name, member in content.items() if member is not None}
    told = replace(history_of([REQUEST, OTHER]), **history)
    categories = frozenset() if called is None else frozenset({called})
    return replace(GOOD, body_type="data.correction/1", categories=categories, content=given, history=told)


FAMILY, STATUS = "/content/person/name_family", "/content/legal_status"
WRONG = {
    "a name as a need": ((FAMILY, "needs", "B"), {}, "/content/data_category"),
    "a name as nothing": ((FAMILY, None, "B"), {}, "/content/data_category"),
    "a pseudonym": (("/content/person/pseudonym", "needs", "Zana Provaj"), {}, "/content/path"),
    "no field": (("/content/no_such_field", "needs", "Zana Provaj"), {}, "/content/path"),
    "a member of the header": (("/header/purpose", "needs", "Zana Provaj"), {}, "/content/path"),
    "a field of another message": (("/content/answers/0/value", "needs", "Zana Provaj"), {}, "/content/path"),
    "a whole object": (("/content/person", "identity", "Zana Provaj"), {}, "/content/path"),
    "a value that is not there": (("/content/person/name_middle", None, None), {}, "/content/path"),
    "no such code": ((STATUS, "immigration", "Zana Provaj"), {}, "/content/new_value"),
    "another kind of value": ((FAMILY, "identity", 7), {}, "/content/new_value"),
    "a message that never arrived": ((FAMILY, "identity", "B"), {"target": "C" * 22}, "/content/target_message"),
    "a correction": (("/content/new_value", "identity", "B"), {"target": OTHER.id}, "/content/target_message"),
    "a message that is no id": ((FAMILY, "identity", "B"), {"target": [ID]}, "/content/target_message"),
    "a place that is no text": ((7, "identity", "B"), {}, "/content/path"),
    "no message has it, behind a gap": (
        ("/content/no_such_field", "needs", "B"),
        {"target": "C" * 22, "partial": True},
        "/content/path",
    ),
    "called another, behind a gap": (
        (FAMILY, "needs", "B"),
        {"target": "C" * 22, "partial": True},
        "/content/data_category",
    ),
}


@pytest.mark.parametrize("at_receiver", [False, True])
@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_correction_is_refused_by_place(name: str, at_receiver: bool):
    """Whatever the message is that it claims to correct, at both ends, and without a word of the value."""
    given, more, place = WRONG[name]
    found = [r for r in refusals(correcting(*given, **more), at_receiver=at_receiver) if r.gate is Code.GATE_G2]
    assert place in {refusal.place for refusal in found}
    assert not any("Zana" in refusal.hint for refusal in found)


@pytest.mark.parametrize(
    "facts",
    [
        correcting(FAMILY, "identity", "B"),
        correcting(FAMILY, "identity", "B", target="C" * 22, partial=True),
        correcting(STATUS, "immigration", "irregular"),
        correcting("/content/person/nationalities/-", "identity", "RS"),
        correcting("/content/summary", None, None),
    ],
    ids=["a name", "a name behind a gap", "a code", "one more of a list", "taken away"],
)
def test_a_correction_in_order_passes(facts: GateFacts):
    """What the message could have said is let through at both ends."""
    assert (gates(facts), gates(facts, at_receiver=True)) == ([], [])


def test_what_was_not_received_is_not_corrected():
    """A message that still waits to go is not known to the other side."""
    waiting = replace(REQUEST, arrived=False)
    facts = replace(correcting(FAMILY, "identity", "B"), history=history_of([waiting]))
    assert [refusal.place for refusal in refusals(facts)] == ["/content/target_message"]


def test_the_gates_see_the_message_as_it_would_be():
    """A question about nationality whose context would tell of a victim stays closed, when it is corrected too."""
    question = example("nationality.request/1", "AL")
    sent = replace(
        REQUEST, body_type="nationality.request/1", schema="nationality.request/1", content=question["content"]
    )
    facts = replace(
        correcting("/content/person/names", "identity", "B"), history=history_of([sent]), purpose="referral"
    )
    for at_receiver in (False, True):
        (told,) = [refusal for refusal in refusals(facts, at_receiver=at_receiver) if refusal.gate is Code.GATE_G15]
        assert (told.place, told.hint[:17]) == ("/content/new_value", "with this value: ")


def test_a_message_whose_schema_is_no_longer_held_is_not_corrected():
    """Nobody can say any more what the field may hold."""
    old = replace(REQUEST, schema="referral.request/99")
    (told,) = refusals(replace(correcting(FAMILY, "identity", "B"), history=history_of([old])))
    assert told.place == "/content/target_message"
    assert told.hint == "its schema is no longer held here: send a new message"


@pytest.mark.parametrize("at_receiver", [False, True], ids=["sender", "receiver"])
def test_a_message_that_does_not_open_here_is_not_corrected(at_receiver: bool):
    """By which schema it was written nobody knows."""
    facts = replace(correcting(FAMILY, "identity", "B"), history=history_of([replace(REQUEST, schema=None)]))
    found = [one.place for one in refusals(facts, at_receiver=at_receiver) if one.gate is Code.GATE_G2]
    assert found == ["/content/target_message"]


def test_a_correction_is_judged_in_its_whole_conversation():
    """Whoever asks has opened it; else what it corrects would count as unknown."""
    facts = correcting(FAMILY, "identity", "B", told=None)
    with pytest.raises(RuntimeError, match="opened whole"):
        judge_correction(facts)


def test_the_gates_are_asked_about_the_corrected_content():
    """Under the type of the message that is corrected, and without what was found of the correction itself."""
    facts = correcting(STATUS, "immigration", "irregular")
    judged = judge_correction(replace(facts, findings=(Finding(place="/content/path", rule="enum"),)))
    assert isinstance(judged, GateFacts)
    assert (judged.body_type, judged.content["legal_status"], judged.findings) == (
        "referral.request/1",
        "irregular",
        (),
    )


def test_what_a_field_is_called_is_told_with_each_name():
    """Behind a gap it may be a field of more than one message."""
    facts = correcting("/content/outcome", "needs", "x", target="C" * 22, partial=True)
    (told,) = [refusal for refusal in refusals(facts) if refusal.place == "/content/data_category"]
    assert told.hint == "the field that is corrected is family or location: name that"
