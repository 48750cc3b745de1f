"""The facts that gates look at: the kind of a unit, and the members of a header."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.gate_facts import GOOD, ID, NOTHING, headed

import schemas
from gateway.policy.gates.facts import PUBLIC_ROLES, UnitKind, kind_by_roles


def test_what_roles_say_of_a_unit():
    """Roles that only authorities have make one; others leave it open. All are codes of the list."""
    assert kind_by_roles(frozenset({"case_manager", "police_liaison"})) is UnitKind.PUBLIC_AUTHORITY
    assert kind_by_roles(frozenset({"national_focal_point", "guardian"})) is None
    assert {code.code for code in schemas.code_list("role").codes} >= PUBLIC_ROLES


@pytest.mark.parametrize("role", sorted(PUBLIC_ROLES))
def test_one_public_role_makes_an_authority(role):
    """Alone, and beside a role that an NGO can have (domain 6.3)."""
    assert kind_by_roles(frozenset({role})) is UnitKind.PUBLIC_AUTHORITY
    assert kind_by_roles(frozenset({role, "shelter_provider"})) is UnitKind.PUBLIC_AUTHORITY


@pytest.mark.parametrize("roles", [set(), {"a_new_role"}, {"POLICE_LIAISON"}, {"police"}])
def test_roles_that_are_not_known_say_nothing_about_a_unit(roles):
    """No role, an unknown one and one that only resembles a public role leave the kind open."""
    assert kind_by_roles(frozenset(roles)) is None


@pytest.mark.parametrize(
    ("body_type", "name"), [("referral.request/1", "referral.request"), ("referral.request/12", "referral.request")]
)
def test_a_gate_asks_for_a_type_whatever_its_version(body_type, name):
    """A gate of a type holds for its later versions too."""
    assert replace(GOOD, body_type=body_type).name == name


def test_a_header_names_consent_and_basis_or_nothing():
    """What the header says is read; a member that is missing is None, and so is every member of empty facts."""
    assert (GOOD.consent_ref, GOOD.transfer_basis) == (ID, "public_interest_49_1_d")
    bare = headed(GOOD, consent_ref=None, transfer_basis=None)
    assert (bare.consent_ref, bare.transfer_basis) == (None, None)
    assert (NOTHING.consent_ref, NOTHING.transfer_basis) == (None, None)


@pytest.mark.parametrize("value", [7, True, ["6_1_e"], {"code": "6_1_e"}])
def test_a_member_that_is_no_text_counts_as_missing(value):
    """A gate that needs it then refuses, and none stumbles over it."""
    facts = headed(GOOD, consent_ref=value, transfer_basis=value)
    assert (facts.consent_ref, facts.transfer_basis, facts.text("consent_ref")) == (None, None, None)
