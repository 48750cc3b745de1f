"""What `trm demo --training` prints: how long it takes, how far it is, who signs in where, the tour, and the end."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console

from gateway.cli import output
from gateway.demo.play import find_program
from gateway.demo.training.crew import Invited
from gateway.demo.training.places import TrainingPlace, begin_training, find_training
from gateway.demo.training.play import TOLD, Training
from gateway.demo.training.script import CASES
from gateway.demo.training.tour import TASKS, Task, check_tour
from gateway.errors import Code, RefusedError


class Progress:
    """What is being done: one line that changes on a terminal, a line for each day elsewhere."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._console = Console(highlight=False, markup=False)
        self._status = self._console.status("") if sys.stdout.isatty() else None
        self._last = ""

    def __enter__(self) -> Progress:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()

    def tell(self, text: str) -> None:
        """Tell what is begun now."""
        part = text.partition(":")[0]
        if self._status is not None:
            self._status.update(f"{self._seconds} {text}")
        elif part != self._last:
            output.print_line(f"{self._seconds} {part}")
        self._last = part

    @property
    def _seconds(self) -> str:
        return f"{time.monotonic() - self._begun:5.0f} s"


def run_training(base: Path, *, cases: int = len(CASES)) -> None:
    """Make or continue the training in a folder, and print all that a trainer and those who learn need.

    Raises:
        GatewayError: something else is in the folder, or a node refused; the next start goes on behind what was done.
    """
    place = find_training(base)
    if place is None:
        place = begin_training(base, cases=cases)
        output.print_line(
            f"A training of {cases} cases in {len(place.countries)} countries; everybody in it is made up."
        )
        output.print_line(f"It takes three to five minutes on two cores, and 2 GiB of memory. All of it is in {base}.")
        output.print_line("The cases come about over weeks: the nodes begin on a clock that is behind.")
    else:
        output.print_line(f"A training was begun in {base}; this goes on with it.")
    with Progress() as progress:
        training = Training(place, progress.tell)
        try:
            invited = training.run()
        finally:
            training.close()
    _show_people(invited)
    _show_tour(TASKS)
    _show_end(place)


def check_training(base: Path) -> None:
    """Print for each task of the tour whether it is done, by what France's node says now.

    Raises:
        RefusedError: there is no training in the folder that is ready.
    """
    place = find_training(base)
    training = None if place is None else Training(place, lambda _: None)
    if training is None or TOLD not in training.steps:
        raise RefusedError(
            Code.NOT_FOUND,
            f"there is no training in {base} that is ready; nothing was done",
            hint="trm demo --training",
        )
    rows = [[str(number), task.title, state] for number, (task, state) in enumerate(check_tour(training), 1)]
    output.print_table(["", "task", "state"], rows, empty="no task")


def _show_people(invited: Iterable[Invited]) -> None:
    output.print_line("")
    output.print_line(
        "Who works here. Open the address of a person once to make a passkey, then sign in at the console."
    )
    output.print_line("An address holds for a day and for one person; start again to get new ones.")
    output.print_table(
        ["who", "country", "role", "how to sign in"],
        [
            [
                one.who,
                one.country,
                ", ".join(str(role).replace("_", " ") for role in one.roles),
                one.address or f"has a passkey: {one.console}",
            ]
            for one in invited
        ],
        empty="nobody",
    )


def _show_tour(tasks: Sequence[Task]) -> None:
    output.print_line("")
    output.print_line("The tour")
    for number, task in enumerate(tasks, 1):
        output.print_line(f"{number:>2}. {task.title} ({task.who})")
        output.print_line(f"    {task.what}")
        output.print_line(f"    At the end: {task.end}")


def _show_end(place: TrainingPlace) -> None:
    trm, folder = find_program(), shlex.quote(str(place.base))
    output.print_line("")
    output.print_line(f"How far the tour is: {trm} demo --training --check --dir {folder}")
    output.print_line(f"Stop the nodes:      kill $(cat {shlex.quote(str(place.pids))})")
    output.print_line(f"Go on another day:   {trm} demo --training --dir {folder}")
    output.print_line(f"Remove everything:   rm -r {folder}, after the nodes are stopped")
