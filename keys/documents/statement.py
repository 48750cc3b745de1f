"""What is signed about a message, and the half of its commitment that can be destroyed (nrm1 3.2).

Each ``parse`` proves shape only; ``gateway.delivery`` checks that names, hashes and times agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import ConversationId, KeyId, MessageId, NodeId
from gateway.ports import Json
from keys.primitives.domains import SIGNED, STATEMENT, STATEMENT_1
from keys.primitives.encoding import (
    DAY,
    Check,
    b64u,
    canon,
    exact,
    h,
    is_b64u,
    is_code,
    is_count,
    is_hash,
    is_id,
    is_int,
    is_node,
    is_object,
    is_str,
    items,
    list_of,
    lp_join,
    malformed,
    maybe_text,
    nullable,
    number,
    numbers,
    one_of,
    parse_payload,
    text,
    texts,
    unb64u,
)
from keys.primitives.seal import CEK, SUITE

MOST_RECIPIENTS: Final = 8
MOST_PARTS: Final = 64
STATEMENTS: Final = (STATEMENT, STATEMENT_1)
"""Both forms, for what was kept: nobody makes or takes the first one any more (nrm1 1.17)."""
MESSAGE_LIFE: Final = 14 * DAY  # seconds

is_parts: Final[Check] = list_of(is_int(1), 0, MOST_PARTS)


# --- statement ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The signed evidence of a message: sender, receiver, conversation, times, number and commitment.

    Ids and hashes are base64url, times Unix seconds. `rcp` are the key ids of the envelope; `prev` is None exactly when
    `n` is 1 (nrm1 5.1); `schema` is "sha256:" and 64 hexadecimal digits; `commit` hides the body once the salt is gone.
    `payload_type` is that of the document it is signed in, which says its form.
    """

    id: MessageId
    from_: NodeId
    from_desc: int
    to: NodeId
    to_desc: int
    rcp: tuple[KeyId, ...]
    epoch: int
    n: int
    prev: str | None
    conv: ConversationId
    reply_to: MessageId | None
    created: int
    expires: int
    body_type: str
    schema: str
    purpose: str | None
    commit: str
    parts: tuple[int, ...] = ()
    suite: str = SUITE
    payload_type: str = STATEMENT

    @property
    def link(self) -> str:
        """The link hash of its number (nrm1 3.6)."""
        return link_hash(epoch=self.epoch, n=self.n, id=self.id, commit=self.commit, prev=self.prev)

    def encode(self) -> bytes:
        """Return canonical JSON: the bytes that are signed."""
        return canon(
            {
                "type": SIGNED[self.payload_type].payload,
                "suite": self.suite,
                "id": self.id,
                "from": self.from_,
                "from_desc": self.from_desc,
                "to": self.to,
                "to_desc": self.to_desc,
                "rcp": list(self.rcp),
                "epoch": self.epoch,
                "n": self.n,
                "prev": self.prev,
                "conv": self.conv,
                "reply_to": self.reply_to,
                "created": self.created,
                "expires": self.expires,
                "body_type": self.body_type,
                "schema": self.schema,
                "purpose": self.purpose,
                "commit": self.commit,
                "parts": list(self.parts),
            }
        )

    @classmethod
    def parse(cls, data: bytes, *payload_types: str) -> Self:
        """Read the frame of a statement that is of one of these types, the one that is issued unless others are named.

        Raises RemoteError(malformed), or wrong_type for one of the other form.
        """
        member = exact(parse_payload(data), _STATEMENT, what="statement")
        payload_type = _TYPES[text(member["type"])]
        if payload_type not in (payload_types or (STATEMENT,)):
            raise RemoteError(Code.WRONG_TYPE, "statement is of another form")
        reply_to = maybe_text(member["reply_to"])
        statement = cls(
            payload_type=payload_type,
            suite=text(member["suite"]),
            id=MessageId(text(member["id"])),
            from_=NodeId(text(member["from"])),
            from_desc=number(member["from_desc"]),
            to=NodeId(text(member["to"])),
            to_desc=number(member["to_desc"]),
            rcp=tuple(KeyId(kid) for kid in texts(member["rcp"])),
            epoch=number(member["epoch"]),
            n=number(member["n"]),
            prev=maybe_text(member["prev"]),
            conv=ConversationId(text(member["conv"])),
            reply_to=None if reply_to is None else MessageId(reply_to),
            created=number(member["created"]),
            expires=number(member["expires"]),
            body_type=text(member["body_type"]),
            schema=text(member["schema"]),
            purpose=maybe_text(member["purpose"]),
            commit=text(member["commit"]),
            parts=numbers(member["parts"]),
        )
        check_prev(statement.n, statement.prev)
        return statement


_TYPES: Final = {SIGNED[name].payload: name for name in STATEMENTS}
_STATEMENT: Final[dict[str, Check]] = {
    "type": one_of(*_TYPES),
    "suite": is_str(r"nrm[1-9][0-9]{0,3}", 7),
    "id": is_id,
    "from": is_node,
    "from_desc": is_count,
    "to": is_node,
    "to_desc": is_count,
    "rcp": list_of(is_id, 1, MOST_RECIPIENTS, distinct=True),
    "epoch": is_count,
    "n": is_count,
    "prev": nullable(is_hash),
    "conv": is_id,
    "reply_to": nullable(is_id),
    "created": is_int(),
    "expires": is_int(),
    "body_type": is_str(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)*/[1-9][0-9]{0,3}", 100),  # nrm1 3.2
    "schema": is_str(r"sha256:[0-9a-f]{64}", 71),
    "purpose": nullable(is_code),  # nrm1 3.2
    "commit": is_hash,
    "parts": is_parts,
}


def check_prev(n: int, prev: str | None) -> None:
    """Check that exactly number 1 has no `prev` (nrm1 5.1). Raises RemoteError(malformed)."""
    if (n == 1) != (prev is None):
        raise malformed("prev is null exactly when n is 1")


def statement_hash(data: bytes) -> str:
    """H("stmt", bytes) of a statement or of a void, as a receipt's `of` names it (nrm1 3.6)."""
    return b64u(h("stmt", data))


def proof_hash(frame: bytes) -> str:
    """H("sigs", frame) of what proves a statement: how the audit log shows that it was there (nrm1 7.7).

    `of` alone would let whoever steals a key later sign what was put into a log before.
    """
    return b64u(h("sigs", frame))


def link_hash(*, epoch: int, n: int, id: str, commit: str | None, prev: str | None) -> str:
    """H("link", canon({epoch,n,id,commit,prev})): the `prev` of number n + 1 (nrm1 3.6, 5.1).

    `commit` is None, and no member, for a number under which no content was ever signed.
    """
    members: dict[str, Json] = {"epoch": epoch, "n": n, "id": id, "prev": prev}
    return b64u(h("link", canon(members if commit is None else {**members, "commit": commit})))


def compute_whole_commitment(secret: bytes, body: bytes) -> str:
    """Compute H("commit", LP(secret) || LP(body)): what a statement of the first form commits to (nrm1 7.14)."""
    return b64u(h("commit", lp_join(secret, body)))


# --- secret ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPart:
    """The key and the expected content of attachment `n`: `size` in bytes, and its SHA-256."""

    n: int
    name: str
    media: str
    size: int
    key: bytes
    sha256: bytes

    def __repr__(self) -> str:
        return "<redacted>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """The half of the commitment that is destroyed with the content: 32 random bytes, and the keys of the parts."""

    salt: bytes
    parts: tuple[SecretPart, ...] = ()

    def encode(self) -> bytes:
        """Return canonical JSON."""
        parts: list[Json] = [
            {
                "n": part.n,
                "name": part.name,
                "media": part.media,
                "len": part.size,
                "key": b64u(part.key),
                "sha256": b64u(part.sha256),
            }
            for part in self.parts
        ]
        return canon({"salt": b64u(self.salt), "parts": parts})

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read the frame; parts are numbered from 0. Raises RemoteError(malformed)."""
        member = exact(parse_payload(data), _SECRET, what="secret")
        parts = tuple(_secret_part(item) for item in items(member["parts"]))
        if [part.n for part in parts] != list(range(len(parts))):
            raise malformed("parts are not numbered from 0")
        return cls(salt=unb64u(member["salt"]), parts=parts)

    def __repr__(self) -> str:
        return "<redacted>"


def _secret_part(value: Json) -> SecretPart:
    member = exact(value, _SECRET_PART, what="part")
    return SecretPart(
        n=number(member["n"]),
        name=text(member["name"]),
        media=text(member["media"]),
        size=number(member["len"]),
        key=unb64u(member["key"]),
        sha256=unb64u(member["sha256"]),
    )


_SECRET: Final[dict[str, Check]] = {"salt": is_b64u(32), "parts": list_of(is_object, 0, MOST_PARTS)}
_SECRET_PART: Final[dict[str, Check]] = {
    "n": is_int(0, MOST_PARTS - 1),
    "name": is_str(maxlen=255),
    "media": is_str(r"[ -~]+", 255),
    "len": is_int(),
    "key": is_b64u(CEK),
    "sha256": is_b64u(32),
}
