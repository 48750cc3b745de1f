"""Submission: a person's act that puts a message on the outbox. What is answered was committed before.

The same idempotency key with the same body gets the same answer; with another body it is a conflict. A message that
relies on a consent the peer was not told of is preceded, in the same transaction, by the `consent.record` itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from sqlalchemy import Connection

import schemas
from gateway.core.delivery import Outgoing
from gateway.core.stages import Draft, ValidMessage
from gateway.errors import Code, Finding, RefusedError
from gateway.exchange import outbound
from gateway.ports import Done, Json, NoticeKind
from gateway.service import consents, records
from gateway.service.book import Peer
from gateway.service.leaves import leaf
from gateway.service.parts import Parts
from gateway.store import content, local, log, messages
from gateway.store.content import SealedRow
from gateway.store.local import OWN
from gateway.store.messages import MessageRow
from keys.encoding import b64u, canon, is_id

ID = 16
MEMBERS = frozenset({"type", "to", "conversation", "in_reply_to", "purpose", "header", "content"})
NEEDED = frozenset({"type", "to", "header", "content"})
RECORD = "consent.record/1"
WITHDRAWAL = "consent.withdrawal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One message ready to be written: the row, its sealed content, and the consent it tells the peer of, if any."""

    message: ValidMessage
    row: MessageRow
    sealed: SealedRow
    tells: bytes | None = None


async def submit(
    parts: Parts,
    request: Mapping[str, Json],
    *,
    key: str | None,
    origin: int | None = None,
    also: Callable[[Connection], None] = lambda connection: None,
) -> Done:
    """Judge a request, store it and answer; `also` is written in the same transaction. See the module text.

    Raises:
        RefusedError: with the place and rule of each fault; nothing was stored.
    """
    digest = parts.vault.submission_digest(canon(dict(request)))
    index = None if key is None else parts.vault.submission_index(key)
    try:
        draft, peer = _draft(parts, request)
        _check_units(parts, draft, peer)
    except RefusedError:
        known = None if index is None else await parts.store.read(lambda c: local.find_submission(c, index))
        if known is not None:
            return _repeated(parts, key, known, digest)
        raise

    def look(c: Connection) -> tuple[tuple[bytes, bytes] | None, _Found]:
        known = None if index is None else local.find_submission(c, index)
        return known, _look_up(parts, c, draft, peer)

    known, found = await parts.store.read(look)
    if known is not None:
        return _repeated(parts, key, known, digest)
    prepared = _prepared(parts, draft, peer, found, origin=origin, reference=None)
    answer: dict[str, Json] = {
        "id": draft.id,
        "conversation": draft.conversation,
        "state": str(Outgoing.QUEUED),
    }
    act = _Act(
        parts=parts, key=key, index=index, digest=digest, answer=answer,
        sealed=b"" if key is None else parts.vault.seal_answer(key, orjson.dumps(answer)),
        prepared=tuple(prepared), also=also,
    )  # fmt: skip
    done = await parts.store.move_together(_write_acts, act)
    parts.signals.outgoing(peer.node).set()
    await parts.signals.happened()
    return done


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """One judged submission, ready to be written."""

    parts: Parts
    key: str | None
    index: bytes | None
    digest: bytes
    answer: dict[str, Json]
    sealed: bytes
    prepared: tuple[Prepared, ...]
    also: Callable[[Connection], None]


def _write_acts(connection: Connection, acts: Sequence[_Act]) -> list[Done]:
    """Store all submissions that wait; one whose key was used meanwhile gets the older answer."""
    raced = local.find_submissions(connection, [act.index for act in acts if act.index is not None])
    answers = [
        _repeated(act.parts, act.key, raced[act.index], act.digest)
        if act.index in raced
        else Done(value=act.answer, created=True)
        for act in acts
    ]
    new = [act for act in acts if act.index not in raced]
    local.add_submissions(
        connection,
        [(act.index, act.digest, act.sealed, act.prepared[-1].row.at) for act in new if act.index is not None],
    )
    write(connection, [item for act in new for item in act.prepared])
    for act in new:
        act.also(connection)
    return answers


def _repeated(parts: Parts, key: str | None, known: tuple[bytes, bytes], digest: bytes) -> Done:
    if key is None or known[0] != digest:
        raise RefusedError(
            Code.CONFLICT,
            "this Idempotency-Key was used for another message; nothing was stored",
            hint="use a fresh key for a new message, and the old key only to repeat the old one",
        )
    return Done(value=orjson.loads(parts.vault.open_answer(key, known[1])))


def _draft(parts: Parts, request: Mapping[str, Json]) -> tuple[Draft, Peer]:
    """The request as a draft; identity, place in a conversation and nothing else is filled in."""
    faults = [Finding(place=f"/{name}", rule="required") for name in sorted(NEEDED - set(request))]
    if set(request) - MEMBERS:
        faults.append(Finding(place="", rule="additionalProperties", hint="a draft has " + ", ".join(sorted(MEMBERS))))
    header, body = request.get("header"), request.get("content")
    for name, value in (("header", header), ("content", body)):
        if name in request and not isinstance(value, dict):
            faults.append(Finding(place=f"/{name}", rule="type", hint="an object"))
    if isinstance(header, dict) and "seen" in header:
        faults.append(Finding(place="/header/seen", rule="additionalProperties", hint="the node fills this in"))
    body_type, to = request.get("type"), request.get("to")
    if "type" in request and (not isinstance(body_type, str) or body_type not in schemas.catalogue()):
        faults.append(Finding(place="/type", rule="unknown_type", hint="trm schema list shows the types"))
    for name in ("conversation", "in_reply_to"):
        if request.get(name) is not None and not is_id(request[name]):
            faults.append(Finding(place=f"/{name}", rule="format", hint="16 bytes as base64url"))
    purpose = request.get("purpose")
    if purpose is not None and (
        not isinstance(purpose, str) or purpose not in {code.code for code in schemas.code_list("purpose").codes}
    ):
        faults.append(Finding(place="/purpose", rule="unknown_code", hint="a code of the list purpose"))
    if faults or not isinstance(header, dict) or not isinstance(body, dict):
        raise RefusedError(Code.INVALID, f"the draft has {len(faults)} fault(s); nothing was stored", findings=faults)
    peer = parts.book.find(to if isinstance(to, str) else "")
    conversation, reply_to = request.get("conversation"), request.get("in_reply_to")
    return (
        Draft(
            id=b64u(parts.rand(ID)),
            body_type=str(body_type),
            to=peer.node,
            conversation=conversation if isinstance(conversation, str) else b64u(parts.rand(ID)),
            reply_to=reply_to if isinstance(reply_to, str) else None,
            purpose=purpose if isinstance(purpose, str) else None,
            header=header,
            content=body,
        ),
        peer,
    )


def check_form(parts: Parts, request: Mapping[str, Json]) -> None:
    """What can be said of a draft before a person releases it: its form and its schema, but not who takes it and why.

    The author and the consent are a person's to add, so their absence is no fault yet.
    """
    draft, _ = _draft(parts, request)
    body: dict[str, Json] = {"header": {**draft.header, "seen": 0}, "content": dict(draft.content)}
    findings = (*schemas.validate(draft.body_type, body), *schemas.text_findings(body))
    faults = [f for f in findings if not (f.rule == "required" and f.place.startswith("/header"))]
    if faults:
        raise RefusedError(Code.SCHEMA, f"the draft has {len(faults)} fault(s)", findings=faults)


async def prepare(
    parts: Parts, draft: Draft, peer: Peer, *, origin: int | None = None, reference: str | None = None
) -> list[Prepared]:
    """Steps 1 to 3 of the outgoing procedure for a draft, and before it the consent record it needs, if any.

    `reference` is the consent that a withdrawal is about, which its header does not name.
    """
    _check_units(parts, draft, peer)
    found = await parts.store.read(lambda c: _look_up(parts, c, draft, peer))
    return _prepared(parts, draft, peer, found, origin=origin, reference=reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the store says about a draft: the highest number of the peer applied to its conversation, and consents."""

    seen: int
    around: consents.Surroundings


def _look_up(parts: Parts, connection: Connection, draft: Draft, peer: Peer) -> _Found:
    relied_on = draft.header.get("consent_ref")
    question = consents.Question(
        conversation=draft.conversation,
        consent_ref=relied_on if isinstance(relied_on, str) else None,
        to=draft.to,
        sender_unit=draft.header.get("sender_unit"),
        recipient_unit=draft.header.get("recipient_unit"),
    )
    return _Found(
        seen=messages.highest_seen(connection, parts.vault.conversation_index(draft.conversation), peer.node),
        around=consents.surroundings_in(parts, connection, [question])[0],
    )


def _prepared(
    parts: Parts, draft: Draft, peer: Peer, found: _Found, *, origin: int | None, reference: str | None
) -> list[Prepared]:
    """The steps of `prepare` that need no store."""
    draft = replace(draft, header={**draft.header, "seen": found.seen})
    now, around = parts.clock.now(), found.around
    message = outbound.submit(draft, peer.standing(now), around.circumstances, now=now)
    record = _record_first(parts, draft, peer, message, around, now)
    prepared = [
        _seal(parts, item, origin if item is message else None, reference or message.consent_ref)
        for item in (*record, message)
    ]
    if record:
        prepared[0] = replace(prepared[0], tells=parts.vault.consent_index(str(message.consent_ref)))
    return prepared


def _check_units(parts: Parts, draft: Draft, peer: Peer) -> None:
    """A message names a unit of this node and one that the peer's signed descriptor lists."""
    faults = []
    if draft.header.get("sender_unit") not in {unit.id for unit in parts.config.units}:
        faults.append(Finding(place="/header/sender_unit", rule="unknown_unit", hint="a unit of this node's node.toml"))
    if draft.header.get("recipient_unit") not in {unit.id for unit in peer.descriptor.units}:
        faults.append(
            Finding(place="/header/recipient_unit", rule="unknown_unit", hint="trm peer show lists the units")
        )
    if faults:
        raise RefusedError(Code.OUT_OF_SCOPE, "a unit is not known; nothing was stored", findings=faults)


def _record_first(
    parts: Parts, draft: Draft, peer: Peer, message: ValidMessage, around: consents.Surroundings, now: int
) -> list[ValidMessage]:
    """The consent record that must travel before `message`, unless the peer has been told or told us."""
    own = next((item for item in around.held if item.row.holder == OWN), None)
    if own is None or draft.body_type == RECORD or peer.node in around.told:
        return []
    header = {name: value for name, value in draft.header.items() if name not in ("consent_ref", "respond_by")}
    record = replace(
        draft,
        id=b64u(parts.rand(ID)),
        body_type=RECORD,
        reply_to=None,
        header=header,
        content=own.record,
    )
    return [outbound.submit(record, peer.standing(now), around.circumstances, now=now)]


def _seal(parts: Parts, message: ValidMessage, origin: int | None, consent: str | None) -> Prepared:
    ref = parts.store.new_ref()
    secret = outbound.new_secret(parts.rand)
    plaintext = records.outgoing(message, secret)
    row = MessageRow(
        ref=ref,
        direction=messages.OUT,
        peer=message.to,
        id=message.id,
        conversation=parts.vault.conversation_index(message.conversation),
        consent=None if consent is None else parts.vault.consent_index(consent),
        kind=schemas.catalogue().get(message.body_type).kind,
        state=str(Outgoing.QUEUED),
        reason=None,
        epoch=None,
        n=None,
        prev=None,
        size=len(message.body),
        at=message.submitted,
        expires=message.expires,
        out_of_order=False,
        origin=origin,
    )
    return Prepared(message=message, row=row, sealed=parts.vault.seal(ref, plaintext))


def write(connection: Connection, prepared: list[Prepared]) -> None:
    """Store prepared messages and put them on the outbox; part of the caller's transaction."""
    content.put(connection, [item.sealed for item in prepared])
    messages.add(connection, [item.row for item in prepared])
    messages.enqueue(connection, [(item.row.ref, item.row.peer, item.row.expires) for item in prepared])
    log.append_leaves(
        connection,
        [leaf(item.row.at, "message.queued", id=item.row.id, peer=item.row.peer) for item in prepared],
    )
    log.add_events(connection, [(item.row.at, "message", item.row.ref, item.row.state) for item in prepared])
    for item in prepared:
        if item.tells is not None:
            local.tell_consent(connection, item.tells, item.row.peer, item.row.ref)
        if item.row.origin is not None:
            local.add_notice(
                connection, kind=str(NoticeKind.QUEUED), origin=item.row.origin, at=item.row.at, message=item.row.id
            )
