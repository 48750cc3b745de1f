"""What lies on the desks this morning, besides what the past weeks left: done once, on the clock of the machine.

A draft that waits for a second person and one that nobody finished, an alert that nobody has taken, a change of two
cases that waits to be confirmed, holds, flags, an erased case, and who looks after what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from gateway.demo.training import letters
from gateway.demo.training.acts import CaseActs
from gateway.demo.training.clock import LaggingClock
from gateway.demo.training.crew import FOCAL, WORKER, Crew
from gateway.demo.training.founding import SHELTER
from gateway.demo.training.script import HOUR
from gateway.foundation.json import list_objects

ALIKE: Mapping[str, str] = {"right": "Teal Plover South", "wrong": "Teal Plover North"}
"""What France calls two cases that are easily mixed up."""
FLAG = "call before noon"
HOLD_DAYS = 90
_EACH_FLAGGED, _EACH_MINE, _EACH_SHELTERED = 6, 3, 7
"""One case in so many."""


class Desk:
    """The morning of one country, and of its neighbour who raises an alert."""

    def __init__(self, crew: Crew, cases: Sequence[CaseActs], clock: LaggingClock, today: date) -> None:
        self._crew = crew
        self._cases = [case for case in cases if case.ours is crew]
        self._clock = clock
        self._today = today

    def lay_out(self) -> None:
        """Do everything that was not done yet. Raises GatewayError when a node refuses."""
        for case in self._cases:
            self._look_after(case)
            match case.script.tour:
                case "hold":
                    self._hold(case)
                case "same":
                    self._ask_to_join(case)
                case "draft":
                    self._draft(case)
                case "erased":
                    self._crew.once("desk.erase", FOCAL, "case.erase", id=case.case, reason="not_needed")
                case "right" | "wrong" as which:
                    self._crew.once(f"desk.{which}", WORKER, "case.label", id=case.case, label=ALIKE[which])
                case "alert":
                    self._alert(case)
                case _:
                    pass

    def _look_after(self, case: CaseActs) -> None:
        number, id = case.script.number, case.case
        if case.script.tour:
            return
        if number % _EACH_FLAGGED == 1:
            self._crew.once(f"desk.flag.{number}", WORKER, "case.flag", id=id, text=FLAG)
        if number % _EACH_MINE == 0:
            who = FOCAL if number % 2 else WORKER
            worker = self._crew.person(who)
            self._crew.once(f"desk.assign.{number}", FOCAL, "case.assign", id=id, worker=worker)
        if number % _EACH_SHELTERED == 0:
            reason = "lives in the shelter now"
            self._crew.once(f"desk.keeper.{number}", FOCAL, "case.hand_over", id=id, unit=SHELTER, reason=reason)

    def _hold(self, case: CaseActs) -> None:
        until = (self._today + timedelta(days=HOLD_DAYS)).isoformat()
        self._crew.once("desk.hold", FOCAL, "case.hold", id=case.case, ground="restriction_18", until=until)

    def _ask_to_join(self, case: CaseActs) -> None:
        other = next(one for one in self._cases if one.script.tour == "twin")
        reason = "one person, by both offices' word"
        self._crew.once("desk.join", WORKER, "case.merge", id=case.case, into=other.case, reason=reason)

    def _draft(self, case: CaseActs) -> None:
        said = letters.write_referral(case.persona, case.script.recipient, returns=True)
        self._crew.once("desk.draft", WORKER, "message.submit", **case.said("refer", case.ours, case.theirs, said))
        begun = case.said("refer", case.ours, case.theirs, said)
        self._crew.once("desk.begun", WORKER, "draft.save", draft=begun)

    def _alert(self, case: CaseActs) -> None:
        said = letters.write_alert(self._clock.now() - HOUR)
        name = f"{case.script.key}.alert"
        if name not in case.steps:
            case.send("alert", case.theirs, case.ours, case.said("alert", case.theirs, case.ours, said, urgent=True))


def read_inboxes(crews: Iterable[Crew], cases: Sequence[CaseActs]) -> None:
    """Let people open what came in, but for the requests of cases that nobody has opened yet by the script."""
    left = {talk for case in cases if (talk := case.unread) is not None}
    for crew in crews:
        for item in list_objects(crew.ask(WORKER, "inbox.list", limit=500), "messages"):
            if item["conversation"] not in left:
                crew.ask(WORKER, "message.open", id=item["id"])
