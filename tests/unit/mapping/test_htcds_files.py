"""HTCDS tables as they come: twenty cases in every format, six languages and five code pages; what is asked, once."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from support.htcds_figures import figures_of
from support.htcds_tables import COUNT, FORMATS, cases, table_of, template_labels, workbook
from support.shared import shared

from gateway.errors import RefusedError
from gateway.mapping.case_system import htcds
from gateway.mapping.dates import DayOrder
from gateway.mapping.htcds import Fate
from gateway.mapping.htcds_files import RecordFile, read_records, take_record, together, with_dates

PROFILE = htcds()
LANGUAGES = ("fr", "el", "pl", "sq", "ar", "uk")


def read(folder: Path, data: bytes, name: str = "cases.xlsx", encoding: str | None = None) -> RecordFile:
    """The records of a file of these bytes."""
    path = folder / name
    path.write_bytes(data)
    return read_records(path, PROFILE.known, encoding)


@pytest.mark.parametrize("language", LANGUAGES)
def test_twenty_cases_give_twenty_drafts_and_one_list(tmp_path: Path, language: str) -> None:
    """In each format the same drafts; a word of no list and a date of two ways are asked in their column."""
    for kind in FORMATS:
        suffix = kind.split()[-1] if "xlsx" in kind else "ods" if kind == "ods" else "csv"
        found = read(tmp_path, table_of(language, kind), f"cases.{suffix}")
        assert (len(found.records), found.guessed is not None) == (COUNT, kind == "csv code page"), kind
        taken = [take_record(PROFILE, record) for record in found.records]
        asked = {
            (each.line.field.rpartition("/")[2], each.line.why.partition(":")[0]): each.records
            for each in together(taken)
            if each.line.fate is Fate.PERSON and each.line.field
        }
        gender = {why: numbers for (field, why), numbers in asked.items() if "ender" in field}
        born = {why: numbers for (field, why), numbers in asked.items() if "irthdate" in field}
        assert (gender, born) == ({"unmapped_code": (5,)}, {"date_two_ways": (12,)}), kind
        assert len(asked) == 4, (kind, asked)  # those, the consent and the telephone number
        for number, (made, row) in enumerate(zip(taken, cases(language), strict=True), start=1):
            content = made.draft["content"]
            assert isinstance(content, dict) and isinstance(person := content["person"], dict)
            assert person["name_given"] == row["prs_FirstName"]
            assert person["nationalities"] == ["AL", "UA"]
            assert content["exploitation"] == ["ForcedLabour", "Servitude"][: 1 + number % 2]
            assert content["thb_status"] == "identified"
            assert ("gender" in person, "birth_date" in person) == (number != 5, number != 12)


def test_the_drafts_become_records_again(tmp_path: Path) -> None:
    """What went over comes back by codes of the standard, in each record; nothing of it is lost on the way."""
    found = figures_of(tmp_path, "el", "csv code page")
    assert (found.guessed, found.drafts, len(found.back)) == ("cp1253", COUNT, COUNT)
    for given, row in zip(found.back, cases("el"), strict=True):
        assert given.record["prs_FirstName"] == row["prs_FirstName"]
        assert given.record["prs_Citizenship"] == "AL;UA"
        assert given.record["vic_TraffickingStatus"] == "ActualVictimOfTrafficking"
        assert given.record["vic_TypeOfExploitation"] in ("ForcedLabour", "ForcedLabour;Servitude")
        assert not [line for line in given.lines if line.fate is Fate.LOST]


def test_an_answer_about_dates_holds_for_the_column(tmp_path: Path) -> None:
    """Once somebody said which number is the day, the date that was asked is in the draft."""
    record = read(tmp_path, table_of("fr", "ods"), "cases.ods").records[11]
    for order, day in ((DayOrder.DAY_FIRST, "1994-04-03"), (DayOrder.MONTH_FIRST, "1994-03-04")):
        content = take_record(with_dates(PROFILE, order), record).draft["content"]
        assert isinstance(content, dict) and isinstance(person := content["person"], dict)
        assert person["birth_date"] == day


def test_columns_with_one_heading_between_them(tmp_path: Path) -> None:
    """What stands in them needs a person, at its cell; a group with its label names a column; the rest goes on."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(["First Name", "Trafficking", "", "Citizenship", "", "Birthdate"])
    page.append(["", "Status", "Note", "", "", ""])
    for row in (
        ["Nobody", "ActualVictimOfTrafficking", "", "AL", "", "1994-05-06"],
        ["Somebody", "ActualVictimOfTrafficking", "", "AL", "UA", ""],
    ):
        page.append(row)
    for cells in ("B1:C1", "D1:E2", "A1:A2", "F1:F2"):
        page.merge_cells(cells)
    output = BytesIO()
    book.save(output)
    one, two = [take_record(PROFILE, record) for record in read(tmp_path, output.getvalue()).records]
    for made in (one, two):
        content = made.draft["content"]
        assert isinstance(content, dict) and content["thb_status"] == "identified"
    assert not [line for line in one.lines if line.why.startswith("merged_heading")]
    assert [line.field for line in two.lines if line.why.startswith("merged_heading")] == ["Citizenship"]
    content = two.draft["content"]
    assert isinstance(content, dict) and "nationalities" not in str(content["person"])


def test_answers_that_have_a_column_each(tmp_path: Path) -> None:
    """Where a survey wrote several answers as ticks alone, they are one field again."""
    head = ["prs_First_Name", "prs_Second_Name", "x/vic_TypeOfExploitation/ForcedLabour"]
    head += ["x/vic_TypeOfExploitation/Servitude", "x/vic_TypeOfExploitation/Other"]
    (record,) = read(tmp_path, workbook([head, ["A", "B", 1, 0, "TRUE"]])).records
    assert record.fields["vic_TypeOfExploitation"] == "ForcedLabour;Other"
    assert "ForcedLabour" in str(take_record(PROFILE, record).draft)


def test_a_cell_that_cannot_be_trusted_is_asked_and_the_rest_goes(tmp_path: Path) -> None:
    """A number where zeros count, a formula, two columns of one name: each at its cell, the draft has the others."""
    head = ["First Name", "Second Name", "Identity Number", "Outgoing Referral Details", "Gender", "Gender"]
    (record,) = read(tmp_path, workbook([head, ["A", "B", 12, "=1+1", "Feminine", ""]])).records
    told = {label: (fault.place, fault.rule) for label, fault in record.faults.items()}
    assert told == {
        "Identity Number": ("sheet Cases, row 2, column C", "number_in_id_column"),
        "Outgoing Referral Details": ("sheet Cases, row 2, column D", "formula"),
        "Gender": ("sheet Cases, row 2, column E", "ambiguous_column"),
    }
    made = take_record(PROFILE, record)
    assert made.draft["content"] == {"person": {"name_given": "A", "name_family": "B"}}
    assert {line.field for line in made.lines if line.fate is Fate.PERSON and line.field} == set(told)


def test_the_form_is_no_answers(tmp_path: Path) -> None:
    """Who gives the survey form itself is told so."""
    with pytest.raises(RefusedError, match="no_heading") as caught:
        read(tmp_path, (shared("data/htcds") / "htcds_xlsform.xlsx").read_bytes())
    assert "export the answers" in str(caught.value.hint)


def test_the_workbook_of_the_standard(tmp_path: Path) -> None:
    """Filled in as it comes, its visible labels count: the street is no city. Empty, it has no record."""
    path = shared("data/htcds") / "HTCDS Excel Spreadsheet v2.0.xlsx"
    assert read_records(path, PROFILE.known).records == []
    import openpyxl

    book = openpyxl.load_workbook(path)
    page = book.worksheets[0]
    for column, label in enumerate(template_labels(), start=2):
        assert page.cell(2, column).value == label
        page.cell(3, column).value = {"Mailing Street": "somewhere", "First Name": "A", "Gender": "Masculine"}.get(
            label
        )
    book.save(tmp_path / "filled.xlsx")
    (record,) = read_records(tmp_path / "filled.xlsx", PROFILE.known).records
    assert record.fields == {"First Name": "A", "Gender": "Masculine", "Mailing Street": "somewhere"}
