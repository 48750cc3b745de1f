"""gateway.erasure.peer_requests.confirm: a confirmation is written so that its peer can read it."""

from __future__ import annotations

from gateway.erasure.peer_requests.confirm import find_revision
from schemas import load_catalogue


def test_the_newest_revision_that_the_peer_can_read():
    """A peer of before gets the first one; one that was never asked is taken to be as new as this node."""
    first, newest = (entry for entry in load_catalogue().held if entry.body_type == "erasure.confirmation/1")
    assert find_revision([first.schema]) == 1
    assert find_revision([first.schema, newest.schema]) == newest.revision == 2
    assert find_revision(None) == 2
