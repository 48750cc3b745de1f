"""Telling on: whoever had data from this node under a consent hears that it was withdrawn, or that they have to go.

A withdrawal goes on as it is, also to whoever told this node of the consent and may hear of it from nobody else. A
request to erase goes on as one that names the messages by which the data went. It is said once to each unit, in the
conversation that it knows, by the node itself: nothing may hold it up, also not that the conversation was erased here.
Whom it cannot reach is told to a person, who telephones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from gateway.consent import addresses, register
from gateway.consent.addresses import Address
from gateway.consent.effects import stop_records
from gateway.consent.known_by import find_exchanged, find_known_by
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import draft as drafts
from gateway.delivery.outbound.preparation import Preparation
from gateway.delivery.outbound.prepared import Prepared, write_prepared
from gateway.erasure.peer_requests import store
from gateway.erasure.peer_requests.record import Task
from gateway.erasure.peer_requests.store import OnwardRow, RequestRow, State
from gateway.erasure.recipients import find_theirs
from gateway.erasure.rules import What
from gateway.errors import GatewayError, RefusedError, TransientError
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import content_codec, headers
from gateway.messages.machines.delivery import SENDING
from gateway.messages.store import local, messages
from gateway.messages.store.conversations import Key
from gateway.messages.store.messages import IN, MessageRow
from gateway.messages.types import Draft
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json
from keys.primitives.encoding import b64u

MOST_TARGETS = 100
"""Messages that one request to erase names."""

Unit = tuple[NodeId, str, str]
"""Peer, conversation and unit to which data went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copies:
    """What went on: by unit where to tell it and the ids of the messages; units that got nothing from here and know the
    consent; peers that cannot be told, since nothing says where; whether it is clear what has to go there as well.
    """

    by_unit: Mapping[Unit, tuple[Address, Sequence[str]]]
    knowing: frozenset[Unit]
    closed: frozenset[NodeId]
    clear: bool


class RequestForwarder:
    """Tells requests to erase on to whom the data went."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        preparation: Preparation,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
        rand: Callable[[int], bytes],
        actor: Actor,
    ) -> None:
        self._content = content
        self._own = own
        self._peers = peers
        self._preparation = preparation
        self._wakeups = wakeups
        self._events = events
        self._clock = clock
        self._rand = rand
        self._actor = actor

    async def spread(self) -> None:
        """Tell on what came since; what fails for now is done at the next look."""
        for row in await self._content.store.read(store.unsettled):
            if row.state == State.NEW:
                try:
                    await self._spread(row)
                except TransientError as error:
                    logger().info("request.postponed", code=str(error.code))

    async def _spread(self, row: RequestRow) -> None:
        task = await read_task(self._content, row)
        copies = await self._content.store.read(partial(self._copies, row=row, task=task))
        untold, prepared, onward = set(copies.closed), list[Prepared](), list[Prepared]()
        for unit, (address, ids) in copies.by_unit.items() if copies.clear else ():
            try:
                for draft in self._drafts(task, unit[0], address, ids):
                    made = await self._preparation.prepare(draft, self._peers.find(draft.to), reference=task.consent)
                    prepared += made
                    onward += [] if unit in copies.knowing else made
            except TransientError:
                raise
            except GatewayError:
                untold.add(unit[0])
        now = self._clock.now()

        def move(connection: Connection) -> None:
            write_prepared(connection, prepared)
            store.add_onward(connection, [OnwardRow(message=item.row.ref, request=row.ref) for item in onward])
            over = task.what is None
            store.change(
                connection,
                row.ref,
                state=State.OVER if over else State.WAITING,
                follow=row.follow if copies.clear else None,
            )
            if over:
                content_rows.erase(connection, row.ref)
            if task.withdrawn is not None and task.consent is not None:
                index = self._content.sealer.consent_index(task.consent)
                stop_records(connection, index, untold - {item.row.peer for item in prepared}, now)
            if not copies.clear:
                journal.raise_alarm(connection, at=now, kind="erasure.asked", peer=row.peer, ref=row.message)
            for peer in sorted(untold):
                if task.withdrawn is None:
                    journal.raise_alarm(connection, at=now, kind="erasure.untold", peer=peer, ref=row.message)
                else:
                    journal.raise_alarm(connection, at=now, kind="consent.untold", peer=peer, ref=row.message)
            journal.append_leaf(connection, leaf(now, "request.passed_on", peer=row.peer, count=len(prepared)))

        await self._content.store.move(move)
        for item in prepared:
            self._wakeups.outgoing(item.row.peer).set()
        await self._events.happened()

    def _copies(self, connection: Connection, row: RequestRow, task: Task) -> _Copies:
        asking = messages.get(connection, [row.message])[row.message]
        went, clear = self._passed_on(connection, asking, task)
        refs = [*went, *self._find_knowing(connection, asking, task, went)]
        rows, sealed = messages.get(connection, refs), content_rows.get(connection, refs)
        opened = dict(zip(sealed, self._content.sealer.open_each(list(sealed.values())), strict=True))
        author = headers.node_author(self._actor)
        by_unit: dict[Unit, tuple[Address, list[str]]] = {}
        units: dict[Key, Unit] = {}
        unread: defaultdict[Key, list[MessageRow]] = defaultdict(list)
        for ref in refs:
            sent, plain = rows[ref], opened.get(ref)
            if ref not in went and (sent.conversation, sent.peer) in units:
                continue
            if plain is None or isinstance(plain, RefusedError):
                unread[sent.conversation, sent.peer].append(sent)
                continue
            found = content_codec.read_content(plain)
            address = Address(
                conversation=found.facts.conversation,
                purpose=found.facts.purpose,
                header=headers.along(found.halves()[0], author, incoming=sent.direction == IN),
            )
            unit = _unit_of(sent.peer, address)
            by_unit.setdefault(unit, (address, []))[1].append(sent.id)
            units.setdefault((sent.conversation, sent.peer), unit)
        for key in unread.keys() - units.keys():
            gone = self._find_address(connection, unread[key], author)
            if gone is not None:
                units[key] = _unit_of(key[1], gone)
                by_unit[units[key]] = gone, []
        for key in unread.keys() & units.keys():
            by_unit[units[key]][1].extend(one.id for one in unread[key])
        told = set() if task.withdrawn is None else {peer for peer, _, _ in by_unit}
        closed = {peer for _, peer in unread.keys() - units.keys()}
        had = {(row.conversation, row.peer) for row in (rows[ref] for ref in went)}
        knowing = frozenset(unit for key, unit in units.items() if key not in had)
        return _Copies(by_unit=by_unit, knowing=knowing, closed=frozenset(closed - told), clear=clear)

    def _find_address(self, connection: Connection, rows: Sequence[MessageRow], author: str) -> Address | None:
        """Where a peer is told about messages of one conversation that were erased here."""
        peer = self._peers.get(rows[0].peer)
        if peer is None:
            return None
        indexes = sorted({row.consent for row in rows if row.consent is not None})
        return addresses.find_address(
            connection,
            self._content.sealer,
            [row.ref for row in rows],
            known=[register.known_under(self._content.sealer, connection, index) for index in indexes],
            own=self._own.descriptor,
            peer=peer.descriptor,
            author=author,
        )

    def _passed_on(self, connection: Connection, asking: MessageRow, task: Task) -> tuple[list[int], bool]:
        """The messages by which data went on, and whether the request is about all that went by them."""
        if task.consent is not None:
            index = self._content.sealer.consent_index(task.consent)
            return store.passed_on(connection, [index], but=_not_told(connection, asking, [index])), True
        if task.what is What.PART:
            return [], True  # a person is asked anyway
        theirs = find_theirs(connection, asking.conversation)
        refs = store.passed_on(connection, theirs, but=_not_told(connection, asking, theirs))
        elsewhere = any(
            row.peer == asking.peer and row.conversation != asking.conversation
            for one in theirs
            for row in messages.of_conversations(connection, store.relying(connection, one))
        )
        return refs, not refs or (task.what is What.CONVERSATION and not elsewhere)

    def _find_knowing(self, connection: Connection, asking: MessageRow, task: Task, went: Collection[int]) -> list[int]:
        """The messages by which others know a consent that was withdrawn: whoever told of it, or relied on it, hears it
        from this node, since who asked may know nothing of them (domain 7.9). So does who is about to be told of the
        consent, of which a part is left.
        """
        if task.consent is None:
            return []
        known = register.known_in(self._content.sealer, connection, task.consent)
        found = find_known_by(self._content.sealer, connection, known)
        refs = [ref for (_, peer), by in found.items() if peer != asking.peer for ref, _ in by if ref not in went]
        rows = messages.get_all(connection, refs)
        exchanged = find_exchanged(connection, rows)
        return [row.ref for row in rows if row.ref in exchanged or row.state in SENDING]

    def _drafts(self, task: Task, peer: NodeId, address: Address, ids: Sequence[str]) -> list[Draft]:
        """What is said to one unit, in the name of the node."""
        said: list[tuple[str, Mapping[str, Json]]] = []
        if task.withdrawn is not None:
            said.append(("consent.withdrawal/1", task.withdrawn))
        else:
            for start in range(0, len(ids), MOST_TARGETS):
                some: list[Json] = [*ids[start : start + MOST_TARGETS]]
                said.append(("erasure.request/1", {"scope": "message", "targets": some, "ground": task.ground}))
        return [
            Draft(
                id=b64u(self._rand(drafts.ID)),
                body_type=body_type,
                to=peer,
                conversation=address.conversation,
                reply_to=None,
                purpose=address.purpose,
                header=address.header,
                content=dict(content_of),
            )
            for body_type, content_of in said
        ]


def _unit_of(peer: NodeId, address: Address) -> Unit:
    """The unit at a peer that is told at this address."""
    return peer, address.conversation, str(address.header["recipient_unit"])


async def read_task(content: Content, row: RequestRow) -> Task:
    """What a request asks. Raises RefusedError: it does not open."""
    sealed = await content.store.read(lambda c: content_rows.get(c, [row.ref]))
    return Task.decode(content.sealer.open(sealed[row.ref]))


def _not_told(connection: Connection, asking: MessageRow, consents: Sequence[bytes]) -> set[str]:
    """Who asked, and who recorded the consent: they do not have it from this node."""
    return {asking.peer} | {row.holder for one in consents for row in local.consents(connection, one)}
