"""What people say and do about cases, in words: changes, what a person is, who belongs together (gateway.cases);
and the mark by which a case is known at a glance.
"""

from __future__ import annotations

from gateway.console.states import Table
from gateway.console.words import N_

CHANGES: Table = {
    "merge": N_("Two cases become one"),
    "split": N_("Parts become the case of another person"),
    "move": N_("Parts go to another case"),
}
CHANGE_STATES: Table = {
    "asked": N_("waits for a second person"),
    "done": N_("done"),
    "undo_asked": N_("is undone once a second person agrees"),
    "undone": N_("was undone"),
}
STATUSES: Table = {
    "self_reported": N_("says to be a victim of trafficking; no decision yet"),
    "presumed": N_("presumed victim"),
    "identified": N_("formally identified victim"),
    "not_identified": N_("decided not to be a victim"),
    "revoked": N_("the earlier status was revoked"),
}
PERSON_ROLES: Table = {
    "victim": N_("victim"),
    "witness": N_("witness"),
    "accused": N_("accused"),
    "asylum_seeker": N_("asks for asylum"),
    "claimant": N_("claims compensation"),
}
RELATED: Table = {
    "parent": N_("the parent"),
    "child": N_("the child"),
    "sibling": N_("a brother or sister"),
    "partner": N_("the partner"),
    "guardian": N_("the guardian"),
    "ward": N_("in their guardianship"),
    "household": N_("of the same household"),
}
"""What the person of the other case is."""


TINTS = 6
"""Tints of the marks in console.css."""


def choose_mark(id: str, name: str | None) -> tuple[str, int]:
    """The mark of a case: at most two letters, and the number of its tint, which stays."""
    letters = [letter for letter in name or id if letter.isalnum()]
    return "".join(letters[:2]).capitalize(), sum(id.encode()) % TINTS
