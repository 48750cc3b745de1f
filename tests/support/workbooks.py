"""Workbooks for tests: made by two independent writers, by hand, and spoilt on purpose."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from xml.sax.saxutils import escape

import openpyxl

MAPPING = """
format: trm-mapping/1
name: office
body_type: referral.request/1
aliases:
  Born: [Date of Birth]
ignored: [Remarks, Ready]
fields:
  content.person.pseudonym: {from: Name, type: text, required: true}
  content.person.birth_date: {from: Born, type: date}
  content.person.gender: {from: Gender, type: code, list: gender, codes: {F: Feminine}}
  content.count: {from: Children, type: integer}
  header.case_ref_sender: {from: Case, type: text}
"""
LABELS = ("Key", "Ready", "Name", "Born", "Gender", "Children", "Case", "Remarks")


def xlsx(rows: Iterable[Iterable[object]], *, title: str = "Cases", hidden: Iterable[str] = ()) -> bytes:
    """An .xlsx file by openpyxl; the sheets of `hidden` come first, with the same labels and one row."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    for name in hidden:
        other = workbook.create_sheet(name, 0)
        other.append(list(LABELS))
        other.append(["HID", "Yes", "hidden"])
        other.sheet_state = "hidden"
    workbook.active = len(workbook.sheetnames) - 1
    output = BytesIO()
    workbook.save(output)
    return output.getvalue()


def csv(rows: Iterable[Iterable[object]], delimiter: str = ",") -> bytes:
    """A CSV file without quotation marks."""
    return "".join(delimiter.join(map(str, row)) + "\r\n" for row in rows).encode()


def respoken(data: bytes, change: Mapping[str, Callable[[bytes], bytes]]) -> bytes:
    """The same archive with some members changed."""
    output = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change.get(name, bytes)(old.read(name)))
    return output.getvalue()


def with_macros(data: bytes, project: bytes) -> bytes:
    """The workbook as an .xlsm whose project of macros holds these bytes."""
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    macros = b"application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    output = BytesIO(respoken(data, {"[Content_Types].xml": lambda xml: xml.replace(kind, macros)}))
    with zipfile.ZipFile(output, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/vbaProject.bin", project)
    return output.getvalue()


def spoilt_sheet(data: bytes, old: bytes, new: bytes) -> bytes:
    """The workbook with one piece of its first worksheet replaced; the piece must be there."""

    def change(xml: bytes) -> bytes:
        assert old in xml
        return xml.replace(old, new, 1)

    return respoken(data, {"xl/worksheets/sheet1.xml": change})


def ods(rows: Iterable[str], *, title: str = "Cases", head: str = "") -> bytes:
    """An .ods file whose table has these rows, each the XML of its cells (see `ods_cell`)."""
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<office:document-content '
        'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
        'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body>'
        f'<office:spreadsheet><table:table table:name="{title}">{"".join(rows)}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    output = BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
    return output.getvalue()


def ods_row(cells: Iterable[object], attributes: str = "") -> str:
    """A row of an .ods table; an XML cell (text beginning with `<`) is taken as it is."""
    return f"<table:table-row {attributes}>{''.join(map(ods_cell, cells))}</table:table-row>"


def ods_cell(value: object, attributes: str = "") -> str:
    """A cell of an .ods table."""
    match value:
        case str() if value.startswith("<"):
            return value
        case "" | None:
            return f"<table:table-cell {attributes}/>"
        case int() | float():
            typed = f'office:value-type="float" office:value="{value}"'
        case _:
            typed = 'office:value-type="string"'
    return f"<table:table-cell {typed} {attributes}><text:p>{escape(str(value))}</text:p></table:table-cell>"


_MANIFEST = (
    '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest manifest:version="1.2" '
    'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry '
    'manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)
