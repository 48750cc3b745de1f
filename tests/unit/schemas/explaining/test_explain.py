"""Explanations of faults: for every invalid example there is, and without a word of what stands in it."""

from __future__ import annotations

import json

import pytest
from support.shared import ROOT
from support.tables import table

from gateway.errors import Finding
from schemas import load_catalogue, text_findings, validate
from schemas.explaining.explain import Explanation, explain_finding

EXAMPLES = sorted((ROOT / "schemas" / "examples").glob("*/*.json"))
INVALID = [path for path in EXAMPLES if path.name.startswith("invalid-")]
TYPES = [entry.body_type for entry in load_catalogue().types]


def explained(body_type: str, body: object) -> list[Explanation]:
    """All that is wrong with a body, explained."""
    return [explain_finding(body_type, body, fault) for fault in (*validate(body_type, body), *text_findings(body))]


def body_type_of(path) -> str:
    """The type of an example, from the name of its folder."""
    return "/".join(path.parent.name.rsplit(".", 1))


@table("path", INVALID, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_invalid_example_is_explained(path):
    """There is always something to expect and something to do."""
    told = explained(body_type_of(path), json.loads(path.read_bytes()))
    assert told and all(each.expected and each.mend for each in told)


def referral(**content):
    """The smallest referral with other members; None leaves one out."""
    body = json.loads((ROOT / "schemas/examples/referral.request.1/valid-minimal.json").read_bytes())
    body["content"] |= content
    body["content"] = {name: value for name, value in body["content"].items() if value is not None}
    return body


CASES = [
    ({"legal_status": "Asylum pending"}, "did you mean asylum_pending?"),
    ({"legal_status": "iregular"}, "did you mean irregular?"),
    ({"services_requested": {"service": "medical"}}, "put it in square brackets: a list, also of one"),
    ({"health_flags": "none"}, "put it in square brackets: a list, also of one"),
    ({"immediateRisk": {"level": "low"}, "immediate_risk": None}, "did you mean `immediate_risk`?"),
    ({"birth_date": "1990-01-01"}, "`birth_date` belongs to /content/person"),
    ({"summary": 3}, "put it in quotation marks"),
    (
        {"summary": None, "person": {"pseudonym": "M", "age_group": "adult"}},
        'add `languages`, or say why there is no value, beside it: "unknown": {"languages": "unknown"} (refused, ',
    ),
    (
        {"legal_status": "reflection_period"},
        "If `legal_status` is `reflection_period`, `reflection_period_until` must be given, or `unknown` says why not.",
    ),
    ({"reflection_period_until": "31.12.2026", "legal_status": "reflection_period"}, "write a day, YYYY-MM-DD"),
    ({"enquiry_id": "17"}, "write 16 bytes in base64url without padding"),
]


@pytest.mark.parametrize(("content", "mend"), CASES, ids=range(len(CASES)))
def test_what_to_do_is_said(content, mend):
    """The mistakes of files that were made for something else."""
    assert mend in " ".join(each.mend for each in explained("referral.request/1", referral(**content)))


def test_null_is_left_out():
    """Where a reason for having no value can be given, that is said."""
    body = referral()
    body["content"]["thb_status"] = body["content"]["person"]["gender"] = None
    told = {each.place: each.mend for each in explained("referral.request/1", body) if each.rule == "type"}
    assert told["/content/thb_status"] == "leave the member out"
    assert told["/content/person/gender"] == "leave the member out; `unknown` beside it says why"


def test_what_is_left_out_of_a_list_with_one_for_each_is_named():
    """All of it, in one sentence."""
    body = json.loads((ROOT / "schemas/examples/risk.assessment.1/valid-sending-part.json").read_bytes())
    body["content"]["findings"] = [
        item for item in body["content"]["findings"] if item["risk_domain"] not in ("conflict", "debt")
    ]
    (told,) = [each for each in explained("risk.assessment/1", body) if each.rule == "contains"]
    assert told.place == "/content/findings"
    assert told.mend == "add one for debt, conflict, also where there is nothing to tell"


def test_codes_of_a_short_list_are_spelled_out():
    """The person who mends needs no second command."""
    body = referral(immediate_risk={"level": "huge"})
    (told,) = explained("referral.request/1", body)
    assert told.expected == "a code of rating3: low, medium, high"


@pytest.mark.parametrize("word", ["Zamira", "Rruga 12", "+355681234567"])
def test_no_word_of_the_body_is_printed(word):
    """At every place of a body, as a value and as the name of a member."""

    def spoil(value):
        if isinstance(value, dict):
            return {name: spoil(member) for name, member in value.items()} | {word: word}
        return [spoil(item) for item in value] if isinstance(value, list) else word

    for path in EXAMPLES:
        if path.name == "valid-minimal.json":
            for each in explained(body_type_of(path), spoil(json.loads(path.read_bytes()))):
                assert word not in each.place + each.rule + each.expected + each.mend


def test_a_place_of_the_whole_body():
    """A finding about everything, or one at a place that the schema does not have, is passed on as it is."""
    told = explain_finding("referral.request/1", {}, Finding(place="", rule="depth", hint="at most 24 levels"))
    assert (told.expected, told.mend) == ("at most 24 levels", "at most 24 levels")
