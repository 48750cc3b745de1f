"""What people say to each other across a border in a story: a consent, a referral that rests on it, and what follows.

    talk = await begin(world, fr.worker, al, "F-1", purposes=("referral", "return"))
    await talk.refer(fr.worker, legal_status="irregular")
    await talk.accept(al.lead)
    refusal = await talk.is_refused(fr.worker, "return.proposal", "return", return_kind="decision_based")

Each message begins as the smallest example of its type; a member of None is left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from support.acting import id_of
from support.nodeproc import UNIT
from support.pair import example
from support.story_countries import Country, Person, Refusal, World
from support.story_nodes import FOCAL_POINT

import schemas
from gateway.policy.gates.transfer import EEA
from schemas.types import never_blocked

ALL = tuple(code.code for code in schemas.code_list("data_category").codes)
ARRANGEMENT = {
    "transfer_basis": "admin_arrangement_46_3_b",
    "transfer_instrument": "Arrangement of the two coordinators",
}


def agreement(
    world: World, units: Collection[str], purposes: Collection[str] = ("referral",), **members: Any
) -> dict[str, Any]:
    """What a person agreed to three days ago: everything to these units, for these purposes."""
    content = example("consent.record/1", "AL")["content"]
    del content["consent_id"]
    grants = [
        {"purpose": purpose, "recipient_units": [*units], "data_categories": [*ALL], "until": world.day(300)}
        for purpose in purposes
    ]
    return _without_none(content | {"taken_on": world.day(-3), "grants": grants} | members)


def _without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


@dataclass(kw_only=True)
class Talk:
    """A referral between two countries about one person, or an enquiry before it. `number` is what the case system of
    the host calls the person.
    """

    world: World
    host: Country
    other: Country
    number: str | None
    consent: str | None
    conversation: str
    request: str = ""
    host_unit: str = UNIT
    other_unit: str = UNIT
    host_role: str = FOCAL_POINT
    other_role: str = FOCAL_POINT

    def letter(
        self,
        by: Person,
        kind: str,
        purpose: str | None,
        /,
        *,
        reply_to: str | None = None,
        header: Mapping[str, Any] | None = None,
        **content: Any,
    ) -> dict[str, Any]:
        """A message of this conversation as this person would submit it."""
        ours = by.country is self.host
        here, there = (self.host, self.other) if ours else (self.other, self.host)
        request = example(f"{kind}/1", there.name)
        ends = [(self.host_unit, self.host_role), (self.other_unit, self.other_role)]
        (unit, role), (to, to_role) = ends if ours else reversed(ends)
        head = request["header"] | {
            "sender_unit": unit,
            "sender_role": role,
            "recipient_unit": to,
            "recipient_role": to_role,
            "case_ref_sender": self.number if ours else None,
            "case_ref_recipient": None,
            "respond_by": None,
        }
        head["handling"] = head["handling"] | {"retain_until": self.world.day(2_000)}
        if schemas.load_catalogue().get(f"{kind}/1").personal and not never_blocked(kind):
            inside = {"transfer_basis": "intra_eea", "transfer_instrument": None}
            head |= inside if {here.name, there.name} <= EEA else ARRANGEMENT
            head["consent_ref"] = self.consent
        else:
            head["case_ref_sender"] = None
        made = {"header": _without_none(head | dict(header or {})), "conversation": self.conversation}
        made["content"] = _without_none(request["content"] | content)
        named = {"purpose": purpose, "in_reply_to": reply_to}
        return {"type": f"{kind}/1", "to": there.name} | made | _without_none(named)

    async def says(self, by: Person, kind: str, purpose: str | None = None, /, **said: Any) -> str:
        """Submit it, have a second person release it where it needs two, and wait until the other side has it; its
        id.
        """
        done = await by.does("message.submit", **self.letter(by, kind, purpose, **said))
        if done["state"] == "waiting_second":
            done = await by.country.lead.does("draft.release", id=done["id"])
        await self.world.arrives(by.country, done["id"])
        return str(done["id"])

    async def is_refused(self, by: Person, kind: str, purpose: str | None = None, /, **said: Any) -> Refusal:
        """Submit what is refused; nothing of it is stored, and the other side gets nothing."""
        there = self.other if by.country is self.host else self.host
        before = await there.stored()
        refusal = await by.is_refused("message.submit", **self.letter(by, kind, purpose, **said))
        assert await there.stored() == before
        return refusal

    async def preview(self, by: Person, kind: str, purpose: str, /, language: str, **said: Any) -> str:
        """What the console says to a colleague who reads this language, of a draft of it."""
        saved = await by.does("draft.save", draft=self.letter(by, kind, purpose, **said))
        page = await by.country.reads(f"/drafts/{saved['id']}/preview", language)
        await by.does("draft.discard", id=saved["id"])
        return page

    async def refer(self, by: Person, **said: Any) -> str:
        """Send the referral that the conversation is about; its id."""
        self.request = await self.says(by, "referral.request", "referral", **said)
        return self.request

    async def accept(self, by: Person) -> str:
        """Take the case."""
        ours = f"{self.other.name}-{self.number}"
        return await self.says(by, "referral.accept", "referral", reply_to=self.request, case_ref_recipient=ours)

    async def stands(self, country: Country) -> dict[str, Any]:
        """Where the conversation stands at this country."""
        (standing,) = (await country.lead.does("conversation.show", id=self.conversation))["standing"]
        return dict(standing)

    async def case(self, country: Country) -> dict[str, Any]:
        """The case that it is of at this country."""
        shown = await country.lead.does("conversation.show", id=self.conversation)
        return dict(await country.lead.does("case.show", id=shown["of_case"]["id"]))

    async def told(self, country: Country, id: str) -> Any:
        """What a message says at this country."""
        return (await country.worker.does("message.show", id=id))["content"]


async def assess(talk: Talk, conclusion: str, **joint: Any) -> None:
    """Each side looks at the risks that it can see, and both conclude together."""
    found, review = example("risk.assessment/1", "AL")["content"], {"review_on": talk.world.day(25)}

    async def part(by: Person, side: str, **more: Any) -> str:
        said = found | review | {"part": side, "conclusion": conclusion, **more}
        return await talk.says(by, "risk.assessment", "risk_assessment", **said)

    parts = [await part(talk.host.worker, "sending"), await part(talk.other.worker, "receiving")]
    await part(talk.other.worker, "joint", based_on=parts, **joint)


async def begin(
    world: World,
    by: Person,
    other: Country,
    number: str,
    *,
    purposes: Collection[str] = ("referral",),
    consent: Mapping[str, Any] | None = None,
    also: Collection[str] = (),
    **ends: Any,
) -> Talk:
    """Record what a person agreed to, for the units of both ends and those of `also`; the conversation that will rest
    on it.
    """
    talk = Talk(
        world=world,
        host=by.country,
        other=other,
        number=number,
        consent=None,
        conversation=id_of(f"{number} to {other.name}"),
        **ends,
    )
    units = [f"{by.country.name}/{talk.host_unit}", f"{other.name}/{talk.other_unit}", *also]
    content = agreement(world, units, purposes, **(consent or {}))
    talk.consent = (await by.does("consent.record", number=number, content=content))["id"]
    return talk
