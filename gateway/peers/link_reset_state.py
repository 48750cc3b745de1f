"""Links of a node that was restored from a backup (nrm1 5.8, 5.2).

A restored node does not know what it numbered after the backup, nor what it accepted. Therefore

1. nothing is numbered or sent to a peer, and everything of that peer is refused, until two people here have approved
   the reset of the link (REQUIRED);
2. then the new epoch counts for what comes in, and the peer is asked for its consent (ASKED);
3. one person there accepts: both directions begin at number 1 of the new epoch. What either side has unanswered gets a
   new place under its old id. Numbers of older epochs are refused for ever.

The side that was not restored stands at OPEN all the time; while an offer of its peer waits for a person it sends
nothing to that peer.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.errors import Code, RemoteError

#: How far above the epochs held a new one may lie: more could only be meant to use them up.
MAX_AHEAD = 100


class ResetState(StrEnum):
    """Where this node stands with the reset of one link."""

    REQUIRED = "required"
    ASKED = "asked"
    OPEN = "open"


def new_epoch(view: int, incoming: int, outgoing: int) -> int:
    """The epoch in which a link begins anew: higher than any that one of the two sides has used."""
    return max(view, incoming, outgoing) + 1


def check_offer(*, epoch: int, view_fits: bool, incoming: int, outgoing: int) -> None:
    """Return if a peer's signed request may be laid before a person.

    Raises:
        RemoteError: rollback for an epoch that was used (an old request again), malformed for one that is far too
            high, bad_chain for a request about another state of the link than the one held.
    """
    highest = max(incoming, outgoing)
    if epoch <= highest:
        raise RemoteError(Code.ROLLBACK, "the epoch of the reset was used already")
    if epoch > highest + MAX_AHEAD:
        raise RemoteError(Code.MALFORMED, "the epoch of the reset is too far ahead")
    if not view_fits:
        raise RemoteError(Code.BAD_CHAIN, "the reset is about another state of the link than the one held")
