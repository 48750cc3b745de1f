"""How far disclosure has come in a conversation: before or after the other side accepted the case."""

from __future__ import annotations

from enum import StrEnum


class DisclosureStage(StrEnum):
    """How far disclosure has come in a conversation."""

    BEFORE_ACCEPTANCE = "before_acceptance"
    AFTER_ACCEPTANCE = "after_acceptance"


#: States of a referral that follow an acceptance without open conditions (domain 8.3). CLOSED is one of them: what is
#: still said there (a correction, an erasure) concerns data that the other side was given.
ACCEPTED_STATES: frozenset[str] = frozenset(
    {
        "ACCEPTED",
        "PLANNING",
        "RETURN_PROPOSED",
        "RETURN_CONFIRMED",
        "IN_TRANSIT",
        "ARRIVED",
        "ACTIVE",
        "CLOSING",
        "CLOSED",
    }
)


def disclosure_stage(state: str) -> DisclosureStage:
    """The step of disclosure in a state of the conversation, in any letter case; an unknown state opens nothing."""
    return DisclosureStage.AFTER_ACCEPTANCE if state.upper() in ACCEPTED_STATES else DisclosureStage.BEFORE_ACCEPTANCE
