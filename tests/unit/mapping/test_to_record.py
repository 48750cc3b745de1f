"""The way back: messages become records, and what can not is put before a person; the historical errors are refused."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import yaml
from support.house import ROOT
from support.tables import table

import schemas
from gateway.errors import RefusedError
from gateway.mapping.case_system import language_names
from gateway.mapping.preview import inward, outward
from gateway.mapping.to_message import MappedMessage, check, map_message, map_record, parse, vocabulary
from gateway.ports import LocalRecord

REVIEWED = {"lossy": True, "note": "the office does not tell them apart", "reviewed": "A. B., 2026-11-27"}
TRIAGE = {"high": "1 day", "medium": "1 week", "low": "later"}
FILE: dict[str, Any] = {
    "format": "trm-mapping/1",
    "name": "office",
    "body_type": "risk.request/1",
    "direction": "both",
    "constants": {"header.language": "fr"},
    "fields": {"header.priority": {"from": "Priority", "type": "code", "list": "priority", "codes": {"N": "normal"}}},
    "left_out": ["content"],
}
PERSON: dict[str, Any] = {
    "content.person.birth_date": {
        "from": "Born",
        "type": "date",
        "year_to": "content.person.birth_year",
        "unknown_values": {"N/K": "unknown", "Not known": "unknown", "Declined": "refused"},
        "unknown_lossy": "the office has no word for later",
    },
    "content.person.gender": {
        "from": "Sex",
        "type": "code",
        "list": "gender",
        "codes": {"F": "Feminine", "M": "Masculine"},
        "back": {"NonSpecifiedUnknown": {"value": "F", **REVIEWED}, "Other": {"hold": True, "note": "call first"}},
        "unknown_values": {"Declined": "refused"},
    },
    "content.person.nationalities[]": {"from": "Citizen of", "type": "country", "split": ";"},
    "content.person.languages[].language": {
        "from": ["First", "Second"],
        "type": "language",
        "codes": {"A": "sq", "F": "fr"},
    },
    "content.person.languages[].level": {
        "from": "Level",
        "type": "code",
        "list": "language_level",
        "codes": {"1": "first", "2": "good"},
    },
    "content.exploitation[]": {"from": "Kinds", "type": "code", "list": "exploitation", "codes": {"L": "ForcedLabour"}},
    "content.summary": {"from": "Note", "type": "text", "unknown_values": {"nothing": "refused"}},
    "content.children": {"from": "Children", "type": "integer"},
    "content.told": {"from": "Told", "type": "boolean", "codes": {"Yes": True, "No": False}},
}


def file(**changed: Any) -> dict[str, Any]:
    """The file with these rules of a person, and other top-level keys replaced."""
    return deepcopy(FILE) | {"fields": deepcopy(FILE["fields"] | PERSON), "left_out": ["content.kept"]} | changed


def message(**content: Any) -> dict[str, Any]:
    """A message with this content; its header says things about its sender."""
    return {"type": "risk.request/1", "header": {"priority": "normal", "language": "uk"}, "content": content}


def back(**content: Any) -> dict[str, Any]:
    """The record that this content becomes."""
    found = map_message(parse(file()), message(**content))
    assert isinstance(found, MappedMessage), found
    return dict(found.fields)


def faults(**content: Any) -> list[tuple[str, str]]:
    """Rule and place of each reason why a person has to look."""
    found = map_message(parse(file()), message(**content))
    assert isinstance(found, tuple), found
    return [(finding.rule, finding.place) for finding in found]


def test_a_message_becomes_a_record():
    """Dates, years, codes, lists and objects stand where the record has them; the sender's header stays behind."""
    person = {
        "birth_year": 1994,
        "gender": "Masculine",
        "nationalities": ["AL", "XK"],
        "languages": [{"language": "sq", "level": "first"}, {"language": "fr", "level": "first"}],
    }
    found = back(person=person, exploitation=["ForcedLabour"], summary="calls at night", children=0, told=False)
    assert found == {
        "Born": 1994,
        "Sex": "M",
        "Citizen of": "AL; XK",
        "First": "A",
        "Second": "F",
        "Level": ["1", "1"],
        "Kinds": ["L"],
        "Note": "calls at night",
        "Children": 0,
        "Told": "No",
    }


def test_a_record_made_of_a_message_makes_the_same_message():
    """Both ways read by one file: what came is what would go."""
    content = {
        "person": {"birth_date": "1994-03-02", "gender": "Feminine", "unknown": {"languages": "refused"}},
        "exploitation": ["ForcedLabour", "ForcedLabour"],
        "summary": "x",
        "told": True,
    }
    del content["person"]["unknown"]
    found = map_message(parse(file()), message(**content))
    assert isinstance(found, MappedMessage)
    again = map_record(parse(file()), LocalRecord(ref="r", fields=found.fields))
    assert isinstance(again, dict)
    assert again["content"] == content


def test_a_reviewed_loss_is_written_and_told():
    """The record has the value that the file names, and the place whose distinction is gone."""
    found = map_message(parse(file()), message(person={"gender": "NonSpecifiedUnknown"}))
    assert isinstance(found, MappedMessage)
    assert found.fields == {"Sex": "F"}
    assert [(loss.place, loss.rule, loss.hint) for loss in found.losses] == [
        ("/content/person/gender", "lossy", "the office does not tell them apart")
    ]


@pytest.mark.parametrize(
    ("content", "rule", "place"),
    [
        ({"person": {"gender": "Other"}}, "unmapped_code", "/content/person/gender"),
        ({"person": {"gender": "NonConforming"}}, "unmapped_code", "/content/person/gender"),
        ({"person": {"gender": ["Feminine"]}}, "unmapped_code", "/content/person/gender"),
        ({"person": {"languages": [{"language": "uk"}]}}, "unmapped_code", "/content/person/languages/*/language"),
        (
            {"person": {"languages": [{"language": "sq"}, {"level": "first"}]}},
            "uneven_list",
            "/content/person/languages/*/language",
        ),
        ({"person": {"languages": [{"language": "sq"}] * 3}}, "no_way_back", "/content/person/languages/*/language"),
        ({"person": {"nationalities": ["A;B"]}}, "no_way_back", "/content/person/nationalities/*"),
        ({"person": {"birth_date": "1900-01-01"}}, "no_way_back", "/content/person/birth_date"),
        ({"summary": "Nothing"}, "no_way_back", "/content/summary"),
        ({"person": {"unknown": {"gender": "not_yet"}}}, "no_way_back", "/content/person/gender"),
        ({"person": {"pseudonym": "Mali"}}, "unread_member", "/content/person/pseudonym"),
        ({"person": {"unknown": {"pseudonym": "refused"}}}, "unread_member", "/content/person/unknown/pseudonym"),
    ],
)
def test_what_has_no_way_back_is_for_a_person(content, rule, place):
    """No code gets a default, nothing changes its meaning in a cell, and no member disappears unseen."""
    assert (rule, place) in faults(**content)


def test_why_there_is_no_value_is_said_in_the_words_of_the_office():
    """The first spelling is written; where there is no word, the file says that this is lost."""
    assert back(person={"unknown": {"birth_date": "unknown", "gender": "refused"}}) == {
        "Born": "N/K",
        "Sex": "Declined",
    }
    found = map_message(parse(file()), message(person={"unknown": {"birth_date": "not_yet"}}))
    assert isinstance(found, MappedMessage)
    assert (found.fields, [loss.hint for loss in found.losses]) == ({}, ["the office has no word for later"])


def test_what_is_left_out_on_purpose_is_no_fault():
    """Also what lies below it; the record says that there was more."""
    found = map_message(parse(file()), message(kept={"a": [1], "unknown": {"b": "x"}}, told=True))
    assert isinstance(found, MappedMessage)
    assert (found.fields, found.left_out) == ({"Told": "Yes"}, ("/content/kept/a/*", "/content/kept/unknown/b"))


def test_one_column_is_not_written_twice():
    """Two members that disagree about one column are for a person."""
    value = file()
    value["fields"]["content.other"] = {"from": "Note", "type": "text"}
    found = map_message(parse(value), message(summary="a", other="b"))
    assert isinstance(found, tuple)
    assert [finding.rule for finding in found] == ["ambiguous_column"]
    assert isinstance(map_message(parse(value), message(summary="a", other="a")), MappedMessage)


def test_a_file_of_the_way_back_makes_no_draft():
    """It has no constants, and a record of it is refused."""
    value = file(direction="in")
    with pytest.raises(RefusedError, match="1 fault"):
        parse(value)
    del value["constants"]
    found = map_record(parse(value), LocalRecord(ref="r", fields={"Note": "x"}))
    assert isinstance(found, tuple)
    assert [finding.rule for finding in found] == ["wrong_direction"]


# --- the checker --------------------------------------------------------------------------------------------------


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
    assert isinstance(map_message(parse(value), message(person={"gender": "Masculine"})), tuple)


def test_a_way_back_that_leads_nowhere_is_refused():
    """The local value of `back` is one that `codes` knows."""
    assert ("unknown_value", "back.cash") in services({"Food": "food"}, {"cash": "Money"})


def test_members_without_a_rule_are_named():
    """A message holds nothing that disappears unseen; what is left out is written down."""
    value = file(body_type="referral.request/1", left_out=["content.household"])
    found = check(parse(value), vocabulary("referral.request/1", language_names()))
    unread = {finding.place for finding in found if finding.rule == "unread_member"}
    assert "content.person.pseudonym" in unread
    assert not {place for place in unread if place.startswith(("content.household", "content.person.gender", "header"))}
    assert ("lossy_unknown", "fields.content.person.gender") in {(finding.rule, finding.place) for finding in found}


# --- side by side -------------------------------------------------------------------------------------------------


def test_the_way_out_is_shown_side_by_side():
    """Constants, cells with what they become, faults at their line, and what nobody reads."""
    fields = {"Sex": "X", "Born": "N/K", "Note": "hello", "Colour": "red"}
    lines = {line.label or line.path: line for line in outward(parse(file()), LocalRecord(ref="r", fields=fields))}
    assert lines["header.language"].remarks == ("constant of the file",)
    assert (lines["Note"].local, lines["Note"].path, lines["Note"].value) == ("hello", "content.summary", "hello")
    assert (lines["Born"].path, lines["Born"].value) == ("content.person.unknown.birth_date", "unknown")
    assert lines["Sex"].remarks[0].startswith("unmapped_code")
    assert lines["Colour"].remarks == ("not read by any rule",)


def test_the_way_back_is_shown_side_by_side():
    """The same table seen from the message."""
    content = {"person": {"gender": "NonSpecifiedUnknown", "pseudonym": "Mali"}, "exploitation": ["Slavery"], "kept": 1}
    lines = {line.path: line for line in inward(parse(file()), message(**content))}
    assert (lines["content.person.gender"].local, lines["content.person.gender"].label) == ("F", "Sex")
    assert lines["content.person.gender"].remarks == ("loses: the office does not tell them apart",)
    assert lines["content.exploitation[]"].remarks[0].startswith("unmapped_code")
    assert lines["/content/person/pseudonym"].remarks == ("not read by any rule",)
    assert lines["/content/kept"].remarks == ("left out on purpose",)


def test_the_example_of_the_document_goes_back():
    """The part of docs/mapping-format.md about the way back has no fault of its own."""
    text = (ROOT / "docs" / "mapping-format.md").read_text(encoding="utf-8").partition("## The way back")[2]
    part = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    mapping = parse({"format": "trm-mapping/1", "name": "x", "body_type": "referral.request/1", **part})
    found = check(mapping, vocabulary("referral.request/1", language_names()))
    assert {finding.rule for finding in found} == {"unread_member"}
    made = map_message(mapping, {"content": {"person": {"gender": "NonConforming"}}})
    assert isinstance(made, tuple)
    assert [finding.rule for finding in made] == ["unmapped_code"]
