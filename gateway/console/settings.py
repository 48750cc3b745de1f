"""Settings of the console, fixed at its start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from gateway.foundation.config import CorridorSection


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`origin` is the one address at which people open the console; `offset` gives the seconds by which the time of
    the node's country is ahead of UTC at a moment; `rand` gives so many random bytes; `near` are, by the kind of a list
    (language, country), those of the region, which forms offer first; `corridors` are what forms begin with, by peer;
    `places` are where countries lie, in degrees north and east, as far as the region pack knows; `names` are those
    that it gives to countries without a code of their own, by code and language.
    """

    origin: str
    node: str
    country: str
    language: str
    leave_to: str
    demo: bool
    now: Callable[[], int]
    offset: Callable[[int], int]
    rand: Callable[[int], bytes]
    near: Mapping[str, Collection[str]]
    corridors: Mapping[str, CorridorSection] = field(default_factory=dict)
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The Host header that every request for this console carries."""
        return urlsplit(self.origin).netloc

    @property
    def secure(self) -> bool:
        """Whether people connect by TLS; without TLS only from this machine."""
        return self.origin.startswith("https://")
