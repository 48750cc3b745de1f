"""What a person has to look at, and the systems that are told what happens."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.administration import status_store as figure_rows
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.engine import Store
from gateway.delivery.operations import messages
from gateway.errors import Code, RefusedError
from gateway.foundation.config import Config
from gateway.messages.store import messages as message_rows
from gateway.messages.store.messages import MessageRow
from gateway.notifications import webhooks
from gateway.operations.arguments import Arguments, maybe_text, number, only, text
from gateway.operations.table import Operation
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from gateway.trust import review_store


class AlarmOperations:
    """Operations on alarms, and on who is told of what happens."""

    def __init__(self, *, store: Store, peers: PeerRegistry, config: Config, clock: Clock, actor: Actor) -> None:
        self._store = store
        self._peers = peers
        self._config = config
        self._clock = clock
        self._actor = actor

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "alarm.list": self.list_alarms,
            "alarm.dismiss": self.dismiss_alarm,
            "webhook.list": self.list_webhooks,
        }

    async def list_alarms(self, arguments: Arguments) -> OperationResult:
        """What a person has to look at, oldest first; of one kind if named. `open` is how many of these there are."""
        only(arguments, "limit", "cursor", "kind")
        limit, after = number(arguments, "limit", otherwise=50), messages.position(arguments)
        kind = maybe_text(arguments, "kind")

        def query(c: Connection) -> tuple[list[journal.Alarm], dict[int, MessageRow], dict[str, int], int]:
            found = journal.open_page(c, limit=limit + 1, after=after, kind=kind)
            there = sum(pile.count for name, pile in figure_rows.alarms(c).items() if kind in (None, name))
            refs = [alarm.ref for alarm in found if alarm.ref is not None]
            return found, message_rows.get(c, refs), review_store.counts(c), there

        found, rows, doubted, there = await self._store.read(query)
        shown, following = messages.paged(found, limit, lambda alarm: alarm.seq)
        items: list[Json] = []
        for alarm in shown:
            peer = self._peers.get(alarm.peer) if alarm.peer is not None else None
            row = rows.get(alarm.ref) if alarm.ref is not None else None
            items.append(
                {
                    "id": str(alarm.seq),
                    "at": alarm.at,
                    "kind": alarm.kind,
                    "peer": None if peer is None else peer.name,
                    "message": None if row is None else row.id,
                    "reason": None if row is None else row.reason,
                    "count": doubted.get(alarm.peer or "") if alarm.kind == "peer.review" else None,
                }
            )
        return OperationResult(value={"alarms": items, "open": there, "next": following})

    async def dismiss_alarm(self, arguments: Arguments) -> OperationResult:
        """A named person has seen it."""
        only(arguments, "id", "by")
        seq, by = number(arguments, "id", otherwise=0, most=2**40), text(arguments, "by", longest=64)
        now = self._clock.now()

        def move(connection: Connection) -> None:
            if not journal.dismiss_alarm(connection, seq, at=now):
                raise RefusedError(Code.NOT_FOUND, "no such open alarm", hint="trm node show lists the alarms")
            journal.append_leaf(connection, leaf(now, "alarm.dismissed", actor=self._actor(by.encode()).hex()))

        await self._store.move(move)
        return OperationResult(value={"id": str(seq)})

    async def list_webhooks(self, arguments: Arguments) -> OperationResult:
        """Systems that are told what happens, and what waits for them."""
        only(arguments)
        return OperationResult(value={"webhooks": await webhooks.standing(self._store, self._config)})
