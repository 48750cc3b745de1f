"""The administrators of a node: the fold of their own completed changes (nrm1 8.14, 8.18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from gateway.changes import rules
from gateway.changes import store as rows
from gateway.changes.rules import Action
from gateway.changes.store import ChangeRow
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.ids import NodeId
from gateway.ports import Json
from keys.documents import approvals
from keys.documents.admin_card import AdminCard
from keys.documents.approvals import Card, PasskeyCard
from keys.documents.change import Change

ADMINS = rules.ADMINS


def administrators(connection: Connection) -> dict[str, Card]:
    """The enrolled administrators by pseudonym: the fold of the completed changes of `admins`."""
    found: dict[str, Card] = {}
    for row in rows.changes_of(connection, ADMINS):
        found = enrolled_after(found, Change.parse(row.payload))
    return found


def labels(connection: Connection) -> dict[str, str]:
    """Read the names of every administrator there ever was, by pseudonym."""
    found: dict[str, Card] = {}
    for row in rows.changes_of(connection, ADMINS):
        found = {**found, **enrolled_after(found, Change.parse(row.payload))}
    return {pseudonym: card.label for pseudonym, card in found.items()}


def enrolled_after(found: Mapping[str, Card], change: Change) -> dict[str, Card]:
    """Apply one more completed change of `admins` and return the administrators after it."""
    match change.body:
        case {"admins": [*documents]}:
            cards = [approvals.read_card(document) for document in documents]
        case {"admin": document}:
            cards = [approvals.read_card(document)]
        case {"pseudonym": str(gone)}:
            return {pseudonym: card for pseudonym, card in found.items() if pseudonym != gone}
        case _:
            raise RuntimeError("a completed change of the administrators has its shape")
    return {**found, **{card.pseudonym: card for card in cards}}


def by_passkey(connection: Connection, id: bytes) -> PasskeyCard:
    """The administrator with this passkey. Raises RefusedError(not_found)."""
    for card in administrators(connection).values():
        if isinstance(card, PasskeyCard) and card.passkey.id == id:
            return card
    raise RefusedError(
        Code.NOT_FOUND,
        "this passkey belongs to no administrator of this node; nothing was changed",
        hint="sign with the passkey that was enrolled, and no other",
    )


def begin(connection: Connection, node: NodeId, cards: Sequence[AdminCard], now: int) -> None:
    """The first administrators of a new node, in the transaction that makes it: the one change that nobody approves."""
    body: dict[str, Json] = {"admins": [card.to_json() for card in cards]}
    change = Change(node=node, subject=ADMINS, prev=None, at=now, action=str(Action.ADMINS_BEGIN), body=body)
    rows.add_change(
        connection,
        ChangeRow(
            hash=change.hash, subject=ADMINS, seq=1, payload=change.encode(), state=rows.DONE, at=now, effective=now
        ),
    )
    journal.append_leaf(
        connection,
        leaf(now, "change.completed", change=change.hash, action=change.action, subject=ADMINS, effective=now),
    )


def check_change(connection: Connection, change: Change) -> None:
    """Check that a change of the administrators is one: enrols somebody new, or retires one of more than two."""
    now = administrators(connection)
    if change.subject != ADMINS or change.action == Action.ADMINS_BEGIN:
        raise RefusedError(Code.INVALID, "the subject of this change does not fit its action; nothing was changed")
    if change.action == Action.ADMIN_RETIRE:
        if change.body["pseudonym"] not in now:
            raise RefusedError(Code.NOT_FOUND, "there is no such administrator", hint="trm admin list")
        if len(now) <= rules.FEWEST_ADMINS:
            raise RefusedError(
                Code.CONFLICT,
                "a node keeps at least two administrators; nothing was changed",
                hint="enrol another one first",
            )
        return
    check_cards([*now.values(), read_card(change.body["admin"])])


def read_card(document: Json) -> Card:
    """An administrator's card, of a key file or a passkey. Raises RefusedError for what is none."""
    try:
        return approvals.read_card(document)
    except RemoteError as exc:
        raise RefusedError(
            exc.code,
            f"this is not an administrator's public file: {exc.what}",
            hint="trm admin new FILE writes FILE.public",
        ) from exc


def check_cards(cards: Sequence[Card]) -> None:
    """All different, as far as it can be told: no pseudonym and no key twice. Raises RefusedError(conflict)."""
    if len({card.pseudonym for card in cards}) < len(cards) or len({card.kid for card in cards}) < len(cards):
        raise RefusedError(
            Code.CONFLICT,
            "the same person is there twice; nothing was changed",
            hint="each administrator makes a key file of their own with trm admin new",
        )
