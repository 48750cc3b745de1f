"""When a link may begin anew (nrm1 5.8)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.tables import table

from gateway.errors import Code, RemoteError
from gateway.peers.link_reset_state import MAX_AHEAD, Standing, begins_anew, check_offer, is_older, new_epoch
from keys.documents.link_reset import Answered, LinkRecord, View
from keys.primitives.encoding import b64u


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


OURS, OTHER = b64u(b"o" * 32), b64u(b"x" * 32)
HERE = Standing(epoch_out=2, high_out=9, held=OURS, epoch_in=2, high_in=12, missing=((4, 6),))


def told(
    epoch: int = 2, high: int = 7, hash: str | None = OURS, answered: tuple[int, int] | None = (2, 12)
) -> LinkRecord:
    """What a peer says of the link."""
    known = None if answered is None else Answered(epoch=answered[0], n=answered[1])
    return LinkRecord(view=View(epoch=epoch, high=high, hash=hash), answered=known)


@table(
    "name, record, older",
    [
        ("all is known", told(), False),
        ("the peer has less", told(high=3), False),
        ("nothing was ever sent", told(high=0, hash=None), False),
        ("an epoch before", told(epoch=1, high=40, hash=OTHER), False),
        ("a number of ours that is not used", told(high=10), True),
        ("another message under our number", told(hash=OTHER), True),
        ("an epoch that is unknown", told(epoch=3, high=0, hash=None), True),
        ("a number that was answered and never came", told(answered=(2, 13)), True),
        ("one that is missing", told(answered=(2, 5)), True),
        ("one of an epoch before", told(answered=(1, 99)), False),
        ("one of an epoch that is unknown", told(answered=(3, 1)), True),
        ("none was answered", told(answered=(3, 0)), False),
        ("a node of the first release", told(answered=None), False),
    ],
)
def test_when_a_database_is_older(name: str, record: LinkRecord, older: bool) -> None:
    """The peer holds more of ours, or was answered more of its own, than is known here."""
    assert is_older(HERE, record) is older


def test_a_number_that_is_not_there_has_no_hash() -> None:
    """Nothing is held under the number that the peer names: that is older too."""
    assert is_older(replace(HERE, held=None), told())


@table(
    "name, record, anew",
    [
        ("a new epoch, and nothing was said", told(epoch=3, high=0, hash=None, answered=(3, 0)), True),
        ("of the first release", told(epoch=3, high=0, hash=None, answered=None), True),
        ("a number of ours came in it", told(epoch=3, high=1, answered=(3, 0)), False),
        ("one of its own was answered", told(epoch=3, high=0, hash=None, answered=(3, 1)), False),
        ("the same epoch", told(high=0, hash=None, answered=(2, 0)), False),
    ],
)
def test_when_a_peer_begins_anew(name: str, record: LinkRecord, anew: bool) -> None:
    """It stands at the beginning of an epoch that is unknown here."""
    assert begins_anew(HERE, record) is anew
