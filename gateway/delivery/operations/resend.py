"""Trying many messages again at once: those that the case system refused, and those of ours that failed.

A held message is offered to the case system again. One of ours that failed is final, as its number and its receipts
are: what it said is judged anew and goes as a new message, which can be done once for each; its files are sealed anew
for it. What a person took back, and what a person has dismissed, stays where it is.
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.attachments import library, store
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.delivery.operations.messages import actor_of, offer_again, opened_row
from gateway.delivery.outbound import draft
from gateway.errors import Code, GatewayError, RefusedError
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import Outgoing
from gateway.messages.probe import KIND as PROBE
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow
from gateway.node.parts import Parts
from gateway.operations.arguments import Arguments, maybe_text, number, only, text
from gateway.ports import Json, OperationResult
from schemas.types import type_name

MOST = 500
"""Messages that are tried in one go; `more` says that others are left."""
LATEST = 2**53 - 1
_FAILED, _HELD = str(Outgoing.FAILED), str(Incoming.HELD)


async def resend_many(parts: Parts, arguments: Arguments) -> OperationResult:
    """Every message in `state` (`failed` or `held`), or this one, with this peer and reason, that is not younger than
    `before` and has an open alarm; with `dry_run` they are counted only. What is refused is told by id and code, and
    the others go on.
    """
    only(arguments, "state", "message", "peer", "reason", "before", "dry_run", "by")
    state, by = text(arguments, "state"), text(arguments, "by", longest=64)
    if state not in (_FAILED, _HELD):
        raise RefusedError(Code.INVALID, f"only what is {_FAILED} or {_HELD} is tried again; nothing was done")
    name, reason, id = (maybe_text(arguments, word) for word in ("peer", "reason", "message"))
    peer = None if name is None else parts.book.find(name).node
    before = number(arguments, "before", otherwise=LATEST, most=LATEST)

    def query(c: Connection) -> list[MessageRow]:
        open_ones = journal.open_about(c, [f"message.{state}"])
        rows = messages.get_all(c, sorted(open_ones))
        return [
            row
            for row in rows
            if row.state == state
            and id in (None, row.id)
            and peer in (None, row.peer)
            and reason in (None, row.reason)
            and row.at <= before
            and row.reason != Code.CANCELLED
            and row.kind != PROBE
        ]

    found = await parts.store.read(query)
    value: dict[str, Json] = {"matched": len(found), "again": 0, "refused": [], "more": len(found) > MOST}
    if arguments.get("dry_run") in (True, "true"):
        return OperationResult(value=value)
    refused: list[Json] = []
    for row in found[:MOST]:
        try:
            await (_offer(parts, row, by) if state == _HELD else _send_anew(parts, row, by))
        except GatewayError as error:
            refused.append({"id": row.id, "code": str(error.code)})
    done = min(len(found), MOST) - len(refused)
    return OperationResult(value=value | {"again": done, "refused": refused})


async def _offer(parts: Parts, row: MessageRow, by: str) -> None:
    await offer_again(parts, row)
    now = parts.clock.now()
    await parts.store.move(
        lambda c: journal.append_leaf(c, leaf(now, "message.again", id=row.id, actor=actor_of(parts, by)))
    )


async def _send_anew(parts: Parts, row: MessageRow, by: str) -> None:
    """What a failed message said as a new one with its files, under a key of its own: repeated, it is done once."""
    sealed, rows = await parts.store.read(lambda c: (content.get(c, [row.ref]), store.of_messages(c, [row.ref])))
    opened = opened_row(parts, sealed.get(row.ref))
    if opened is None:
        raise RefusedError(Code.CONFLICT, "the content of this message was erased; nothing was changed")
    facts, (header, said) = opened.facts, opened.halves()
    header = {name: member for name, member in header.items() if name != "seen"}
    said = dict(said if facts.written is None else facts.written)
    if facts.case is not None:  # the peer knows our case under a reference that is made of this number
        if "case_ref_sender" in header:
            header["case_ref_sender"] = facts.case
        if type_name(facts.body_type) == draft.ACCEPTANCE and "case_ref_recipient" in said:
            said["case_ref_recipient"] = facts.case
    request: dict[str, Json] = {
        "type": facts.body_type,
        "to": row.peer,
        "conversation": facts.conversation,
        "in_reply_to": facts.reply_to,
        "purpose": facts.purpose,
        "header": header,
        "content": said,
    }
    id = await parts.attachments.copied(opened, rows.get(row.ref, ()))
    if id is not None:
        request["message"] = id
    now = parts.clock.now()

    def also(connection: Connection) -> None:
        journal.dismiss_about(connection, [row.ref], [library.FAILED_ALARM], at=now)
        journal.append_leaf(connection, leaf(now, "message.again", id=row.id, actor=actor_of(parts, by)))

    try:
        await parts.submission.submit(
            request, key=f"again/{row.id}", origin=row.origin, approver=facts.approver, also=also
        )
    except GatewayError:
        await parts.attachments.forget(id)
        raise
