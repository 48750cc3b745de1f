"""The labels of a language in cells: what a drop-down offers is understood, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.tables import table

from adapters.sheet import htcds
from gateway.errors import Finding
from gateway.mapping.case_system import read_mapping
from gateway.mapping.cells import Cell, CellFault, read_cell
from gateway.mapping.labels import choices, in_language
from gateway.mapping.to_message import map_record, parse, placed
from gateway.mapping.types import Absence, RecordMapping, Rule, Target
from gateway.ports import LocalRecord
from schemas.labels import Labels, find_language, load_labels, load_languages

MAPPINGS = {mapping.name: mapping for mapping in map(read_mapping, htcds.MARKS.values())}


def mapping(**fields: dict[str, Any]) -> RecordMapping:
    """A file of these rules below `content`."""
    rules = {f"content.{name.replace('__', '.')}": rule for name, rule in fields.items()}
    return parse({"format": "trm-mapping/1", "name": "office", "body_type": "referral.request/1", "fields": rules})


def invented(**codes: str) -> Labels:
    """The labels of a language for codes of the list gender alone."""
    return Labels(language=find_language("fr"), file={"status": "draft", "lists": {"gender": {"codes": codes}}})


def gender(**more: object) -> Rule:
    """A rule of an office that knows two codes, by its own letters."""
    codes = {"F": "Feminine", "M": "Masculine"}
    rule: dict[str, Any] = {"from": "Gender", "type": "code", "list": "gender", "codes": codes} | more
    return mapping(person__gender=rule).rules[0]


def spoken(rule: Rule, said: Labels) -> Rule:
    """The rule as it is read in a language."""
    return in_language(replace(mapping(), rules=(rule,)), said).rules[0]


@pytest.mark.parametrize("lang", load_languages())
@table("name", MAPPINGS)
def test_every_choice_is_understood(name: str, lang: str) -> None:
    """What a drop-down offers becomes the code it stands for, alone and beside the others, in each language."""
    said = load_labels(lang)
    count = 0
    for rule in in_language(MAPPINGS[name], said).rules:
        offered = choices(rule, said)
        for choice in offered:
            cell = read_cell(rule, f" {choice.text} ")
            assert isinstance(cell, Cell), (rule.path.text, choice.text)
            if isinstance(choice.meaning, Target):
                assert (cell.values, cell.absent) == ((choice.meaning.value,), None)
            else:
                assert (cell.values, cell.absent) == ((), choice.meaning)
        codes = [choice for choice in offered if isinstance(choice.meaning, Target)]
        if rule.split is not None and codes:
            cell = read_cell(rule, rule.split.join(choice.text for choice in codes))
            assert isinstance(cell, Cell)
            assert cell.values == tuple(choice.meaning.value for choice in codes)  # type: ignore[union-attr]
        count += len(offered)
    assert count > 60


def test_the_file_says_which_codes_there_are() -> None:
    """A label of a code that the file does not lead to is no value of the column; neither is a word of no list."""
    said = invented(Feminine="Féminin", Masculine="Masculin", NonConforming="Non conforme")
    rule = spoken(gender(), said)
    assert [choice.text for choice in choices(rule, said)] == ["Féminin", "Masculin"]
    for text in ("Non conforme", "Feminins", "Féminin;Masculin"):
        assert read_cell(rule, text) == CellFault(
            rule="unmapped_code", hint="add the value to the mapping or correct the cell; there is no default"
        )
    for text in ("féminin", "FÉMININ", "Feminin", "f"):
        assert read_cell(rule, text) == Cell(values=("Feminine",))


def test_a_code_without_a_label_is_shown_and_understood() -> None:
    """It stands in the list by its own name, marked, and can be chosen."""
    said = invented(Feminine="Féminin")
    rule = spoken(gender(), said)
    assert [choice.text for choice in choices(rule, said)] == ["Féminin", "Masculine [sans libellé]"]
    assert read_cell(rule, "Masculine [sans libellé]") == Cell(values=("Masculine",))


@pytest.mark.parametrize(
    ("said", "more", "text"),
    [
        (invented(Feminine="Autre", Masculine="autre"), {}, "Autre"),
        (invented(Feminine="M", Masculine="Masculin"), {}, "M"),
        (invented(Feminine="Non dit"), {"unknown_values": {"non dit": "refused"}}, "Non dit"),
    ],
)
def test_a_text_with_two_meanings_is_for_a_person(said: Labels, more: dict[str, Any], text: str) -> None:
    """Two labels that read alike, and a label that the file reads as something else, are faults and no guess."""
    fault = read_cell(spoken(gender(**more), said), text)
    assert isinstance(fault, CellFault) and fault.rule == "ambiguous_label"


def test_why_there_is_no_value() -> None:
    """The reasons that the file knows are offered in the language, after the codes."""
    rule = spoken(gender(unknown_values={"Declined": "refused"}), load_labels("fr"))
    texts = [choice.text for choice in choices(rule, load_labels("fr"))]
    assert texts[-1] == load_labels("fr").code("absence", "refused").text and len(texts) == 3
    assert read_cell(rule, texts[-1]) == Cell(absent=Absence.REFUSED)


def test_columns_of_other_kinds() -> None:
    """Yes and no, countries, and the words of the file for languages; nothing is offered for text."""
    said = load_labels("sq")
    yes = mapping(child__bia_done={"from": "A", "type": "boolean", "codes": {"Yes": True, "No": False}}).rules[0]
    assert [choice.text for choice in choices(yes, said)] == ["Po", "Jo"]
    country = mapping(person__nationalities={"from": "A", "type": "country"}).rules[0]
    assert read_cell(spoken(country, said), "Shqipëria") == read_cell(country, "AL") == Cell(values=("AL",))
    spoken_there = {"from": "A", "type": "language", "codes": {"Shqip": "sq"}}
    assert [choice.text for choice in choices(mapping(language=spoken_there).rules[0], said)] == ["Shqip"]
    assert choices(mapping(summary={"from": "A", "type": "text"}).rules[0], said) == ()


def test_a_label_loses_nothing_where_the_word_of_the_file_does() -> None:
    """A value that the file marks as lossy stays so; the label of the code says exactly the code."""
    rule = in_language(MAPPINGS["htcds-2-0"], load_labels("fr"))
    (status,) = [each for each in rule.rules if each.path.text == "content.thb_status"]
    exact = str(load_labels("fr").code("case_status_thb", "presumed").text)
    cell = read_cell(status, "Possible victim of trafficking")
    assert isinstance(cell, Cell) and len(cell.losses) == 1
    assert read_cell(status, exact) == Cell(values=("presumed",))


def test_a_fault_of_a_draft_has_the_cell_it_came_from() -> None:
    """What the schema finds is told at the cell, also within a list; what no column makes keeps its pointer."""
    file = MAPPINGS["htcds-2-0"]
    places = {
        "Services Requested": "row 3, column A",
        "Nationality": "row 3, column B",
        "Citizenship": "row 3, column C",
    }
    record = LocalRecord(ref="a", fields={"Nationality": "AL"}, mapping=file.name, places=places)
    pointers = ["/content/services_requested/1/service", "/content/person/nationalities/0", "/content/handover", ""]
    found = placed(file, record, [Finding(place=pointer, rule="x", hint="y") for pointer in pointers])
    assert [finding.place for finding in found] == ["row 3, column A", "row 3, column B", "/content/handover", ""]
    assert isinstance(map_record(file, record), tuple)
