"""What people ask of three nodes (`support.three_nodes`) about a few persons, and what that promises (`Promises`).

An act that a node refuses promises nothing; its code is counted, so that a test can say that not everything was
refused. An act during which its node ends is asked again, as people do it.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping
from typing import Any

from support.marked import mark
from support.nodeproc import UNIT
from support.pair import example
from support.promises import REFERRAL, Letter
from support.three_nodes import ANA, BEN, NAMES, Trio

import schemas
from gateway.errors import GatewayError
from gateway.ports import LocalRecord

CATEGORIES = [code.code for code in schemas.code_list("data_category").codes]
APART = 100
"""Persons of one country are counted from a multiple of this."""
ROADS = ("submit", "draft", "record")
"""How a referral comes to leave: from a person at once, as a draft, or of a record of the case system."""


class Acts:
    """Acts of people at these three."""

    def __init__(self, trio: Trio) -> None:
        self._trio = trio
        self._promises = trio.promises
        self._marks = itertools.count()
        self.withdrawn: set[tuple[str, str]] = set()
        """Node and consent: a person took it back there."""
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

    # --- consent --------------------------------------------------------------------------------------------------

    async def consent(self, home: str, person: int) -> str | None:
        """A person agrees at home that everybody may have everything, and pass it on."""
        record = dict(example("consent.record/1", "AL")["content"])
        del record["consent_id"]
        units = [f"{name}/{UNIT}" for name in NAMES]
        record["onward_sharing"] = True
        record["grants"] = [
            {"purpose": purpose, "recipient_units": units, "data_categories": CATEGORIES, "until": "2028-11-30"}
            for purpose in ("referral", "monitoring")
        ]
        done = await self.ask(home, "consent.record", by=ANA, number=number_of(home, person), content=record)
        if done is None:
            return None
        self._promises.person_of[done["id"]] = person_of(home, person)
        return str(done["id"])

    def whose(self, consent: str) -> tuple[str, int]:
        """Where a consent was recorded, and of which person there."""
        home, person = divmod(self._promises.person_of[consent], APART)
        return NAMES[home], person

    async def withdraw(self, name: str, consent: str, *, part: bool = False) -> None:
        """The person takes it back at this node: whole, or what referrals rely on."""
        chosen = {"grants": [0]} if part else {}
        if await self.ask(name, "consent.withdraw", by=ANA, id=consent, **chosen) is not None:
            self._promises.stop(name, consent, part=part)
            self.withdrawn.add((name, consent))

    # --- messages -------------------------------------------------------------------------------------------------

    async def refer(self, consent: str, home: str, person: int, to: str, road: str = "submit") -> Letter | None:
        """A referral of a person at home that relies on a consent."""
        named = {"consent_ref": consent, "case_ref_sender": number_of(home, person)}
        request = self._request(REFERRAL, to, **named)
        request["header"]["handling"] = self._passed_on(home, to)
        said = self._marked(request, "person", "pseudonym")
        return await self._send(home, request, said, consent, road, person_of(home, person))

    async def answer(self, letter: Letter, kind: str) -> Letter | None:
        """Whoever got a letter says something in its conversation, on the consent that it relied on."""
        request = self._request(kind, letter.by, consent_ref=letter.consent)
        request |= {"conversation": letter.conversation, "in_reply_to": letter.id}
        if kind == "info.request/1":
            request["content"] = {"items": [dict(request["content"]["items"][0])], "blocks_decision": False}
            request["content"]["items"][0]["data_category"] = "needs"
            said = self._marked(request["content"]["items"][0], None, "question")
        else:
            said = self._marked(request, None, "case_worker_ref")
        return await self._send(letter.to, request, said, letter.consent, "submit", self._person(letter))

    async def pass_on(self, letter: Letter, to: str) -> Letter | None:
        """Whoever got a referral refers the person on, on the same consent."""
        shown = await self.ask(letter.to, "conversation.show", id=letter.conversation)
        if shown is None or shown["of_case"] is None:
            return None
        request = self._request(REFERRAL, to, consent_ref=letter.consent)
        request["header"].pop("case_ref_sender", None)
        said = self._marked(request, "person", "pseudonym")
        request["case"] = shown["of_case"]["id"]
        return await self._send(letter.to, request, said, letter.consent, "submit", self._person(letter))

    async def cancel(self, letter: Letter) -> None:
        """A person stops a message; what is answered `cancelled` never arrives."""
        await self.ask(letter.by, "message.cancel", by=ANA, id=letter.id)
        if (await self._trio.call(letter.by, "message.show", id=letter.id))["state"] == "cancelled":
            self._promises.cancelled.add(letter.id)

    # --- erasing and holding ----------------------------------------------------------------------------------------

    async def erase(self, name: str, letter: Letter, *, whole: bool = False) -> None:
        """A person erases a message, or its whole conversation, at one node."""
        if whole:
            await self.ask(name, "conversation.erase", by=ANA, id=letter.conversation, reason="not_needed")
        else:
            way = "out" if name == letter.by else "in"
            await self.ask(name, "message.erase", by=ANA, id=letter.id, direction=way, reason="not_needed")
        for one in self._promises.letters.values():
            if one.conversation == letter.conversation and name in (one.by, one.to):
                shown = await self.ask(name, "message.show", id=one.id)
                if shown is not None and shown["erased"] is not None:
                    assert (name, one.conversation) not in self._promises.kept or one.id in self._promises.erased[name]
                    self._promises.erased[name].add(one.id)

    async def keep(self, name: str, letter: Letter) -> None:
        """A legal hold: nothing of the conversation is erased here."""
        given = {"id": letter.conversation, "ground": "restriction_18", "until": "2029-06-30"}
        if await self.ask(name, "retention.hold", by=ANA, **given) is not None:
            self._promises.kept.add((name, letter.conversation))

    async def release(self, name: str, letter: Letter) -> None:
        """The legal hold is lifted."""
        if await self.ask(name, "retention.release", by=ANA, id=letter.conversation) is not None:
            self._promises.kept.discard((name, letter.conversation))

    async def hold(self, name: str, letter: Letter, feared: str) -> None:
        """An asylum hold: nothing of the person goes from here to a State."""
        if await self.ask(name, "asylum.hold", by=ANA, id=letter.conversation, states=[feared]) is not None:
            key = (name, self._person(letter))
            self._promises.feared[key] = self._promises.feared.get(key, frozenset()) | {feared}

    async def lift(self, name: str, letter: Letter) -> None:
        """Two people lift it; where several conversations of the person are held, the others go on being held."""
        held = [await self.ask(name, "asylum.lift", by=who, id=letter.conversation) for who in (ANA, BEN)]
        if held[-1] == {"id": letter.conversation, "held": False}:
            self._promises.feared.pop((name, self._person(letter)), None)

    # --- of what they are made ----------------------------------------------------------------------------------------

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
        self._trio.parties[name].system.offer(LocalRecord(ref=f"record-{said}", fields=dict(request)))
        try:
            await self._trio.repeat(lambda: self._trio.collect(name))
        except GatewayError as error:
            self.met[f"collect: {error.code}"] += 1
            return None
        for line in (await self._trio.call(name, "draft.list"))["drafts"]:
            if line["record"] == f"record-{said}":
                return await self._release(name, line["id"], consent=consent)
        return None

    async def _release(self, name: str, draft: str, **added: Any) -> Any:
        """Two people release a draft."""
        first = await self.ask(name, "draft.release", id=draft, by=ANA, **added)
        return first and await self.ask(name, "draft.release", id=draft, by=BEN, **added)


def number_of(home: str, person: int) -> str:
    """What the case system of its country calls a person."""
    return f"{home.lower()}-case-{person}"


def person_of(home: str, person: int) -> int:
    """The number of a person among all."""
    return NAMES.index(home) * APART + person
