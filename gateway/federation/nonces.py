"""Which signed requests were seen already (nrm1 9.13: nonce cache per keyid until ``expires`` + skew, in memory).

The memory ends with the process; requests created before its start are refused as ``stale`` in ``signatures``. Only
requests whose signature verified get here, so the number of key ids is bounded by the peers, and the nonces of each by
``per_key``.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.federation.signatures import SKEW, VerifiedRequest

_SWEEP_SECONDS = 30


class Seen(StrEnum):
    """The result of a look-up."""

    FIRST = "first"
    REPLAY = "replay"
    FULL = "full"
    """The peer has used up its share of memory: it has to wait until older nonces have expired."""


class NonceCache:
    """The nonces in use, by key id.

    Checking and remembering is one call without a pause: two replays cannot both pass.
    """

    def __init__(self, *, per_key: int = 65_536) -> None:
        """``per_key``: how many live nonces one key may have; at 150 s each that is more than 400 requests a second."""
        self._per_key = per_key
        self._until: dict[str, dict[str, int]] = {}
        self._next_sweep = 0

    def admit(self, request: VerifiedRequest, now: int) -> Seen:
        """Remember the request's nonce, once. ``now`` in Unix seconds, and within the request's life."""
        if not self._next_sweep - _SWEEP_SECONDS <= now < self._next_sweep:  # earlier: the clock was put back
            self._sweep(now)
        nonces = self._until.setdefault(f"{request.node}:{request.kid}", {})
        if request.nonce in nonces:
            return Seen.REPLAY
        if len(nonces) >= self._per_key:
            return Seen.FULL
        nonces[request.nonce] = request.expires + SKEW
        return Seen.FIRST

    def __len__(self) -> int:
        """Count the nonces held."""
        return sum(len(nonces) for nonces in self._until.values())

    def _sweep(self, now: int) -> None:
        live = {
            keyid: {nonce: until for nonce, until in nonces.items() if until >= now}
            for keyid, nonces in self._until.items()
        }
        self._until = {keyid: nonces for keyid, nonces in live.items() if nonces}
        self._next_sweep = now + _SWEEP_SECONDS
