"""What goes along where links move from one case to another (`gateway.cases.changes`): who looks after the person."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import Connection

from gateway.cases import store
from gateway.cases.register import CaseRegister, cards_in
from gateway.cases.rules import Card, CaseState
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.content_sealer import ContentSealer
from gateway.foundation.ids import CaseId


class BroughtAlong:
    """Writes on the card of a case what follows from what moved to it."""

    def __init__(self, sealer: ContentSealer, cases: CaseRegister) -> None:
        self._sealer = sealer
        self._cases = cases

    def carry(
        self, connection: Connection, keys: Collection[bytes], was: CaseId, to: CaseId, actor: str | None, now: int
    ) -> None:
        """With conversations among these links, or with a whole case, goes who looks after them."""
        rows = store.get(connection, (was, to))
        if len(rows) < 2:
            return  # what moved was of no case
        cards, merged = cards_in(self._sealer, connection, rows.values()), rows[was].state == CaseState.MERGED
        if merged or not set(keys).isdisjoint(store.conversations_of(connection, to)):
            card = _hand_over_as(cards[was], cards[to], now)
            if card != cards[to]:
                self._cases.write_card(connection, rows[to], card)
                if actor is not None:
                    journal.append_leaf(connection, leaf(now, "case.handed_over", actor=actor))


def _hand_over_as(giving: Card, card: Card, now: int) -> Card:
    """The card once whoever looks after the other case looks after this one, where nobody was said to: by what they
    wrote in it the units of before would see it again.
    """
    if giving.units is None or card.units is not None:
        return card
    keepers = tuple(replace(one, since=now) for one in giving.keepers if one.until is None)
    return replace(card, keepers=(*card.keepers, *keepers), assigned=giving.assigned)
