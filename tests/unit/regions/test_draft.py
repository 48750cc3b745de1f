"""A pack as it begins: complete, within its own countries, and without a fact that nobody has found."""

from __future__ import annotations

import json

import pytest

from gateway.errors import RefusedError
from gateway.policy.starting_policy import starting_policy
from gateway.regions.blanks import list_blanks
from gateway.regions.draft import Wanted, begin_pack
from schemas.region_pack.regions import load_region


def test_what_the_program_knows_comes_along() -> None:
    """Italy's languages, place, calendar and facts; the procedure and the words for it, as drafts."""
    region = begin_pack("sahel", [Wanted(code="IT")], [Wanted(code="ML", languages=("fr",))]).read()
    tact = load_region("tact")
    assert region.countries["IT"] == tact.countries["IT"]
    assert region.calendars["IT"].holidays == tact.calendars["IT"].holidays
    assert [one.source for one in region.national["IT"].facts] == [one.source for one in tact.national["IT"].facts]
    assert [step.id for step in region.procedure.steps] == [step.id for step in tact.procedure.steps]
    assert region.procedure.steps[0].title["fr"] == tact.procedure.steps[0].title["fr"]
    assert region.languages == ("en", "it", "fr") and region.drafts == {"it", "fr"}


def test_nothing_is_invented() -> None:
    """Of a country that the program does not know, no calendar and no fact; each blank is named."""
    pack = begin_pack("sahel", [Wanted(code="IT")], [Wanted(code="ML", languages=("fr",))])
    region = pack.read()
    assert "ML" not in region.calendars and region.national["ML"].facts == ()
    blanks = {(one.place, one.rule) for one in list_blanks(pack, region)}
    assert {("calendars/ML.json", "no_calendar"), ("national/ML.json", "not_found")} <= blanks
    assert ("national/IT.json", "unconfirmed") in blanks
    assert ("words/fr.json", "draft") in blanks and ("words/fr.json", "not_translated") in blanks


def test_its_policy_is_on_its_corridors_and_holds_from_the_start() -> None:
    """Both ways, and no rule for a transfer within the EU where there is none."""
    region = begin_pack("sahel", [Wanted(code="IT")], [Wanted(code="ML"), Wanted(code="NE")]).read()
    policy = starting_policy(region)
    assert policy is not None and policy.pairs == region.ways == {
        ("IT", "ML"),
        ("IT", "NE"),
        ("ML", "IT"),
        ("NE", "IT"),
    }
    assert policy.rule(("IT", "ML"), "return") and not policy.rule(("IT", "ML"), "intra_eu_transfer")


def test_countries_of_the_eu_transfer_and_do_not_return() -> None:
    """The purpose of a way follows from its ends."""
    policy = starting_policy(begin_pack("within", [Wanted(code="FR")], [Wanted(code="IT")]).read())
    assert policy is not None
    assert policy.rule(("FR", "IT"), "intra_eu_transfer") and not policy.rule(("FR", "IT"), "return")


def test_the_tables_count_by_its_own_receiving_countries() -> None:
    """An invented one is counted among the others: the code list does not have it."""
    pack = begin_pack("mixed", [Wanted(code="IT")], [Wanted(code="ML"), Wanted(code="XA", name="Ruritania")])
    table = pack.read().statistics.tables["registrations"]
    corridor = next(one for one in table.dimensions if one.name == "corridor")
    assert [*corridor.categories] == ["ML", "other"]


def test_invented_countries_have_their_names() -> None:
    """For an exercise: with a code that ISO leaves to its users, and in words."""
    pack = begin_pack("exercise", [Wanted(code="XA", name="Ruritania")], [Wanted(code="ZZ", name="Zenda")], ["ar"])
    region = pack.read()
    assert region.title["en"] == "Return from Ruritania to Zenda"
    assert region.countries["ZZ"].name == {"en": "Zenda"}
    assert "ar" in region.languages


@pytest.mark.parametrize(
    ("hosts", "receivers", "rule"),
    [("YY", "ML", "unknown_code"), ("IT", "IT", "corridor"), ("IT", "XA", "required")],
    ids=["no code", "onto itself", "no name"],
)
def test_what_cannot_be_a_pack_is_refused(hosts: str, receivers: str, rule: str) -> None:
    """By the same check as any other pack."""
    pack = begin_pack("wrong", [Wanted(code=hosts)], [Wanted(code=receivers)])
    with pytest.raises(RefusedError) as caught:
        pack.read()
    assert rule in {finding.rule for finding in caught.value.findings}


def test_it_says_where_it_comes_from() -> None:
    """Its README asks for what has to be written, and no file has the name of another region."""
    pack = begin_pack("sahel", [Wanted(code="IT")], [Wanted(code="ML")])
    assert pack.files["README.md"].startswith(b"# sahel\n")
    assert json.loads(pack.files["region.json"])["version"] == 1
