"""The adequacy decisions: dated, each with its source, none for a country of the EEA."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from gateway.policy.gates.transfer import EEA
from schemas.codelists import code_list
from schemas.law.adequacy import Law, is_adequate, list_decisions, parse_decisions


def test_each_decision_has_its_country_days_and_source():
    """A country of the code list outside the EEA, a first day before the last one."""
    countries = {entry.code for entry in code_list("country").codes}
    for one in list_decisions():
        assert one.country in countries - EEA
        assert one.decision and one.source
        assert one.since is None or one.until is None or one.since < one.until


def test_a_decision_covers_its_days_and_no_other():
    """From the first day to the last one; one without a last day lasts."""
    (britain,) = [one for one in list_decisions() if one.country == "GB" and one.law is Law.LED]
    assert britain.since is not None and britain.until is not None
    day = timedelta(days=1)
    found = [britain.covers(at) for at in (britain.since - day, britain.since, britain.until, britain.until + day)]
    assert found == [False, True, True, False]
    assert is_adequate("CH", Law.GDPR, date(2099, 1, 1)) and not is_adequate("CH", Law.LED, date(2026, 6, 1))


def test_one_for_companies_alone_covers_nobody():
    """Canada, Japan and the United States are listed with their limit."""
    limited = {one.country for one in list_decisions() if one.only is not None}
    assert limited == {"CA", "JP", "US"}
    assert not any(is_adequate(country, Law.GDPR, date(2026, 6, 1)) for country in limited)


@pytest.mark.parametrize(
    "changed",
    [{"source": "hearsay"}, {"law": "custom"}, {"from": "long ago"}, {"twice": True}, {"format": "other"}],
)
def test_a_bad_list_is_refused(changed: dict[str, Any]):
    """One fault each."""
    entry = {"country": "CH", "law": "gdpr", "decision": "d", "from": None, "to": None, "source": "s"} | changed
    value = {"format": changed.get("format", "trm-adequacy/1"), "sources": {"s": "a page"}, "decisions": [entry]}
    if "twice" in changed:
        value["decisions"] = [entry, entry]
    with pytest.raises(ValueError, match=r".+"):
        parse_decisions(value)
