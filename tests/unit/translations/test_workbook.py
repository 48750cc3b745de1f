"""The workbook of translations: the same bytes for the same rows, as other programs show it."""

from __future__ import annotations

from io import BytesIO

import openpyxl

from gateway.translations.workbook import COLUMNS, HIDDEN, START, Row, write_workbook

ROW = Row(
    sheet="Region",
    context="a step",
    english="A second person releases it",
    wording="يعتمده شخص ثانٍ",
    status="draft",
    reviewer="",
    remark="",
    path="a/file",
    key="/a/key",
    before="يعتمده شخص ثانٍ",
)


def test_the_same_texts_are_the_same_workbook() -> None:
    """Byte for byte: whoever gets one can compare it."""
    one, other = (write_workbook("ar", "العربية", [ROW, ROW], right_to_left=True) for _ in range(2))
    assert one == other


def test_another_program_shows_what_a_reviewer_needs() -> None:
    """A page that explains it, statuses to choose from, hidden keys, Arabic from right to left."""
    book = openpyxl.load_workbook(BytesIO(write_workbook("ar", "العربية", [ROW], right_to_left=True)))
    assert book.sheetnames == [START, "Region"]
    page = book["Region"]
    assert [cell.value for cell in page[1]] == [title for title, _ in COLUMNS]
    assert [page.column_dimensions[letter].hidden for letter in "ABCDEFG"] == [False] * HIDDEN + [True]
    (choice,) = page.data_validations.dataValidation
    assert (choice.formula1, str(choice.sqref)) == ('"draft,reviewed"', "D2")
    assert page["C2"].alignment.readingOrder == 2
