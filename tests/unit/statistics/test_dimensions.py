"""What a node counts of one case."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from gateway.conversations.history import Opened, Side
from gateway.statistics.dimensions import case_of
from gateway.statistics.tallies import classify, count
from schemas.region_pack.regions import load_region
from schemas.region_pack.statistics import COUNTED

DAY = date(2026, 11, 1)
AT = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp())


def said(kind: str, at: int = 0, **content: Any) -> Opened:
    """One message, `at` seconds after the first."""
    return Opened(body_type=f"{kind}/1", side=Side.OURS, created=AT + at, header={}, content=content)


def corrected(path: str, value: str) -> Opened:
    """A correction of one member, a minute later."""
    return said("data.correction", 60, path=path, new_value=value)


REQUEST = said(
    "referral.request",
    person={"gender": "Feminine", "age_group": "presumed_child", "nationalities": ["AL"]},
    exploitation=["ForcedBegging"],
    thb_decision_body="NGO",
    thb_status="presumed",
)


def codes(*messages: Opened, country: str | None = "AL") -> dict[str, set[str]]:
    """The codes of a case by dimension, without those of which nothing was said."""
    return {name: set(found) for name, found in case_of(messages, DAY, country).codes.items() if found}


def test_everything_a_referral_says_is_counted() -> None:
    """Each dimension has its code; a presumed child counts as a child."""
    found = codes(REQUEST)
    assert found == {
        "sex": {"Feminine"},
        "age_group": {"child"},
        "citizenship_group": {"AL"},
        "exploitation": {"ForcedBegging"},
        "registering_body": {"NGO"},
        "thb_status": {"presumed"},
        "corridor": {"AL"},
    }
    assert set(found) == set(COUNTED)


@pytest.mark.parametrize(
    ("decision", "since", "counted"),
    [
        ("identified", None, {"identified"}),
        ("not_identified", None, {"not_identified"}),
        ("identified", "appealed", {"identified"}),
        ("identified", "upheld", {"identified"}),
        ("identified", "revoked", {"not_identified"}),
        ("presumed", "overturned", {"not_identified"}),
        ("not_identified", "overturned", set()),
    ],
)
def test_finding_b_presumed_and_identified_are_told_apart(decision: str, since: str | None, counted: set[str]) -> None:
    """The decision counts that holds now: one that was taken back identifies nobody, and one that was overturned in
    favour of the person waits for the next.
    """
    then = {} if since is None else {"since_then": {"event": since, "event_on": "2026-11-20"}}
    found = codes(REQUEST, said("identification.certificate", 60, decision=decision, **then))
    assert found.get("thb_status", set()) == (counted or {"presumed"})


@pytest.mark.parametrize(
    ("country", "nationalities", "category"),
    [
        ("FR", ["FR"], "reporting"),
        ("FR", ["FR", "MA"], "reporting"),
        ("FR", ["PL"], "eu"),
        ("FR", ["PL", "MA"], "eu"),
        ("FR", ["MA"], "non_eu"),
        ("AL", ["AL"], "reporting"),
        ("AL", ["FR"], "eu"),
        ("FR", [], "not_stated"),
    ],
)
def test_finding_b_own_nationals_are_not_of_another_country_of_the_eu(
    country: str, nationalities: list[str], category: str
) -> None:
    """Reporting country, other country of the EU, outside it: each node counts its own people apart."""
    plan = load_region("tact").statistics.counted_in(country)
    (dimension,) = [d for d in plan.tables["registrations"].dimensions if d.name == "citizenship_group"]
    assert classify(dimension, nationalities) == category
    told = {"reporting": "reporting_country", "eu": "other_eu", "non_eu": "non_eu", "not_stated": "unknown"}
    assert dimension.categories[category].code == told[category]


def test_what_was_erased_is_counted_as_not_stated() -> None:
    """The case is there, and nothing is known of it but where it went."""
    case = case_of([], DAY, "AL")
    assert codes() == {"corridor": {"AL"}}
    counted = count(load_region("tact").statistics.tables["registrations"], [case])
    assert counted["not_stated", "not_stated", "AL"] == 1


@pytest.mark.parametrize(
    ("later", "dimension", "wanted"),
    [
        (said("info.reply", 60, person_identifying={"gender": "Masculine"}), "sex", {"Masculine"}),
        (said("info.reply", 60, person_identifying={"birth_date": "2000-01-01"}), "age_group", {"child"}),
        (corrected("/content/person/gender", "Masculine"), "sex", {"Masculine"}),
        (corrected("/content/thb_decision_body", "Police"), "registering_body", {"Police"}),
        (corrected("/content/summary", "Police"), "registering_body", {"NGO"}),
    ],
)
def test_the_last_word_counts(later: Opened, dimension: str, wanted: set[str]) -> None:
    """In whatever order the messages are given; doubt about the age is not ended by a date of birth."""
    assert codes(later, REQUEST)[dimension] == codes(REQUEST, later)[dimension] == wanted


def test_the_age_is_that_of_the_registration() -> None:
    """Who came of age a day later is counted as a child."""
    born = [said("referral.request", person={"birth_date": "2008-11-02"})]
    assert codes(*born)["age_group"] == {"child"}
    assert {*case_of(born, date(2026, 11, 2), None).codes["age_group"]} == {"adult"}
