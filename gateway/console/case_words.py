"""What people say and do about cases, in words: changes, and how two persons belong together (gateway.cases.rules)."""

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
