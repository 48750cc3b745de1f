"""Links of a node that was restored from a backup (nrm1 5.8, 5.2).

A restored node does not know what it numbered after the backup, nor what it accepted. Therefore

1. nothing is numbered or sent to a peer, and everything of that peer is refused, until two people here have approved
   the reset of the link (REQUIRED);
2. then the new epoch counts for what comes in, and the peer is asked for its consent (ASKED);
3. one person there accepts: both directions begin at number 1 of the new epoch. What either side has unanswered gets a
   new place under its old id. Numbers of older epochs are refused for ever.

The side that was not restored stands at OPEN all the time; while an offer of its peer waits for a person it sends
nothing to that peer. Where both were restored each has to be accepted by the other, one after the other: whoever
accepts first is at REQUIRED then, and asks in a higher epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import Code, RemoteError
from keys.documents.link_reset import LinkRecord

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where both directions of a link stand here. `held` is the link hash of our number that the peer names, None where
    there is none; `missing` are the numbers of the peer that never came, as ranges that include both ends.
    """

    epoch_out: int
    high_out: int
    held: str | None
    epoch_in: int
    high_in: int
    missing: tuple[tuple[int, int], ...]


def begins_anew(here: Standing, there: LinkRecord) -> bool:
    """Tell a peer that stands at the beginning of an epoch which is unknown here: it asks for a reset, and its request
    is on the way; or it had accepted one that this database forgot, and nothing was said since.
    """
    unanswered = there.answered is None or there.answered.n == 0
    return there.view.epoch > max(here.epoch_out, here.epoch_in) and there.view.high == 0 and unanswered


def is_older(here: Standing, there: LinkRecord) -> bool:
    """Whether this database is older than what the peer has seen of it: the peer holds numbers of ours that are not
    used here, or receipts for numbers of its own that never came (nrm1 5.15).
    """
    view, answered = there.view, there.answered
    if view.epoch > here.epoch_out:
        return True
    if view.epoch == here.epoch_out and view.high and (view.high > here.high_out or view.hash != here.held):
        return True
    if answered is None or answered.n == 0 or answered.epoch < here.epoch_in:
        return False
    lost = any(first <= answered.n <= last for first, last in here.missing)
    return answered.epoch > here.epoch_in or answered.n > here.high_in or lost
