"""What each kind of data in a message rests on, for the preview: a consent of the person, danger to life, or nothing.

It explains what the gates decided (G2) and decides nothing: the page says it only of a message that can go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.catalogue import load_catalogue
from schemas.walk import find_categories


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """A category of data that leaves; ``until`` is the last day of the grant that covers it, None where none does."""

    category: str
    until: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a message rests on. ``why`` says why no consent is needed: `free` (the type is never held back), `vital`
    (danger to life), `nothing` (nothing of a category is in it); empty where a consent is relied on.
    """

    purpose: str | None
    covered: Sequence[Covered]
    why: str
    consent: Mapping[str, Any] | None = None
    """The consent that is relied on, as `case.show` lists it; None where it is not known or none is needed."""

    def holds(self, category: str) -> bool:
        """Whether the consent that is relied on covers a category."""
        return any(one.category == category and one.until is not None for one in self.covered)


def explain_coverage(
    body_type: str, leaves: Mapping[str, Any], purpose: str | None, unit: str, consents: Iterable[Mapping[str, Any]]
) -> Coverage:
    """Explain what a message to ``unit`` (NODE/UNIT) rests on, from the ``consents`` that `case.show` lists."""
    entry, header = load_catalogue().get(body_type), leaves["header"]
    categories = sorted(find_categories(body_type, leaves["content"]))
    why = "free" if entry.never_blocked else "" if categories else "nothing"
    if not why and "vital_interest" in header:
        why = "vital"
    relied = next((one for one in consents if one["id"] is not None and one["id"] == header.get("consent_ref")), None)
    covers = [] if relied is None else relied["covers"]
    grants = [one for one in covers if one["purpose"] == purpose and unit in one["units"]]
    covered = [Covered(category=name, until=_last_day(name, grants)) for name in categories]
    return Coverage(purpose=purpose, covered=[] if why else covered, why=why, consent=None if why else relied)


def _last_day(category: str, grants: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the last day on which a grant covers the category."""
    return max((one["until"] or "" for one in grants if category in one["categories"]), default=None)
