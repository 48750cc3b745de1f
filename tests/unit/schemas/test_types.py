"""Names of message types, and those that nothing may block (domain 3.10)."""

from __future__ import annotations

import schemas
from schemas.types import NEVER_BLOCKED, never_blocked, type_name


def test_a_version_is_no_part_of_the_name() -> None:
    """A type without a version is its own name."""
    assert [type_name(text) for text in ("referral.request/1", "referral.request/12", "info.reply")] == [
        "referral.request",
        "referral.request",
        "info.reply",
    ]


def test_what_nothing_may_block_is_in_the_catalogue() -> None:
    """A name that no type has would protect nobody; every version of a type is meant, and no type that begins so."""
    assert {type_name(entry.body_type) for entry in schemas.load_catalogue().types} >= NEVER_BLOCKED
    assert never_blocked("safety.alert/7")
    assert not never_blocked("safety.alerting/1")
    assert not never_blocked("referral.request/1")
