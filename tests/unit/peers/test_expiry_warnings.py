"""gateway.peers.expiry_warnings: what is known of a country has to be looked at again in time."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.peers.expiry_rules import DAY, due
from gateway.peers.expiry_warnings import region_endings
from schemas.region_pack.regions import load_region


def test_a_fact_of_a_country_is_told_before_its_day() -> None:
    """Each day of review once, 60 days ahead; nothing long before."""
    region = load_region("tact")
    days = {fact.review_by for entry in region.national.values() for fact in entry.facts}
    found = [*region_endings(region)]
    assert {datetime.fromtimestamp(one.at, UTC).date() for one in found} == days and len(found) == len(days)
    first = min(found, key=lambda one: one.at)
    assert due(found, {}, first.at - 61 * DAY) == ()
    assert [one.kind for one in due(found, {}, first.at - 60 * DAY)] == ["region.national.ends_60"]
