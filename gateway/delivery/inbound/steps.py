"""Receive steps that need nothing but the message and what is held beside it. Pure: values in, values out.

One function per step of the receive order, numbered as in ``docs/spec/receiving.md`` (step N is nrm1 4.N). Nothing of
the statement is believed before step 10.

 4  the form of the envelope                                `read_envelope`
 6  addressee and expiry                                    `check_address`
 7  the content key and the content                         `open_content`
 8  frames, statement, sender                               `unpack_frames`
10  the signature of the statement                          `verify_signature`
11  what is said twice is said alike; clock; commitment     `cross_check`
13  type, direction and corridor of the scope               `check_type_scope`
14  the body                                                `read_body`
15  the rest of the scope                                   `check_content_scope`
16  gates                                                   `check_gates`
17  the conversation                                        `check_conversation`

The steps that lead to one type run together, so that holding the type proves them: `open_envelope` is 6 to 8,
`authenticate_statement` 10 and 11, `examine_message` 13 to 15, `accept_message` 16 and 17. The other steps need the
node and are those of `gateway.delivery.inbound.receiver`, which has the whole list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import pairwise

import schemas
from gateway.attachments.rules import faults, files_of, largest, lengths
from gateway.cases.rules import ConsentCase
from gateway.consent.rules import Consent
from gateway.conversations.history import NOTHING_SAID, History, Opened, Side
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.facts import Message, make_message
from gateway.conversations.rules.fold import Impossible, JudgementPoint
from gateway.conversations.rules.order import place
from gateway.errors import Code, Finding, RefusedError, RemoteError
from gateway.foundation.ids import KeyId, UnitAddress
from gateway.messages.types import AcceptedMessage, AuthenticStatement, ExaminedMessage, LinkPosition
from gateway.peers.scope import Direction, PeerScope, may
from gateway.policy.gates.gate_table import CODE_RULES, GateFacts, Permit, Recipient, UnitKind, received
from keys.documents import envelope as wire
from keys.documents.descriptor import Descriptor
from keys.documents.statement import proof_hash
from keys.primitives import commitment
from keys.primitives.batch import Proof, Verifier
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import SKEW, Json
from keys.primitives.seal import SUITE
from keys.primitives.seal import open_content as aead_open_content
from schemas.types import type_name

OpenCek = Callable[[KeyId, bytes, bytes], bytes]
"""(kid, enc, info) -> content key; raises RemoteError unknown_recipient_key or undecryptable."""


# --- step 4 -----------------------------------------------------------------------------------------------------------


def read_envelope(data: bytes) -> wire.Envelope:
    """Read one envelope. Raises RemoteError too_large, malformed or unsupported_suite."""
    return wire.parse_envelope(data)


# --- steps 6 to 8: the envelope is opened -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedEnvelope:
    """Frames of an envelope. Readable, not yet believed; the sender it names is the proven signer of the request."""

    envelope: wire.Envelope
    statement: wire.Statement
    statement_bytes: bytes
    proof: Proof
    proof_bytes: bytes
    secret: bytes
    body: bytes


def open_envelope(
    envelope: wire.Envelope, *, own: Descriptor, signer: str, open_cek: OpenCek, now: int
) -> OpenedEnvelope:
    """Take steps 6 to 8. ``signer`` is the node that signed the HTTP request.

    Raises:
        RemoteError: the code of the first step that refuses.
    """
    check_address(envelope, own_node=own.node, now=now)
    inner = open_content(envelope, open_cek)
    return unpack_frames(envelope, inner, signer=signer)


def check_address(envelope: wire.Envelope, *, own_node: str, now: int) -> None:
    """Refuse what is for another node, or has expired (step 6).

    This comes before any key: what has expired is told so although its key was destroyed meanwhile, so that the sender
    does not seal it anew for nothing.
    """
    if envelope.to != own_node:
        raise RemoteError(Code.MISROUTED, "the envelope is addressed to another node")
    if now >= envelope.exp + SKEW:
        raise RemoteError(Code.EXPIRED, "the envelope has expired")


def open_content(envelope: wire.Envelope, open_cek: OpenCek) -> bytes:
    """Open the content by the first recipient key that is held here (step 7).

    A key that is held and does not open ends it, and the other recipients are not tried: each failure to open is told
    alike, so that nobody learns by trying which part of it failed.
    """
    header = envelope.hdr
    unknown: RemoteError | None = None
    for recipient in envelope.rcp:
        try:
            cek = open_cek(recipient.kid, recipient.enc, wire.cek_info(recipient.kid, header))
        except RemoteError as error:
            if error.code is not Code.UNKNOWN_RECIPIENT_KEY:
                raise
            unknown = error
            continue
        return aead_open_content(cek, wire.body_context(header), envelope.ct)
    raise unknown or RemoteError(Code.UNKNOWN_RECIPIENT_KEY, "no recipient key")


def unpack_frames(envelope: wire.Envelope, inner: bytes, *, signer: str) -> OpenedEnvelope:
    """Take the frames apart and compare the sender they name with the signer of the request (step 8).

    The sender comes before the proof is read, and before any chain is fetched for it: a node that carries
    another's envelope learns nothing of it, and can not make this one ask a third.
    """
    frames = wire.unpack_inner(inner)
    statement = wire.Statement.parse(frames.statement)
    if statement.from_ != signer:
        raise RemoteError(Code.UNKNOWN_SENDER, "the request was signed by another node")
    return OpenedEnvelope(
        envelope=envelope,
        statement=statement,
        statement_bytes=frames.statement,
        proof=Proof.parse(frames.proof, STATEMENT, frames.statement),
        proof_bytes=frames.proof,
        secret=frames.secret,
        body=frames.body,
    )


# --- steps 10 and 11: the statement is authentic ----------------------------------------------------------------------


def authenticate_statement(
    opened: OpenedEnvelope, *, own: Descriptor, sender: Descriptor, verifier: Verifier, now: int, oldest: int = 1
) -> AuthenticStatement:
    """Take steps 10 and 11. ``sender`` is the newest descriptor held, of version ``from_desc`` or later; ``verifier``
    is that of the request; ``oldest`` is what `oldest_usable` says of the own chain.

    Raises:
        RemoteError: the code of the first check that refuses.
    """
    verify_signature(opened, sender, verifier)
    value, files = cross_check(opened, own=own, now=now, oldest=oldest)
    statement = opened.statement
    return AuthenticStatement(
        statement=statement,
        statement_bytes=opened.statement_bytes,
        statement_hash=wire.statement_hash(opened.statement_bytes),
        proof=opened.proof,
        proof_hash=proof_hash(opened.proof_bytes),
        secret=opened.secret,
        body=opened.body,
        value=value,
        files=files,
        link_hash=statement.link,
    )


def verify_signature(opened: OpenedEnvelope, sender: Descriptor, verifier: Verifier) -> None:
    """Verify the batch of the statement under a key that its sender had when the statement was made (step 10)."""
    batch = opened.proof.batch
    verifier.verify(sender.signing_key(batch.signature.kid, at=opened.statement.created), batch)


def cross_check(
    opened: OpenedEnvelope, *, own: Descriptor, now: int, oldest: int
) -> tuple[dict[str, Json], tuple[wire.SecretPart, ...]]:
    """Compare the statement with its envelope, the clock, this node and what it commits to (step 11). Returns what was
    read for that: the value of the body, and the files.
    """
    statement = opened.statement
    _check_binding(opened, own)
    _check_times(statement, now)
    if statement.to_desc > own.version:
        raise RemoteError(Code.MALFORMED, "the statement names a descriptor this node never had")
    read = _check_commitment(opened)
    if statement.to_desc < oldest:
        raise RemoteError(Code.NEWER_DESCRIPTOR, "the statement relies on a descriptor of before a revocation")
    return read


def _check_binding(opened: OpenedEnvelope, own: Descriptor) -> None:
    statement, envelope = opened.statement, opened.envelope
    if statement.suite != SUITE:
        raise RemoteError(Code.DOWNGRADE, "the statement is of another suite than its envelope")
    if statement.to != own.node:
        raise RemoteError(Code.MISDIRECTED, "the statement is addressed to another node")
    same = (
        statement.id == envelope.id
        and statement.rcp == envelope.kids
        and statement.parts == envelope.parts
        and wire.round_up_to_hour(statement.expires) == envelope.exp
    )
    if not same:
        raise RemoteError(Code.SPLICED, "the statement belongs to another envelope")


def _check_times(statement: wire.Statement, now: int) -> None:
    if statement.created > now + SKEW:
        raise RemoteError(Code.NOT_YET_VALID, "the statement was made in the future")
    if now >= statement.expires + SKEW:
        raise RemoteError(Code.EXPIRED, "the statement has expired")
    if not 0 < statement.expires - statement.created <= wire.MESSAGE_LIFE:
        raise RemoteError(Code.MALFORMED, "the statement lives too long")


def _check_commitment(opened: OpenedEnvelope) -> tuple[dict[str, Json], tuple[wire.SecretPart, ...]]:
    value = commitment.read_body(opened.body)
    if commitment.commit_to(opened.secret, value) != opened.statement.commit:
        raise RemoteError(Code.BAD_COMMITMENT, "the body is not the one that was signed")
    files = files_of(opened.secret)
    if lengths(files) != opened.statement.parts:
        raise RemoteError(Code.MALFORMED, "the secret is of other parts")
    return value, files


def oldest_usable(chain: Sequence[Descriptor]) -> int:
    """Find the oldest version of the own descriptor that a statement may still name. ``chain`` is the own one in order.

    Older is too old when a later version revoked a key or changed suites or roots: what was sealed by it relies on
    something that this node has taken back since, and is sealed anew.
    """
    oldest = chain[-1].version
    for newer, older in pairwise(reversed(chain)):
        if _relied_on(older) != _relied_on(newer):
            break
        oldest = older.version
    return oldest


def _relied_on(descriptor: Descriptor) -> object:
    revoked = {revocation.kid for revocation in descriptor.revoked}
    return revoked, descriptor.suites, descriptor.roots, descriptor.threshold


# --- steps 13 to 15: scope and body -----------------------------------------------------------------------------------


def examine_message(authentic: AuthenticStatement, *, scope: PeerScope) -> ExaminedMessage:
    """Take steps 13 to 15. Its number is new, so a refusal becomes a signed `rejected` receipt.

    Raises:
        RemoteError: out_of_scope, schema, too_large for a file, or gate_g11 for an unknown code in the body or as
            purpose.
    """
    statement = authentic.statement
    check_type_scope(scope, statement.body_type)
    header, content = read_body(authentic)
    check_content_scope(scope, authentic, header)
    return ExaminedMessage(
        id=statement.id,
        sender=statement.from_,
        body_type=statement.body_type,
        schema=statement.schema,
        conversation=statement.conv,
        reply_to=statement.reply_to,
        purpose=statement.purpose,
        created=statement.created,
        position=LinkPosition(epoch=statement.epoch, n=statement.n, prev=statement.prev),
        statement=authentic.statement_bytes,
        statement_hash=authentic.statement_hash,
        proof=authentic.proof,
        proof_hash=authentic.proof_hash,
        secret=authentic.secret,
        body=authentic.body,
        header=header,
        content=content,
    )


def check_type_scope(scope: PeerScope, body_type: str) -> None:
    """Refuse a type that is not agreed with its sender in this direction and corridor (step 13).

    What is not agreed is refused before its body, which may hold personal data, is looked at.
    """
    _check_scope(scope, body_type, scope.outside(body_type, Direction.RECEIVE))


def read_body(authentic: AuthenticStatement) -> tuple[dict[str, Json], dict[str, Json]]:
    """Validate the body; return header and content (step 14)."""
    statement = authentic.statement
    found = _find_schema(statement)
    header, content = _validate_body(authentic.value, found.schema)
    if findings := faults(found.schema, content, authentic.files):
        raise RemoteError(Code.SCHEMA, "the files are not those that the body names", findings=findings)
    _check_purpose(found, statement.purpose)
    return header, content


def check_content_scope(scope: PeerScope, authentic: AuthenticStatement, header: dict[str, Json]) -> None:
    """Compare purpose, sizes, units and roles with what is agreed (step 15).

    This comes behind the body: a word that is no code at all is refused under its own name (gate_g11), not as one that
    was not agreed.
    """
    statement = authentic.statement
    outside = scope.outside(
        statement.body_type,
        Direction.RECEIVE,
        purpose=statement.purpose,
        size=len(authentic.body),
        header=header,
        largest_file=largest(authentic.files),
    )
    _check_scope(scope, statement.body_type, outside)


def _check_scope(scope: PeerScope, body_type: str, outside: str | None) -> None:
    if outside == "max_file_bytes":
        raise RemoteError(Code.TOO_LARGE, "a file is larger than is agreed with the sender")
    if not may(scope.state, Direction.RECEIVE, body_type) or outside is not None:
        raise RemoteError(Code.OUT_OF_SCOPE, "this message is not agreed with the sender")


def _find_schema(statement: wire.Statement) -> schemas.MessageType:
    try:
        found = schemas.load_catalogue().by_schema(statement.schema)
    except RefusedError as exc:
        raise RemoteError(Code.SCHEMA, "this node does not have the schema") from exc
    if found.body_type != statement.body_type:
        raise RemoteError(Code.SCHEMA, "this node does not have the schema")
    return found


def _validate_body(body: dict[str, Json], schema: str) -> tuple[dict[str, Json], dict[str, Json]]:
    findings = schemas.validate(schema, body)
    if any(finding.rule in CODE_RULES for finding in findings):
        raise RemoteError(Code.GATE_G11, "the body has an unknown code", findings=findings)
    findings += schemas.text_findings(body)
    if findings:
        raise RemoteError(Code.SCHEMA, "the body does not match its schema", findings=findings)
    match body:
        case {"header": dict() as header, "content": dict() as content}:
            return header, content
    raise RuntimeError("a valid body has two halves")


def _check_purpose(found: schemas.MessageType, purpose: str | None) -> None:
    """Judge as the sender's gates G2, G10 and G11 do: what they let pass must not be refused here."""
    if found.never_blocked:
        return
    if purpose is not None and purpose not in schemas.code_list("purpose"):
        raise RemoteError(Code.GATE_G11, "the purpose is not a known code")
    if purpose is None and found.personal and type_name(found.body_type) != "consent.record":
        raise RemoteError(Code.SCHEMA, "a message with personal data must name its purpose")


# --- steps 16 and 17: gates and conversation --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverContext:
    """What a receiver knows besides the message when it asks the gates.

    ``sender_kind``, ``sender_roles`` and ``recipient`` are from signed descriptors and the own settings; ``consent`` is
    what consent_ref names, with its withdrawals, None where no record is held; ``withdrawn``: everything of it was
    taken back;
    ``recorded_by`` are the nodes whose records are held.
    """

    sender_kind: UnitKind | None
    recipient: Recipient | None
    consent: Consent | None
    recorded_by: frozenset[str]
    withdrawn: bool
    history: History = NOTHING_SAID
    sender_roles: frozenset[str] | None = None


def accept_message(
    examined: ExaminedMessage, *, known: ReceiverContext, conversation: ConversationContext | None, own_node: str
) -> AcceptedMessage:
    """Take steps 16 and 17. ``conversation`` is None for what belongs to none. A refusal becomes a signed `rejected`
    receipt.

    Raises:
        RemoteError: the code of the first gate that is closed; its findings name every closed gate and place. Or
            out_of_order.
    """
    check_gates(examined, known, own_node=own_node)
    if conversation is not None:
        check_conversation(examined, conversation)
    return AcceptedMessage(**{field.name: getattr(examined, field.name) for field in fields(examined)})


def check_gates(examined: ExaminedMessage, known: ReceiverContext, *, own_node: str) -> None:
    """Ask the gates that a receiver can judge (step 16)."""
    decision = received(_gate_facts(examined, known, own_node))
    if not isinstance(decision, Permit):
        findings = [Finding(place=refusal.place, rule=str(refusal.gate), hint=refusal.hint) for refusal in decision]
        raise RemoteError(decision[0].gate, "a gate is closed to this message", findings=findings)


def check_conversation(examined: ExaminedMessage, conversation: ConversationContext) -> None:
    """Refuse only what no honest node would have sent in this conversation (step 17).

    Messages cross on their way, so what is out of place here may have been in place where it was written.
    """
    message = to_conversation_message(examined, conversation)
    found = conversation.judge(message, step=JudgementPoint.ADMISSION)
    if isinstance(found, Impossible):
        raise RemoteError(found.code, "the conversation does not allow this message")


def to_conversation_message(message: ExaminedMessage, conversation: ConversationContext) -> Message:
    """Convert a message of the peer to the form that conversations are folded from."""
    return make_message(
        id=message.id,
        side=conversation.side,
        n=place(message.position.epoch, message.position.n),
        created=message.created,
        body_type=message.body_type,
        reply_to=message.reply_to,
        header=message.header,
        content=message.content,
    )


def to_gate_message(message: ExaminedMessage) -> Opened:
    """Convert a message of the peer to the form in which gates take what was said before."""
    return Opened(
        body_type=message.body_type,
        side=Side.THEIRS,
        created=message.created,
        header=message.header,
        content=message.content,
        id=message.id,
        schema=message.schema,
        arrived=True,
    )


def _gate_facts(examined: ExaminedMessage, known: ReceiverContext, own_node: str) -> GateFacts:
    """Collect what the gates ask for.

    A grant has to hold on the day on which the statement was signed: what was on its way does not become unlawful when
    the grant ends. A withdrawal counts from the moment it is held.
    """
    body_type, unit = examined.body_type, examined.header.get("recipient_unit")
    sensitivities, categories = schemas.find_disclosed(examined.schema, examined.content)
    return GateFacts(
        body_type=body_type,
        personal=schemas.load_catalogue().by_schema(examined.schema).personal,
        categories=categories,
        sensitivities=sensitivities,
        purpose=examined.purpose,
        sender_node=examined.sender,
        recipient_unit=UnitAddress(f"{own_node}/{unit}"),
        recipient=known.recipient,
        sender_kind=known.sender_kind,
        consent=known.consent,
        consent_case=ConsentCase.SAME,  # the sender's cases are its own; it has signed that this is one of them
        recorded_by=known.recorded_by,
        handling=(),
        conversation_withdrawn=known.withdrawn,
        asylum_hold=False,
        feared_states=frozenset(),
        history=known.history,
        approver=None,
        header=examined.header,
        content=examined.content,
        findings=(),
        today=datetime.fromtimestamp(examined.created, UTC).date(),
        sender_roles=known.sender_roles,
    )
