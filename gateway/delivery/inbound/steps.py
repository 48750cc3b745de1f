"""The incoming procedure, PROTOCOL B5 "Receive order", with its numbers.

Nothing of the statement is believed before step 8.

 1, 2  HTTP limits and the request signature                      gateway.federation
 3     canonical parse of the envelope                            `read`
 3b    a final answer that was given before                       the shell, by (proven signer, id)
 4     suite, addressee, expiry                                   `unpack`; the suite in `read`
 5, 6  known key, HPKE open, content open                         `unpack`
 7     padding and frames                                         `unpack`
 8     statement signature under the sender's descriptor          `authenticate`
 9     cross checks of header, statement, clock and commitment    `authenticate`
 10    the request signer is the sender                           `unpack` (before a chain is fetched for `from`, B14.6)
 11    numbering                                                  `gateway.messages.machines.numbering`, under the
 link's lock
 12    scope                                                      `examine`
 13    body: strict JSON, schema by hash, text policy             `examine`
 13b   the gates that a receiver can judge                        `admit`
 13c   the conversation allowed it, as its sender saw it          `admit`
 13d   all of its files are here, and are what was signed         the shell, with `gateway.attachments.media`
 14    one transaction                                            the shell

The shell calls `read`, `unpack`, `authenticate`, `examine` and `admit`, and each takes what the one before leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

import schemas
from gateway.attachments.rules import faults, files_of, largest, lengths
from gateway.consent.rules import Consent
from gateway.conversations.history import NOTHING_SAID, History, Opened, Side
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.facts import Message, make_message
from gateway.conversations.rules.fold import Impossible, JudgementPoint
from gateway.conversations.rules.order import place
from gateway.errors import Code, Finding, RefusedError, RemoteError
from gateway.messages.types import AcceptedMessage, AuthenticStatement, ExaminedMessage, LinkPosition
from gateway.peers.scope import Direction, PeerScope, may
from gateway.policy.gates.gate_table import CODE_RULES, GateFacts, Permit, Recipient, UnitKind, received
from keys.documents import envelope as wire
from keys.documents.descriptor import Descriptor
from keys.primitives.encoding import SKEW, Json, parse
from keys.primitives.seal import SUITE
from keys.primitives.seal import open_content as aead_open_content
from keys.primitives.sign import STATEMENT, Signature, verify
from schemas.types import type_name

OpenCek = Callable[[str, bytes, bytes], bytes]
"""(kid, enc, info) -> content key; raises RemoteError unknown_recipient_key or undecryptable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacked:
    """Frames of an opened envelope. Readable, not yet believed; `sender` equals the proven signer of the request."""

    envelope: wire.Envelope
    statement: wire.Statement
    statement_bytes: bytes
    signatures: bytes
    signature: Signature
    secret: bytes
    body: bytes


def read(data: bytes) -> wire.Envelope:
    """Step 3. Raises RemoteError malformed, too_large or unsupported_suite."""
    return wire.parse_envelope(data)


def unpack(envelope: wire.Envelope, *, own: Descriptor, signer: str, open_cek: OpenCek, now: int) -> Unpacked:
    """Steps 4 to 7 and 10. `signer` is the node that signed the HTTP request."""
    _address(envelope, own.node, now)
    inner = _open(envelope, open_cek)
    frames = wire.unpack_inner(inner)  # 7
    statement = wire.Statement.parse(frames.statement)
    if statement.from_ != signer:  # 10
        raise RemoteError(Code.UNKNOWN_SENDER, "the request was signed by another node")
    return Unpacked(
        envelope=envelope,
        statement=statement,
        statement_bytes=frames.statement,
        signatures=frames.signatures,
        signature=wire.parse_signatures(frames.signatures),
        secret=frames.secret,
        body=frames.body,
    )


def _address(envelope: wire.Envelope, me: str, now: int) -> None:
    """Step 4."""
    if envelope.to != me:
        raise RemoteError(Code.MISROUTED, "the envelope is addressed to another node")
    if now >= envelope.exp + SKEW:
        raise RemoteError(Code.EXPIRED, "the envelope has expired")


def _open(envelope: wire.Envelope, open_cek: OpenCek) -> bytes:
    """Steps 5 and 6: the first recipient key that is ours opens the content key."""
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


def oldest_usable(chain: Sequence[Descriptor]) -> int:
    """The oldest version of this node's own descriptor that a statement may still name (PROTOCOL B14.11).

    Older is too old when a later version revoked a key or changed suites or roots. `chain` is the own one in order.
    """
    oldest = chain[-1].version
    for older, newer in zip(reversed(chain[:-1]), reversed(chain), strict=False):
        if _relied_on(older) != _relied_on(newer):
            break
        oldest = older.version
    return oldest


def _relied_on(descriptor: Descriptor) -> object:
    revoked = {revocation.kid for revocation in descriptor.revoked}
    return revoked, descriptor.suites, descriptor.roots, descriptor.threshold


def authenticate(
    unpacked: Unpacked, *, own: Descriptor, sender: Descriptor, now: int, oldest: int = 1
) -> AuthenticStatement:
    """Steps 8 and 9. `sender` is the newest descriptor held, of version `from_desc` or later.

    `oldest` is what `oldest_usable` says of the own chain.
    """
    statement = unpacked.statement
    key = sender.signing_key(unpacked.signature.kid, at=statement.created)  # 8
    verify(key, STATEMENT, unpacked.statement_bytes, unpacked.signature)
    _cross_check(unpacked, own, now)  # 9
    if statement.to_desc < oldest:
        raise RemoteError(Code.NEWER_DESCRIPTOR, "the statement relies on a descriptor of before a revocation")
    return AuthenticStatement(
        statement=statement,
        statement_bytes=unpacked.statement_bytes,
        statement_hash=wire.statement_hash(unpacked.statement_bytes),
        signatures=unpacked.signatures,
        secret=unpacked.secret,
        body=unpacked.body,
        link_hash=wire.link_hash(epoch=statement.epoch, n=statement.n, id=statement.id, prev=statement.prev),
    )


def _cross_check(unpacked: Unpacked, own: Descriptor, now: int) -> None:
    statement, envelope = unpacked.statement, unpacked.envelope
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
    if statement.created > now + SKEW:
        raise RemoteError(Code.NOT_YET_VALID, "the statement was made in the future")
    if now >= statement.expires + SKEW:
        raise RemoteError(Code.EXPIRED, "the statement has expired")
    if not 0 < statement.expires - statement.created <= wire.MESSAGE_LIFE:
        raise RemoteError(Code.MALFORMED, "the statement lives too long")
    if statement.to_desc > own.version:
        raise RemoteError(Code.MALFORMED, "the statement names a descriptor this node never had")
    if wire.commit(unpacked.secret, unpacked.body) != statement.commit:
        raise RemoteError(Code.BAD_COMMITMENT, "the body is not the one that was signed")
    if lengths(files_of(unpacked.secret)) != statement.parts:
        raise RemoteError(Code.MALFORMED, "the secret is of other parts")


def examine(authentic: AuthenticStatement, *, standing: PeerScope) -> ExaminedMessage:
    """Steps 12 and 13. The number is consumed already: a refusal here becomes a signed `rejected` receipt.

    Raises:
        RemoteError: out_of_scope, schema, too_large for a file, or gate_g11 for an unknown code in the body or as
            purpose.
    """
    statement = authentic.statement
    _check_scope(standing, statement.body_type)
    try:
        known = schemas.catalogue().by_schema(statement.schema)
    except RefusedError as exc:
        raise RemoteError(Code.SCHEMA, "the schema is not one of this node") from exc
    if known.body_type != statement.body_type:
        raise RemoteError(Code.SCHEMA, "the schema is not one of this node")
    header, content = _body(authentic.body, known.schema)
    files = files_of(authentic.secret)
    if findings := faults(known.schema, content, files):
        raise RemoteError(Code.SCHEMA, "the files are not those that the body names", findings=findings)
    _check_purpose(known, statement.purpose)
    _check_scope(standing, statement.body_type, statement.purpose, header, len(authentic.body), largest(files))
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
        signatures=authentic.signatures,
        secret=authentic.secret,
        body=authentic.body,
        header=header,
        content=content,
    )


def to_conversation_message(message: AcceptedMessage, around: ConversationContext) -> Message:
    """A message of the peer as the conversation sees it."""
    return make_message(
        id=message.id,
        side=around.side,
        n=place(message.position.epoch, message.position.n),
        created=message.created,
        body_type=message.body_type,
        reply_to=message.reply_to,
        header=message.header,
        content=message.content,
    )


def to_gate_message(message: AcceptedMessage) -> Opened:
    """A message of the peer as the gates take what was said before."""
    return Opened(
        body_type=message.body_type,
        side=Side.THEIRS,
        created=message.created,
        header=message.header,
        content=message.content,
    )


def _check_order(around: ConversationContext, message: AcceptedMessage) -> None:
    """Step 13c: only what no honest node would have sent is refused (DOMAIN 3.4)."""
    found = around.judge(to_conversation_message(message, around), step=JudgementPoint.ADMISSION)
    if isinstance(found, Impossible):
        raise RemoteError(found.code, "the conversation does not allow this message")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverContext:
    """What a receiver knows besides the message when it asks the gates.

    `sender_kind` and `recipient` are from signed descriptors and the own settings; `consent` is what consent_ref names,
    with its withdrawals, None where no record is held; `withdrawn`: everything of it was taken back; `recorded_by` are
    the nodes whose records are held.
    """

    sender_kind: UnitKind | None
    recipient: Recipient | None
    consent: Consent | None
    recorded_by: frozenset[str]
    withdrawn: bool
    history: History = NOTHING_SAID


def admit(
    examined: ExaminedMessage, *, held: ReceiverContext, around: ConversationContext | None, to: str
) -> AcceptedMessage:
    """Steps 13b and 13c, at the node `to`. The number is consumed already: a refusal becomes a signed `rejected`
    receipt. `around` is None for what belongs to no conversation.

    Consent has to hold on the day on which the statement was signed: what was on its way does not become unlawful when
    a grant ends, while a withdrawal counts at once.

    Raises:
        RemoteError: the code of the first gate that is closed; its findings name every closed gate and place. Or
            out_of_order.
    """
    decision = received(_facts(examined, held, to))
    if not isinstance(decision, Permit):
        findings = [Finding(place=refusal.place, rule=str(refusal.gate), hint=refusal.hint) for refusal in decision]
        raise RemoteError(decision[0].gate, "a gate is closed to this message", findings=findings)
    message = AcceptedMessage(**{field.name: getattr(examined, field.name) for field in fields(examined)})
    if around is not None:
        _check_order(around, message)
    return message


def _facts(examined: ExaminedMessage, held: ReceiverContext, to: str) -> GateFacts:
    body_type, unit = examined.body_type, examined.header.get("recipient_unit")
    sensitivities, categories = schemas.disclosed(examined.schema, examined.content)
    return GateFacts(
        body_type=body_type,
        personal=schemas.catalogue().by_schema(examined.schema).personal,
        categories=categories,
        sensitivities=sensitivities,
        purpose=examined.purpose,
        sender_node=examined.sender,
        recipient_unit=f"{to}/{unit}",
        recipient=held.recipient,
        sender_kind=held.sender_kind,
        consent=held.consent,
        recorded_by=held.recorded_by,
        handling=(),
        conversation_withdrawn=held.withdrawn,
        asylum_hold=False,
        history=held.history,
        approver=None,
        header=examined.header,
        content=examined.content,
        findings=(),
        today=datetime.fromtimestamp(examined.created, UTC).date(),
    )


def _check_scope(
    standing: PeerScope,
    body_type: str,
    purpose: str | None = None,
    header: dict[str, Json] | None = None,
    size: int | None = None,
    largest_file: int | None = None,
) -> None:
    """Step 12: type, direction and corridor before the body is read; the rest once it is known to be valid, so that a
    word that is no code at all is refused under its own name (G11).
    """
    kept_out = standing.outside(
        body_type, Direction.RECEIVE, purpose=purpose, size=size, header=header, largest_file=largest_file
    )
    if kept_out == "max_file_bytes":
        raise RemoteError(Code.TOO_LARGE, "a file is larger than is agreed with the sender")
    if not may(standing.state, Direction.RECEIVE, body_type) or kept_out is not None:
        raise RemoteError(Code.OUT_OF_SCOPE, "this message is not agreed with the sender")


def _check_purpose(known: schemas.MessageType, purpose: str | None) -> None:
    """As the sender's gates have it (DOMAIN 2.1 G2, G10, G11): what they let pass must not be refused here."""
    if known.never_blocked:
        return
    if purpose is not None and purpose not in schemas.code_list("purpose"):
        raise RemoteError(Code.GATE_G11, "the purpose is not a known code")
    if purpose is None and known.personal and type_name(known.body_type) != "consent.record":
        raise RemoteError(Code.SCHEMA, "a message with personal data names its purpose")


def _body(data: bytes, schema: str) -> tuple[dict[str, Json], dict[str, Json]]:
    try:
        body = parse(data, limit=len(data))
    except RemoteError as exc:
        raise RemoteError(Code.SCHEMA, "the body is not canonical JSON") from exc
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
