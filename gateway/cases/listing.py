"""The list of cases in the database: summed up with each case where something of it has changed, and found there.

What moves a message only marks its case (`gateway.cases.store.mark_unlisted`); what is marked is summed up before
somebody looks at the list, so that ten thousand cases are narrowed, sorted and counted without a join for each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    false,
    func,
    literal,
    or_,
    select,
    true,
    tuple_,
    update,
)

from gateway.cases import store
from gateway.cases.list_rules import ListedCase, Order, Owes, Place, Talk, Wanted
from gateway.cases.rules import CaseState, LinkKind
from gateway.cases.store import CaseRow
from gateway.database.prepared import Prepared
from gateway.database.tables import case_link, case_word, cases, conversation, conversation_word
from gateway.foundation.ids import CaseId

PARTS = ("open", "mine", "overdue", "soon", "ours", "theirs", "flagged", "closed")
"""What is counted; all but `closed` of what goes on."""
_LAST = 1 << 53
"""The deadline of what has none: behind all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundRow(CaseRow):
    """A case of the list as it was summed up; `stage` is the keyed hash of its name."""

    ours: int | None
    theirs: int | None
    moved: int
    stage: bytes | None
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """A page of the list, where it ends if there is more, how many cases are wanted and how many are in each part."""

    rows: Sequence[FoundRow]
    behind: Place | None
    total: int
    counts: Mapping[str, int]


_TALKS = Prepared(
    select(
        case_link.c.case_id,
        conversation.c.conversation,
        conversation.c.peer,
        conversation.c.state,
        conversation.c.ours,
        conversation.c.theirs,
        conversation.c.moved,
        conversation.c.stage,
    )
    .join(conversation, conversation.c.conversation == case_link.c.key)
    .where(case_link.c.kind == LinkKind.CONVERSATION, case_link.c.case_id.in_(bindparam("ids", expanding=True)))
    .order_by(conversation.c.conversation, conversation.c.peer)
)
_UNLISTED = Prepared(select(cases.c.id).where(~cases.c.listed))
_SUMMED = Prepared(
    update(cases)
    .where(cases.c.id == bindparam("which"))
    .values(
        listed=True,
        ours=bindparam("us"),
        theirs=bindparam("them"),
        moved=bindparam("last"),
        stage=bindparam("there"),
        closed=bindparam("over"),
    )
)


def cases_unlisted(connection: Connection) -> list[CaseId]:
    """Cases of which something has changed since they were summed up."""
    return [CaseId(id) for id in _UNLISTED.scalars(connection)]


def talks_of(
    connection: Connection, ids: Collection[CaseId], stages: Sequence[bytes], resting: Collection[str]
) -> dict[CaseId, list[Talk]]:
    """The conversations of these cases; ``stages`` are the hashes of the stages in their order, ``resting`` the states
    in which nothing goes on.
    """
    places, found = {word: place for place, word in enumerate(stages)}, dict[CaseId, list[Talk]]()
    for id, index, peer, state, ours, theirs, moved, stage in _TALKS.rows(connection, ids=[*ids]):
        talk = Talk(
            key=(index, peer),
            live=state not in resting,
            ours=ours,
            theirs=theirs,
            moved=moved,
            stage=places.get(stage),
        )
        found.setdefault(CaseId(id), []).append(talk)
    return found


def sum_up(connection: Connection, ids: Collection[CaseId], stages: Sequence[bytes], resting: Collection[str]) -> None:
    """Write with each of these cases what the list goes by."""
    talks = talks_of(connection, ids, stages, resting)
    listed = [
        ListedCase(id=row.id, at=row.at, talks=talks.get(row.id, ())) for row in store.get(connection, ids).values()
    ]
    _SUMMED.run(
        connection,
        [
            {
                "which": one.id,
                "us": one.ours,
                "them": one.theirs,
                "last": one.moved,
                "there": None if one.stage is None else stages[one.stage],
                "over": one.closed,
            }
            for one in listed
        ],
    )


def find(
    connection: Connection, wanted: Wanted, *, order: Order, limit: int, after: Place | None, now: int
) -> FoundPage:
    """A page of the open cases that are wanted, in order; and of all with these words, in this stage and with this
    country how many are in each part. One statement: the cases are gone through once.
    """
    some = _narrowed(wanted).cte("some")
    takes = [*_takes(some, wanted, now)]
    counts = select(
        *(func.count(case((part, 1))).label(f"n_{name}") for name, part in _parts(some, wanted, now).items()),
        func.count(case((and_(true(), *takes), 1))).label("total"),
    ).subquery()
    place = [*_place(some, order), some.c.id.label("third")]
    page = select(some, place[0].label("first"), place[1].label("second")).where(*takes)
    if after is not None:
        page = page.where(tuple_(*place) > after)
    rows_of_page = page.order_by(*place).limit(limit + 1).subquery()
    ordered = rows_of_page.c.first, rows_of_page.c.second, rows_of_page.c.id
    statement = select(counts, rows_of_page).select_from(counts.outerjoin(rows_of_page, true())).order_by(*ordered)
    found = connection.execute(statement).all()
    rows = [row for row in found if row.id is not None]
    last = rows[limit - 1] if len(rows) > limit else None
    return FoundPage(
        rows=[_row(row) for row in rows[:limit]],
        behind=None if last is None else (last.first, last.second, last.id),
        total=found[0].total,
        counts={name: getattr(found[0], f"n_{name}") for name in PARTS},
    )


def _row(row: Any) -> FoundRow:
    return FoundRow(
        id=row.id,
        state=CaseState.OPEN,
        at=row.at,
        card=row.card,
        ours=row.ours,
        theirs=row.theirs,
        moved=row.moved,
        stage=row.stage,
        closed=row.closed,
    )


def _narrowed(wanted: Wanted) -> Select[Any]:
    """The open cases with all of the words, in the stage and with the country that are wanted."""
    moved = func.coalesce(cases.c.moved, cases.c.at).label("moved")
    mine = false() if wanted.mine is None else _on_card(wanted.mine)
    query = select(
        cases.c.id,
        cases.c.at,
        cases.c.card,
        cases.c.ours,
        cases.c.theirs,
        moved,
        cases.c.stage,
        cases.c.closed,
        mine.label("mine"),
        _on_card(wanted.flagged).label("flagged"),
    ).where(
        cases.c.state == CaseState.OPEN,
        *(or_(_on_card(word), _in_talk(word)) for word in wanted.words),
        *(or_(_on_card(unit), _in_talk(unit) & ~_on_card(given)) for unit, given in wanted.units),
    )
    if wanted.without:
        query = query.where(cases.c.id.not_in(wanted.without))
    if wanted.stage is not None:
        query = query.where(cases.c.stage == wanted.stage)
    if wanted.peer is not None:
        talks = select(case_link.c.case_id).join(conversation, conversation.c.conversation == case_link.c.key)
        query = query.where(cases.c.id.in_(talks.where(conversation.c.peer == wanted.peer)))
    return query


def _takes(some: CTE, wanted: Wanted, now: int) -> Iterator[ColumnElement[bool]]:
    """What narrows the list, but not what is counted."""
    yield some.c.closed if wanted.closed else ~some.c.closed
    if wanted.overdue:
        yield _late(some, now)
    if wanted.soon:
        yield _soon(some, wanted, now)
    if wanted.only_mine:
        yield some.c.mine
    if wanted.only_flagged:
        yield some.c.flagged
    if wanted.owes is not None:
        yield (some.c.ours if wanted.owes is Owes.US else some.c.theirs).is_not(None)


def _parts(some: CTE, wanted: Wanted, now: int) -> dict[str, ColumnElement[bool]]:
    """What is counted."""
    goes_on = {
        "mine": some.c.mine,
        "overdue": _late(some, now),
        "soon": _soon(some, wanted, now),
        "ours": some.c.ours.is_not(None),
        "theirs": some.c.theirs.is_not(None),
        "flagged": some.c.flagged,
    }
    return {
        "open": ~some.c.closed,
        **{name: and_(~some.c.closed, part) for name, part in goes_on.items()},
        "closed": some.c.closed,
    }


def _late(some: CTE, now: int) -> ColumnElement[bool]:
    return or_(some.c.ours < now, some.c.theirs < now)


def _soon(some: CTE, wanted: Wanted, now: int) -> ColumnElement[bool]:
    """Something is over soon, and nothing is late."""
    return _due(some).between(now, wanted.soon_until)


def _due(some: CTE) -> ColumnElement[int]:
    """The next deadline of either side."""
    ours, theirs = (func.coalesce(side, literal(_LAST)) for side in (some.c.ours, some.c.theirs))
    return case((ours < theirs, ours), else_=theirs)


def _place(some: CTE, order: Order) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Where a case stands, before its id: what has no deadline stands behind what has one, and the newest first among
    equals.
    """
    nothing = literal(0)
    match order:
        case Order.DUE:
            return _due(some), -some.c.moved
        case Order.RESTS:
            return some.c.moved, nothing
        case _:
            return -some.c.at, nothing


def _on_card(word: bytes) -> ColumnElement[bool]:
    return cases.c.id.in_(select(case_word.c.case_id).where(case_word.c.word == word))


def _in_talk(word: bytes) -> ColumnElement[bool]:
    return cases.c.id.in_(
        select(case_link.c.case_id)
        .join(conversation_word, conversation_word.c.conversation == case_link.c.key)
        .where(conversation_word.c.word == word)
    )
