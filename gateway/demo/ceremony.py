"""The ceremony of two administrators, played by a program: for the demonstration and the benchmark, never for a real
node, where each person signs alone with a key file of their own (`gateway.cli.trust.signing`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from gateway.foundation.clock import SystemClock
from gateway.foundation.ids import NodeId
from gateway.ports import Clock, Json
from keys.documents.change import Change
from keys.offline.administrator_key import Admin
from keys.primitives.encoding import canon

MACHINE: Final = SystemClock()
"""The clock of this machine, and of nodes that run on it."""


class Ask(Protocol):
    """One operation of a node."""

    def __call__(self, operation: str, /, **arguments: Json) -> dict[str, Json]:
        """Do the operation and return its answer."""


def trust_peer(ask: Ask, admins: Sequence[Admin], peer: NodeId, *, digits: str | None = None) -> dict[str, Json]:
    """Let both administrators of a node trust a peer as an emergency, after they compared `digits` on a known phone."""
    read = str(ask("peer.code", id=peer)["code"]) if digits is None else digits
    return carry_out_change(ask, admins, "peer.activate", peer, digits=read, channel="known_phone")


def carry_out_change(
    ask: Ask, admins: Sequence[Admin], action: str, subject: str, *, clock: Clock = MACHINE, **choices: Json
) -> dict[str, Json]:
    """Prepare a change, propose it as the first administrator, approve it as the others, and return the node's last
    answer. `clock` is that of the node.
    """
    prepared = ask("change.prepare", action=action, subject=subject, **choices)
    change = Change.parse(canon(prepared["change"]))
    now = clock.now()
    first, *others = [admin.approve(change, at=now, emergency=True).document.to_json() for admin in admins]
    answer = ask("change.propose", change=prepared["change"], approval=first)
    for approval in others:
        answer = ask("change.approve", id=change.hash, approval=approval)
    return answer


def enrol_person(ask: Ask, admin: Admin, *, clock: Clock = MACHINE, **person: Json) -> dict[str, Json]:
    """Invite somebody who may release, approve it as an administrator, and return the node's answer with the code."""
    return let_in(ask, admin, ask("person.add", **person), clock=clock)


def let_in(ask: Ask, admin: Admin, asked: dict[str, Json], *, clock: Clock = MACHINE) -> dict[str, Json]:
    """Approve as an administrator what an answer about a person waits for, and return the node's answer with the
    code.
    """
    waits = asked["waits"]
    if not isinstance(waits, dict):
        raise RuntimeError("who may release waits for an administrator")
    change = Change.parse(canon(waits["change"]))
    approval = admin.approve(change, at=clock.now())
    return ask("person.approve", id=change.hash, approval=approval.document.to_json())


def approve_change(ask: Ask, admin: Admin, id: str, *, clock: Clock = MACHINE) -> dict[str, Json]:
    """Approve a pending change as one more person and return the node's answer."""
    change = Change.parse(canon(ask("change.show", id=id)["change"]))
    approval = admin.approve(change, at=clock.now(), emergency=True)
    return ask("change.approve", id=change.hash, approval=approval.document.to_json())
