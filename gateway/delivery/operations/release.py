"""Releasing: a person's act by which a message goes, and a second person's where it needs two (DESIGN 3b.8). What
of it would leave can be seen before.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.delivery.intake import RELEASED, WAITING
from gateway.delivery.operations.messages import FIRST_BY, WAITING_SECOND, actor_of, drafted, find_draft, incoming
from gateway.errors import Code, RefusedError
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.store import local
from gateway.messages.store.local import DraftRow
from gateway.node.parts import Parts
from gateway.operations.arguments import Arguments, author_ref, maybe_text, members, only, person, text
from gateway.policy import two_person_release
from gateway.policy.corridor import Leaves
from gateway.ports import Json, OperationResult
from keys.primitives.encoding import canon
from schemas.codelists import ENGLISH
from schemas.groups import field_groups
from schemas.region_pack.policies import spell

ADDED = ("consent", "reply_to", "conversation")
"""What whoever releases a draft first may add to it."""


async def submit_message(parts: Parts, arguments: Arguments, key: str | None) -> OperationResult:
    """Submit and release one message; `by` and `second_by` are two different people who released it."""
    request = {name: value for name, value in arguments.items() if name not in ("by", "second_by")}
    approver = None
    if isinstance(request.get("header"), dict) and arguments.get("by") is not None:
        by = text(arguments, "by", longest=64)
        request["header"] = {"author_ref": author_ref(by, parts.keys.actor), **_header(request)}
    if arguments.get("second_by") is not None:
        by, second = (text(arguments, name, longest=64) for name in ("by", "second_by"))
        if person(by, parts.keys.actor) == person(second, parts.keys.actor):
            raise _same_person()
        approver = author_ref(second, parts.keys.actor)
        request["header"] = two_person_release.approved(_header(request), approver)
    done = await parts.submission.submit(request, key=key, approver=approver)
    await answering_opens(parts, request)
    return done


async def answering_opens(parts: Parts, arguments: Arguments) -> None:
    """A human's answer implies that what it answers was opened (DESIGN 3b.6)."""
    reply_to = arguments.get("in_reply_to")
    if not isinstance(reply_to, str):
        return
    rows, hashes = await parts.store.read(lambda c: incoming(c, reply_to))
    if len(rows) == 1 and rows[0].state == Incoming.HANDED_OVER:
        await parts.local_receipts.opened(rows, hashes)


async def release_draft(parts: Parts, arguments: Arguments, key: str | None) -> OperationResult:
    """A named person releases a draft; the consent it relies on may be added here, for a file never creates one. Where
    it needs two people the first one's release is kept with it, and it goes when a different person releases the same.
    """
    only(arguments, "id", "by", "consent", "reply_to", "conversation")
    by = text(arguments, "by", longest=64)
    row, sealed = await find_draft(parts, text(arguments, "id"))
    if row.state != WAITING or row.ref not in sealed:
        raise RefusedError(Code.CONFLICT, f"the draft is {row.state}; nothing was sent")
    request = _completed(parts, drafted(parts, sealed[row.ref]), arguments, by)
    approver, now = None, parts.clock.now()
    if two_person_release.needs_two(str(request.get("type")), _header(request)):
        if row.first is None:
            return await _release_first(parts, row, sealed[row.ref], request, by)
        approver = _second(parts, row, arguments, by)
        request["header"] = two_person_release.approved(_header(request), approver)

    def also(connection: Connection) -> None:
        _still_waits(connection, row, sealed[row.ref])
        local.set_draft_state(connection, row.id, was=WAITING, to=RELEASED)
        journal.append_leaf(connection, leaf(now, "draft.released", id=row.id, actor=actor_of(parts, by)))

    done = await parts.submission.submit(
        request, key=key or f"draft.{row.id}", origin=row.origin, approver=approver, also=also
    )
    await answering_opens(parts, request)
    parts.signals.handover.set()
    return done


async def preview_message(parts: Parts, arguments: Arguments) -> OperationResult:
    """What of a message would leave now, what not and why, and what stands in its way; nothing is stored."""
    only(arguments, "draft")
    return await _previewed(parts, dict(members(arguments, "draft")))


async def preview_draft(parts: Parts, arguments: Arguments) -> OperationResult:
    """The same of a draft, as if this person released it now with what they add to it."""
    only(arguments, "id", "by", "consent", "reply_to", "conversation")
    by = text(arguments, "by", longest=64)
    row, sealed = await find_draft(parts, text(arguments, "id"))
    return await _previewed(parts, _completed(parts, drafted(parts, sealed.get(row.ref)), arguments, by))


async def _previewed(parts: Parts, request: dict[str, Json]) -> OperationResult:
    approver = None
    if two_person_release.needs_two(str(request.get("type")), _header(request)):
        approver = _approver_of(request)
        request["header"] = two_person_release.approved(_header(request), approver)
    found = await parts.preparation.preview(request, approver=approver)
    held = parts.policies.in_force(parts.clock.now())
    leaves = found.left if isinstance(found.left, Leaves) else None
    refusal = found.refusal
    body: dict[str, Json] = {} if leaves is None else leaves.body
    value: dict[str, Json] = {
        "type": found.draft.body_type,
        "purpose": found.draft.purpose,
        "corridor": spell(found.corridor),
        "step": str(found.step),
        "policy": None if held is None else {"name": held.name, "version": held.version, "digest": held.digest},
        "leaves": None if leaves is None else {"header": body.get("header"), "content": body.get("content")},
        "dropped": [] if leaves is None else [_dropped(place, group) for place, group in leaves.dropped.items()],
        "first": found.first,
        "goes": refusal is None,
        "code": None if refusal is None else str(refusal.code),
        "findings": [] if refusal is None else [f.to_json() for f in refusal.findings],
    }
    return OperationResult(value=value)


def _dropped(place: str, group: str) -> Json:
    entry = field_groups().groups.get(group)
    return {"place": place, "group": group, "title": group if entry is None else entry.title[ENGLISH]}


def _approver_of(request: Mapping[str, Json]) -> str:
    """Whoever a claim of danger to life names, else somebody: the second person is not known yet."""
    claim = _header(request).get(two_person_release.VITAL)
    named = claim.get("approver_ref") if isinstance(claim, dict) else None
    return named if isinstance(named, str) else "second"


def _completed(parts: Parts, draft: Mapping[str, Json], arguments: Arguments, by: str) -> dict[str, Json]:
    """A draft with what the person who releases it adds."""
    request = dict(draft)
    header = {"author_ref": author_ref(by, parts.keys.actor), **_header(request)}
    consent = maybe_text(arguments, "consent")
    if consent is not None:
        header["consent_ref"] = consent
    request["header"] = header
    for argument, member in (("reply_to", "in_reply_to"), ("conversation", "conversation")):
        if arguments.get(argument) is not None:
            request[member] = text(arguments, argument)
    return request


def _header(request: Mapping[str, Json]) -> dict[str, Json]:
    header = request.get("header")
    return dict(header) if isinstance(header, dict) else {}


def _still_waits(connection: Connection, row: DraftRow, sealed: SealedRow) -> None:
    """Return if nobody moved or changed the draft since it was read. Raises RefusedError, nothing was sent."""
    current, held = local.get_draft(connection, row.id), content.get(connection, [row.ref]).get(row.ref)
    same = held is not None and held.data == sealed.data
    if current is None or current.state != WAITING or current.first != row.first or not same:
        raise RefusedError(
            Code.CONFLICT,
            "the draft was released, changed or discarded meanwhile; nothing was sent",
            hint="trm draft show prints it as it is now",
        )


async def _release_first(
    parts: Parts, row: DraftRow, sealed: SealedRow, request: Mapping[str, Json], by: str
) -> OperationResult:
    """Judge it as a whole, as if a second person had approved it, and keep it as this one released it."""
    approver = _approver_of(request)
    trial = {**request, "header": two_person_release.approved(_header(request), approver)}
    await parts.preparation.try_out(trial, approver=approver)
    now, who = parts.clock.now(), person(by, parts.keys.actor)
    kept = parts.vault.seal(row.ref, canon({**request, FIRST_BY: by}))

    def move(connection: Connection) -> None:
        _still_waits(connection, row, sealed)
        content.erase(connection, row.ref)
        content.put(connection, [kept])
        local.set_first(connection, row.id, who)
        journal.append_leaf(connection, leaf(now, "draft.released_first", id=row.id, actor=actor_of(parts, by)))

    await parts.store.move(move)
    return OperationResult(value={"id": row.id, "state": WAITING_SECOND})


def _second(parts: Parts, row: DraftRow, arguments: Arguments, by: str) -> str:
    """The staff reference of a second, different person, who releases what the first one did and adds nothing."""
    if row.first == person(by, parts.keys.actor):
        raise _same_person()
    if any(arguments.get(name) is not None for name in ADDED):
        raise RefusedError(
            Code.CONFLICT,
            "the first person released this as it is; nothing was sent",
            hint="release it without additions; or change the draft, and both release it anew",
        )
    return author_ref(by, parts.keys.actor)


def _same_person() -> RefusedError:
    return RefusedError(
        Code.CONFLICT, "the same person released this already; it still waits for a different one; nothing was sent"
    )
