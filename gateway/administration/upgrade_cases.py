"""Folders of before there were cases: at the first start after unlocking, everything about a person gets its case.

    1 conversations  those that share a number of the case system are one case, each other one is a case of its own
    2 records        a record of the case system is of the case of what was sent from it
    3 drafts         one that waits is of the case of its conversation or its number
    4 consents       of the case that relies on it; one on which two rely, or none, is of none: nothing goes on it
    5 asylum holds   of the case of their conversation

What is linked stays linked, so that a start that was interrupted goes on where it ended. How much was decided is
counted in the same transactions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import orjson
from sqlalchemy import Connection

from gateway.administration import unlinked_store
from gateway.cases import register
from gateway.cases import store as cases
from gateway.cases.references import Pair, remember_given
from gateway.cases.register import CaseRegister
from gateway.cases.rules import (
    ABOUT_A_PERSON,
    Card,
    CaseState,
    LinkKind,
    case_of_consent,
    group_by_number,
    pseudonym_of,
)
from gateway.cases.store import CaseRow, Link
from gateway.consent.register import WITHDRAWN
from gateway.database import content, journal, meta
from gateway.database.audit_entries import leaf
from gateway.database.sealed_content import Content
from gateway.delivery.draft_case import joining_of, rejoin
from gateway.delivery.intake import WAITING
from gateway.errors import RefusedError
from gateway.foundation.ids import CaseId
from gateway.messages import content_codec
from gateway.messages.store import local, messages
from gateway.messages.store.messages import OUT, MessageRow
from gateway.policy import asylum_holds
from gateway.policy import store as holds
from gateway.ports import Clock
from schemas.types import type_name

DONE = "cases.done"
COUNTS = "cases.counts"
AT_ONCE = 100
"""Conversations in one transaction."""
ROWS = 500
"""Messages that are open at a time."""

Counts = Counter[str]


@dataclass(slots=True)
class _Said:
    """What the messages of one conversation say of its case."""

    numbers: list[str]
    name: str | None = None
    given: set[Pair] = field(default_factory=set)
    """To whom which number was told, under a reference of before they were short."""


class CaseUpgrade:
    """Gives everything of before its case, once."""

    def __init__(self, content: Content, cases: CaseRegister, clock: Clock) -> None:
        self._content = content
        self._cases = cases
        self._clock = clock

    async def run(self) -> Mapping[str, int] | None:
        """Decide what is not decided yet; the counts of all that was, None where nothing was left to do."""
        read = self._content.store.read
        if await read(lambda c: meta.get_meta(c, DONE)) is not None:
            return None
        last: bytes | None = b""
        while last is not None:
            last = await self._take_conversations(last)
        for step in (_link_records, self._link_drafts, self._link_holds):
            await self._content.store.move(step)
        after: int | None = 0
        while after is not None:
            after = await self._content.store.move(partial(self._link_consents, after=after))
        now = self._clock.now()

        def finish(connection: Connection) -> Counts:
            counts = _counts(connection)
            meta.set_meta(connection, DONE, str(now).encode())
            if counts:
                journal.append_leaf(connection, leaf(now, "cases.found", count=counts["cases"]))
            return counts

        return await self._content.store.move(finish)

    # --- 1 conversations ------------------------------------------------------------------------------------------

    async def _take_conversations(self, after: bytes) -> bytes | None:
        """Decide about some conversations behind `after`; the last of them, None behind the last of all."""
        found = await self._content.store.read(
            lambda c: unlinked_store.conversations_without(c, ABOUT_A_PERSON, after, AT_ONCE)
        )
        if not found:
            return None
        said = await self._content.store.read(lambda c: self._said_in(c, found))
        numbers = register.number_signs(self._content.sealer, [one for about in said.values() for one in about.numbers])
        now = self._clock.now()

        def move(connection: Connection) -> None:
            known = cases.cases_of(connection, set(numbers.values()))
            named = [(key, frozenset(numbers[one] for one in said[key].numbers)) for key in found]
            begun = 0
            for case, conversations, keys in group_by_number(named, known):
                id = case or self._open(connection, [said[key] for key in conversations], now)
                begun += case is None
                cases.link(connection, _links(LinkKind.CONVERSATION, conversations, id))
                cases.link(connection, _links(LinkKind.NUMBER, keys, id))
            given = {pair for about in said.values() for pair in about.given}
            remember_given(self._content.sealer, connection, given)
            _count(connection, conversations=len(found), cases=begun)

        await self._content.store.move(move)
        return found[-1]

    def _said_in(self, connection: Connection, conversations: Sequence[bytes]) -> dict[bytes, _Said]:
        said = {key: _Said([]) for key in conversations}
        rows = messages.of_conversations(connection, conversations)
        for start in range(0, len(rows), ROWS):
            self._read_rows(connection, rows[start : start + ROWS], said)
        return said

    def _read_rows(self, connection: Connection, rows: Sequence[MessageRow], said: Mapping[bytes, _Said]) -> None:
        sealed = content.get(connection, [row.ref for row in rows])
        plains = dict(zip(sealed, self._content.sealer.open_each(list(sealed.values())), strict=True))
        for row in rows:
            plain = plains.get(row.ref)
            if plain is None or isinstance(plain, RefusedError):
                continue
            opened, about = content_codec.read_content(plain), said[row.conversation]
            if row.direction == OUT and opened.facts.case is not None:
                about.given.add((row.peer, opened.facts.case))
                if opened.facts.case not in about.numbers:
                    about.numbers.append(opened.facts.case)
            if about.name is None and type_name(opened.facts.body_type) == "referral.request":
                about.name = pseudonym_of(opened.halves()[1])

    def _open(self, connection: Connection, said: Sequence[_Said], now: int) -> CaseId:
        number = next((one for about in said for one in about.numbers), None)
        name = next((about.name for about in said if about.name is not None), None)
        card = Card(number=number, label=name if number is None else None)
        sealed = None if card == Card() else self._cases.sealed(card)
        content.put(connection, [] if sealed is None else [sealed])
        id = self._cases.new_id()
        row = CaseRow(id=id, state=CaseState.OPEN, at=now, card=None if sealed is None else sealed.ref)
        cases.open_cases(connection, [row])
        return id

    # --- 3 to 5 ---------------------------------------------------------------------------------------------------

    def _link_drafts(self, connection: Connection) -> None:
        """What says two cases at once is left to whoever releases it."""
        after, found = 0, 0
        while rows := local.drafts(connection, state=WAITING, after=after, limit=ROWS):
            after = rows[-1].ref
            sealed = content.get(connection, [row.ref for row in rows])
            for row in rows:
                try:
                    draft = orjson.loads(self._content.sealer.open(sealed[row.ref]))
                    rejoin(connection, row.id, joining_of(self._content, self._cases, row.id, draft), self._clock.now())
                except (KeyError, RefusedError):
                    continue
            found += len(cases.cases_of(connection, [register.draft_key(row.id) for row in rows]))
        _count(connection, drafts=found)

    def _link_holds(self, connection: Connection) -> None:
        sealed = content.get(connection, [one.ref for one in holds.listed(connection)])
        named = asylum_holds.opened(self._content.sealer, list(sealed.values()))
        for one in named.values():
            (label,) = self._content.sealer.hold_indexes(one.conversation, ())
            holds.lay_on_case(connection, label, self._content.sealer.conversation_index(one.conversation))
        _count(connection, holds=len(named))

    def _link_consents(self, connection: Connection, after: int) -> int | None:
        """Decide about some consents behind `after`; the last of them, None behind the last of all."""
        rows = unlinked_store.consents_without(connection, after, ROWS)
        if not rows:
            return None
        relying, now = cases.cases_relying(connection, {index for _, index, _ in rows}), self._clock.now()
        found: Counts = Counter()
        for ref, index, state in rows:
            of_it = relying.get(index, set())
            case = case_of_consent(of_it)
            if case is not None:
                cases.link(connection, _links(LinkKind.CONSENT, [index], case))
            elif of_it and state != WITHDRAWN:  # of what was taken back nobody has to decide any more
                journal.raise_alarm(connection, at=now, kind="consent.two_cases", ref=ref)
            found["consents" if case is not None else "consents_of_two" if of_it else "consents_of_none"] += 1
        _count(connection, **found)
        return rows[-1][0]


def _links(kind: LinkKind, keys: Iterable[bytes], case: CaseId) -> list[Link]:
    return [Link(key=key, kind=kind, case_id=case) for key in keys]


def _link_records(connection: Connection) -> None:
    _count(connection, records=unlinked_store.link_records(connection))


def _counts(connection: Connection) -> Counts:
    return Counter(orjson.loads(meta.get_meta(connection, COUNTS) or b"{}"))


def _count(connection: Connection, **found: int) -> None:
    meta.set_meta(connection, COUNTS, orjson.dumps(_counts(connection) + Counter(found)))
