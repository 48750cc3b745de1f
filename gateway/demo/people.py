"""The people of one country, who act through their node by the operations that the verbs of `trm` use."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from gateway.cli.connection import call_node
from gateway.demo.ceremony import approve_change, carry_out_change
from gateway.demo.chronicle import wait_until
from gateway.demo.places import Country
from gateway.errors import Code, GatewayError, RefusedError
from gateway.ports import Json
from keys.offline.administrator_key import Admin


class People:
    """Whoever works in one country. Every method raises GatewayError when the node refuses."""

    def __init__(self, country: Country, admins: Sequence[Admin] = ()) -> None:
        self.country = country
        self.admins = admins
        self._pending = ""

    def ask(self, operation: str, /, **arguments: Json) -> dict[str, Json]:
        """One operation of the node."""
        value = call_node(self.country.node, operation, arguments)
        if not isinstance(value, dict):
            raise RuntimeError(f"{operation} answers with an object")
        return value

    def refused(self, code: Code, operation: str, **arguments: Json) -> None:
        """One operation that the node must refuse, for this reason.

        Raises:
            RefusedError: it did not, or for another one.
        """
        self.failing(code, lambda: self.ask(operation, **arguments))

    def failing(self, code: Code, act: Callable[[], object]) -> None:
        """Something that the node must refuse, for this reason. Raises RefusedError as `refused`."""
        try:
            act()
        except GatewayError as error:
            if error.code is code:
                return
            raise
        raise RefusedError(Code.CONFLICT, f"{self.country.title} did what it had to refuse with {code}")

    # --- pairing --------------------------------------------------------------------------------------------------

    def write_pairing_file(self) -> None:
        """What the administrator gives to other countries, on paper, by mail or on a stick."""
        self.country.pairing.write_text(json.dumps(call_node(self.country.node, "node.pairing", {})), encoding="utf-8")

    def propose(self, other: Country) -> str:
        """Read the other country's pairing file; returns the 60 digits to be compared."""
        self.ask("peer.add", chain=json.loads(other.pairing.read_text(encoding="utf-8")), by=self.country.person)
        return str(self.ask("peer.code", id=other.code)["code"])

    def type_digits(self, other: Country, digits: str) -> str:
        """The first administrator types what was read out on the phone, and signs; the peer's state here."""
        shown = carry_out_change(
            self.ask, self.admins[:1], "peer.activate", other.code, digits=digits, channel="known_phone"
        )
        self._pending = str(shown["id"])
        return self.state(other)

    def second(self, other: Country) -> str:
        """The second administrator approves what the first has signed; the peer's state here."""
        approve_change(self.ask, self.admins[1], self._pending)
        return self.state(other)

    def the_same_again(self, other: Country) -> None:
        """The first administrator tries to be the second one too."""
        self.failing(Code.CONFLICT, lambda: approve_change(self.ask, self.admins[0], self._pending))

    def state(self, other: Country) -> str:
        """Where the other country stands here."""
        return str(self.ask("peer.show", id=other.code)["state"])

    def agreed(self, other: Country) -> bool:
        """Whether both sides' trust records are here and in force."""
        return self.ask("peer.show", id=other.code)["missing"] is None

    def ping(self, other: Country) -> int:
        """Check the way step by step; returns how many steps were good, which must be all."""
        answer = self.ask("peer.ping", id=other.code)
        steps = answer["steps"]
        if answer["ok"] is not True or not isinstance(steps, list):
            raise RefusedError(Code.UNREACHABLE, f"the way from {self.country.title} to {other.title} is not clear")
        return len(steps)

    # --- exchange -------------------------------------------------------------------------------------------------

    def draft_of(self, record: str) -> str:
        """The id of the draft that the adapter made of a record, as soon as it waits for a person."""
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
        """A named person releases a draft, naming the consent it relies on, and a second one where it needs two;
        returns id and conversation.
        """
        named: dict[str, Json] = {} if consent is None else {"consent": consent}
        answer = self.ask("draft.release", id=draft, by=self.country.person, **named)
        return (
            self.ask("draft.release", id=draft, by=self.country.second)
            if answer["state"] == "waiting_second"
            else answer
        )

    def at_the_desk(self, document: Mapping[str, Json]) -> dict[str, Json]:
        """A person writes a draft at the desk and releases it, with a second one where it needs two."""
        return self.release(str(self.ask("draft.save", draft=dict(document))["id"]))

    def open(self, message: str) -> None:
        """A person opens an incoming message."""
        self.ask("message.open", id=message, by=self.country.person)
