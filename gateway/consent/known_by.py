"""Who knows a consent, and by which messages: whoever has to hear that it was withdrawn (domain 7.9, 7.18)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.cases.rules import LinkKind
from gateway.consent import register
from gateway.database import content
from gateway.database.content_sealer import ContentSealer
from gateway.errors import RefusedError
from gateway.messages import content_codec
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.store import local, messages
from gateway.messages.store.conversations import Key
from gateway.messages.store.local import OWN
from gateway.messages.store.messages import MessageRow
from gateway.ports import Json

RECORD = "consent.record/1"


def find_known_by(
    sealer: ContentSealer, connection: Connection, known: register.Known
) -> dict[Key, list[tuple[int, bool]]]:
    """By conversation and peer the messages by which that peer knows the consent there, and whether each came from it.

    Who was told of a consent knows it; so does who relied on it, who may have been sent something that does, and who
    told us of it, also where nothing followed.
    """
    told = set(local.consent_told_to(connection, known.index).values())
    found: dict[Key, list[tuple[int, bool]]] = {}
    rows = messages.get_all(connection, sorted(told | set(messages.under(connection, known.index))))
    exchanged = find_exchanged(connection, rows)
    for row in rows:
        if row.ref in exchanged or row.ref in told:
            found.setdefault((row.conversation, row.peer), []).append((row.ref, row.direction == messages.IN))
    holders = {row.holder for row in known.rows} - {OWN, *(node for _, node in found)}
    for row in find_records(sealer, connection, known, holders) if holders else ():
        found.setdefault((row.conversation, row.peer), []).append((row.ref, True))
    return found


def find_exchanged(connection: Connection, rows: Collection[MessageRow]) -> frozenset[int]:
    """Find those of the messages that their peer sent, or may have: what is numbered, and what lost its number because
    this node or the peer was restored, so that it was signed before or is asked about.
    """
    unnumbered = [row for row in rows if row.direction == messages.OUT and row.n is None]
    signed = {one.message for one in messages.sealings(connection, [row.ref for row in unnumbered])}
    never_left = {row.ref for row in unnumbered if row.state != Outgoing.VOIDING} - signed
    return frozenset(row.ref for row in rows) - never_left


def find_records(
    sealer: ContentSealer, connection: Connection, known: register.Known, holders: Collection[str]
) -> list[MessageRow]:
    """The messages by which these peers told of a consent: they lie in conversations of its case. What came before
    0.2.0 is known to tell of it by its content alone.
    """
    case = cases.cases_of(connection, [known.index]).get(known.index)
    keys = [] if case is None else [link.key for link in cases.links(connection, case, LinkKind.CONVERSATION)]
    rows = [row for row in messages.of_conversations(connection, keys) if row.direction == messages.IN]
    from_them = {row.ref: row for row in rows if row.peer in holders}
    ids = {item.record["consent_id"] for item in known.held}
    told = _read_told(sealer, connection, from_them)
    return [row for ref, row in from_them.items() if told.get(ref) in ids]


def find_told(sealer: ContentSealer, connection: Connection, rows: Collection[MessageRow]) -> set[bytes]:
    """The consents of which these messages of peers told before 0.2.0: they are known by what the messages say."""
    unnamed = [row.ref for row in rows if row.direction == messages.IN and row.consent is None]
    return {sealer.consent_index(str(id)) for id in _read_told(sealer, connection, unnamed).values()}


def _read_told(sealer: ContentSealer, connection: Connection, refs: Collection[int]) -> dict[int, Json]:
    """By message the ids of the consents of which those of these tell that are records."""
    sealed = content.get(connection, list(refs))
    found: dict[int, Json] = {}
    for ref, plain in zip(sealed, sealer.open_each(list(sealed.values())), strict=True):
        opened = None if isinstance(plain, RefusedError) else content_codec.read_content(plain)
        if opened is not None and opened.facts.body_type == RECORD:
            found[ref] = opened.halves()[1].get("consent_id")
    return found
