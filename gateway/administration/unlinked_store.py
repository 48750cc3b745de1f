"""What of a folder of before there were cases is of none yet (`gateway.administration.upgrade_cases`)."""

from __future__ import annotations

from sqlalchemy import Connection, exists, func, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.cases.rules import LinkKind
from gateway.database.tables import case_link, consent, erasure, message, origin


def conversations_without(connection: Connection, kind: str, after: bytes, limit: int) -> list[bytes]:
    """Conversations of a kind behind `after` that are of no case and still have a message, by their keys."""
    there = ~exists().where(erasure.c.message == message.c.ref)
    query = (
        select(message.c.conversation)
        .where(message.c.conversation > after, message.c.kind == kind, there)
        .where(~exists().where(case_link.c.key == message.c.conversation))
        .distinct()
        .order_by(message.c.conversation)
        .limit(limit)
    )
    return list(connection.scalars(query))


def link_records(connection: Connection) -> int:
    """Link each record of the case system to the case of what was sent from it; how many."""
    of = (
        select(origin.c.key, literal(str(LinkKind.RECORD)), func.min(case_link.c.case_id))
        .join(message, message.c.origin == origin.c.ref)
        .join(case_link, case_link.c.key == message.c.conversation)
        .group_by(origin.c.key)
        .having(func.count(case_link.c.case_id.distinct()) == 1)
    )
    statement = upsert(case_link).from_select(["key", "kind", "case_id"], of).on_conflict_do_nothing()
    return connection.execute(statement).rowcount


def consents_without(connection: Connection, after: int, limit: int) -> list[tuple[int, bytes, str]]:
    """(ref, index, state) of consents held here that are of no case, behind `after`."""
    query = (
        select(consent.c.ref, consent.c.consent, consent.c.state)
        .where(consent.c.ref > after, ~exists().where(case_link.c.key == consent.c.consent))
        .order_by(consent.c.ref)
        .limit(limit)
    )
    return [(row.ref, row.consent, row.state) for row in connection.execute(query)]
