"""A person at a browser whose clicks, typed words and seconds are counted, task by task."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.browser import UNFOLD, Seat
from support.writing import ASKED, OPENED

from gateway.console.looks import is_random_id

ROWS = 6
"""Rows that one page may lack."""
ADDING = """() => [...document.querySelectorAll('main button[name=act][value^="add:"]')].map((e) => e.value.slice(4))"""
"""The places of a page to which a button adds a row."""
FOLDED = "(e) => { let n = 0; while ((e = e.parentElement?.closest('details'))) n += !e.open; return n; }"
"""How many things have to be unfolded before an element is seen: a click each."""
CHOOSE = "the first one that is offered"
"""An answer: whatever a list offers first."""


@dataclass
class Effort:
    """What a task cost: clicks (a choice in a list is one), fields that were typed, ids among them, and the
    seconds of program and browser. Reading and thinking are not in it.
    """

    clicks: int = 0
    typed: int = 0
    ids: int = 0
    seconds: float = 0.0


@dataclass
class Counted:
    """Acts at a seat and counts."""

    seat: Seat
    efforts: dict[str, Effort] = field(default_factory=dict)
    _now: Effort = field(default_factory=Effort)

    @contextmanager
    def task(self, name: str) -> Iterator[None]:
        """Count what follows under a name."""
        self._now = self.efforts.setdefault(name, Effort())
        begun = time.monotonic()
        yield
        self._now.seconds += time.monotonic() - begun

    async def press(self, selector: str) -> None:
        """Press the first thing that a selector finds, and wait for the page behind it."""
        found = self.seat.page.locator(selector).first
        self._now.clicks += await found.evaluate(FOLDED)
        await found.evaluate(UNFOLD)
        async with self.seat.page.expect_navigation():
            await found.click()
        self._now.clicks += 1

    async def write(self, selector: str, text: str) -> None:
        """Type into a field."""
        await self.seat.page.locator(selector).first.fill(text)
        self._now.typed += 1
        self._now.ids += is_random_id(text)

    async def answer(self, fields: Mapping[str, Sequence[str]]) -> None:
        """Answer what a page asks and has no answer yet, as far as the answers go; rows that it lacks are added."""
        for _ in range(ROWS):
            await self._fill(fields)
            asked: dict[str, bool] = dict(await self.seat.page.evaluate(ASKED))
            adding = await self.seat.page.evaluate(ADDING)
            lacking = [
                place for place in adding if any(name.startswith(f"{place}/") and name not in asked for name in fields)
            ]
            if not lacking:
                return
            await self.press(f'main button[name=act][value="add:{lacking[0]}"]')

    async def _fill(self, fields: Mapping[str, Sequence[str]]) -> None:
        asked: dict[str, bool] = dict(await self.seat.page.evaluate(ASKED))
        for name, values in fields.items():
            if not asked.get(name):
                continue
            found = self.seat.page.locator(f'main [name="{name}"]:not([type=hidden])')
            folded = await found.first.evaluate(FOLDED)
            kind = await found.first.evaluate(OPENED, values[0])
            self._now.clicks += 0 if kind is None else folded
            if kind in ("radio", "checkbox"):
                for value in values:
                    one = found.and_(found.page.locator(f'[value="{value}"]'))
                    if await one.count() and not await one.is_checked():
                        await one.check()
                        self._now.clicks += 1
            elif kind == "SELECT":
                offered = {"index": 1} if values[0] == CHOOSE else {"value": values[0]}
                await found.first.select_option(**offered)
                self._now.clicks += 1
            elif kind is not None and not await found.first.input_value():
                await self.write(f'main [name="{name}"]:not([type=hidden])', values[0])


def render_table(efforts: Mapping[str, Mapping[str, Effort]]) -> list[str]:
    """Render the rows of a table in Markdown: a task and, by language, its clicks, typed fields, ids and seconds."""
    languages = list(efforts)
    lines = [f"| task | {' | '.join(languages)} |", f"|---|{'---|' * len(languages)}"]
    for task in efforts[languages[0]]:
        cells = (efforts[language][task] for language in languages)
        said = " | ".join(f"{one.clicks} / {one.typed} / {one.ids} / {one.seconds:.1f} s" for one in cells)
        lines.append(f"| {task} | {said} |")
    return lines
