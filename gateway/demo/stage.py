"""The stage of every chapter: countries, people, systems, and the waits that chapters share."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.demo.bodies import Writer
from gateway.demo.cases import Workbook
from gateway.demo.chronicle import PATIENCE, Chronicle, Event
from gateway.demo.nodes import Nodes
from gateway.demo.people import People
from gateway.demo.places import Country, Federation
from gateway.demo.systems import Systems
from gateway.demo.timeline import Timeline
from gateway.errors import Code, RefusedError
from gateway.ports import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The countries, their people, and the observations so far."""

    federation: Federation
    nodes: Nodes
    systems: Systems
    chronicle: Chronicle
    timeline: Timeline
    people: dict[str, People]
    writers: dict[str, Writer]
    workbook: Workbook
    fingerprints: dict[str, str] = field(default_factory=dict)
    crowd: dict[str, str] = field(default_factory=dict)
    """Messages that came in crowds, each with its sender: proven like all, and not shown one by one."""
    facts: list[str] = field(default_factory=list)

    def of(self, country: Country) -> tuple[People, Writer]:
        """Return the people of a country and their way of writing."""
        return self.people[country.code], self.writers[country.code]

    def act(self, country: Country, text: str) -> None:
        """Show an action of a person."""
        self.timeline.act(country, text)

    def seen(self, country: Country, message: Json, state: str, *, seconds: float = PATIENCE) -> Event:
        """Wait until this country's node reports this state of the message, so many seconds at most."""
        what = f"message {message} to be {state} in {country.title}"
        self.timeline.doing(f"waiting for {what}")
        return self.chronicle.wait(
            what, lambda e: (e.country, e.id, e.state) == (country.code, message, state), seconds=seconds
        )

    def exchanged(self, sender: Country, recipient: Country, message: Json) -> None:
        """Wait until the recipient's case system has the message, and the sender the receipt for it."""
        self.seen(recipient, message, "handed_over")
        self.seen(sender, message, "awaiting_opening")

    def drafted(self, sender: Country, recipient: Country, record: str) -> dict[str, Json]:
        """Wait for the adapter's draft of a record, release it in a person's name, wait until it arrives; return its id
        and conversation.
        """
        people, _ = self.of(sender)
        draft = people.draft_of(record)
        self.act(sender, f"{sender.person} releases the draft")
        released = people.release(draft)
        self.exchanged(sender, recipient, released["id"])
        return released

    def written(self, sender: Country, recipient: Country, document: dict[str, Json], text: str) -> dict[str, Json]:
        """Write at the node's desk, release in a person's name, wait until it arrives; return its id and
        conversation.
        """
        people, _ = self.of(sender)
        self.act(sender, f"{sender.person} writes {text} at the desk of the node")
        released = people.at_the_desk(document)
        self.exchanged(sender, recipient, released["id"])
        return released

    def demand(self, true: bool, what: str) -> None:
        """Demand an observation, and count it.

        Raises:
            RefusedError: it was not.
        """
        if not true:
            raise RefusedError(Code.CONFLICT, f"the demonstration failed: this is not so: {what}")
        self.observed(what)

    def observed(self, what: str) -> None:
        """Count an observation that the act before has proven, since it would have raised otherwise."""
        self.facts.append(what)
