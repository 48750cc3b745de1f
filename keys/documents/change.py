"""The changes that administrators make, and their signed approvals (nrm1 8.13, 8.15).

    nrm.change/1    exactly one change of one subject; `prev` is the newest completed change of that subject
    nrm.approval/2  "I approve the change with this hash", signed by an administrator

The hash of a change covers every byte of it, so that nothing can be altered after somebody approved it. This module
defines the documents; `gateway.changes.rules` decides how many people a change needs and what it does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from gateway.errors import Code, RemoteError
from gateway.foundation.ids import KeyId, NodeId
from gateway.ports import Json
from keys.documents.admin_card import AdminCard
from keys.documents.fingerprint import groups_of
from keys.documents.trust_record import is_scope
from keys.primitives.domains import APPROVAL, SIGNED
from keys.primitives.encoding import (
    Check,
    b64u,
    canon,
    exact,
    h,
    is_code,
    is_count,
    is_hash,
    is_id,
    is_int,
    is_line,
    is_node,
    is_object,
    is_str,
    list_of,
    malformed,
    maybe_text,
    nullable,
    number,
    one_of,
    parse_payload,
    text,
    unb64u,
)
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.sign import SignedDocument, sign_document

CHANGE_TYPE: Final = "nrm.change/1"
PERSON: Final = "person/"
"""How the subject of a change begins that is about somebody who works at the node."""


# --- changes -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one subject: a peer's node id, `admins`, `node`, `clock`, or `person/` with the id of a person.

    `at` is when it was prepared, Unix seconds.
    """

    node: NodeId
    subject: str
    prev: str | None
    at: int
    action: str
    body: Mapping[str, Json]

    def to_json(self) -> dict[str, Json]:
        """Return the object that is hashed."""
        return {
            "type": CHANGE_TYPE,
            "node": self.node,
            "subject": self.subject,
            "prev": self.prev,
            "at": self.at,
            "action": self.action,
            "body": dict(self.body),
        }

    def encode(self) -> bytes:
        """Return canonical JSON: the exact bytes that an approval covers."""
        return canon(self.to_json())

    @property
    def hash(self) -> str:
        """The hash that people sign and that the next change of the subject names as its `prev`."""
        return change_hash(self.encode())

    @property
    def digits(self) -> str:
        """The hash as 30 digits, for two people or two screens to compare (nrm1 8.15)."""
        return groups_of(unb64u(self.hash))

    @classmethod
    def parse(cls, payload: bytes) -> Self:
        """Read a change with exactly the members of its action. Raises RemoteError(malformed)."""
        member = exact(parse_payload(payload), _CHANGE, what="change")
        action, body = text(member["action"]), member["body"]
        if action not in BODIES or not isinstance(body, dict):
            raise malformed("change has an unknown action")
        shape = BODIES[action]
        if shape is not None:
            exact(body, shape, what=f"change.body of {action}")
        return cls(
            node=NodeId(text(member["node"])),
            subject=text(member["subject"]),
            prev=maybe_text(member["prev"]),
            at=number(member["at"]),
            action=action,
            body=body,
        )

    @classmethod
    def parse_named(cls, payload: bytes, hash: str) -> Self:
        """Read the change that `hash` names. Raises RemoteError(malformed; conflict for any other change)."""
        change = cls.parse(payload)
        if change.hash != hash:
            raise RemoteError(Code.CONFLICT, "this is another change than the one that its hash names")
        return change


def change_hash(payload: bytes) -> str:
    """Return H("change", payload)."""
    return b64u(h("change", payload))


# --- approvals ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's approval of one change.

    `emergency` asks to skip the waiting time; every approval must ask for it.
    """

    change: str
    admin: str
    at: int
    emergency: bool
    document: SignedDocument

    @classmethod
    def sign(cls, change: Change, *, admin: str, key: SigningKey, at: int, emergency: bool = False) -> Self:
        """Approve exactly the bytes of `change`."""
        payload = canon(
            {"type": SIGNED[APPROVAL].payload, "change": change.hash, "admin": admin, "at": at, "emergency": emergency}
        )
        return cls.read(sign_document(APPROVAL, payload, [key]))

    @classmethod
    def read(cls, document: SignedDocument) -> Self:
        """Read the approval in a document; ``SignedDocument.verify`` proves who signed it. Raises
        RemoteError(malformed).
        """
        member = exact(parse_payload(document.payload), {"type": document.is_type, **_APPROVAL}, what="approval")
        return cls(
            change=text(member["change"]),
            admin=text(member["admin"]),
            at=number(member["at"]),
            emergency=member["emergency"] is True,
            document=document,
        )

    @classmethod
    def from_json(cls, value: Json) -> Self:
        """Read the approval in the member form of a document. Raises RemoteError(malformed, wrong_type)."""
        return cls.read(SignedDocument.from_json(value, APPROVAL))

    def encode(self) -> bytes:
        """Return canonical JSON, as it is stored with the change."""
        return self.document.encode()

    def check(self, card: object, change: Change) -> None:
        """Verify that `card` approved exactly `change`. Raises RemoteError(bad_signature, conflict)."""
        if not isinstance(card, AdminCard):
            raise RemoteError(Code.BAD_SIGNATURE, "signed by another key")
        self.document.verify(card.key)
        if self.change != change.hash:
            raise RemoteError(Code.CONFLICT, "the approval is for another change")

    @property
    def kid(self) -> KeyId:
        """The name of the key that signed."""
        return self.document.signature.kid

    @property
    def hash(self) -> str:
        """Return H("approval", document), by which a trust record names the approval."""
        return b64u(h("approval", self.encode()))


# --- shapes ------------------------------------------------------------------------------------------------------


def is_bool(value: Json) -> bool:
    """Whether the value is true or false."""
    return isinstance(value, bool)


def is_person(value: Json) -> bool:
    """Whether the subject of a change is somebody who works at the node."""
    return isinstance(value, str) and value.startswith(PERSON) and is_id(value.removeprefix(PERSON))


def _is_descriptor(value: Json) -> bool:
    match value:
        case {"version": version, "hash": digest, **rest}:
            return not rest and is_count(version) and is_hash(digest)
    return False


_PEER: Final[dict[str, Check]] = {
    "descriptor": _is_descriptor,
    "fingerprint": is_str(r"[0-9]{5}( [0-9]{5}){5}", 35),
    "channel": is_code,
}
_PERSON: Final[dict[str, Check]] = {
    "name": is_line(1, 64),
    "roles": list_of(is_code, 1, 10, distinct=True),
    "unit": nullable(is_str(maxlen=64)),
}
_POLICY: Final[dict[str, Check]] = {
    "name": is_str(r"[a-z][a-z0-9-]*", 48),
    "version": is_count,
    "digest": is_str(r"sha256:[0-9a-f]{64}", 71),
    "file": is_str(maxlen=100_000),
}

BODIES: Final[Mapping[str, Mapping[str, Check] | None]] = {
    "admins.begin": {"admins": list_of(is_object, 2, 2)},
    "admin.enrol": {"admin": is_object},
    "admin.retire": {"pseudonym": is_id},
    "peer.activate": {**_PEER, "scope": is_scope, "not_before": lambda value: value is None, "expires": is_int()},
    "peer.confirm_roots": _PEER,
    "peer.renew": {"expires": is_int()},
    "peer.widen": {"scope": is_scope},
    "peer.narrow": {"scope": is_scope},
    "peer.suspend": {},
    "peer.resume": {},
    "peer.revoke": {},
    "link.reset": None,
    "link.accept_reset": None,
    "clock.reset": {"until": is_int(), "keyset": is_count},
    "person.enrol": _PERSON,
    "person.change": _PERSON,
    "person.invite": _PERSON,
    "person.vouch": _PERSON,
    "policy.begin": _POLICY,
    "policy.widen": _POLICY,
    "policy.narrow": _POLICY,
}
"""The exact members of each action's body; None where whoever carries the action out judges it."""

_CHANGE: Final[dict[str, Check]] = {
    "type": one_of(CHANGE_TYPE),
    "node": is_node,
    "subject": lambda value: is_node(value) or is_person(value) or value in ("admins", "node", "clock"),
    "prev": nullable(is_hash),
    "at": is_int(),
    "action": is_str(r"[a-z_]+\.[a-z_]+", 48),
    "body": is_object,
}
_APPROVAL: Final[dict[str, Check]] = {
    "change": is_hash,
    "admin": is_id,
    "at": is_int(),
    "emergency": is_bool,
}
