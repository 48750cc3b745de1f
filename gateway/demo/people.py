"""The people of one country, who act through their node by the operations that the verbs of `trm` use.

What two administrators do is played by a program: for the demonstration and the benchmark, never for a real node, where
each person signs alone with a key file of their own (`gateway.cli.trust.signing`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from gateway.cli.connection import call_node
from gateway.demo.chronicle import wait_until
from gateway.demo.places import Country
from gateway.errors import Code, GatewayError, RefusedError
from gateway.foundation.clock import SystemClock
from gateway.foundation.ids import NodeId
from gateway.operations.roles import Role
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


HOURS = 24
"""For which the people of a demonstration are signed in."""


class People:
    """Whoever works in one country. Every method raises GatewayError when the node refuses."""

    def __init__(self, country: Country, admins: Sequence[Admin] = (), clock: Clock = MACHINE) -> None:
        """`clock` is that of the node."""
        self.country = country
        self.admins = admins
        self._clock = clock
        self._pending = ""
        self._tokens: dict[str, str] = {}

    def enrol(self) -> None:
        """Enrol the two people who work here, each let in by another administrator, and sign each in at a shell."""
        roles: list[Json] = [str(Role.CASE_WORKER), str(Role.FOCAL_POINT)]
        for name, admin in zip((self.country.person, self.country.second), self.admins, strict=True):
            made = enrol_person(self.ask, admin, name=name, roles=roles)
            taken = self.ask("login.enrol", code=made["code"], label="the demonstration", hours=HOURS)
            self._tokens[name] = str(taken["token"])

    def token(self) -> str:
        """Return the personal token of the first person who works here."""
        return self._tokens[self.country.person]

    def ask(self, operation: str, /, **arguments: Json) -> dict[str, Json]:
        """Do one operation of the node, as the first person who works here."""
        return self._ask_as(self.country.person, operation, arguments)

    def ask_second(self, operation: str, /, **arguments: Json) -> dict[str, Json]:
        """Do one operation of the node, as the second person who works here."""
        return self._ask_as(self.country.second, operation, arguments)

    def _ask_as(self, name: str, operation: str, arguments: Mapping[str, Json]) -> dict[str, Json]:
        value = call_node(self.country.door, operation, arguments, token=self._tokens.get(name))
        if not isinstance(value, dict):
            raise RuntimeError(f"{operation} answers with an object")
        return value

    def refused(self, code: Code, operation: str, **arguments: Json) -> None:
        """Demand that the node refuses an operation for this reason.

        Raises:
            RefusedError: it did not, or for another one.
        """
        self.failing(code, lambda: self.ask(operation, **arguments))

    def failing(self, code: Code, act: Callable[[], object]) -> None:
        """Demand that the node refuses something for this reason. Raises RefusedError as `refused`."""
        try:
            act()
        except GatewayError as error:
            if error.code is code:
                return
            raise
        raise RefusedError(Code.CONFLICT, f"{self.country.title} did what it had to refuse with {code}")

    # --- pairing --------------------------------------------------------------------------------------------------

    def write_pairing_file(self) -> None:
        """Write the file that the administrator gives to other countries, on paper, by mail or on a stick."""
        self.country.pairing.write_text(json.dumps(call_node(self.country.door, "node.pairing", {})), encoding="utf-8")

    def propose(self, other: Country) -> str:
        """Read the other country's pairing file; returns the 60 digits to be compared."""
        self.ask("peer.add", chain=json.loads(other.pairing.read_text(encoding="utf-8")))
        return str(self.ask("peer.code", id=other.code)["code"])

    def type_digits(self, other: Country, digits: str) -> str:
        """Type as the first administrator the digits read on the phone, sign, and return the peer's state here."""
        shown = carry_out_change(
            self.ask,
            self.admins[:1],
            "peer.activate",
            other.code,
            clock=self._clock,
            digits=digits,
            channel="known_phone",
        )
        self._pending = str(shown["id"])
        return self.state(other)

    def second(self, other: Country) -> str:
        """Approve as the second administrator what the first has signed, and return the peer's state here."""
        approve_change(self.ask, self.admins[1], self._pending, clock=self._clock)
        return self.state(other)

    def the_same_again(self, other: Country) -> None:
        """Try as the first administrator to be the second one too."""
        self.failing(Code.CONFLICT, lambda: approve_change(self.ask, self.admins[0], self._pending))

    def state(self, other: Country) -> str:
        """Return the other country's state here."""
        return str(self.ask("peer.show", id=other.code)["state"])

    def agreed(self, other: Country) -> bool:
        """Whether the trust records of both sides are here and in force."""
        return self.ask("peer.show", id=other.code)["missing"] is None

    def ping(self, other: Country) -> int:
        """Check the connection step by step and return the number of good steps, which must be all."""
        answer = self.ask("peer.ping", id=other.code)
        steps = answer["steps"]
        if answer["ok"] is not True or not isinstance(steps, list):
            raise RefusedError(
                Code.UNREACHABLE, f"the connection from {self.country.title} to {other.title} does not work"
            )
        return len(steps)

    # --- exchange -------------------------------------------------------------------------------------------------

    def draft_of(self, record: str) -> str:
        """Return the id of the draft that the adapter made of a record, as soon as it waits for a person."""
        found: list[str] = []

        def look() -> bool:
            listed = self.ask("draft.list")["drafts"]
            found[:] = [
                str(item["id"])
                for item in (listed if isinstance(listed, list) else [])
                if isinstance(item, dict) and str(item["record"]).endswith(record)
            ]
            return bool(found)

        wait_until(f"the adapter of {self.country.title} to make a draft of {record}", look)
        return found[0]

    def release(self, draft: str, *, consent: str | None = None) -> dict[str, Json]:
        """Release a draft in a person's name, with the consent it relies on, and in a second person's where it needs
        two; return id and conversation.
        """
        named: dict[str, Json] = {} if consent is None else {"consent": consent}
        answer = self.ask("draft.release", id=draft, **named)
        return self.ask_second("draft.release", id=draft) if answer["state"] == "waiting_second" else answer

    def at_the_desk(self, document: Mapping[str, Json]) -> dict[str, Json]:
        """Write a draft at the desk and release it, with a second person where it needs two."""
        return self.release(str(self.ask("draft.save", draft=dict(document))["id"]))

    def open(self, message: str) -> None:
        """Open an incoming message."""
        self.ask("message.open", id=message)
