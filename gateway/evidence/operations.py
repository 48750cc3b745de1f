"""Evidence of a conversation for somebody outside: what was said, by whom, received when; with or without the content.

Only what was signed goes in: a message that still waits has no statement yet. What is shown of content is written to
the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from gateway.audit.checkpointer import Checkpointer
from gateway.audit.log import AuditLog
from gateway.database import content, journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.operations.messages_shown import conversation_rows
from gateway.errors import Code, Finding, RefusedError
from gateway.evidence.build import Exhibit, build
from gateway.evidence.log_extract import extract
from gateway.evidence.verify import LIMIT
from gateway.foundation.workers import Workers
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import content_codec
from gateway.messages.store import messages, receipts
from gateway.messages.store.messages import MessageRow
from gateway.operations.actors import pseudonym
from gateway.operations.ids import ConversationId, PeerId
from gateway.operations.models import Asked, Flag, Object
from gateway.operations.registry import About, Reading, operation
from gateway.operations.roles import FOCAL_POINT, Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, OperationResult
from keys.documents.envelope import statement_hash
from keys.documents.receipts import batch_hash
from keys.primitives.encoding import parse


class ExportEvidence(Asked):
    """A conversation, of which peer, and whether its content is shown."""

    id: ConversationId
    disclose: Flag = False
    peer: PeerId | None = None


class _Kept:
    """What the store keeps of signatures: evidence refs of each message, the sealed rows, the batches of receipts."""

    def __init__(
        self, refs: Mapping[int, Sequence[int]], sealed: Mapping[int, SealedRow], batches: Mapping[int, bytes]
    ) -> None:
        self.refs = refs
        self.sealed = sealed
        self.batches = batches


class EvidenceOperations:
    """Operations on evidence."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        log: AuditLog,
        checkpointer: Checkpointer,
        workers: Workers,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._own = own
        self._peers = peers
        self._log = log
        self._checkpointer = checkpointer
        self._workers = workers
        self._clock = clock
        self._actor = actor

    @operation(
        "evidence.export",
        "proof of one conversation",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=Object,
        reads=Reading(what="evidence", shown=lambda asked, answer: asked.disclose is True),
    )
    async def export(self, asked: ExportEvidence, caller: Caller) -> OperationResult:
        """The evidence bundle of one conversation; `disclose` adds the content, and a person answers for that."""
        if asked.disclose and caller.person is None:
            raise RefusedError(
                Code.FORBIDDEN,
                "to show content to others is the act of a person; nothing was shown",
                hint="trm login signs in at a shell, the console at a browser",
                findings=[Finding(place="/disclose", rule="person", hint="who shows the content answers for it")],
            )
        rows, sealed = await conversation_rows(self._content, asked.id)
        peer = self._peers.find(asked.peer or _other_side(rows))
        rows = [row for row in rows if row.peer == peer.node]
        kept = await self._content.store.read(lambda c: _kept(c, rows))
        exhibits = [self._exhibit(row, kept, sealed.get(row.ref) if asked.disclose else None) for row in rows]
        exhibits = [exhibit for exhibit in exhibits if exhibit.sealings]
        if not exhibits:
            raise RefusedError(
                Code.NOT_FOUND,
                "nothing of this conversation was signed yet",
                hint="a message is signed when it departs: trm conversation show lists their states",
            )
        chains = (self._own.chain, peer.chain)
        batches = list(kept.batches.values())
        extracted = await extract(
            self._content.store, self._own, self._peers, self._log, self._checkpointer, _hashes(exhibits, batches), peer
        )
        bundle = await self._workers.off_loop(lambda: build(chains, exhibits, batches, extracted))
        if asked.disclose:
            await self._log_disclosure(
                [row.id for row in rows if row.ref in sealed], pseudonym(caller.actor, self._actor)
            )
        return OperationResult(value=parse(bundle, limit=LIMIT))

    def _exhibit(self, row: MessageRow, kept: _Kept, shown: SealedRow | None) -> Exhibit:
        sealings = [
            content_codec.read_evidence(self._content.sealer.open(kept.sealed[ref]))
            for ref in kept.refs[row.ref]
            if ref in kept.sealed
        ]
        if shown is None:
            return Exhibit(sealings=sealings)
        opened = content_codec.read_content(self._content.sealer.open(shown))
        return Exhibit(sealings=sealings, disclosure=(opened.secret, opened.body))

    async def _log_disclosure(self, ids: Sequence[str], actor: str) -> None:
        now = self._clock.now()
        leaves = [leaf(now, "evidence.disclosed", id=id, actor=actor) for id in ids]
        await self._content.store.move(lambda c: journal.append_leaves(c, leaves))


def _hashes(exhibits: Sequence[Exhibit], batches: Sequence[bytes]) -> list[str]:
    """By what the audit log names all of this."""
    statements = [statement_hash(statement) for exhibit in exhibits for statement, _ in exhibit.sealings]
    return statements + [batch_hash(document) for document in batches]


def _other_side(rows: Sequence[MessageRow]) -> str:
    nodes = {row.peer for row in rows}
    if len(nodes) > 1:
        raise RefusedError(Code.CONFLICT, "the conversation has several peers", hint="name one with --peer")
    return rows[0].peer


def _kept(connection: Connection, rows: Sequence[MessageRow]) -> _Kept:
    refs = {
        row.ref: [s.evidence for s in messages.statements_of(connection, row.ref) if s.evidence != row.ref]
        for row in rows  # a void question has no evidence of its own (gateway.delivery.outbound.departure)
    }
    told = [
        receipt.batch
        for row in rows
        for receipt in receipts.of_message(
            connection, receipts.ISSUED if row.direction == messages.IN else receipts.RECEIVED, row.peer, row.id
        )
        if receipt.batch is not None
    ]
    return _Kept(
        refs=refs,
        sealed=content.get(connection, [ref for found in refs.values() for ref in found]),
        batches=receipts.batches(connection, sorted(set(told))),
    )
