"""What protects the person of a case: asylum holds, legal holds, who is kept out, and what is asked of the case.

Where parts of a case go to another one, nobody has said whom of the two a safeguard concerns. So it lies over both from
then on, and people lift it on each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sqlalchemy import Connection

from gateway.cases import entries, kept, questions, store
from gateway.cases.history import Entry, QuestionEntry, blocked_now
from gateway.cases.kept import CaseHold
from gateway.cases.rules import LinkKind
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId


class HoldsOnCases(Protocol):
    """The asylum holds over cases, by their labels."""

    def find_named(self, connection: Connection, case: CaseId, conversations: Collection[bytes]) -> list[bytes]:
        """Find those over a case that are named, and lifted, on one of these conversations."""

    def copy(self, connection: Connection, holds: Collection[bytes], to: CaseId, at: int) -> None:
        """Lay over a case what these keep away from, as far as no hold there does."""

    def lay_along(self, connection: Connection, conversations: Collection[bytes], at: int) -> None:
        """Lay over the cases of these conversations what was placed on them before they were of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """What lies over a case: asylum holds by their labels, legal holds, and what people noted or the node asks."""

    holds: Sequence[bytes]
    kept: Sequence[CaseHold]
    noted: Sequence[Entry]


class Safeguards:
    """Finds what protects the person of a case, and lays it over another one."""

    def __init__(self, content: Content, new_id: Callable[[], CaseId], holds: HoldsOnCases) -> None:
        self._content = content
        self._new_id = new_id
        self._holds = holds

    def over(self, connection: Connection, case: CaseId) -> Laid:
        """Find what lies over a case."""
        return Laid(
            holds=[link.key for link in store.links(connection, case, LinkKind.HOLD)],
            kept=kept.of_case(connection, case),
            noted=entries.of_case(self._content.sealer, connection, case),
        )

    def lay(self, connection: Connection, laid: Laid, case: CaseId, now: int) -> None:
        """Lay over a case what of this does not lie over it yet; its links have moved by then."""
        there = self.over(connection, case)
        self._ask(connection, laid, there, case, now)
        self._keep_out(connection, laid, there, case, now)
        same = {(held.ground, held.until) for held in there.kept}
        for held in laid.kept:
            if (held.ground, held.until) not in same:
                copied = replace(held, conversation=self._new_id().encode())
                kept.place(self._content.sealer, connection, case, copied, at=now)
        self._holds.copy(connection, set(laid.holds) - set(there.holds), case, now)

    def _ask(self, connection: Connection, laid: Laid, there: Laid, case: CaseId, now: int) -> None:
        known = [replace(one, at=0) for one in there.noted if isinstance(one, QuestionEntry)]
        for asked in laid.noted:
            if isinstance(asked, QuestionEntry) and asked.about != case and replace(asked, at=0) not in known:
                questions.ask(self._content, connection, case, replace(asked, at=now))

    def _keep_out(self, connection: Connection, laid: Laid, there: Laid, case: CaseId, now: int) -> None:
        closed = blocked_now(there.noted)
        last = max((entry.at for entry in there.noted), default=0)
        for whom, block in blocked_now(laid.noted).items():
            if whom not in closed:  # behind what was noted there: the end of an older block does not end this one
                again = replace(block, at=max(block.at, last))
                entries.block(self._content, connection, case, again, at=now)
