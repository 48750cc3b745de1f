"""Trying messages again, one or many at once: those that the case system refused, and those of ours that failed.

A held message is offered to the case system again. One of ours that failed is final, as its number and its receipts
are: what it said is judged anew and goes as a new message, which can be done once for each; its files are sealed anew
for it. What a person took back, and what a person has dismissed, stays where it is. So does what a restore brought
back and the peer never had, until a person names it: the node does not know who took it back after the backup.
"""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection

from gateway.attachments import library, store
from gateway.attachments.library import AttachmentLibrary
from gateway.cases.subjects import keys_closed_to
from gateway.database import content as content_rows
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.sealed_content import Content
from gateway.delivery.operations.message_models import Moved, OneMessage, ResendMany, TriedAgain
from gateway.delivery.operations.messages_shown import (
    check_not_erased,
    find_message,
    make_erased,
    opened_row,
    peer_of,
)
from gateway.delivery.outbound import draft
from gateway.delivery.outbound.submission import Submission
from gateway.errors import Code, GatewayError, RefusedError
from gateway.messages import state_transitions
from gateway.messages.machines.acceptance import Incoming, IncomingEvent
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.probe import KIND as PROBE
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.messages.wakeups import Wakeups
from gateway.operations.actors import pseudonym
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import MOVES, Caller, Role
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json, OperationResult
from schemas.types import never_blocked, type_name

MOST = 500
"""Messages that are tried in one go; `more` says that others are left."""


class ResendOperations:
    """Operations that send messages again."""

    def __init__(
        self,
        *,
        content: Content,
        peers: PeerRegistry,
        attachments: AttachmentLibrary,
        submission: Submission,
        wakeups: Wakeups,
        clock: Clock,
        actor: Actor,
    ) -> None:
        self._content = content
        self._peers = peers
        self._attachments = attachments
        self._submission = submission
        self._wakeups = wakeups
        self._clock = clock
        self._actor = actor

    @operation(
        "message.resend",
        "try now",
        roles=MOVES,
        about=About.CASE,
        answer=Moved,
        units=Units.NARROWED,
    )
    async def resend(self, asked: OneMessage) -> OperationResult:
        """Try now: the backoff of the peer ends; a message that the case system refused is offered again."""
        row = await find_message(self._content.store, asked.id)
        await check_not_erased(self._content.store, row)
        if row.direction == messages.OUT and row.state in (
            str(s) for s in (Outgoing.QUEUED, Outgoing.AWAITING_RECEIPT, Outgoing.VOIDING)
        ):
            self._wakeups.peer_called(row.peer)
        elif row.direction == messages.IN and row.state == Incoming.HELD:
            await _offer_again(self._content, self._wakeups, self._clock, row)
        else:
            raise RefusedError(
                Code.CONFLICT,
                f"a message that is {row.state} is not sent again",
                hint="trm message resend ID --failed sends what it said as a new message"
                if row.state == Outgoing.FAILED
                else "submit a new message if the reason no longer holds",
            )
        return OperationResult(value={"id": row.id, "state": row.state})

    @operation(
        "message.resend_many",
        "try many again, or count them",
        roles=frozenset({Role.FOCAL_POINT, Role.OPERATOR}),
        about=About.CASE,
        answer=TriedAgain,
        example={"state": "failed", "peer": "AL", "dry_run": True},
    )
    async def resend_many(self, asked: ResendMany, caller: Caller) -> OperationResult:
        """Every message in `state` (`failed` or `held`), or this one, with this peer and reason, that is not younger
        than `before` and has an open alarm; with `dry_run` they are counted only. What failed as `restored` goes by its
        id alone, and what is of a case that the caller must not see stays for others. What is refused is told by id and
        code, and the others go on.
        """
        state, actor = asked.state, pseudonym(caller.actor, self._actor)
        peer = peer_of(self._peers, asked.peer)

        def query(c: Connection) -> list[MessageRow]:
            open_ones = journal.open_about(c, [f"message.{state}"])
            rows = messages.get_all(c, sorted(open_ones))
            closed = keys_closed_to(self._content.sealer, c, caller)
            return [
                row
                for row in rows
                if row.state == state
                and row.conversation not in closed
                and asked.message in (None, row.id)
                and peer in (None, row.peer)
                and asked.reason in (None, row.reason)
                and row.at <= asked.before
                and row.reason != Code.CANCELLED
                and (asked.message is not None or row.reason != Code.RESTORED)
                and row.kind != PROBE
            ]

        found = await self._content.store.read(query)
        value: dict[str, Json] = {"matched": len(found), "again": 0, "refused": [], "more": len(found) > MOST}
        if asked.dry_run:
            return OperationResult(value=value)
        refused: list[Json] = []
        for row in found[:MOST]:
            try:
                await (self._offer(row, actor) if state == Incoming.HELD else self._send_anew(row, actor))
            except GatewayError as error:
                refused.append({"id": row.id, "code": str(error.code)})
        done = min(len(found), MOST) - len(refused)
        return OperationResult(value=value | {"again": done, "refused": refused})

    async def _offer(self, row: MessageRow, actor: str) -> None:
        await _offer_again(self._content, self._wakeups, self._clock, row)
        now = self._clock.now()
        await self._content.store.move(
            lambda c: journal.append_leaf(c, leaf(now, "message.again", id=row.id, actor=actor))
        )

    async def _send_anew(self, row: MessageRow, actor: str) -> None:
        """What a failed message said as a new one with its files, under a key of its own: repeated, it is done once."""
        sealed, rows = await self._content.store.read(
            lambda c: (content_rows.get(c, [row.ref]), store.of_messages(c, [row.ref]))
        )
        opened = opened_row(self._content.sealer, sealed.get(row.ref))
        if opened is None:
            raise make_erased()
        facts, (header, said) = opened.facts, opened.halves()
        header = {name: member for name, member in header.items() if name != "seen"}
        said = dict(said if facts.written is None else facts.written)
        if facts.case is not None:  # the peer knows our case under a reference that is made of this number
            if "case_ref_sender" in header:
                header["case_ref_sender"] = facts.case
            if type_name(facts.body_type) == draft.ACCEPTANCE and "case_ref_recipient" in said:
                said["case_ref_recipient"] = facts.case
        else:
            header.pop("case_ref_sender", None)  # it was made of the case, and is made again
        request: dict[str, Json] = {
            "type": facts.body_type,
            "to": row.peer,
            "conversation": facts.conversation,
            "in_reply_to": facts.reply_to,
            "purpose": facts.purpose,
            "header": header,
            "content": said,
        }
        (id,) = library.resent_as(self._content.sealer, [row.id])
        if await self._attachments.copied(opened, rows.get(row.ref, ()), id):
            request["message"] = id
        now = self._clock.now()

        def also(connection: Connection) -> None:
            if not content_rows.present(connection, [row.ref]):  # while its files were sealed anew
                raise make_erased()
            journal.dismiss_about(connection, [row.ref], [library.FAILED_ALARM], at=now)
            journal.append_leaf(connection, leaf(now, "message.again", id=row.id, actor=actor))

        try:
            done = await self._submission.submit(
                request, key=f"again/{row.id}", origin=row.origin, approver=facts.approver, also=also
            )
            if not done.created:  # somebody else did meanwhile
                await self._attachments.forget(id)
        except GatewayError:
            await self._attachments.forget(id)
            raise


async def _offer_again(content: Content, wakeups: Wakeups, clock: Clock, row: MessageRow) -> None:
    """Offer a held message to the case system again. Raises RefusedError."""
    now, urgent = clock.now(), await _is_urgent(content, row)

    def move(connection: Connection) -> None:
        current = messages.get(connection, [row.ref])[row.ref]
        if current.state != Incoming.HELD:
            raise RefusedError(Code.CONFLICT, f"the message is {current.state} meanwhile; nothing was changed")
        if not content_rows.present(connection, [row.ref]):
            raise make_erased()
        state_transitions.receive_step(connection, current, IncomingEvent.RETRY, at=now)
        messages.arrive(
            connection,
            [messages.InboxRow(ref=row.ref, peer=row.peer, n=row.n or 0, urgent=urgent, attempts=0, next_try=0)],
        )

    await content.store.move(move)
    wakeups.handover.set()


async def _is_urgent(content: Content, row: MessageRow) -> bool:
    """Whether the message goes before all others; one that does not open is held again, in whatever order."""
    sealed = await content.store.read(lambda c: content_rows.get(c, [row.ref]))
    with suppress(RefusedError):
        opened = opened_row(content.sealer, sealed.get(row.ref))
        return opened is not None and never_blocked(opened.facts.body_type)
    return False
