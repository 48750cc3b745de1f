"""What the person said no to, in any consent of the case: it is asked where a message names none, in danger to life
(domain 7.13). Pure.

Danger to life stands for a word that nobody could ask for, never against one that was spoken. A no is about somebody: a
consent that was taken back, and was to another unit or for another purpose, says nothing of this one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from gateway.consent.rules import Consent, Denial, Grant, covers
from gateway.foundation.ids import UnitAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidNo:
    """What was denied, the grants that were taken back, and the consents that stand. `unread`: something was taken back
    that was relied on towards the recipient, and no record says what.
    """

    denials: tuple[Denial, ...] = ()
    taken_back: tuple[Grant, ...] = ()
    standing: tuple[Consent, ...] = ()
    unread: bool = False

    def refuses(self, purpose: str, unit: UnitAddress, category: str) -> bool:
        """Whether the person denied that the category goes to the unit for the purpose; no yes beats that."""
        return any(denial.forbids(purpose, unit, category) for denial in self.denials)

    def took_back(self, purpose: str, unit: UnitAddress, categories: Collection[str], today: date) -> frozenset[str]:
        """The categories that the person let go to the unit for the purpose, and no longer does in any consent."""
        lost = {
            category
            for category in categories
            if self.unread or any(grant.names(purpose, unit, category) for grant in self.taken_back)
        }
        return frozenset(lost).intersection(
            *(covers(consent, purpose=purpose, unit=unit, categories=lost, today=today) for consent in self.standing)
        )


NOTHING_REFUSED = SaidNo()
