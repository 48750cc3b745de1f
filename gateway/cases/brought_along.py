"""What goes along where links move from one case to another (`gateway.cases.changes`): the asylum holds and the records
of the case system that belong to them, the number on the card, and who looks after the person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from gateway.cases import store
from gateway.cases.register import CaseRegister, cards_in, draft_key, number_signs
from gateway.cases.rules import Card, CaseState, LinkKind
from gateway.cases.safeguards import HoldsOnCases
from gateway.cases.store import CaseRow, Link
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.content_sealer import ContentSealer
from gateway.errors import RefusedError
from gateway.foundation.ids import CaseId
from gateway.messages.store import local, messages, records


class BroughtAlong:
    """Finds what else moves with links, and writes on the cards of both cases what follows from it."""

    def __init__(self, sealer: ContentSealer, cases: CaseRegister, holds: HoldsOnCases) -> None:
        self._sealer = sealer
        self._cases = cases
        self._holds = holds

    def find(self, connection: Connection, case: CaseId, keys: Collection[bytes]) -> list[bytes]:
        """Find what else of a case moves with these of its links: asylum holds that are named on them, and records of
        the case system.
        """
        return [*self._holds.find_named(connection, case, keys), *_find_records(connection, case, set(keys))]

    def take_in(self, connection: Connection, keys: Collection[bytes], case: CaseId, now: int) -> int:
        """Link what was of no case to one; how much of it was. A conversation brings the asylum hold placed on it."""
        new = set(keys) - store.cases_of(connection, keys).keys()
        talks = {one.conversation for one in messages.of_conversations(connection, [*new])}
        consents = {key for key, held in local.consents_of(connection, new).items() if held}
        kinds = dict.fromkeys(consents, LinkKind.CONSENT) | dict.fromkeys(talks, LinkKind.CONVERSATION)
        store.link(connection, [Link(key=key, kind=kind, case_id=case) for key, kind in kinds.items()])
        self._holds.lay_along(connection, talks, now)
        return len(kinds)

    def carry(
        self, connection: Connection, keys: Collection[bytes], was: CaseId, to: CaseId, actor: str | None, now: int
    ) -> None:
        """Write on the cards of both cases, between which these links have moved, what follows from it: the number is
        on the card of the case to which it is linked now, and with conversations goes who looks after them. The card of
        a case that was merged stays as it is for the day on which people take that back.
        """
        rows = store.get(connection, (was, to))
        if len(rows) < 2 or self._is_damaged(connection, rows.values()):
            return  # what moved was of no case; or what does not open now may be put right, and is not written over
        cards, merged = cards_in(self._sealer, connection, rows.values()), rows[was].state == CaseState.MERGED
        giving, new = (
            replace(cards[case], number=self._find_number(connection, case, cards[case], cards[other]))
            for case, other in ((was, to), (to, was))
        )
        if merged or not set(keys).isdisjoint(store.conversations_of(connection, to)):
            handed_over = _hand_over_as(giving, new, now)
            if handed_over != new and actor is not None:
                journal.append_leaf(connection, leaf(now, "case.handed_over", actor=actor))
            new = handed_over
        changed = {to: new} if merged else {was: giving, to: new}
        for case, card in changed.items():
            if card != cards[case]:
                self._cases.write_card(connection, rows[case], card)

    def _is_damaged(self, connection: Connection, rows: Collection[CaseRow]) -> bool:
        sealed = content_rows.get(connection, [row.card for row in rows if row.card is not None])
        return any(isinstance(card, RefusedError) for card in self._sealer.open_each([*sealed.values()]))

    def _find_number(self, connection: Connection, case: CaseId, *cards: Card) -> str | None:
        """Find the first number on these cards that is linked to a case."""
        keys = number_signs(self._sealer, [card.number for card in cards if card.number is not None])
        of = store.cases_of(connection, keys.values())
        return next((number for number, key in keys.items() if of.get(key) == case), None)


def _hand_over_as(giving: Card, card: Card, now: int) -> Card:
    """The card once whoever looks after the other case looks after this one, where nobody was said to: by what they
    wrote in it the units of before would see it again.
    """
    if giving.units is None or card.units is not None:
        return card
    keepers = tuple(replace(one, since=now) for one in giving.keepers if one.until is None)
    return replace(card, keepers=(*card.keepers, *keepers), assigned=giving.assigned)


def _find_records(connection: Connection, case: CaseId, keys: Collection[bytes]) -> list[bytes]:
    """Find the records of which something is among these links of a case and nothing else is of it: what the case
    system says of them next is about the person to whom these went.
    """
    links = store.links(connection, case)
    moving, staying = set[int](), set[int]()
    for key, record in _find_made(connection, links):
        (moving if key in keys else staying).add(record)
    found = set(records.keys_of(connection, moving - staying))
    return [link.key for link in links if link.kind == LinkKind.RECORD and link.key in found]


def _find_made(connection: Connection, links: Sequence[Link]) -> Iterator[tuple[bytes, int]]:
    """Find what of this was made of records: (key of the conversation or of the draft that waits, record)."""
    talks = [link.key for link in links if link.kind == LinkKind.CONVERSATION]
    for sent in messages.of_conversations(connection, talks):
        if sent.origin is not None:
            yield sent.conversation, sent.origin
    for link in links:
        if link.kind != LinkKind.DRAFT:
            continue
        draft = local.get_draft(connection, link.key.removeprefix(draft_key("")).decode())
        if draft is not None and draft.origin is not None and draft.state == local.WAITING:
            yield link.key, draft.origin
