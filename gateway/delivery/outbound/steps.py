"""Steps 1 to 3b of the outgoing procedure, at submission, when a person releases a draft. Every step takes the type the
step before leaves; a refusal changes nothing. What follows at departure is `gateway.delivery.outbound.departure_steps`.

 1. scope      the peer is active and its scope lets this type go there (nrm1 8.3, deny by default)
 1b. policy    what the corridor policy closes is taken out, or stops it (docs/policy.md); what is not valid is told so
 2. gates      consent, transfer basis and the other gates (domain 3.16) -> `PermittedMessage`; what was taken out is no
               disclosure, and still speaks for the safety of the person
 3. validate   canonical body, schema by hash, text policy, size -> `ValidMessage`, which is stored sealed
 3b. order     the conversation allows it now, by what its `seen` says is known here (domain 4.13)

The shell calls `disclosed` for 1b alone, for a preview, and `submit` for all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import schemas
from gateway.attachments.rules import faults, largest
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.fold import JudgementPoint
from gateway.delivery.outbound.judgement import (
    PeerStanding,
    gate_facts,
    pass_gates,
    require_order,
    require_scope,
    step_at,
    text_of,
    to_conversation_message,
)
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import ConversationId, MessageId, NodeId, Reference
from gateway.messages.types import MESSAGE_LIFE, Draft, PermittedMessage, ValidMessage
from gateway.policy.circumstances import Circumstances
from gateway.policy.corridor import Blocked, Leaves, minimise
from keys.documents.statement import SecretPart
from keys.primitives.encoding import Json, canon
from schemas.region_pack.policies import CorridorPolicy
from schemas.types import never_blocked, type_name

BODY_LIMIT = 1_000_000
"""Bytes of a canonical body: leaves room for frames, padding and base64 in the 1.5 MB of an envelope (nrm1 3.1)."""


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
    require_scope(standing, draft.body_type)  # 1
    left = disclosed(draft, standing, policy=policy, around=around, now=now, schema=chosen)  # 1b
    findings = (*_purpose_findings(draft.purpose), *_faults(left), *schemas.text_findings(_body_of(draft)))
    written, dropped = draft.content, tuple[str, ...]()
    if not findings:
        draft, dropped = _left(draft, left)
        findings = _with_files(chosen, written, draft.content, files)
    permitted = _permit(draft, chosen, circumstances, findings, now, written=written, dropped=dropped)
    message = _validate(permitted, chosen, _body_of(draft), findings, now)
    require_scope(  # 1, now that all is known
        standing, draft.body_type, draft.purpose, draft.header, len(message.body), largest(files)
    )
    if around is not None:
        said = to_conversation_message(message, around, n=0, created=now, header=draft.header, content=draft.content)
        require_order(around, said, JudgementPoint.SUBMISSION)  # 3b
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
    pass_gates(  # 2
        gate_facts(
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
    consent = text_of(draft.header, "consent_ref")
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
