"""Which case something is of: found, opened and joined in the transaction that writes it; and what people call it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection

from gateway.cases import store
from gateway.cases.rules import (
    ABOUT_A_PERSON,
    LONGEST_LABEL,
    MAY_JOIN,
    Card,
    CaseState,
    LinkKind,
    Signs,
    find_case,
    pseudonym_of,
    read_card,
)
from gateway.cases.store import CaseRow, Link
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import CaseId
from gateway.messages import content_codec
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.ports import Json
from keys.primitives.encoding import b64u, canon, is_id

ID = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Joining:
    """What a message or draft says about its case, and the new case with its card, if anything is known for one, that
    begins where nothing says of which it is.
    """

    signs: Signs
    new: CaseId
    card: SealedRow | None = None


def find(connection: Connection, signs: Signs) -> CaseId | None:
    """The case that these signs say, None where none does. Raises RefusedError conflict."""
    return find_case(signs, store.cases_of(connection, signs.keys))


def join(connection: Connection, joining: Joining, now: int) -> CaseId:
    """Link what is said to the case it is of, or to a new one, in the caller's transaction.

    Raises:
        RefusedError: conflict; it is of another case meanwhile.
    """
    signs = joining.signs
    case = find(connection, signs)
    if case is None:
        case = joining.new
        content_rows.put(connection, [] if joining.card is None else [joining.card])
        card = None if joining.card is None else joining.card.ref
        store.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=now, card=card)])
    kinds = (
        (LinkKind.CONVERSATION, signs.conversation),
        (LinkKind.DRAFT, signs.draft),
        (LinkKind.RECORD, signs.record),
        (LinkKind.NUMBER, signs.number),
    )
    store.link(connection, [Link(key=key, kind=kind, case_id=case) for kind, key in kinds if key is not None])
    return case


def check_joins(connection: Connection, conversation: bytes) -> None:
    """Return if this is an enquiry that is of no case. Raises RefusedError not_found, conflict."""
    rows = messages.of_conversation(connection, conversation)
    if not rows:
        raise RefusedError(
            Code.NOT_FOUND,
            "no such conversation; nothing was changed",
            hint="trm conversation list shows the ids",
            findings=[Finding(place="/conversation", rule="unknown_conversation", hint="trm conversation list")],
        )
    if conversation in store.cases_of(connection, [conversation]):
        raise RefusedError(
            Code.CONFLICT,
            "this conversation is of a case already; nothing was changed",
            hint="two people move it to another one: trm case move",
        )
    if rows[0].kind != MAY_JOIN:
        raise RefusedError(
            Code.CONFLICT,
            "this conversation is about no person; nothing was changed",
            hint="an enquiry can be given to a case",
        )


def join_quoted(connection: Connection, referral: bytes, enquiries: Sequence[bytes]) -> None:
    """The enquiries that a referral quotes are of its case from now on."""
    case = store.cases_of(connection, [referral]).get(referral) if enquiries else None
    if case is not None:
        store.link(connection, [Link(key=one, kind=LinkKind.CONVERSATION, case_id=case) for one in enquiries])


def forget_draft(connection: Connection, id: str) -> None:
    """A draft is no more; a case that had nothing else ends with it."""
    for ref in store.forget_over(connection, [draft_key(id)]):
        content_rows.erase(connection, ref)


class CaseRegister:
    """Opens and names cases."""

    def __init__(self, content: Content, rand: Callable[[int], bytes]) -> None:
        self._content = content
        self._rand = rand

    def joining(self, signs: Signs, card: Card) -> Joining:
        """What `join` needs; the card is sealed for the case that may begin."""
        return self.joinings([(signs, card)])[0]

    def joinings(self, asked: Sequence[tuple[Signs, Card]]) -> list[Joining]:
        """`joining` for each of these; their cards are sealed together."""
        cards = [(self._content.store.new_ref(), card) for _, card in asked if card != Card()]
        sealed = iter(self._content.sealer.seal_each([(ref, encode(card)) for ref, card in cards]) if cards else ())
        return [
            Joining(signs=signs, new=self.new_id(), card=None if card == Card() else next(sealed))
            for signs, card in asked
        ]

    def new_id(self) -> CaseId:
        """The id of a case that begins."""
        return CaseId(b64u(self._rand(ID)))

    def sealed(self, card: Card) -> SealedRow:
        """A card as a row of its own."""
        return self._content.sealer.seal(self._content.store.new_ref(), encode(card))

    def card_in(self, connection: Connection, row: CaseRow) -> Card:
        """Read what people call a case."""
        return cards_in(self._content.sealer, connection, [row])[row.id]

    def join_received(self, connection: Connection, rows: Sequence[MessageRow], now: int) -> dict[bytes, CaseId]:
        """A conversation about a person that a peer begins is a case of its own; whether it is one that is known here
        already, people find out. Returns the cases that begin, which have no card, by conversation.
        """
        about = dict.fromkeys(row.conversation for row in rows if row.kind == ABOUT_A_PERSON)
        known = store.cases_of(connection, about)
        begun = {conversation: self.new_id() for conversation in about if conversation not in known}
        store.open_cases(
            connection, [CaseRow(id=case, state=CaseState.OPEN, at=now, card=None) for case in begun.values()]
        )
        kind = LinkKind.CONVERSATION
        store.link(connection, [Link(key=key, kind=kind, case_id=case) for key, case in begun.items()])
        return begun

    def write_card(self, connection: Connection, row: CaseRow, card: Card) -> None:
        """Put another card in the place of the one that a case has."""
        sealed = self.sealed(card)
        content_rows.put(connection, [sealed])
        store.set_cards(connection, {row.id: sealed.ref})
        if row.card is not None:
            content_rows.erase(connection, row.card)

    async def change_card(
        self, id: str, change: Callable[[Connection, Card], Card], entry: Callable[[int], bytes]
    ) -> None:
        """Change the card of an open case, with an entry of the audit log. Raises RefusedError not_found at `/id`, and
        what `change` refuses.
        """

        def move(connection: Connection) -> None:
            row = find_row(connection, id, place="/id")
            self.write_card(connection, row, change(connection, self.card_in(connection, row)))
            journal.append_leaf(connection, entry)

        await self._content.store.move(move)

    def name_card(self, connection: Connection, row: CaseRow, name: str) -> None:
        """Write a name on a card that has none."""
        card = self.card_in(connection, row)
        if card.name is None:
            self.write_card(connection, row, replace(card, label=name))

    def names_said(self, connection: Connection, rows: Sequence[MessageRow]) -> dict[bytes, set[str]]:
        """What these messages call the person, by conversation; asked before they are erased."""
        said: dict[bytes, set[str]] = {}
        of = {row.ref: row.conversation for row in rows}
        sealed = content_rows.get(connection, list(of))
        for ref, plain in zip(sealed, self._content.sealer.open_each(list(sealed.values())), strict=True):
            if isinstance(plain, bytes) and (name := pseudonym_of(content_codec.read_content(plain).halves()[1])):
                said.setdefault(of[ref], set()).add(name[:LONGEST_LABEL])
        return said

    def names_at_stake(self, connection: Connection, rows: Sequence[MessageRow]) -> dict[CaseId, set[str]]:
        """What these messages call the person, by the cases that may be called so: that of each, and those that people
        merged with it or split it from. Asked before they are erased.
        """
        found: dict[CaseId, set[str]] = {}
        said = self.names_said(connection, rows)
        for conversation, case in store.cases_of(connection, said).items():
            for one in store.find_family(connection, case):
                found.setdefault(one, set()).update(said[conversation])
        return found

    def forget_names(self, connection: Connection, at_stake: Mapping[CaseId, set[str]]) -> None:
        """Take a name off a card that erased messages said and none that is left says."""
        for row in store.get(connection, at_stake).values():
            card = self.card_in(connection, row)
            if card.label not in at_stake[row.id]:
                continue
            keys = [
                key for one in store.find_family(connection, row.id) for key in store.conversations_of(connection, one)
            ]
            left = self.names_said(connection, messages.of_conversations(connection, keys))
            if card.label not in set[str]().union(*left.values()):
                self.write_card(connection, row, replace(card, label=None))


def encode(card: Card) -> bytes:
    """The plaintext of a card."""
    return canon(card.to_json())


def number_signs(sealer: ContentSealer, numbers: Iterable[str]) -> dict[str, bytes]:
    """Under which key a number of the case system finds its case."""
    wanted = list(dict.fromkeys(numbers))
    return dict(zip(wanted, sealer.case_indexes(wanted), strict=True))


def draft_key(id: str) -> bytes:
    """Under which key a draft finds its case."""
    return b"draft/" + id.encode()


def find_row(connection: Connection, id: Json, *, place: str = "/case") -> CaseRow:
    """The open case with this id. Raises RefusedError not_found, also for one that was merged into another."""
    row = store.get(connection, [CaseId(id)]).get(CaseId(id)) if isinstance(id, str) and is_id(id) else None
    if row is None or row.state != CaseState.OPEN:
        raise RefusedError(
            Code.NOT_FOUND,
            "no such case; nothing was stored",
            hint="trm case list shows the ids",
            findings=[Finding(place=place, rule="unknown_case", hint="trm case list shows the ids")],
        )
    return row


def cards_in(sealer: ContentSealer, connection: Connection, rows: Iterable[CaseRow]) -> dict[CaseId, Card]:
    """Read what people call these cases; nothing where a card does not open."""
    refs = {row.card: row.id for row in rows if row.card is not None}
    found = opened_cards(sealer, content_rows.get(connection, list(refs)))
    return {row.id: found.get(row.card or 0, Card()) for row in rows}


def opened_cards(sealer: ContentSealer, sealed: Mapping[int, SealedRow]) -> dict[int, Card]:
    """Cards by the number of their row."""
    plains = sealer.open_each(list(sealed.values())) if sealed else []
    return {
        ref: read_card(orjson.loads(plain))
        for ref, plain in zip(sealed, plains, strict=True)
        if not isinstance(plain, RefusedError)
    }


async def names_of(content: Content, keys: Sequence[bytes]) -> dict[bytes, Json]:
    """Read what lists show of the cases that these conversations, drafts, consents or holds are of, by key."""
    return await content.store.read(lambda c: named_in(content.sealer, c, keys))


async def name_of_case(content: Content, id: CaseId) -> Json:
    """What lists show of a case that is there."""

    def query(connection: Connection) -> Card:
        return cards_in(content.sealer, connection, store.get(connection, [id]).values()).get(id, Card())

    return {"id": id, "name": (await content.store.read(query)).name}


def named_in(sealer: ContentSealer, connection: Connection, keys: Collection[bytes]) -> dict[bytes, Json]:
    """By key what lists show of its case: its id and its name; only keys that have one."""
    of = store.cases_of(connection, keys)
    cards = cards_in(sealer, connection, list(store.get(connection, set(of.values())).values()))
    return {key: {"id": case, "name": cards[case].name} for key, case in of.items()}
