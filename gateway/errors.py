"""What can go wrong, drawn first.

    GatewayError
      RemoteError     a peer's or a stranger's bytes broke a rule; the code is what the peer is told
      RefusedError    a local caller asked for what the node must not or can not do; nothing was changed
      TransientError  the world: a peer is away, a disk is full, an adapter is busy; trying again may help

A broken promise inside our own code is a plain ``RuntimeError`` and is never caught to be turned into one of these.
No error carries a value of a case: it names the place (a JSON pointer, a member name, a file and cell) and a rule.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Code(StrEnum):
    """Machine codes. The first block travels to a peer (nrm1 6.12); the second never leaves this node."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    UNSUPPORTED_SUITE = "unsupported_suite"
    DOWNGRADE = "downgrade"
    MISROUTED = "misrouted"
    MISDIRECTED = "misdirected"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    UNKNOWN_RECIPIENT_KEY = "unknown_recipient_key"
    UNDECRYPTABLE = "undecryptable"
    UNKNOWN_SENDER = "unknown_sender"
    NEWER_DESCRIPTOR = "newer_descriptor"
    UNKNOWN_KEY = "unknown_key"
    REVOKED_KEY = "revoked_key"
    BAD_KEY = "bad_key"
    BAD_SIGNATURE = "bad_signature"
    SPLICED = "spliced"
    BAD_COMMITMENT = "bad_commitment"
    BAD_CHAIN = "bad_chain"
    EQUIVOCATION = "equivocation"
    ROLLBACK = "rollback"
    LINK_RESET_REQUIRED = "link_reset_required"
    OUT_OF_SCOPE = "out_of_scope"
    SCHEMA = "schema"
    STALE = "stale"
    WRONG_TYPE = "wrong_type"
    MAPPING_FAILED = "mapping_failed"
    OUT_OF_ORDER = "out_of_order"
    VOID = "void"
    GATE_G1 = "gate_g1"
    GATE_G2 = "gate_g2"
    GATE_G3 = "gate_g3"
    GATE_G4 = "gate_g4"
    GATE_G5 = "gate_g5"
    GATE_G6 = "gate_g6"
    GATE_G7 = "gate_g7"
    GATE_G8 = "gate_g8"
    GATE_G9 = "gate_g9"
    GATE_G10 = "gate_g10"
    GATE_G11 = "gate_g11"
    GATE_G12 = "gate_g12"
    GATE_G13 = "gate_g13"
    GATE_G14 = "gate_g14"
    GATE_G15 = "gate_g15"

    # local only
    STALE_KEYSET = "stale_keyset"
    STALE_DESCRIPTOR = "stale_descriptor"
    WRONG_NODE = "wrong_node"
    NO_KEY = "no_key"
    ROOTS_DUE = "roots_due"
    FIRST_FORM = "first_form"
    NO_COMMON_SUITE = "no_common_suite"
    NO_COMMON_SCHEMA = "no_common_schema"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    EXISTS = "exists"
    CHANGED_MEANWHILE = "changed_meanwhile"
    NOT_ACTIVE = "not_active"
    UNAUTHORISED = "unauthorised"
    FORBIDDEN = "forbidden"
    INVALID = "invalid"
    LOCKED = "locked"
    WRONG_PASSPHRASE = "wrong_passphrase"  # noqa: S105 (a code, not a secret)
    UNREACHABLE = "unreachable"
    PROXY_AWAY = "proxy_away"
    PROXY_LOGIN = "proxy_login"
    PROXY_REFUSED = "proxy_refused"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    RESTORED = "restored"
    DISK = "disk"
    LOG_ROLLED_BACK = "log_rolled_back"
    LOG_UNCONFIRMED = "log_unconfirmed"
    CLOCK = "clock"
    BUSY = "busy"
    MAINTENANCE = "maintenance"
    ADAPTER_BUSY = "adapter_busy"
    ADAPTER_REFUSED = "adapter_refused"
    NOT_FOR_EXPORT = "not_for_export"
    CLOSED_BY_POLICY = "closed_by_policy"

    @property
    def gate(self) -> str | None:
        """The gate that stands in the way, like G2; None where it is none."""
        return self[len("gate_") :].upper() if self.startswith("gate_") else None


WIRE_CODES: frozenset[Code] = frozenset(list(Code)[: list(Code).index(Code.STALE_KEYSET)])

PROXY_CODES = frozenset({Code.PROXY_AWAY, Code.PROXY_LOGIN, Code.PROXY_REFUSED})
"""What a proxy on the way out does, and no peer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault at one place: ``place`` is a JSON pointer or what a person can find ("row 7, column D"), never a
    value.
    """

    place: str
    rule: str
    hint: str = ""

    def to_json(self) -> dict[str, Any]:
        """As people and programs are told it; the shape `Finding` of the local API."""
        return {"place": self.place, "rule": self.rule, "hint": self.hint}


class GatewayError(Exception):
    """Base of everything expected. ``str()`` is safe to log and to show."""

    def __init__(self, code: Code, what: str, *, hint: str = "", findings: Iterable[Finding] = ()) -> None:
        super().__init__(f"{code}: {what}")
        self.code = code
        self.what = what
        self.hint = hint
        self.findings = tuple(findings)


class RemoteError(GatewayError):
    """Bytes from outside broke a rule of the protocol. A peer learns ``code`` and nothing else."""


class RefusedError(GatewayError):
    """A local request was refused and nothing was changed; ``hint`` says what to do next."""


class TransientError(GatewayError):
    """The world did not play along this time; ``again_in`` is after how many seconds it said it will, if it did."""

    def __init__(
        self, code: Code, what: str, *, hint: str = "", findings: Iterable[Finding] = (), again_in: int | None = None
    ) -> None:
        super().__init__(code, what, hint=hint, findings=findings)
        self.again_in = again_in
