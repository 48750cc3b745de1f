"""How what people write at three nodes (`support.three_nodes`) is made and sent: each letter carries a mark of its own.

What a node refuses is counted by its code, so that a test can say that not everything was refused. What was asked while
a node ended is asked again, as people do it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from typing import Any

from support.attached import pieces
from support.marked import mark
from support.nodeproc import UNIT
from support.pair import example
from support.promises import Letter
from support.three_nodes import ANA, BEN, NAMES, Trio

from gateway.errors import GatewayError
from gateway.ports import LocalRecord

APART = 100
"""Persons of one country are counted from a multiple of this."""
ROADS = ("submit", "draft", "record")
"""How a referral comes to leave: from a person at once, as a draft, or of a record of the case system."""


class Letters:
    """What people ask of these three, and the letters among it."""

    def __init__(self, trio: Trio) -> None:
        self._trio = trio
        self._promises = trio.promises
        self._marks = itertools.count()
        self.met: Counter[str] = Counter()
        """How often each operation was done, or refused with which code."""

    async def ask(self, name: str, operation: str, **arguments: Any) -> Any:
        """One operation; None where it is refused."""
        try:
            done = await self._trio.call(name, operation, **arguments)
        except GatewayError as error:
            self.met[f"{operation} {arguments.get('type', '')}: {error.code}"] += 1
            return None
        self.met[operation] += 1
        return done

    async def _discard_twins(self, name: str, said: str) -> None:
        """Discard a draft that was saved twice, since the node ended before it answered."""
        for line in (await self._trio.call(name, "draft.list"))["drafts"]:
            if said in repr((await self._trio.call(name, "draft.show", id=line["id"]))["draft"]):
                await self.ask(name, "draft.discard", id=line["id"], by=ANA)

    async def _attach(self, name: str, request: dict[str, Any], said: str) -> bool:
        """Add a file to a message before it is submitted; whether that was possible."""
        data = b"%PDF-1.7\n" + said.encode() + b"\n%%EOF\n"
        try:
            done: Any = await self._trio.repeat(
                lambda: self._trio.node(name).desk.attach({}, pieces(data), size=len(data))
            )
        except GatewayError as error:
            self.met[f"attachment.add: {error.code}"] += 1
            return False
        self.met["attachment.add"] += 1
        request["message"] = done.value["message"]
        request["content"]["attachments"] = [{"part": done.value["part"], "doc_kind": "other"}]
        return True

    def _person(self, letter: Letter) -> int:
        return self._promises.person_of[letter.conversation]

    def _request(self, kind: str, to: str, **header: Any) -> dict[str, Any]:
        return example(kind, to, **header) | {"purpose": "referral"}

    def _passed_on(self, home: str, to: str) -> dict[str, Any]:
        """The third of the three may be told."""
        (third,) = set(NAMES) - {home, to}
        return {
            "onward_sharing": "named_units",
            "onward_units": [f"{self._trio.node(third).own.node}/{UNIT}"],
            "retain_until": "2028-11-30",
            "export_to_local": "full",
        }

    def _marked(self, request: dict[str, Any], inside: str | None, member: str) -> str:
        """Write a mark of its own into one member of the content; the mark."""
        said = mark(next(self._marks))
        place = request.get("content", request)
        if inside is not None:
            place[inside] = place[inside] | {member: said}
        else:
            place[member] = said
        return said

    async def _send(
        self, name: str, request: dict[str, Any], said: str, consent: str, road: str, person: int
    ) -> Letter | None:
        match road:
            case "submit":
                done = await self.ask(name, "message.submit", **request)
            case "draft":
                saved = await self.ask(name, "draft.save", draft=request)
                done = saved and await self._release(name, saved["id"])
                await self._discard_twins(name, said)
            case _:
                done = await self._from_record(name, request, said, consent)
        if done is None:
            return None
        self._promises.person_of[done["conversation"]] = person
        letter = Letter(
            id=done["id"],
            by=name,
            to=request["to"],
            kind=request["type"],
            conversation=done["conversation"],
            consent=consent,
            mark=said,
        )
        self._promises.letters[letter.id] = letter
        return letter

    async def _from_record(self, name: str, request: Mapping[str, Any], said: str, consent: str) -> Any:
        """The case system offers a record, it becomes a draft, and a person releases it."""
        self._trio.parties[name].system.offer(LocalRecord(ref=record_name(said), fields=dict(request)))
        try:
            await self._trio.repeat(lambda: self._trio.collect(name))
        except GatewayError as error:
            self.met[f"collect: {error.code}"] += 1
            return None
        for line in (await self._trio.call(name, "draft.list"))["drafts"]:
            if line["record"] == record_name(said):
                return await self._release(name, line["id"], consent=consent)
        return None

    async def _release(self, name: str, draft: str, **added: Any) -> Any:
        """Two people release a draft; under its key a release whose node ended is answered as it was before."""
        first = await self.ask(name, "draft.release", id=draft, by=ANA, **added)
        return first and await self.ask(name, "draft.release", id=draft, by=BEN)


def record_name(mark: str) -> str:
    """What the case system calls the record of which a letter with this mark was made."""
    return f"record-{mark}"


def number_of(home: str, person: int) -> str:
    """What the case system of its country calls a person."""
    return f"{home.lower()}-case-{person}"


def person_of(home: str, person: int) -> int:
    """The number of a person among all."""
    return NAMES.index(home) * APART + person
