"""How long a sender waits after a failure, and when a person is told (nrm1 12.10, 12.15). Pure.

Only a valid answer to what was asked ends the waiting. An open connection does not, nor does a status, a signature over
something else or a code that asks to try again: a peer that has nothing better to say is asked ever more seldom.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import PROXY_CODES, Code
from gateway.foundation.chores import HOUR

KIND = "peer.refuses"
"""The alarm of a peer that is there and gives no valid answer."""

FIRST = 1.0
LONGEST = 3_600.0
RESET = 300.0
"""About how many seconds until a restored peer is asked again; once people have agreed, nothing waits (nrm1 5.8)."""
SEALING = 300.0
"""At most so many seconds after a refusal of one sealing, for the peer is there and takes what else there is."""

TOLD_AT = 6
"""Refusals of one kind in a row of which a person is told."""
TOLD_AFTER = HOUR
"""Seconds without a valid answer from a peer that is there, whatever it said, after which a person is told."""

BELIEVED = 12 * HOUR
"""Seconds in a row for which a peer may say that people work on it, before that is told as any refusal is."""
SPREAD = 30.0
"""Seconds over which those spread who were asked to come again at one moment."""

SEAL_ANEW = frozenset({Code.UNKNOWN_RECIPIENT_KEY, Code.NEWER_DESCRIPTOR, Code.REVOKED_KEY})
"""Codes that ask to seal a message anew (nrm1 6.9)."""

_NO_ANSWER = frozenset(
    {
        Code.UNREACHABLE,
        Code.FIRST_FORM,  # the next four have an alarm of their own
        Code.STALE_KEYSET,
        Code.STALE_DESCRIPTOR,
        Code.LINK_RESET_REQUIRED,
        Code.DISK,  # the rest are troubles of this node
        Code.LOCKED,
        Code.CHANGED_MEANWHILE,
        Code.CLOCK,
        *PROXY_CODES,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """What a peer has said since its last valid answer: the newest code, how often in a row it was that one, and when
    the first of all these came (Unix seconds).
    """

    code: Code
    times: int
    since: int


def delay(attempts: int, code: Code, chance: float) -> float:
    """Seconds until the next try after so many failures in a row; `chance` from 0 to 1 shortens them to between half
    and all.
    """
    whole = min(LONGEST, FIRST * (1 << min(attempts - 1, 20)))
    if code is Code.LINK_RESET_REQUIRED:
        whole = RESET
    elif code in SEAL_ANEW:
        whole = min(SEALING, whole)
    return whole * (0.5 + chance / 2)


def pause(again_in: int, chance: float) -> float:
    """Seconds until a peer is asked again that said after how many it will be there; `chance` from 0 to 1."""
    return again_in + SPREAD * chance


def time_left(next_try: int, now: int, *, announced: bool) -> float:
    """Seconds until the next try; 0 where it is due, or so far ahead that the clock was put back meanwhile."""
    left, longest = float(next_try - now), BELIEVED + SPREAD if announced else LONGEST
    return left if 0 < left <= longest else 0.0


def is_announced(refusals: Refusals | None, now: int) -> bool:
    """Whether the peer is away as it said: it is there, so nobody is told of silence (nrm1 12.15)."""
    return refusals is not None and refusals.code is Code.MAINTENANCE and now - refusals.since < BELIEVED


def count(before: Refusals | None, code: Code, now: int) -> Refusals | None:
    """What is known after one more failure; one that is no answer of the peer changes nothing. What comes after
    maintenance is counted from its own beginning.
    """
    if code in _NO_ANSWER:
        return before
    if before is None or (before.code is Code.MAINTENANCE and code is not Code.MAINTENANCE):
        return Refusals(code=code, times=1, since=now)
    return Refusals(code=code, times=before.times + 1 if code is before.code else 1, since=before.since)


def must_tell(refusals: Refusals | None, now: int) -> bool:
    """Whether a person has to hear of it."""
    return (
        refusals is not None
        and not is_announced(refusals, now)
        and (refusals.times >= TOLD_AT or now - refusals.since >= TOLD_AFTER)
    )
