"""What the node asks of cases and nobody has answered yet: whether what a linked person fears concerns this one too
(domain 9.31). Each question is sealed by itself, its link goes where the case goes, and an alarm tells of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

import orjson
from sqlalchemy import Connection, bindparam, delete, select

from gateway.cases import entries, store
from gateway.cases.history import EVERY, ApartEntry, QuestionEntry, read_entry, to_json
from gateway.cases.rules import CaseState, ChangeKind, ChangeState, LinkKind
from gateway.cases.store import ChangeRow
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.content_sealer import ContentSealer
from gateway.database.prepared import Prepared
from gateway.database.sealed_content import Content
from gateway.database.tables import case_link
from gateway.errors import RefusedError
from gateway.foundation.ids import CaseId
from keys.primitives.encoding import canon

ALARM = "asylum.linked"
_OPEN = Prepared(  # a range of the primary key: asked for every message while a hold lies, and there are few, or none
    select(case_link.c.key, case_link.c.case_id).where(
        case_link.c.key >= bindparam("first"), case_link.c.key < bindparam("behind")
    )
)
_RANGE = {"first": b"question/", "behind": b"question0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An open question on the case `of`; `ref` is its sealed row, `entry` is None where that does not open."""

    ref: int
    of: CaseId
    entry: QuestionEntry | None

    @property
    def fear(self) -> tuple[frozenset[str], frozenset[str]]:
        """The States that are asked about, and those left out of every one."""
        return self.states, frozenset(() if self.entry is None else self.entry.but)

    def asks_about(self, country: str | None) -> bool:
        """Whether it is about what goes there: who alone told of the fear is answered all the same."""
        return self.entry is None or country not in self.entry.but

    @property
    def states(self) -> frozenset[str]:
        """The States that are asked about; every one where nobody can read which."""
        return frozenset({EVERY} if self.entry is None else self.entry.states)


def key_of(ref: int) -> bytes:
    """Under which key a question finds its case."""
    return f"{LinkKind.QUESTION}/{ref}".encode()


def places(connection: Connection) -> dict[int, CaseId]:
    """By number the case that each open question is on."""
    return {int(key.rpartition(b"/")[2]): CaseId(case) for key, case in _OPEN.rows(connection, **_RANGE)}


def opened(sealer: ContentSealer, connection: Connection, on: Mapping[int, CaseId]) -> list[Question]:
    """Open these questions, in the order in which they were asked."""
    sealed = content_rows.get(connection, list(on)) if on else {}
    plains = dict(zip(sealed, sealer.open_each(list(sealed.values())), strict=True)) if sealed else {}
    return [Question(ref=ref, of=on[ref], entry=_read(plains.get(ref))) for ref in sorted(on)]


def _read(plain: bytes | RefusedError | None) -> QuestionEntry | None:
    entry = read_entry(orjson.loads(plain)) if isinstance(plain, bytes) else None
    return entry if isinstance(entry, QuestionEntry) else None


def states_of(
    sealer: ContentSealer, connection: Connection, on: Mapping[int, CaseId], *, towards: str | None
) -> frozenset[str]:
    """All States that these questions ask about, for what goes `towards` one of them."""
    found = [one for one in opened(sealer, connection, on) if one.asks_about(towards)]
    return frozenset(state for one in found for state in one.states)


def ask(content: Content, connection: Connection, of: CaseId, entry: QuestionEntry) -> None:
    """Ask something of a case, and raise the alarm that says so."""
    row = content.sealer.seal(content.store.new_ref(), canon(to_json(entry)))
    entries.keep(connection, LinkKind.QUESTION, [(of, row)])
    journal.raise_alarm(connection, at=entry.at, kind="asylum.linked", ref=row.ref)
    journal.append_leaf(connection, leaf(entry.at, "asylum.linked_asked"))


def forget_answers(content: Content, connection: Connection, person: str) -> None:
    """Forget what a person answered as the first of two: it is still asked, so no second one has said the same. A word
    ends with its question, so that none is left of what is not asked any more.
    """
    for one in opened(content.sealer, connection, places(connection)):
        if one.entry is not None:
            about = list_same(connection, one.entry.about)
            entries.keep_answers(content, connection, one.of, partial(_is_of_others, one, person, about))


def _is_of_others(question: Question, person: str, about: Collection[str], answer: ApartEntry, state: str) -> bool:
    return answer.by != person or answer.about not in about or state not in question.states


def list_same(connection: Connection, about: str) -> set[CaseId]:
    """The cases that are one now with the one `about` which something was said: all of it is said of one person."""
    case = CaseId(about)
    return list_parts(connection, find_became(connection, case) or case)


def list_parts(connection: Connection, case: CaseId) -> set[CaseId]:
    """A case and those that were merged into it."""
    found, new = set[CaseId](), {case}
    while new:
        found |= new
        new = {one.source for part in new for one in _merges(connection, part) if one.target == part} - found
    return found


def find_became(connection: Connection, case: CaseId) -> CaseId | None:
    """The case itself, or the open one that it was merged into; None where it is gone."""
    seen = set[CaseId]()
    while case not in seen and (row := store.get(connection, [case]).get(case)) is not None:
        if row.state == CaseState.OPEN:
            return case
        seen.add(case)
        case = next((one.target for one in _merges(connection, case) if one.source == case), case)
    return None


def _merges(connection: Connection, case: CaseId) -> list[ChangeRow]:
    lasting = (ChangeState.DONE, ChangeState.UNDO_ASKED)
    changes = store.changes_of(connection, case)
    return [one for one in changes if one.kind == ChangeKind.MERGE and one.state in lasting]


def wait(connection: Connection) -> bool:
    """Whether anything is asked, or an alarm says so of what went with its case."""
    return bool(places(connection) or journal.open_about(connection, [ALARM]))


def withdraw(connection: Connection, refs: Collection[int], *, at: int) -> None:
    """Ask these no longer; alarms about them end, and those about questions that went with their case."""
    for ref in refs:
        connection.execute(delete(case_link).where(case_link.c.key == key_of(ref)))
        content_rows.erase(connection, ref)
    gone = journal.open_about(connection, [ALARM]) - places(connection).keys()
    journal.dismiss_about(connection, gone, [ALARM], at=at)
