"""The check of a mapping file: what would change its meaning on the way back is refused."""

from __future__ import annotations

from typing import Any

import pytest
from support.maps import REVIEWED, mapped_message, mapping_file
from support.tables import table

import schemas
from gateway.mapping.labels import language_names
from gateway.mapping.to_message import MappedMessage, check, map_message, map_record, parse, vocabulary
from gateway.ports import LocalRecord


def test_a_protection_service_that_becomes_food_is_refused():
    """The service of a production mapping: merged with the real food, or alone, by what it reads like."""
    assert ("lossy_code", "codes.Family Tracing and Reunification") in services(
        {"Food": "food", "Family Tracing and Reunification": "food"}
    )
    assert ("other_meaning", "codes.Family tracing") in services({"Family tracing": "food"})
    labelled = {"family_tracing_service": "Family tracing", "food_service": "Food"}
    assert ("other_meaning", "codes.family_tracing_service") in services(
        {"family_tracing_service": "food", "food_service": "family_tracing"}, values=labelled
    )
    assert ("lossy_back", "back.family_tracing") in services({"Food": "food"}, {"family_tracing": "Food"})


def test_a_language_that_becomes_another_language_is_refused():
    """Swahili written with the id of Anyuak, Zande with that of Amharic, as in production."""
    ids = {"language1": "anu", "language5": "am"}
    assert languages(ids, {"sw": "language1", "zne": "language5"}) == ["lossy_back", "lossy_back"]
    assert languages(ids, {}) == []
    assert languages(ids, {"sw": {"value": "language1", **REVIEWED}}) == []


@pytest.mark.parametrize(
    ("path", "type", "codes"),
    [
        ("content.person.languages[].language", "language", {"Albanian": "ar"}),
        ("content.person.languages[].language", "language", {"arabe": "sq"}),
        ("content.person.languages[].language", "language", {"українська": "ru-UA"}),
        ("content.person.languages[].language", "language", {"sw": "am"}),
        ("content.person.nationalities[]", "country", {"France": "AL"}),
        ("content.person.nationalities[]", "country", {"Shqipëria": "GR"}),
        ("content.person.nationalities[]", "country", {"UA": "RU"}),
    ],
)
def test_a_name_or_tag_that_becomes_another_one_is_refused(path, type, codes):
    """Languages and countries are known by their names in the languages of the installation, and by their codes."""
    value = {
        "format": "trm-mapping/1",
        "name": "n",
        "body_type": "referral.request/1",
        "fields": {path: {"from": "N", "type": type, "codes": codes}},
    }
    (found,) = check(parse(value), vocabulary(value["body_type"], language_names()))
    assert (found.rule, found.place) == ("other_meaning", f"fields.{path}.codes.{next(iter(codes))}")


@pytest.mark.parametrize(
    ("path", "type", "codes"),
    [
        (
            "content.person.languages[].language",
            "language",
            {"Albanian": "sq", "British English": "en-GB", "English": "en", "arabe": "ar-MA", "L7": "uk"},
        ),
        ("content.person.nationalities[]", "country", {"France": "FR", "Maroc": "MA", "12": "UA"}),
    ],
)
def test_a_name_that_becomes_what_it_names_is_taken(path, type, codes):
    """With a region or without; an id of the office reads like nothing."""
    value = {
        "format": "trm-mapping/1",
        "name": "n",
        "body_type": "referral.request/1",
        "fields": {path: {"from": "N", "type": type, "codes": codes}},
    }
    assert check(parse(value), vocabulary(value["body_type"], language_names())) == ()


@table("name", schemas.code_lists())
def test_every_code_of_every_list_survives_a_round_trip_or_is_declared(name):
    """A table of all codes is accepted and comes back whole; without one of them the checker names it."""
    codes = [code.code for code in schemas.code_list(name).codes]
    rule = {"from": "X", "type": "code", "list": name, "codes": {f"local {n}": code for n, code in enumerate(codes)}}
    value = {
        "format": "trm-mapping/1",
        "name": "x",
        "body_type": "referral.request/1",
        "direction": "both",
        "fields": {"content.x": rule},
        "left_out": ["content"],
    }
    mapping, words = parse(value), vocabulary(value["body_type"], language_names())
    assert {found.rule for found in check(mapping, words)} == {"unknown_member"}
    for code in codes:
        made = map_message(mapping, {"content": {"x": code}})
        assert isinstance(made, MappedMessage)
        again = map_record(mapping, LocalRecord(ref="r", fields=made.fields))
        assert isinstance(again, dict)
        assert again["content"] == {"x": code}
    rule["codes"] = dict([*rule["codes"].items()][1:]) or {"local": codes[0]}
    lacking = [found.place for found in check(parse(value), words) if found.rule == "no_way_back"]
    assert lacking == ([f"fields.content.x.back.{codes[0]}"] if len(codes) > 1 else [])


def test_a_correct_map_is_accepted():
    """Every service has one local value."""
    codes = {code.labels["en"]: code.code for code in schemas.code_list("service").codes}
    assert services(codes) == []


def test_all_the_rest_may_be_for_a_person():
    """Written down with the reason, and nowhere a default."""
    rule = {"from": "S", "type": "code", "list": "gender", "codes": {"F": "Feminine"}, "unknown_lossy": "x"}
    value = {
        "format": "trm-mapping/1",
        "name": "s",
        "body_type": "referral.request/1",
        "direction": "both",
        "fields": {"content.person.gender": rule | {"hold": "the register knows one value"}},
        "left_out": ["content"],
    }
    assert check(parse(value), vocabulary("referral.request/1", language_names())) == ()
    assert isinstance(map_message(parse(value), mapped_message(person={"gender": "Masculine"})), tuple)


def test_a_way_back_that_leads_nowhere_is_refused():
    """The local value of `back` is one that `codes` knows."""
    assert ("unknown_value", "back.cash") in services({"Food": "food"}, {"cash": "Money"})


def test_members_without_a_rule_are_named():
    """A message holds nothing that disappears unseen; what is left out is written down."""
    value = mapping_file(body_type="referral.request/1", left_out=["content.household"])
    found = check(parse(value), vocabulary("referral.request/1", language_names()))
    unread = {finding.place for finding in found if finding.rule == "unread_member"}
    assert "content.person.pseudonym" in unread
    assert not {place for place in unread if place.startswith(("content.household", "content.person.gender", "header"))}
    assert ("lossy_unknown", "fields.content.person.gender") in {(finding.rule, finding.place) for finding in found}


def services(codes: dict[str, Any], back: dict[str, Any] | None = None, **rule: Any) -> list[tuple[str, str]]:
    """What the checker says of a table of services, against the real catalogue, besides the other members."""
    known = {code.code: {"hold": True, "note": "x"} for code in schemas.code_list("service").codes}
    reached = {target if isinstance(target, str) else target["code"] for target in codes.values()}
    held = {code: entry for code, entry in known.items() if code not in reached}
    value = {
        "format": "trm-mapping/1",
        "name": "s",
        "body_type": "referral.request/1",
        "direction": "both",
        "fields": {
            "content.services_already_given[]": {
                "from": "S",
                "type": "codes",
                "list": "service",
                "codes": codes,
                "back": {**held, **(back or {})},
                "unknown_lossy": "no word",
                **rule,
            }
        },
        "left_out": ["content"],
    }
    return [
        (found.rule, found.place.rpartition("[].")[2])
        for found in check(parse(value), vocabulary(value["body_type"], language_names()))
    ]


def languages(codes: dict[str, str], back: dict[str, Any]) -> list[str]:
    """What the checker says of a table of site-specific language ids."""
    rule = {"from": "L", "type": "language", "codes": codes, "back": back, "unknown_lossy": "no word"}
    value = {
        "format": "trm-mapping/1",
        "name": "l",
        "body_type": "referral.request/1",
        "direction": "both",
        "fields": {"content.person.languages[].language": rule},
        "left_out": ["content"],
    }
    return [finding.rule for finding in check(parse(value), vocabulary(value["body_type"], language_names()))]
