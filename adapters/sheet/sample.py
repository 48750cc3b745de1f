"""Invented cases in the HTCDS layout, for the demonstration and for tests.

Nobody here exists. Names come from a made-up list, phone numbers from the ranges that France keeps for fiction, mail
addresses from `example.org`, and every date is counted from the day given. The same arguments give the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from adapters.kit.files import PRIVATE, Folder
from adapters.sheet import htcds

Value = str | int | date

NUMBERED_ROWS = 50
"""Rows that carry a number in column A, as in the template, whether or not they hold a case."""

_GIVEN = ("Lunara", "Besmiro", "Oksenia", "Tarvel", "Ylmira", "Dervano", "Sanelka", "Mirvet")
_FAMILY = ("Veshoni", "Talkaru", "Horvynska", "Selmadin", "Zhubrani", "Korvelan", "Palushta", "Dremova")


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleCase:
    """One row: the value under each label. Labels that are absent are empty cells."""

    cells: Mapping[str, Value]

    def having(self, cells: Mapping[str, Value]) -> SampleCase:
        """Return the row with other values under these labels, as a person would type them."""
        return SampleCase(cells={**self.cells, **cells})

    @property
    def key(self) -> str:
        """The referral number, by which the adapter knows the row."""
        return str(self.cells[htcds.KEY])


def sample_cases(today: date, *, recipient: str, count: int = 8, first: int = 1) -> list[SampleCase]:
    """Make `count` cases for `recipient` (a node id or the name of a peer), numbered from `first`; none is marked as
    ready.

    They repeat eight kinds: a woman who wishes to go home, a man without a document, a young person whose age is
    disputed, a person whose asylum claim is pending, one who does not want to say much, two siblings, and one in the
    reflection period.
    """
    return [_case(number, today, recipient) for number in range(first, first + count)]


def write_sample(path: Path, cases: Sequence[SampleCase], *, sheet: str = "Cases", mode: int = PRIVATE) -> None:
    """Write the workbook of `render_sample` in place of an older one."""
    with Folder(path.parent) as folder:
        folder.write(path.name, render_sample(cases, sheet=sheet), mode)


def render_sample(cases: Sequence[SampleCase], *, sheet: str = "Cases") -> bytes:
    """Render the workbook in the layout of the HTCDS template.

    Row 1 is hidden and has machine names, row 2 has the labels, column A has row numbers, and the columns that a
    referral needs stand to the right. Raises ValueError for a label that is not in the layout.
    """
    labels = [label for _, label in htcds.TEMPLATE] + list(htcds.ADDED)
    unknown = {label for case in cases for label in case.cells} - set(labels)
    if unknown:
        raise ValueError(f"no such label in the layout: {', '.join(sorted(unknown))}")
    output = BytesIO()
    workbook = xlsxwriter.Workbook(output, {"in_memory": True})
    workbook.set_properties({"title": "HTCDS 2.0 sample, invented cases", "created": datetime(2000, 1, 1)})
    page = workbook.add_worksheet(sheet)
    text = workbook.add_format({"num_format": "@"})
    day = workbook.add_format({"num_format": "yyyy-mm-dd"})
    heading = workbook.add_format({"bold": True, "num_format": "@"})
    page.set_row(0, None, None, {"hidden": True})
    page.freeze_panes(2, 1)
    page.set_column(1, len(labels), 22)
    for column, (machine, _) in enumerate(htcds.TEMPLATE, start=1):
        page.write_string(0, column, machine, text)
    for column, label in enumerate(labels, start=1):
        page.write_string(1, column, label, heading)
    for number in range(1, max(NUMBERED_ROWS, len(cases)) + 1):
        page.write_number(number + 1, 0, number)
    for row, case in enumerate(cases, start=2):
        for column, label in enumerate(labels, start=1):
            match case.cells.get(label, ""):
                case date() as value:
                    page.write_datetime(row, column, datetime(value.year, value.month, value.day), day)
                case int() as value:
                    page.write_number(row, column, value)
                case value:
                    page.write_string(row, column, value, text)
    workbook.close()
    return output.getvalue()


def _case(number: int, today: date, recipient: str) -> SampleCase:
    kinds = _kinds(today)
    return SampleCase(cells={**_common(number, today, recipient), **kinds[(number - 1) % len(kinds)]})


def _common(number: int, today: date, recipient: str) -> dict[str, Value]:
    given, family = _GIVEN[(number - 1) % len(_GIVEN)], _FAMILY[((number - 1) * 3) % len(_FAMILY)]
    return {
        "Case Owner": "Camille Exempleau",
        "First Name": given,
        "Second Name": family,
        "Consent": "Yes",
        "Birthdate": _day(today, years=24 + number % 9, days=number * 13),
        "Gender": "Feminine",
        "Citizenship": "AL",
        "Email": f"case{number}@example.org",
        "Home Phone": f"+3319900{number % 10_000:04d}",
        "Mobile Phone": f"+3363998{number % 10_000:04d}",
        "Mailing Street": f"{number} rue des Exemples",
        "Mailing City": "Lyon",
        "Mailing State/Province": "Rhône",
        "Mailing Zip/Postal Code": "01990",
        "Mailing Country": "FR",
        "Trafficking Status": "Actual victim of trafficking",
        "Trafficking Status Decision Making Organization": "Police",
        "Method of Recruitment": "Through friends or social events",
        "Methods of Control": "Debt bondage;Withholds documents",
        "Type of Exploitation": "Sexual exploitation",
        "Status": "Active",
        "Referring Organisation": "Foyer des Exemples",
        "Incoming Referral Date": today - timedelta(days=40 + number),
        "Referring Primary Case Worker": "Sacha Modèle",
        "Reason for Incoming Referral": "Additional Services Required",
        "Reason for Outgoing Referral": "Migration or Change of Location",
        "Outgoing Referral Date": today,
        "Outgoing Referral Details": "Souhaite rentrer ; a besoin d'un hébergement sûr à l'arrivée.",
        htcds.KEY: f"R-{number:04d}",
        "Case Number": f"FR-{today.year}-{number:04d}",
        htcds.READY_TO_ASK: "No",
        htcds.READY_TO_REFER: "No",
        "Recipient": recipient,
        "Recipient Unit": "focal-point",
        "Recipient Role": "National focal point",
        "Staff Reference": f"fr-{17 + number % 5}",
        "Priority": "Normal",
        "Transfer Basis": "Administrative arrangement",
        "Transfer Instrument": "Arrangement FR-AL 2024/3",
        "Retain Until": today + timedelta(days=180),
        "Kind of Referral": "Return with reception",
        "Region Preferred": "AL-11",
        "Medical Level": "Outpatient",
        "Working Name": f"Case {number}",
        "Given Name to Share": given,
        "Family Name to Share": family,
        "Age Group": "Adult",
        "Languages": "sq;fr",
        "Language Levels": "First;Basic",
        "May Be Called": "Yes",
        "Who Answers": "Only the person herself",
        "Safe Hours": "10:00 to 16:00",
        "Code Word": "Blue umbrella",
        "Never Use": "The number of the uncle;The old mail address",
        "Exploitation Countries": "FR",
        "Services Requested": "Safe accommodation or shelter;Legal advice and representation",
        "Health Flags": "None disclosed",
        "Legal Status": "Irregular stay",
        "Immediate Risk": "Medium",
        "Risk Domains": "Debt to traffickers or lenders;Threat or retaliation by traffickers",
        "Expected Next Step": "Return is planned",
    }


def _kinds(today: date) -> tuple[dict[str, Value], ...]:
    """List the cells of each kind of case besides the common ones, in the order that `sample_cases` tells."""
    return (
        {"Services Requested": "Safe accommodation or shelter;Being met on arrival and first nights"},
        {
            "Gender": "Masculine",
            "Citizenship": "Unknown",
            "Languages": "uk",
            "Language Levels": "First",
            "Type of Exploitation": "Forced labour;Forced criminality",
            "Forced Labour Industry": "Construction",
            "Services Requested": "Identity documents, residence, civil registration;Travel documents",
            "Region Preferred": "UA-46",
            "Transfer Instrument": "Arrangement FR-UA 2024/7",
            "Risk Domains": "No documents or no status;Armed conflict or general insecurity",
            "Outgoing Referral Details": "Немає документів; просить про допомогу з посвідченням.",
        },
        {
            "Birthdate": "Unknown",
            "Age Group": "Presumed child",
            "Trafficking Status": "Possible victim of trafficking",
            "Trafficking Status Decision Making Organization": "",
            "Type of Exploitation": "Forced begging",
            "Priority": "Urgent",
            "Services Requested": "Guardian for a child;Alternative care for a child",
            "Legal Status": "Unknown",
            "Guardian Pending": "Yes",
            "Best-Interests Assessment Done": "No",
            "Child Situation": "Unaccompanied",
            "Expected Next Step": "Services start",
        },
        {
            "Legal Status": "Asylum claim pending",
            "Expected Next Step": "Services start",
            "Kind of Referral": "Service only",
        },
        {
            "Birthdate": str(today.year - 31),
            "Gender": "Not Specified/Unknown",
            "Citizenship": "Refused",
            "Given Name to Share": "Refused",
            "Family Name to Share": "Refused",
            "Type of Exploitation": "Not Yet",
            "Immediate Risk": "Not Yet",
            "Risk Domains": "",
            "May Be Called": "No",
        },
        {"Accompanied Children": 1, "Enquiry Note": "Two siblings are to stay together."},
        {
            "Birthdate": _day(today, years=15, days=100),
            "Age Group": "Child",
            "Guardian Unit": "guardians-lyon",
            "Guardian Pending": "No",
            "Best-Interests Assessment Done": "Yes",
            "Child Situation": "Separated",
            "Services Requested": "Guardian for a child;Education",
        },
        {
            "Legal Status": "Reflection period",
            "Reflection Period Until": today + timedelta(days=21),
            "Proceedings": "Criminal: victim or witness",
            "Services Requested": "Legal advice and representation;Other",
            "Service Note": "Appeal against the order;Storage of belongings",
            "Enquiry Note": "Belongings have to be stored until arrival.",
        },
    )


def _day(today: date, *, years: int, days: int) -> date:
    """Return a day of birth; counted so that no leap day is in the way."""
    return date(today.year - years, 1, 1) + timedelta(days=days % 365)
