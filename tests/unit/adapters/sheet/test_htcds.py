"""The HTCDS layout: its traps, its mapping files, its sample."""

from __future__ import annotations

import zipfile
from datetime import date
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
import yaml
from python_calamine import CalamineWorkbook
from support.benches import TODAY
from support.shared import shared

import schemas
from adapters.sheet import SheetAdapter, htcds
from adapters.sheet.headings import normalise_label
from adapters.sheet.sample import SampleCase, sample_cases, write_sample
from gateway.mapping import to_message
from gateway.mapping.labels import language_names
from gateway.ports import LocalRecord

LABELS = [label for _, label in htcds.TEMPLATE] + list(htcds.ADDED)
MAPPINGS = {path.name: path for path in htcds.MARKS.values()}


def _mapping(path: Path) -> to_message.RecordMapping:
    return to_message.parse(yaml.safe_load(path.read_bytes()))


def _all_ready(cases: list[SampleCase]) -> list[SampleCase]:
    return [case.having(dict.fromkeys(htcds.MARKS, "Yes")) for case in cases]


async def _pull(path: Path) -> dict[str, LocalRecord]:
    return {record.ref: record for record in await SheetAdapter(path, marks=htcds.MARKS).pull()}


# --- mapping files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAPPINGS)
def test_mapping_files_are_clean(name: str) -> None:
    """The mapping files pass every check: known lists and codes, nothing lost unsaid, every column read or ignored."""
    found = _mapping(MAPPINGS[name])
    assert to_message.check(found, to_message.vocabulary(found.body_type, language_names())) == ()
    assert to_message.check_columns(found, LABELS) == ()


async def test_every_sample_case_is_a_valid_draft(tmp_path: Path) -> None:
    """Each kind of sample case becomes an enquiry and a referral that pass the schemas."""
    path = tmp_path / "cases.xlsx"
    write_sample(path, _all_ready(sample_cases(TODAY, recipient="Albania", count=16)))
    records = await _pull(path)
    assert len(records) == 32
    mappings = {found.name: found for found in map(_mapping, MAPPINGS.values())}
    for record in records.values():
        draft = to_message.map_record(mappings[record.mapping or ""], record)
        assert isinstance(draft, dict), (record.ref, draft)
        body = {"header": {**draft["header"], "seen": 0}, "content": draft["content"]}  # type: ignore[dict-item]
        assert schemas.validate(str(draft["type"]), body) == (), record.ref


async def test_an_enquiry_says_nothing_of_the_person(tmp_path: Path) -> None:
    """No cell that tells who the person is reaches the record of an enquiry."""
    path = tmp_path / "cases.xlsx"
    (case,) = _all_ready(sample_cases(TODAY, recipient="Albania", count=1))
    write_sample(path, [case])
    records = await _pull(path)
    personal = {"Case Number", "Working Name", "Birthdate", "Citizenship", "Given Name to Share", "Consent Reference"}
    assert personal.isdisjoint(records["htcds-2-0-enquiry:R-0001"].fields)


async def test_the_case_file_stays_at_home(tmp_path: Path) -> None:
    """Names, addresses, numbers and the consent tick of the case file are in no record."""
    path = tmp_path / "cases.xlsx"
    write_sample(path, _all_ready(sample_cases(TODAY, recipient="Albania", count=1)))
    for record in (await _pull(path)).values():
        kept = {"First Name", "Second Name", "Email", "Home Phone", "Mobile Phone", "Mailing Street", "Consent"}
        assert kept.isdisjoint(record.fields)


# --- the traps of the template -------------------------------------------------------------------------------------


def test_sample_has_the_template_in_it() -> None:
    """The two heading rows of the sample are those of the published template, cell by cell."""
    with CalamineWorkbook.from_path(shared("data/htcds/HTCDS Excel Spreadsheet v2.0.xlsx")) as workbook:
        machine, labels = workbook.get_sheet_by_index(0).to_python(skip_empty_area=False)[:2]
    assert [("", ""), *htcds.TEMPLATE] == list(zip(machine, labels, strict=True))


async def test_the_published_template(tmp_path: Path) -> None:
    """The published template, filled in by a person and with our columns added, is read by its visible labels."""
    book = openpyxl.load_workbook(shared("data/htcds/HTCDS Excel Spreadsheet v2.0.xlsx"))
    sheet = book.active
    assert sheet is not None and sheet.row_dimensions[1].hidden
    (case,) = _all_ready(sample_cases(TODAY, recipient="Albania", count=1))
    for column, label in enumerate(LABELS, start=2):
        if column > len(htcds.TEMPLATE) + 1:
            sheet.cell(row=2, column=column, value=label)
        sheet.cell(row=5, column=column, value=case.cells.get(label))
    path = tmp_path / "office.xlsx"
    book.save(path)
    book.close()
    tmp_path.chmod(0o700)
    adapter = SheetAdapter(path, marks=htcds.MARKS)
    assert await adapter.check() == []
    records = await _pull(path)
    assert set(records) == {"htcds-2-0-enquiry:R-0001", "htcds-2-0:R-0001"}
    record = records["htcds-2-0:R-0001"]
    assert (record.faults, record.fields["Citizenship"]) == ((), "AL")
    assert record.places["Citizenship"] == "sheet Sheet1, row 5, column I"
    columns = {column.label: column.place for column in await adapter.columns()}
    assert columns["Mailing Street"] == "sheet Sheet1, column N"
    assert columns["Mailing Country"] == "sheet Sheet1, column R"


async def test_machine_names_are_not_trusted(tmp_path: Path) -> None:
    """A column is what its visible label says, even when the hidden name above it belongs to another column."""
    mailing = tmp_path / "mailing.yaml"
    mailing.write_text(
        "format: trm-mapping/1\nname: mailing\nbody_type: referral.request/1\nfields:\n"
        "  content.summary: {from: Mailing City, type: text}\n  content.a: {from: Mailing Street, type: text}\n"
    )
    path = tmp_path / "cases.xlsx"
    write_sample(path, _all_ready(sample_cases(TODAY, recipient="Albania", count=1)))
    (record,) = await SheetAdapter(path, marks={htcds.READY_TO_REFER: mailing}).pull()
    assert record.fields == {"Mailing Street": "1 rue des Exemples", "Mailing City": "Lyon"}


# --- the sample ----------------------------------------------------------------------------------------------------


def test_sample_is_deterministic(tmp_path: Path) -> None:
    """The same arguments give the same bytes; another day gives other dates."""
    for name, day in (("a", TODAY), ("b", TODAY), ("c", date(2026, 2, 28))):
        write_sample(tmp_path / f"{name}.xlsx", sample_cases(day, recipient="Albania"))
    one, same, other = ((tmp_path / f"{name}.xlsx").read_bytes() for name in "abc")
    assert one == same != other


def test_sample_looks_like_the_template(tmp_path: Path) -> None:
    """Row 1 is hidden, real dates are dates, nothing is marked as ready, and nothing is a formula."""
    path = tmp_path / "cases.xlsx"
    write_sample(path, sample_cases(TODAY, recipient="Albania"))
    book = openpyxl.load_workbook(path)
    sheet = book["Cases"]
    assert sheet.row_dimensions[1].hidden and not sheet.row_dimensions[2].hidden
    cells = {label: sheet.cell(row=3, column=column) for column, label in enumerate(LABELS, start=2)}
    assert cells["Birthdate"].is_date and not cells["Mailing Zip/Postal Code"].is_date
    assert {cells[label].value for label in htcds.MARKS} == {"No"}
    book.close()
    with zipfile.ZipFile(BytesIO(path.read_bytes())) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")


async def test_nothing_is_ready_by_itself(tmp_path: Path) -> None:
    """A sample as it is written sends nothing: a person marks the rows."""
    path = tmp_path / "cases.xlsx"
    write_sample(path, sample_cases(TODAY, recipient="Albania"))
    assert await _pull(path) == {}


def test_unknown_labels_are_refused(tmp_path: Path) -> None:
    """A misspelt label in a sample is our own mistake and is said at once."""
    (case,) = sample_cases(TODAY, recipient="Albania", count=1)
    with pytest.raises(ValueError, match="no such label"):
        write_sample(tmp_path / "cases.xlsx", [case.having({"Consent Ref": "x"})])


def test_labels_are_distinct() -> None:
    """No two columns of the layout can be taken for each other, and ids and marks are among them."""
    labels = [normalise_label(label) for label in LABELS]
    assert len(labels) == len(set(labels))
    assert {htcds.KEY, *htcds.MARKS} <= set(htcds.ADDED)
    assert htcds.IDS - {"Identity Number"} <= set(LABELS)
