"""Saying what became of a request to erase: exactly what was done, and no more (nrm1 6.2, 13.3).

    1  it was followed (`gateway.erasure.peer_requests.execute`)
    2  the storage epoch ends, so that no copy opens; the case system answers; the receipts `erased` are signed
    3  whoever had the data from here confirms, and their receipts are here
    4  the answer goes: what was erased where, what is kept and why, who was told, with the certificates of those

The answer waits for 2 and 3, but not beyond its time: then it says what is not done yet, and another one follows when
it is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

import schemas
from gateway.consent.known_by import find_exchanged
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import draft as drafts
from gateway.delivery.outbound.preparation import Preparation
from gateway.delivery.outbound.prepared import write_prepared
from gateway.delivery.outbound.steps import schema_for
from gateway.erasure import certificates, places, rules
from gateway.erasure.peer_requests import store
from gateway.erasure.peer_requests.execute import Scope, scope_of
from gateway.erasure.peer_requests.forward import read_task
from gateway.erasure.peer_requests.record import Task
from gateway.erasure.peer_requests.store import RequestRow, State
from gateway.erasure.recipients import find_erased, find_theirs
from gateway.erasure.rules import Kept, Outcome
from gateway.erasure.store import find_backups
from gateway.errors import GatewayError, RefusedError, TransientError
from gateway.foundation.config import Config
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.identity.machine_store import find_oldest_epoch
from gateway.identity.node_keys import NodeKeys
from gateway.messages import content_codec
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import local, messages, receipts
from gateway.messages.store.handed_over import DUE
from gateway.messages.store.messages import OUT, MessageRow
from gateway.messages.store.receipts import ReceiptRow
from gateway.messages.types import Draft
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json
from keys.documents.envelope import Status
from keys.primitives.encoding import b64u

DAY = 86_400
AHEAD = 2 * DAY
"""How long before its time an answer goes without what is still awaited; a quarter of the time where that is less."""

MOST_CERTIFICATES = 10
CERTIFICATES_LIMIT = 400_000
"""Bytes of all certificates in one answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What has become of a request: when the last of it went, None where nothing did; by message what the case system
    said; whether everything awaited is there. This node was looked through: ``found`` is where something of it was,
    ``held`` where something is; ``key_gone`` that no key is left that opens it; ``recipients`` says of each that had it
    from here whether it is gone there.
    """

    at: int | None
    found: frozenset[str]
    held: frozenset[str]
    key_gone: bool
    recipients: Mapping[str, bool]
    local: tuple[str, ...]
    here: bool
    onward: tuple[str, ...]
    told: bool
    certificates: tuple[Json, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Receipts:
    """The certificates made of the receipts `erased` of onward recipients, and those of whom some are missing."""

    certificates: tuple[Json, ...]
    missing: frozenset[str]


class RequestConfirmer:
    """Answers requests to erase."""

    def __init__(
        self,
        *,
        content: Content,
        keys: NodeKeys,
        peers: PeerRegistry,
        preparation: Preparation,
        config: Config,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._content = content
        self._keys = keys
        self._peers = peers
        self._preparation = preparation
        self._config = config
        self._wakeups = wakeups
        self._events = events
        self._clock = clock
        self._rand = rand

    async def answer(self) -> None:
        """Answer what is done, or can wait no longer."""
        for row in await self._content.store.read(store.unsettled):
            if row.state == State.FOLLOWED:
                try:
                    await self._answer(row)
                except TransientError as error:
                    logger().info("request.postponed", code=str(error.code))
                except GatewayError as error:
                    logger().warning("request.unanswered", code=str(error.code))
                    await self._alarm(row)

    async def _alarm(self, row: RequestRow) -> None:
        now = self._clock.now()
        await self._content.store.move(
            lambda c: journal.raise_alarm(c, at=now, kind="erasure.unanswered", peer=row.peer, ref=row.message)
        )

    async def _answer(self, row: RequestRow) -> None:
        task = await read_task(self._content, row)
        now = self._clock.now()
        scope, done = await self._content.store.read(
            lambda c: (scope_of(self._content.sealer, c, row=row, task=task), self._done(c, row, task, now))
        )
        whole, refused = done.here and done.told and not scope.awaited, bool(scope.kept) and not done.local
        late = now >= row.due - min(AHEAD, (row.due - row.at) // 4)
        if not whole and (row.answered is not None or not (late or refused)):
            return
        horizon = now + self._config.horizon_days * DAY
        outcome = Outcome(
            erased_at=done.at,
            found=done.found,
            held=done.held,
            key_place=self._keys.place.value,
            key_gone=done.key_gone,
            local=done.local,
            horizon=horizon,
            backups=await self._content.store.read(
                lambda c: find_backups(
                    c,
                    self._config.backup,
                    now if done.here else horizon,
                    archive_days=self._config.database.archive_days,
                )
            ),
            recipients=done.recipients,
            kept=_kept(scope),
            onward=done.onward,
            certificates=done.certificates,
        )
        peer = self._peers.find(row.peer)
        draft = Draft(
            id=b64u(self._rand(drafts.ID)),
            body_type="erasure.confirmation/1",
            to=row.peer,
            conversation=task.conversation,
            reply_to=task.reply_to,
            purpose=task.purpose,
            header=dict(task.header),
            content=rules.confirmation(outcome, revision=find_revision(peer.schemas)),
        )
        prepared = await self._preparation.prepare(draft, peer)
        state = State.FOLLOWED if not whole else State.KEPT if scope.kept else State.OVER

        def move(connection: Connection) -> None:
            write_prepared(connection, prepared)
            store.change(connection, row.ref, state=state, answered=now)
            if state is State.OVER:
                content.erase(connection, row.ref)
            journal.append_leaf(connection, leaf(now, "request.answered", peer=row.peer, id=draft.id))

        await self._content.store.move(move)
        self._wakeups.outgoing(row.peer).set()
        await self._events.happened()

    def _done(self, connection: Connection, row: RequestRow, task: Task, now: int) -> _Done:
        pieces = store.erased(connection, row.ref)
        oldest = find_oldest_epoch(connection, self._keys)
        told = store.onward(connection, row.ref)
        asks = messages.get(connection, [item.message for item in told])
        answers = {item.message: self._opened(connection, item.answer) for item in told}
        own = self._receipts(connection, [piece.message for piece in pieces], {ask.peer for ask in asks.values()})
        chosen = [*own.certificates, *(c for found in answers.values() for c in _forwarded(found, now))]
        headers = {ref: found for ref in asks if (found := self._opened(connection, ref)) is not None}
        held = places.held(connection, self._content.sealer, [piece.message for piece in pieces])
        return _Done(
            found=frozenset(word for piece in pieces for word in (piece.found or "").split()),
            held=held,
            key_gone=all(piece.epoch < oldest for piece in pieces),
            recipients=self._recipients(connection, row, task, asks),
            at=max((piece.at for piece in pieces), default=None),
            local=tuple(piece.place for piece in pieces),
            here=not held and all(piece.epoch < oldest and piece.place != DUE for piece in pieces),
            onward=tuple(
                dict.fromkeys(f"{asks[ref].peer}/{item.halves()[0]['recipient_unit']}" for ref, item in headers.items())
            ),
            told=all(item.answer is not None for item in told)
            and not (own.missing & {asks[ref].peer for ref, found in answers.items() if _claims(found)}),
            certificates=tuple(_within(chosen)),
        )

    def _recipients(
        self, connection: Connection, row: RequestRow, task: Task, asks: Mapping[int, MessageRow]
    ) -> dict[str, bool]:
        """Who had it from here: whoever was told, and whoever could not be. What told them stays there as a proof."""
        asking = messages.get(connection, [row.message])[row.message]
        consents = find_theirs(connection, asking.conversation)
        if task.consent is not None:
            consents = [self._content.sealer.consent_index(task.consent)]
        holders = {held.holder for one in consents for held in local.consents(connection, one)}
        went = messages.get(connection, store.passed_on(connection, consents, but={row.peer} | holders))
        sent: dict[str, frozenset[int]] = {ask.peer: frozenset() for ask in asks.values()}
        for one in (went[ref] for ref in went.keys() - asks.keys()):
            sent[one.peer] = sent.get(one.peer, frozenset()) | {one.ref}
        return find_erased(connection, sent)

    def _opened(self, connection: Connection, ref: int | None) -> MessageContent | None:
        sealed = {} if ref is None else content.get(connection, [ref])
        plain = self._content.sealer.open_each(list(sealed.values()))[0] if sealed else None
        return None if plain is None or isinstance(plain, RefusedError) else content_codec.read_content(plain)

    def _receipts(self, connection: Connection, refs: Sequence[int], peers: Collection[str]) -> _Receipts:
        rows = messages.get(connection, refs)
        exchanged = find_exchanged(connection, rows.values())
        erased: dict[NodeId, list[ReceiptRow]] = {}
        missing: set[str] = set()
        for row in rows.values():
            if row.direction != OUT or row.ref not in exchanged or row.peer not in peers:
                continue
            heard = receipts.of_message(connection, receipts.RECEIVED, row.peer, row.id)
            said = {receipt.status: receipt for receipt in heard}
            if Status.ERASED in said:
                erased.setdefault(row.peer, []).append(said[Status.ERASED])
            elif Status.REJECTED not in said:
                missing.add(row.peer)
        made: list[Json] = []
        for node, told in erased.items():
            peer = self._peers.get(node)
            if peer is not None and len(peer.chain) <= certificates.MOST_DESCRIPTORS:
                made += [certificates.encode(kept, peer.chain) for kept in receipts.signed(connection, told)]
        return _Receipts(certificates=tuple(made), missing=frozenset(missing))


def find_revision(theirs: Collection[str] | None) -> int:
    """The revision in which the peer can read a confirmation, which is that in which it is written."""
    held = schemas.load_catalogue()
    schema = schema_for("erasure.confirmation/1", begun=(), theirs=theirs)
    return held.by_schema(schema).revision


def _kept(scope: Scope) -> Kept | None:
    """The ground and the last day of the hold that lasts longest; the categories of everything that is kept."""
    if not scope.kept:
        return None
    longest = max((scope.holds[row.conversation] for row in scope.kept), key=lambda hold: hold.until)
    there = [scope.contents[row.ref] for row in scope.kept if row.ref in scope.contents]
    categories = {name for item in there for name in schemas.find_categories(item.facts.schema, item.halves()[1])}
    return Kept(categories=categories or {"identity"}, ground=longest.ground, until=longest.until)


def _claims(confirmation: MessageContent | None) -> bool:
    """Whether an onward recipient says that it erased something, so that its receipts have to come."""
    return confirmation is not None and confirmation.halves()[1].get("result") in ("erased", "partly_erased")


def _forwarded(confirmation: MessageContent | None, now: int) -> Iterator[Json]:
    """The certificates of whoever an onward recipient passed the data on to, as far as they prove something."""
    if confirmation is not None:
        yield from (
            dict(item) for item, found in certificates.read_all(confirmation.halves()[1], now) if found is not None
        )


def _within(found: Sequence[Json]) -> Iterator[Json]:
    """Each once, and no more than one message carries."""
    size, taken = 0, list[Json]()
    for item in found:
        size += len(str(item))
        if item not in taken and len(taken) < MOST_CERTIFICATES and size <= CERTIFICATES_LIMIT:
            taken.append(item)
            yield item
