"""For a data protection officer: on what the messages of a case rest, and the content of one message for a reason.

Whoever watches how cases are worked on sees legal bases, consents and erasures without the persons behind them. What a
message says is shown one message at a time, each time for a reason in words, which the focal points of this node read
(`content.reasons`, alarm `content.asked`). The reason may repeat content: it is sealed, the audit log has its keyed
hash, and it goes with the message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from gateway.audit import reason_store
from gateway.audit.operations.access import reader_names
from gateway.audit.operations.protection_models import AskContent, ContentShown, GroundsOfCase, Reasons
from gateway.audit.reason_store import ReasonRow
from gateway.cases import store as cases
from gateway.cases.operations.models import OneCase
from gateway.cases.register import find_row, names_of
from gateway.cases.rules import LinkKind
from gateway.consent import register
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.delivery.operations.messages_shown import opened_row, opened_rows, own_unit, summary
from gateway.erasure import store as erasures
from gateway.erasure.store import ErasureRow
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from gateway.foundation.workers import Workers
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import local, messages
from gateway.messages.store.local import ConsentRow
from gateway.messages.store.messages import MessageRow
from gateway.operations.paging import Page, paged
from gateway.operations.registry import About, Reading, Units, operation
from gateway.operations.roles import CASES, CONTENT_MEMBERS, FOCAL_POINT, PROTECTS, Caller
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult


class ProtectionOperations:
    """Operations of data protection officers."""

    def __init__(self, *, content: Content, peers: PeerRegistry, workers: Workers, clock: Clock, actor: Actor) -> None:
        self._content = content
        self._peers = peers
        self._workers = workers
        self._clock = clock
        self._actor = actor

    @operation(
        "case.grounds",
        "legal bases, consents and erasures of a case",
        roles=CASES | PROTECTS,
        about=About.CASE,
        answer=GroundsOfCase,
        units=Units.NARROWED,
        shows=frozenset({"messages", "consents"}),
    )
    async def show_grounds(self, asked: OneCase) -> OperationResult:
        """On what each message of a case rests, what was consented to and what was erased; nothing of what they say."""

        def query(
            c: Connection,
        ) -> tuple[list[MessageRow], dict[int, SealedRow], dict[int, ErasureRow], list[ConsentRow]]:
            row = find_row(c, asked.id, place="/id")
            rows = messages.of_conversations(c, [one.key for one in cases.links(c, row.id, LinkKind.CONVERSATION)])
            indexes = dict.fromkeys(index for _, index, _, _ in cases.consents_of(c, [row.id]))
            consents = [held for index in indexes for held in local.consents(c, index)]
            refs = [one.ref for one in rows]
            return (
                sorted(rows, key=lambda one: one.at),
                content_rows.get(c, [*refs, *(one.ref for one in consents)]),
                erasures.of(c, refs),
                consents,
            )

        rows, sealed, gone, consents = await self._content.store.read(query)
        of_messages = {row.ref: sealed[row.ref] for row in rows if row.ref in sealed}
        opened = await self._workers.off_loop(lambda: opened_rows(self._content.sealer, of_messages))
        return OperationResult(
            value={
                "id": asked.id,
                "messages": [self._ground(row, opened.get(row.ref), gone.get(row.ref)) for row in rows],
                "consents": [self._consent(one, sealed.get(one.ref)) for one in consents],
            }
        )

    def _ground(self, row: MessageRow, opened: MessageContent | None, gone: ErasureRow | None) -> dict[str, Json]:
        header: Mapping[str, Json] = {} if opened is None else opened.halves()[0]
        bases = header.get("legal_basis")
        return {
            "id": row.id,
            "direction": row.direction,
            "peer": self._name(row.peer),
            "at": row.at,
            "state": row.state,
            "type": None if opened is None else opened.facts.body_type,
            "purpose": None if opened is None else opened.facts.purpose,
            "legal_basis": [*bases] if isinstance(bases, list) else [],
            "transfer_basis": header.get("transfer_basis"),
            "consent": None if opened is None else opened.facts.consent_ref,
            "vital_interest": "vital_interest" in header,
            "erased": None
            if gone is None
            else {"at": gone.at, "reason": gone.reason, "local_system": gone.place, "told": gone.told},
        }

    def _consent(self, row: ConsentRow, sealed: SealedRow | None) -> dict[str, Json]:
        record = register.opened(self._content.sealer, sealed)
        return {
            "holder": self._name(NodeId(row.holder)),
            "state": row.state,
            "at": row.at,
            "record": record if isinstance(record, dict) else None,
        }

    def _name(self, node: NodeId) -> str:
        peer = self._peers.get(node)
        return node if peer is None else peer.name

    @operation(
        "content.ask",
        "one message, for a reason that is kept",
        roles=PROTECTS,
        about=About.CASE,
        by_person=True,
        answer=ContentShown,
        units=Units.NARROWED,
        reads=Reading(what="message"),
        shows=CONTENT_MEMBERS,
        shown_once=True,
        example={"reason": "the person asks who was told of her illness"},
    )
    async def ask(self, asked: AskContent, caller: Caller) -> OperationResult:
        """Show a data protection officer what one message says, in this answer alone. The reason is kept sealed with
        the message, the audit log has its keyed hash, and the focal points are told.
        """
        now, reader = self._clock.now(), caller.actor
        row, sealed = await self._content.store.read(lambda c: _find(c, asked.id))
        opened = opened_row(self._content.sealer, sealed)
        if opened is None:
            raise _erased()
        reason = self._content.sealer.seal(self._content.store.new_ref(), asked.reason.encode())

        def move(connection: Connection) -> None:
            if row.ref not in content_rows.get(connection, [row.ref]):
                raise _erased()
            content_rows.put(connection, [reason])
            reason_store.add(connection, ReasonRow(ref=reason.ref, message=row.ref, reader=reader, at=now))
            journal.append_leaf(
                connection,
                leaf(
                    now,
                    "content.asked",
                    id=row.id,
                    of=self._actor(asked.reason.encode()).hex(),
                    actor=self._actor(reader.encode()).hex(),
                ),
            )
            journal.raise_alarm(connection, at=now, kind="content.asked", peer=row.peer, ref=row.ref)

        await self._content.store.move(move)
        names = await names_of(self._content, [row.conversation])
        header, said = opened.halves()
        value = summary(self._peers, self._clock, row, opened, names.get(row.conversation))
        return OperationResult(value={**value, "header": dict(header), "content": dict(said)})

    @operation(
        "content.reasons",
        "why content was shown to who does not work on cases",
        roles=FOCAL_POINT | PROTECTS,
        about=About.CASE,
        answer=Reasons,
        units=Units.NARROWED,
    )
    async def list_reasons(self, asked: Page) -> OperationResult:
        """List who was shown the content of which message, and the reason that they gave, newest first."""
        limit, before = asked.limit, asked.position

        def query(
            c: Connection,
        ) -> tuple[list[ReasonRow], dict[int, MessageRow], dict[int, SealedRow], Mapping[str, str]]:
            found = reason_store.page(c, before=before, limit=limit + 1)
            rows = messages.get(c, [one.message for one in found])
            return found, rows, content_rows.get(c, [*rows, *(one.ref for one in found)]), reader_names(c)

        found, rows, sealed, readers = await self._content.store.read(query)
        shown, following = paged(found, limit, lambda one: one.ref)
        names = await names_of(self._content, [rows[one.message].conversation for one in shown])
        reasons = self._reasons([sealed[one.ref] for one in shown if one.ref in sealed])
        of_messages = {ref: sealed[ref] for ref in rows if ref in sealed}
        opened = await self._workers.off_loop(lambda: opened_rows(self._content.sealer, of_messages))
        items: list[Json] = [
            {
                "at": one.at,
                "message": rows[one.message].id,
                "conversation": opened[one.message].facts.conversation if one.message in opened else None,
                "of_case": names.get(rows[one.message].conversation),
                "unit": own_unit(rows[one.message], opened.get(one.message)),
                "reader": one.reader,
                "name": readers.get(one.reader),
                "reason": reasons.get(one.ref),
            }
            for one in shown
        ]
        return OperationResult(value={"reasons": items, "next": following})

    def _reasons(self, sealed: Sequence[SealedRow]) -> dict[int, str]:
        """The reasons that open, by the number of their row."""
        plains = self._content.sealer.open_each(list(sealed)) if sealed else []
        return {row.ref: plain.decode() for row, plain in zip(sealed, plains, strict=True) if isinstance(plain, bytes)}


def _find(connection: Connection, id: str) -> tuple[MessageRow, SealedRow | None]:
    """A message and what is sealed of it. Raises RefusedError not_found."""
    rows = messages.find(connection, id)
    if not rows:
        raise RefusedError(Code.NOT_FOUND, "no such message", hint="trm case grounds lists those of a case")
    return rows[0], content_rows.get(connection, [rows[0].ref]).get(rows[0].ref)


def _erased() -> RefusedError:
    return RefusedError(Code.CONFLICT, "the content of this message was erased; nothing was shown and nothing was kept")
