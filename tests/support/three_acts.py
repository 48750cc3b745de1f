"""What people ask of three nodes (`support.three_nodes`) about a few persons, and what that promises (`Promises`).

An act that a node refuses promises nothing.
"""

from __future__ import annotations

import itertools
from typing import Any

from support.nodeproc import UNIT
from support.pair import example
from support.promises import REFERRAL, Letter
from support.three_letters import APART, Letters, number_of, person_of
from support.three_nodes import ANA, BEN, NAMES, Trio

import schemas

CATEGORIES = [code.code for code in schemas.code_list("data_category").codes]


class Acts(Letters):
    """Acts of people at these three."""

    def __init__(self, trio: Trio) -> None:
        super().__init__(trio)
        self._strangers = itertools.count(APART * len(NAMES))
        self.withdrawn: set[tuple[str, str]] = set()
        """Node and consent: a person took it back there."""

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

    def are_one(self, home: str, one: int, other: int) -> bool:
        """Whether people at home say that two persons are one."""
        return len({self._promises.same(home, person_of(home, person)) for person in (one, other)}) == 1

    async def withdraw(self, name: str, consent: str, *, part: bool = False, erase: bool = False) -> None:
        """The person takes it back at this node: whole, or what referrals rely on; and may want everything erased."""
        if erase:
            self._promises.wanted.add(self._promises.person_of[consent])
        if await self._withdraw(name, consent, part=part, erase_wanted=erase) is not None:
            self._promises.stop(name, consent, part=part)
            self.withdrawn.add((name, consent))

    async def withdraw_again(self, name: str, consent: str, *, part: bool) -> None:
        """The same after a restore, where the node may not know the consent any more: then it tells nobody."""
        if await self._withdraw(name, consent, part=part) is None:
            self.withdrawn.discard((name, consent))

    async def _withdraw(self, name: str, consent: str, *, part: bool, **wanted: Any) -> Any:
        chosen = {"grants": [0]} if part else {}
        return await self.ask(name, "consent.withdraw", by=ANA, id=consent, **chosen, **wanted)

    # --- messages -------------------------------------------------------------------------------------------------

    async def refer(
        self, consent: str, home: str, person: int, to: str, road: str = "submit", *, file: bool = False
    ) -> Letter | None:
        """A referral of a person at home that relies on a consent, and may have a file with the same mark."""
        named = {"consent_ref": consent, "case_ref_sender": number_of(home, person)}
        request = self._request(REFERRAL, to, **named)
        request["header"]["handling"] = self._passed_on(home, to)
        said = self._marked(request, "person", "pseudonym")
        if file and road == "submit" and not await self._attach(home, request, said):
            return None
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
        case = await self._case(letter.to, letter)
        if case is None:
            return None
        request = self._request(REFERRAL, to, consent_ref=letter.consent)
        request["header"].pop("case_ref_sender", None)
        said = self._marked(request, "person", "pseudonym")
        request["case"] = case
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
            self._promises.spared.add((name, letter.conversation))

    async def release(self, name: str, letter: Letter) -> None:
        """The legal hold is lifted."""
        if await self.ask(name, "retention.release", by=ANA, id=letter.conversation) is not None:
            self._promises.kept.discard((name, letter.conversation))

    async def hold(self, name: str, letter: Letter, feared: str) -> None:
        """An asylum hold: nothing of the person goes from here to a State."""
        if await self.ask(name, "asylum.hold", by=ANA, id=letter.conversation, states=[feared]) is not None:
            self._promises.fear(name, letter.conversation, feared)

    async def lift(self, name: str, letter: Letter) -> None:
        """Two people lift it; where several conversations of the person are held, the others go on being held."""
        held = [await self.ask(name, "asylum.lift", by=who, id=letter.conversation) for who in (ANA, BEN)]
        if held[-1] == {"id": letter.conversation, "held": False}:
            self._promises.feared.pop((name, letter.conversation), None)

    # --- whose it is ------------------------------------------------------------------------------------------------

    async def merge(self, name: str, one: Letter, other: Letter) -> None:
        """Two people say that the persons of two conversations are one."""
        cases = [await self._case(name, letter) for letter in (one, other)]
        if None in cases:
            return
        id, into = cases
        done = await self._two(name, "case.merge", id=id, into=into, reason="one person")
        if done:
            self._promises.merge(name, one.conversation, other.conversation)

    async def split(self, name: str, letter: Letter) -> None:
        """Two people say that a conversation is about somebody else."""
        case = await self._case(name, letter)
        parts = {"conversations": [letter.conversation], "reason": "two persons"}
        if case is not None and await self._two(name, "case.split", id=case, **parts):
            self._promises.split[name, letter.conversation] = next(self._strangers)

    async def _case(self, name: str, letter: Letter) -> str | None:
        shown = await self.ask(name, "conversation.show", id=letter.conversation)
        return None if shown is None or shown["of_case"] is None else str(shown["of_case"]["id"])

    async def _two(self, name: str, operation: str, **wanted: Any) -> bool:
        """A change of cases, by the one who asks for it and another one."""
        asked = await self.ask(name, operation, by=ANA, **wanted)
        return asked is not None and await self.ask(name, "case.confirm", by=BEN, id=asked["change"]) is not None
