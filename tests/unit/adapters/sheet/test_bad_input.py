"""What real line lists hold: each fault is a sentence at its cell or sheet, and the good rows go on."""

from __future__ import annotations

import datetime as dt
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from openpyxl.comments import Comment
from support.htcds_tables import workbook
from support.sheets import GOOD, faults_of, pull_sheet, refused_rules, sheet_adapter
from support.workbooks import LABELS, csv, ods, ods_cell, ods_row, xlsx

from adapters.sheet.cells import LONGEST
from adapters.sheet.words import list_languages, load_words
from gateway.ports import LocalRecord

PLAIN = ["R-1", "Yes", "Nobody One", "1994-05-06", "F", "2", "0017", ""]
OTHER = ["R-2", *PLAIN[1:]]


def with_cell(column: str, value: object) -> list[object]:
    """The good row with another value under a label."""
    return [value if label == column else cell for label, cell in zip(LABELS, PLAIN, strict=True)]


def rules(records: list[LocalRecord]) -> list[list[tuple[str, str]]]:
    """The faults of each record."""
    return [faults_of(record) for record in records]


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("Name", "x" * (LONGEST + 1), "cell_too_long"),
        ("Name", "Nobody\ufeff One", "byte_order_mark"),
        ("Gender", "\u0405F", "mixed_alphabets"),
        ("Case", "A\u0410-17", "mixed_alphabets"),
        ("Gender", "F\u0395", "mixed_alphabets"),
        ("Case", "\u0410-17", None),
    ],
    ids=["too long", "mark", "cyrillic beside latin", "in a number", "greek beside latin", "one alphabet"],
)
async def test_text_of_a_cell(tmp_path: Path, column: str, value: str, rule: str | None) -> None:
    """Texts over the length of a cell, invisible marks, words of two alphabets: told at the cell; the next row goes."""
    records = await pull_sheet(tmp_path, csv([LABELS, with_cell(column, value), OTHER]), ".csv")
    place = f"row 2, column {'ABCDEFGH'[LABELS.index(column)]}"
    assert rules(records) == [[] if rule is None else [(place, rule)], []]


async def test_a_mark_before_a_label_and_joined_files(tmp_path: Path) -> None:
    """A byte-order mark before a heading is no letter of it; a second heading row within the rows is told as one."""
    first = "\ufeff".encode() + csv([LABELS, PLAIN])
    records = await pull_sheet(tmp_path, first + first.replace(b"R-1", b"R-2"), ".csv")
    assert [record.ref.partition(":")[2] for record in records] == ["R-1", "@row3", "R-2"]
    assert ("row 3, column B", "bad_mark") in faults_of(records[1]) and records[0].faults == records[2].faults == ()


async def test_hidden_rows(tmp_path: Path) -> None:
    """A row that nobody sees is not referred by its mark, in either kind of workbook; what is shown goes."""
    rows = [list(LABELS), [*GOOD[:3], "1994-05-06", *GOOD[4:]], OTHER]
    hidden = workbook(rows, hidden=[1])
    assert rules(await pull_sheet(tmp_path, hidden)) == [[("sheet Cases, row 2, column B", "hidden_row")], []]
    filtered = ods([ods_row(LABELS), ods_row(PLAIN, 'table:visibility="filter"'), ods_row(OTHER)])
    told = rules(await pull_sheet(tmp_path, filtered, ".ods"))
    assert told == [[("sheet Cases, row 2, column B", "hidden_row")], []]


async def test_a_heading_over_two_rows(tmp_path: Path) -> None:
    """Labels that reach over the row of a group name are those of the columns; the names of groups are none."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = "Cases"
    page.append(["Key", "Ready", "The person", "", "", "Children", "Case", "Remarks"])
    page.append(["", "", "Name", "Born", "Gender", "", "", ""])
    page.append(GOOD)
    for column in "ABFGH":
        page.merge_cells(f"{column}1:{column}2")
    page.merge_cells("C1:E1")
    output = BytesIO()
    book.save(output)
    (record,) = await pull_sheet(tmp_path, output.getvalue())
    assert (record.ref, record.faults, record.fields["Name"], record.fields["Case"]) == (
        "office:R-1",
        (),
        "Nobody One",
        "0017",
    )


def grouped(*rows: list[object], merge: tuple[str, ...]) -> bytes:
    """A workbook in which cells of the heading are merged."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = "Cases"
    for row in rows:
        page.append(row)
    for cells in merge:
        page.merge_cells(cells)
    output = BytesIO()
    book.save(output)
    return output.getvalue()


async def test_a_group_and_its_sub_headings(tmp_path: Path) -> None:
    """Where group and sub-heading together are a label, that is the label; one beside the groups is its column's."""
    data = grouped(
        ["Key", "Ready", "Name", "Date", "", "Gender", "Children", "Case"],
        ["", "", "", "of Birth", "of Arrival", "", "", ""],
        [*GOOD[:4], "2024-03-05", "F", 2, "0017"],
        merge=("D1:E1",),
    )
    (record,) = await pull_sheet(tmp_path, data)
    assert (record.faults, record.fields["Date of Birth"], record.fields["Name"]) == ((), "1994-05-06", "Nobody One")
    assert record.places["Date of Birth"] == "sheet Cases, row 3, column D"
    assert "2024-03-05" not in repr(record)


@pytest.mark.parametrize("suffix", [".xlsx", ".ods"])
async def test_a_heading_over_several_columns(tmp_path: Path, suffix: str) -> None:
    """A column without a name of its own is told where it is filled and at its heading; rows that leave it empty go."""
    labels = ["Key", "Ready", "Name", "", "Born", "Gender", "Children", "Case"]
    rows = [["R-1", "Yes", "One", "", "1994", "F", "2", "1"], ["R-2", "Yes", "Two", "Other", "1994", "F", "2", "2"]]
    if suffix == ".xlsx":
        data = grouped(labels, *rows, merge=("C1:D1",))
    else:
        wide = ods_cell("Name", 'table:number-columns-spanned="2"') + "<table:covered-table-cell/>"
        data = ods([ods_row([*labels[:2], wide, *labels[4:]]), *(ods_row(row) for row in rows)])
    adapter = sheet_adapter(tmp_path, data, suffix)
    good, bad = await adapter.pull()
    assert (good.faults, good.fields["Name"]) == ((), "One")
    assert faults_of(bad) == [("sheet Cases, row 3, column D", "merged_heading")] and "Other" not in repr(bad)
    assert [(told.place, told.rule) for told in await adapter.check()] == [
        ("sheet Cases, row 1, column D", "merged_heading")
    ]


async def test_a_label_above_names_of_its_own(tmp_path: Path) -> None:
    """Nobody knows which of the columns below it is meant: told where they are filled; a row without them goes."""
    data = grouped(
        ["Key", "Ready", "Name", "Born", "Gender", "", "Children", "Case"],
        ["", "", "", "", "At birth", "Today", "", ""],
        ["R-1", "Yes", "One", "1994", "F", "", 2, "0017"],
        ["R-2", "Yes", "Two", "1994", "", "", 2, "0017"],
        merge=("E1:F1", *(f"{column}1:{column}2" for column in "ABCDGH")),
    )
    bad, good = await pull_sheet(tmp_path, data)
    assert faults_of(bad) == [("sheet Cases, row 3, column E", "merged_heading")] and "F" not in bad.fields.values()
    assert (good.faults, good.fields["Name"]) == ((), "Two")


async def test_one_name_under_two_groups(tmp_path: Path) -> None:
    """Nobody knows whose name is meant, so neither is taken; a row in which both are empty goes."""
    data = grouped(
        ["Key", "Ready", "The person", "", "", "The mother", "Children", "Case"],
        ["", "", "Name", "Born", "Gender", "Born", "", ""],
        ["R-1", "Yes", "One", "", "F", "1970-01-02", 2, "0017"],
        ["R-2", "Yes", "Two", "", "F", "", 2, "0017"],
        merge=("C1:E1", *(f"{column}1:{column}2" for column in "ABGH")),
    )
    adapter = sheet_adapter(tmp_path, data)
    bad, good = await adapter.pull()
    assert faults_of(bad) == [("sheet Cases, row 3, column F", "merged_heading")] and "1970" not in repr(bad)
    assert (good.faults, good.fields["Name"]) == ((), "Two")
    assert [told.place for told in await adapter.check()] == [
        "sheet Cases, row 2, column D",
        "sheet Cases, row 2, column F",
    ]


async def test_two_hundred_thousand_empty_rows(tmp_path: Path) -> None:
    """Rows without a word are no rows, in CSV and in both workbooks; a word behind them is one too far."""
    many = 200_000
    data = csv([LABELS, PLAIN])
    assert len(await pull_sheet(tmp_path, data + b",,,,,\r\n" * many, ".csv")) == 1
    assert await refused_rules(tmp_path, data + b",,,,\r\n" * many + csv([OTHER]), ".csv") == ["sheet_too_large"]
    tail = ods_row([ods_cell("", 'table:number-columns-repeated="8"')], f'table:number-rows-repeated="{many}"')
    assert len(await pull_sheet(tmp_path, ods([ods_row(LABELS), ods_row(PLAIN), tail]), ".ods")) == 1
    book = BytesIO()
    blank = openpyxl.Workbook(write_only=True)
    page = blank.create_sheet("Cases")
    for row in (LABELS, PLAIN):
        page.append(list(row))
    for _ in range(2_000):
        page.append([""])
    blank.save(book)
    assert len(await pull_sheet(tmp_path, book.getvalue())) == 1


@pytest.mark.parametrize("epoch_1904", [False, True], ids=["1900", "1904"])
async def test_workbooks_of_both_calendars(tmp_path: Path, epoch_1904: bool) -> None:
    """A day is the same day, whether its program counts from 1900 or from 1904."""
    data = workbook([LABELS, with_cell("Born", dt.date(1994, 5, 6))], epoch_1904=epoch_1904)
    (record,) = await pull_sheet(tmp_path, data)
    assert record.fields["Born"] == "1994-05-06"


async def test_comments_are_not_read_and_told(tmp_path: Path) -> None:
    """A name in a comment is in no record, and the check says that the file has comments."""
    book = openpyxl.load_workbook(BytesIO(xlsx([LABELS, GOOD])))
    book.worksheets[0]["C2"].comment = Comment("her mother is Somebody Secret", "Somebody")
    output = BytesIO()
    book.save(output)
    note = "<office:annotation><text:p>Somebody Secret</text:p></office:annotation>"
    cell = f'<table:table-cell office:value-type="string">{note}<text:p>Nobody One</text:p></table:table-cell>'
    for data, suffix in (
        (output.getvalue(), ".xlsx"),
        (ods([ods_row(LABELS), ods_row(with_cell("Name", cell))]), ".ods"),
    ):
        (record,) = await pull_sheet(tmp_path, data, suffix)
        assert record.fields["Name"] == "Nobody One" and "Secret" not in repr(record)
        told = [finding.rule for finding in await sheet_adapter(tmp_path, data, suffix).check()]
        assert told == ["comments_not_read"]


async def test_hidden_sheets_alone_are_named(tmp_path: Path) -> None:
    """Where the only sheet with the labels is hidden, nothing is read and the refusal says so."""
    data = xlsx([["nothing"]], hidden=["Old"])
    assert await refused_rules(tmp_path, data) == ["hidden_sheet"]


@pytest.mark.parametrize("language", list_languages())
def test_the_sentence_has_an_example_in_each_language(language: str) -> None:
    """Who typed a date sees how to type it, in the language of the cell."""
    words = load_words(language).own["rules"]
    assert "2024-05-31" in words["bad_date"] and "2024-04-03" in words["date_two_ways"]
