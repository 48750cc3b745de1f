"""Evidence of a conversation for somebody outside: what was said, by whom, received when; without the content, with all
of it, or with single fields.

Only what was signed goes in: a message that still waits has no statement yet. What is shown of content is written to
the audit log, by how many fields and never which.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field, WithJsonSchema
from sqlalchemy import Connection

from gateway.audit.checkpointer import Checkpointer
from gateway.audit.log import AuditLog
from gateway.database import content, journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.operations.message_models import Direction
from gateway.delivery.operations.messages_shown import conversation_rows
from gateway.errors import Code, Finding, RefusedError
from gateway.evidence.build import Exhibit, build
from gateway.evidence.contradiction import find_contradiction, read_other, require_proof
from gateway.evidence.field_choice import choose_fields
from gateway.evidence.log_extract import extract
from gateway.evidence.signed import read_kept_receipts
from gateway.evidence.verify import LIMIT
from gateway.foundation import ids
from gateway.foundation.workers import Workers
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import content_codec
from gateway.messages.evidence import Frames, open_evidence
from gateway.messages.store import messages, receipts
from gateway.messages.store.messages import MessageRow
from gateway.operations.actors import pseudonym
from gateway.operations.ids import AlarmId, ConversationId, MessageId, PeerId, alarm_number
from gateway.operations.models import UNSAID, Answer, Asked, Flag, Object, Time, Type
from gateway.operations.registry import About, Reading, operation
from gateway.operations.roles import FOCAL_POINT, Caller
from gateway.peers.registry import Peer, PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from keys.documents.envelope import Statement, statement_hash
from keys.documents.receipts import KeptReceipts
from keys.documents.statement import STATEMENTS
from keys.primitives.commitment import cut_fields, disclose
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import parse

Choices = Annotated[
    str,
    Field(min_length=1, max_length=60_000),
    WithJsonSchema(
        {
            "type": "string",
            "description": "JSON pointers of fields, each alone or behind the id of one message; separated by spaces",
        }
    ),
]


class ExportEvidence(Asked):
    """A conversation, of which peer, and what is shown of its content: all of it, or single fields by their JSON
    pointers, each alone or behind the id of one message.
    """

    id: ConversationId
    disclose: Flag = False
    fields: Choices = UNSAID
    peer: PeerId | None = None


class OfConversation(Asked):
    """A conversation, of which peer."""

    id: ConversationId
    peer: PeerId | None = None


class OfAlarm(Asked):
    """An alarm by its number."""

    id: AlarmId


class FieldsOfMessage(Answer):
    """One message whose content is here, and the JSON pointers of its fields in their order."""

    id: MessageId
    type: Type
    direction: Direction
    at: Time
    fields: list[str]


class EvidenceFields(Answer):
    """The messages of a conversation of which single fields can be shown."""

    messages: list[FieldsOfMessage]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What the store keeps of what was signed: the sealings of each message by its ref, and the receipts."""

    sealings: Mapping[int, Sequence[Frames]]
    told: Sequence[KeptReceipts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibits:
    """What goes into a bundle, and of how many fields of each message it shows the values; None for all of them."""

    exhibits: Sequence[Exhibit]
    shown: Mapping[str, int | None]


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
        reads=Reading(what="evidence", shown=lambda asked, answer: asked.disclose or bool(asked.fields)),
    )
    async def export(self, asked: ExportEvidence, caller: Caller) -> OperationResult:
        """The evidence bundle of one conversation; `disclose` adds the content, `fields` what is chosen of it, and a
        person answers for either.
        """
        if asked.disclose and asked.fields:
            raise RefusedError(
                Code.INVALID,
                "all of the content and single fields of it exclude each other; nothing was shown",
                hint="leave out disclose, or fields",
            )
        if (asked.disclose or asked.fields) and caller.person is None:
            raise RefusedError(
                Code.FORBIDDEN,
                "to show content to others is the act of a person; nothing was shown",
                hint="trm login signs in at a shell, the console at a browser",
                findings=[Finding(place="/disclose", rule="person", hint="who shows the content answers for it")],
            )
        peer, rows, sealed = await self._rows(asked.id, asked.peer)
        kept = await self._load_signed(rows)
        exhibits = await self._workers.off_loop(lambda: self._exhibits(rows, kept, sealed, asked))
        if not exhibits.exhibits:
            raise RefusedError(
                Code.NOT_FOUND,
                "nothing of this conversation was signed yet",
                hint="a message is signed when it departs: trm conversation show lists their states",
            )
        bundle = await self._bundle(peer, exhibits.exhibits, kept)
        await self._log_disclosure(exhibits.shown, pseudonym(caller.actor, self._actor))
        return OperationResult(value=bundle)

    @operation(
        "evidence.contradiction",
        "the portable proof that a peer signed two contents under one number",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=Object,
        reads=Reading(what="evidence"),
    )
    async def prove_contradiction(self, asked: OfAlarm) -> OperationResult:
        """The evidence bundle of both messages, without their content, for an alarm `peer.equivocation`."""
        found = await self._content.store.read(lambda c: find_contradiction(c, alarm_number(asked.id)))
        peer = self._peers.find(found.peer)
        kept = await self._load_signed([found.held])
        other = await read_other(self._content, self._workers, found.other)
        both = [Exhibit(sealings=kept.sealings[found.held.ref]), Exhibit(sealings=[other])]
        bundle = await self._bundle(peer, both, kept)
        known = {self._own.descriptor.fingerprint} | {one.descriptor.fingerprint for one in self._peers.all()}
        await self._workers.off_loop(lambda: require_proof(bundle, known))
        return OperationResult(value=bundle)

    async def _bundle(self, peer: Peer, exhibits: Sequence[Exhibit], kept: _Kept) -> Json:
        """Build the bundle of these messages with what the log has about them."""
        chains = (self._own.chain, peer.chain)
        extracted = await extract(
            self._content.store,
            self._own,
            self._peers,
            self._log,
            self._checkpointer,
            _hashes(exhibits, kept.told),
            peer,
        )
        bundle = await self._workers.off_loop(lambda: build(chains, exhibits, kept.told, extracted))
        return parse(bundle, limit=LIMIT)

    @operation(
        "evidence.fields",
        "the single fields of which evidence can be given",
        roles=FOCAL_POINT,
        about=About.CASE,
        answer=EvidenceFields,
        reads=Reading(what="evidence"),
    )
    async def list_fields(self, asked: OfConversation) -> OperationResult:
        """List which fields the messages of one conversation have, without their values."""
        _, rows, sealed = await self._rows(asked.id, asked.peer)
        kept = await self._load_signed(rows)
        found = await self._workers.off_loop(lambda: self._fields(rows, kept, sealed))
        messages: list[Json] = [
            {"id": row.id, "type": kind, "direction": row.direction, "at": row.at, "fields": [*fields]}
            for row, kind, fields in found
        ]
        return OperationResult(value={"messages": messages})

    async def _rows(
        self, conversation: ConversationId, peer: str | None
    ) -> tuple[Peer, Sequence[MessageRow], Mapping[int, SealedRow]]:
        """Load the messages of a conversation with one peer, and the content that is left of them."""
        rows, sealed = await conversation_rows(self._content, conversation)
        found = self._peers.find(peer or _other_side(rows))
        return found, [row for row in rows if row.peer == found.node], sealed

    def _fields(
        self, rows: Sequence[MessageRow], kept: _Kept, sealed: Mapping[int, SealedRow]
    ) -> list[tuple[MessageRow, str, Mapping[str, Json]]]:
        """Cut what was signed in the second form, and is still here, into fields; with its message type."""
        found = list[tuple[MessageRow, str, Mapping[str, Json]]]()
        for row in rows:
            if row.ref in sealed and _is_second_form(kept.sealings[row.ref]):
                opened = content_codec.read_content(self._content.sealer.open(sealed[row.ref]))
                found.append((row, opened.facts.body_type, cut_fields(opened.body)))
        return found

    def _exhibits(
        self, rows: Sequence[MessageRow], kept: _Kept, sealed: Mapping[int, SealedRow], asked: ExportEvidence
    ) -> Exhibits:
        """Open what was signed, and what is shown. Raises RefusedError where a chosen field is not there."""
        chosen: Mapping[ids.MessageId, Sequence[str]] = {}
        if asked.fields:
            there = {row.id: [*fields] for row, _, fields in self._fields(rows, kept, sealed)}
            chosen = choose_fields(asked.fields.split(), there)
        made, shown = [], dict[str, int | None]()
        for row in rows:
            exhibit = Exhibit(sealings=kept.sealings[row.ref])
            if not exhibit.sealings:
                continue
            if row.ref in sealed and (asked.disclose or row.id in chosen):
                opened = content_codec.read_content(self._content.sealer.open(sealed[row.ref]))
                frames = (opened.secret, opened.body)
                if asked.disclose:
                    exhibit, shown[row.id] = replace(exhibit, disclosure=frames), None
                else:
                    exhibit = replace(exhibit, fields=disclose(*frames, chosen[row.id]))
                    shown[row.id] = len(exhibit.fields)
            made.append(exhibit)
        return Exhibits(exhibits=made, shown=shown)

    async def _load_signed(self, rows: Sequence[MessageRow]) -> _Kept:
        refs, sealed, told = await self._content.store.read(lambda c: _signed(c, rows))
        opened = await open_evidence(self._content, self._workers, sealed)
        sealings = {row: [opened[ref] for ref in found if ref in opened] for row, found in refs.items()}
        return _Kept(sealings=sealings, told=told)

    async def _log_disclosure(self, shown: Mapping[str, int | None], actor: str) -> None:
        """Log of which messages content was shown, with how many fields; None for all of them."""
        now = self._clock.now()
        leaves = [leaf(now, "evidence.disclosed", id=id, fields=count, actor=actor) for id, count in shown.items()]
        if leaves:
            await self._content.store.move(lambda c: journal.append_leaves(c, leaves))


def _is_second_form(sealings: Sequence[Frames]) -> bool:
    """Whether each of the statements commits to single fields; one of the first form does not (nrm1 7.14)."""
    said = [Statement.parse(statement, *STATEMENTS) for statement, _ in sealings]
    return bool(said) and all(one.payload_type == STATEMENT for one in said)


def _hashes(exhibits: Sequence[Exhibit], told: Sequence[KeptReceipts]) -> list[str]:
    """By what the audit log names all of this."""
    statements = [statement_hash(statement) for exhibit in exhibits for statement, _ in exhibit.sealings]
    return statements + sorted({signed.batch_hash for kept in told for signed in read_kept_receipts(kept)})


def _other_side(rows: Sequence[MessageRow]) -> str:
    nodes = {row.peer for row in rows}
    if len(nodes) > 1:
        raise RefusedError(Code.CONFLICT, "the conversation has several peers", hint="name one with --peer")
    return rows[0].peer


def _signed(
    connection: Connection, rows: Sequence[MessageRow]
) -> tuple[Mapping[int, Sequence[int]], Mapping[int, SealedRow], Sequence[KeptReceipts]]:
    """Load the evidence refs of each message, their sealed rows, and the receipts."""
    refs = {
        row.ref: [s.evidence for s in messages.statements_of(connection, row.ref) if s.evidence != row.ref]
        for row in rows  # a void question has no evidence of its own (gateway.delivery.outbound.departure)
    }
    told = [
        receipt
        for row in rows
        for receipt in receipts.of_message(
            connection, receipts.ISSUED if row.direction == messages.IN else receipts.RECEIVED, row.peer, row.id
        )
    ]
    sealed = content.get(connection, [ref for found in refs.values() for ref in found])
    return refs, sealed, receipts.signed(connection, told)
