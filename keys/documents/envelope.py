"""The codec of an envelope and of what is inside: bytes to values and back, nothing else (nrm1 3).

    envelope   clear header and sealed content; ``Envelope``
      inner    four frames and zeros up to a bucket size; ``Inner``
        statement   signed, kept as evidence after erasure, no personal data; ``keys.documents.statement``
        proof       the batch that it was signed in, and its place there; ``keys.primitives.batch``
        secret      salt and part keys, destroyed with the content; ``keys.documents.statement``
        body        JSON of a message type, not read here

Each ``parse`` proves shape only; ``gateway.delivery`` checks that names, hashes and times agree.
Ids and hashes are members, hence base64url text; sealed content is ``bytes``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId, MessageId, NodeId
from gateway.ports import Json
from keys.documents.link_reset import Void
from keys.documents.receipts import Receipt, Status
from keys.documents.statement import (
    MESSAGE_LIFE,
    MOST_RECIPIENTS,
    Secret,
    SecretPart,
    Statement,
    is_parts,
    link_hash,
    statement_hash,
)
from keys.primitives.commitment import compute_commitment
from keys.primitives.domains import context
from keys.primitives.encoding import (
    Check,
    b64u,
    canon,
    exact,
    h,
    is_b64u,
    is_id,
    is_int,
    is_node,
    is_object,
    is_str,
    items,
    list_of,
    lp_join,
    lp_read,
    lp_split,
    malformed,
    number,
    numbers,
    one_of,
    padme,
    parse,
    text,
    unb64u,
)
from keys.primitives.seal import ENC, SUITE

__all__ = [
    "ENVELOPES",
    "ENVELOPES_LIMIT",
    "ENVELOPE_LIMIT",
    "MESSAGE_LIFE",
    "MOST_ENVELOPES",
    "Envelope",
    "Inner",
    "Receipt",
    "Recipient",
    "Secret",
    "SecretPart",
    "Statement",
    "Status",
    "Void",
    "body_context",
    "cek_info",
    "compute_commitment",
    "header_hash",
    "join_envelopes",
    "link_hash",
    "pack_inner",
    "parse_envelope",
    "round_up_to_hour",
    "split_envelopes",
    "statement_hash",
    "unpack_inner",
]

ENVELOPES: Final = "application/vnd.nrm.envelopes.v2"  # the HTTP content type, also for one envelope (nrm1 3.9)
ENVELOPE_LIMIT: Final = 1_500_000  # bytes
ENVELOPES_LIMIT: Final = 4 * 1024 * 1024  # bytes
MOST_ENVELOPES: Final = 32
HOUR: Final = 3600
SMALLEST_INNER: Final = 16_384  # bytes


# --- envelope ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One holder of the content key: the key id and the sealed content key (1168 bytes)."""

    kid: KeyId
    enc: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One envelope, as it travels. `exp` is Unix seconds on a full hour; `parts` are the ciphertext lengths of
    attachments.
    """

    id: MessageId
    to: NodeId
    exp: int
    rcp: tuple[Recipient, ...]
    parts: tuple[int, ...]
    ct: bytes

    @property
    def kids(self) -> tuple[KeyId, ...]:
        """Key ids of the recipients, in order."""
        return tuple(recipient.kid for recipient in self.rcp)

    @property
    def hdr(self) -> bytes:
        """Hash of the clear header, 32 bytes; bound into every sealed content key and into the sealed content."""
        return header_hash(id=self.id, to=self.to, exp=self.exp, kids=self.kids, parts=self.parts)

    def encode(self) -> bytes:
        """Return canonical JSON."""
        rcp: list[Json] = [{"kid": recipient.kid, "enc": b64u(recipient.enc)} for recipient in self.rcp]
        return canon(
            {
                "v": SUITE,
                "id": self.id,
                "to": self.to,
                "exp": self.exp,
                "rcp": rcp,
                "parts": list(self.parts),
                "ct": b64u(self.ct),
            }
        )


_RECIPIENT: Final = {"kid": is_id, "enc": is_b64u(ENC)}
_ENVELOPE: Final[dict[str, Check]] = {
    "v": one_of(SUITE),
    "id": is_id,
    "to": is_node,
    "exp": lambda value: is_int(HOUR)(value) and number(value) % HOUR == 0,
    "rcp": list_of(is_object, 1, MOST_RECIPIENTS),
    "parts": is_parts,
    "ct": is_str(maxlen=ENVELOPE_LIMIT),
}


def parse_envelope(data: bytes) -> Envelope:
    """Receive step 4 (nrm1 4.4).

    Raises RemoteError(too_large, malformed, unsupported_suite).
    """
    value = parse(data, limit=ENVELOPE_LIMIT)
    # Before the exact members: an envelope of a later suite has others, and its sender has to learn the reason.
    if isinstance(value, dict) and isinstance(version := value.get("v"), str) and version != SUITE:
        raise RemoteError(Code.UNSUPPORTED_SUITE, "envelope is of another suite")
    member = exact(value, _ENVELOPE, what="envelope")
    recipients = [exact(item, _RECIPIENT, what="rcp") for item in items(member["rcp"])]
    # Two sealed keys under one kid could differ, and each would open another content.
    if len({text(item["kid"]) for item in recipients}) != len(recipients):
        raise malformed("envelope names a recipient twice")
    return Envelope(
        id=MessageId(text(member["id"])),
        to=NodeId(text(member["to"])),
        exp=number(member["exp"]),
        rcp=tuple(Recipient(kid=KeyId(text(item["kid"])), enc=unb64u(item["enc"])) for item in recipients),
        parts=numbers(member["parts"]),
        ct=unb64u(member["ct"]),
    )


def header_hash(*, id: str, to: str, exp: int, kids: Sequence[str], parts: Sequence[int]) -> bytes:
    """hdr = H("hdr", canon({v,id,to,exp,rcp:[kids],parts})), 32 bytes."""
    return h("hdr", canon({"v": SUITE, "id": id, "to": to, "exp": exp, "rcp": list(kids), "parts": list(parts)}))


def cek_info(kid: KeyId, hdr: bytes) -> bytes:
    """Build the HPKE `info` that binds a sealed content key to its recipient and its envelope."""
    return context("cek") + kid.encode() + b"\0" + hdr


def body_context(hdr: bytes) -> bytes:
    """Build the Cobblestone-256 context that binds the sealed content to its envelope."""
    return context("body") + hdr


def round_up_to_hour(at: int) -> int:
    """Round an expiry up to the next full hour, so that `exp` does not reveal the second in which a message was
    written.
    """
    return -(-at // HOUR) * HOUR


# --- several at once ---------------------------------------------------------------------------------------------


def join_envelopes(envelopes: Sequence[bytes]) -> bytes:
    """Join 1 to 32 envelopes to a request body. The caller makes sure that they fit into 4 MiB."""
    body = lp_join(*envelopes)
    if not 1 <= len(envelopes) <= MOST_ENVELOPES or len(body) > ENVELOPES_LIMIT:
        raise RuntimeError("more envelopes than one request carries")
    return body


def split_envelopes(data: bytes) -> tuple[bytes, ...]:
    """The envelopes of a request, each still unread.

    Raises RemoteError(too_large, malformed) for the request as a whole (nrm1 3.9).
    """
    if len(data) > ENVELOPES_LIMIT:
        raise RemoteError(Code.TOO_LARGE, f"more than {ENVELOPES_LIMIT} bytes")
    return lp_split(data, None, ENVELOPES_LIMIT, most=MOST_ENVELOPES)


# --- inner -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """The four frames of the sealed content, not parsed yet."""

    statement: bytes
    proof: bytes
    secret: bytes
    body: bytes


def pack_inner(*, statement: bytes, proof: bytes, secret: bytes, body: bytes) -> bytes:
    """Join the frames and pad with zeros up to max(16384, padme(len))."""
    frames = lp_join(statement, proof, secret, body)
    return frames.ljust(max(SMALLEST_INNER, padme(len(frames))), b"\0")


def unpack_inner(inner: bytes) -> Inner:
    """Receive step 8, its first part (nrm1 4.8).

    Raises RemoteError(malformed) for a bad frame, and for padding that is not zero or not of the right size.
    """
    frames: list[bytes] = []
    offset = 0
    for _ in range(4):
        frame, offset = lp_read(inner, offset)
        frames.append(frame)
    # Padding has one spelling: else it could carry data that no record or audit entry covers.
    if inner.count(0, offset) != len(inner) - offset or len(inner) != max(SMALLEST_INNER, padme(offset)):
        raise malformed("padding is not as prescribed")
    statement, proof, secret, body = frames
    return Inner(statement=statement, proof=proof, secret=secret, body=body)
