"""Who may do what on the local side: one table of operations, and the right to read content beside it.

A caller is the owner of the node (the socket, by the kernel's word), who may do everything, a token with one role, or a
person at the console with one or more. Which of them may give rights to whom is `gateway.access.rules`.
Three questions, all answered here and asked in one place (`gateway.api.app`):

    may        is one of the caller's roles in the row of the operation? deny by default, also what has no row
    visible    is this member of an answer content? operator and auditor get only what the database holds in the clear
    unit       a token bound to a unit gets what concerns no message, and of messages only those of its unit

Trust changes need the signatures of administrators besides (`gateway.changes.rules`): a role opens the door to them
only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.foundation.json import Json


class Role(StrEnum):
    """What a token is for. The order is that of the columns of docs/roles.md."""

    CASE_WORKER = "case_worker"
    FOCAL_POINT = "focal_point"
    TRUST_ADMIN = "trust_admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADAPTER = "adapter"


ABOUT: Mapping[Role, str] = {
    Role.CASE_WORKER: "works on cases: reads, sends, answers, records consents",
    Role.FOCAL_POINT: "a case worker who also proves conversations and looks after alarms",
    Role.TRUST_ADMIN: "pairs, narrows and ends trust with other nodes; never reads a message",
    Role.OPERATOR: "keeps the node running and moves messages; never reads one",
    Role.AUDITOR: "reads the audit log and what it is checked against; changes nothing",
    Role.ADAPTER: "a case system: submits, takes over, follows the events",
}

_C, _F, _T, _O, _U, _A = Role
_CASES = frozenset({_C, _F})
_CASE_SYSTEMS = _CASES | {_A}
_MOVES = _CASE_SYSTEMS | {_O}
_TRUST = frozenset({_T})
_RUNS = frozenset({_T, _O})
_CHECKS = frozenset({_T, _U})
_LOOKS = _RUNS | {_U}
_GIVES = frozenset({_F, _T})
_EVERYBODY = frozenset(Role)
_OWNER_ONLY: frozenset[Role] = frozenset()

READS_CONTENT: frozenset[Role] = frozenset({_C, _F, _A})
"""The right to read what is said about a person; it comes with no operation."""

MATRIX: Mapping[str, frozenset[Role]] = {
    "message.submit": _CASE_SYSTEMS,
    "message.preview": _CASE_SYSTEMS,
    "message.list": _MOVES,
    "message.show": _MOVES,
    "message.ack": _CASE_SYSTEMS,
    "message.open": _CASE_SYSTEMS,
    "message.resend": _MOVES,
    "message.resend_many": frozenset({_F, _O}),
    "message.cancel": _CASE_SYSTEMS,
    "message.erase": frozenset({_F}),
    "attachment.add": _CASE_SYSTEMS,
    "attachment.list": _CASE_SYSTEMS,
    "attachment.read": _CASE_SYSTEMS,
    "attachment.moving": _MOVES,
    "attachment.waiting": _CASE_SYSTEMS,
    "attachment.discard": _CASE_SYSTEMS,
    "event.stream": _MOVES,
    "draft.list": _CASES,
    "draft.show": _CASES,
    "draft.preview": _CASES,
    "draft.release": _CASES,
    "draft.discard": _CASES,
    "draft.save": _CASE_SYSTEMS,
    "draft.change": _CASES,
    "inbox.list": _CASE_SYSTEMS,
    "conversation.list": _CASE_SYSTEMS,
    "conversation.due": _CASE_SYSTEMS,
    "conversation.show": _CASE_SYSTEMS,
    "conversation.writable": _CASES,
    "conversation.erase": frozenset({_F}),
    "erasure.list": frozenset({_F}),
    "erasure.follow": frozenset({_F}),
    "erasure.refuse": frozenset({_F}),
    "retention.run": frozenset({_F, _O}),
    "retention.hold": frozenset({_F}),
    "retention.release": frozenset({_F}),
    "retention.list": frozenset({_F, _U}),
    "alert.list": _CASE_SYSTEMS,
    "alert.acknowledge": _CASES,
    "asylum.hold": _CASE_SYSTEMS,
    "asylum.lift": _CASES,
    "contact.advise": _CASES,
    "asylum.list": _CASES,
    "consent.record": _CASE_SYSTEMS,
    "consent.list": _CASES,
    "consent.show": _CASE_SYSTEMS,
    "consent.withdraw": _CASE_SYSTEMS,
    "statistics.make": frozenset({_F}),
    "statistics.list": _CASES,
    "statistics.show": _CASES,
    "statistics.draft": frozenset({_F}),
    "node.show": _EVERYBODY,
    "node.status": _LOOKS | {_F},
    "node.ready": _EVERYBODY,
    "metrics.read": _LOOKS,
    "node.pairing": _LOOKS,
    "keys.list": _LOOKS,
    "keys.rotate_epoch": _RUNS,
    "keys.rotate_enc": _RUNS,
    "keys.request": _RUNS,
    "keys.publish": _RUNS,
    "keys.tombstone": _TRUST,
    "keys.end": _TRUST,
    "keys.proof": _LOOKS,
    "review.list": frozenset({_F, _T}),
    "review.settle": frozenset({_F}),
    "peer.list": _EVERYBODY,
    "peer.show": _EVERYBODY,
    "peer.add": _TRUST,
    "peer.code": _TRUST,
    "peer.scope": _LOOKS,
    "admin.list": _LOOKS,
    "change.list": _LOOKS,
    "change.show": _LOOKS,
    "change.prepare": _TRUST,
    "change.propose": _TRUST,
    "change.approve": _TRUST,
    "change.withdraw": _TRUST,
    "policy.show": _EVERYBODY,
    "peer.tombstone": _TRUST,
    "peer.ping": _RUNS,
    "peer.probe": _RUNS,
    "peer.probed": _RUNS,
    "schema.list": _EVERYBODY,
    "schema.show": _EVERYBODY,
    "schema.check": _CASE_SYSTEMS,
    "code.list": _EVERYBODY,
    "code.show": _EVERYBODY,
    "directory.list": _EVERYBODY,
    "directory.search": _EVERYBODY,
    "directory.show": _EVERYBODY,
    "directory.own": frozenset({_F}),
    "directory.publish": frozenset({_F}),
    "guidance.list": _EVERYBODY,
    "guidance.search": _EVERYBODY,
    "guidance.show": _EVERYBODY,
    "evidence.export": frozenset({_F}),
    "alarm.list": _RUNS | {_F},
    "alarm.dismiss": _RUNS | {_F},
    "adapter.check": frozenset({_F, _O, _A}),
    "webhook.list": frozenset({_F, _O, _A}),
    "api.describe": _EVERYBODY,
    "audit.show": _LOOKS,
    "audit.list": _CHECKS,
    "audit.reads": frozenset({_F, _U}),
    "audit.verify": _LOOKS,
    "audit.export": _CHECKS,
    "backup.make": _OWNER_ONLY,
    "token.new": _OWNER_ONLY,
    "token.list": _CHECKS,
    "token.revoke": _TRUST,
    "person.list": _GIVES | {_U},
    "person.add": _GIVES,
    "person.change": _GIVES,
    "person.invite": _GIVES,
    "person.sign_out": _GIVES,
    "person.end": _GIVES,
}
"""Operation by operation. An empty set: the owner alone, on the socket."""

NARROWED: frozenset[str] = frozenset(
    operation
    for operation in MATRIX
    if (operation.startswith(("message.", "draft.", "conversation.", "inbox.")) and operation != "message.resend_many")
    or operation in ("event.stream", "attachment.list", "attachment.read")
)
"""Operations of which a token bound to a unit gets the part of its unit."""

UNIT_FREE: frozenset[str] = frozenset(
    {
        "asylum.hold",
        "consent.record",
        "consent.show",
        "consent.withdraw",
        "node.show",
        "peer.list",
        "peer.show",
        "policy.show",
        "schema.list",
        "schema.show",
        "schema.check",
        "code.list",
        "code.show",
        "directory.list",
        "directory.search",
        "directory.show",
        "guidance.list",
        "guidance.search",
        "guidance.show",
        "adapter.check",
        "webhook.list",
        "api.describe",
        "attachment.add",
        "attachment.waiting",
        "attachment.discard",
    }
)
"""Operations that show no message; what names a consent, or files that were not sent yet, does so by a random id. A
withdrawal is never blocked, and a hold closes only.
"""

CONTENT_MEMBERS: frozenset[str] = frozenset(
    {"type", "conversation", "in_reply_to", "purpose", "header", "content", "unit", "draft", "record", "case"}
)
"""Members of messages and drafts that the database holds only sealed (nrm1 13.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks. `owner` came in by the socket; `unit` binds a token or a person to one unit of this node; `token` and
    `person` are their ids.
    """

    roles: frozenset[Role]
    owner: bool = False
    unit: str | None = None
    token: str | None = None
    person: str | None = None

    @property
    def reads_content(self) -> bool:
        """Whether content may be shown."""
        return self.owner or bool(self.roles & READS_CONTENT)


OWNER = Caller(roles=_EVERYBODY, owner=True)


def allowed(operation: str) -> tuple[Role, ...]:
    """The roles that may do an operation, in the order of the columns; none for an operation without a row."""
    row = MATRIX.get(operation, _OWNER_ONLY)
    return tuple(role for role in Role if role in row)


def may(caller: Caller, operation: str) -> bool:
    """Whether the caller may do the operation at all; deny by default, also the owner what has no row."""
    if operation not in MATRIX:
        return False
    if caller.owner:
        return True
    bound = caller.unit is None or operation in NARROWED or operation in UNIT_FREE
    return bound and bool(caller.roles & MATRIX[operation])


def visible(caller: Caller, operation: str, value: Json) -> Json:
    """The answer without what the caller may not read: of messages, only what is no content (`CONTENT_MEMBERS`)."""
    if caller.reads_content or operation not in NARROWED:
        return value
    return _bare(value)


def _bare(value: Json) -> Json:
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if isinstance(value, dict):
        return {name: _bare(item) for name, item in value.items() if name not in CONTENT_MEMBERS}
    return value
