"""What people noted of cases: each entry is sealed by itself, and its link goes where the case goes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import orjson
from sqlalchemy import Connection, bindparam, delete, insert, select

from gateway.cases.history import ApartEntry, BlockEntry, BlockOf, Entry, StatusEntry, blocked_now, read_entry, to_json
from gateway.cases.ledger_names import names_of_case
from gateway.cases.rules import LinkKind
from gateway.database import content as content_rows
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.prepared import Prepared
from gateway.database.sealed_content import Content
from gateway.database.tables import case_link
from gateway.errors import RefusedError
from gateway.foundation.ids import CaseId
from gateway.ledger import store as ledger
from gateway.ledger.rules import named_whom
from gateway.messages.store.messages import MessageRow
from gateway.operations.roles import Caller
from keys.primitives.encoding import canon

NOTED = (LinkKind.ENTRY, LinkKind.BLOCK, LinkKind.QUESTION, LinkKind.ANSWER)
_KINDS: Mapping[type[Entry], LinkKind] = {BlockEntry: LinkKind.BLOCK, ApartEntry: LinkKind.ANSWER}
# A range of the primary key: asked for every request of a person, and there are few, or none.
_BLOCKS = Prepared(
    select(case_link.c.key, case_link.c.case_id).where(
        case_link.c.key >= bindparam("first"), case_link.c.key < bindparam("behind")
    )
)
_KEEP = Prepared(insert(case_link))
_RANGE = {"first": b"block/", "behind": b"block0"}


def add(content: Content, connection: Connection, case: CaseId, entry: Entry) -> None:
    """Note an entry of a case."""
    kind = _KINDS.get(type(entry), LinkKind.ENTRY)
    keep(connection, kind, [(case, content.sealer.seal(content.store.new_ref(), canon(to_json(entry))))])


def keep(connection: Connection, kind: LinkKind, noted: Sequence[tuple[CaseId, SealedRow]]) -> None:
    """Keep sealed entries of cases."""
    content_rows.put(connection, [row for _, row in noted])
    links = [{"key": f"{kind}/{row.ref}".encode(), "kind": kind, "case_id": case} for case, row in noted]
    _KEEP.run(connection, links)


def block(content: Content, connection: Connection, case: CaseId, entry: BlockEntry, *, at: int) -> None:
    """Keep somebody out of a case, or end that; the ledger names it, so that no restore shows them the case again."""
    add(content, connection, case, entry)
    (whom,) = content.sealer.hashes([named_whom(entry.who, entry.id)])
    names = names_of_case(content.sealer, connection, case)
    ledger.add_block(connection, names, whom, ended=entry.ended, at=at)


def refs_of(connection: Connection, case: CaseId) -> list[int]:
    """The numbers of the sealed entries of a case, as people noted them."""
    query = select(case_link.c.key).where(case_link.c.case_id == case, case_link.c.kind.in_(NOTED))
    return sorted(_ref(key) for key in connection.scalars(query))


def of_case(sealer: ContentSealer, connection: Connection, case: CaseId) -> list[Entry]:
    """Read what people noted of a case, as they noted it; what does not open is left out."""
    return list(_opened(sealer, connection, refs_of(connection, case)).values())


def identity_of(caller: Caller) -> dict[BlockOf, str]:
    """By what a caller may be kept out: as a person, as one of a unit; nothing for the owner and tokens of no unit."""
    given = {BlockOf.PERSON: caller.person, BlockOf.UNIT: caller.unit}
    return {kind: id for kind, id in given.items() if id is not None}


def cases_closed_to(sealer: ContentSealer, connection: Connection, caller: Caller) -> frozenset[CaseId]:
    """The cases that a caller must not see: by their own id, or by that of their unit."""
    if not (who := identity_of(caller)):
        return frozenset()
    links = {_ref(key): CaseId(case) for key, case in _BLOCKS.rows(connection, **_RANGE)}
    by_case: dict[CaseId, list[Entry]] = {}
    for ref, entry in _opened(sealer, connection, sorted(links)).items():
        by_case.setdefault(links[ref], []).append(entry)
    theirs = {(str(kind), id) for kind, id in who.items()}
    return frozenset(case for case, entries in by_case.items() if theirs & blocked_now(entries).keys())


def forget_told(
    sealer: ContentSealer, connection: Connection, rows: Sequence[MessageRow], cases: Collection[CaseId]
) -> None:
    """Erase what was noted of these messages, which are erased, on one of these cases: it says what they said."""
    told = {str(row.id) for row in rows}
    for case in cases:
        for ref, entry in _opened(sealer, connection, refs_of(connection, case)).items():
            if isinstance(entry, StatusEntry) and entry.message in told:
                _erase(connection, LinkKind.ENTRY, ref)


def keep_answers(
    content: Content, connection: Connection, case: CaseId, stands: Callable[[ApartEntry, str], bool]
) -> None:
    """Keep what was answered of a case for the States of which it `stands`, and forget the rest."""
    for ref, entry in _opened(content.sealer, connection, refs_of(connection, case)).items():
        if not isinstance(entry, ApartEntry):
            continue
        left = [state for state in entry.states if stands(entry, state)]
        if left != entry.states:
            _erase(connection, LinkKind.ANSWER, ref)
            if left:
                add(content, connection, case, replace(entry, states=left))


def _erase(connection: Connection, kind: LinkKind, ref: int) -> None:
    connection.execute(delete(case_link).where(case_link.c.key == f"{kind}/{ref}".encode()))
    content_rows.erase(connection, ref)


def _opened(sealer: ContentSealer, connection: Connection, refs: Collection[int]) -> dict[int, Entry]:
    sealed = content_rows.get(connection, list(refs)) if refs else {}
    plains = sealer.open_each(list(sealed.values())) if sealed else []
    return {
        ref: read_entry(orjson.loads(plain))
        for ref, plain in zip(sealed, plains, strict=True)
        if not isinstance(plain, RefusedError)
    }


def _ref(key: bytes) -> int:
    return int(key.rpartition(b"/")[2])
