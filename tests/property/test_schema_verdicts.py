"""Two validators, one verdict: on generated bodies and on bodies with one random change (nrm1 13.8)."""

from __future__ import annotations

import random

import jsonschema_rs
import pytest
from support.generate import bodies, mutated
from support.patterns import parse, sample
from support.tables import table

from schemas import code_list, find_categories, load_catalogue, text_findings, validate
from schemas.validation import reference_findings

TYPES = [entry.body_type for entry in load_catalogue().types]
ROUNDS = 20
"""Per type; each makes one valid and one changed body, so more than 1000 verdicts in all."""


@pytest.mark.parametrize("body_type", TYPES)
def test_generated_bodies_are_valid_for_both_validators(body_type: str) -> None:
    """The generator makes valid bodies, and both validators and the text policy say so."""
    fast = jsonschema_rs.validator_for(dict(load_catalogue().get(body_type).document), validate_formats=True)
    for seed in range(ROUNDS):
        body = bodies(body_type, random.Random(seed))
        assert () == reference_findings(body_type, body) == text_findings(body)
        assert fast.is_valid(body)


@pytest.mark.parametrize("body_type", TYPES)
def test_validators_agree_on_changed_bodies(body_type: str) -> None:
    """After one random change both still say the same."""
    fast = jsonschema_rs.validator_for(dict(load_catalogue().get(body_type).document), validate_formats=True)
    refused = 0
    for seed in range(ROUNDS):
        rng = random.Random(1000 + seed)
        body = mutated(bodies(body_type, rng), rng)
        findings = reference_findings(body_type, body)
        assert fast.is_valid(body) == (findings == ()), (body_type, seed)
        assert findings == validate(body_type, body)
        refused += bool(findings)
    assert refused > ROUNDS // 3


@table("body_type", TYPES)
def test_generator_repeats_itself(body_type: str) -> None:
    """The same seed gives the same body, another one nearly always another."""
    first, again, other = (bodies(body_type, random.Random(seed)) for seed in (5, 5, 6))
    assert first == again != other


def test_a_body_shares_nothing_with_its_schema() -> None:
    """A list that a rule prescribes is a copy: whoever changes a body leaves the schema as it was."""
    prescribed = {"enum": [["none"]]}
    for seed in range(200):
        started = bodies("safety.alert.ack/1", random.Random(seed))["content"]["action_started"]
        started.append("x")
    content = load_catalogue().get("safety.alert.ack/1").document["properties"]["content"]
    assert content["allOf"][0]["then"]["properties"]["action_started"] == prescribed


def test_optional_members_follow_the_probability() -> None:
    """With probability one everything that may be there is, with zero nothing is."""
    full = bodies("referral.accept/1", random.Random(1), 1.0)["content"]
    assert {"contact", "conditions", "missing_before_start", "data_needed_next"} <= set(full)
    bare = bodies("referral.accept/1", random.Random(1), 0.0)["content"]
    assert {"case_ref_recipient", "lead_unit", "case_worker_ref", "services_committed"} == set(bare)


def test_summaries_have_all_lengths_and_scripts() -> None:
    """A hundred referrals have summaries from short to long, some none, in five scripts."""
    contents = [bodies("referral.request/1", random.Random(seed))["content"] for seed in range(100)]
    summaries = [content["summary"] for content in contents if "summary" in content]
    assert 30 <= len(summaries) <= 70
    assert min(map(len, summaries)) < 300 and max(map(len, summaries)) > 1700
    first = {next(char for char in text if char != " ") for text in summaries}
    blocks = {"latin": (0x41, 0x17F), "greek": (0x370, 0x3FF), "cyrillic": (0x400, 0x4FF)}
    blocks |= {"arabic": (0x600, 0x6FF), "devanagari": (0x900, 0x97F)}
    for low, high in blocks.values():
        assert any(low <= ord(char) <= high for char in first)


@table("body_type", TYPES)
def test_categories_are_always_from_the_list(body_type: str) -> None:
    """Whatever a body says, the categories it discloses are codes of the list."""
    known = {entry.code for entry in code_list("data_category").codes}
    for seed in range(20):
        assert find_categories(body_type, bodies(body_type, random.Random(seed))["content"]) <= known


@pytest.mark.parametrize(
    "pattern",
    [r"^a\d$", r"^\w$", r"^\p{L}$", "^a*$", "^a+$", "a$", "^a", "^[^a]$", "^(?=a)$", "^a(b$", "^a)$", r"^(a)\1$"],
)
def test_pattern_outside_the_subset_is_refused(pattern: str) -> None:
    """The parser of the subset refuses what another regular-expression engine may read differently."""
    with pytest.raises(ValueError):
        parse(pattern)


def test_pattern_sample_matches() -> None:
    """What the subset's parser makes matches by its own rule."""
    assert sample(parse("^a{3}(b|c)?$"), random.Random(1)) in ("aaa", "aaab", "aaac")
