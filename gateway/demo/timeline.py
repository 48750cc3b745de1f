"""The output of the demonstration: one column for each country on a terminal, plain lines elsewhere.

A line is either an act of a person, told by the demonstration, or an event, told by a node. Nothing of a case is shown.
Once there is a record, people are shown the acts, a screen for each part of the story; the record has the events too.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from gateway.demo.chronicle import Event
from gateway.demo.places import Country

PLAIN_WIDTH = 200
SCREENS = 4
"""Parts of the story, each of which fits on a screen."""

_OUT = {
    "queued": ("→", "queued for {peer}"),
    "awaiting_receipt": ("→", "signed, sealed, sent to {peer}"),
    "awaiting_handover": ("✓", "at {peer}'s node"),
    "awaiting_opening": ("✓", "in {peer}'s case system"),
    "opened": ("✓", "opened by a person in {peer}"),
    "rejected": ("✗", "{peer} refused it"),
    "failed": ("✗", "not sent"),
    "cancelled": ("✗", "cancelled"),
    "voiding": ("✗", "being taken back"),
    "erased": ("✂", "erased: its key first, then its bytes"),
}
_IN = {
    "awaiting_order": ("←", "from {peer}, waits for an earlier one"),
    "awaiting_handover": ("←", "from {peer}, checked, stored"),
    "handed_over": ("←", "in the case system"),
    "opened": ("←", "opened by a person"),
    "held": ("✗", "the case system did not take it"),
    "erased": ("✂", "erased: its key first, then its bytes"),
    "refused": ("✗", "refused"),
}


def describe_event(event: Event) -> str:
    """Describe an event in a few words; empty for one that says nothing to a visitor."""
    if event.kind == "draft":
        return "· a draft waits for a person"
    sign, said = (_OUT if event.direction == "out" else _IN).get(event.state, ("·", event.state))
    name = (event.type or "message").partition("/")[0]
    return f"{sign} {name}: {said.format(peer=event.peer or 'the other side')}"


class Timeline:
    """Writer of the timeline to one stream. Safe to use from several threads."""

    def __init__(self, countries: Sequence[Country], stream: TextIO) -> None:
        self._countries = countries
        self._begun = time.monotonic()
        self._lock = threading.Lock()
        self.live = stream.isatty()
        self.console = Console(
            file=stream, width=None if self.live else PLAIN_WIDTH, highlight=False, markup=False, emoji=False
        )
        self._record: Console | None = None
        self._screens = 0
        self._gathered: Counter[tuple[str, str]] | None = None
        self._status: Status | None = self.console.status("") if self.live else None

    def __enter__(self) -> Timeline:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._status is not None:
            self._status.stop()
        if self._record is not None:
            self._record.file.close()

    def keep_record(self, path: Path) -> None:
        """Write every line into a file from now on, and events nowhere else."""
        file = path.open("w", encoding="utf-8")
        self._record = Console(file=file, width=PLAIN_WIDTH, highlight=False, markup=False, emoji=False)

    @property
    def seconds(self) -> float:
        """Seconds since the demonstration began."""
        return time.monotonic() - self._begun

    def screen(self, title: str, told: str) -> None:
        """Begin a new screen of the story: its number and title, what it is about, and the names of the columns."""
        self._screens += 1
        with self._lock:
            self._print(Text(), Text(f"━━ {self._screens} of {SCREENS}  {title} ━━", style="bold"), Text(told))
        if self.live:
            self._row("", [Text(c.title, style="bold underline") for c in self._countries])

    def step(self, text: str) -> None:
        """Begin a new part of the story."""
        with self._lock:
            self._print(Text(), Text(f"■ {text}", style="bold cyan"))
        self.doing(text)

    def doing(self, text: str) -> None:
        """Show under the timeline what is being waited for, while it lasts."""
        if self._status is not None:
            self._status.update(Text(text, style="dim"))

    def act(self, country: Country, text: str) -> None:
        """Print an action of a person or a case system."""
        self._line(country.code, Text(text, style="yellow"))

    def event(self, event: Event) -> None:
        """Print an event that a node reports, or count it while events are gathered."""
        text = describe_event(event)
        with self._lock:
            gathered = self._gathered
            if gathered is not None:
                gathered[event.country, text] += 1
        if gathered is None:
            self._said(event.country, text)

    @contextmanager
    def gather(self) -> Iterator[None]:
        """Count events as long as this lasts, then print each kind in one line with how often it came."""
        with self._lock:
            self._gathered = Counter()
        try:
            yield
        finally:
            with self._lock:
                gathered, self._gathered = self._gathered, None
            for (country, text), count in (gathered or {}).items():
                self._said(country, f"{text} ({count} times)" if count > 1 else text)

    def _said(self, country: str, text: str) -> None:
        style = "red" if text.startswith("✗") else "green" if text.startswith("✓") else ""
        self._line(country, Text(text, style=style), shown=self._record is None)

    def note(self, text: str) -> None:
        """Print a line across all columns."""
        with self._lock:
            self._print(Text(f"{'':10}{text}"))

    def show(self, what: Table, *, to_people: bool = False) -> None:
        """Print a table; into the record alone, once there is one, unless it is for people."""
        with self._lock:
            for console in {self._record or self.console, *([self.console] if to_people else [])}:
                console.print(what)

    def _print(self, *lines: Text) -> None:
        for console in (self.console, *([] if self._record is None else [self._record])):
            for line in lines:
                console.print(line, soft_wrap=True)

    def _line(self, code: str, text: Text, *, shown: bool = True) -> None:
        """Print a line of a country: into the record, and to people where it is `shown`."""
        time_text = f"{self.seconds:6.1f} s"
        plain = Text(f"{time_text}  {code}  ") + text
        with self._lock:
            if self._record is not None:
                self._record.print(plain, soft_wrap=True)
            if shown and not self.live:
                self.console.print(plain, soft_wrap=True)
        if shown and self.live:
            self._row(time_text, [text if c.code == code else Text("") for c in self._countries])

    def _row(self, time_text: str, cells: Sequence[Text]) -> None:
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(width=8)
        for _ in cells:
            grid.add_column(ratio=1, overflow="fold")
        grid.add_row(Text(time_text, style="dim"), *cells)
        with self._lock:
            self.console.print(grid)
