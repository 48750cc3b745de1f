"""Submission: a person's act that puts a message on the outbox. What is answered was committed before.

The same idempotency key with the same body gets the same answer; with another body it is a conflict. A message that
relies on a consent the peer was not told of is preceded, in the same transaction, by the `consent.record` itself.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial

import orjson
from sqlalchemy import Connection

import schemas
from gateway.core.conversation.around import Around
from gateway.core.conversation.facts import Message, quoted_enquiry, stated
from gateway.core.delivery import Outgoing
from gateway.core.history import Opened
from gateway.core.history import Side as Whose
from gateway.core.policy import Blocked, Leaves
from gateway.core.policy import Step as Disclosure
from gateway.core.scope import never_blocked, type_name
from gateway.core.stages import Draft, ValidMessage
from gateway.errors import Code, Finding, GatewayError, RefusedError
from gateway.exchange import outbound
from gateway.exchange.outbound import Circumstances
from gateway.ports import Done, Json, NoticeKind
from gateway.service import consents, conversations, files, moves, records
from gateway.service.book import Peer
from gateway.service.conversations import Held
from gateway.service.leaves import leaf
from gateway.service.parts import Parts
from gateway.service.vault import Submission
from gateway.store import attachments, content, local, log, messages
from gateway.store import conversations as conversation_rows
from gateway.store.content import SealedRow
from gateway.store.conversations import Key
from gateway.store.local import OWN
from gateway.store.messages import MessageRow
from keys.encoding import b64u, canon, is_id
from keys.statement import SecretPart

ID = 16
MEMBERS = frozenset({"message", "type", "to", "conversation", "in_reply_to", "purpose", "header", "content"})
NEEDED = frozenset({"type", "to", "header", "content"})
RECORD = "consent.record/1"
WITHDRAWAL = "consent.withdrawal"
ACCEPTANCE = "referral.accept"
CASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
"""What a reference of a case looks like (`schemas/fragments/types.json`, ref)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One message ready to be written: the row, its sealed content, the consent it tells the peer of and the enquiry it
    quotes, if any.
    """

    message: ValidMessage
    row: MessageRow
    sealed: SealedRow
    tells: bytes | None = None
    quotes: str | None = None
    files: int = 0


async def submit(
    parts: Parts,
    request: Mapping[str, Json],
    *,
    key: str | None,
    origin: int | None = None,
    approver: str | None = None,
    also: Callable[[Connection], None] = lambda connection: None,
) -> Done:
    """Judge a request, store it and answer; `also` is written in the same transaction. `approver` is the staff
    reference of a second person who approved it. See the module text.

    Submissions that come meanwhile are judged and stored together.

    Raises:
        RefusedError: with the place and rule of each fault; nothing was stored.
    """
    done: Done = await parts.together(_submit_all).do(
        _Request(request=request, key=key, origin=origin, approver=approver, also=also)
    )
    return done


async def under_way(parts: Parts, most: float) -> None:
    """Wait until the submissions that are being judged now are stored, and at most so many seconds."""
    await parts.together(_submit_all).idle(most)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """One submission as it came."""

    request: Mapping[str, Json]
    key: str | None
    origin: int | None
    approver: str | None
    also: Callable[[Connection], None]

    @property
    def body(self) -> dict[str, Json]:
        """What one Idempotency-Key stands for."""
        return {**self.request, **({} if self.approver is None else {"approver": self.approver})}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """One judged submission, ready to be written."""

    parts: Parts
    submission: Submission | None
    answer: dict[str, Json]
    sealed: bytes
    prepared: tuple[Prepared, ...]
    also: Callable[[Connection], None]


async def _submit_all(parts: Parts, requests: Sequence[_Request]) -> list[Done | GatewayError]:
    """Each is judged for itself; those that may go are written in one transaction."""
    judged = await parts.store.read(partial(_judge_all, parts, requests))
    acts = [item for item in judged if isinstance(item, _Act)]
    written = iter(
        await asyncio.gather(*(parts.store.move_together(_write_acts, act) for act in acts), return_exceptions=True)
    )
    for peer in {act.prepared[-1].row.peer for act in acts}:
        parts.signals.outgoing(peer).set()
    if acts:
        await parts.signals.happened()
    return [_outcome(next(written)) if isinstance(item, _Act) else item for item in judged]


def _outcome(written: Done | BaseException) -> Done | GatewayError:
    if isinstance(written, Done | GatewayError):
        return written
    raise written


def _judge_all(parts: Parts, requests: Sequence[_Request], connection: Connection) -> list[_Act | Done | GatewayError]:
    """What becomes of each request, by what is stored now."""
    keys = parts.vault.submissions([(item.key, canon(item.body)) for item in requests])
    known = local.find_submissions(connection, [key.index for key in keys if key is not None])
    judged: list[_Act | Done | GatewayError | tuple[Draft, Peer]] = []
    for item, key in zip(requests, keys, strict=True):
        try:
            if key is not None and key.index in known:
                judged.append(_repeated(parts, key, known[key.index]))
                continue
            draft, peer = _read(parts, item.request)
            _check_units(parts, draft, peer)
            judged.append((draft, peer))
        except GatewayError as error:
            judged.append(error)
    drafts = _under_references(parts, [pair for pair in judged if isinstance(pair, tuple)])
    named = {item.request["message"] for item in requests if isinstance(item.request.get("message"), str)}
    found = iter(zip(drafts, _look_up(parts, connection, drafts, named), strict=True))
    batch: defaultdict[Key, _Batch] = defaultdict(_Batch)
    unsealed: list[tuple[int, list[Unsealed]]] = []
    for place, pair in enumerate(judged):
        if isinstance(pair, tuple):
            asked, (about, known_of_it) = requests[place], next(found)
            try:
                made = _prepared(
                    parts, *about, known_of_it, batch, origin=asked.origin, reference=None, approver=asked.approver
                )
                unsealed.append((place, made))
            except GatewayError as error:
                judged[place] = error
    sealed = iter(seal(parts, [item for _, items in unsealed for item in items]))
    for place, items in unsealed:
        judged[place] = _act(parts, requests[place], keys[place], [next(sealed) for _ in items])
    return [item for item in judged if not isinstance(item, tuple)]


def _act(parts: Parts, request: _Request, key: Submission | None, prepared: Sequence[Prepared]) -> _Act:
    message = prepared[-1].message
    answer: dict[str, Json] = {
        "id": message.id, "conversation": message.conversation, "state": str(Outgoing.QUEUED)
    }  # fmt: skip
    sealed = b"" if key is None else parts.vault.seal_answer(key, orjson.dumps(answer))
    return _Act(
        parts=parts, submission=key, answer=answer, sealed=sealed, prepared=tuple(prepared), also=request.also
    )  # fmt: skip


def _write_acts(connection: Connection, acts: Sequence[_Act]) -> list[Done]:
    """Store all submissions that wait; one whose key was used meanwhile gets the older answer."""
    keys = [act.submission for act in acts]
    raced = local.find_submissions(connection, [key.index for key in keys if key is not None])
    answers, new = list[Done](), list[_Act]()
    for act, key in zip(acts, keys, strict=True):
        if key is not None and key.index in raced:
            answers.append(_repeated(act.parts, key, raced[key.index]))
            continue
        if key is not None:
            raced[key.index] = (key.digest, act.sealed)
        answers.append(Done(value=act.answer, created=True))
        new.append(act)
    local.add_submissions(
        connection,
        [
            (act.submission.index, act.submission.digest, act.sealed, act.prepared[-1].row.at)
            for act in new
            if act.submission is not None
        ],
    )
    write(connection, [item for act in new for item in act.prepared])
    for act in new:
        act.also(connection)
    return answers


def _repeated(parts: Parts, key: Submission, known: tuple[bytes, bytes]) -> Done:
    if known[0] != key.digest:
        raise RefusedError(
            Code.CONFLICT,
            "this Idempotency-Key was used for another message; nothing was stored",
            hint="use a fresh key for a new message, and the old key only to repeat the old one",
        )
    return Done(value=orjson.loads(parts.vault.open_answer(key, known[1])))


def _draft(parts: Parts, request: Mapping[str, Json]) -> tuple[Draft, Peer]:
    """The request as a draft, as it is judged."""
    return _under_references(parts, [_read(parts, request)])[0]


def _read(parts: Parts, request: Mapping[str, Json]) -> tuple[Draft, Peer]:
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
    for name in ("message", "conversation", "in_reply_to"):
        if request.get(name) is not None and not is_id(request[name]):
            faults.append(Finding(place=f"/{name}", rule="format", hint="16 bytes as base64url"))
    purpose = request.get("purpose")
    if purpose is not None and (
        not isinstance(purpose, str) or purpose not in {code.code for code in schemas.code_list("purpose").codes}
    ):
        faults.append(Finding(place="/purpose", rule="unknown_code", hint="a code of the list purpose"))
    if faults or not isinstance(header, dict) or not isinstance(body, dict):
        raise RefusedError(Code.INVALID, f"the draft has {len(faults)} fault(s); nothing was stored", findings=faults)
    peer = _addressee(parts, to if isinstance(to, str) else "")
    id, conversation, reply_to = (request.get(name) for name in ("message", "conversation", "in_reply_to"))
    return (
        Draft(
            id=id if isinstance(id, str) else b64u(parts.rand(ID)),
            body_type=str(body_type),
            to=peer.node,
            conversation=conversation if isinstance(conversation, str) else b64u(parts.rand(ID)),
            reply_to=reply_to if isinstance(reply_to, str) else None,
            purpose=purpose if isinstance(purpose, str) else None,
            header=header,
            content=body,
            case=_case(str(body_type), header, body),
        ),
        peer,
    )


def _case(body_type: str, header: Mapping[str, Json], body: Mapping[str, Json]) -> str | None:
    """Our number of the case; an acceptance tells it in its content too."""
    told = body.get("case_ref_recipient") if type_name(body_type) == ACCEPTANCE else None
    case = told if isinstance(told, str) else header.get("case_ref_sender")
    return case if isinstance(case, str) else None


def _under_references(parts: Parts, drafts: Sequence[tuple[Draft, Peer]]) -> list[tuple[Draft, Peer]]:
    """These with the references under which their peers know our cases, in the place of our numbers of them.

    What is no reference by its form is left to the schema.
    """
    places = [_numbers(draft) for draft, _ in drafts]
    references = parts.vault.case_references(
        (peer.node, number)
        for (_, peer), halves in zip(drafts, places, strict=True)
        for half in halves
        for number in half.values()
    )
    told = []
    for (draft, peer), (header, body) in zip(drafts, places, strict=True):
        in_header, in_body = (
            {name: references[peer.node, number] for name, number in half.items()} for half in (header, body)
        )
        told.append((replace(draft, header={**draft.header, **in_header}, content={**draft.content, **in_body}), peer))
    return told


def _numbers(draft: Draft) -> tuple[dict[str, str], dict[str, str]]:
    """Where header and content name a case by our number, and the number."""
    told = draft.content.get("case_ref_recipient") if type_name(draft.body_type) == ACCEPTANCE else None
    return _number("case_ref_sender", draft.header.get("case_ref_sender")), _number("case_ref_recipient", told)


def _number(name: str, value: Json) -> dict[str, str]:
    return {name: value} if isinstance(value, str) and CASE.fullmatch(value) else {}


def _addressee(parts: Parts, to: str) -> Peer:
    try:
        return parts.book.find(to)
    except RefusedError as exc:
        finding = Finding(place="/to", rule="unknown_peer", hint=exc.hint)
        raise RefusedError(exc.code, exc.what, hint=exc.hint, findings=[finding]) from exc


async def try_out(parts: Parts, request: Mapping[str, Json], *, approver: str | None = None) -> list[Prepared]:
    """What would be stored of a request that `approver` approved; nothing is. Raises RefusedError, as submission."""
    return await prepare(parts, *_draft(parts, request), approver=approver)


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
    parts: Parts,
    draft: Draft,
    peer: Peer,
    *,
    origin: int | None = None,
    reference: str | None = None,
    approver: str | None = None,
) -> list[Prepared]:
    """Steps 1 to 3 of the outgoing procedure for a draft, and before it the consent record it needs, if any.

    `reference` is the consent that a withdrawal is about, which its header does not name.
    """
    _check_units(parts, draft, peer)
    (found,) = await parts.store.read(lambda c: _look_up(parts, c, [(draft, peer)]))
    made = _prepared(
        parts, draft, peer, found, defaultdict(_Batch), origin=origin, reference=reference, approver=approver
    )
    return seal(parts, made)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What the store says about a draft: its conversation as it is known here, and consents."""

    key: Key
    held: Held
    around: consents.Surroundings
    files: tuple[SecretPart, ...] | None = ()
    """The files that wait for it; None where it says that some do and none does."""


def _look_up(
    parts: Parts, connection: Connection, drafts: Sequence[tuple[Draft, Peer]], named: Set[Json] = frozenset()
) -> list[_Found]:
    """For several drafts at once: the messages of all their conversations are opened in one call. `named` are the ids
    that callers gave, as the files of their messages have them.
    """
    around = consents.surroundings_in(parts, connection, [_question(draft) for draft, _ in drafts])
    keys = [conversations.key_of(parts, draft.conversation, peer.node) for draft, peer in drafts]
    judged = {key for key, (draft, _) in zip(keys, drafts, strict=True) if not never_blocked(draft.body_type)}
    held, _ = conversations.load(parts, connection, judged, unopened=set(keys) - judged)
    waiting = {
        draft.id: files.waiting_in(parts, connection, draft.id) or None for draft, _ in drafts if draft.id in named
    }
    return [
        _Found(key=key, held=held[key], around=about, files=waiting.get(draft.id, ()))
        for key, about, (draft, _) in zip(keys, around, drafts, strict=True)
    ]


def _question(draft: Draft) -> consents.Question:
    relied_on = draft.header.get("consent_ref")
    return consents.Question(
        conversation=draft.conversation,
        consent_ref=relied_on if isinstance(relied_on, str) else None,
        to=draft.to,
        sender_unit=draft.header.get("sender_unit"),
        recipient_unit=draft.header.get("recipient_unit"),
    )


@dataclass(slots=True, kw_only=True)
class _Batch:
    """What was let pass in one conversation and is not stored yet, as the conversation and as the gates take it."""

    said: list[Message] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsealed:
    """One message before it is sealed: its row, the plaintext of that row, and the consent it tells the peer of."""

    message: ValidMessage
    row: MessageRow
    plaintext: bytes = field(repr=False)
    tells: bytes | None = None
    quotes: str | None = None
    files: int = 0


def _prepared(
    parts: Parts,
    draft: Draft,
    peer: Peer,
    found: _Found,
    batch: defaultdict[Key, _Batch],
    *,
    origin: int | None,
    reference: str | None,
    approver: str | None,
) -> list[Unsealed]:
    """The steps of `prepare` that need no store. `batch` has what was let pass before in the same go, and gets this."""
    if found.files is None:
        raise RefusedError(
            Code.NOT_FOUND, "no file waits for a message with this id; nothing was stored",
            hint="leave `message` out, or add the files first (trm attachment add)",
        )  # fmt: skip
    now, same = parts.clock.now(), batch[found.key]
    ready = _ready(parts, draft, peer, found, same, approver)
    draft, record, known = ready.draft, ready.record, ready.known
    policy, standing = parts.policies.at(now), peer.standing(now)
    left, message = outbound.submit(
        draft, standing, ready.circumstances, policy=policy, around=known, now=now,
        schema=ready.schema(draft.body_type),
        files=found.files,
    )  # fmt: skip
    relies_on = reference or message.consent_ref
    prepared = []
    if record is not None:  # its number is the lower one: rows go in the order of their numbers
        _, first = outbound.submit(
            record, standing, ready.circumstances, policy=policy, around=ready.before, now=now,
            schema=ready.schema(record.body_type),
        )  # fmt: skip
        tells = parts.vault.consent_index(str(message.consent_ref))
        prepared.append(replace(_unsealed(parts, first, None, relies_on, approver, draft.case), tells=tells))
    quotes = quoted_enquiry(left.body_type, left.content)
    prepared.append(
        replace(_unsealed(parts, message, origin, relies_on, approver, draft.case, found.files), quotes=quotes)
    )
    if known is not None:
        new = [] if record is None else [known.conversation.messages[-1]]
        same.said += [*new, _as_said(left, known, now)]
        same.opened += [_as_opened(one, now) for one in (record, draft) if one is not None]
    return prepared


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ready:
    """A draft with all that it is judged by: the consent record that has to go before it, the conversation without and
    with that record, and the schema in which a type is written here.
    """

    draft: Draft
    record: Draft | None
    before: Around | None
    known: Around | None
    circumstances: Circumstances
    schema: Callable[[str], str | None]


def _ready(parts: Parts, draft: Draft, peer: Peer, found: _Found, same: _Batch, approver: str | None) -> _Ready:
    draft = replace(draft, header={**draft.header, "seen": found.held.seen})
    history = found.held.history(also=[*found.around.recorded(), *same.opened])
    before = conversations.to_send(parts, found.held, found.key, draft.body_type, draft.reply_to)
    for earlier in same.said:
        before = None if before is None else before.joined(earlier)
    record = _record_first(parts, draft, peer, found.around)
    known = before
    if before is not None and record is not None:
        known = before.joined(_as_said(record, before, parts.clock.now()))
    return _Ready(
        draft=draft,
        record=record,
        before=before,
        known=known,
        circumstances=replace(found.around.circumstances, history=history, approver=approver),
        schema=partial(outbound.schema_for, begun=found.held.begun, theirs=peer.schemas),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would become of a request now: what of it leaves or why nothing does, the type of the message that would go
    before it, and the refusal that stands in its way, if any.
    """

    draft: Draft
    left: Leaves | Blocked
    corridor: tuple[str, str]
    step: Disclosure
    first: str | None
    refusal: RefusedError | None


async def preview(parts: Parts, request: Mapping[str, Json], *, approver: str | None = None) -> Preview:
    """Judge a request as `submit` does, and store nothing. Raises RefusedError for what is no draft at all."""
    draft, peer = _draft(parts, request)
    _check_units(parts, draft, peer)
    named = {draft.id} if request.get("message") else set()
    (found,) = await parts.store.read(lambda c: _look_up(parts, c, [(draft, peer)], named))
    ready = _ready(parts, draft, peer, found, _Batch(), approver)
    now, standing = parts.clock.now(), peer.standing(parts.clock.now())
    left = outbound.disclosed(
        ready.draft, standing, policy=parts.policies.at(now), around=ready.known, now=now,
        schema=ready.schema(draft.body_type),
    )  # fmt: skip
    refusal = None
    try:
        _prepared(parts, draft, peer, found, defaultdict(_Batch), origin=None, reference=None, approver=approver)
    except RefusedError as error:
        refusal = error
    return Preview(
        draft=ready.draft,
        left=left,
        corridor=standing.corridor,
        step=outbound.step_at(ready.known, now),
        first=None if ready.record is None else ready.record.body_type,
        refusal=refusal,
    )


def _as_said(draft: Draft, around: Around, now: int) -> Message:
    """A draft as the conversation sees it behind all that is there."""
    return stated(
        id=draft.id, side=around.side, n=around.next, created=now, body_type=draft.body_type, reply_to=draft.reply_to,
        header=draft.header, content=draft.content,
    )  # fmt: skip


def _as_opened(draft: Draft, now: int) -> Opened:
    """A draft as the gates take what was said before."""
    return Opened(
        body_type=draft.body_type, side=Whose.OURS, created=now, header=draft.header, content=draft.content
    )  # fmt: skip


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


def _record_first(parts: Parts, draft: Draft, peer: Peer, around: consents.Surroundings) -> Draft | None:
    """The consent record that must travel before `draft`, unless the peer has been told or told us."""
    own = next((item for item in around.held if item.row.holder == OWN), None)
    if own is None or draft.body_type == RECORD or peer.node in around.told:
        return None
    header = {name: value for name, value in draft.header.items() if name not in ("consent_ref", "respond_by")}
    return replace(
        draft,
        id=b64u(parts.rand(ID)),
        body_type=RECORD,
        reply_to=None,
        header=header,
        content=own.record,
    )


def seal(parts: Parts, items: Sequence[Unsealed]) -> list[Prepared]:
    """The same with their content sealed."""
    sealed = parts.vault.seal_each([(item.row.ref, item.plaintext) for item in items])
    return [
        Prepared(message=item.message, row=item.row, sealed=row, tells=item.tells, quotes=item.quotes, files=item.files)
        for item, row in zip(items, sealed, strict=True)
    ]


def _unsealed(
    parts: Parts,
    message: ValidMessage,
    origin: int | None,
    consent: str | None,
    approver: str | None,
    case: str | None,
    with_files: Sequence[SecretPart] = (),
) -> Unsealed:
    ref = parts.store.new_ref()
    secret = outbound.new_secret(parts.rand, with_files)
    plaintext = records.outgoing(message, secret, approver, case)
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
    return Unsealed(message=message, row=row, plaintext=plaintext, files=len(with_files))


def _take_files(connection: Connection, item: Prepared) -> None:
    """The files that waited are of this message; what opens them is in its content from now on."""
    if attachments.take(connection, item.row.id, message=item.row.ref, peer=item.row.peer) != item.files:
        raise RefusedError(Code.CONFLICT, "its files were taken or changed meanwhile; nothing was stored")


def _leaves(item: Prepared) -> list[Callable[[int], bytes]]:
    """That it was queued, and at which places the policy took something out of it."""
    row, dropped = item.row, item.message.dropped
    queued = leaf(row.at, "message.queued", id=row.id, peer=row.peer)
    return [queued, leaf(row.at, "message.minimised", id=row.id, dropped=[*dropped])] if dropped else [queued]


def write(connection: Connection, prepared: list[Prepared]) -> None:
    """Store prepared messages and put them on the outbox; part of the caller's transaction."""
    for item in prepared:
        if item.files:
            _take_files(connection, item)
    content.put(connection, [item.sealed for item in prepared])
    messages.add(connection, [item.row for item in prepared])
    conversation_rows.changed(connection, [moves.conversation_of(item.row) for item in prepared])
    messages.enqueue(connection, [(item.row.ref, item.row.peer, item.row.expires) for item in prepared])
    log.append_leaves(
        connection,
        [builder for item in prepared for builder in _leaves(item)],
    )
    log.add_events(connection, [(item.row.at, "message", item.row.ref, item.row.state) for item in prepared])
    for item in prepared:
        if item.quotes is not None:
            conversations.quote(connection, item.row, item.quotes)
        if item.tells is not None:
            local.tell_consent(connection, item.tells, item.row.peer, item.row.ref)
        if item.row.origin is not None:
            local.add_notice(
                connection, kind=str(NoticeKind.QUEUED), origin=item.row.origin, at=item.row.at, message=item.row.id
            )
