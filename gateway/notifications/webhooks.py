"""Webhooks: what happens here is told to systems of the own country, in the order of each conversation, for days.

The position of a hook in the event stream is on the disk, and so is each call that was not answered: a stop in between
repeats a call and loses none. The receiver knows a repetition by its `webhook-id`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import orjson
from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import TransientError
from gateway.federation.networks.outbound_proxy import OutboundProxy
from gateway.foundation.config import Config, WebhookSection
from gateway.foundation.logs import logger
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import probe
from gateway.messages.store import messages
from gateway.messages.wakeups import EventStream
from gateway.notifications import store as hooks
from gateway.notifications.store import CallRow
from gateway.notifications.webhook_client import HookClient
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json
from keys.primitives import webhook_signature

WAITS = (5, 30, 120, 600, 1_800, 3_600)
"""Seconds after each failed attempt; the last one is repeated."""
PATIENCE = 5 * 24 * 3_600
"""Seconds after which a call is given up: its event stays in the stream, and an alarm tells people."""
AT_ONCE = 8
"""Conversations whose calls are under way together."""
BATCH = 200
PAUSE = 15.0
"""Seconds after which is looked again without having been told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReceiver:
    """One receiver. `secret` signs what it gets."""

    name: str
    url: str
    secret: bytes
    ca_file: Path | None = None


class WebhookSender:
    """The loop that calls all receivers of a node."""

    def __init__(
        self,
        *,
        store: Store,
        own: OwnIdentity,
        peers: PeerRegistry,
        events: EventStream,
        clock: Clock,
        receivers: Mapping[str, WebhookReceiver],
        proxy: OutboundProxy | None = None,
    ) -> None:
        self._store = store
        self._own = own
        self._peers = peers
        self._events = events
        self._clock = clock
        self._receivers = receivers
        self._client = HookClient(proxy)
        self._log = logger()

    async def start(self) -> None:
        """Know the receivers, before the node answers anybody: what happens from then on is told."""
        await self._store.move(lambda c: hooks.receivers(c, list(self._receivers)))

    async def run(self) -> None:
        """Follow the events until cancelled."""
        if not self._receivers:
            await asyncio.Event().wait()
        try:
            while True:
                happenings = self._events.happenings
                try:
                    done = await self.once()
                except TransientError as error:
                    self._log.warning("webhooks.failed", code=str(error.code))
                    done = 0
                if not done:
                    await self._events.wait_for_more(happenings, PAUSE)
        finally:
            await self._client.close()

    async def once(self) -> int:
        """Take over what happened and make the calls that are due; how many were answered or given up."""
        done = await asyncio.gather(*(self._of(hook) for hook in self._receivers.values()))
        return sum(done)

    async def _of(self, hook: WebhookReceiver) -> int:
        store, now = self._store, self._clock.now()
        while await store.move(lambda c: hooks.take_over(c, hook.name, BATCH)) == BATCH:
            pass
        found = await store.read(lambda c: hooks.due(c, hook.name, now, now + WAITS[-1], AT_ONCE))
        return sum(await asyncio.gather(*(self._call(hook, row) for row in found)))

    async def _call(self, hook: WebhookReceiver, row: CallRow) -> bool:
        """Whether the call is over; a failed one waits for its next time."""
        body = await self._body(row)
        if body is not None:
            id, now = self._id(row), self._clock.now()
            headers = {
                "webhook-id": id,
                "webhook-timestamp": str(now),
                "webhook-signature": webhook_signature.sign_webhook(hook.secret, id, now, body),
            }
            try:
                await self._client.call(hook.url, headers, body, ca_file=hook.ca_file)
            except TransientError:
                return await self._failed(row)
        await self._store.move(lambda c: self._answered(c, row))
        return True

    def _answered(self, connection: Connection, row: CallRow) -> None:
        hooks.answered(connection, row.hook, row.seq)
        if row.attempts:
            hooks.retry_now(connection, row.hook)

    async def _failed(self, row: CallRow) -> bool:
        now, attempts = self._clock.now(), row.attempts + 1
        over = now - row.since >= PATIENCE
        self._log.warning("webhook.failed", n=row.seq, attempts=attempts)

        def move(connection: Connection) -> None:
            if over:
                hooks.answered(connection, row.hook, row.seq)
                journal.raise_alarm(connection, at=now, kind="webhook.failed")
            else:
                later = now + WAITS[min(attempts, len(WAITS)) - 1]
                hooks.postpone(connection, row.hook, row.seq, attempts=attempts, next_try=later)

        await self._store.move(move)
        return over

    def _id(self, row: CallRow) -> str:
        return f"{self._own.node}.{row.seq}"

    async def _body(self, row: CallRow) -> bytes | None:
        """The event as a CloudEvent 1.0; None for what is nobody's case, or gone."""
        found = await self._store.read(partial(_look, seq=row.seq))
        if found is None:
            return None
        happened, about = found
        data: dict[str, Json] = {"seq": happened.seq, "kind": happened.kind, "state": happened.state}
        if about is not None:
            peer = self._peers.get(about.peer)
            data |= {"id": about.id, "direction": about.direction, "peer": about.peer if peer is None else peer.name}
        return orjson.dumps(
            {
                "specversion": "1.0",
                "id": self._id(row),
                "source": f"urn:trm:node:{self._own.node}",
                "type": f"trm.{happened.kind}",
                "time": datetime.fromtimestamp(happened.at, UTC).isoformat().replace("+00:00", "Z"),
                "datacontenttype": "application/json",
                "data": data,
            }
        )


def _look(connection: Connection, *, seq: int) -> tuple[journal.Event, messages.MessageRow | None] | None:
    found = journal.events_after(connection, seq=seq - 1, limit=1)
    if not found or found[0].seq != seq:
        return None
    ref = found[0].ref
    about = None if ref is None else messages.get(connection, [ref]).get(ref)
    return None if about is not None and about.kind == probe.KIND else (found[0], about)


async def standing(store: Store, config: Config) -> list[Json]:
    """Each receiver of node.toml with what waits for it."""

    return await store.read(lambda c: standings(c, config.webhooks))


def standings(connection: Connection, sections: Sequence[WebhookSection]) -> list[Json]:
    """The same by sections, in a reading of the database that has begun."""
    items: list[Json] = []
    for section in sections:
        now = hooks.standing(connection, section.name)
        items.append(
            {
                "name": section.name,
                "url": section.url,
                "waiting": now.waiting,
                "oldest": now.oldest,
                "attempts": now.attempts,
            }
        )
    return items
