"""Corridor policy: what leaves is what the policy opens, in two steps of disclosure, and nothing else."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import random
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.generate import bodies
from support.tables import table

from gateway.conversations.rules.disclosure import DisclosureStage
from gateway.errors import Code, Finding
from gateway.foundation.json import Json
from gateway.policy.corridor import Blocked, Leaves, case_reference, minimise, opened, passes_again
from schemas import code_list, list_fields, list_parts, load_catalogue, resources, validate
from schemas.groups import field_groups, read_groups
from schemas.region_pack.policies import CorridorPolicy, Rule
from schemas.region_pack.regions import load_region

POLICY = load_region("tact").policies["two-step"]
WAY = ("FR", "AL")
BEFORE, AFTER = DisclosureStage
TYPES = [entry.body_type for entry in load_catalogue().types if "properties" in entry.document]

HEADER: dict[str, Any] = {
    "sender_unit": "focal-point",
    "sender_role": "national_focal_point",
    "recipient_unit": "reception",
    "recipient_role": "national_focal_point",
    "author_ref": "w-17",
    "priority": "normal",
    "legal_basis": ["6_1_e"],
    "transfer_basis": "public_interest_49_1_d",
    "consent_ref": "AAAAAAAAAAAAAAAAAAAAAA",
    "handling": {"onward_sharing": "none", "retain_until": "2030-01-01", "export_to_local": "summary"},
    "language": "en",
    "seen": 0,
}

#: 40 facts; which of them leave before acceptance is listed below, one by one.
CONTENT: dict[str, Any] = {
    "referral_kind": "return_reception",
    "person": {
        "pseudonym": "Mali",
        "name_given": "Zana",
        "name_family": "Provaj",
        "birth_date": "1999-04-02",
        "age_group": "adult",
        "gender": "Feminine",
        "nationalities": ["AL"],
        "languages": [{"language": "sq", "level": "first"}],
        "identity_documents": [{"kind": "passport", "number": "X1", "issuer": "AL", "expiry": "2031-01-01"}],
        "safe_contact_rule": {"may_call": False, "who_answers": "an aunt", "never_use": ["the old number"]},
    },
    "household": [{"relation": "child", "age_group": "child", "travels_with": True}],
    "thb_status": "presumed",
    "exploitation": ["ForcedLabour"],
    "exploitation_country": ["FR"],
    "services_requested": [{"service": "safe_accommodation"}],
    "legal_status": "irregular",
    "proceedings": [{"proceeding": "criminal_witness", "stage": "open"}],
    "immediate_risk": {"level": "high"},
    "expected_next_step": "return_planning",
    "summary": "a few words",
}

GONE_BEFORE = {
    "/content/person/name_given",
    "/content/person/name_family",
    "/content/person/birth_date",
    "/content/person/nationalities/0",
    "/content/person/identity_documents/0/kind",
    "/content/person/identity_documents/0/number",
    "/content/person/identity_documents/0/issuer",
    "/content/person/identity_documents/0/expiry",
    "/content/person/safe_contact_rule/who_answers",
    "/content/person/safe_contact_rule/never_use/0",
    "/content/exploitation/0",
    "/content/exploitation_country/0",
    "/content/proceedings/0/proceeding",
    "/content/proceedings/0/stage",
    "/content/summary",
}


def referral(**members: Any) -> dict[str, Json]:
    """A valid referral request; members of the content may be changed, None takes one away."""
    content = {**copy.deepcopy(CONTENT), **members}
    return {"header": copy.deepcopy(HEADER), "content": {k: v for k, v in content.items() if v is not None}}


def let(
    body: dict[str, Json],
    step: DisclosureStage,
    *,
    body_type: str = "referral.request/1",
    purpose: str | None = "referral",
    policy: CorridorPolicy = POLICY,
) -> Leaves | Blocked:
    """Minimise on the way from France to Albania."""
    return minimise(body_type, body, policy=policy, corridor=WAY, purpose=purpose, step=step)


def leaves(value: Any, place: str = "") -> dict[str, Any]:
    """Every leaf of a JSON value by its pointer."""
    if isinstance(value, dict):
        return {k: v for name, member in value.items() for k, v in leaves(member, f"{place}/{name}").items()}
    if isinstance(value, list):
        return {k: v for index, item in enumerate(value) for k, v in leaves(item, f"{place}/{index}").items()}
    return {place: value}


def narrow(*groups: str, after: tuple[str, ...] = ()) -> CorridorPolicy:
    """A policy that opens exactly these groups from France to Albania, for a referral."""
    rule = Rule(
        corridors=frozenset({"way"}),
        purpose="referral",
        reason={"en": "test"},
        before=frozenset(groups),
        after=frozenset(after),
    )
    return replace(POLICY, corridors={"way": frozenset({WAY})}, always=frozenset(), rules=(rule,))


def test_before_acceptance_nothing_identifies() -> None:
    """The first step keeps back names, birth date, documents, contacts, what happened and free text."""
    body = referral()
    found = let(body, BEFORE)
    assert isinstance(found, Leaves)
    assert set(found.dropped) == GONE_BEFORE
    everything = leaves(body)
    assert leaves(found.body) == {place: everything[place] for place in everything if place not in GONE_BEFORE}
    assert "Zana" not in json.dumps(found.body)


def test_after_acceptance_the_rest_follows() -> None:
    """The second step lets the whole of this message pass."""
    found = let(referral(), AFTER)
    assert isinstance(found, Leaves)
    assert not found.dropped and found.body == referral()


def test_the_body_given_is_not_changed() -> None:
    """Minimising leaves the draft as it was, so it can go whole once the case is accepted."""
    body = referral()
    let(body, BEFORE)
    assert body == referral()


def test_what_is_needed_and_closed_is_named() -> None:
    """Where a message can not do without a closed field, nothing leaves and the field is named."""
    person = {name: value for name, value in CONTENT["person"].items() if name != "age_group"}
    found = let(referral(person=person), BEFORE)
    assert isinstance(found, Blocked)
    assert found.code is Code.OUT_OF_SCOPE
    places = {finding.place for finding in found.findings}
    assert places == {place for place in GONE_BEFORE if place.startswith("/content/person/")}
    assert {finding.rule for finding in found.findings} == {"corridor_policy"}


def test_twelve_fields_of_forty() -> None:
    """Through a corridor of a few groups exactly their fields arrive."""
    groups = ("routing", "handling", "legal_basis", "request_kind", "person_label", "person_profile", "contact_rule")
    needed = ("thb_status", "needs", "residence", "immediate_risk")
    found = let(referral(), BEFORE, policy=narrow(*groups, *needed))
    assert isinstance(found, Leaves)
    assert {place for place in leaves(found.body) if place.startswith("/content")} == {
        "/content/referral_kind",
        "/content/expected_next_step",
        "/content/person/pseudonym",
        "/content/person/age_group",
        "/content/person/gender",
        "/content/person/languages/0/language",
        "/content/person/languages/0/level",
        "/content/person/safe_contact_rule/may_call",
        "/content/thb_status",
        "/content/services_requested/0/service",
        "/content/legal_status",
        "/content/immediate_risk/level",
    }


@pytest.mark.parametrize(("corridor", "purpose"), [(("AL", "MA"), "referral"), (WAY, "sport"), (("FR", "DE"), None)])
def test_no_rule_means_nothing_leaves(corridor: tuple[str, str], purpose: str | None) -> None:
    """A corridor or purpose that the policy does not name is closed whole."""
    for policy, why in ((POLICY, "no rule for this corridor and purpose"), (None, "no policy is in force")):
        found = minimise(
            "referral.request/1", referral(), policy=policy, corridor=corridor, purpose=purpose, step=AFTER
        )
        finding = Finding(place="/purpose", rule="corridor_policy", hint=why)
        assert found == Blocked(code=Code.OUT_OF_SCOPE, findings=(finding,))


def test_an_invalid_body_is_no_matter_of_policy() -> None:
    """A fault of the sender is told as such, in the words of the validator."""
    body = referral(thb_status="maybe")
    found = let(body, BEFORE)
    assert found == Blocked(code=Code.SCHEMA, findings=validate("referral.request/1", body))


def test_a_new_field_does_not_leave() -> None:
    """A field that no group names is taken out even when the policy opens everything."""
    data = json.loads(resources.read_bytes("groups.json"))
    data["groups"]["person_name"]["fields"]["*"].remove("@person/name_given")
    groups = read_groups(json.dumps(data).encode())
    policy = narrow(*field_groups().groups)
    found = minimise(
        "referral.request/1", referral(), policy=policy, corridor=WAY, purpose="referral", step=BEFORE, groups=groups
    )
    assert isinstance(found, Leaves)
    assert found.dropped == {"/content/person/name_given": "a field without a group"}


DECIDED = {
    f"/content/decision/{field}" for field in ("decided_on", "remedy_exhausted", "lawyer_unit", "refoulement_statement")
}


def named(found: Leaves | Blocked) -> set[str]:
    """The closed places: those that were taken out, or without which the message can not leave."""
    return set(found.dropped) if isinstance(found, Leaves) else {finding.place for finding in found.findings}


def test_a_policy_of_before_opens_no_field_that_came_later() -> None:
    """It was decided about other groups: a field that they got since is in none, by what it was decided about."""
    (body,) = (body for body in examples("return.proposal/1") if "decision" in body["content"])  # type: ignore[operator]
    for revision, places in ((field_groups().revision, set()), (2, DECIDED)):
        policy = replace(narrow(*field_groups().groups), field_groups=revision)
        found = let(body, BEFORE, body_type="return.proposal/1", policy=policy)
        assert {place for place in named(found) if place.startswith("/content/decision/")} == places


def test_an_empty_list_says_something_too() -> None:
    """`nationalities: []` says "of no State": it stays behind where nationalities do."""
    body = referral(person={**CONTENT["person"], "nationalities": []})
    found = let(body, BEFORE)
    assert isinstance(found, Leaves)
    assert "/content/person/nationalities" in found.dropped
    assert "nationalities" not in found.body["content"]["person"]  # type: ignore[index, call-overload, operator]


def test_absences_leave_in_the_first_step() -> None:
    """To say that the name is not yet given discloses nothing and leaves."""
    person = {"pseudonym": "Mali", "age_group": "adult", "unknown": {"languages": "not_yet", "name_given": "refused"}}
    person["unknown"]["safe_contact_rule"] = "not_yet"  # type: ignore[index]
    found = let(referral(person=person), BEFORE)
    assert isinstance(found, Leaves)
    assert found.body["content"]["person"] == person  # type: ignore[index, call-overload]


def answers(*items: dict[str, Any], **members: Any) -> dict[str, Json]:
    """A valid information reply."""
    return {"header": copy.deepcopy(HEADER), "content": {"answers": list(items), **members}}


def test_an_answer_leaves_by_its_category() -> None:
    """Before acceptance a free answer about needs leaves, and one that says who the person is does not."""
    good = {"item_id": "a", "status": "given", "data_category": "needs", "value": "a quiet room"}
    bad = {"item_id": "b", "status": "given", "data_category": "identity", "value": "her name"}
    assert isinstance(let(answers(good), BEFORE, body_type="info.reply/1"), Leaves)
    found = let(answers(good, bad), BEFORE, body_type="info.reply/1")
    assert isinstance(found, Blocked)
    (finding,) = found.findings
    assert finding.place == "/content/answers/1/value"
    assert "answer_identity" in finding.hint and "her name" not in repr(found)
    assert isinstance(let(answers(good, bad), AFTER, body_type="info.reply/1"), Leaves)


def test_an_answer_outside_its_purpose_stays() -> None:
    """For assistance an account of the exploitation is closed for good."""
    item = {"item_id": "a", "status": "given", "data_category": "exploitation", "value": "an account"}
    assert isinstance(let(answers(item), AFTER, body_type="info.reply/1", purpose="assistance"), Blocked)


def examples(body_type: str) -> list[dict[str, Json]]:
    """The valid bodies of this type among the examples."""
    folder = resources.open_folder("examples").joinpath(body_type.replace("/", "."))
    files = sorted(
        (entry for entry in folder.iterdir() if entry.name.startswith("valid")), key=lambda entry: entry.name
    )
    return [json.loads(entry.read_bytes()) for entry in files]


def test_never_blocked_types_pass_whole() -> None:
    """A withdrawal leaves whole on a corridor where nothing else may (G10)."""
    body = examples("consent.withdrawal/1")[0]
    found = minimise("consent.withdrawal/1", body, policy=POLICY, corridor=("FR", "DE"), purpose=None, step=BEFORE)
    assert found == Leaves(body=body, dropped={})


def test_a_consent_record_passes_whole_or_not_at_all() -> None:
    """Half a consent is another consent: where a part of it is closed, that part is named and nothing leaves."""
    body = examples("consent.record/1")[0]
    assert let(body, BEFORE, body_type="consent.record/1") == Leaves(body=body, dropped={})
    data = json.loads(resources.read_bytes("groups.json"))
    data["groups"]["consent"]["fields"]["consent.record/1"].remove("/content/signed_form_sha256")
    found = minimise(
        "consent.record/1",
        {**body, "content": {**body["content"], "signed_form_sha256": "0" * 64}},  # type: ignore[dict-item]
        policy=POLICY,
        corridor=WAY,
        purpose="referral",
        step=BEFORE,
        groups=read_groups(json.dumps(data).encode()),
    )
    assert isinstance(found, Blocked)
    assert [finding.place for finding in found.findings] == ["/content/signed_form_sha256"]
    assert "but a field without a group is closed" in (found.findings[0].hint or "")


def test_the_first_step_opens_nothing_that_identifies() -> None:
    """Of the fields of class identifying or locating the default policy opens the least exact ones, and no more."""
    rule = POLICY.rule(WAY, "referral")
    assert rule is not None
    open_now = opened(POLICY, rule, BEFORE)
    table = field_groups().of("referral.request/1")
    exposed = {
        field.path.removeprefix("/content/person/")
        for field in list_fields("referral.request/1")
        if field.sensitivity in ("identifying", "locating")
        and "/unknown/" not in field.path
        and table[field.path].group({}) in open_now
    }
    assert exposed == {"age_group", "gender", "languages/*/language", "languages/*/level", "safe_contact_rule/may_call"}


@table("body_type", TYPES)
def test_every_message_has_a_purpose(body_type: str) -> None:
    """Each valid example leaves whole, after acceptance, for at least one purpose: no group is closed by oversight."""
    purposes = (None, *(entry.code for entry in code_list("purpose").codes))
    for body in examples(body_type):
        whole = Leaves(body=body, dropped={})
        leaves = whole in [let(body, AFTER, body_type=body_type, purpose=purpose) for purpose in purposes]
        assert leaves != bool(
            list_parts(body_type, body["content"])
        )  # files leave where people have opened their group


def test_a_consulate_never_learns_of_a_victim() -> None:
    """The rule for consulates opens no word about exploitation, status, risk or services (ECAT 11, G15)."""
    rule = POLICY.rule(WAY, "consular")
    assert rule is not None
    telling = {"thb_status", "exploitation", "needs", "request_kind", "immediate_risk", "summary", "proceedings"}
    assert not opened(POLICY, rule, AFTER) & telling


def around(body: Any, place: str) -> dict[str, Any]:
    """The nearest object around a place."""
    found: dict[str, Any] = {}
    for part in place.split("/")[1:]:
        if isinstance(body, dict):
            found = body
        body = body[int(part)] if isinstance(body, list) else body[part]
    return found


@given(
    seed=st.integers(0, 2**32),
    name=st.sampled_from(TYPES),
    closed=st.sets(st.sampled_from(sorted(field_groups().groups)), max_size=6),
)
@example(seed=2477, name="subject.access/1", closed={"access"})  # an empty list of what has a category each
def test_nothing_closed_ever_leaves(seed: int, name: str, closed: set[str]) -> None:
    """Whatever the body and the closed groups: what leaves is valid and open, what was taken out is closed."""
    body = bodies(name, random.Random(seed))
    if load_catalogue().get(name).never_blocked:
        return
    found = let(body, BEFORE, body_type=name, policy=narrow(*set(field_groups().groups) - closed))
    table = field_groups().of(name)

    def groups_at(place: str) -> set[str]:
        path = "/".join("*" if part.isdigit() else part for part in place.split("/"))
        exact = {table[path].group(around(body, place))} if path in table else set()
        below = {rule.group({}) for field, rule in table.items() if field.startswith(f"{path}/")}
        return exact or below & set(field_groups().groups)  # a value without its category is in no group

    if isinstance(found, Blocked):
        assert found.code is Code.OUT_OF_SCOPE
        assert all(groups_at(finding.place) <= closed for finding in found.findings)
        return
    assert validate(name, found.body) == ()
    assert all(groups_at(place) <= closed for place in found.dropped)
    everything = leaves(body)
    kept = [value for place, value in everything.items() if place not in found.dropped]
    assert list(leaves(found.body).values()) == kept
    assert all(groups_at(place) - closed for place in everything if place not in found.dropped)


# --- case references ---------------------------------------------------------------------------------------------


def keyed(secret: bytes) -> Any:
    """A keyed hash as a node has one."""
    return lambda data: hmac.new(secret, data, hashlib.sha256).digest()


def test_a_reference_is_stable_and_differs_by_peer() -> None:
    """One case has one reference for one peer for ever, and another one for the next."""
    hash_ = keyed(b"secret")
    one = case_reference(hash_, peer="n1b", case="17")
    assert one == case_reference(keyed(b"secret"), peer="n1b", case="17")
    others = {
        case_reference(hash_, peer="n1c", case="17"),
        case_reference(hash_, peer="n1b", case="18"),
        case_reference(keyed(b"other"), peer="n1b", case="17"),
        case_reference(hash_, peer="n1b1", case="7"),
    }
    assert len(others | {one}) == 5


@given(
    seed=st.integers(0, 2**32),
    name=st.sampled_from(TYPES),
    closed=st.sets(st.sampled_from(sorted(field_groups().groups)), max_size=6),
)
def test_what_passes_again_loses_nothing(seed: int, name: str, closed: set[str]) -> None:
    """Of what left and is said to pass again by the same rule at the same step, nothing is taken out."""
    rule = narrow(*set(field_groups().groups) - closed)
    left = let(bodies(name, random.Random(seed)), BEFORE, body_type=name, policy=rule)
    if isinstance(left, Leaves) and passes_again(name, left.dropped, rule):
        assert let(left.body, BEFORE, body_type=name, policy=rule) == Leaves(body=left.body, dropped={})


def test_what_says_in_which_group_a_field_is_must_not_go() -> None:
    """Where that was taken out, what is left is in another group than it was."""
    assert passes_again("info.request/1", (), None)
    assert not passes_again("info.request/1", ("/content/any",), None)
    deciding = {rule.sibling for name in TYPES for rule in field_groups().of(name).values()} - {None}
    assert deciding
    for name in TYPES:
        named = {rule.sibling for rule in field_groups().of(name).values()} - {None}
        for one in named:
            assert not passes_again(name, (f"/content/items/0/{one}",), narrow())
        assert passes_again(name, ("/content/of/another/name",), narrow())


def test_what_has_its_group_from_a_field_beside_it_is_as_it_always_was() -> None:
    """No item of a list, and nothing that came later: both would need to be looked at in another way."""
    oldest = field_groups().readable[0]
    for name in TYPES:
        told = {path: rule for path, rule in field_groups().of(name).items() if rule.sibling}
        assert not any(path.endswith("/*") for path in told)
        assert told.keys() <= field_groups().of(name, oldest).keys()


@given(peer=st.text(), case=st.text())
def test_a_reference_fits_the_header(peer: str, case: str) -> None:
    """Whatever the local name of a case, its reference is one that every schema takes, without any part of the name."""
    reference = case_reference(keyed(b"k"), peer=peer, case=case)
    body = referral()
    body["header"]["case_ref_sender"] = reference  # type: ignore[index, call-overload]
    assert validate("referral.request/1", body) == ()
    assert re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", reference)


def test_a_short_hash_is_our_bug() -> None:
    """A hash with less than 128 bits could be searched."""
    with pytest.raises(RuntimeError, match="16 bytes"):
        case_reference(lambda _: b"short", peer="n1b", case="17")
