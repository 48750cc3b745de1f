"""Where on this node something of a message is: each place is looked at before anything is said of it (domain 10.8)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import Connection, select

from gateway.attachments import store as attachments
from gateway.database.content_sealer import ContentSealer
from gateway.database.tables import attachment, draft, envelope, inbox, message, sealed
from gateway.delivery.record_files import files_of_waiting

_SLICE = 500


def find_places(connection: Connection, sealer: ContentSealer, refs: Sequence[int]) -> dict[int, frozenset[str]]:
    """By message where anything is held of it, of these messages that have something: each place of the node is looked
    at. Files that wait for the next draft of its record count, since that draft does.
    """
    found: defaultdict[int, set[str]] = defaultdict(set)
    for start in range(0, len(refs), _SLICE):
        some = refs[start : start + _SLICE]
        drafts = select(message.c.ref).join(draft, draft.c.origin == message.c.origin)
        places = {
            "content": select(sealed.c.ref).where(sealed.c.ref.in_(some)),
            "envelope": select(envelope.c.ref).where(envelope.c.ref.in_(some)),
            "attachment": select(attachment.c.message).where(attachment.c.message.in_(some)),
            "inbox": select(inbox.c.ref).where(inbox.c.ref.in_(some)),
            "draft": drafts.join(sealed, sealed.c.ref == draft.c.ref).where(message.c.ref.in_(some)),
        }
        for name, query in places.items():
            for ref in connection.scalars(query.distinct()):
                found[ref].add(name)
        for ref in _with_waiting_files(connection, sealer, some):
            found[ref].add("attachment")
    return {ref: frozenset(names) for ref, names in found.items()}


def held(connection: Connection, sealer: ContentSealer, refs: Sequence[int]) -> frozenset[str]:
    """Where anything is still held of these messages."""
    return frozenset().union(*find_places(connection, sealer, refs).values())


def _with_waiting_files(connection: Connection, sealer: ContentSealer, refs: Sequence[int]) -> list[int]:
    query = select(message.c.ref, message.c.origin).where(message.c.ref.in_(refs), message.c.origin.is_not(None))
    origins = {row.ref: row.origin for row in connection.execute(query)}
    files = files_of_waiting(connection, sealer, [*set(origins.values())])
    there = attachments.unsent(connection, [*files.values()])
    return [ref for ref, origin in origins.items() if files.get(origin) in there]
