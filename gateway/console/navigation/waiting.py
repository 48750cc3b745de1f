"""How much waits in each section for a person, for the numbers beside every page, and the alerts that nobody took.

A page must not wait for six lists because it has numbers in its frame: what was counted stays for `KEPT` seconds, or
until the person does something; what is counted anew only because that time is over waits for no change. Alerts are
asked for each time: no page hides one that has just come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.console.navigation.counts import Count
from gateway.console.navigation.duty import find_called
from gateway.errors import GatewayError
from gateway.node.rows import ROWS
from gateway.operations.ports import Operations, Person
from gateway.operations.registry import may, visible
from gateway.ports import Json
from schemas.codelists import ENGLISH

KEPT = 60
"""Seconds for which a count is good enough: counting the cases of a full node takes longer than most pages."""
MOST = 100
"""Rows that are counted one by one; of a longer list it says that there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """`counts`: by the address of a section, none where nothing waits; `alerts`: those that this side has to take,
    the earliest deadline first; `phones`: who is on duty in the countries of these alerts, by peer.
    """

    counts: Mapping[str, Count] = field(default_factory=dict)
    alerts: Sequence[Mapping[str, Any]] = ()
    phones: Mapping[str, Sequence[str]] = field(default_factory=dict)


NOTHING = Waits()


class Waiting:
    """Counts what waits for people, with the rights of each."""

    def __init__(self, desk: Operations, now: Callable[[], int]) -> None:
        self._desk = desk
        self._now = now
        self._kept: dict[Person, tuple[int, Mapping[str, Count]]] = {}
        self._phones: dict[str, tuple[int, Sequence[str]]] = {}

    async def count(self, person: Person) -> Waits:
        """Count what waits for a person. Where the node does not answer now there are no numbers: the page itself says
        why it can show nothing. Alerts stand there all the same, whatever else cannot be counted.
        """
        try:
            listed = (await self._ask(person, "alert.list", {})).get("alerts", ())
        except GatewayError:
            return NOTHING
        alerts = [alert for alert in listed if alert["owes"] == "us"]
        counts = await self._counts(person)
        phones = {peer: await self._duty(person, peer) for peer in {alert["peer"] for alert in alerts}}
        listed_alerts = {"/alerts": Count(len(alerts))} if alerts else {}
        return Waits(counts={**counts, **listed_alerts}, alerts=alerts, phones=phones)

    def forget(self, person: Person) -> None:
        """Count anew for a person who did something."""
        self._kept.pop(person, None)

    async def _counts(self, person: Person) -> Mapping[str, Count]:
        at, counts = self._kept.get(person, (0, {}))
        if at <= self._now() < at + KEPT:
            return counts
        try:
            counts = await self._count_all(person, at_once=person in self._kept)
        except GatewayError:
            return {}
        self._kept[person] = (self._now(), counts)
        return counts

    async def _duty(self, person: Person, peer: str) -> Sequence[str]:
        """Find the telephones of who is on duty at a peer; none where the directory does not answer now."""
        at, phones = self._phones.get(peer, (0, ()))
        if at <= self._now() < at + KEPT:
            return phones

        async def ask(operation: str, arguments: Mapping[str, Json]) -> Any:
            return await self._ask(person, operation, arguments)

        try:
            units = (await ask("directory.list", {})).get("units", ())
            phones = (await find_called(ask, units, peer, self._now(), ENGLISH)).phones
        except GatewayError:
            return ()
        if phones:
            self._phones[peer] = (self._now(), phones)
        return phones

    async def _count_all(self, person: Person, *, at_once: bool) -> Mapping[str, Count]:
        cases = await self._ask(person, "case.find", {"limit": 1, "at_once": at_once})
        inbox = await self._ask(person, "inbox.list", {"limit": MOST})
        drafts = await self._ask(person, "draft.list", {"limit": MOST})
        changes = await self._ask(person, "change.list", {"state": "pending"})
        alarms = await self._ask(person, "alarm.list", {})
        counts = {
            "/cases": Count(cases["counts"]["overdue"] if cases else 0),
            "/inbox": Count(len(inbox.get("messages", ())), inbox.get("next") is not None),
            "/drafts": Count(sum(_waits(draft) for draft in drafts.get("drafts", ()))),
            "/trust": Count(len(changes.get("changes", ()))),
            "/operations": Count(len(alarms.get("alarms", ()))),
        }
        return {path: count for path, count in counts.items() if count.n}

    async def _ask(self, person: Person, operation: str, arguments: Mapping[str, Json]) -> Any:
        """Ask the node as this person would; an empty answer without the right."""
        if not may(person.caller, ROWS[operation]):
            return {}
        done = await self._desk.call(operation, arguments, caller=person.caller)
        return visible(person.caller, ROWS[operation], done.value)


def _waits(draft: Mapping[str, Any]) -> bool:
    """Whether a draft waits for the second person, and this one may be it."""
    return draft["state"] == "waiting_second" and not draft["first_by_caller"]
