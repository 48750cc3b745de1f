"""How fast one address may ask (nrm1 9.8, receive step 1): a token bucket per connection address.

The number of buckets is bounded; the address that was quiet for longest is forgotten first. IPv6 addresses count by
their /64, which is what one customer gets.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable


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
        key = _network(address)
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


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
