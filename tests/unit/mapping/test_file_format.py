"""The format of a mapping file: each fault alone, with its place and rule."""

from __future__ import annotations

import re
from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from support.referral_maps import REFERRAL_FILE, ruled

from gateway.errors import Code, RefusedError
from gateway.mapping.to_message import map_record, parse
from gateway.ports import LocalRecord

ROOT = Path(__file__).resolve().parents[3]


def file(**changed: object) -> dict[str, object]:
    """The good file with some rules (by path) or top-level keys replaced."""
    found = deepcopy(REFERRAL_FILE)
    for key, value in changed.items():
        found[key] = value
    return found


@pytest.mark.parametrize(
    ("value", "place", "rule"),
    [
        (None, "", "wrong_type"),
        ([], "", "wrong_type"),
        (file(extra=1), "extra", "unknown_key"),
        (file(default="Other"), "default", "default_refused"),
        ({key: value for key, value in REFERRAL_FILE.items() if key != "name"}, "", "missing_key"),
        (file(format="trm-mapping/2"), "format", "wrong_type"),
        (file(name="Office File"), "name", "wrong_type"),
        (file(body_type="referral.request"), "body_type", "wrong_type"),
        (file(ignored="Case Owner"), "ignored", "wrong_type"),
        (file(aliases={"A": ["B"], "C": ["b"]}), "aliases.C", "alias_twice"),
        (file(aliases={"Sex": ["Gender"]}), "content.person.gender", "alias_as_label"),
        (file(constants={"content.summary": "x"}), "constants.content.summary", "constant_refused"),
        (file(constants={"header.priority": "normal"}), "constants.header.priority", "constant_refused"),
        (file(constants={"header.consent_ref": "x"}), "constants.header.consent_ref", "constant_refused"),
        (file(constants={"header.legal_basis[]": "6_1_e"}), "constants.header.legal_basis[]", "wrong_type"),
        (file(constants={"to": 7}), "constants.to", "wrong_type"),
        (file(fields={"content": {"from": "A", "type": "text"}}), "fields.content", "bad_path"),
        (ruled("header.seen"), "fields.header.seen", "bad_path"),
        (ruled("content.a[].b[]"), "fields.content.a[].b[]", "bad_path"),
        (ruled("content.A"), "fields.content.A", "bad_path"),
        (ruled("body.x"), "fields.body.x", "bad_path"),
        (ruled("content.immediate_risk"), "content.immediate_risk", "path_twice"),
        (ruled("content.exploitation"), "content.exploitation", "path_twice"),
        (ruled("content.exploitation[].x"), "content.exploitation[].x", "path_twice"),
        (ruled("header.language"), "header.language", "path_twice"),
        (ruled("content.person.birth_year"), "content.person.birth_year", "path_twice"),
        (ruled("content.x", default="a"), "fields.content.x.default", "default_refused"),
        (ruled("content.x", lookup="a"), "fields.content.x.lookup", "unknown_key"),
        (ruled("content.x", type="string"), "fields.content.x.type", "wrong_type"),
        (ruled("content.x", from_=["A", "B"]), "fields.content.x.from", "wrong_type"),
        (ruled("content.x", from_=None), "fields.content.x", "missing_key"),
        (ruled("content.x", from_=7), "fields.content.x.from", "wrong_type"),
        (ruled("content.x", required="yes"), "fields.content.x.required", "wrong_type"),
        (ruled("content.x", list="gender"), "fields.content.x.list", "unknown_key"),
        (ruled("content.x", values=["A"]), "fields.content.x.values", "unknown_key"),
        (ruled("content.x", year_to="content.y"), "fields.content.x.year_to", "unknown_key"),
        (ruled("content.x", split=";"), "fields.content.x", "bad_path"),
        (ruled("content.x[]", split="; "), "fields.content.x[].split", "wrong_type"),
        (ruled("content.x[]", type="date", year_to="content.y"), "fields.content.x[]", "bad_path"),
        (
            ruled("content.person.birth_date", year_to="content.years[]"),
            "fields.content.person.birth_date.year_to",
            "bad_path",
        ),
        (ruled("content.x", unknown_values={"N/K": "none"}), "fields.content.x.unknown_values.N/K", "wrong_type"),
        (
            ruled("content.x", unknown_values={"N/K": "unknown", "n/k ": "refused"}),
            "fields.content.x.unknown_values.n/k ",
            "code_twice",
        ),
        (
            ruled(
                "content.person.gender", codes={"F": "Feminine", "N/K": "Feminine"}, unknown_values={"n/k": "refused"}
            ),
            "fields.content.person.gender.unknown_values.n/k",
            "code_twice",
        ),
        (ruled("content.x", unknown_for="content.person"), "fields.content.x.unknown_for", "bad_path"),
        (ruled("content.person.gender", codes=None), "fields.content.person.gender", "missing_key"),
        (ruled("content.person.gender", list=None), "fields.content.person.gender", "missing_key"),
        (ruled("content.person.gender", codes={}), "fields.content.person.gender.codes", "wrong_type"),
        (
            ruled("content.person.gender", codes={"*": "Other"}),
            "fields.content.person.gender.codes.*",
            "default_refused",
        ),
        (
            ruled("content.person.gender", codes={"Else": "Other"}),
            "fields.content.person.gender.codes.Else",
            "default_refused",
        ),
        (
            ruled("content.person.gender", codes={"F": "a", "f ": "b"}),
            "fields.content.person.gender.codes.f ",
            "code_twice",
        ),
        (ruled("content.person.gender", codes={False: "a"}), "fields.content.person.gender.codes", "wrong_type"),
        (
            ruled("content.person.gender", codes={"F": {"code": "a", "lossy": True}}),
            "fields.content.person.gender.codes.F",
            "missing_key",
        ),
        (
            ruled("content.person.gender", codes={"F": {"code": "a", "lossy": False, "note": "n"}}),
            "fields.content.person.gender.codes.F.lossy",
            "wrong_type",
        ),
        (ruled("content.pregnant", codes={"Yes": "true"}), "fields.content.pregnant.codes.Yes", "wrong_type"),
        (
            ruled("content.person.languages[].language", codes={"Albanian": "Albanian"}),
            "fields.content.person.languages[].language.codes.Albanian",
            "wrong_type",
        ),
        (
            ruled("content.person.nationalities[]", codes={"Albania": "ALB"}),
            "fields.content.person.nationalities[].codes.Albania",
            "wrong_type",
        ),
        (ruled("content.x", type="codes", list="gender", codes={"A": "a"}), "fields.content.x", "bad_path"),
        (file(direction="back"), "direction", "wrong_type"),
        (file(left_out=["content.x"]), "left_out", "unknown_key"),
        (ruled("content.x", direction="in"), "fields.content.x.direction", "wrong_type"),
        (ruled("content.x", unknown_lossy="no word"), "fields.content.x.unknown_lossy", "unknown_key"),
        (ruled("content.person.gender", hold="no word"), "fields.content.person.gender.hold", "unknown_key"),
        (ruled("content.person.gender", back={"Feminine": "F"}), "fields.content.person.gender.back", "unknown_key"),
        (ruled("content.person.gender", values={"F": 1}), "fields.content.person.gender.values.F", "wrong_type"),
    ],
)
def test_one_fault_in_a_file(value, place, rule):
    """Each named fault refuses the file, alone, with its place and rule."""
    with pytest.raises(RefusedError, match="the mapping file has 1 fault") as caught:
        parse(value)
    assert caught.value.code is Code.INVALID
    assert [(place, rule)] == [(finding.place, finding.rule) for finding in caught.value.findings]


def test_all_faults_of_a_file_are_told_together():
    """Two rules with a fault each give two findings."""
    value = ruled("content.x", type="string")
    value["fields"]["content.y"] = {"from": "A", "type": "text", "required": 1}
    with pytest.raises(RefusedError, match="2 fault"):
        parse(value)


def test_the_example_of_the_document_is_a_good_mapping():
    """docs/mapping-format.md shows a file that parses and maps."""
    text = (ROOT / "docs" / "mapping-format.md").read_text(encoding="utf-8")
    block = re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert block is not None
    mapping = parse(yaml.safe_load(block.group(1)))
    fields = {"Case Number": "A-1", "Sex": "Declined", "Support Needed": "Shelter; Health", "Priority": "High"}
    found = map_record(mapping, LocalRecord(ref="r", fields=fields))
    assert isinstance(found, dict)
    assert found["content"] == {
        "person": {"unknown": {"gender": "refused"}},
        "services_requested": [
            {"service": "safe_accommodation", "urgency": "urgent"},
            {"service": "medical", "urgency": "urgent"},
        ],
    }
