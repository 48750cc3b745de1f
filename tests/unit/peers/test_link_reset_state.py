"""When a link may begin anew (nrm1 5.8)."""

from __future__ import annotations

import pytest

from gateway.errors import Code, RemoteError
from gateway.peers.link_reset_state import MAX_AHEAD, check_offer, new_epoch


@pytest.mark.parametrize(("view", "incoming", "outgoing", "new"), [(1, 1, 1, 2), (3, 1, 2, 4), (1, 5, 4, 6)])
def test_the_new_epoch_was_used_by_nobody(view: int, incoming: int, outgoing: int, new: int) -> None:
    """It is higher than what the peer holds and than both directions here: a backup may be older than a reset."""
    assert new == new_epoch(view, incoming, outgoing)


def test_an_offer_about_the_link_as_it_is_goes_to_a_person() -> None:
    """Any unused epoch that is not far away."""
    for epoch in (3, 3 + MAX_AHEAD - 1):
        check_offer(epoch=epoch, view_fits=True, incoming=2, outgoing=1)


@pytest.mark.parametrize(
    ("epoch", "fits", "code"),
    [(2, True, Code.ROLLBACK), (1, True, Code.ROLLBACK), (103, True, Code.MALFORMED), (3, False, Code.BAD_CHAIN)],
    ids=["in use", "older", "far ahead", "another view"],
)
def test_other_offers_are_refused(epoch: int, fits: bool, code: Code) -> None:
    """An old request again, one that would use up the epochs, one about another state of the link."""
    with pytest.raises(RemoteError) as refused:
        check_offer(epoch=epoch, view_fits=fits, incoming=2, outgoing=1)
    assert refused.value.code is code
