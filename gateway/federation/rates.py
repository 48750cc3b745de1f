"""How fast one address may ask (nrm1 9.8, receive step 1), and how much work one peer may cause (nrm1 9.20).

The number of buckets is bounded; the address that was quiet for longest is forgotten first. IPv6 addresses count by
their /64, which is what one customer gets.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

from gateway.foundation.ids import NodeId

PROCESSOR_SHARE = 0.5
"""What one peer may use of one processor in the long run: 30 seconds a minute."""
PROCESSOR_SAVED = 120.0
"""Seconds that a peer may use at once: a backlog of some 20 000 messages."""


class TokenBuckets:
    """``rate`` tokens a second for each address, at most ``burst`` of them saved up."""

    def __init__(
        self, *, monotonic: Callable[[], float], rate: float = 100.0, burst: float = 500.0, addresses: int = 4_096
    ) -> None:
        """``monotonic`` gives seconds; ``addresses`` bounds the memory."""
        self._monotonic = monotonic
        self._rate = rate
        self._burst = burst
        self._addresses = addresses
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str, cost: float = 1.0) -> bool:
        """Whether ``address`` may spend ``cost`` tokens now; a refusal spends nothing."""
        now = self._monotonic()
        key = network_of(address)
        left, at = self._buckets.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        granted = left >= cost
        self._buckets[key] = (left - cost if granted else left, now)
        while len(self._buckets) > self._addresses:
            self._buckets.popitem(last=False)
        return granted

    def __len__(self) -> int:
        """Count the addresses that are remembered."""
        return len(self._buckets)


class WorkBudgets:
    """Seconds of the processor that each peer may use: ``share`` of one, and what it did not use before is saved.

    A request that was begun is finished, so a budget may be overdrawn; then nothing more is begun until it is paid off.
    Only proven peers have one, so their number is bounded.
    """

    def __init__(
        self, *, monotonic: Callable[[], float], share: float = PROCESSOR_SHARE, saved: float = PROCESSOR_SAVED
    ) -> None:
        """``monotonic`` gives seconds; ``saved`` is the most that is saved up."""
        self._monotonic = monotonic
        self._share = share
        self._saved = saved
        self._budgets: dict[str, tuple[float, float]] = {}

    def allows(self, peer: NodeId) -> bool:
        """Whether anything is left for the peer."""
        return self._left(peer, self._monotonic()) > 0

    def spend(self, peer: NodeId, seconds: float) -> None:
        """Charge the peer for work that was done."""
        now = self._monotonic()
        self._budgets[peer] = (self._left(peer, now) - seconds, now)

    def _left(self, peer: NodeId, now: float) -> float:
        left, at = self._budgets.get(peer, (self._saved, now))
        return min(self._saved, left + (now - at) * self._share)


def network_of(address: str) -> str:
    """Reduce an address to what counts as one: an IPv4 address, or a /64 of IPv6."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
