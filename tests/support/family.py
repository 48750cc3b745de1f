"""A sister, her brother and their mother as cases that name each other, and the acts of people on them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection
from support.federation import SteeredClock

from gateway.cases import entries, questions, register
from gateway.cases import store as cases
from gateway.cases.history import ApartEntry, said_apart
from gateway.cases.rules import Card, CaseState, ChangeKind, ChangeState, LinkKind
from gateway.cases.store import CaseRow, ChangeRow, Link
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.sealed_content import Content
from gateway.foundation.ids import CaseId
from gateway.policy import asylum_holds, store
from gateway.policy.asylum_holds import Named
from gateway.policy.linked_holds import LinkedHolds
from gateway.policy.store import AsylumHold
from gateway.policy.told_asylum import Fear, name_states

NOW = 1_800_000_000
SISTER, BROTHER, MOTHER, STRANGER = (CaseId(letter * 22) for letter in "ABCD")
GROUPS = {SISTER: (BROTHER, MOTHER), BROTHER: (SISTER,), MOTHER: (SISTER,), STRANGER: ()}


def changing(ref: int, source: CaseId, target: CaseId, kind: ChangeKind, state: ChangeState) -> ChangeRow:
    """The row of a change from one case to another."""
    return ChangeRow(ref=ref, id=f"{ref:022}", kind=kind, state=state, at=NOW, first=b"", source=source, target=target)


class Family:
    """Cases with cards that name each other, and the acts of people on them."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.sealer = content.sealer
        self.told = dict[CaseId, list[Fear]]()
        """What the conversations of each case tell."""

    def at(self, now: int) -> LinkedHolds:
        """What asks, at that second."""

        def read_fears(connection: Connection, case: CaseId) -> list[Fear]:
            assert connection.in_transaction()
            return self.told.get(case, [])

        told: Any = SimpleNamespace(read_fears=read_fears)
        return LinkedHolds(content=self.content, told=told, clock=SteeredClock(at=now))

    async def tell(self, case: CaseId, *states: str, at: int = NOW) -> None:
        """A message tells that the person seeks asylum, and no States: that it is over."""
        fear = Fear(states=name_states(frozenset(states)), since=at)
        self.told[case] = [fear] if states else []
        await self.content.store.move(lambda c: self.at(at).settle_case(c, case))

    async def begin(self) -> None:
        """Open the cases; a sister is linked to her brother and her mother."""

        def move(connection: Connection) -> None:
            for case, others in GROUPS.items():
                card = Card(group=dict.fromkeys(others, "household"))
                row = self.sealer.seal(self.content.store.new_ref(), register.encode(card))
                content_rows.put(connection, [row])
                cases.open_cases(connection, [CaseRow(id=case, state=CaseState.OPEN, at=1, card=row.ref)])

        await self.content.store.move(move)

    async def hold(self, case: CaseId, *states: str, at: int = NOW) -> None:
        """Place a hold on a case, or name other States."""
        label = f"hold {case}".encode()

        def move(connection: Connection) -> None:
            row = asylum_holds.sealed(self.content, Named(conversation="talk", consents=(), states=states))
            content_rows.put(connection, [row])
            known = store.get(connection, label)
            if known is not None:
                store.replace(connection, known.ref, row.ref)
            store.place(connection, AsylumHold(ref=row.ref, at=at, lift=None), [label])
            cases.link(connection, [Link(key=label, kind=LinkKind.HOLD, case_id=case)])
            self.at(at).settle_case(connection, case)

        await self.content.store.move(move)

    async def lift(self, case: CaseId) -> None:
        """Lift the hold on a case."""

        def move(connection: Connection) -> None:
            known = store.get(connection, f"hold {case}".encode())
            assert known is not None
            store.lift(connection, known.ref)
            self.at(NOW).settle_case(connection, case)

        await self.content.store.move(move)

    async def say_no(self, of: CaseId, about: CaseId, by: str, *states: str, at: int = NOW) -> None:
        """Somebody says that these States do not concern the person."""

        def move(connection: Connection) -> None:
            entry = ApartEntry(about=about, states=[*states], by=by, at=at)
            entries.add(self.content, connection, of, entry)
            self.at(at).settle_open(connection)

        await self.content.store.move(move)

    async def said(self, of: CaseId, about: CaseId) -> dict[str, frozenset[str]]:
        """Who said of which States that what one person fears does not concern the other, as people are shown it."""
        return await self.content.store.read(
            lambda c: said_apart(entries.of_case(self.sealer, c, of), questions.list_same(c, about))
        )

    async def change(self, row: ChangeRow) -> None:
        """Note what people did, or asked for, from one case to another."""
        await self.content.store.move(lambda c: cases.add_change(c, row, []))

    async def merge(
        self, source: CaseId, target: CaseId, *, ref: int = 900, state: ChangeState = ChangeState.DONE
    ) -> None:
        """Merge one case into another; all that is of it is of the other one from then on."""

        def move(connection: Connection) -> None:
            cases.add_change(connection, changing(ref, source, target, ChangeKind.MERGE, state), [])
            cases.set_state(connection, source, CaseState.MERGED)
            held = [link.key for link in cases.links(connection, source)]
            cases.move_links(connection, held, was=source, to=target)
            self.at(NOW).settle_open(connection)

        await self.content.store.move(move)

    async def erase(self, case: CaseId) -> None:
        """Nothing is left of a case here."""

        def move(connection: Connection) -> None:
            for ref in cases.forget_empty(connection, case):
                content_rows.erase(connection, ref)

        await self.content.store.move(move)

    async def asked(self) -> dict[CaseId, set[str]]:
        """Of which States each case is asked; each question has its alarm, and nothing else has one."""

        def read(connection: Connection) -> dict[CaseId, set[str]]:
            there = questions.opened(self.sealer, connection, questions.places(connection))
            assert journal.open_about(connection, [questions.ALARM]) == {one.ref for one in there}
            assert len({one.of for one in there}) == len(there)
            return {one.of: {*one.states} for one in there}

        return await self.content.store.read(read)
