"""What may leave where a case system attests who released it (domain 8.14)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.policies import text_of
from support.tables import table

from gateway.errors import Code, RefusedError
from gateway.policy.attestation import DEFAULT, check_attested, policy_in, upgrade_in_force, upgraded
from gateway.policy.comparison import widens
from schemas import load_catalogue
from schemas.region_pack.policies import Attested, CorridorPolicy
from schemas.region_pack.regions import load_region
from schemas.types import NEVER_BLOCKED, type_name

STARTING = load_region("tact").policies["two-step"]
OLD = replace(STARTING, attested=None)
CLAIM = {"vital_interest": {"ground": "medical_emergency"}}
TYPES = sorted({type_name(entry.body_type) for entry in load_catalogue().types})


def attesting(*first: str, second: tuple[str, ...] = ()) -> CorridorPolicy:
    """The policy of a new node with these types."""
    return replace(STARTING, attested=Attested(first=frozenset(first), second=frozenset(second)))


def held(policy: CorridorPolicy | None, name: str, header: dict[str, Any], people: Any = 1) -> list[str]:
    """The places for which a person of this node is needed; none where it may leave."""
    try:
        check_attested(policy, f"{name}/1", header, people=people)
    except RefusedError as refused:
        assert refused.code is Code.FORBIDDEN
        assert "nothing was stored" in refused.what
        assert "draft" in refused.hint and "trm policy upgrade" in refused.hint
        assert {finding.rule for finding in refused.findings} == {"attestation"}
        return [finding.place for finding in refused.findings]
    return []


@table("name", TYPES)
def test_a_new_node_lets_three_types_go(name: str) -> None:
    """Enquiries and answers without a consent go by one; all else about a person is for people of this node."""
    goes = name in NEVER_BLOCKED or name in ("enquiry.capacity", "enquiry.reply", "reminder.due")
    assert held(STARTING, name, {}) == ([] if goes else ["/type"])
    assert held(STARTING, name, {}, people=2) == ([] if name in NEVER_BLOCKED else ["/type"])


@table("policy", [None, OLD, attesting()], ids=["no policy", "format 1", "an empty list"])
@table("name", TYPES)
def test_nothing_goes_that_no_policy_names(policy: CorridorPolicy | None, name: str) -> None:
    """Only what nothing may block leaves on an attestation then (domain 3.10)."""
    assert (held(policy, name, {}) == []) is (name in NEVER_BLOCKED)


@table(
    "policy, name, header, people, places",
    [
        (STARTING, "enquiry.capacity", CLAIM, 1, ["/header/vital_interest"]),
        (STARTING, "referral.request", CLAIM, 1, ["/type", "/header/vital_interest"]),
        (attesting("referral.request"), "referral.request", CLAIM, 1, ["/header/vital_interest"]),
        (attesting("vital_interest"), "referral.request", CLAIM, 1, ["/type"]),
        (attesting("referral.request", "vital_interest"), "referral.request", CLAIM, 1, []),
        (
            attesting("referral.request", "vital_interest"),
            "referral.request",
            CLAIM,
            2,
            ["/type", "/header/vital_interest"],
        ),
        (
            attesting("referral.request", "vital_interest", second=("referral.request",)),
            "referral.request",
            CLAIM,
            2,
            ["/header/vital_interest"],
        ),
        (
            attesting("referral.request", "vital_interest", second=("referral.request", "vital_interest")),
            "referral.request",
            CLAIM,
            2,
            [],
        ),
        (attesting("referral.request"), "referral.request", {}, 1, []),
        (attesting("referral.request"), "referral.request", {}, 2, ["/type"]),
        (attesting("referral.request", second=("referral.request",)), "referral.request", {}, 2, []),
        (OLD, "safety.alert", CLAIM, 2, []),
    ],
)
def test_type_and_danger_to_life_are_both_asked(
    policy: CorridorPolicy, name: str, header: dict[str, Any], people: int, places: list[str]
) -> None:
    """A claim of danger to life needs its own word in the list, for one person and for both."""
    assert held(policy, name, header, people) == places


def test_the_refusal_tells_one_from_both() -> None:
    """Where one of two people may be attested, it says that the other has to be a person of this node."""
    with pytest.raises(RefusedError) as refused:
        check_attested(attesting("referral.request"), "referral.request/1", {}, people=2)
    assert [f.hint for f in refused.value.findings] == [
        "the policy lets a case system attest one of the two people for this type, not both"
    ]


@table("people", [1, 2])
def test_the_refusal_tells_the_type_from_the_danger(people: Any) -> None:
    """Each place has its own words, the same for one person and for both where no case system attests any."""
    with pytest.raises(RefusedError) as refused:
        check_attested(attesting(), "referral.request/1", CLAIM, people=people)
    assert [f.hint for f in refused.value.findings] == [
        "the policy lets no case system attest who released this type",
        "the policy lets no case system attest who released danger to life",
    ]


# --- the upgrade -----------------------------------------------------------------------------------------------------


def file_of(policy: CorridorPolicy) -> dict[str, Any]:
    """A policy as an answer and a change hold it."""
    return {"file": text_of(policy), "name": policy.name}


@table("holder", [None, {}, {"file": 7}, {"file": "{}"}], ids=["nothing", "no file", "no text", "not a policy"])
def test_a_policy_that_cannot_be_read(holder: Any) -> None:
    """None is found, and none is upgraded."""
    assert policy_in(holder) is None
    with pytest.raises(RefusedError, match="nothing was proposed") as refused:
        upgrade_in_force({"in_force": holder, "waiting": []})
    assert refused.value.code is Code.NOT_FOUND
    assert refused.value.hint == "two administrators adopt one: trm policy adopt"


@table(
    "waiting, version",
    [
        ([], OLD.version + 1),
        ([(OLD.name, OLD.version + 6), (OLD.name, OLD.version + 2)], OLD.version + 7),
        ([("another", OLD.version + 6)], OLD.version + 1),
        ([(OLD.name, None)], OLD.version + 1),
    ],
    ids=["none", "two", "of another name", "no number"],
)
def test_the_upgrade_follows_what_waits(waiting: list[tuple[str, int | None]], version: int) -> None:
    """Its version is higher than that in force and than each of the same policy that has not taken effect yet."""
    shown = {"in_force": file_of(OLD), "waiting": [{"name": name, "version": at} for name, at in waiting]}
    assert policy_in(shown["in_force"]) == OLD
    assert upgrade_in_force(shown) == upgraded(OLD, version=version)


def test_the_upgrade_changes_only_what_is_attested() -> None:
    """It is the policy in force with the default of new nodes, and a widening; a second upgrade is refused."""
    new = upgraded(OLD, version=OLD.version + 1)
    assert new.version == OLD.version + 1
    assert replace(new, attested=None, version=OLD.version) == OLD
    assert new.attested == STARTING.attested == DEFAULT
    assert widens(OLD, new)
    with pytest.raises(RefusedError, match="nothing was proposed") as refused:
        upgraded(new, version=new.version + 1)
    assert refused.value.code is Code.CONFLICT
