"""Trying many messages again at once: those that the case system refused, and those of ours that failed.

A held message is offered to the case system again. One of ours that failed is final, as its number and its receipts
are: what it said is judged anew and goes as a new message, which can be done once for each; its files are sealed anew
for it. What a person took back, and what a person has dismissed, stays where it is.
"""

from __future__ import annotations

from sqlalchemy import Connection

from gateway.core.acceptance import Incoming
from gateway.core.delivery import Outgoing
from gateway.core.probe import KIND as PROBE
from gateway.core.scope import type_name
from gateway.errors import Code, GatewayError, RefusedError
from gateway.ports import Done, Json
from gateway.service import drafts, files, submit
from gateway.service.desk.arguments import Arguments, maybe_text, number, only, text
from gateway.service.desk.messages import actor, offer_again, opened_row
from gateway.service.leaves import leaf
from gateway.service.parts import Parts
from gateway.store import attachments, content, log, messages
from gateway.store.messages import MessageRow

MOST = 500
"""Messages that are tried in one go; `more` says that others are left."""
LATEST = 2**53 - 1
_FAILED, _HELD = str(Outgoing.FAILED), str(Incoming.HELD)


async def resend_many(parts: Parts, arguments: Arguments) -> Done:
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
        open_ones = log.open_about(c, [f"message.{state}"])
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
        return Done(value=value)
    refused: list[Json] = []
    for row in found[:MOST]:
        try:
            await (_offer(parts, row, by) if state == _HELD else _send_anew(parts, row, by))
        except GatewayError as error:
            refused.append({"id": row.id, "code": str(error.code)})
    done = min(len(found), MOST) - len(refused)
    return Done(value=value | {"again": done, "refused": refused})


async def _offer(parts: Parts, row: MessageRow, by: str) -> None:
    await offer_again(parts, row)
    now = parts.clock.now()
    await parts.store.move(lambda c: log.append_leaf(c, leaf(now, "message.again", id=row.id, actor=actor(parts, by))))


async def _send_anew(parts: Parts, row: MessageRow, by: str) -> None:
    """What a failed message said as a new one with its files, under a key of its own: repeated, it is done once."""
    sealed, rows = await parts.store.read(lambda c: (content.get(c, [row.ref]), attachments.of_messages(c, [row.ref])))
    opened = opened_row(parts, sealed.get(row.ref))
    if opened is None:
        raise RefusedError(Code.CONFLICT, "the content of this message was erased; nothing was changed")
    facts, (header, said) = opened.facts, opened.halves()
    header = {name: member for name, member in header.items() if name != "seen"}
    said = dict(said if facts.written is None else facts.written)
    if facts.case is not None:  # the peer knows our case under a reference that is made of this number
        if "case_ref_sender" in header:
            header["case_ref_sender"] = facts.case
        if type_name(facts.body_type) == drafts.ACCEPTANCE and "case_ref_recipient" in said:
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
    id = await files.copied(parts, opened, rows.get(row.ref, ()))
    if id is not None:
        request["message"] = id
    now = parts.clock.now()

    def also(connection: Connection) -> None:
        log.dismiss_about(connection, [row.ref], [files.FAILED_ALARM], at=now)
        log.append_leaf(connection, leaf(now, "message.again", id=row.id, actor=actor(parts, by)))

    try:
        await submit.submit(
            parts, request, key=f"again/{row.id}", origin=row.origin, approver=facts.approver, also=also
        )
    except GatewayError:
        await files.forget(parts, id)
        raise
