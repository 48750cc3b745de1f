"""Clocks of a conversation: from a name of `schemas/clocks.json` to a deadline for one side (pure)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from gateway.conversations.rules.facts import Message, Side
from gateway.foundation.deadlines import Deadline, deadline, end_of
from schemas.clocks import load_clocks
from schemas.region_pack.calendars import Calendar


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """The calendars by which the two sides work. Both nodes need the same for their folds to agree."""

    calendars: Mapping[Side, Calendar]

    def until(
        self, clock: str, case: str, start: int, owing: Side, *, percent: int = 100, asked: Message | None = None
    ) -> Deadline:
        """When ``percent`` of the clock is over for the side that owes the answer.

        Who asked may give more time with ``respond_by``, never less.
        """
        found = deadline(load_clocks()[clock].duration(case), start, self.calendars[owing], percent=percent)
        return _not_before(found, asked) if percent >= 100 else found

    def silence(self, clock: str, case: str, start: int, owing: Side, asked: Message | None = None) -> Deadline:
        """When saying nothing has its effect."""
        found = load_clocks()[clock]
        if found.silence is None:
            raise RuntimeError(f"silence has no effect on clock {clock}")
        lasts = found.silent_as.get(case, case)
        return self.until(clock, lasts, start, owing, percent=found.silence, asked=asked)

    def end_of(self, day: date, side: Side) -> Deadline:
        """The end of a day that a message names, where ``side`` is."""
        return end_of(day, self.calendars[side])


def _not_before(found: Deadline, asked: Message | None) -> Deadline:
    wanted = asked.respond_by if asked is not None else None
    return found if wanted is None else replace(found, at=max(found.at, wanted))
