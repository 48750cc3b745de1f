"""A consent for one purpose and one receiver as one asks it: a yes or a no for each kind of data (pure).

What is usual for a purpose, or what node.toml says for a country, chooses which questions are asked, and no answer. A
kind of data that the message holds already is asked about too. A no is recorded as a denial: it beats every grant.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.console.forms.fields import NO, YES, Fields
from gateway.ports import Json
from schemas.codelists import code_list

USUAL: Mapping[str, frozenset[str]] = {
    "referral": frozenset({"identity", "contact", "exploitation", "immigration", "risk", "needs"}),
    "assistance": frozenset({"identity", "contact", "family", "health_physical", "risk", "needs"}),
    "risk_assessment": frozenset({"identity", "family", "exploitation", "risk", "location"}),
    "family_inquiry": frozenset({"identity", "contact", "family"}),
    "consular": frozenset({"identity", "documents", "image"}),
    "law_enforcement": frozenset({"identity", "contact", "exploitation", "criminal"}),
    "return": frozenset({"identity", "contact", "documents", "family", "health_physical", "risk", "location", "needs"}),
    "intra_eu_transfer": frozenset({"identity", "contact", "family", "health_physical", "risk", "needs"}),
    "reintegration": frozenset({"identity", "contact", "family", "health_physical", "location", "needs"}),
    "monitoring": frozenset({"contact", "risk", "needs", "monitoring"}),
    "legal_proceedings": frozenset({"identity", "contact", "exploitation", "criminal"}),
    "statistics": frozenset({"exploitation", "monitoring"}),
}
"""The kinds of data that a consent to each purpose is usually about."""
MONTHS = (1, 3, 6, 12)
"""For how long it may hold, to choose from."""
ASK, UNTIL = "ask:", "until"
"""Names of fields: the answer about a kind of data, and the last day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked: for which ``purpose``, whether ``unit`` (NODE/UNIT) may have each of ``categories``."""

    purpose: str
    unit: str
    categories: Sequence[str]

    def find_missing(self, answers: Fields) -> list[str]:
        """List the fields that have no answer yet."""
        names = [*(ASK + one for one in self.categories), UNTIL]
        return [name for name in names if not _is_answer(name, answers.get(name, ()))]

    def find_agreed(self, answers: Fields) -> list[str]:
        """List the kinds of data to which the person said yes."""
        return [one for one in self.categories if YES in answers.get(ASK + one, ())]

    def build_answers(self, answers: Fields) -> dict[str, Json]:
        """Build the grant and the denials of a consent record from answers of which none is missing."""
        yes: list[Json] = [*self.find_agreed(answers)]
        grant: Json = {
            "purpose": self.purpose,
            "recipient_units": [self.unit],
            "data_categories": yes,
            "until": answers[UNTIL][0],
        }
        no: list[Json] = [
            {"purpose": self.purpose, "unit": self.unit, "data_category": one}
            for one in self.categories
            if NO in answers.get(ASK + one, ())
        ]
        return {"grants": [grant] if yes else [], **({"denials": no} if no else {})}


def _is_answer(name: str, given: Sequence[str]) -> bool:
    """Whether something is an answer: a day, or one of yes and no."""
    return any(given) if name == UNTIL else tuple(given) in ((YES,), (NO,))


def choose_categories(
    purpose: str, country: Collection[str] = (), held: Collection[str] = (), *, every: bool = False
) -> tuple[str, ...]:
    """Choose the kinds of data that are asked about, in the order of their list: those that are set for the country, or
    usual for the purpose, and those that the message holds; all of them where somebody wants to ask about all.
    """
    known = [entry.code for entry in code_list("data_category").codes if not entry.retired]
    wanted = {*(country or USUAL.get(purpose, ())), *held}
    return tuple(code for code in known if every or code in wanted)


def list_ends(today: date) -> list[tuple[int, str]]:
    """List the days until which a consent may hold, with the months until then."""
    found = []
    for months in MONTHS:
        year, month = divmod(today.month - 1 + months, 12)
        year, month = today.year + year, month + 1
        found.append((months, date(year, month, min(today.day, monthrange(year, month)[1])).isoformat()))
    return found
