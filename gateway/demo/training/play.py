"""A training from an empty folder to four countries with forty cases, or on from wherever it was stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from gateway.demo.chronicle import Chronicle, make_timeout
from gateway.demo.nodes import Nodes, is_live
from gateway.demo.places import Country
from gateway.demo.processes import Processes
from gateway.demo.training.acts import CaseActs
from gateway.demo.training.clock import LaggingClock, read_lag, write_lag
from gateway.demo.training.crew import WATCHED, Crew, Invited
from gateway.demo.training.desk import Desk, read_inboxes
from gateway.demo.training.founding import (
    Admins,
    load_admins,
    make_countries,
    pair_shores,
    permit_files,
    start_behind,
)
from gateway.demo.training.places import TrainingPlace
from gateway.demo.training.script import DAY, DAYS, choose_cases, draw_cases
from gateway.demo.training.steps import Steps
from gateway.foundation.json import list_objects

FOUNDED, TOLD = "founded", "told"
STRIDE = 2 * DAY
"""Seconds by which the clocks move at once: less than the life of a key that opens messages (nrm1 2.23)."""
NUDGE = 60
"""Seconds by which they move on while the nodes make the keys of the day and tell each other: a chore that ran while
the clock moved would sleep for as long in real time.
"""
LOOK_SECONDS, LOOKS = 0.5, 120
"""Real seconds between two looks whether they have, and how often it is looked."""

Tell = Callable[[str], None]
"""Told what is being done now."""


class Training:
    """One training folder at work. Use `close` when it is over; the nodes of the present stay up."""

    def __init__(self, place: TrainingPlace, tell: Tell) -> None:
        self.place = place
        self.steps = Steps(place.steps)
        self.crews = {country.code: Crew(country, self.steps) for country in place.countries}
        self._tell = tell
        self._processes = Processes()
        self._chronicle = Chronicle(lambda _: None, self._processes.alive)

    def close(self) -> None:
        """Stop following the nodes, and stop those that run on a clock that is behind."""
        self._chronicle.close()
        self._processes.stop()

    def run(self) -> list[Invited]:
        """Make what is missing, start the nodes as they stay, and return who is invited.

        Raises:
            GatewayError: a node refused, or something did not happen in time; what was done stays, and the next start
                goes on behind it.
        """
        admins = self._make_past()
        stopped = [country for country in self.place.countries if not is_live(country.machines[0])]
        if stopped:
            self._tell("starting the nodes as they stay, on the clock of this machine")
            self._start(stopped)
        self._chronicle.follow(self.place.countries)
        self._tell("laying out what lies on the desks this morning")
        today = datetime.now(UTC).date()
        clock = LaggingClock(self.place.clock)
        Desk(self.crews[WATCHED], self._cases(clock), clock, today).lay_out()
        self._tell("inviting the people")
        return [one for code, crew in self.crews.items() for one in crew.invite(admins[code])]

    def _make_past(self) -> Admins:
        """Make the countries and what happened in the past weeks, as far as it is not there yet."""
        if TOLD in self.steps:
            return load_admins(self.place)
        if FOUNDED in self.steps:
            clock, admins = LaggingClock(self.place.clock), load_admins(self.place)
            self._tell("starting the nodes where they were stopped")
            start_behind(self.place, self._processes, self.place.countries)
        else:
            clock, admins = self._found()
        self._chronicle.follow(self.place.countries)
        cases = self._cases(clock)
        for day, ago in enumerate(DAYS):  # those before the first one are passed over: the clock only moves on
            self._move(ago)
            self._play_day(day, [case for case in cases if case.script.acts_on(day)])
            read_inboxes(self.crews.values(), cases)
        self._move(0)
        self._chronicle.close()
        self._processes.stop()
        self._chronicle = Chronicle(lambda _: None, self._processes.alive)
        self.steps.once(TOLD, lambda: True)
        return admins

    def _found(self) -> tuple[LaggingClock, Admins]:
        first = DAYS[min(script.first for script in choose_cases(self.place.cases))]
        write_lag(self.place.clock, first)
        clock = LaggingClock(self.place.clock)
        self._tell("making the nodes with their keys (each key file costs 256 MiB of memory to open, on purpose)")
        admins = make_countries(self.place, clock)
        self._tell(f"starting the nodes, {first // DAY} days ago")
        start_behind(self.place, self._processes, self.place.countries)
        pair_shores(self.place, admins, clock, self._tell)
        permit_files(self.place, admins, clock)
        for code, crew in self.crews.items():
            crew.enrol(admins[code], clock)
        self.steps.once(FOUNDED, lambda: True)
        return clock, admins

    def _play_day(self, day: int, cases: Sequence[CaseActs]) -> None:
        ago = DAYS[day]
        when = "this morning" if ago < DAY else "yesterday" if ago < 2 * DAY else f"{round(ago / DAY)} days ago"
        for number, case in enumerate(cases, 1):
            corridor = f"{case.script.sender} to {case.script.recipient}"
            acts = case.script.acts_on(day)
            self._tell(f"{when}: case {number} of {len(cases)}, {corridor}: {', '.join(acts)}")
            for act in acts:
                case.do(act)

    def _cases(self, clock: LaggingClock) -> Sequence[CaseActs]:
        file = self.place.files / "document.txt"
        file.write_text("The copy of a document, made up for a training.\n", encoding="utf-8")
        scripts = {script.number for script in choose_cases(self.place.cases)}
        return [
            CaseActs(script, persona, self.crews, steps=self.steps, chronicle=self._chronicle, clock=clock, file=file)
            for script, persona in draw_cases()
            if script.number in scripts
        ]

    def _move(self, ago: int) -> None:
        """Let the days pass until it is so long ago, in strides of all nodes' clocks at once."""
        lag = read_lag(self.place.clock)
        while lag > ago:
            lag = max(ago, lag - STRIDE)
            write_lag(self.place.clock, lag)
            if lag:
                lag = self._settle(lag)

    def _settle(self, lag: int) -> int:
        """Wait until every node has the keys of that day of every peer, and return by how much the clock is behind.

        Raises:
            RefusedError: it did not come so far in time.
        """
        moved = int(time.time()) - lag
        for _ in range(LOOKS):
            time.sleep(LOOK_SECONDS)
            peers = [peer for crew in self.crews.values() for peer in list_objects(crew.owner("peer.list"), "peers")]
            if all(isinstance(seen := peer["keyset_seen"], int) and seen >= moved for peer in peers):
                return lag
            lag = max(NUDGE, lag - NUDGE)
            write_lag(self.place.clock, lag)
        raise make_timeout("every node to have the keys of every peer", LOOK_SECONDS * LOOKS)

    def _start(self, countries: Sequence[Country]) -> None:
        """Start nodes as `trm serve` runs them, and leave them running."""
        processes = Processes()
        try:
            Nodes(processes).start(countries)
            pids = [*self._pids(), *processes.pids]
            self.place.pids.write_text("".join(f"{pid}\n" for pid in pids), encoding="ascii")
            processes.leave()
        finally:
            processes.stop()

    def _pids(self) -> list[int]:
        """Return which of the process ids in the file are still those of nodes in this folder."""
        written = self.place.pids.read_text(encoding="ascii").split() if self.place.pids.exists() else []
        mark = str(self.place.base / "nodes").encode()
        return [int(pid) for pid in written if mark in _read_command(pid)]


def _read_command(pid: str) -> bytes:
    try:
        return Path("/proc", pid, "cmdline").read_bytes()
    except OSError:
        return b""
