"""The rules of a message type in words: every one of its source, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.tables import table

from schemas import load_catalogue
from schemas.describing.rules import describe_rules

PACKAGE = Path(__file__).resolve().parents[4] / "schemas"
FROM_FRAGMENTS = ("/header", "/content/person")
"""Where the rules of a fragment show; they are not in the source of the type."""
TYPES = [entry.body_type for entry in load_catalogue().types]


def source(body_type: str) -> Any:
    """What the author of a type wrote."""
    return json.loads((PACKAGE / "source" / f"{body_type.replace('/', '.')}.json").read_bytes())


def written(spec: Any) -> Iterator[Any]:
    """Every rule in a source, fragments not followed."""
    if isinstance(spec, dict):
        yield from spec.get("rules", ())
        for value in spec.values():
            yield from written(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from written(value)


@table("body_type", TYPES)
def test_every_rule_of_the_source_is_one_sentence(body_type: str) -> None:
    """No rule of the source is left out, and none is told that is not in it."""
    own = [rule for rule in describe_rules(body_type) if not rule.place.startswith(FROM_FRAGMENTS)]
    wanted = list(written(source(body_type)))
    assert len(own) == len(wanted)
    assert all(rule.text.endswith(".") for rule in own)


@pytest.mark.parametrize(
    ("body_type", "place", "text"),
    [
        ("enquiry.capacity/1", "/content", "If `services` has `other`, `note` must be given."),
        (
            "enquiry.reply/1",
            "/content",
            "If `answer` is `yes` or `yes_conditional`, `services_available` and `offer_valid_until` must be given; "
            "`decline_reason` must not be given.",
        ),
        (
            "consent.record/1",
            "",
            "If `header.transfer_basis` is `consent_49_1_a`, `content.transfer_risks_told` must be `true`.",
        ),
        (
            "referral.request/1",
            "/content",
            "If `thb_status` is `identified`, `thb_decision_body` must be given, or `unknown` says why not.",
        ),
        ("referral.request/1", "/content", "If `person.age_group` is `adult`, `child` must not be given."),
        (
            "referral.request/1",
            "/content/person",
            "At least one of `birth_date`, `birth_year` and `age_group` must be given.",
        ),
        ("referral.request/1", "/content/person", "If `birth_date` is given, `birth_year` must not be given."),
        (
            "identification.certificate/1",
            "/content",
            "If `decision` is `presumed`, `level` can only be `reasonable_grounds`.",
        ),
        (
            "risk.assessment/1",
            "/content/findings/*",
            "If `unknown.risk_known` is given, `likelihood`, `severity`, `measure` and `residual` must not be given.",
        ),
        ("guardian.notice/1", "/content", "If `event` is `ended` or `handover`, `unknown` must not be given."),
    ],
)
def test_rule_is_told_in_words(body_type: str, place: str, text: str) -> None:
    """Conditions and wishes of each form."""
    assert text in [rule.text for rule in describe_rules(body_type) if rule.place == place]
