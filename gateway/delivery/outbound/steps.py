"""The outgoing procedure. Every step takes the type the step before leaves; a refusal changes nothing.

Submission, when a person releases a draft:

 1. scope      the peer is active and its scope lets this type go there (nrm1 8.3, deny by default)
 1b. policy    what the corridor policy closes is taken out, or stops it (docs/policy.md); what is not valid is told so
 2. gates      consent, transfer basis and the other gates (domain 3.16) -> `PermittedMessage`; what was taken out is no
               disclosure, and still speaks for the safety of the person
 3. validate   canonical body, schema by hash, text policy, size -> `ValidMessage`, which is stored sealed
 3b. order     the conversation allows it now, by what its `seen` says is known here (domain 4.13)

Departure, when a pinned connection to the peer is open and its keyset is fresh (nrm1 12.1):

 4. recheck    still alive, scope, policy and gates again (a consent may be gone by now); the conversation, as it was
               known
 5. number     the next place on the ordered link to this peer
 6. state      the statement: everything the receiver relies on, signed
 7. seal       content key for each recipient key, content under it -> `SealedEnvelope`

The shell calls `disclosed` for 1b alone, for a preview, `submit` for 1 to 3b, `recheck` for 4, `next_position` for 5
and `depart` for 6 and 7. Sealing anew (nrm1 5.5) is steps 6 and 7 again at the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import schemas
from gateway.attachments.rules import faults, files_of, largest, lengths
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.disclosure import DisclosureStage as Disclosure
from gateway.conversations.rules.facts import Message, make_message
from gateway.conversations.rules.fold import Impossible, JudgementPoint
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import ConversationId, MessageId, NodeId, Reference
from gateway.messages.types import MESSAGE_LIFE, Draft, LinkPosition, PermittedMessage, SealedEnvelope, ValidMessage
from gateway.peers.scope import Direction, PeerScope, may
from gateway.policy.circumstances import Circumstances
from gateway.policy.corridor import Blocked, Leaves, minimise, sift
from gateway.policy.gates.gate_table import GateFacts, Permit, evaluate
from keys.documents import envelope as wire
from keys.documents.descriptor import GATEWAY, Descriptor
from keys.documents.keyset import Keyset
from keys.documents.statement import SecretPart
from keys.primitives.encoding import Json, canon
from keys.primitives.seal import CEK, SUITE, seal_cek, seal_content
from keys.primitives.sign import STATEMENT, Signature
from schemas.region_pack.policies import CorridorPolicy
from schemas.types import never_blocked, type_name

Sign = Callable[[str, bytes], Signature]
Rand = Callable[[int], bytes]

BODY_LIMIT = 1_000_000
"""Bytes of a canonical body: leaves room for frames, padding and base64 in the 1.5 MB of an envelope (nrm1 3.1)."""


PeerStanding = PeerScope
"""What the node holds about a peer when it decides whether something may go there."""


def schema_for(body_type: str, *, begun: Iterable[tuple[str, str]], theirs: Collection[str] | None) -> str:
    """The schema hash by which the next message of a type is written (nrm1 12.13, docs/adr/0002).

    `begun` are body type and schema of the messages of its conversation, in order: the first one of a type fixes its
    version for the conversation, also after an upgrade of either node, except for types that nothing may block. Where
    none is fixed, the newest revision that
    the peer also holds; `theirs` is its signed catalogue, None when it was never fetched. Where there is none in
    common, the newest: departure, which asks the peer anew, has the last word.

    Raises:
        RefusedError: no_common_schema; the draft is of another version than the conversation began with, or of one that
            this node gave up.
    """
    for name, schema in begun:
        if name == body_type and never_blocked(body_type):
            continue
        if name == body_type:
            return schemas.load_catalogue().by_schema(schema).schema
        if type_name(name) == type_name(body_type):
            raise RefusedError(
                Code.NO_COMMON_SCHEMA,
                f"this conversation began with {name} and stays with it; nothing was sent",
                hint=f"write it as {name}; {body_type} can be used in a new conversation",
            )
    held = schemas.load_catalogue()
    common = theirs and any(entry.body_type == body_type and entry.schema in theirs for entry in held.held)
    return (held.common(body_type, theirs) if theirs and common else held.get(body_type)).schema


def submit(
    draft: Draft,
    standing: PeerStanding,
    circumstances: Circumstances,
    *,
    policy: CorridorPolicy | None,
    around: ConversationContext | None,
    now: int,
    schema: str | None = None,
    files: Sequence[SecretPart] = (),
) -> tuple[Draft, ValidMessage]:
    """Steps 1 to 3b: the draft as the policy left it, and the message made of it. `policy` is the one in force;
    `schema` is what `schema_for` says, None for the newest of this type; `around` is None for what
    belongs to no conversation; `files` go with the message.

    Raises:
        RefusedError: with the code of the scope, the policy, the gate or the schema, places are JSON pointers into the
            draft; or out_of_order, with the reason for the person.
    """
    chosen = schema or schemas.load_catalogue().get(draft.body_type).schema
    _in_scope(standing, draft.body_type)  # 1
    left = disclosed(draft, standing, policy=policy, around=around, now=now, schema=chosen)  # 1b
    findings = (*_purpose_findings(draft.purpose), *_faults(left), *schemas.text_findings(_body_of(draft)))
    written, dropped = draft.content, tuple[str, ...]()
    if not findings:
        draft, dropped = _left(draft, left)
        findings = _with_files(chosen, written, draft.content, files)
    permitted = _permit(draft, chosen, circumstances, findings, now, written=written, dropped=dropped)
    message = _validate(permitted, chosen, _body_of(draft), findings, now)
    _in_scope(  # 1, now that all is known
        standing, draft.body_type, draft.purpose, draft.header, len(message.body), largest(files)
    )
    if around is not None:
        said = to_conversation_message(message, around, n=0, created=now, header=draft.header, content=draft.content)
        _in_order(around, said, JudgementPoint.SUBMISSION)  # 3b
    return draft, message


def _with_files(
    schema: str, written: Mapping[str, Json], content: Mapping[str, Json], files: Sequence[SecretPart]
) -> tuple[Finding, ...]:
    """What is wrong with the files of what is left of a draft. Raises RefusedError where it is the policy that took out
    what names one: a file never leaves without the word for it, and never by halves.
    """
    findings = faults(schema, content, files)
    if findings and not faults(schema, written, files):
        raise RefusedError(
            Code.OUT_OF_SCOPE,
            "the corridor policy keeps a file back; nothing was sent",
            hint="trm policy show says what may leave: files are the group files",
        )
    return findings


def disclosed(
    draft: Draft,
    standing: PeerStanding,
    *,
    policy: CorridorPolicy | None,
    around: ConversationContext | None,
    now: int,
    schema: str | None = None,
) -> Leaves | Blocked:
    """Step 1b: what of a draft leaves on the way to this peer at this point of its conversation, or why nothing."""
    return minimise(
        schema or draft.body_type,
        _body_of(draft),
        policy=policy,
        corridor=standing.corridor,
        purpose=draft.purpose,
        step=step_at(around, now),
    )


def _body_of(draft: Draft) -> dict[str, Json]:
    return {"header": dict(draft.header), "content": dict(draft.content)}


def step_at(around: ConversationContext | None, now: int, before: int | None = None) -> Disclosure:
    """How far disclosure has come there; `before` is the number of an own message that is judged without itself."""
    return Disclosure.BEFORE_ACCEPTANCE if around is None else around.step(now, before)


def _faults(left: Leaves | Blocked) -> tuple[Finding, ...]:
    """What is wrong with the body itself, whatever the policy says of it."""
    return left.findings if isinstance(left, Blocked) and left.code is Code.SCHEMA else ()


def _left(draft: Draft, left: Leaves | Blocked) -> tuple[Draft, tuple[str, ...]]:
    """The draft without what the policy closes, and the places of that. Raises RefusedError where nothing may leave."""
    if isinstance(left, Blocked):
        raise RefusedError(
            left.code,
            "refused by the corridor policy; nothing was sent",
            findings=left.findings,
            hint="trm policy show says what may leave, trm draft preview what of this would",
        )
    header, content = left.body["header"], left.body.get("content", {})
    if not isinstance(header, dict) or not isinstance(content, dict):
        raise RuntimeError("a valid body has two halves")
    return replace(draft, header=header, content=content), tuple(left.dropped)


def to_conversation_message(
    message: ValidMessage,
    around: ConversationContext,
    *,
    n: int,
    created: int,
    header: Mapping[str, Json],
    content: Mapping[str, Json],
) -> Message:
    """An own message as the conversation sees it."""
    return make_message(
        id=message.id,
        side=around.side,
        n=n,
        created=created,
        body_type=message.body_type,
        reply_to=message.reply_to,
        header=header,
        content=content,
    )


def _in_order(around: ConversationContext, said: Message, step: JudgementPoint) -> None:
    found = around.judge(said, step=step)
    if isinstance(found, Impossible):
        raise RefusedError(
            found.code,
            f"{found.what}; nothing was sent",
            hint="trm conversation show shows the state of the conversation and who owes what",
        )


def _purpose_findings(purpose: str | None) -> tuple[Finding, ...]:
    if purpose is None or purpose in schemas.code_list("purpose"):
        return ()
    return (Finding(place="/purpose", rule="unknown_code", hint="a code of the list purpose"),)


def _permit(
    draft: Draft,
    schema: str,
    circumstances: Circumstances,
    findings: tuple[Finding, ...],
    now: int,
    *,
    written: Mapping[str, Json],
    dropped: tuple[str, ...],
) -> PermittedMessage:
    _through_gates(  # 2
        _facts(
            draft.body_type,
            schema,
            draft.to,
            draft.purpose,
            draft.header,
            draft.content,
            circumstances,
            findings,
            written=written,
        )
    )
    return PermittedMessage(draft=draft, at=now, dropped=dropped, written=written if dropped else None)


def _facts(
    body_type: str,
    schema: str,
    to: str,
    purpose: str | None,
    header: Mapping[str, Json],
    content: Mapping[str, Json],
    circumstances: Circumstances,
    findings: tuple[Finding, ...],
    *,
    written: Mapping[str, Json] | None,
) -> GateFacts:
    """What is disclosed is what leaves; what protects the person is judged by all that was `written` here."""
    sensitivities, categories = schemas.find_disclosed(schema, content)
    return GateFacts(
        body_type=body_type,
        personal=schemas.load_catalogue().by_schema(schema).personal,
        categories=categories,
        sensitivities=sensitivities,
        purpose=purpose,
        sender_node=circumstances.node,
        recipient_unit=f"{to}/{_text_of(header, 'recipient_unit') or ''}",
        recipient=circumstances.recipient,
        sender_kind=circumstances.sender_kind,
        consent=circumstances.consent,
        consent_case=circumstances.consent_case,
        recorded_by=circumstances.recorded_by,
        handling=circumstances.handling,
        conversation_withdrawn=circumstances.conversation_withdrawn,
        asylum_hold=circumstances.asylum_hold,
        feared_states=circumstances.feared_states,
        history=circumstances.history,
        approver=circumstances.approver,
        header=header,
        content=content if written is None else written,
        findings=findings,
        today=circumstances.today,
    )


def _text_of(header: Mapping[str, Json], name: str) -> str | None:
    value = header.get(name)
    return value if isinstance(value, str) else None


def _in_scope(
    standing: PeerStanding,
    body_type: str,
    purpose: str | None = None,
    header: Mapping[str, Json] | None = None,
    size: int | None = None,
    largest_file: int | None = None,
) -> None:
    """Type, direction and corridor first; purpose, sizes, units and roles once the body is known to be valid, so that a
    word that is no code at all is refused under its own name (G11).
    """
    if not may(standing.state, Direction.SEND, body_type):
        raise RefusedError(
            Code.NOT_ACTIVE,
            f"the peer is {standing.state}, nothing can be sent to it",
            hint="see trm peer show; administrators approve or resume a peer",
        )
    kept_out = standing.outside(
        body_type, Direction.SEND, purpose=purpose, size=size, header=header, largest_file=largest_file
    )
    if kept_out == "max_file_bytes" and standing.missing is None:
        raise RefusedError(
            Code.TOO_LARGE,
            f"a file is larger than the {standing.agreed.max_file_bytes} bytes agreed with this peer",
            hint="see trm peer show; administrators can change max_file_bytes of the scope",
        )
    if kept_out is not None and standing.missing is not None:
        raise RefusedError(
            Code.OUT_OF_SCOPE,
            f"nothing is agreed with this peer now: {standing.missing}",
            hint="see trm peer show; both sides' administrators have to agree",
        )
    if kept_out is not None:
        raise RefusedError(
            Code.OUT_OF_SCOPE,
            f"{body_type} is not in the scope agreed with this peer, because of its {kept_out}",
            hint="see trm peer show; administrators can change the scope",
        )


def _through_gates(facts: GateFacts) -> None:
    """All gates, and beside a closed gate whatever else is wrong with the body, so that a person mends it once."""
    decision = evaluate(facts)
    if isinstance(decision, Permit):
        return
    refusals = [Finding(place=r.place, rule=str(r.gate), hint=r.hint) for r in decision]
    named = " and ".join(dict.fromkeys(finding.rule for finding in refusals))
    raise RefusedError(
        decision[0].gate,
        f"refused by {named}; nothing was sent",
        hint=decision[0].hint,
        findings=(*refusals, *facts.findings),
    )


def _validate(
    permitted: PermittedMessage, schema: str, body: dict[str, Json], findings: tuple[Finding, ...], now: int
) -> ValidMessage:
    draft = permitted.draft  # 3
    if findings:
        raise RefusedError(
            Code.SCHEMA,
            f"the message has {len(findings)} fault(s); nothing was stored",
            findings=findings,
            hint="correct the named places; trm schema show prints what is expected",
        )
    data = canon(body)
    if len(data) > BODY_LIMIT:
        raise RefusedError(Code.TOO_LARGE, f"the message has {len(data)} bytes, at most {BODY_LIMIT} are allowed")
    consent = _text_of(draft.header, "consent_ref")
    return ValidMessage(
        id=MessageId(draft.id),
        body_type=draft.body_type,
        schema=schema,
        to=NodeId(draft.to),
        conversation=ConversationId(draft.conversation),
        reply_to=None if draft.reply_to is None else MessageId(draft.reply_to),
        purpose=draft.purpose,
        consent_ref=None if consent is None else Reference(consent),
        submitted=now,
        expires=now + MESSAGE_LIFE,
        body=data,
        dropped=permitted.dropped,
        written=permitted.written,
    )


def recheck(
    message: ValidMessage,
    standing: PeerStanding,
    circumstances: Circumstances,
    *,
    header: Mapping[str, Json],
    content: Mapping[str, Json],
    schemas_of_peer: Collection[str] | None,
    policy: CorridorPolicy | None,
    around: ConversationContext | None,
    n: int,
    now: int,
    files: Sequence[SecretPart] = (),
) -> None:
    """Step 4. `schemas_of_peer` is the peer's signed catalogue with the schemas by which it wrote here, None when that
    was never fetched; `policy` the one in force now; `n` the place of the message among the sender's own, behind all
    others where it has none yet.

    Nothing is taken out any more: a message of which the policy would now close a part is stopped as a whole.

    Raises:
        RefusedError: `expired`, the code of the scope or gate that closed meanwhile, `closed_by_policy`,
            `no_common_schema`, or
            `out_of_order` where what it rests on was taken back before the peer had it, or where the other side had
            said something before it that came only now.
    """
    if now >= message.expires:
        raise RefusedError(Code.EXPIRED, "the message has expired")
    _in_scope(standing, message.body_type, message.purpose, header, len(message.body), largest(files))
    _still_open(message, standing, header=header, content=content, policy=policy, step=step_at(around, now, before=n))
    _through_gates(
        _facts(
            message.body_type,
            message.schema,
            message.to,
            message.purpose,
            header,
            content,
            circumstances,
            (),
            written=message.written,
        )
    )
    if schemas_of_peer is not None and message.schema not in schemas_of_peer:
        raise RefusedError(
            Code.NO_COMMON_SCHEMA,
            f"the peer does not have this version of {message.body_type}",
            hint="one of the two nodes has to be upgraded",
        )
    if around is not None:
        created = max(now, message.submitted)  # as the statement will say it, so as the peer will judge it
        said = to_conversation_message(message, around, n=n, created=created, header=header, content=content)
        _in_order(around, said, JudgementPoint.ADMISSION)


def _still_open(
    message: ValidMessage,
    standing: PeerStanding,
    *,
    header: Mapping[str, Json],
    content: Mapping[str, Json],
    policy: CorridorPolicy | None,
    step: Disclosure,
) -> None:
    left = sift(
        message.schema,
        {"header": dict(header), "content": dict(content)},
        policy=policy,
        corridor=standing.corridor,
        purpose=message.purpose,
        step=step,
    )
    if isinstance(left, Blocked) or left.dropped:
        raise RefusedError(
            Code.CLOSED_BY_POLICY,
            "the corridor policy now keeps back a part of it",
            hint="trm policy show says what may leave; write it again",
        )


def new_secret(rand: Rand, files: Sequence[SecretPart] = ()) -> bytes:
    """The secret frame: the salt that makes the commitment hiding (nrm1 3.4), and what opens the files. Made once,
    at submission.
    """
    return wire.Secret(salt=rand(32), parts=tuple(files)).encode()


def next_position(epoch: int, high: int, last_link: str | None) -> LinkPosition:
    """Step 5: the place after the highest used number."""
    return LinkPosition(epoch=epoch, n=high + 1, prev=last_link)


def depart(
    message: ValidMessage,
    secret: bytes,
    position: LinkPosition,
    *,
    own: Descriptor,
    peer: Descriptor,
    keyset: Keyset,
    now: int,
    sign: Sign,
    rand: Rand,
) -> SealedEnvelope:
    """Steps 6 and 7: state, sign, seal. `keyset` must be fresh; the key of unit `gateway` is used."""
    key, parts = keyset.enc_for(GATEWAY, now), lengths(files_of(secret))
    created = max(now, message.expires - MESSAGE_LIFE)  # the clock may have been set back since submission
    statement = wire.Statement(
        suite=SUITE,
        id=message.id,
        from_=own.node,
        from_desc=own.version,
        to=peer.node,
        to_desc=peer.version,
        rcp=(key.kid,),
        epoch=position.epoch,
        n=position.n,
        prev=position.prev,
        conv=message.conversation,
        reply_to=message.reply_to,
        created=created,
        expires=message.expires,
        body_type=message.body_type,
        schema=message.schema,
        purpose=message.purpose,
        commit=wire.compute_commitment(secret, message.body),
        parts=parts,
    ).encode()
    signatures = wire.encode_signatures(sign(STATEMENT, statement))
    inner = wire.pack_inner(statement=statement, signatures=signatures, secret=secret, body=message.body)
    exp = wire.round_up_to_hour(message.expires)
    header = wire.header_hash(id=message.id, to=peer.node, exp=exp, kids=(key.kid,), parts=parts)
    cek = rand(CEK)
    sealed = wire.Envelope(
        id=message.id,
        to=peer.node,
        exp=exp,
        rcp=(wire.Recipient(kid=key.kid, enc=seal_cek(key.pub, cek, wire.cek_info(key.kid, header))),),
        parts=parts,
        ct=seal_content(cek, wire.body_context(header), inner),
    )
    return SealedEnvelope(
        id=message.id,
        created=created,
        data=sealed.encode(),
        position=position,
        statement=statement,
        statement_hash=wire.statement_hash(statement),
        signatures=signatures,
        secret=secret,
    )
