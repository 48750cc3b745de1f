"""Hand-over: accepted messages and news go to the case system, in order, until it has acknowledged them (nrm1 12.12,
12.4).

A positive receipt exists only after the adapter acknowledged; while there is no key to sign one, all of it waits. A
message behind a gap waits at most ten minutes from the first sight of the gap; withdrawals and safety alerts do not
wait. Without an adapter, people at the desk acknowledge; so they do with what its sender wants in no case system, and
with what tells of a consent, or relies on one, that was withdrawn before the case system had it (domain 7.9).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from types import MappingProxyType

from sqlalchemy import Connection

from gateway.attachments import library as files
from gateway.attachments import store
from gateway.attachments.library import AttachmentLibrary
from gateway.attachments.rules import name_of
from gateway.attachments.store import AttachmentRow
from gateway.cases.references import number_told, own_rows
from gateway.consent.register import open_consents
from gateway.database import content, journal
from gateway.database.content import SealedRow
from gateway.database.content_sealer import ContentSealer
from gateway.database.sealed_content import Content
from gateway.delivery.answering import Answering
from gateway.delivery.local_receipts import LocalReceipts
from gateway.errors import Code, GatewayError, RefusedError, TransientError
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.foundation.telemetry.durations import Durations, MessageStage
from gateway.foundation.workers import Workers
from gateway.identity.node_keys import NodeKeys
from gateway.mapping.to_message import RecordMapping, map_message
from gateway.messages import content_codec, state_transitions
from gateway.messages.content_codec import MessageContent
from gateway.messages.machines.acceptance import Incoming, IncomingEvent, allows, exportable
from gateway.messages.machines.numbering import Gap, out_of_order, ready
from gateway.messages.probe import KIND as PROBE
from gateway.messages.store import links, local, messages
from gateway.messages.store.links import GapRow
from gateway.messages.store.local import NoticeRow
from gateway.messages.store.messages import InboxRow, MessageRow
from gateway.messages.wakeups import Wakeups
from gateway.peers.registry import PeerRegistry
from gateway.ports import Adapter, Attachment, BulkAdapter, Clock, Delivery, MappedRecord, Notice, NoticeKind

BATCH = 32
LONGEST_BACKOFF = 300
"""Seconds. What would wait longer was put off by a clock that has been put back since, and waits no more."""
ALARM_AFTER = 5
"""Failed hand-overs of one message after which a person is told."""
_OWN_REASONS = frozenset({Code.MAPPING_FAILED, Code.NOT_FOR_EXPORT, Code.GATE_G7})
NEWS_ALARM_AT = 3
"""Refusals of one piece of news at which a person is told, once: the case system will not change its mind by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """What one peer's messages are, as far as they wait: `due` may go now, in order, each with whether it goes before a
    missing number; `ready` are those of them that the adapter has not put off, with their `plain` contents.
    """

    rows: tuple[InboxRow, ...]
    messages: dict[int, MessageRow]
    contents: dict[int, SealedRow]
    files: dict[int, list[AttachmentRow]]
    hashes: dict[int, str]
    due: list[tuple[InboxRow, bool]]
    ready: list[tuple[InboxRow, bool]]
    plain: dict[int, bytes | RefusedError]


class Handover:
    """The loop that empties the inbox."""

    def __init__(
        self,
        *,
        content: Content,
        keys: NodeKeys,
        peers: PeerRegistry,
        attachments: AttachmentLibrary,
        local_receipts: LocalReceipts,
        answering: Answering,
        adapter: Adapter | None,
        workers: Workers,
        wakeups: Wakeups,
        durations: Durations,
        clock: Clock,
        mappings: Mapping[str, RecordMapping] = MappingProxyType({}),
    ) -> None:
        self._content = content
        self._keys = keys
        self._peers = peers
        self._attachments = attachments
        self._local_receipts = local_receipts
        self._answering = answering
        self._adapter = adapter
        self._workers = workers
        self._wakeups = wakeups
        self._trail = wakeups.trail
        self._durations = durations
        self._clock = clock
        self._mappings = mappings
        self._log = logger()

    async def run(self) -> None:
        """Work until cancelled; looks again at least every ten seconds, since gaps and back-offs end by time."""
        self._answering.attended = self._adapter is not None
        try:
            await self._empty_inbox()
        finally:
            self._answering.attended = False  # another worker may hand over from here on: no answer waits for this one

    async def _empty_inbox(self) -> None:
        signal = self._wakeups.handover
        while True:
            signal.clear()
            try:
                busy = await self.once()
            except GatewayError as error:
                self._log.warning("handover.failed", code=str(error.code))
                busy = False
            if not busy:
                waits = {asyncio.ensure_future(_wait(signal)), asyncio.ensure_future(self._clock.sleep(10))}
                try:
                    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for wait in waits:
                        wait.cancel()

    async def once(self) -> bool:
        """One pass over all senders and all news; True when so much was handed over that more may wait."""
        busy, speaks, now = False, self._keys.may_speak, self._clock.now()

        def look(connection: Connection) -> tuple[list[NodeId], _Waiting | None, bool]:
            senders = messages.senders_waiting(connection) if speaks else []
            first = self._look_up(connection, senders[0], now) if senders else None
            return senders[1:], first, messages.news_waits(connection)

        senders, first, news = await self._content.store.read(look)
        if first is not None:  # most often the only one
            busy = await self._hand_over(first, now)
        for node in senders:
            now = self._clock.now()
            waiting = await self._content.store.read(partial(self._look_up, node=node, now=now))
            busy = await self._hand_over(waiting, now) or busy
        if self._adapter is not None and news:
            busy = await self._news(self._adapter) or busy
        return busy

    def _look_up(self, connection: Connection, node: NodeId, now: int) -> _Waiting:
        """Read what one peer sent and is not handed over yet, and open what may go now."""
        rows = tuple(messages.waiting(connection, node, BATCH))
        refs = [row.ref for row in rows]
        found, contents = messages.get(connection, refs), content.get(connection, refs)
        epoch = max((row.epoch or 1 for row in found.values()), default=1)
        due = _in_order(rows, links.gaps(connection, node, epoch), now)
        ready = [item for item in due if found[item[0].ref].kind != PROBE] if self._adapter is not None else []
        ready = list(takewhile(lambda item: not now < item[0].next_try <= now + LONGEST_BACKOFF, ready))
        there = [contents[row.ref] for row, _ in ready if row.ref in contents]
        plain = self._content.sealer.open_each(there) if there else []
        return _Waiting(
            rows=rows,
            messages=found,
            contents=contents,
            files=store.of_messages(connection, refs),
            hashes=messages.statement_hashes(connection, refs),
            due=due,
            ready=ready,
            plain={sealed.ref: opened for sealed, opened in zip(there, plain, strict=True)},
        )

    async def _hand_over(self, waiting: _Waiting, now: int) -> bool:
        """Hand over what one peer sent, in order; stops at the first that is not taken."""
        await self._order(waiting, waiting.due, now)
        probes = [row for row, _ in waiting.due if waiting.messages[row.ref].kind == PROBE]
        if probes:  # answered here: no case system and no desk sees them
            await self._local_receipts.acknowledge([waiting.messages[row.ref] for row in probes], waiting.hashes)
        if self._adapter is None:
            return bool(probes)
        done, names = await self._push(self._adapter, waiting, now)
        if done:
            await self._local_receipts.acknowledge([waiting.messages[row.ref] for row in done], waiting.hashes, names)
        return bool(done or probes) and len(waiting.rows) == BATCH

    async def _order(self, waiting: _Waiting, due: Sequence[tuple[InboxRow, bool]], now: int) -> None:
        """What waited for order and may now go is owed from here on."""
        released = [(row, late) for row, late in due if waiting.messages[row.ref].state == Incoming.AWAITING_ORDER]
        if not released:
            return

        def move(connection: Connection) -> None:
            stored = messages.get(connection, [row.ref for row, _ in released])
            still = [one for one in released if stored[one[0].ref].state == Incoming.AWAITING_ORDER]
            for row, late in still:
                event = IncomingEvent.GAP_TIMEOUT if late else IncomingEvent.GAP_FILLED
                state_transitions.receive_step(connection, stored[row.ref], event, at=now)
            messages.flag_out_of_order(connection, [row.ref for row, late in still if late])

        await self._content.store.move(move)
        current = await self._content.store.read(lambda c: messages.get(c, list(waiting.messages)))
        waiting.messages.update(current)

    async def _push(self, adapter: Adapter, waiting: _Waiting, now: int) -> tuple[list[InboxRow], dict[int, str]]:
        """Messages to the adapter, in order; returns those it took, and by message the local ids that are not the key
        of the hand-over. One that it refuses is held for a person, one that has to be tried again stops the rest.
        """
        opened: list[tuple[InboxRow, Delivery]] = []
        for row, late in waiting.ready:
            try:
                item = await self._opened(waiting, row, late)
                if not exportable(item.header):
                    raise RefusedError(Code.NOT_FOR_EXPORT, "its sender wants it in no case system")
                opened.append((row, mapped(self._mappings, item)))
            except RefusedError as error:
                await self._hold(waiting.messages[row.ref], error, now)
        opened = await self._find_going(waiting, opened, now)
        done: list[InboxRow] = []
        names: dict[int, str] = {}
        if not opened:
            return done, names
        with self._durations.measure(MessageStage.HANDING_OVER):
            outcomes = await push_all(adapter, [item for _, item in opened])
        for (row, handed), outcome in zip(opened, outcomes, strict=False):
            message = waiting.messages[row.ref]
            if isinstance(outcome, TransientError) or (
                isinstance(outcome, RefusedError) and await self._may_be_unknown(message)
            ):
                await self._postpone(row, now)
                break
            if isinstance(outcome, RefusedError):
                await self._hold(message, outcome, now)
            else:
                done.append(row)
                self._log.info("message.handed_over", ref=row.ref, trace=self._trail.find(row.ref))
                if outcome != handed.key:
                    names[row.ref] = outcome
        return done, names

    async def _find_going(
        self, waiting: _Waiting, opened: Sequence[tuple[InboxRow, Delivery]], now: int
    ) -> list[tuple[InboxRow, Delivery]]:
        """Find those that still go: the others were erased, or taken at the desk meanwhile. What tells of a consent, or
        relies on one, that was taken back is held; a withdrawal and an alert are urgent, and go.
        """
        sealer = self._content.sealer
        consents = {
            row.ref: set() if row.urgent else {sealer.consent_index(named) for named in consents_named(item)}
            for row, item in opened
        }

        def look(connection: Connection) -> tuple[Collection[int], Collection[bytes]]:
            withdrawn = _find_withdrawn(sealer, connection, set().union(*consents.values()))
            return messages.still_waiting(connection, list(consents)), withdrawn

        owed, withdrawn = await self._content.store.read(look)
        going = [item for item in opened if item[0].ref in owed]
        taken_back = RefusedError(Code.GATE_G7, "the person took the consent back")
        for row, _ in going:
            if not consents[row.ref].isdisjoint(withdrawn):
                await self._hold(waiting.messages[row.ref], taken_back, now)
        return [item for item in going if consents[item[0].ref].isdisjoint(withdrawn)]

    async def _may_be_unknown(self, message: MessageRow) -> bool:
        """Whether the case system may not know yet which of its records a message answers: it was away, and the news
        that names the conversation waits for it too. No person could do more than wait.
        """
        return await self._content.store.read(lambda c: messages.owes_news_of(c, message.conversation))

    async def _opened(self, waiting: _Waiting, row: InboxRow, late: bool) -> Delivery:
        """A waiting message as the adapter gets it.

        Since the row was read a rotation may have wrapped its data key anew and destroyed the epoch that it names here:
        what does not open is read again for as long as it changes. Raises RefusedError like `delivery`.
        """
        message, sealed = waiting.messages[row.ref], waiting.contents.get(row.ref)
        with_files = waiting.files.get(row.ref, ())
        plain = waiting.plain.get(row.ref)
        while True:
            try:
                item = self.delivery(message, plain, late or message.out_of_order, with_files)
                return await self._under_our_number(message, item)
            except RefusedError:
                newer = (await self._content.store.read(lambda c: content.get(c, [row.ref]))).get(row.ref)
                if newer == sealed:
                    raise
                sealed, plain = newer, None if newer is None else self._content.sealer.open_each([newer])[0]

    async def _under_our_number(self, message: MessageRow, item: Delivery) -> Delivery:
        """Put our own number of the case in the place of the reference under which the peer knows it."""
        told, vault = item.header.get("case_ref_recipient"), self._content.sealer
        if not isinstance(told, str):
            return item
        sealed = await self._content.store.read(lambda c: own_rows(c, message.conversation, message.peer))
        ours = await self._workers.off_loop(lambda: number_told(vault, sealed, message.peer, told))
        return replace(item, header={**item.header, "case_ref_recipient": ours or told})

    async def _postpone(self, row: InboxRow, now: int) -> None:
        attempts = row.attempts + 1
        delay = min(LONGEST_BACKOFF, 2 ** min(attempts, 10))

        def move(connection: Connection) -> None:
            messages.postpone(connection, row.ref, attempts=attempts, next_try=now + delay)
            if attempts >= ALARM_AFTER:
                journal.raise_alarm(connection, at=now, kind="adapter.busy")

        await self._content.store.move(move)

    async def _hold(self, message: MessageRow, error: RefusedError, now: int) -> None:
        """What the case system refuses or is not to have, what its mapping has no words for, or what can not be opened
        any more, waits for a person.
        """
        reason = error.code if error.code in _OWN_REASONS else Code.ADAPTER_REFUSED
        self._log.warning("handover.refused", code=str(error.code), peer=message.peer)

        def move(connection: Connection) -> None:
            current = messages.get(connection, [message.ref])[message.ref]
            messages.handed(connection, [message.ref])
            if not allows(Incoming(current.state), IncomingEvent.ADAPTER_REFUSED):
                return  # the desk took it meanwhile, and its receipt is signed
            state_transitions.receive_step(connection, current, IncomingEvent.ADAPTER_REFUSED, at=now, reason=reason)
            journal.raise_alarm(connection, at=now, kind="message.held", peer=message.peer, ref=message.ref)

        await self._content.store.move(move)

    # --- news -----------------------------------------------------------------------------------------------------

    async def _news(self, adapter: Adapter) -> bool:
        """Tell the case system what became of its records, in order per record; ends when it is busy."""
        now = self._clock.now()
        blocked: set[int] = set()
        told = 0
        for row in await self._content.store.read(lambda c: local.notices(c, now, now + LONGEST_BACKOFF, BATCH)):
            if row.origin in blocked:
                continue
            try:
                await adapter.push(await self.notice(row))
            except (TransientError, RefusedError) as error:
                blocked.add(row.origin)
                await self._news_later(row, now, refused=isinstance(error, RefusedError))
                if isinstance(error, TransientError):
                    break
                continue
            await self._content.store.move(partial(local.noticed, seq=row.seq))
            told += 1
        return told > 0

    async def _news_later(self, row: NoticeRow, now: int, *, refused: bool) -> None:
        """Try again later; news that is refused again and again is told to a person, by the message it is about."""
        attempts, refusals = row.attempts + 1, row.refusals + refused
        later = now + min(LONGEST_BACKOFF, 2 ** min(attempts, 10))

        def move(connection: Connection) -> None:
            local.postpone_notice(connection, row.seq, attempts=attempts, refusals=refusals, next_try=later)
            if refused and refusals == NEWS_ALARM_AT:
                about = [] if row.message is None else messages.find(connection, row.message, direction=messages.OUT)
                ref = about[0].ref if about else row.origin
                journal.raise_alarm(connection, at=now, kind="news.refused", ref=ref)

        await self._content.store.move(move)

    def delivery(
        self,
        row: MessageRow,
        plaintext: bytes | RefusedError | None,
        late: bool,
        with_files: Sequence[AttachmentRow] = (),
    ) -> Delivery:
        """A stored message as the adapter gets it; raises RefusedError for one that is gone or does not open."""
        if plaintext is None:
            raise RefusedError(Code.NOT_FOUND, "the content of this message was erased")
        if isinstance(plaintext, RefusedError):
            raise plaintext
        opened = content_codec.read_content(plaintext)
        header, body = opened.halves()
        peer = self._peers.get(row.peer)
        facts = opened.facts
        return Delivery(
            key=delivery_key(row),
            message_id=row.id,
            conversation=facts.conversation,
            in_reply_to=facts.reply_to,
            type=facts.body_type,
            sender=row.peer,
            sender_name=row.peer if peer is None else peer.name,
            purpose=facts.purpose,
            created=facts.created,
            received=row.at,
            out_of_order=late,
            header=header,
            content=body,
            attachments=self._files_of(with_files, opened) if with_files else (),
        )

    def _files_of(self, rows: Sequence[AttachmentRow], opened: MessageContent) -> tuple[Attachment, ...]:
        """The files of a message, to be read while it is handed over; the order is that of their numbers."""
        return tuple(
            Attachment(
                part=part.n,
                name=name_of(part.n, part.media),
                media_type=part.media,
                size=part.size,
                sha256=part.sha256.hex(),
                read=partial(self._attachments.read, row, part),
            )
            for row, part in zip(rows, files.of_message(opened), strict=True)
        )

    async def notice(self, row: NoticeRow) -> Notice:
        """Stored news as the adapter gets it: the name of the local record is opened here and nowhere else."""

        def query(c: Connection) -> tuple[SealedRow | None, SealedRow | None]:
            found = messages.find(c, row.message, direction=messages.OUT) if row.message is not None else []
            refs = [row.origin, *(item.ref for item in found)]
            sealed = content.get(c, refs)
            return sealed.get(row.origin), sealed.get(found[0].ref) if found else None

        origin, message = await self._content.store.read(query)
        if origin is None:
            raise RefusedError(Code.NOT_FOUND, "the local record of this news was erased")
        conversation = None
        if message is not None:
            conversation = content_codec.read_content(self._content.sealer.open(message)).facts.conversation
        return Notice(
            key=f"notice.{row.seq}",
            ref=self._content.sealer.open(origin).decode(),
            kind=NoticeKind(row.kind),
            at=row.at,
            message_id=row.message,
            conversation=conversation,
            code=None if row.code is None else Code(row.code),
        )


async def push_all(
    adapter: Adapter, items: Sequence[Delivery | Notice]
) -> Sequence[str | RefusedError | TransientError]:
    """Hand over in order, in one go where the adapter can; ends behind the first that has to be tried again."""
    if isinstance(adapter, BulkAdapter):
        return await adapter.push_all(items)
    outcomes: list[str | RefusedError | TransientError] = []
    for item in items:
        try:
            outcomes.append(await adapter.push(item))
        except RefusedError as error:
            outcomes.append(error)
        except TransientError as error:
            outcomes.append(error)
            break
    return outcomes


async def _wait(signal: asyncio.Event) -> None:
    await signal.wait()


def _in_order(rows: Sequence[InboxRow], missing: Sequence[GapRow], now: int) -> list[tuple[InboxRow, bool]]:
    """What may be handed over now, in order, and whether it goes before a missing number."""
    gaps = tuple(Gap(gap.first, gap.last) for gap in missing)
    first_seen = min((gap.seen for gap in missing), default=None)
    due: list[tuple[InboxRow, bool]] = []
    for row in rows:
        if row.urgent or ready(row.n, gaps, first_seen, now):
            due.append((row, out_of_order(row.n, gaps)))
        else:
            break
    return due


def consents_named(item: Delivery) -> frozenset[str]:
    """Name the consent that a message relies on, and the one that it tells of."""
    named = (item.header.get("consent_ref"), item.content.get("consent_id"))
    return frozenset(one for one in named if isinstance(one, str))


def _find_withdrawn(sealer: ContentSealer, connection: Connection, consents: Collection[bytes]) -> frozenset[bytes]:
    """Find which of these consents were taken back, whoever recorded them, and whether or not a record came here."""
    narrowed = local.withdrawals(connection, consents) if consents else {}
    known = open_consents(sealer, connection, local.consents_of(connection, narrowed), narrowed)
    return frozenset(index for index, about in known.items() if about.withdrawn)


def delivery_key(row: MessageRow) -> str:
    """The idempotency key of a hand-over."""
    return f"{row.peer}.{row.id}"


def mapped(mappings: Mapping[str, RecordMapping], item: Delivery) -> Delivery:
    """The message with the record that it becomes, where messages of its type have a mapping file; `mappings` are by
    type. Raises RefusedError(mapping_failed) for one that a person has to look at.
    """
    mapping = mappings.get(item.type)
    if mapping is None:
        return item
    made = map_message(
        mapping,
        {
            "type": item.type,
            "conversation": item.conversation,
            "in_reply_to": item.in_reply_to,
            "purpose": item.purpose,
            "header": dict(item.header),
            "content": dict(item.content),
        },
    )
    if isinstance(made, tuple):
        what = f"the mapping {mapping.name} has no way back for {len(made)} place(s)"
        raise RefusedError(Code.MAPPING_FAILED, what, findings=made)
    return replace(
        item,
        record=MappedRecord(mapping=mapping.name, fields=made.fields, losses=made.losses, left_out=made.left_out),
    )
