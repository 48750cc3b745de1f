"""How a refusal is worded: the right place, the right rule, and nothing of what was said."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from support.generate import bodies
from support.tables import table

from gateway.errors import Code, RefusedError
from schemas import find_categories, load_catalogue, text_findings, validate, validation
from schemas.places import MAX_FINDINGS
from schemas.validation import FORMATS, _checked, reference_findings

CANARY = "Zorzqua"


def body() -> dict[str, Any]:
    """A valid referral."""
    return bodies("referral.request/1", random.Random(20), 1.0)


def rules(changed: object, name: str = "referral.request/1") -> list[tuple[str, str]]:
    """Place and rule of each finding."""
    return [(finding.place, finding.rule) for finding in validate(name, changed)]


def test_name_and_hash_mean_the_same_schema() -> None:
    """A body is judged alike by its type and by the hash its statement pins."""
    assert validate("referral.request/1", body()) == ()
    assert validate(load_catalogue().get("referral.request/1").schema, body()) == ()


def test_unknown_type_is_refused() -> None:
    """There is no judging without a schema."""
    with pytest.raises(RefusedError) as caught:
        validate("referral.request/9", body())
    assert caught.value.code == Code.NO_COMMON_SCHEMA


def test_unknown_code_names_the_list_and_not_the_code() -> None:
    """An unknown code has a rule of its own (gate G11) and the hint says which list it should be from."""
    changed = body()
    changed["content"]["legal_status"] = CANARY
    (finding,) = validate("referral.request/1", changed)
    assert (finding.place, finding.rule) == ("/content/legal_status", "unknown_code")
    assert finding.hint == "a code of the list legal_status"


def test_code_of_the_list_that_does_not_fit_here_names_those_that_do() -> None:
    """Where a rule narrows a code, the finding is `enum` and its hint lists what is left, not what was said."""
    certificate = bodies("identification.certificate/1", random.Random(3))
    certificate["content"] |= {"decision": "presumed", "level": "conclusive"}
    (finding,) = validate("identification.certificate/1", certificate)
    assert (finding.place, finding.rule) == ("/content/level", "enum")
    assert finding.hint == "here only reasonable_grounds"


def test_foreign_member_is_reported_at_its_parent() -> None:
    """The name of a member that does not belong there may itself be content: only its parent is named."""
    changed = body()
    changed["content"]["person"][CANARY] = CANARY
    (finding,) = validate("referral.request/1", changed)
    assert (finding.place, finding.rule) == ("/content/person", "additionalProperties")
    assert CANARY not in f"{finding}"


def planted(value: Any) -> Any:
    """The same structure with the canary as every string, also as extra member names."""
    if isinstance(value, dict):
        return {name: planted(member) for name, member in value.items()} | {CANARY: CANARY}
    if isinstance(value, list):
        return [planted(member) for member in value] * 3
    return CANARY


@table("name", [entry.body_type for entry in load_catalogue().types])
def test_no_finding_holds_a_value(name: str) -> None:
    """With a marked value everywhere, also as member names, no finding carries it."""
    changed = planted(bodies(name, random.Random(1), 1.0))
    findings = validate(name, changed) + text_findings({CANARY: changed, "content": {CANARY: f"{CANARY}\x00"}})
    assert findings
    assert CANARY not in repr(findings)
    assert CANARY not in find_categories(name, changed["content"])


@pytest.mark.parametrize(
    ("value", "place", "rule"),
    [
        (1.0, "/content/person/birth_year", "not_json"),
        (float("nan"), "/content/person/birth_year", "not_json"),
        (b"bytes", "/content/person/birth_year", "not_json"),
        ("\ud800", "/content/person/birth_year", "text_surrogate"),
        ({CANARY: 0.5}, "/content/person/birth_year", "not_json"),
        ({7: 1}, "/content/person/birth_year", "not_json"),
        ({"355690000000": [0.5]}, "/content/person/birth_year", "not_json"),
        ({"\ud800": 1}, "/content/person/birth_year", "text_surrogate"),
        (True, "/content/person/birth_year", "type"),
        (2**80, "/content/person/birth_year", "maximum"),
    ],
)
def test_value_that_validators_judge_differently_is_refused_first(value: object, place: str, rule: str) -> None:
    """Floats, surrogates and other strangers never reach a validator; the place stops at the last known name."""
    changed = body()
    changed["content"]["person"].pop("birth_date", None)
    changed["content"]["person"]["birth_year"] = value
    assert [(place, rule)] == rules(changed)


def test_deep_value_is_refused() -> None:
    """Nesting beyond the protocol's limit is a finding, not a crash."""
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    changed = body()
    changed["content"]["summary"] = deep
    assert [rule for _, rule in rules(changed)] == ["depth"]
    assert text_findings(changed) == ()
    assert find_categories("referral.request/1", changed["content"])


@pytest.mark.parametrize(
    "value", [None, [], "x", 7, {}, {"header": {}}, {"content": {}}, {"header": None, "content": None}]
)
def test_body_of_another_shape_is_refused(value: object) -> None:
    """Whatever JSON comes, the answer is findings."""
    assert validate("referral.request/1", value)


@pytest.mark.parametrize("text", ["w-117\n", "w 117", "", "-w", "x" * 65, "é"])
def test_reference_takes_no_line_end_and_no_foreign_character(text: str) -> None:
    """A pattern ends where the text ends, in Python too."""
    changed = body()
    changed["header"]["author_ref"] = text
    assert {"/header/author_ref"} == {place for place, _ in rules(changed)}


def test_long_strings_are_bounded_before_anything_else_matters() -> None:
    """50 KB in each place that takes a string is refused for its length."""
    schema = load_catalogue().get("referral.request/1")
    changed = body()
    changed["header"] = dict.fromkeys(changed["header"], "a" * 50000)
    found = {place for place, rule in rules(changed) if rule in ("maxLength", "unknown_code", "type")}
    assert {f"/header/{name}" for name in schema.document["$defs"]["header"]["properties"]} <= found | {
        "/header/consent_ref"
    }


def test_number_of_findings_is_bounded() -> None:
    """A hostile body cannot make the answer long."""
    changed = body()
    changed["content"]["household"] = [{} for _ in range(500)]
    assert len(validate("referral.request/1", changed)) <= MAX_FINDINGS


def test_missing_member_is_its_own_place() -> None:
    """A missing member is reported at the place where it belongs, so that a mapping can say which cell to fill."""
    changed = body()
    del changed["content"]["person"]["pseudonym"]
    assert rules(changed) == [("/content/person/pseudonym", "required")]


def test_reference_and_answer_agree_on_the_examples() -> None:
    """What `validate` says is what the reference validator says."""
    changed = copy.deepcopy(body())
    changed["content"]["services_requested"] = []
    assert reference_findings("referral.request/1", changed) == validate("referral.request/1", changed)


def test_formats_are_exactly_those_checked() -> None:
    """Only `date` is used and checked; a schema with another format would not compile."""
    assert {"date"} == FORMATS


def test_schema_with_an_unchecked_format_does_not_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format that nobody checks is our fault and stops the node."""
    from schemas import resources

    entry = load_catalogue().get("referral.withdraw/1")
    text = json.dumps(resources.read_json(f"published/{entry.file}")).replace(
        '"format": "date"', '"format": "hostname"'
    )
    monkeypatch.setattr(resources, "read_json", lambda _path: json.loads(text))
    with pytest.raises(RuntimeError, match="hostname"):
        _checked(entry.schema)


def test_reference_alone_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the fast validator installed, nothing changes but the time it takes."""
    changed = body()
    changed["content"]["legal_status"] = CANARY
    with_both = validate("referral.request/1", changed)
    monkeypatch.setattr(validation, "fast", None)
    assert validate("referral.request/1", body()) == ()
    assert validate("referral.request/1", changed) == with_both


def test_disagreement_of_the_validators_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only the fast validator refuses, the body is refused and the schema is to blame."""

    class Refusing:
        """A fast validator that finds everything wrong."""

        def is_valid(self, _body: object) -> bool:
            """Never."""
            return False

    monkeypatch.setattr(validation, "_fast", lambda _schema: Refusing())
    assert rules(body()) == [("", "validators_disagree")]
