"""What a sealed row of the store holds: canonical JSON for the facts about a message, raw frames for what was signed.

message content    LP(facts) || LP(secret) || LP(body)     dies when the message is erased
evidence           LP(statement) || LP(place || batch)     outlives the content (nrm1 3.7, 7.5)

The batch of a statement is kept beside, once for all that was signed in it (`gateway.messages.store.batches`); the row
has its name, and the place of the statement in it. Rows of before, and those of the first form, have all of it:

evidence           LP(statement) || LP(proof)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from gateway.foundation.ids import ConversationId, MessageId, NodeId, Reference, UnitId
from gateway.messages.types import AcceptedMessage, ValidMessage
from keys.documents.statement import SecretPart
from keys.primitives.batch import Inclusion, Proof
from keys.primitives.encoding import Json, b64u, canon, lp_join, lp_split, maybe_text, number, text, unb64u
from keys.primitives.merkle_tree import HASH

LIMIT = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts about a message that only this node may read at rest. Times are Unix seconds; ``dropped`` are the
    places that the corridor policy took out, ``written`` the content before that: it is what the gates that keep the
    person safe judge by, is shown to nobody, and dies with the message.
    """

    body_type: str
    schema: str
    conversation: ConversationId
    reply_to: str | None
    purpose: str | None
    consent_ref: str | None
    created: int
    approver: str | None = None
    case: str | None = None
    dropped: tuple[str, ...] = ()
    written: Mapping[str, Json] | None = None

    def encode(self) -> bytes:
        """Canonical JSON."""
        return canon(
            {
                "body_type": self.body_type,
                "schema": self.schema,
                "conversation": self.conversation,
                "reply_to": self.reply_to,
                "purpose": self.purpose,
                "consent_ref": self.consent_ref,
                "created": self.created,
                "approver": self.approver,
                "case": self.case,
                "dropped": [*self.dropped],
                "written": None if self.written is None else dict(self.written),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageContent:
    """An opened message row."""

    facts: Facts
    secret: bytes
    body: bytes

    def halves(self) -> tuple[dict[str, Json], dict[str, Json]]:
        """Header and content of the body, which was strictly parsed before it was sealed."""
        body = orjson.loads(self.body)
        return body["header"], body["content"]


def outgoing(message: ValidMessage, secret: bytes, approver: str | None = None, case: str | None = None) -> bytes:
    """The content row of a message that waits to go; `approver` is who approved it here besides its author, `case` the
    local number of our case.
    """
    facts = Facts(
        body_type=message.body_type,
        schema=message.schema,
        conversation=message.conversation,
        reply_to=message.reply_to,
        purpose=message.purpose,
        consent_ref=message.consent_ref,
        created=message.submitted,
        approver=approver,
        case=case,
        dropped=message.dropped,
        written=message.written,
    )
    return lp_join(facts.encode(), secret, message.body)


def incoming(message: AcceptedMessage) -> bytes:
    """The content row of an accepted message."""
    reference = message.header.get("consent_ref")
    facts = Facts(
        body_type=message.body_type,
        schema=message.schema,
        conversation=message.conversation,
        reply_to=message.reply_to,
        purpose=message.purpose,
        consent_ref=reference if isinstance(reference, str) else None,
        created=message.created,
    )
    return lp_join(facts.encode(), message.secret, message.body)


def read_content(plaintext: bytes) -> MessageContent:
    """Open a content row."""
    facts, secret, body = lp_split(plaintext, 3, LIMIT)
    value = orjson.loads(facts)
    return MessageContent(
        facts=Facts(
            body_type=text(value["body_type"]),
            schema=text(value["schema"]),
            conversation=ConversationId(text(value["conversation"])),
            reply_to=maybe_text(value["reply_to"]),
            purpose=maybe_text(value["purpose"]),
            consent_ref=maybe_text(value["consent_ref"]),
            created=number(value["created"]),
            approver=maybe_text(value["approver"]),
            case=maybe_text(value["case"]),
            dropped=tuple(text(place) for place in value["dropped"]),
            written=value["written"],
        ),
        secret=secret,
        body=body,
    )


def valid_message(id: str, to: str, expires: int, submitted: int, content: MessageContent) -> ValidMessage:
    """The message of a content row, as it was when it was submitted."""
    facts = content.facts
    return ValidMessage(
        id=MessageId(id),
        body_type=facts.body_type,
        schema=facts.schema,
        to=NodeId(to),
        conversation=ConversationId(facts.conversation),
        reply_to=None if facts.reply_to is None else MessageId(facts.reply_to),
        purpose=facts.purpose,
        consent_ref=None if facts.consent_ref is None else Reference(facts.consent_ref),
        submitted=submitted,
        expires=expires,
        body=content.body,
        dropped=facts.dropped,
        written=facts.written,
    )


def attachment(part: SecretPart, unit: UnitId | None) -> bytes:
    """What opens a file that waits for its message, and the unit of whoever added it, if they are bound to one."""
    return canon(
        {
            "unit": unit,
            "n": part.n,
            "name": part.name,
            "media": part.media,
            "size": part.size,
            "key": b64u(part.key),
            "sha256": b64u(part.sha256),
        }
    )


def read_attachment(plaintext: bytes) -> SecretPart:
    """What opens it, again."""
    value = orjson.loads(plaintext)
    return SecretPart(
        n=number(value["n"]),
        name=text(value["name"]),
        media=text(value["media"]),
        size=number(value["size"]),
        key=unb64u(value["key"]),
        sha256=unb64u(value["sha256"]),
    )


def read_adder(plaintext: bytes) -> str | None:
    """The unit of whoever added a file that waits; None for somebody of no unit, and in what was stored before."""
    unit = orjson.loads(plaintext).get("unit")
    return unit if isinstance(unit, str) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStatement:
    """An opened evidence row. Where `batch` is the name of a batch, `proof` is the place in it; where it is None,
    `proof` is the whole proof, or the signature of the first form.
    """

    statement: bytes
    proof: bytes
    batch: bytes | None

    def inclusion_in(self, count: int) -> Inclusion:
        """Read the place in the batch, which has so many leaves. Raises RemoteError(malformed)."""
        return Inclusion.unpack(self.proof, count)


def evidence(statement: bytes, proof: Proof) -> bytes:
    """The evidence row of one sealing; its batch is to be stored with it."""
    return lp_join(statement, proof.inclusion.pack() + proof.batch.name)


def read_evidence(plaintext: bytes) -> KeptStatement:
    """Open an evidence row. Raises RemoteError(malformed)."""
    statement, proof = lp_split(plaintext, 2, LIMIT)
    if proof.startswith(b"{"):
        return KeptStatement(statement=statement, proof=proof, batch=None)
    return KeptStatement(statement=statement, proof=proof[:-HASH], batch=proof[-HASH:])
