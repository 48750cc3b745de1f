"""The way back: messages become records, and what can not is put before a person; the historical errors are refused."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from support.house import ROOT
from support.maps import back, mapped_message, mapping_file

from gateway.errors import RefusedError
from gateway.mapping.labels import language_names
from gateway.mapping.to_message import MappedMessage, check, map_message, map_record, parse, vocabulary
from gateway.ports import LocalRecord


def faults(**content: Any) -> list[tuple[str, str]]:
    """Rule and place of each reason why a person has to look."""
    found = map_message(parse(mapping_file()), mapped_message(**content))
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
    found = map_message(parse(mapping_file()), mapped_message(**content))
    assert isinstance(found, MappedMessage)
    again = map_record(parse(mapping_file()), LocalRecord(ref="r", fields=found.fields))
    assert isinstance(again, dict)
    assert again["content"] == content


def test_a_reviewed_loss_is_written_and_told():
    """The record has the value that the file names, and the place whose distinction is gone."""
    found = map_message(parse(mapping_file()), mapped_message(person={"gender": "NonSpecifiedUnknown"}))
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
    found = map_message(parse(mapping_file()), mapped_message(person={"unknown": {"birth_date": "not_yet"}}))
    assert isinstance(found, MappedMessage)
    assert (found.fields, [loss.hint for loss in found.losses]) == ({}, ["the office has no word for later"])


def test_what_is_left_out_on_purpose_is_no_fault():
    """Also what lies below it; the record says that there was more."""
    found = map_message(parse(mapping_file()), mapped_message(kept={"a": [1], "unknown": {"b": "x"}}, told=True))
    assert isinstance(found, MappedMessage)
    assert (found.fields, found.left_out) == ({"Told": "Yes"}, ("/content/kept/a/*", "/content/kept/unknown/b"))


def test_one_column_is_not_written_twice():
    """Two members that disagree about one column are for a person."""
    value = mapping_file()
    value["fields"]["content.other"] = {"from": "Note", "type": "text"}
    found = map_message(parse(value), mapped_message(summary="a", other="b"))
    assert isinstance(found, tuple)
    assert [finding.rule for finding in found] == ["ambiguous_column"]
    assert isinstance(map_message(parse(value), mapped_message(summary="a", other="a")), MappedMessage)


def test_a_file_of_the_way_back_makes_no_draft():
    """It has no constants, and a record of it is refused."""
    value = mapping_file(direction="in")
    with pytest.raises(RefusedError, match="1 fault"):
        parse(value)
    del value["constants"]
    found = map_record(parse(value), LocalRecord(ref="r", fields={"Note": "x"}))
    assert isinstance(found, tuple)
    assert [finding.rule for finding in found] == ["wrong_direction"]


# --- side by side -------------------------------------------------------------------------------------------------


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
