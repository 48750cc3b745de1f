"""Cases, their links, and changes people asked for. Cards are sealed; keys of links are keyed hashes or random ids."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, exists, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gateway.cases import entries
from gateway.cases.rules import CaseState, ChangeKind, ChangeState, LinkKind
from gateway.database.prepared import Prepared
from gateway.database.rows import values_of
from gateway.database.tables import (
    alarm,
    case_change,
    case_link,
    case_moved,
    case_word,
    cases,
    consent,
    erasure,
    message,
)
from gateway.foundation.ids import CaseId

AT_ONCE = 500
LASTING = (ChangeState.DONE, ChangeState.UNDO_ASKED)
"""States of a change that is in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One case; `card` is the number of the sealed row that says what people call it, `worded` that the words by which
    it is found are those of now.
    """

    id: CaseId
    state: str
    at: int
    card: int | None
    worded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One thing that is of a case."""

    key: bytes
    kind: str
    case_id: CaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A merge, split or move of links from the case `source` to `target`. `first` is the keyed hash of who asked for
    its last step; why, and the label of a case that begins, lie sealed under `ref`.
    """

    ref: int
    id: str
    kind: str
    state: str
    at: int
    first: bytes
    source: CaseId
    target: CaseId


# Asked for every message, so they are built once.
_CASES_OF = Prepared(
    select(case_link.c.key, case_link.c.case_id).where(case_link.c.key.in_(bindparam("keys", expanding=True)))
)
_COLUMNS = (cases.c.id, cases.c.state, cases.c.at, cases.c.card, cases.c.worded)
_OPEN = Prepared(insert(cases), columns=[one.name for one in _COLUMNS])
_SET_CARD = Prepared(update(cases).where(cases.c.id == bindparam("which")).values(card=bindparam("ref"), worded=False))
_LINK = Prepared(upsert(case_link).on_conflict_do_nothing(index_elements=["key"]))
_FORGET_WORDS = Prepared(delete(case_word).where(case_word.c.case_id == bindparam("which")))
_CHANGED = Prepared(
    update(cases)
    .where(cases.c.id == bindparam("which"), cases.c.worded | cases.c.listed)
    .values(worded=False, listed=False)
)
_UNLISTED = Prepared(
    update(cases)
    .where(
        cases.c.listed,
        cases.c.id.in_(select(case_link.c.case_id).where(case_link.c.key.in_(bindparam("keys", expanding=True)))),
    )
    .values(listed=False)
)
_LINKS_OF = Prepared(
    select(case_link).where(
        case_link.c.case_id.in_(bindparam("ids", expanding=True)), case_link.c.kind == bindparam("what")
    )
)
_ROWS = Prepared(select(*_COLUMNS).where(cases.c.id.in_(bindparam("ids", expanding=True))))


def cases_of(connection: Connection, keys: Collection[bytes]) -> dict[bytes, CaseId]:
    """The case of each of these keys that has one."""
    found: dict[bytes, CaseId] = {}
    wanted = list(keys)
    for start in range(0, len(wanted), AT_ONCE):
        found.update(_CASES_OF.rows(connection, keys=wanted[start : start + AT_ONCE]))
    return found


def get(connection: Connection, ids: Collection[CaseId]) -> dict[CaseId, CaseRow]:
    """Cases by id."""
    found: dict[CaseId, CaseRow] = {}
    wanted = list(ids)
    for start in range(0, len(wanted), AT_ONCE):
        found.update((row.id, row) for row in _ROWS.made(CaseRow, connection, ids=wanted[start : start + AT_ONCE]))
    return found


def page(connection: Connection, *, limit: int, before: tuple[int, str] | None) -> list[CaseRow]:
    """Open cases, newest first, behind the place where the page before ended."""
    query = (
        select(*_COLUMNS).where(cases.c.state == CaseState.OPEN).order_by(cases.c.at.desc(), cases.c.id).limit(limit)
    )
    if before is not None:
        at, id = before
        query = query.where((cases.c.at < at) | ((cases.c.at == at) & (cases.c.id > id)))
    return [CaseRow(**row._mapping) for row in connection.execute(query)]


def open_cases(connection: Connection, rows: Iterable[CaseRow]) -> None:
    """Begin cases."""
    _OPEN.add(connection, rows)


def set_cards(connection: Connection, cards: Mapping[CaseId, int]) -> None:
    """From now on other sealed rows say what people call these cases; the words of those before go with them."""
    _FORGET_WORDS.run(connection, [{"which": case} for case in cards])
    _SET_CARD.run(connection, [{"which": case, "ref": ref} for case, ref in cards.items()])


def set_state(connection: Connection, id: CaseId, state: CaseState) -> None:
    """It is merged into another one, or open again."""
    connection.execute(update(cases).where(cases.c.id == id).values(state=state))


# --- links ----------------------------------------------------------------------------------------------------------


def link(connection: Connection, rows: Iterable[Link]) -> None:
    """Link these; what is of a case already stays there."""
    some = list(rows)
    _LINK.add(connection, some)
    _CHANGED.run(connection, [{"which": id} for id in dict.fromkeys(one.case_id for one in some)])


def links(connection: Connection, id: CaseId, kind: LinkKind | None = None) -> list[Link]:
    """List what is of a case, of one kind or all."""
    query = select(case_link).where(case_link.c.case_id == id)
    if kind is not None:
        query = query.where(case_link.c.kind == kind)
    return [Link(**row._mapping) for row in connection.execute(query)]


def links_of(connection: Connection, ids: Collection[CaseId], kind: LinkKind) -> list[Link]:
    """List what of one kind is of these cases."""
    found, wanted = list[Link](), list(ids)
    for start in range(0, len(wanted), AT_ONCE):
        found += _LINKS_OF.made(Link, connection, ids=wanted[start : start + AT_ONCE], what=kind)
    return found


def conversations_of(connection: Connection, id: CaseId) -> list[bytes]:
    """The conversations of a case by their keys."""
    return [link.key for link in links(connection, id, LinkKind.CONVERSATION)]


def mark_unlisted(connection: Connection, conversations: Collection[bytes]) -> None:
    """How these stand has changed, so their cases have to be summed up anew for the list (`gateway.cases.listing`)."""
    wanted = list(conversations)
    for start in range(0, len(wanted), AT_ONCE):
        _UNLISTED.run_listed(connection, keys=wanted[start : start + AT_ONCE])


def move_links(connection: Connection, keys: Collection[bytes], *, was: CaseId, to: CaseId) -> int:
    """Give to the other case what of these is of one; how many were."""
    moved, wanted = 0, list(keys)
    for start in range(0, len(wanted), AT_ONCE):
        some = case_link.c.key.in_(wanted[start : start + AT_ONCE])
        query = update(case_link).where(case_link.c.case_id == was, some).values(case_id=to)
        moved += connection.execute(query).rowcount
    connection.execute(update(cases).where(cases.c.id.in_((was, to))).values(worded=False, listed=False))
    return moved


def unlink(connection: Connection, keys: Collection[bytes]) -> None:
    """Take these out of their cases."""
    mark_unlisted(connection, keys)
    connection.execute(delete(case_link).where(case_link.c.key.in_(list(keys))))


def forget_finished(
    connection: Connection, conversations: Collection[bytes], *, but: Collection[int] = ()
) -> list[int]:
    """End the cases of which nothing is left after messages of these conversations were erased: no message, no draft.
    Messages in `but`, which prove an erasure, do not count. Returns the numbers of what is sealed of them, to be erased
    with them.
    """
    left = select(message.c.ref).where(
        message.c.conversation == case_link.c.key,
        message.c.ref.not_in(list(but)),
        ~exists().where(erasure.c.message == message.c.ref),
    )
    over = select(case_link.c.key).where(case_link.c.key.in_(list(conversations)), ~left.exists())
    return forget_over(connection, list(connection.scalars(over)))


def forget_without(connection: Connection, consents: Collection[bytes]) -> list[int]:
    """End the cases of which nothing was left but one of these consents, if that is erased; returns what
    `forget_empty` does.
    """
    of = set(cases_of(connection, consents).values())
    return [ref for id in of if not is_kept(connection, id) for ref in forget_empty(connection, id)]


def forget_over(connection: Connection, keys: Collection[bytes]) -> list[int]:
    """Unlink what is over, and end the cases of which nothing is left: those that it was of, those that people took it
    from, and those that a split made for it and that was taken back. Returns what `forget_empty` does.
    """
    touched = set(cases_of(connection, keys).values())
    unlink(connection, keys)
    changes = select(case_change).join(case_moved, case_moved.c.change == case_change.c.ref).distinct()
    for row in connection.execute(changes.where(case_moved.c.key.in_(list(keys)))).all():
        undone = (row.kind, row.state) == (ChangeKind.SPLIT, ChangeState.UNDONE)
        left = row.target if undone else row.source
        if (undone or row.state in LASTING) and not is_kept(connection, left):
            touched.add(left)
    return [ref for id in touched for ref in forget_empty(connection, id)]


def is_kept(connection: Connection, id: CaseId) -> bool:
    """Whether a case of which nothing is left stays all the same: it is merged, a legal hold lies on it, or a change of
    it that moved what is still there can be taken back.
    """
    of = or_(case_change.c.source == id, case_change.c.target == id)
    moved = select(case_moved.c.key).join(case_change, case_change.c.ref == case_moved.c.change).where(of)
    there = case_link.c.key.in_(moved) & case_link.c.kind.in_((LinkKind.CONVERSATION, LinkKind.DRAFT))
    held = (case_link.c.case_id == id) & (case_link.c.kind == LinkKind.KEPT)
    row = get(connection, [id]).get(id)
    if row is None or row.state != CaseState.OPEN:
        return True
    found = (connection.execute(select(case_link.c.key).where(one).limit(1)).first() for one in (held, there))
    return any(one is not None for one in found)


def forget_empty(connection: Connection, id: CaseId) -> list[int]:
    """End a case of which nothing is left, and those that were merged into it; the numbers of their cards and of what
    people changed of them, to be erased with it. A consent that was recorded for it and is held still keeps it.
    """
    keeps = case_link.c.kind.in_((LinkKind.CONVERSATION, LinkKind.DRAFT))
    if connection.execute(select(case_link.c.key).where(case_link.c.case_id == id, keeps).limit(1)).first() is not None:
        return []
    held = select(case_link.c.key).where(case_link.c.case_id == id, case_link.c.kind == LinkKind.CONSENT)
    if connection.execute(select(consent.c.ref).where(consent.c.consent.in_(held)).limit(1)).first() is not None:
        return []
    card = connection.scalar(select(cases.c.card).where(cases.c.id == id))
    changes, noted = changes_of(connection, id), entries.refs_of(connection, id)
    refs = [row.ref for row in changes]
    connection.execute(delete(case_moved).where(case_moved.c.change.in_(refs)))
    connection.execute(delete(case_change).where(case_change.c.ref.in_(refs)))
    connection.execute(delete(case_link).where(case_link.c.case_id == id))
    connection.execute(delete(case_word).where(case_word.c.case_id == id))
    connection.execute(delete(cases).where(cases.c.id == id))
    lasting = (ChangeKind.MERGE, ChangeState.DONE), (ChangeKind.MERGE, ChangeState.UNDO_ASKED)
    merged = [row.source for row in changes if row.target == id and (row.kind, row.state) in lasting]
    noted += [ref for one in merged for ref in forget_empty(connection, one)]
    return [*refs, *noted] if card is None else [*refs, *noted, card]


def cases_relying(connection: Connection, indexes: Collection[bytes]) -> dict[bytes, set[CaseId]]:
    """By consent the cases with a message that relies on it."""
    query = (
        select(message.c.consent, case_link.c.case_id)
        .join(case_link, case_link.c.key == message.c.conversation)
        .where(message.c.consent.in_(list(indexes)))
        .distinct()
    )
    found: dict[bytes, set[CaseId]] = {}
    for index, case in connection.execute(query):
        found.setdefault(index, set()).add(case)
    return found


# --- changes --------------------------------------------------------------------------------------------------------


def add_change(connection: Connection, row: ChangeRow, keys: Collection[bytes]) -> None:
    """A first person asks for a change of these links."""
    connection.execute(insert(case_change).values(**values_of(row)))
    note_moved(connection, row.ref, keys)


def note_moved(connection: Connection, change: int, keys: Collection[bytes]) -> None:
    """List what a change moves."""
    rows = [{"change": change, "key": key} for key in keys]
    if rows:
        connection.execute(upsert(case_moved).on_conflict_do_nothing(), rows)


def moved(connection: Connection, change: int) -> list[bytes]:
    """List what a change moves, or has moved."""
    return list(connection.scalars(select(case_moved.c.key).where(case_moved.c.change == change)))


def take_place(connection: Connection, old: bytes, new: bytes) -> None:
    """Changes that are in force have moved `new`, which came in the place of `old`. One that is only asked for has not:
    a second person was shown what the first one meant.
    """
    lasting = select(case_change.c.ref).where(case_change.c.state.in_(LASTING))
    chosen = update(case_moved).where(case_moved.c.key == old, case_moved.c.change.in_(lasting))
    connection.execute(chosen.values(key=new))


def get_change(connection: Connection, id: str) -> ChangeRow | None:
    """One change."""
    row = connection.execute(select(case_change).where(case_change.c.id == id)).first()
    return ChangeRow(**row._mapping) if row else None


def changes_of(connection: Connection, id: CaseId) -> list[ChangeRow]:
    """The changes of a case, newest first."""
    query = select(case_change).where((case_change.c.source == id) | (case_change.c.target == id))
    return [ChangeRow(**row._mapping) for row in connection.execute(query.order_by(case_change.c.ref.desc()))]


def find_families(connection: Connection, keys: Collection[bytes]) -> set[CaseId]:
    """Find the cases of these keys, each with all that ever were one with it."""
    return set[CaseId]().union(*(find_family(connection, case) for case in {*cases_of(connection, keys).values()}))


def find_family(connection: Connection, case: CaseId) -> set[CaseId]:
    """Find a case with all that ever were one with it."""
    found, new = set[CaseId](), {case}
    while new:
        found |= new
        changes = [row for one in new for row in changes_of(connection, one)]
        new = {one for row in changes for one in (row.source, row.target) if one} - found
    return found


def set_change(connection: Connection, ref: int, *, state: str, first: bytes, at: int) -> None:
    """A change has come further, by this person."""
    connection.execute(update(case_change).where(case_change.c.ref == ref).values(state=state, first=first, at=at))


def forget_asked(connection: Connection, person: bytes) -> None:
    """End what this person asked for and nobody has confirmed: a change, or that one is taken back."""
    for asked, ended in ((ChangeState.ASKED, ChangeState.UNDONE), (ChangeState.UNDO_ASKED, ChangeState.DONE)):
        chosen = update(case_change).where(case_change.c.first == person, case_change.c.state == asked)
        connection.execute(chosen.values(state=ended))


def consents_of(connection: Connection, ids: Collection[CaseId]) -> list[tuple[int, bytes, CaseId, str]]:
    """(ref, index, case, state) of each consent that is held here and is of one of these cases."""
    query = (
        select(consent.c.ref, consent.c.consent, case_link.c.case_id, consent.c.state)
        .join(case_link, case_link.c.key == consent.c.consent)
        .where(case_link.c.case_id.in_(list(ids)))
    )
    return [(row.ref, row.consent, row.case_id, row.state) for row in connection.execute(query)]


def consents_relied_on(connection: Connection, ids: Collection[CaseId]) -> list[tuple[int, bytes]]:
    """(ref, index) of consents that are of no case and on which messages of these cases rely."""
    of_none = ~exists().where(case_link.c.key == consent.c.consent)
    relied = (
        select(message.c.consent)
        .join(case_link, case_link.c.key == message.c.conversation)
        .where(case_link.c.case_id.in_(list(ids)), message.c.consent.is_not(None))
    )
    query = select(consent.c.ref, consent.c.consent).where(of_none, consent.c.consent.in_(relied))
    return [(row.ref, row.consent) for row in connection.execute(query)]


def ref_of_alarm(connection: Connection, seq: int) -> int | None:
    """The number of what an alarm is about, if it is about something: a message, a consent, a question of the node."""
    return connection.scalar(select(alarm.c.ref).where(alarm.c.seq == seq))
