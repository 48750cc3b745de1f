"""What two different people release (nrm1 12.9; domain 6.9). Pure.

    referral.request    it brings a person's data to another country for the first time
    danger to life      without consent nobody decides alone, whatever the message is (`vital_interest`)

The second person is the approver that gates G2 and G5 ask for.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.foundation.json import Json
from schemas.types import type_name

TWO: frozenset[str] = frozenset({"referral.request"})
"""Types that two people release."""

VITAL = "vital_interest"


def needs_two(body_type: str, header: Mapping[str, Json]) -> bool:
    """Whether one person alone does not release this."""
    return type_name(body_type) in TWO or VITAL in header


def approved(header: Mapping[str, Json], approver: str) -> dict[str, Json]:
    """The header with the second person as the approver of a claim of danger to life, whoever a draft names there."""
    claim = header.get(VITAL)
    if not isinstance(claim, dict):
        return dict(header)
    return {**header, VITAL: {**claim, "approver_ref": approver}}
