"""What is known of the countries that a page is about: loaded for it, and its duties to report in words (domain 8.15).

What a country has not confirmed is shown as such wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.console.sheets import SheetWords
from gateway.console.states import Table
from gateway.console.units import Units
from gateway.console.visit import Visit
from gateway.console.words import N_, Words
from gateway.errors import Code, RefusedError

SHOW = "guidance.country"
DUTY = "reporting_duty"
KINDS: Table = {
    "coordination": N_("Who coordinates"),
    "threshold_status": N_("Who decides on the status, and when"),
    "reflection": N_("Recovery and reflection period"),
    DUTY: N_("Duty to report"),
    "line": N_("Telephone line for victims"),
    "child_authority": N_("Authority for children"),
    "hotline": N_("Telephone line for children"),
    "missing_persons": N_("Missing persons"),
    "residence": N_("Residence"),
    "compensation": N_("Compensation"),
}
BINDS = N_(
    "In %(country)s whoever learns of trafficking may have to report it to the authorities. A no to the police cannot "
    "bind there."
)


async def load_entries(visit: Visit, countries: Iterable[str]) -> Sequence[Any]:
    """Load what is known of these countries, each once; one that is not of the region is left out."""
    found = []
    for country in dict.fromkeys(countries if visit.allows(SHOW) else ()):
        try:
            found.append(await visit.ask(SHOW, {"id": country, "language": visit.words.language.code}))
        except RefusedError as error:
            if error.code is not Code.NOT_FOUND:
                raise
    return found


def find_countries(units: Units, peers: Iterable[str]) -> list[str]:
    """Find the countries of these peers, by the units that are known of them."""
    known = {unit["peer"]: str(unit["country"]) for unit in units.listed if unit["state"] != "own"}
    return [known[peer] for peer in peers if peer in known]


def list_addressed(units: Units, references: Iterable[object]) -> list[str]:
    """List the countries of the units that a consent names as node id, slash, unit id."""
    known = {f"{unit['node']}/{unit['unit']}": str(unit["country"]) for unit in units.listed}
    return [known[one] for one in references if isinstance(one, str) and one in known]


def say_duties(entries: Iterable[Any], words: Words | SheetWords) -> list[str]:
    """Say to whom a no to the police cannot apply: a sentence for each country with a duty to report."""
    bound = [entry["country"] for entry in entries if any(fact["kind"] == DUTY for fact in entry["facts"])]
    return [words(BINDS, country=words.country(country)) for country in bound]
