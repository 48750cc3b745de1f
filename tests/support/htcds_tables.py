"""Twenty invented cases as offices have them: in the standard's tables, survey exports and CSV, in every language."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date
from io import BytesIO

import xlsxwriter  # type: ignore[import-untyped]  # ships no types
from babel.core import Locale
from support.workbooks import ods, ods_row

from adapters.sheet import htcds
from adapters.sheet.words import load_words
from schemas.labels import load_labels

COUNT = 20
CODE_PAGES = {"fr": "cp1252", "sq": "cp1250", "pl": "cp1250", "uk": "cp1251", "el": "cp1253", "ar": "cp1256"}
"""The code page in which a program of an office of this language saves CSV."""
FORMATS = ("xlsx", "ods", "survey xlsx", "csv utf-8", "csv utf-16", "csv code page")

_NAMES = {
    "fr": ("Élodie", "Prénomet"),
    "sq": ("Çlirimte", "Zëreza"),
    "pl": ("Świętosława", "Żółcińska"),
    "uk": ("Їванка", "Вигаданська"),
    "el": ("Ευτυχία", "Πλασματίδου"),
    "ar": ("وردة", "الخيالية"),
}
_LABELS = {
    "prs_FirstName": "First Name",
    "prs_SecondName": "Second Name",
    "con_Consent": "Consent",
    "prs_Birthdate": "Birthdate",
    "prs_Gender": "Gender",
    "prs_Citizenship": "Citizenship",
    "prs_HomePhone": "Home Phone",
    "vic_TraffickingStatus": "Trafficking Status",
    "vic_TypeOfExploitation": "Type of Exploitation",
    "cas_OutgoingReferralDetails": "Outgoing Referral Details",
}


def cases(language: str) -> list[dict[str, str]]:
    """Make the cases, values in words of the language; one has a word of no list, one a date of two ways."""
    said = load_labels(language)
    countries = Locale.parse(language).territories
    given, family = _NAMES[language]
    made = []
    for number in range(1, COUNT + 1):
        kinds = [said.code("exploitation", code).text for code in ("ForcedLabour", "Servitude")[: 1 + number % 2]]
        made.append(
            {
                "prs_FirstName": f"{given} {number}",
                "prs_SecondName": family,
                "con_Consent": said.language.yes,
                "prs_Birthdate": f"{12 + number % 9}/0{1 + number % 9}/1994".replace("12/", "13/"),
                "prs_Gender": str(said.code("gender", "Feminine").text),
                "prs_Citizenship": ";".join([countries["AL"], countries["UA"]]),
                "prs_HomePhone": "0199001122",
                "vic_TraffickingStatus": str(said.code("case_status_thb", "identified").text).upper(),
                "vic_TypeOfExploitation": ";".join(map(str, kinds)),
                "cas_OutgoingReferralDetails": f"{given}: {number}",
            }
        )
    made[4]["prs_Gender"] = "q"
    made[11]["prs_Birthdate"] = "03/04/1994"
    return made


def table_of(language: str, kind: str) -> bytes:
    """Write the cases in one of `FORMATS`."""
    rows = cases(language)
    names = list(_LABELS)
    words = load_words(language)
    headings = [words.column(_LABELS[name]) or _LABELS[name] for name in names]
    cells = [[row[name] for name in names] for row in rows]
    match kind:
        case "xlsx":
            return workbook([names, headings, *cells], hidden=[0])
        case "ods":
            return ods([ods_row(headings), *(ods_row(row) for row in cells)])
        case "survey xlsx":
            return workbook(_survey(rows), hidden=[])
        case _:
            text = io.StringIO()
            csv.writer(text, delimiter=";").writerows([headings, *cells])
            encoding = CODE_PAGES[language] if kind == "csv code page" else kind.removeprefix("csv ")
            return text.getvalue().encode(encoding)


def _survey(rows: Sequence[Mapping[str, str]]) -> list[list[str]]:
    """The answers as Kobo exports them: names, a group, codes, blanks between several, a column for each answer."""
    own = {"prs_FirstName": "prs_First_Name", "prs_SecondName": "person/prs_Second_Name"}
    choices = [f"vic_TypeOfExploitation/{code}" for code in ("ForcedLabour", "Servitude")]
    codes = {"prs_Citizenship": "AL UA", "vic_TraffickingStatus": "ActualVictimOfTrafficking"}
    table = [["start", *(own.get(name, name) for name in _LABELS), *choices, "_id", "__version__"]]
    for number, row in enumerate(rows, start=1):
        several = ["ForcedLabour", "Servitude"][: 1 + number % 2]
        answers = {**row, **codes, "vic_TypeOfExploitation": " ".join(several)}
        ticks = ["1" if choice.rpartition("/")[2] in several else "0" for choice in choices]
        table.append(["2024-06-01", *(answers[name] for name in _LABELS), *ticks, str(number), "v1"])
    return table


def workbook(rows: Sequence[Sequence[object]], *, hidden: Sequence[int] = (), epoch_1904: bool = False) -> bytes:
    """Write one sheet; the rows of `hidden` (from 0) are there and not shown."""
    output = BytesIO()
    book = xlsxwriter.Workbook(output, {"in_memory": True, "date_1904": epoch_1904})
    page = book.add_worksheet("Cases")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, date):
                page.write_datetime(number, column, cell, day)
            else:
                page.write(number, column, cell)
    for number in hidden:
        page.set_row(number, None, None, {"hidden": True})
    book.close()
    return output.getvalue()


def template_labels() -> list[str]:
    """The visible labels of the standard's own workbook."""
    return [label for _, label in htcds.TEMPLATE]
