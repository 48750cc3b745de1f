"""Which operations take in something new: a node that waits for its roots refuses these and no other (nrm1 1.20)."""

from __future__ import annotations

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
