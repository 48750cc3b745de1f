"""Which signed requests were seen already (nrm1 9.13: nonce cache per keyid, in memory; on disk too where several
processes answer for one node).

A nonce is held for as long as its request could be in time, by the clock that only runs: a wall clock that is set ahead
and back again would forget it, and let it pass once more. The memory ends with the process; requests created before its
start are refused as ``stale`` in ``signatures``. Only requests whose signature verified get here, so the number of key
ids is bounded by the peers, and the nonces of each by ``per_key``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Protocol

from gateway.federation.signatures import LIFE, SKEW, VerifiedRequest

HELD: Final = SKEW + LIFE + SKEW
"""Seconds from the first moment in which a request can be in time to the last (nrm1 9.11, 9.13)."""
_SWEEP_SECONDS = 30


class Seen(StrEnum):
    """The result of a look-up."""

    FIRST = "first"
    REPLAY = "replay"
    FULL = "full"
    """The peer has used up its share of memory: it has to wait until older nonces have expired."""


class SharedNonces(Protocol):
    """The nonces that all workers of a node have seen, on disk: a replay that comes to another worker is one too."""

    @property
    def began(self) -> int:
        """Unix seconds since when they are kept: what was signed before is stale."""

    async def admit(self, request: VerifiedRequest, now: int) -> bool:
        """Remember the nonce of a request that is in time; whether it is the first. Raises TransientError disk."""


class NonceCache:
    """The nonces in use, by key id.

    Checking and remembering is one call without a pause: two replays cannot both pass.
    """

    def __init__(self, *, per_key: int = 65_536) -> None:
        """``per_key``: how many live nonces one key may have; at 180 s each that is more than 360 requests a second."""
        self._per_key = per_key
        self._until: dict[str, dict[str, float]] = {}
        self._next_sweep = 0.0

    def admit(self, request: VerifiedRequest, ran: float) -> Seen:
        """Remember the nonce of a request that is in time, once. ``ran`` in seconds of the clock that only runs."""
        if ran >= self._next_sweep:
            self._sweep(ran)
        nonces = self._until.setdefault(f"{request.node}:{request.kid}", {})
        if request.nonce in nonces:
            return Seen.REPLAY
        if len(nonces) >= self._per_key:
            return Seen.FULL
        nonces[request.nonce] = ran + HELD
        return Seen.FIRST

    def __len__(self) -> int:
        """Count the nonces held."""
        return sum(len(nonces) for nonces in self._until.values())

    def _sweep(self, ran: float) -> None:
        live = {
            keyid: {nonce: until for nonce, until in nonces.items() if until >= ran}
            for keyid, nonces in self._until.items()
        }
        self._until = {keyid: nonces for keyid, nonces in live.items() if nonces}
        self._next_sweep = ran + _SWEEP_SECONDS
