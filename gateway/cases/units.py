"""Which units of this node may touch something: one answer for every kind of id (docs/roles.md).

Who looks after a case is on its card. Where nobody said so it is with the units that wrote in its conversations or were
written to. What is of no case, as an enquiry, is of the units of its own messages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import orjson
from sqlalchemy import Connection

from gateway.cases import store
from gateway.cases.register import cards_in, draft_key
from gateway.cases.rules import Card, CaseState, LinkKind
from gateway.cases.subjects import drafts_by_files, keys_closed_to
from gateway.database import content as content_rows
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.errors import RefusedError
from gateway.foundation.ids import CaseId, ConversationId, UnitId
from gateway.messages import content_codec
from gateway.messages.store import local, messages
from gateway.messages.store.messages import IN, MessageRow
from gateway.operations.ids import Subject, alarm_number
from gateway.operations.roles import Caller
from gateway.ports import Json

NOBODY: frozenset[UnitId] = frozenset()
OPENED = 500
"""Messages that are opened in one call: all of a long list together would fill the memory."""


def units_of(sealer: ContentSealer, connection: Connection, subject: Subject, id: str) -> frozenset[UnitId] | None:
    """The units that may touch what has this id; None where there is no such thing here."""
    match subject:
        case Subject.MESSAGE:
            return _of_messages(sealer, connection, id)
        case Subject.FILES:
            return _of_messages(sealer, connection, id) or _of_files(sealer, connection, id)
        case Subject.DRAFT:
            return _of_draft(sealer, connection, id)
        case Subject.CONVERSATION:
            return of_conversation(sealer, connection, sealer.conversation_index(ConversationId(id)))
        case Subject.CONSENT:
            index = sealer.consent_index(id)
            if not local.consents(connection, index):
                return None
            return _of_link(sealer, connection, index) or NOBODY
        case Subject.CASE_NUMBER:
            return _of_link(sealer, connection, *sealer.case_indexes([id]))
        case Subject.ALARM:
            ref = store.ref_of_alarm(connection, alarm_number(id))
            row = None if ref is None else messages.get(connection, [ref]).get(ref)
            return None if row is None else _of_message(sealer, connection, row)
        case Subject.CASE:
            return of_cases(sealer, connection, [CaseId(id)]).get(CaseId(id))
        case Subject.CASE_CHANGE:
            return _of_change(sealer, connection, id)
        case _:
            raise RuntimeError(f"{subject} is of no case")


def hidden_from(
    sealer: ContentSealer, connection: Connection, keys: Collection[bytes], caller: Caller
) -> frozenset[bytes]:
    """Find which of these conversations are not there for a caller: they are of a case that the caller must not see, or
    of another unit than the one to which the caller is bound. What has nothing left is nobody's, and hidden from none.
    """
    closed, unit = keys_closed_to(sealer, connection, caller), caller.unit
    of = store.cases_of(connection, keys) if unit is not None else {}

    def is_of_others(key: bytes) -> bool:
        units = of_conversation(sealer, connection, key) or NOBODY
        return unit not in units and (key in of or units != NOBODY)

    return frozenset(key for key in keys if key in closed or (unit is not None and is_of_others(key)))


def of_conversation(sealer: ContentSealer, connection: Connection, index: bytes) -> frozenset[UnitId] | None:
    """The units of a conversation by its key; None where there is none."""
    found = _of_link(sealer, connection, index)
    if found is not None:
        return found
    rows = messages.of_conversation(connection, index)
    return _own_units(sealer, connection, rows) if rows else None


def kept_by(sealer: ContentSealer, connection: Connection, keys: Collection[bytes]) -> dict[bytes, frozenset[UnitId]]:
    """The units on the card of the case of each key, where people said who looks after it."""
    of = store.cases_of(connection, keys)
    cards = cards_in(sealer, connection, store.get(connection, set(of.values())).values())
    return {key: units for key, case in of.items() if (units := cards[case].units) is not None}


def of_cases(sealer: ContentSealer, connection: Connection, ids: Collection[CaseId]) -> dict[CaseId, frozenset[UnitId]]:
    """The units of cases by id; those that there are."""
    rows = store.get(connection, ids)
    cards = cards_in(sealer, connection, list(rows.values()))
    said = _said_in(sealer, connection, [id for id in rows if cards[id].units is None])
    return {id: said[id] if (units := cards[id].units) is None else units for id in rows}


def cases_looked_after(
    sealer: ContentSealer,
    connection: Connection,
    unit: UnitId,
    cards: Mapping[CaseId, Card],
    talks: Mapping[CaseId, Collection[bytes]],
) -> set[CaseId]:
    """Those of these cases that a unit looks after, by the rule of `of_cases`; ``talks`` are their conversations by
    key. Of a case that nobody gave to a unit one message after the other is opened, in one call for all cases, until
    one is of the unit: mostly that is the first.
    """
    found = {id for id, card in cards.items() if card.units is not None and unit in card.units}
    whose = {index: id for id, card in cards.items() if card.units is None for index in talks.get(id, ())}
    unread: dict[CaseId, list[MessageRow]] = {}
    for row in messages.of_conversations(connection, [*whose]):
        unread.setdefault(whose[row.conversation], []).append(row)
    while asked := [rows.pop(0) for id, rows in unread.items() if rows and id not in found]:
        read = _read_units(sealer, connection, asked)
        found |= {whose[row.conversation] for row in asked if unit in read.get(row.ref, NOBODY)}
    left = [id for id, card in cards.items() if card.units is None and id not in found]
    return found | {id for id, units in of_drafts(sealer, connection, left).items() if unit in units}


def _read_units(
    sealer: ContentSealer, connection: Connection, rows: Sequence[MessageRow]
) -> dict[int, frozenset[UnitId]]:
    """The unit of each of these messages, by number; none of what is gone or does not open."""
    sealed = content_rows.get(connection, [row.ref for row in rows])
    opened = dict(zip(sealed, sealer.open_each([*sealed.values()]), strict=True)) if sealed else {}
    plains = {ref: plain for ref, plain in opened.items() if not isinstance(plain, RefusedError)}
    return {
        row.ref: named(row, content_codec.read_content(plains[row.ref]).halves()[0])
        for row in rows
        if row.ref in plains
    }


def _said_in(sealer: ContentSealer, connection: Connection, ids: Collection[CaseId]) -> dict[CaseId, frozenset[UnitId]]:
    """Find the units here that wrote in these cases or were written to, with a number of statements that does not grow
    with the cases: a list has hundreds.
    """
    found = of_drafts(sealer, connection, ids)
    whose = {link.key: link.case_id for link in store.links_of(connection, ids, LinkKind.CONVERSATION)}
    rows = messages.of_conversations(connection, [*whose])
    for start in range(0, len(rows), OPENED):
        some = rows[start : start + OPENED]
        read = _read_units(sealer, connection, some)
        for row in some:
            found[whose[row.conversation]] |= read.get(row.ref, NOBODY)
    return found


def of_drafts(
    sealer: ContentSealer, connection: Connection, ids: Collection[CaseId]
) -> dict[CaseId, frozenset[UnitId]]:
    """The units that the drafts of these cases say they are from."""
    found = dict.fromkeys(ids, NOBODY)
    for link in store.links_of(connection, ids, LinkKind.DRAFT):
        found[link.case_id] |= _of_written(sealer, connection, link.key.removeprefix(draft_key("")).decode())
    return found


def _of_change(sealer: ContentSealer, connection: Connection, id: str) -> frozenset[UnitId] | None:
    """Find who looks after both cases, as far as there are two: a split has yet to make one, a merge has ended one."""
    change = store.get_change(connection, id)
    if change is None:
        return None
    rows = store.get(connection, [change.source, change.target])
    open_ones = [row.id for row in rows.values() if row.state == CaseState.OPEN]
    return frozenset.intersection(*of_cases(sealer, connection, open_ones).values()) if open_ones else NOBODY


def _of_link(sealer: ContentSealer, connection: Connection, key: bytes) -> frozenset[UnitId] | None:
    case = store.cases_of(connection, [key]).get(key)
    return None if case is None else of_cases(sealer, connection, [case])[case]


def _of_messages(sealer: ContentSealer, connection: Connection, id: str) -> frozenset[UnitId] | None:
    found = [_of_message(sealer, connection, row) for row in messages.find(connection, id)]
    return frozenset.intersection(*found) if found else None


def _of_files(sealer: ContentSealer, connection: Connection, id: str) -> frozenset[UnitId] | None:
    """The units of the drafts that name files which wait; where none does, the unit of whoever added them."""
    drafts = drafts_by_files(sealer, connection).get(id)
    if drafts:
        return frozenset.intersection(*(_of_draft(sealer, connection, one) or NOBODY for one in drafts))
    sealed = content_rows.get(connection, local.waiting_files(connection, id))
    added_by = {content_codec.read_adder(sealer.open(one)) for one in sealed.values()}
    if not added_by:
        return None
    return frozenset(UnitId(unit) for unit in added_by if unit is not None) if len(added_by) == 1 else NOBODY


def _of_message(sealer: ContentSealer, connection: Connection, row: MessageRow) -> frozenset[UnitId]:
    """Find who looks after its case, where people said so; else the unit that sent it or got it."""
    kept = kept_by(sealer, connection, [row.conversation])
    return kept.get(row.conversation) or _own_units(sealer, connection, [row])


def _of_draft(sealer: ContentSealer, connection: Connection, id: str) -> frozenset[UnitId] | None:
    if local.get_draft(connection, id) is None:
        return None
    key = draft_key(id)
    return kept_by(sealer, connection, [key]).get(key) or _of_written(sealer, connection, id)


def _of_written(sealer: ContentSealer, connection: Connection, draft: str) -> frozenset[UnitId]:
    """The unit that a draft says it is from."""
    row = local.get_draft(connection, draft)
    sealed = None if row is None else content_rows.get(connection, [row.ref]).get(row.ref)
    try:
        header = None if sealed is None else orjson.loads(sealer.open(sealed)).get("header")
    except RefusedError:
        return NOBODY
    return _unit(header, "sender_unit")


def _own_units(sealer: ContentSealer, connection: Connection, rows: Sequence[MessageRow]) -> frozenset[UnitId]:
    sealed = content_rows.get(connection, [row.ref for row in rows])
    found = NOBODY
    for row in rows:
        found |= _own_unit(sealer, row, sealed.get(row.ref))
    return found


def _own_unit(sealer: ContentSealer, row: MessageRow, sealed: SealedRow | None) -> frozenset[UnitId]:
    if sealed is None:
        return NOBODY
    try:
        header, _ = content_codec.read_content(sealer.open(sealed)).halves()
    except RefusedError:
        return NOBODY
    return named(row, header)


def named(row: MessageRow, header: Mapping[str, Json]) -> frozenset[UnitId]:
    """The unit of this node that sent a message or got it, by its header."""
    return _unit(header, "recipient_unit" if row.direction == IN else "sender_unit")


def _unit(header: object, name: str) -> frozenset[UnitId]:
    value = header.get(name) if isinstance(header, dict) else None
    return frozenset({UnitId(value)}) if isinstance(value, str) else NOBODY
