"""Which of two crossing messages counts (domain 4.10), as a table.

A message loses when one that beats it was written by the other side in ignorance of it and would have its effect. The
loser is delivered and shown like any other and has no effect; its writer sees why. Three rules are the catalogue's:
withdrawal of a referral beats acceptance, cancelling a return beats the answer to it, withdrawal of consent beats all
that carries the case on. The others are ours, and each takes the side of the person's safety.
A name is a message type, or a type with the one word of its content that decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.conversations.rules.facts import Message

#: What carries a case on, or tells more about the person: not what stops, protects, erases or reports where she is.
CARRIES_ON: frozenset[str] = frozenset(
    {
        "referral.request",
        "referral.accept",
        "info.request",
        "info.reply",
        "identification.certificate",
        "nationality.request",
        "nationality.reply",
        "traveldoc.request",
        "traveldoc.reply",
        "family.inquiry",
        "family.report",
        "risk.request",
        "risk.assessment",
        "bid.report",
        "guardian.notice",
        "assistance.plan",
        "return.proposal",
        "return.response",
        "reintegration.plan",
        "monitoring.report",
        "proceedings.notice",
        "service.complaint",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beats:
    """``winner`` beats each of ``losers`` that it crosses."""

    winner: str
    losers: frozenset[str]
    why: str


CROSSINGS: tuple[Beats, ...] = (
    Beats(
        winner="consent.withdrawal",
        losers=CARRIES_ON,
        why="withdrawal of consent wins over everything that carries the case on",
    ),
    Beats(
        winner="referral.withdraw",
        losers=frozenset({"referral.accept", "referral.decline", "info.request"}),
        why="withdrawal wins over an answer; one end is enough where both would end it",
    ),
    Beats(
        winner="return.cancel",
        losers=frozenset({"return.response"}),
        why="a cancelled return is not confirmed: wrongly stopped costs a new proposal, wrongly sent costs a person",
    ),
    Beats(
        winner="departure.notice:departed",
        losers=frozenset({"return.cancel"}),
        why="[own] who has departed has to be met",
    ),
    Beats(
        winner="safety.alert",
        losers=frozenset({"case.closure", "closure.response:agree"}),
        why="[own] no case is closed over an alert that one side had not read",
    ),
)


def beats(winner: Message, loser: Message) -> bool:
    """Whether the first wins over the second where they cross."""
    return any(rule.winner in _names(winner) and rule.losers & _names(loser) for rule in CROSSINGS)


def _names(message: Message) -> set[str]:
    return {message.kind, f"{message.kind}:{message.said.word}"}
