"""The forty cases of a training, as data: who refers whom to whom, how far it comes, and on which days.

A path is a row of days; on each of them what is named there is done (`acts`). It begins on one of the days of the
training and takes the next ones, so that some cases are weeks old and others came this morning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.demo.training.personas import Persona, draw_personas

HOUR = 3_600
DAY = 24 * HOUR
DAYS: Sequence[int] = (26 * DAY, 20 * DAY, 15 * DAY, 10 * DAY, 6 * DAY, 4 * DAY, 69 * HOUR, DAY, 2 * HOUR)
"""The days of the past, by how many seconds they are ago. 69 hours: what is urgent is over 72 hours after it came."""
PATHS: Mapping[str, Sequence[str]] = {
    "begun": ("begin",),
    "consented": ("begin", "consent"),
    "asked": ("begin ask",),
    "offered": ("begin ask", "offer"),
    "sent": ("begin consent refer",),
    "opened": ("begin consent refer open",),
    "questioned": ("begin consent refer open", "question"),
    "withdrawn": ("begin consent refer open", "withdraw"),
    "declined": ("begin consent refer open", "decline"),
    "accepted": ("begin consent refer open", "accept"),
    "papers": ("begin consent refer open", "accept papers"),
    "planning": ("begin consent refer open", "accept plan"),
    "proposed": ("begin consent refer open", "accept plan", "risks", "propose"),
    "confirmed": ("begin consent refer open", "accept plan", "risks", "propose confirm"),
    "travelling": ("begin consent refer open", "accept plan", "risks", "propose confirm", "depart"),
    "arrived": ("begin consent refer open", "accept plan", "risks", "propose confirm", "depart arrive"),
    "active": ("begin consent refer open", "accept plan", "risks", "propose confirm", "depart arrive", "settle"),
    "closing": ("begin consent refer open", "accept plan", "risks propose confirm", "depart arrive", "settle", "close"),
    "closed": (
        "begin consent refer open",
        "accept plan",
        "risks propose confirm",
        "depart arrive",
        "settle",
        "close agree",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A case: `sender` begins it, `recipient` is asked. `first` is the place of its first day in `DAYS`. Cases that the
    tour speaks of have a word of their own, `tour`.
    """

    number: int
    sender: str
    recipient: str
    path: str
    first: int
    urgent: bool = False
    tour: str = ""

    @property
    def key(self) -> str:
        """The name under which its steps are kept."""
        return f"{self.number:02d}"

    def acts_on(self, day: int) -> Sequence[str]:
        """Return what is done on a day, by its place in `DAYS`."""
        path = PATHS[self.path]
        return path[day - self.first].split() if 0 <= day - self.first < len(path) else ()


_ROWS: Sequence[tuple[str, str, int, str]] = (
    # identification: known to one country alone
    ("FR AL", "begun", 0, ""),
    ("FR AL", "begun", 3, "hold"),
    ("FR MA", "begun", 5, "twin"),
    ("FR MA", "begun", 7, "same"),
    ("FR AL", "consented", 6, "draft"),
    ("FR AL", "consented", 2, ""),
    # referral
    ("FR AL", "asked", 5, ""),
    ("FR MA", "asked", 7, ""),
    ("FR AL", "offered", 3, ""),
    ("FR AL", "questioned", 5, "question"),
    ("FR MA", "questioned", 4, ""),
    ("FR AL", "sent", 7, "right"),
    ("FR AL", "sent", 6, "wrong"),
    ("FR AL", "opened urgent", 6, ""),
    ("FR MA", "opened", 1, ""),
    ("FR AL", "declined", 3, "erased"),
    ("FR AL", "withdrawn", 4, ""),
    ("IT MA", "opened", 2, ""),
    ("AL FR", "opened", 2, "overdue"),
    ("AL FR", "opened urgent", 6, ""),
    ("AL FR", "sent", 8, "new"),
    ("MA FR", "questioned", 3, ""),
    ("MA FR", "sent", 8, ""),
    ("MA FR", "accepted", 4, ""),
    # assistance
    ("FR AL", "papers", 4, "assign"),
    ("FR AL", "planning", 2, ""),
    ("FR MA", "planning", 3, ""),
    ("FR AL", "planning", 4, ""),
    ("IT AL", "planning", 1, ""),
    ("IT MA", "accepted", 5, ""),
    # return
    ("FR AL", "proposed", 4, ""),
    ("FR MA", "confirmed", 4, ""),
    ("IT AL", "confirmed", 4, ""),
    ("FR AL", "travelling", 4, "alert"),
    ("IT MA", "travelling", 3, ""),
    # monitoring
    ("FR AL", "arrived", 3, ""),
    ("FR MA", "active", 2, ""),
    ("IT AL", "active", 2, ""),
    ("FR AL", "closing", 1, ""),
    ("FR MA", "closed", 0, ""),
)


def _read(number: int, corridor: str, path: str, first: int, tour: str) -> Script:
    (sender, recipient), (name, *marks) = corridor.split(), path.split()
    return Script(
        number=number,
        sender=sender,
        recipient=recipient,
        path=name,
        first=first,
        urgent="urgent" in marks,
        tour=tour,
    )


CASES: Sequence[Script] = [_read(number, *row) for number, row in enumerate(_ROWS, 1)]
SHORT: Sequence[Script] = [
    one for one in CASES if one.tour in ("hold", "question", "overdue", "draft", "right", "wrong")
]
"""A few cases of one pair of countries: enough to try everything once."""


def draw_cases() -> Sequence[tuple[Script, Persona]]:
    """Draw whom each case is about: the same ones each time."""
    return list(zip(CASES, draw_personas(), strict=False))


def choose_cases(count: int) -> Sequence[Script]:
    """Return all cases for their number, or the few of one pair of countries for any other."""
    return CASES if count == len(CASES) else SHORT
