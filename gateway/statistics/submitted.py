"""What was submitted before limits what may be submitted next, pure (domain 12.13).

Two tables of one time, or of times that overlap, can be subtracted; what is left may be one person. The sender compares
with all that it ever submitted to anybody, since peers may compare among themselves; the receiver with all that it ever
had from this sender.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from gateway.errors import RefusedError
from gateway.foundation.json import Json
from gateway.statistics.periods import Period, asked

OTHER_COUNTS = "this time was submitted before with other counts of the same dimensions: two counts could be subtracted"
OVERLAPS = "a time that overlaps this one was submitted before: the two could be subtracted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """One table that was submitted: ``digest`` is of its dimensions and counts."""

    period: str
    dimensions: frozenset[str]
    digest: str

    @property
    def days(self) -> Period:
        """The whole year or quarter that it is about."""
        return asked(self.period)


def read_submitted(content: Mapping[str, Json], digest: Callable[[Json], str]) -> Submitted | None:
    """Read the content of a valid `stats.submission`; None where its days are no whole year or quarter (gate G12)."""
    period, dimensions = content.get("period"), content.get("dimensions")
    try:
        days = asked(str(period))
    except RefusedError:
        return None
    named = frozenset(map(str, dimensions if isinstance(dimensions, list) else ()))
    counts: dict[str, Json] = {"dimensions": content.get("dimensions"), "cells": content.get("cells")}
    return Submitted(period=f"{days.first}/{days.last}", dimensions=named, digest=digest(counts))


def find_clash(new: Submitted, earlier: Iterable[Submitted]) -> str | None:
    """Say why a table may not be submitted after these; None where it may.

    The same table may go again, to whomever. Another table of the same time may share no dimension with an earlier one.
    """
    for one in earlier:
        if one.days == new.days:
            if one.digest != new.digest and one.dimensions & new.dimensions:
                return OTHER_COUNTS
        elif one.days.first <= new.days.last and new.days.first <= one.days.last:
            return OVERLAPS
    return None
