"""One small row per conversation: how it stood when it was last folded, and when it has to be folded again.

A row is known by the keyed index of the conversation and the peer, so that a peer that repeats the id of another one's
conversation finds its own. The transaction that moves a message only counts the change; folding needs what is sealed
and happens afterwards. A fold that was overtaken by a change is not written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, bindparam, func, literal, literal_column, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.database.prepared import Prepared
from gateway.database.tables import conversation
from gateway.foundation.ids import NodeId

NOW = 0
"""The time to fold of a row that changed: the beginning of time, so that it comes first."""

Key = tuple[bytes, NodeId]
"""The keyed index of a conversation and the peer with which it is held."""


class Owing(StrEnum):
    """Whose deadlines a list goes by: the columns of that name."""

    EITHER = "due"
    US = "ours"
    THEM = "theirs"


Place = tuple[int, bytes, str]
"""Where a page of what is owed ends: the deadline and the key of its last row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationRow:
    """`quoted` is the ref of the message that quotes an enquiry; `due` the next deadline, Unix seconds, `ours` and
    `theirs` the next one of each side, `alert` that of a safety alert that nobody has taken, `NOW` until it was folded;
    `fold` when to fold again, None when only a change can matter.

    `state`, since when (`since`) and when the person arrived (`arrived`), both the first second of that day in UTC, are
    by all messages up to the local number `upto`: they outlive the contents that they were found by. `moved` and
    `stage`, a keyed hash, are of the change `worded` (`gateway.cases.found`).
    """

    conversation: bytes
    peer: NodeId
    kind: str
    changes: int
    quoted: int | None
    state: str | None
    since: int | None
    arrived: int | None
    upto: int | None
    due: int | None
    ours: int | None
    theirs: int | None
    alert: int | None
    fold: int | None
    worded: int = 0
    moved: int | None = None
    stage: bytes | None = None

    @property
    def key(self) -> Key:
        """By what it is known."""
        return self.conversation, self.peer

    def waits(self, now: int) -> bool:
        """Whether it has to be folded again."""
        return self.fold is not None and self.fold <= now


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationStatus:
    """What a fold found; `changes` is the count of the row that it began with."""

    conversation: bytes
    peer: NodeId
    changes: int
    state: str
    ours: int | None
    theirs: int | None
    fold: int | None
    alert: int | None = None
    since: int | None = None
    arrived: int | None = None
    upto: int | None = None


_NEW = upsert(conversation)
_CHANGED = Prepared(
    _NEW.on_conflict_do_update(
        index_elements=["conversation", "peer"],
        set_={"changes": conversation.c.changes + literal_column("1"), "fold": _NEW.excluded.fold},
    ),
    columns=("conversation", "peer", "kind", "changes", "fold"),
    apart=True,
)
_QUOTE = Prepared(
    update(conversation)
    .where(conversation.c.conversation == bindparam("which"), conversation.c.peer == bindparam("whose"))
    .values(quoted=bindparam("by"), fold=NOW, changes=conversation.c.changes + 1)
)
_STANDS = Prepared(
    update(conversation)
    .where(
        conversation.c.conversation == bindparam("which"),
        conversation.c.peer == bindparam("whose"),
        conversation.c.changes == bindparam("seen"),
    )
    .values(
        state=bindparam("now"),
        since=bindparam("began"),
        arrived=bindparam("there"),
        upto=bindparam("last"),
        due=bindparam("until"),
        ours=bindparam("us"),
        theirs=bindparam("them"),
        alert=bindparam("wakes"),
        fold=bindparam("again"),
    )
)
_ALARMED = Prepared(
    update(conversation)
    .where(conversation.c.conversation == bindparam("which"), conversation.c.peer == bindparam("whose"))
    .values(alert=func.coalesce(conversation.c.alert, NOW))
)
_GET = Prepared(select(conversation).where(conversation.c.conversation.in_(bindparam("indexes", expanding=True))))
_CHANGES = Prepared(
    select(conversation.c.conversation, conversation.c.peer, conversation.c.changes).where(
        conversation.c.conversation.in_(bindparam("indexes", expanding=True))
    )
)
_TO_FOLD = Prepared(
    select(conversation.c.conversation, conversation.c.peer)
    .where(conversation.c.fold <= bindparam("at"))
    .order_by(conversation.c.fold)
    .limit(bindparam("most"))
)
_ALERTS_TO_FOLD = Prepared(
    select(conversation.c.conversation, conversation.c.peer).where(
        conversation.c.alert.is_not(None), conversation.c.fold <= bindparam("at")
    )
)


def changed(connection: Connection, rows: Iterable[tuple[bytes, str, str]]) -> None:
    """Something moved in these conversations: (index, peer, kind). Part of the moving transaction. A conversation that
    is named twice counts once, and one that is new is of the first kind.
    """
    kinds: dict[tuple[bytes, str], str] = {}
    for index, peer, kind in rows:
        kinds.setdefault((index, peer), kind)
    _CHANGED.run(
        connection,
        [
            {"conversation": index, "peer": peer, "kind": kind, "changes": 1, "fold": NOW}
            for (index, peer), kind in kinds.items()
        ],
    )


def alarm(connection: Connection, keys: Iterable[tuple[bytes, str]]) -> None:
    """A safety alert came or goes in these conversations: until they were folded it counts as not taken. Part of the
    moving transaction, so that nothing that is folded later hides an alert.
    """
    _ALARMED.run(connection, [{"which": index, "whose": peer} for index, peer in keys])


def quote(connection: Connection, rows: Iterable[tuple[bytes, str, int]]) -> None:
    """A message quotes this enquiry: (index, peer, ref of the message)."""
    _QUOTE.run(connection, [{"which": index, "whose": peer, "by": ref} for index, peer, ref in rows])


def of_kinds(connection: Connection, kinds: Collection[str]) -> list[Key]:
    """By what all conversations are known that began with a message of these kinds."""
    query = select(conversation.c.conversation, conversation.c.peer).where(conversation.c.kind.in_([*kinds]))
    return [(row.conversation, row.peer) for row in connection.execute(query)]


def get(connection: Connection, indexes: Sequence[bytes]) -> dict[Key, ConversationRow]:
    """The rows of these conversations."""
    return {row.key: row for row in _GET.made(ConversationRow, connection, indexes=indexes)}


def changes_of(connection: Connection, indexes: Collection[bytes]) -> dict[Key, int]:
    """How often something moved in these conversations, with each peer."""
    return {(index, peer): count for index, peer, count in _CHANGES.rows(connection, indexes=[*indexes])}


def to_fold(connection: Connection, now: int, limit: int) -> list[Key]:
    """Conversations to fold again: what changed first, then what time has changed."""
    return [(index, peer) for index, peer in _TO_FOLD.rows(connection, at=now, most=limit)]


def alerts_to_fold(connection: Connection, now: int) -> list[Key]:
    """Those with a safety alert among them."""
    return [(index, peer) for index, peer in _ALERTS_TO_FOLD.rows(connection, at=now)]


def stand(connection: Connection, found: Iterable[ConversationStatus]) -> int:
    """Write how conversations stand, and return of how many; one that changed meanwhile keeps its mark."""
    return _STANDS.run(
        connection,
        [
            {
                "which": one.conversation,
                "whose": one.peer,
                "seen": one.changes,
                "now": one.state,
                "began": one.since,
                "there": one.arrived,
                "last": one.upto,
                "until": min((at for at in (one.ours, one.theirs) if at is not None), default=None),
                "us": one.ours,
                "them": one.theirs,
                "wakes": one.alert,
                "again": one.fold,
            }
            for one in found
        ],
    )


def due(
    connection: Connection,
    limit: int,
    *,
    by: Owing = Owing.EITHER,
    after: Place | None = None,
    peer: NodeId | None = None,
    among: Collection[bytes] | None = None,
) -> list[ConversationRow]:
    """Where something is owed, by the next deadline of `by`; `after` is the place where the page before ended. With
    `peer` of the conversations with that node, with `among` of these.
    """
    order = (conversation.c[by], conversation.c.conversation, conversation.c.peer)
    query = select(conversation).where(conversation.c[by].is_not(None)).order_by(*order).limit(limit)
    if peer is not None:
        query = query.where(conversation.c.peer == peer)
    if among is not None:
        query = query.where(conversation.c.conversation.in_(list(among)))
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*map(literal, after)))
    return [ConversationRow(**row._mapping) for row in connection.execute(query)]


def alerted(connection: Connection) -> list[Key]:
    """Where a safety alert waits for a human, or may do so and was not folded yet."""
    query = select(conversation.c.conversation, conversation.c.peer).where(conversation.c.alert.is_not(None))
    return [(row.conversation, row.peer) for row in connection.execute(query)]
