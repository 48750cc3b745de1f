"""The person's own copy in the person's words: what they agreed to, what was said about them, who has seen it, and how
they complain or take something back (domain 10.18).

Its page and its file are made of the same text. It names offices and countries; nobody who works here, and no word of a
message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.console.papers.case_history import NOTHING
from gateway.console.papers.paper import Paper, Table
from gateway.console.states import Table as States
from gateway.console.units import Units
from gateway.console.words import N_, Words

RIGHTS: States = {
    N_("Take something back"): N_(
        "Say so to anybody of the office, in words or in writing, without saying why. Help goes on."
    ),
    N_("Have it corrected"): N_("Say what is wrong. Whoever received it is told."),
    N_("Complain"): N_(
        "To the office, to its data protection officer, or to the data protection authority of the country."
    ),
}
"""What the person can do, and how."""


class OwnCopyText:
    """Writes the copy of one person in one language; `at` formats a moment, `units` are named in that language."""

    def __init__(self, found: Mapping[str, Any], words: Words, at: Callable[[int], str], units: Units) -> None:
        self._found = found
        self._words = words
        self._at = at
        self._units = units

    def write(self) -> Paper:
        """The whole paper."""
        found, words = self._found, self._words
        return Paper(
            title=words("What is known about me"),
            mark=words("My own copy"),
            about=[
                self._list(f"{words.country(one['peer'])} {one['reference']}" for one in found["references"]),
                words("It says what kinds of things were said, and not the words."),
            ],
            good=True,
            verdict=words("This copy is yours"),
            detail=words("You can ask for it again at any time. Keep it only where it is safe for you."),
            answers=self._answers(),
            tables=[self._agreed(), self._denied(), self._said(), self._seen()],
            proof_title=words("How I complain or take something back"),
            proof=[
                *((words(name), words(text)) for name, text in RIGHTS.items()),
                (words("Printed"), self._at(found["now"])),
            ],
        )

    def _answers(self) -> list[tuple[str, str]]:
        found, words = self._found, self._words
        told = [one for one in found["said"] if one["direction"] == "out"]
        countries = dict.fromkeys(one["peer"] for one in told)
        return [
            (
                words("What I agree to"),
                words.many("%(n)s consent", "%(n)s consents", len(found["consents"])),
            ),
            (words("What was said about me"), words.many("%(n)s message", "%(n)s messages", len(found["said"]))),
            (words("To whom"), self._list(words.country(peer) for peer in countries)),
            (words("Opened there"), f"{sum(one['opened'] is not None for one in told)} / {len(told)}"),
        ]

    def _agreed(self) -> Table:
        words = self._words
        return Table(
            id="agreed",
            title=words("What I agree to"),
            heads=[words("When"), words("What for"), words("Which data"), words("Who may have it"), words("Until")],
            rows=[
                (
                    self._at(one["at"]),
                    words.code("purpose", grant["purpose"]),
                    self._codes("data_category", grant["categories"]),
                    self._list(map(self._units.reference, grant["units"])),
                    NOTHING if grant["until"] is None else words.date(grant["until"]),
                )
                for one in self._found["consents"]
                for grant in one.get("covers") or ()
            ],
            empty=words("There is nothing here."),
        )

    def _denied(self) -> Table:
        words = self._words
        return Table(
            id="denied",
            title=words("What I said no to"),
            heads=[words("What for"), words("Which data"), words("Who may have it")],
            rows=[
                (
                    words.code("purpose", one["purpose"]) if one["purpose"] else NOTHING,
                    words.code("data_category", one["category"]) if one["category"] else NOTHING,
                    self._units.reference(one["unit"]) if one["unit"] else NOTHING,
                )
                for one in self._found["denials"]
            ],
            empty=words("There is nothing here."),
        )

    def _said(self) -> Table:
        words = self._words
        return Table(
            id="said",
            title=words("What was said about me"),
            heads=[
                words("When"),
                words("What"),
                words("Which data"),
                words("Opened there"),
                words("Erased on the latest"),
            ],
            rows=[
                (
                    self._at(one["at"]),
                    self._name(one),
                    self._codes("data_category", one["categories"]),
                    *self._ends(one),
                )
                for one in self._found["said"]
            ],
            empty=words("There is nothing here."),
        )

    def _name(self, one: Mapping[str, Any]) -> str:
        way = self._words("To") if one["direction"] == "out" else self._words("From")
        kind = NOTHING if one["kind"] is None else self._words.message(one["kind"])
        return f"{kind}. {way} {self._words.country(one['peer'])}"

    def _ends(self, one: Mapping[str, Any]) -> tuple[str, str]:
        opened = NOTHING if one["opened"] is None else self._at(one["opened"])
        if one["erased"]:
            return opened, self._words("erased")
        return opened, NOTHING if one["retain_until"] is None else self._words.date(one["retain_until"])

    def _seen(self) -> Table:
        words = self._words
        return Table(
            id="seen",
            title=words("Who saw it here"),
            heads=[words("Office"), words("First"), words("Last")],
            rows=[
                (
                    words("people or programs of no office of their own")
                    if one["unit"] is None
                    else self._units.name(one["unit"]),
                    self._at(one["first"]),
                    self._at(one["last"]),
                )
                for one in self._found["seen"]
            ],
            empty=words("Nobody was shown any of it."),
        )

    def _codes(self, list_name: str, codes: Iterable[str]) -> str:
        return self._list(self._words.code(list_name, code) for code in codes)

    def _list(self, parts: Iterable[str]) -> str:
        return self._words.comma.join(parts) or NOTHING
