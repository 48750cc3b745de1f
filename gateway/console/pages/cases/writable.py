"""What can be written in a case now: what is owed first, then what the procedure expects, then the rest.

Each leads into writing with the conversation, what it answers and the case chosen; what somebody has begun already is
gone on with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.console.pages.writing.beginning import ELSEWHERE, find_step, name_offer
from gateway.console.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A message that can be written to a peer in a conversation: `what` names it there, `draft` is one that was begun,
    `duty` what is owed by it.
    """

    conversation: str
    peer: str
    type: str
    what: str
    duty: Mapping[str, Any] | None
    expected: bool
    draft: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """What stands in sight, and what is folded."""

    first: Sequence[Offer] = ()
    rest: Sequence[Offer] = ()


async def load_offers(
    visit: Visit, standing: Sequence[Mapping[str, Any]], drafts: Sequence[Mapping[str, Any]]
) -> Offers:
    """Ask what can be written in each conversation of a case; nothing for somebody who writes nothing."""
    if not visit.allows("draft.save"):
        return Offers()
    begun = {(one["to"], one["type"]): one["id"] for one in drafts if one["state"] == "waiting"}
    found = list[Offer]()
    for stands in standing:
        if stands.get("conversation"):
            writable = await visit.ask("conversation.writable", {"id": stands["conversation"]})
            found += _offers(stands, writable["peers"], begun)
    found.sort(key=_urgency)
    first = [one for one in found if one.duty or one.expected or one.draft]
    return Offers(first=first, rest=[one for one in found if one not in first])


def _offers(
    stands: Mapping[str, Any], peers: Sequence[Mapping[str, Any]], begun: Mapping[tuple[str, str], str]
) -> Iterator[Offer]:
    owed = {duty["because"]: duty for duty in stands["owed"] if duty["owes"] == "us"}
    for side in peers:
        for one in side["types"]:
            if side["peer"] == stands["peer"] and one["type"] not in ELSEWHERE:
                yield Offer(
                    conversation=stands["conversation"],
                    peer=side["peer"],
                    type=one["type"],
                    what=name_offer(side["peer"], one),
                    duty=owed.get(one["in_reply_to"]),
                    expected=find_step(stands, one["type"]) is not None,
                    draft=begun.get((side["peer"], one["type"])),
                )


def _urgency(offer: Offer) -> tuple[bool, int, bool]:
    return offer.duty is None, 0 if offer.duty is None else offer.duty["until"], not offer.expected
