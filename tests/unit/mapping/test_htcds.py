"""HTCDS 2.0 records and referrals: what goes over, what is lost and why, what a person has to decide."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.shared import ROOT, shared

import schemas
from gateway.conversations.rules.machines import Referral
from gateway.errors import Code, RefusedError
from gateway.mapping.case_system import htcds
from gateway.mapping.htcds import Circumstances, Fate, Given, Taken, give, profile, take
from gateway.mapping.types import compared

PROFILE = htcds()
REFERRALS = sorted((ROOT / "schemas" / "examples" / "referral.request.1").glob("valid-*.json"))
SENT = Circumstances(
    ours=True, sender="n1fr/focal-point", recipient="n1al/onac", created=1_800_000_000, state="under_review"
)

RECORD: dict[str, Any] = {
    "prs_FirstName": "Mira",
    "Second Name": "K.",
    "prs_Birthdate": "1994",
    "prs_Gender": "Transgender Feminine",
    "prs_Citizenship": "AL;FR",
    "prs_PrimaryLanguage": "alb",
    "prs_SecondaryLanguage": "el",
    "vic_TypeOfExploitation": "Forced labour;Servitude",
    "vic_TraffickingStatus": "PossibleVictimOfTrafficking",
    "vic_TraffickingStatusDecisionMakingOrg": "Police",
    "cas_ReasonForOutgoingReferral": "AdditionalServicesRequired",
    "spl_Type": "Legal;Health",
    "cas_OutgoingReferralDetails": "wishes to go home; soon",
    "con_Consent": True,
    "prs_IdentityNumber": "A1",
    "vic_MethodsOfControl": "Debt bondage",
    "prs_Deceased": False,
    "prs_Title": "",
    "Shoe size": 39,
}


def fates(made: Taken | Given) -> dict[str, tuple[Fate, str]]:
    """The report by HTCDS field."""
    return {line.field: (line.fate, line.why) for line in made.lines if line.field}


def places(made: Taken | Given) -> dict[str, str]:
    """What has no field on the other side, by its place."""
    return {line.place: line.why for line in made.lines if not line.field}


def test_a_record_becomes_a_draft():
    """Codes and labels, names and labels of fields; a year stays a year; nothing is there that the record lacks."""
    made = take(PROFILE, RECORD)
    assert made.draft["content"] == {
        "person": {
            "name_given": "Mira",
            "name_family": "K.",
            "birth_year": 1994,
            "gender": "TransgenderFeminine",
            "nationalities": ["AL", "FR"],
            "languages": [{"language": "sq"}, {"language": "el"}],
        },
        "thb_status": "presumed",
        "thb_decision_body": "Police",
        "exploitation": ["ForcedLabour", "Servitude"],
        "referral_kind": "service",
        "services_requested": [{"service": "legal_aid"}, {"service": "medical"}],
        "summary": "wishes to go home; soon",
    }
    assert (made.draft["header"], made.draft["to"], made.draft["purpose"]) == ({}, None, None)


def test_every_field_of_a_record_is_in_the_report():
    """Carried over, lost with the reason, or a person's to decide; an empty one and a tick that is not set are not."""
    made = take(PROFILE, RECORD)
    told = fates(made)
    assert set(told) == set(RECORD) - {"prs_Deceased", "prs_Title"}
    assert told["con_Consent"][0] is told["prs_IdentityNumber"][0] is told["Shoe size"][0] is Fate.PERSON
    assert told["vic_MethodsOfControl"] == (Fate.LOST, "the history stays in the case file")
    assert "reasonable grounds" in told["vic_TraffickingStatus"][1]
    assert told["prs_FirstName"] == (Fate.MAPPED, "carried over")


def test_what_a_referral_needs_besides_is_a_persons():
    """Each member that the schema asks for and the record has nothing of, with what is expected there."""
    needed = places(take(PROFILE, RECORD))
    assert {"/to", "/purpose", "/header/transfer_basis", "/header/author_ref", "/content/legal_status"} <= set(needed)
    assert needed["/content/legal_status"].startswith("code of legal_status")
    assert not {"/content/thb_status", "/content/services_requested", "/header/seen"} & set(needed)


@pytest.mark.parametrize(
    ("label", "value", "why"),
    [
        ("prs_Gender", "woman", "unmapped_code"),
        ("prs_Birthdate", "1990-02-31", "bad_date"),
        ("prs_Birthdate", "1900-01-01", "bad_date"),
        ("spl_Type", "Legal;SocialCare", "unmapped_code"),
        ("prs_PrimaryLanguage", "Klingon", "unmapped_code"),
        ("vic_TypeOfExploitation", ["ForcedLabour", {"x": 1}], "wrong_type"),
        ("cas_ReasonForOutgoingReferral", "MigrationOrChangeOfLocation", "unmapped_code"),
    ],
)
def test_a_field_at_fault_is_left_to_a_person(label, value, why):
    """The others go over; the value is in no line."""
    made = take(PROFILE, {"vic_TraffickingStatusDecisionMakingOrg": "NGO", label: value})
    fate, said = fates(made)[label]
    assert (fate, said.partition(":")[0]) == (Fate.PERSON, why)
    assert made.draft["content"] == {"thb_decision_body": "NGO"}
    assert str(value) not in " ".join(line.why for line in made.lines)


def test_two_spellings_with_different_values():
    """Neither is believed."""
    made = take(PROFILE, {"prs_Gender": "Feminine", "Gender": "Masculine"})
    assert made.draft["content"] == {}
    assert {fate for fate, _ in fates(made).values()} == {Fate.PERSON}


def message(**content: Any) -> dict[str, Any]:
    """The largest example of a referral with other members of its content."""
    body = max((json.loads(path.read_bytes()) for path in REFERRALS), key=lambda body: len(json.dumps(body)))
    return {"type": "referral.request/1", "header": body["header"], "content": body["content"] | content}


def test_a_referral_becomes_a_record():
    """Codes of the standard, the organisations and the state from where it stands; no consent."""
    services = [{"service": name} for name in ("legal_aid", "compensation", "safe_accommodation")]
    made = give(
        PROFILE,
        message(
            services_requested=services,
            referral_kind="joint",
            exploitation=["ForcedCriminality", "Servitude"],
            thb_status="self_reported",
        ),
        SENT,
    )
    assert (
        made.record.items()
        >= {
            "cas_Status": "Active",
            "cas_ReferringOrganisation": "n1fr/focal-point",
            "spl_Type": "Legal",
            "cas_ReferredOrganisation": "n1al/onac",
            "cas_OutgoingReferralDate": "2027-01-15",
            "vic_TraffickingStatus": "PossibleVictimOfTrafficking",
            "vic_TypeOfExploitation": "Other;Servitude",
            "cas_ReasonForOutgoingReferral": "AdditionalServicesRequired",
        }.items()
    )
    assert "con_Consent" not in made.record
    told = [(line.field, line.fate, line.why) for line in made.lines]
    assert ("spl_Type", Fate.LOST, "no type of support plan says this") in told
    assert any(field == "vic_TypeOfExploitation" and "criminal activities" in why for field, _, why in told)


def test_what_a_record_has_no_place_for_is_told():
    """With the reason, and the header too."""
    lost = places(give(PROFILE, message(), SENT))
    assert {"/header/transfer_basis", "/header/handling", "/header/consent_ref"} <= set(lost)
    assert "danger" in next(why for place, why in lost.items() if "safe_contact_rule" in place)


@pytest.mark.parametrize("path", REFERRALS, ids=lambda path: path.stem)
def test_nothing_is_lost_without_a_word(path):
    """Every leaf of every valid referral is carried over or in the report, and nothing of a value is in it."""
    body = json.loads(path.read_bytes())
    made = give(PROFILE, {"type": "referral.request/1", **body}, SENT)
    said = {line.place.replace("/*", "").replace("/unknown/", "/") for line in made.lines}
    for leaf in leaves(body["content"], "/content"):
        around = (place for place in said if f"{leaf}/".startswith(f"{place}/") or f"{place}/".startswith(f"{leaf}/"))
        assert any(around), leaf
    spoken = " ".join(f"{line.field} {line.place} {line.why}" for line in made.lines)
    assert body["content"]["person"]["pseudonym"] not in spoken


def leaves(value: Any, place: str) -> set[str]:
    """Places of all leaves, without the numbers of items; of a reason in `unknown` the member that it is about."""
    match value:
        case dict():
            names = {name: place if name == "unknown" else f"{place}/{name}" for name in value}
            return {leaf for name, inner in value.items() for leaf in leaves(inner, names[name])}
        case list():
            return {leaf for inner in value for leaf in leaves(inner, place)}
    return {place}


def test_the_received_side_has_its_own_fields():
    """Reason and details of a received referral are incoming ones; the day of sending is not its own."""
    made = give(
        PROFILE,
        message(referral_kind="service", summary="short; text"),
        Circumstances(ours=False, sender="n1fr/a", recipient="n1al/b", created=0, state="declined"),
    )
    assert made.record["cas_IncomingReferralDetails"] == "short; text"
    assert made.record["cas_ReasonForIncomingReferral"] == "AdditionalServicesRequired"
    assert made.record["cas_Status"] == "ClosedReferred"
    assert not any(name.startswith("cas_Outgoing") for name in made.record)


def test_three_languages_are_one_too_many():
    """Two go over, and that there were more is told."""
    person = {"pseudonym": "M", "age_group": "adult", "languages": [{"language": x} for x in ("sq", "fr", "uk")]}
    made = give(PROFILE, message(person=person), SENT)
    assert (made.record["prs_PrimaryLanguage"], made.record["prs_SecondaryLanguage"]) == ("sqi", "fra")
    assert any(line.why == "HTCDS has room for 2" for line in made.lines)


def test_a_record_comes_back():
    """What goes over both ways is the same after a round trip."""
    first = take(PROFILE, RECORD).draft["content"]
    back = give(PROFILE, {"type": "referral.request/1", "header": {}, "content": first}, SENT)
    assert take(PROFILE, back.record).draft["content"] == first


def test_other_messages_have_no_place():
    """An answer is no referral."""
    with pytest.raises(RefusedError) as refused:
        give(PROFILE, {"type": "referral.accept/1", "header": {}, "content": {}}, SENT)
    assert refused.value.code is Code.WRONG_TYPE


# --- the two files ------------------------------------------------------------------------------------------------


def test_every_state_has_a_status():
    """Of a conversation about a referral."""
    assert set(PROFILE.status) == set(Referral)
    assert set(PROFILE.status.values()) == {"Active", "Closed", "ClosedReferred"}


def test_every_member_left_out_has_a_reason():
    """And every reason is about a member that there is."""
    known = {field.path for field in schemas.list_fields("referral.request/1")}
    for out in PROFILE.mapping.left_out:
        place = f"/{'/'.join(out)}".replace("[]", "")
        assert any(f"{place}/".startswith(f"{part}/") for part in PROFILE.beside), place
    for place in PROFILE.beside:
        assert any(path.replace("/*", "").startswith(place) for path in known), place


def test_every_field_of_the_standard_has_its_fate():
    """Held against the standard itself, where it is there."""
    listed = json.loads(shared("data/htcds/htcds_2_0_fields.json").read_bytes())
    names = {item["machine_name"] for item in listed}
    names = {name for name in names if name and " " not in name and name != "N/A"}
    read = {s for rule in PROFILE.mapping.rules if rule.direction.outward for s in rule.sources}
    assert names == read | set(PROFILE.person) | set(PROFILE.lost)
    assert not set(PROFILE.person) & set(PROFILE.lost) and not read & (set(PROFILE.person) | set(PROFILE.lost))
    assert {compared(name) for name in names} <= PROFILE.known


def test_a_file_of_fates_in_another_shape_is_refused():
    """Each part has to be there."""
    with pytest.raises(RefusedError):
        profile(PROFILE.mapping, {"person": {}})
