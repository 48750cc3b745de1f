"""The invented cases of the demonstration: France's workbook, and the marked values that would reveal a leak.

Nobody here exists. Phone numbers are from ranges that are kept for fiction, or hold only zeros.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from python_calamine import CalamineWorkbook

from adapters.sheet import htcds
from adapters.sheet.adapter import RESULTS
from adapters.sheet.sample import SampleCase, sample_cases, write_sample
from gateway.demo.places import Country
from schemas.codelists import code_list

FIRST = "R-DEMO-77120"
"""The woman who wishes to go home to Albania."""
SECOND = "R-DEMO-77121"
"""The man without a document, for whom Ukraine is asked."""
THIRD = "R-DEMO-77122"
"""A woman who takes her consent back while Albania accepts."""
FOURTH = "R-DEMO-77123"
"""A woman for whom Morocco is asked."""
CHILD = "child"
"""The child, whom the desk writes about: there is no row."""

MARKS: Mapping[str, str] = {
    "given name": "Zamirella-Prove",
    "family name": "Kordhushë-Testani",
    "mobile phone": "+33639980142",
    "home phone": "+33199000142",
    "mail address": "zamirella.prove@example.org",
    "street": "77 rue des Preuves-Marquées",
    "code word": "Umbrella of Provaline",
    "number never to be used": "The number of uncle Testimirov",
    "pseudonym": "Moonstone Heron",
    "case number": "FR-CASE-88213-A",
    "row of the workbook": FIRST,
    "summary": "Souhaite rentrer ; redoute M. Dragomirque.",
    "second given name": "Оксеній-Приклад",
    "second family name": "Горвинський-Тестов",
    "second summary": "Немає документів; просить допомоги Позначенко.",
    "second phone": "+33639980143",
    "second pseudonym": "Bramble Kingfisher",
    "answer about needs": "A room that locks from inside, ref 99XK00417",
    "phone of the case worker": "+355690000142",
    "case number in Albania": "AL-CASE-55102",
    "view of the person": "Wishes to live near the aunt in Provashkë",
    "place of the handover": "Arrivals hall, under the clock of Testanë",
    "goal of the person": "Work as a baker in Provashkë",
    "pseudonym of the child": "Larkspur Otter",
    "note of the decline": "The house in Testopil is full until spring",
}
"""What no file outside of the case systems' own folders may hold, by a name that may be shown."""

NUMBERS: Mapping[str, str] = {
    FIRST: MARKS["case number"],
    SECOND: "FR-CASE-88214",
    THIRD: "FR-CASE-88215",
    FOURTH: "FR-CASE-88216",
}
"""What France's case system calls the case of each row."""

NUMBERS_IN_ALBANIA: Mapping[str, str] = {
    FIRST: MARKS["case number in Albania"],
    CHILD: "AL-CASE-55103",
    THIRD: "AL-CASE-55104",
}
"""What Albania calls the case of each person whom it takes."""

_CELLS: Mapping[str, Mapping[str, str]] = {
    FIRST: {
        "First Name": MARKS["given name"],
        "Second Name": MARKS["family name"],
        "Given Name to Share": MARKS["given name"],
        "Family Name to Share": MARKS["family name"],
        "Mobile Phone": MARKS["mobile phone"],
        "Home Phone": MARKS["home phone"],
        "Email": MARKS["mail address"],
        "Mailing Street": MARKS["street"],
        "Code Word": MARKS["code word"],
        "Never Use": MARKS["number never to be used"],
        "Working Name": MARKS["pseudonym"],
        "Outgoing Referral Details": MARKS["summary"],
    },
    SECOND: {
        "First Name": MARKS["second given name"],
        "Second Name": MARKS["second family name"],
        "Given Name to Share": MARKS["second given name"],
        "Family Name to Share": MARKS["second family name"],
        "Mobile Phone": MARKS["second phone"],
        "Working Name": MARKS["second pseudonym"],
        "Outgoing Referral Details": MARKS["second summary"],
    },
    THIRD: {},
    FOURTH: {"Citizenship": "MA", "Languages": "ar;fr", "Region Preferred": "MA-06"},
}


def _elsewhere(host: Country, to: Country) -> Mapping[str, str]:
    """What a row says of countries where they are not those of the sample."""
    if host.code == "FR":
        return {}
    own = {"Citizenship": to.code} if to.code in code_list("country") else {}
    return {**own, "Region Preferred": "", "Transfer Instrument": f"Arrangement {host.code}-{to.code} 2024/3"}


class Workbook:
    """France's case system: a workbook in the HTCDS layout, which a person marks and saves."""

    def __init__(self, country: Country, today: date, recipients: Mapping[str, Country]) -> None:
        """`recipients` says for each row which country is meant; a row without one is left out."""
        self.path = country.cases / "cases.xlsx"
        kinds = sample_cases(today, recipient="", count=2)
        self._rows = {
            key: case.having(
                {
                    htcds.KEY: key,
                    "Recipient": recipients[key].code,
                    "Case Number": NUMBERS[key],
                    **_CELLS[key],
                    **_elsewhere(country, recipients[key]),
                }
            )
            for key, case in zip(_CELLS, (kinds[0], kinds[1], kinds[0], kinds[0]), strict=True)
            if key in recipients
        }

    def save(self) -> None:
        """Write the workbook as it is now."""
        write_sample(self.path, list(self._rows.values()))

    def mark(self, row: str, column: str) -> None:
        """Type Yes into a mark column of a row and save."""
        changed: SampleCase = self._rows[row].having({column: "Yes"})
        self._rows[row] = changed
        self.save()

    def received(self) -> list[str]:
        """Return the ids of all messages in the result workbook, each as often as it is there."""
        sheet = CalamineWorkbook.from_path(self.path.with_name(RESULTS)).get_sheet_by_name("Received")
        return [str(row[0]) for row in sheet.to_python()[1:]]

    @property
    def what(self) -> str:
        """The name under which it is shown."""
        return f"an Excel workbook, {len(self._rows)} cases"

    @property
    def settings(self) -> Mapping[str, str]:
        """What the node's adapter is told."""
        return {"path": str(self.path)}
