"""How many wait in a section, as a number and in words (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.console.words import Words

LATE = ("/cases", "/alerts")
"""Sections of which what waits is late, or about danger."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many wait; `more`: at least so many."""

    n: int
    more: bool = False

    @property
    def shown(self) -> str:
        """The number beside a section."""
        return f"{self.n}+" if self.more else str(self.n)

    def say(self, path: str, words: Words) -> str:
        """Say it for the section at ``path``, for who hears a page."""
        match path:
            case "/cases":
                said = words.many("%(num)s overdue", "%(num)s overdue", self.n, num=self.n)
            case "/inbox":
                said = words.many("%(num)s not taken", "%(num)s not taken", self.n, num=self.n)
            case "/drafts":
                said = words.many("%(num)s waits for you", "%(num)s wait for you", self.n, num=self.n)
            case "/alerts":
                said = words.many("%(num)s to be taken", "%(num)s to be taken", self.n, num=self.n)
            case "/trust":
                said = words.many("%(num)s waits for approval", "%(num)s wait for approval", self.n, num=self.n)
            case _:
                said = words.many("%(num)s alarm", "%(num)s alarms", self.n, num=self.n)
        return f", {said}"

    @staticmethod
    def kind(path: str) -> str:
        """Name the classes of the number beside the section at ``path``."""
        return "count late" if path in LATE else "count"


def tell_counts(counts: Mapping[str, Count], words: Words) -> dict[str, tuple[str, str, str]]:
    """Tell all of them, by the address of their section: the number, the words, and the classes of the number."""
    return {path: (count.shown, count.say(path, words), count.kind(path)) for path, count in counts.items()}
