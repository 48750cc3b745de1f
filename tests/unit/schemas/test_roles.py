"""Roles that are parts of older ones: which types know them, and who speaks for them elsewhere."""

from __future__ import annotations

from schemas import code_list, load_catalogue, resources
from schemas.roles import new_roles, older_roles, role_in, with_older

SPLIT = {
    "labour_inspectorate": "first_responder",
    "border_guard": "first_responder",
    "hotline": "first_responder",
    "asylum_authority": "first_responder",
    "residence_authority": "migration_authority",
    "return_authority": "migration_authority",
    "clinician": "service_provider",
    "interpreter": "service_provider",
    "cultural_mediator": "service_provider",
    "legal_aid_body": "legal_representative",
    "compensation_body": "service_provider",
    "complaints_body": "service_provider",
    "delegated_focal_point": "first_responder",
}


def test_finding_c_roles_are_split_and_each_is_part_of_an_older_one() -> None:
    """Every new role but the parent has an older one that stands for it; a parent would be a guardian to whom reports
    on the family go.
    """
    assert dict(older_roles()) == SPLIT
    assert new_roles() == {*SPLIT, "parent"}
    known = {entry.code for entry in code_list("role").codes if entry.since == 1}
    assert set(SPLIT.values()) <= known


def test_finding_c_an_older_schema_is_as_it_was_and_a_newer_one_knows_the_roles() -> None:
    """The first revision of an enquiry has the roles of the release, its second all of them."""
    first = resources.read_json("published/enquiry.capacity.1.1.json")["$defs"]["code.role"]["enum"]
    second = load_catalogue().get("enquiry.capacity/1").document["$defs"]["code.role"]["enum"]
    assert not new_roles() & set(first)
    assert set(second) == set(first) | new_roles()


def test_finding_c_everybody_may_still_raise_an_alert_and_withdraw() -> None:
    """Where a type knows no newer role, the older one of which it is a part stands for it; a known one for itself."""
    for name in ("safety.alert/1", "consent.withdrawal/1", "erasure.request/1"):
        entry = load_catalogue().get(name)
        assert {role_in(entry, role) for role in SPLIT} <= set(entry.senders)
    assert role_in(load_catalogue().get("enquiry.capacity/1"), "border_guard") == "border_guard"
    assert role_in(load_catalogue().get("safety.alert/1"), "dpo") == "dpo"
    assert with_older(["hotline", "dpo"]) == {"hotline", "dpo", "first_responder"}


def test_finding_c_no_message_is_sent_to_a_parent() -> None:
    """A relative may have taken part: a parent stands in the panel of a decision and gets nothing."""
    named = [entry for entry in load_catalogue().types if "parent" in {*entry.senders, *entry.receivers}]
    assert [entry.body_type for entry in named if len(entry.receivers) < len(code_list("role").codes)] == []
    panel = load_catalogue().get("bid.report/1").document["$defs"]["code.role"]["enum"]
    assert {"parent", "cultural_mediator", "interpreter"} <= set(panel)


def test_finding_c_police_shelters_and_clinicians_have_what_they_need() -> None:
    """Police assess a risk where a procedure asks for it; a shelter sends plan, monitoring and enquiry; clinicians ask
    and answer (A11).
    """
    wanted = {
        "risk.assessment/1": ({"police_liaison"}, {"police_liaison"}),
        "assistance.plan/1": ({"shelter_provider"}, {"shelter_provider"}),
        "monitoring.report/1": ({"shelter_provider"}, {"shelter_provider"}),
        "enquiry.capacity/1": ({"shelter_provider", "border_guard", "labour_inspectorate", "hotline"}, set()),
        "info.request/1": ({"clinician", "identification_authority"}, {"clinician", "identification_authority"}),
        "info.reply/1": ({"clinician"}, {"clinician"}),
    }
    for name, (senders, receivers) in wanted.items():
        entry = load_catalogue().get(name)
        assert (senders <= set(entry.senders), receivers <= set(entry.receivers)) == (True, True), name
