"""gateway.messages.draft_form: each fault in the form of a draft has its place and rule."""

from __future__ import annotations

import json

import pytest
from support.pair import ROOT, example

from gateway.messages.draft_form import MEMBERS, form_faults, schema_faults
from gateway.ports import Json

ID = "A" * 22
TYPE = "enquiry.capacity/1"
GOOD: dict[str, Json] = {"type": TYPE, "to": "AL", "header": {}, "content": {}}


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({}, []),
        ({"message": ID, "conversation": ID, "in_reply_to": None, "purpose": "referral"}, []),
        ({"type": "x/1"}, [("/type", "unknown_type")]),
        ({"type": ["x"]}, [("/type", "unknown_type")]),
        ({"header": [], "content": None}, [("/header", "type"), ("/content", "type")]),
        ({"header": {"seen": 3}}, [("/header/seen", "additionalProperties")]),
        ({"message": 1, "in_reply_to": "it"}, [("/message", "format"), ("/in_reply_to", "format")]),
        ({"purpose": "refer"}, [("/purpose", "unknown_code")]),
        ({"purpose": ["referral"]}, [("/purpose", "unknown_code")]),
        ({"services": []}, [("", "additionalProperties")]),
    ],
    ids=str,
)
def test_the_form(changes: dict[str, Json], faults: list[tuple[str, str]]) -> None:
    """A draft has its members, each as it has to be; what is null was left out."""
    assert [(found.place, found.rule) for found in form_faults(GOOD | changes)] == faults


def test_nothing_is_there() -> None:
    """Every member that is needed is named."""
    assert {found.place for found in form_faults({})} == {"/content", "/header", "/to", "/type"}
    assert {found.rule for found in form_faults({})} == {"required"}
    assert set(GOOD) < MEMBERS


def test_the_halves() -> None:
    """The schema judges both; what a person adds to the header later may be missing, nothing else."""
    draft = example(TYPE, "AL")
    header, content = draft["header"], draft["content"]
    assert schema_faults(draft["type"], header, content) == []
    assert schema_faults(draft["type"], {}, content) == []
    (fault,) = schema_faults(draft["type"], header | {"priority": "soon"}, content)
    assert (fault.place, fault.rule) == ("/header/priority", "unknown_code")
    assert {found.rule for found in schema_faults(draft["type"], header, {})} == {"required"}


def test_the_author_may_be_missing() -> None:
    """Whoever releases a draft is its author, also where danger to life is claimed: no type asks for it before."""
    found = {}
    for path in sorted((ROOT / "schemas" / "examples").glob("*/valid-*.json")):
        body = json.loads(path.read_text(encoding="utf-8"))
        header = {name: value for name, value in body["header"].items() if name not in ("author_ref", "seen")}
        if isinstance(claim := header.get("vital_interest"), dict):
            header["vital_interest"] = {name: value for name, value in claim.items() if name != "approver_ref"}
        name, _, number = path.parent.name.rpartition(".")
        if faults := schema_faults(f"{name}/{number}", header, body["content"]):
            found[str(path)] = faults
    assert found == {}
