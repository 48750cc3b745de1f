"""Which operations take in something new, which a node that waits for its roots refuses (nrm1 1.20), and which only
show something.
"""

from __future__ import annotations

from gateway.api.routes import ROUTES
from gateway.node.rows import ROWS

TAKES_IN = {
    "attachment.add",
    "case.open",
    "consent.record",
    "directory.publish",
    "draft.change",
    "draft.release",
    "draft.save",
    "message.submit",
    "message.submit_many",
    "peer.probe",
    "statistics.draft",
}
NEVER_REFUSED = {
    "alert.acknowledge",
    "case.block",
    "consent.withdraw",
    "consent.withdraw_all",
    "erasure.follow",
    "message.erase",
}


def test_what_is_new_waits_and_what_protects_a_person_does_not() -> None:
    """A new operation that takes something in has to be added here by hand."""
    assert {name for name, row in ROWS.items() if row.takes_in} == TAKES_IN
    assert ROWS.keys() >= NEVER_REFUSED
    assert not NEVER_REFUSED & TAKES_IN


def test_what_is_shown_is_kept_under_no_key() -> None:
    """What people are recorded as having read may be erased or closed to them when they ask again under their key."""
    asked_by_key = [ROWS[route.operation] for route in ROUTES if route.method != "GET"]
    assert [row.name for row in asked_by_key if row.reads and not (row.anew or row.shown_once)] == []
    shown = {"case.copy", "case.find", "contact.advise", "message.preview"}
    checked = {"directory.search", "guidance.search", "schema.check"}
    assert {row.name for row in asked_by_key if row.anew} == shown | checked
