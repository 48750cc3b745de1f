"""Roles, callers, and the right to read content.

A caller is the owner of the node (the socket, by the kernel's word), who operates it, a token with one role, or a
person with one or more: at the console, or by a personal token, then also as the owner. What each role may, and what
only a person does, are members of the rows of the operations (`gateway.operations.registry`); which of them may give
rights to whom is `gateway.access.rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.foundation.ids import UnitId


class Role(StrEnum):
    """What a token is for. The order is that of the columns of docs/roles.md."""

    CASE_WORKER = "case_worker"
    FOCAL_POINT = "focal_point"
    TRUST_ADMIN = "trust_admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    ADAPTER = "adapter"


ABOUT: Mapping[Role, str] = {
    Role.CASE_WORKER: "works on cases: reads, sends, answers, records consents",
    Role.FOCAL_POINT: "a case worker who also proves conversations and looks after alarms",
    Role.TRUST_ADMIN: "pairs, narrows and ends trust with other nodes; never reads a message",
    Role.OPERATOR: "keeps the node running and moves messages; never reads one",
    Role.AUDITOR: "reads the audit log and what it is checked against; changes nothing",
    Role.DATA_PROTECTION_OFFICER: "reads the log, consents, legal bases, erasures; a message for a reason",
    Role.ADAPTER: "a case system: submits, takes over, follows the events",
}

_C, _F, _T, _O, _U, _D, _A = Role
FOCAL_POINT = frozenset({_F})
CASES = frozenset({_C, _F})
CASE_SYSTEMS = CASES | {_A}
MOVES = CASE_SYSTEMS | {_O}
TRUST = frozenset({_T})
RUNS = frozenset({_T, _O})
CHECKS = frozenset({_T, _U})
AUDITOR = frozenset({_U})
PROTECTS = frozenset({_D})
LOOKS = RUNS | {_U}
GIVES = frozenset({_F, _T})
SERVES = frozenset({_F, _O, _A})
EVERYBODY = frozenset(Role)
OWNER_ONLY: frozenset[Role] = frozenset()

READS_CONTENT: frozenset[Role] = frozenset({_C, _F, _A})
"""The right to read what is said about a person; it comes with no operation."""

RELEASES: frozenset[Role] = CASES
"""Who has one of these may release what is sent, so an administrator vouches for them (gateway.access.rules)."""

LET_IN: frozenset[Role] = RELEASES | PROTECTS
"""Who has one of these is shown what is said about a person, so an administrator lets them in."""

CONTENT_MEMBERS: frozenset[str] = frozenset(
    {
        "type",
        "conversation",
        "in_reply_to",
        "purpose",
        "header",
        "content",
        "unit",
        "draft",
        "record",
        "case",
        "of_case",
    }
)
"""Members of messages and drafts that the database holds only sealed (nrm1 13.1)."""
CASE_MEMBERS: frozenset[str] = frozenset({"of_case"})
"""What names a case anywhere else, as in alarms."""


def person_text(id: str) -> str:
    """A person as the text of which the audit log, and a header, has a keyed hash."""
    return f"person/{id}"


def person_in(actor: str) -> str | None:
    """The id of the person that a text of `person_text` stands for, None for anybody else."""
    kind, _, id = actor.partition("/")
    return id if kind == "person" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks. `owner` came in by the socket; `unit` binds a token or a person to one unit of this node; `token` and
    `person` are their ids. With a person, `roles` are those of the person, also of an owner.
    """

    roles: frozenset[Role]
    owner: bool = False
    unit: UnitId | None = None
    token: str | None = None
    person: str | None = None

    @property
    def actor(self) -> str:
        """Who asks, as the audit log keeps a keyed hash of it: a person or a token by id, or the owner of the node."""
        if self.person is not None:
            return person_text(self.person)
        return "owner" if self.token is None else f"token/{self.token}"

    @property
    def reads_content(self) -> bool:
        """Whether content may be shown."""
        return self.owner or bool(self.roles & READS_CONTENT)


def on_socket(caller: Caller) -> Caller:
    """Who showed a token on the socket of the node: a person is its owner besides; a program has its role and no more,
    so that one of the owner can drop rights.
    """
    return caller if caller.person is None else replace(caller, owner=True)


OWNER = Caller(roles=EVERYBODY, owner=True)
