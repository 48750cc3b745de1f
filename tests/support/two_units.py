"""One node with two units that look after a person each: the same of everything for both, made once, and who calls.

What a unit has is told by marks: the ids of it, and words that stand in nothing else. So an answer that says something
about the other unit is found, whatever member it stands in.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from support.acting import id_of
from support.attached import NOTE, opened, pieces
from support.enrolled import Known, enrol
from support.local import Caller, socket_caller
from support.nodeproc import UNIT
from support.pair import Party, Two, example, two_nodes
from support.persons import ANA, BEN, agreed, changed, referral
from support.ports import free_port

from gateway.access.rules import PERSONAL
from gateway.operations.ids import Subject
from gateway.operations.roles import CASES, Role
from keys.primitives.encoding import b64u

SHELTER = "shelter"
UNITS = (UNIT, SHELTER)
NOWHERE = b64u(b"nothing has this")
"""An id that nothing has."""
SETTINGS = """
[[units]]
id = "shelter"
name = "Shelter"
kind = "ngo"
roles = ["shelter_provider"]

[local]
listen = "127.0.0.1:{port}"
"""


@dataclass
class Things:
    """What one unit looks after, by kind, and the words by which people know it."""

    unit: str
    worker: Known
    """Somebody of the unit."""
    words: tuple[str, ...]
    ids: dict[Subject, str] = field(default_factory=dict)
    cases: list[str] = field(default_factory=list)
    """Every case of the unit; the first is the one of `ids`, the second has nothing in it."""
    sent: str = ""
    """A message of the unit with a file."""
    taken_over: str = ""  # a conversation that was of the other unit's case, and relies on a consent that stayed there
    owed: dict[str, list[str]] = field(default_factory=dict)
    """Messages about which something has still to be done, by the operation that does it."""

    @property
    def spare(self) -> str:
        """A second case of the unit."""
        return self.cases[1]

    @property
    def marks(self) -> frozenset[str]:
        """What stands in no answer to another unit."""
        named = {id for subject, id in self.ids.items() if subject is not Subject.ALARM}  # that is a small number
        return frozenset({*named, *self.words, *self.cases, self.sent, self.taken_over}).union(*self.owed.values())


@dataclass(frozen=True)
class Credential:
    """Somebody who calls: with which roles, bound to which unit, as a person or a program, and on which door."""

    name: str
    roles: frozenset[Role]
    door: Caller
    unit: str | None = None
    person: bool = False
    owner: bool = False


@dataclass
class House:
    """The node, what its units have, and everybody who calls."""

    two: Two
    of: Mapping[str, Things]
    callers: list[Credential]
    kept_out: Credential
    """A person of no unit who must not see the case of the shelter."""

    @property
    def fr(self) -> Party:
        """The node that is asked."""
        return self.two.fr


@asynccontextmanager
async def two_units(base: Path) -> AsyncIterator[House]:
    """France with two units, each with a person whom it has referred to Albania."""
    port = free_port()
    async with AsyncExitStack() as stack:
        two = await stack.enter_async_context(two_nodes(base))
        await two.fr.stop()
        settings = two.fr.folder / "node.toml"
        settings.write_text(settings.read_text() + SETTINGS.format(port=port))
        await two.fr.start()
        await opened(two)
        of = {unit: await looked_after(two, unit) for unit in UNITS}
        session = await stack.enter_async_context(aiohttp.ClientSession())
        outside = Caller(session=session, base=f"http://127.0.0.1:{port}")
        inside = await stack.enter_async_context(socket_caller(two.fr.folder / "run" / "api.sock"))
        callers = [one async for one in everybody(two.fr, outside, inside)]
        await exchange(two.fr, *of.values())
        await told(two, of)
        yield House(two, of, callers, await kept_out(two.fr, of[SHELTER], outside))


async def told(two: Two, of: Mapping[str, Things]) -> None:
    """Every receipt has come, and what stands of the conversations is up to date: nothing moves by itself any more."""
    sent = [id for things in of.values() for id in (things.sent, *things.owed["alert.review"])]

    async def delivered() -> bool:
        return all([await two.fr.state(id) == "awaiting_opening" for id in sent])

    await two.until(delivered, what="the case system of the peer has what was sent")
    await two.fr.running.status_updates.keep()


# --- what a unit has ----------------------------------------------------------------------------------------------


async def looked_after(two: Two, unit: str) -> Things:
    """A person's case with everything that is of a case, in the hands of one unit."""
    fr, number, talk, consent = two.fr, f"N-{unit}-17", id_of(f"talk of {unit}"), id_of(f"yes in {unit}")
    worker = await enrol(fr.running, f"worker of {unit}", Role.CASE_WORKER, unit=unit)
    of = Things(unit=unit, worker=worker, words=(number, f"Label of {unit}", f"A note for {unit}"))
    await agreed(fr, number, consent)
    request = referral(number, consent, conversation=talk)
    request["content"]["attachments"] = [{"part": 0, "doc_kind": "other"}]
    of.sent = (await fr.call("message.submit", **request, message=await added(fr, of)))["id"]
    of.ids = {Subject.CASE_NUMBER: number, Subject.CONVERSATION: talk, Subject.CONSENT: consent}
    of.taken_over = id_of(f"talk that goes on from {unit}")
    relied_on = await agreed(fr, number, id_of(f"yes that stays in {unit}"))
    await fr.call("message.submit", **referral(number, relied_on, conversation=of.taken_over))
    of.ids[Subject.CASE] = (await fr.call("conversation.show", id=talk))["of_case"]["id"]
    of.cases = [of.ids[Subject.CASE], (await fr.call("case.open", label=f"Label of {unit}, too", by=ANA))["id"]]
    for case in of.cases:
        await fr.call("case.hand_over", id=case, unit=unit, reason=f"A note for {unit}", by=ANA)
    await fr.call("case.label", id=of.ids[Subject.CASE], label=f"Label of {unit}", by=ANA)
    await begun(two, of)
    asked = await asked_to_erase(two, of)
    alerts = [await alerted(two, of) for _ in range(2)]  # one for each of the unit who may
    of.owed = {"erasure.follow": [asked], "erasure.refuse": [asked], "alert.review": alerts}
    return of


async def begun(two: Two, of: Things) -> None:
    """An alert that came, with its alarm; holds, a change that waits for a second person, a draft with a file."""
    fr, case, talk = two.fr, of.ids[Subject.CASE], of.ids[Subject.CONVERSATION]
    alert = example("safety.alert/1", "FR", recipient_unit=UNIT) | {"conversation": talk}
    alert["content"]["what_happened"] = f"A note for {of.unit}"
    await two.until(lambda: any(d.message_id == of.sent for d in two.al.deliveries()), what="the referral arrives")
    of.ids[Subject.MESSAGE] = (await two.al.call("message.submit", **alert))["id"]
    await two.until(lambda: any(d.message_id == of.ids[Subject.MESSAGE] for d in fr.deliveries()), what="the alert")
    await fr.running.status_updates.keep()
    alarms = (await fr.call("alarm.list", limit=500))["alarms"]
    of.ids[Subject.ALARM] = next(one["id"] for one in alarms if (one["of_case"] or {}).get("id") == case)
    await fr.call("asylum.hold", id=talk, by=ANA, states=["MA"])
    await fr.call("retention.hold", id=talk, by=ANA, ground="restriction_18", until="2028-01-01")
    await fr.call("case.hold", id=case, by=ANA, ground="restriction_18", until="2028-01-01")
    other = await agreed(fr, of.ids[Subject.CASE_NUMBER], id_of(f"more in {of.unit}"))
    move = {"source": case, "into": of.spare, "consents": [other], "reason": f"A note for {of.unit}"}
    of.ids[Subject.CASE_CHANGE] = (await fr.call("case.move", **move, by=BEN))["change"]
    await anew(fr, of)


async def exchange(fr: Party, one: Things, other: Things) -> None:
    """Two people move a conversation of each case to the other one, and the consent on which it relies not."""
    one.taken_over, other.taken_over = other.taken_over, one.taken_over
    for to, of in ((one, other), (other, one)):
        await changed(fr, "case.move", source=of.cases[0], into=to.cases[0], conversations=[to.taken_over])


async def alerted(two: Two, of: Things) -> str:
    """An alert that went out with what may identify somebody: a second person has to look at it."""
    alert = example("safety.alert/1", "AL") | {"conversation": of.ids[Subject.CONVERSATION]}
    alert["content"]["what_happened"] = "call +355 69 123 4567"
    return str((await two.fr.call("message.submit", **alert))["id"])


async def asked_to_erase(two: Two, of: Things) -> str:
    """Albania has referred a person to France, where the unit has the case and must keep it, and the person has taken
    the consent back; the message that asks to erase.
    """
    al, fr, number, talk = two.al, two.fr, f"A-{of.unit}-5", id_of(f"talk of Albania with {of.unit}")
    consent = await agreed(al, number, id_of(f"yes in Albania for {of.unit}"))
    request = referral(number, consent, conversation=talk, to="FR")
    came = (await al.call("message.submit", **request))["id"]
    await two.until(lambda: any(d.message_id == came for d in fr.deliveries()), what="the referral of Albania")
    of.cases.append((await fr.call("conversation.show", id=talk))["of_case"]["id"])
    await fr.call("case.hand_over", id=of.cases[-1], unit=of.unit, reason=f"A note for {of.unit}", by=ANA)
    await fr.call("retention.hold", id=talk, by=ANA, ground="restriction_18", until="2028-01-01")
    await al.call("consent.withdraw", id=consent, erase_wanted=True, by=ANA)

    asking: list[str] = []

    async def waiting() -> bool:
        requests = (await fr.call("erasure.list"))["requests"]
        of_it = [one for one in requests if one["of_case"]["id"] == of.cases[-1]]
        asking.extend(one["id"] for one in of_it if one["state"] == "waiting")
        return asking != []

    await two.until(waiting, seconds=60, what="the request to erase")
    return asking[0]


async def anew(fr: Party, of: Things) -> None:
    """A file and a draft that names it, for what uses them up."""
    number, consent, talk = [of.ids[kind] for kind in (Subject.CASE_NUMBER, Subject.CONSENT, Subject.CONVERSATION)]
    of.ids[Subject.FILES] = await added(fr, of)
    request = referral(number, consent, conversation=talk) | {"message": of.ids[Subject.FILES]}
    of.ids[Subject.DRAFT] = (await fr.call("draft.save", draft=request))["id"]


async def added(fr: Party, of: Things) -> str:
    """A file that a worker of the unit adds; under which id it waits."""
    done: Any = (await fr.running.desk.attach({}, pieces(NOTE), size=len(NOTE), caller=of.worker.caller)).value
    return str(done["message"])


# --- who calls ----------------------------------------------------------------------------------------------------


def showing(door: Caller, token: str) -> Caller:
    """The same door, with a token."""
    return Caller(session=door.session, base=door.base, headers={"Authorization": f"Bearer {token}"})


async def everybody(fr: Party, outside: Caller, inside: Caller) -> AsyncIterator[Credential]:
    """A program and a person for each role, of no unit and of the shelter; the owner, and one who has nothing."""
    yield Credential("nobody", frozenset(), outside)
    yield Credential("owner", frozenset(Role), inside, owner=True)
    for role in Role:
        for unit in (None, SHELTER):
            bound = {} if unit is None else {"unit": unit}
            made = await fr.call("token.new", role=str(role), label="test", **bound)
            name, roles = f"{role} of {unit or 'the node'}", frozenset({role})
            yield Credential(f"program, {name}", roles, showing(outside, made["token"]), unit)
            if role in PERSONAL:
                known = await enrol(fr.running, name, role, unit=unit)
                yield Credential(f"person, {name}", roles, showing(outside, known.token), unit, person=True)


async def kept_out(fr: Party, of: Things, outside: Caller) -> Credential:
    """A focal point who is a relative of the person of the shelter."""
    known = await enrol(fr.running, "a relative", Role.FOCAL_POINT, Role.CASE_WORKER)
    for case in of.cases:
        await fr.call("case.block", id=case, person=known.id, reason="a relative", by=ANA)
    return Credential("relative", CASES, showing(outside, known.token), person=True)


# --- what is stored -----------------------------------------------------------------------------------------------


class Rows:
    """The rows of a node, looked at from outside its process: they are the same, or the test says which table."""

    def __init__(self, folder: Path) -> None:
        self._stored = sqlite3.connect(f"file:{folder / 'node.db'}?mode=ro", uri=True)
        self._version, self._rows = self._seen(), self._all()

    def _seen(self) -> int:
        (version,) = self._stored.execute("pragma data_version").fetchone()
        return int(version)

    def _all(self) -> dict[str, list[tuple[Any, ...]]]:
        tables = [name for (name,) in self._stored.execute("select name from sqlite_master where type = 'table'")]
        return {name: sorted(self._stored.execute(f'select * from "{name}"'), key=repr) for name in tables}

    def changed(self) -> list[str]:
        """The tables that are other than at the last look."""
        if (version := self._seen()) == self._version:
            return []
        before, self._version, self._rows = self._rows, version, self._all()
        return [name for name in self._rows if self._rows[name] != before.get(name)]

    def close(self) -> None:
        """Let go of the file."""
        self._stored.close()


def rows(folder: Path) -> Any:
    """The rows of a node as long as the block lasts."""
    return closing(Rows(folder))
