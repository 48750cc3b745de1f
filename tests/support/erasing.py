"""A node that erases, and what stands beside it, for tests of what goes and who is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection
from support.kept_content import keep
from support.nodes import NOW, Seeds
from support.trust_homes import Home, first_of

from gateway.cases.register import CaseRegister
from gateway.database import content, journal
from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.erasure import store as erasures
from gateway.erasure.case_system import CaseSystemEraser
from gateway.erasure.erase import Eraser, erased
from gateway.erasure.operations.erasing import ErasureOperations
from gateway.erasure.store import ErasureRow, HoldRow
from gateway.ledger import store as ledger
from gateway.operations.roles import FOCAL_POINT, Caller
from gateway.ports import OperationResult

PEER_NODE = first_of("b")
ANA = Caller(roles=FOCAL_POINT, person="ana")
"""Who erases and holds."""


class Others:
    """What stands beside erasing, and in which order it is asked."""

    def __init__(self) -> None:
        self.done: list[str] = []

    async def keep(self) -> None:
        """How conversations stand is written down."""
        self.done.append("kept")

    def forget(self) -> None:
        """What is in memory of conversations."""
        self.done.append("forgot")

    async def forget_questions(self) -> None:
        """What was asked about linked cases and is asked no more."""
        self.done.append("asked no more")

    async def sweep(self) -> None:
        """Files without a key."""
        self.done.append("swept")

    async def happened(self) -> None:
        """The event stream has grown."""
        self.done.append("happened")


class Asked(CaseSystemEraser):
    """A case system that is connected no longer, and whether it was to be asked."""

    done: list[str]

    async def ask(self) -> None:
        """About all that it has not answered."""
        self.done.append("asked")
        await super().ask()


class Desk:
    """A node that erases."""

    def __init__(self, home: Home, store: Store, vault: ContentSealer) -> None:
        self.home, self.content, self.others = home, Content(store, vault), Others()
        others: Any = self.others
        questions: Any = SimpleNamespace(forget=others.forget_questions)
        clock: Any = home.clock
        self.case_system = Asked(content=self.content, adapter=None, clock=clock)
        self.case_system.done = self.others.done
        self.eraser = Eraser(
            content=self.content,
            case_register=CaseRegister(self.content, Seeds("cases")),
            identity=home.identity,
            attachments=others,
            forget=others.forget,
            linked_holds=questions,
            status_updates=others,
            time=home.time,
            case_system=self.case_system,
            wakeups=home.wakeups,
            events=others,
            clock=clock,
        )
        home.times.note(PEER_NODE.node, home.clock.at)

    @classmethod
    async def open(cls, store: Store, vault: ContentSealer) -> Desk:
        """Whose clock a peer has confirmed; what the node itself stores is numbered behind what a test does."""
        while store.new_ref() < 1_000:
            pass
        return cls(await Home.open("a", PEER_NODE), store, vault)

    async def keeps(self, *made: Callable[[Connection], Any]) -> None:
        """All this is stored."""

        def move(connection: Connection) -> None:
            for one in made:
                one(connection)

        await self.content.store.move(move)

    def message(self, ref: int, body_type: str | None = "enquiry.capacity/1", **changed: Any) -> Callable[..., Any]:
        """A message that came."""
        return lambda connection: keep(connection, self.content.sealer, ref, body_type, **changed)

    def sent(self, ref: int, body_type: str | None = "enquiry.capacity/1", **changed: Any) -> Callable[..., Any]:
        """A message of ours."""
        return self.message(ref, body_type, **{"direction": "out", "state": "opened"} | changed)

    async def found(self, *refs: int) -> dict[int, ErasureRow]:
        """What is written down of each."""
        return await erased(self.content.store, refs)

    async def left(self, *refs: int) -> set[int]:
        """Which sealed rows are still there."""
        return set(await self.content.store.read(lambda c: content.get(c, refs)))

    async def states(self) -> dict[int, tuple[str, str | None]]:
        """State and reason of each message."""
        found = await self.content.store.read(
            lambda c: c.exec_driver_sql("select ref, state, reason from message").all()
        )
        return {ref: (state, reason) for ref, state, reason in found}

    async def entries(self, event: str) -> list[bytes]:
        """What the log says of one kind of event."""
        entries = await self.content.store.read(journal.leaves)
        return [entry for _, entry in entries if event.encode() in entry]


def operations(desk: Desk, **changed: Any) -> ErasureOperations:
    """What a person may ask of the node."""
    usual: dict[str, Any] = {
        "content": desk.content,
        "keys": desk.home.keys,
        "eraser": desk.eraser,
        "retention": None,
        "status_updates": desk.others,
        "backup": None,
        "archive_days": None,
        "clock": desk.home.clock,
        "actor": desk.home.keys.actor,
    }
    return ErasureOperations(**usual | changed)


async def value(asked: Awaitable[OperationResult]) -> Any:
    """What is answered."""
    return (await asked).value


def holds(talk: bytes, **changed: Any) -> Callable[[Connection], None]:
    """A legal hold on a conversation."""
    usual: dict[str, Any] = {"ground": "restriction_18", "until": "2030-06-30", "at": NOW}
    return lambda connection: erasures.set_hold(connection, HoldRow(conversation=talk, **usual | changed))


async def taken(desk: Desk) -> list[tuple[Any, ...]]:
    """What the ledger says: what, of whom, why, until when and at what time."""
    found = await desk.content.store.read(lambda c: ledger.after(c, 0, 99))
    return [(row.kind, row.subject, row.why, row.detail, row.at) for row, _ in found]
