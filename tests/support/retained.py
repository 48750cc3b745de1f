"""A node that keeps messages, and what stands beside its retention, for tests of what goes and what stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, insert
from support.kept_content import keep
from support.nodes import NOW
from support.robbed_stand_ins import Clock
from support.rows import PEER

from gateway.database.content_sealer import ContentSealer
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.database.tables import conversation
from gateway.erasure.retention import Retention
from gateway.erasure.retention_rules import DAY, Decision, Plan, RetentionDecision
from gateway.foundation.workers import Workers

HORIZON = 9
PACE = 2_000
ENQUIRY = "enquiry.capacity/1"


class Others:
    """What stands beside retention, and notes what it is asked in which order."""

    def __init__(self) -> None:
        self.done: list[Any] = []

    async def keep(self) -> None:
        """How conversations stand is written down."""
        self.done.append("kept")

    async def count_first(self, refs: list[int]) -> None:
        """What goes is counted before it does."""
        self.done.append(("counted", refs))

    async def erase(self, reasons: Mapping[int, str], **named: Any) -> int:
        """It goes."""
        self.done.append(("erased", dict(reasons), named))
        return len(reasons)


class Desk:
    """A node that keeps messages."""

    def __init__(self, store: Store, vault: ContentSealer, workers: Workers) -> None:
        self.content, self.clock, self.others = Content(store, vault), Clock(), Others()
        others: Any = self.others
        clock: Any = self.clock
        config: Any = SimpleNamespace(horizon_days=HORIZON, keys=SimpleNamespace(unwraps_per_minute=PACE))
        self.retention = Retention(
            content=self.content,
            eraser=others,
            releases=others,
            status_updates=others,
            config=config,
            workers=workers,
            clock=clock,
            actor=lambda data: b"actor of " + data,
        )

    async def keeps(self, *made: Callable[[Connection], Any]) -> None:
        """All this is stored."""

        def move(connection: Connection) -> None:
            for one in made:
                one(connection)

        await self.content.store.move(move)

    def message(
        self, ref: int, body_type: str | None = ENQUIRY, said: Mapping[str, Any] | None = None, **changed: Any
    ) -> Callable[[Connection], Any]:
        """A message that came at NOW in a conversation of its kind."""
        usual = {"at": NOW, "kind": "enquiry", "conversation": b"talk"}
        return lambda connection: keep(connection, self.content.sealer, ref, body_type, said, **usual | changed)

    async def verdicts(self) -> dict[int, tuple[RetentionDecision, str | None, int | None]]:
        """What becomes of each message: verdict, rule, and after how many days from NOW."""
        decided = list[Decision]()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Plan, "add", lambda _, made: decided.append(made))
            await self.retention.plan()
        days = {one.ref: None if one.due is None else (one.due - NOW) / DAY for one in decided}
        return {one.ref: (one.verdict, one.rule, days[one.ref]) for one in decided}


def stands(talk: bytes = b"talk", peer: str = PEER, **changed: Any) -> Callable[[Connection], None]:
    """Where a conversation stands."""
    usual: dict[str, Any] = {
        "conversation": talk,
        "peer": peer,
        "kind": "referral",
        "changes": 1,
        "worded": 0,
        "state": None,
        "since": None,
        "arrived": None,
    }
    return lambda connection: connection.execute(insert(conversation).values(**usual | changed))
