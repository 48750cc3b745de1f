"""The workbook for an office that has nothing else, opened by another program, and the words of each language."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from support.house import ROOT
from support.linelists import CODES, fill

from adapters.sheet import SheetAdapter, htcds, records
from adapters.sheet.words import FOLDER, list_languages, load_words
from gateway.errors import Finding, RefusedError
from gateway.mapping.alphabet import rank_name
from gateway.mapping.case_system import read_mapping
from gateway.mapping.labels import in_language
from gateway.mapping.line_list import new_line_list
from gateway.mapping.to_message import map_record
from schemas.labels import load_labels, load_languages

MAPPING = ROOT / "gateway" / "mapping"
SOURCES = [*Path(htcds.__file__).parent.glob("*.py"), MAPPING / "cells.py"]


def _opened(lang: str, mapping: Path | None = None) -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(new_line_list(lang, mapping)))


def _offered(book: openpyxl.Workbook) -> dict[str, list[str]]:
    """What the drop-down of each column offers, by its label."""
    cases, lists = book.worksheets[0], book["trm-lists"]
    found = {}
    for rule in cases.data_validations.dataValidation:
        if rule.type != "list":
            continue
        match = re.fullmatch(r"'trm-lists'!\$([A-Z]+)\$1:\$([A-Z]+)\$(\d+)", rule.formula1)
        assert match is not None and match[1] == match[2]
        label = str(cases.cell(row=2, column=next(iter(rule.sqref.ranges)).min_col).value)
        found[label] = [str(lists[f"{match[1]}{row}"].value) for row in range(1, int(match[3]) + 1)]
    return found


@pytest.mark.parametrize("lang", load_languages())
def test_drop_downs_in_each_language(lang: str) -> None:
    """A column with codes offers their labels; labels for the reader stand in row 2, those for people above them."""
    book, said = _opened(lang), load_labels(lang)
    cases = book.worksheets[0]
    assert (cases.freeze_panes, cases.sheet_view.rightToLeft or False) == ("B3", lang == "ar")
    assert book["trm-lists"].sheet_state == "hidden"
    row = [str(cell.value) for cell in cases[2]]
    assert sorted(row) == sorted({label for _, label in htcds.TEMPLATE} | set(htcds.ADDED))
    offered = _offered(book)
    for label, (name, codes) in CODES.items():
        assert {said.code(name, code).text for code in codes} <= set(offered[label]), label
    assert offered["Ready to Refer"] == [said.language.yes, said.language.no]
    assert all(len(set(texts)) == len(texts) for texts in offered.values())
    above = dict(zip(row, (str(cell.value) for cell in cases[1]), strict=True))
    assert above["Gender"] == said.field("referral.request/1", "/content/person/gender").text
    assert above["Age Group"].endswith(" *") and not above["Gender"].endswith("*")
    assert _instructions(book.worksheets[1]) == list(load_words(lang).instructions())
    assert not any(str(cell.value).startswith("=") for sheet in book for cells in sheet for cell in cells)
    book.close()


def _instructions(sheet: Worksheet) -> list[str]:
    return [str(cell.value) for (cell,) in sheet.iter_rows(max_col=1)]


def test_several_values_can_be_typed() -> None:
    """A list is enforced where one value belongs; where several may stand, what is typed is left to the reader."""
    book = _opened("fr")
    cases = book.worksheets[0]
    rules = {
        str(cases.cell(row=2, column=next(iter(rule.sqref.ranges)).min_col).value): rule
        for rule in cases.data_validations.dataValidation
    }
    assert rules["Gender"].showErrorMessage and not rules["Services Requested"].showErrorMessage
    assert rules["Services Requested"].prompt == load_words("fr")("notes", "many")
    assert cases.column_dimensions["A"].width > 20
    book.close()


@pytest.mark.parametrize("lang", load_languages())
async def test_a_filled_workbook_is_read(tmp_path: Path, lang: str) -> None:
    """What a person chooses in a language comes out as the codes, the same in each; unknown labels are faults."""
    path = tmp_path / "cases.xlsx"
    fill(path, lang, 2, lambda number, row: row.update({"Gender": "??"} if number == 2 else {}))
    good, bad = await SheetAdapter(path, marks=htcds.MARKS, language=lang).pull()
    mapping = in_language(read_mapping(htcds.MAPPING), load_labels(lang))
    draft = map_record(mapping, good)
    assert isinstance(draft, dict)
    content = draft["content"]
    assert isinstance(content, dict) and isinstance(content["person"], dict)
    assert content["exploitation"] == ["ForcedLabour", "ForcedBegging"]
    assert content["person"]["nationalities"] == ["AL", "XK"]
    assert content["unknown"] == {"health_flags": "refused"}
    assert draft["header"]["author_ref"] == "0017"  # type: ignore[call-overload,index]
    faults = map_record(mapping, bad)
    assert isinstance(faults, tuple)
    assert [(fault.place, fault.rule) for fault in faults] == [(bad.places["Gender"], "unmapped_code")]


async def test_nothing_is_marked_in_a_new_workbook(tmp_path: Path) -> None:
    """As it is written it holds no case, every column is known, and the same words give the same bytes."""
    path = tmp_path / "cases.xlsx"
    path.write_bytes(new_line_list("uk"))
    tmp_path.chmod(0o700)
    adapter = SheetAdapter(path, marks=htcds.MARKS, language="uk")
    assert (await adapter.pull(), await adapter.check()) == ([], [])
    assert path.read_bytes() == new_line_list("uk")


async def test_the_columns_of_an_office(tmp_path: Path) -> None:
    """With a mapping file the workbook has what that reads and what an enquiry needs, and nothing that nobody reads."""
    office = tmp_path / "office.yaml"
    office.write_text(
        "format: trm-mapping/1\nname: office\nbody_type: referral.request/1\nfields:\n"
        "  content.person.gender: {from: Sex, type: code, list: gender, codes: {F: Feminine}}\n"
        "  content.person.birth_date: {from: Born, type: date}\n"
    )
    book = _opened("fr", office)
    cases = book.worksheets[0]
    row = [str(cell.value) for cell in cases[2]]
    assert row[:3] == [htcds.KEY, htcds.READY_TO_ASK, htcds.READY_TO_REFER]
    assert {"Sex", "Born", "Recipient"} < set(row) and "First Name" not in row
    assert _offered(book)["Sex"] == [load_labels("fr").code("gender", "Feminine").text]
    assert (
        "yyyy" in cases.column_dimensions[cases.cell(row=2, column=row.index("Born") + 1).column_letter].number_format
    )
    book.close()
    path = tmp_path / "cases.xlsx"
    path.write_bytes(new_line_list("fr", office))
    tmp_path.chmod(0o700)
    marks = htcds.MARKS | {htcds.READY_TO_REFER: office}
    assert await SheetAdapter(path, marks=marks, language="fr").check() == []


@pytest.mark.parametrize("lang", load_languages())
def test_drop_downs_are_in_the_order_of_the_alphabet(lang: str) -> None:
    """In each language; why there is no value comes last, and yes before no."""
    offered = _offered(_opened(lang))
    said = load_labels(lang)
    reasons = {said.code("absence", reason).text for reason in ("unknown", "refused", "not_yet")}
    for label in ("Citizenship", "Gender", "Type of Exploitation", "Services Requested"):
        texts = [text for text in offered[label] if text not in reasons]
        assert texts == sorted(texts, key=lambda text: rank_name(text, lang)), label
        assert not set(offered[label][: len(texts)]) & reasons
    assert offered["Ready to Refer"] == [said.language.yes, said.language.no]


def test_a_language_that_is_not_known() -> None:
    """It is refused, with those that there are."""
    with pytest.raises(RefusedError, match="no such language"):
        new_line_list("xx")


# --- words ---------------------------------------------------------------------------------------------------------


def test_every_language_has_words() -> None:
    """Each language of the labels has its file here, and no other has."""
    assert list_languages() == sorted(load_languages())


@pytest.mark.parametrize("lang", list_languages())
def test_a_file_of_words_is_whole(lang: str) -> None:
    """It has the keys of the English one, texts that are no formulas, and titles that a sheet can have."""
    own = json.loads((FOLDER / f"{lang}.json").read_text(encoding="utf-8"))
    english = json.loads((FOLDER / "en.json").read_text(encoding="utf-8"))
    assert own.keys() == english.keys()
    for section, value in english.items():
        if isinstance(value, dict):
            assert own[section].keys() == value.keys(), section
            assert all(
                text.strip() == text and text[:1] not in {"", "=", "+", "-", "@"} for text in own[section].values()
            )
    assert len(own["instructions"]) == len(english["instructions"])
    assert all(len(title) <= 31 and not set("[]:*?/\\\\'") & set(title) for title in own["pages"].values())
    assert all(len(note) <= 255 for note in own["notes"].values())
    assert own["direction"] == load_labels(lang).language.direction
    assert own["status"] in {"draft", "reviewed"} and english["status"] == "reviewed"
    shown = load_words(lang).place("sheet A, B, row 7, column D", "Gender")
    assert all(part in shown for part in ("A, B", "7", "D", "(Gender)"))


def test_every_rule_of_a_cell_has_words() -> None:
    """What the reader of sheets and of mappings can say about a cell is in the words."""
    told = {rule for path in SOURCES for rule in re.findall(r'CellFault\(\s*rule="(\w+)"', path.read_text("utf-8"))}
    told |= {rule for path in SOURCES for rule in re.findall(r'Fault\(\s*"(\w+)"', path.read_text("utf-8"))}
    told |= set(re.findall(r'self\._fault\([^"\n]*, "(\w+)"', (MAPPING / "to_message.py").read_text("utf-8")))
    told |= records._HINTS.keys()
    assert len(told) > 25 and {"missing", "bad_mark", "unmapped_code"} <= told
    assert told <= load_words().english["rules"].keys()


def test_what_has_no_words_is_english_and_marked() -> None:
    """A language without a file, and a rule that nobody has put into words."""
    none = load_words("xx")
    assert none("states", "drafted") == f"{load_words()('states', 'drafted')} [en]"
    assert none.page("cases") == "Cases" and none.column("Consent") is None
    assert none.fault(Finding(place="", rule="missing", hint="fill it")) == "fill it [en]"
    assert load_words().fault(Finding(place="", rule="missing", hint="fill it")) == "fill it"
    assert none.place("/content/a") == "/content/a"
