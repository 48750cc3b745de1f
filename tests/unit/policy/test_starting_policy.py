"""With which policy a node begins: the two steps of the program, and nothing wider from elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.policy.starting_policy import starting_policy, two_steps
from schemas.groups import field_groups
from schemas.region_pack.policies import Attested, CorridorPolicy, Pair, canonical_bytes, read_policy
from schemas.region_pack.regions import Region, load_region

TACT = load_region("tact")
STEPS = TACT.policies["two-step"]


def having(policy: CorridorPolicy) -> Region:
    """The region with another policy of this name."""
    return replace(TACT, policies={"two-step": policy})


def test_the_pack_of_the_program_begins_with_its_own() -> None:
    """It lets pass what the two steps let pass on the same corridors."""
    assert starting_policy(TACT) is STEPS


def test_a_pack_without_it_begins_with_nothing() -> None:
    """Then nothing leaves until two administrators adopt a policy."""
    assert starting_policy(replace(TACT, policies={"other": STEPS})) is None


def test_a_narrower_one_is_taken() -> None:
    """A region may demand more from the start."""
    narrow = replace(STEPS, rules=STEPS.rules[1:])
    assert starting_policy(having(narrow)) is narrow


@pytest.mark.parametrize(
    "wider",
    [
        replace(STEPS, always=frozenset(field_groups().groups)),
        replace(STEPS, attested=Attested(first=frozenset({"referral.request"}))),
        replace(
            STEPS,
            rules=tuple(replace(rule, before=rule.before | rule.after, after=frozenset()) for rule in STEPS.rules),
        ),
        replace(STEPS, rules=(*STEPS.rules, replace(STEPS.rules[0], purpose="research"))),
    ],
    ids=["all groups always", "attested referrals", "names before acceptance", "one purpose more"],
)
def test_a_wider_one_waits_for_two_administrators(wider: CorridorPolicy) -> None:
    """Whoever installs a pack is one person, and nobody of this node has read what it opens."""
    assert starting_policy(having(wider)) is None


WITHIN: dict[str, set[Pair]] = {"intra_eu": {("FR", "IT"), ("IT", "FR")}}
RETURNS: dict[str, set[Pair]] = {"to_origin": {("IT", "ML")}, "to_host": {("ML", "IT")}}


@pytest.mark.parametrize(
    ("corridors", "named"),
    [
        ([("FR", "IT")], WITHIN),
        ([("IT", "ML")], RETURNS),
        ([("IT", "ML"), ("FR", "IT")], WITHIN | RETURNS),
    ],
    ids=["transfers alone", "returns alone", "both"],
)
def test_the_two_steps_of_other_corridors_can_be_read_as_a_file(
    corridors: list[Pair], named: dict[str, set[Pair]]
) -> None:
    """In the one spelling, so that they can be signed: the first version, with the rules that these corridors need."""
    policy = two_steps(corridors)
    assert read_policy(canonical_bytes(policy)) == policy
    assert (policy.version, policy.corridors) == (1, named)
    needed = [rule for rule in STEPS.rules if rule.corridors & named.keys()]
    assert [*policy.rules] == [replace(rule, corridors=rule.corridors & named.keys()) for rule in needed]
