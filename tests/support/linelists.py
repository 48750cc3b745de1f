"""A workbook of `trm sheet new`, filled in by a person of an office: with another program than the one that made it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import openpyxl

from gateway.mapping.line_list import new_line_list
from schemas.labels import load_labels

CODES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "Recipient Role": ("role", ("national_focal_point",)),
    "Priority": ("priority", ("normal",)),
    "Transfer Basis": ("transfer_basis", ("admin_arrangement_46_3_b",)),
    "Kind of Referral": ("referral_kind", ("return_reception",)),
    "Age Group": ("age_group", ("adult",)),
    "Gender": ("gender", ("Feminine",)),
    "Citizenship": ("country", ("AL", "XK")),
    "Trafficking Status": ("case_status_thb", ("identified",)),
    "Trafficking Status Decision Making Organization": ("decision_body", ("Police",)),
    "Type of Exploitation": ("exploitation", ("ForcedLabour", "ForcedBegging")),
    "Services Requested": ("service", ("safe_accommodation", "legal_aid")),
    "Legal Status": ("legal_status", ("irregular",)),
    "Immediate Risk": ("rating3", ("medium",)),
    "Risk Domains": ("risk_domain", ("debt", "conflict")),
    "Health Flags": ("absence", ("refused",)),
    "Expected Next Step": ("next_step", ("return_planning",)),
}
PLAIN = {
    "Recipient": "AL",
    "Recipient Unit": "focal-point",
    "Staff Reference": "0017",
    "Languages": "sq;fr",
    "Transfer Instrument": "Arrangement FR-AL 2024/3",
    "Retain Until": "2099-05-31",
    "Birthdate": "1994",
    "First Name": "Lunara",
}

Row = dict[str, object]


def office_row(number: int, language: str) -> Row:
    """A case that can be referred: what the drop-downs offer in `language`, several values with a semicolon."""
    said = load_labels(language)
    words = said.language
    chosen = {
        label: "; ".join(str(said.code(name, code).text) for code in codes) for label, (name, codes) in CODES.items()
    }
    own = {"Referral Number": f"R-{number:05d}", "Working Name": f"Case {number}", "Case Number": f"00{number}"}
    return {**PLAIN, **chosen, **own, "Ready to Refer": words.yes, "Ready to Ask": words.no, "May Be Called": words.yes}


def fill(path: Path, language: str, count: int, spoil: Callable[[int, Row], None] = lambda number, row: None) -> None:
    """Write `count` cases into a new workbook at `path`; `spoil` may change each row, which counts from 1."""
    book = openpyxl.load_workbook(BytesIO(new_line_list(language)))
    sheet = book.worksheets[0]
    columns = {str(cell.value): cell.column for cell in sheet[2]}
    for number in range(1, count + 1):
        row = office_row(number, language)
        spoil(number, row)
        for label, value in row.items():
            sheet.cell(row=number + 2, column=columns[label], value=value)  # type: ignore[arg-type]
    book.save(path)
    book.close()
