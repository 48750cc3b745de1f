"""Legal holds on whole cases: nothing of any conversation of the case is erased, also of one that begins later.

The hold is a row beside those of single conversations, under a key of its own, which is linked to the case: so it goes
where the case goes, and outlives a case as a key, a ground and a day.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from gateway.cases.ledger_names import names_of_case
from gateway.cases.rules import LinkKind
from gateway.database.content_sealer import ContentSealer
from gateway.database.rows import values_of
from gateway.database.tables import case_link, hold
from gateway.foundation.ids import CaseId
from gateway.ledger import store as ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseHold:
    """A hold on a case, in the columns of its row; `conversation` is the key that stands in the place of one."""

    conversation: bytes
    ground: str
    until: str
    at: int


def place(sealer: ContentSealer, connection: Connection, case: CaseId, held: CaseHold, *, at: int) -> None:
    """Lay a hold over a case; the ledger names it."""
    names = names_of_case(sealer, connection, case)
    ledger.add_kept(connection, names, held.ground, held.until, at=at)
    connection.execute(insert(hold).values(**values_of(held)))
    connection.execute(insert(case_link).values(key=held.conversation, kind=LinkKind.KEPT, case_id=case))


def of_case(connection: Connection, case: CaseId) -> list[CaseHold]:
    """The holds on a case: one, or more where two cases became one; the earliest first."""
    keys = select(case_link.c.key).where(case_link.c.case_id == case, case_link.c.kind == LinkKind.KEPT)
    rows = connection.execute(select(hold).where(hold.c.conversation.in_(keys)).order_by(hold.c.at))
    return [CaseHold(**row._mapping) for row in rows]


def lift(sealer: ContentSealer, connection: Connection, case: CaseId, held: Iterable[CaseHold], *, at: int) -> None:
    """End these of a case; the ledger names it."""
    ledger.add_released(connection, names_of_case(sealer, connection, case), at=at)
    keys = [one.conversation for one in held]
    connection.execute(delete(hold).where(hold.c.conversation.in_(keys)))
    connection.execute(delete(case_link).where(case_link.c.key.in_(keys)))


def conversations_under(connection: Connection, keys: Collection[bytes]) -> list[tuple[bytes, bytes]]:
    """(conversation, key of the hold) for each conversation of a case on which one of these lies."""
    if not keys:
        return []
    of = case_link.alias()
    query = (
        select(of.c.key, case_link.c.key)
        .join(of, of.c.case_id == case_link.c.case_id)
        .where(case_link.c.key.in_(list(keys)), case_link.c.kind == LinkKind.KEPT)
        .where(of.c.kind == LinkKind.CONVERSATION)
    )
    return [(conversation, key) for conversation, key in connection.execute(query)]
