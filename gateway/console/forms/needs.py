"""When something is needed in a form: the questions that the schema asks, in the reader's words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from gateway.console.forms.fields import GIVEN
from gateway.console.forms.parts import generalise_place, label_place
from gateway.console.words import N_, Words
from schemas.codelists import ENGLISH
from schemas.describing import members as describe
from schemas.describing import rules as describe_rules
from schemas.describing.rules import Condition, When
from schemas.walk import Node

ONE_NEEDED = N_("At least one of these is needed: %(names)s.")


class Needs:
    """Which members of one message type are needed, and when."""

    def __init__(self, body_type: str, words: Words) -> None:
        self._type, self.words = body_type, words
        self._rows = {row.place: row for row in describe.describe_members(body_type)}
        self._single, self._together = defaultdict[str, list[Condition]](list), defaultdict[str, list[Condition]](list)
        for condition in describe_rules.list_conditions(body_type):
            if condition.wish == describe_rules.ONE_OF:
                self._together[condition.place].append(condition)
            else:
                self._single["/".join((condition.place, *condition.path))].append(condition)

    def need(self, place: str) -> str:
        """Return one of the four words of `schemas.describing.members`; empty for an item of a list."""
        row = None if (self._type, place) in GIVEN else self._row(place)
        return "" if row is None or place.rpartition("/")[2].isdecimal() else row.need

    def hints(self, said: Node, place: str) -> tuple[tuple[str, str], ...]:
        """Return the meaning of a member and the conditions under which it is needed."""
        meaning, mine = said.get("description", ""), self.words.language.code
        if place.rpartition("/")[2].isdecimal():
            meaning = ""
        own = self.words.labels.meaning(meaning).text
        told = [(ENGLISH, meaning) if own is None else (mine, own)] if meaning else []
        told += [(mine, text) for text in self._sentences(generalise_place(place))]
        return tuple(told)

    def together(self, place: str) -> tuple[tuple[str, str], ...]:
        """List the groups of members of which one must be answered."""
        sets: dict[tuple[When, ...], list[str]] = {}
        for condition in self._together[generalise_place(place)]:
            sets.setdefault(condition.when, []).append(self._label(condition.place, condition.path))
        words, found = self.words, list[tuple[str, str]]()
        for when, names in sets.items():
            text = words(ONE_NEEDED, names=words.comma.join(names))
            if when:
                text = words("If %(condition)s: %(what)s", condition=self._condition(when, place), what=text)
            found.append((words.language.code, text))
        return tuple(found)

    def _sentences(self, place: str) -> Iterator[str]:
        said = {
            describe_rules.NEEDED: N_("Needed if %(condition)s."),
            describe_rules.EITHER_WAY: N_("Needed, or the reason why it is missing, if %(condition)s."),
            describe_rules.LEFT_OUT: N_("Leave empty if %(condition)s."),
        }
        for condition in self._single[place]:
            if condition.when:
                when = self._condition(condition.when, condition.place)
                yield self.words(said[condition.wish], condition=when)

    def _condition(self, when: Sequence[When], place: str) -> str:
        first, *others = (self._met(one, place) for one in when)
        for other in others:
            first = self.words("%(one)s and %(other)s", one=first, other=other)
        return first

    def _met(self, when: When, place: str) -> str:
        words, name = self.words, self._label(place, when.path)
        below = "/".join((place, *when.path))
        match when.how:
            case "given" if when.path[0] == "unknown":
                return words("it is said why “%(field)s” is missing", field=name)
            case "given":
                return words("“%(field)s” is filled in", field=name)
            case "some" | "every":
                inner = self._condition(when.inner, f"{below}/*")
                some, every = N_("in one of “%(field)s” %(condition)s"), N_("in all of “%(field)s” %(condition)s")
                return words(some if when.how == "some" else every, field=name, condition=inner)
            case _:
                values = " / ".join(self._value(value, below) for value in when.values)
                return words("“%(field)s” is “%(values)s”", field=name, values=values)

    def _value(self, value: object, place: str) -> str:
        if isinstance(value, bool):
            return self.words.language.yes if value else self.words.language.no
        row = self._row(place)
        return str(value) if row is None or row.codes is None else self.words.code(row.codes, value)

    def _label(self, place: str, path: Sequence[str]) -> str:
        return label_place(self._type, "/".join((place, *(step for step in path if step != "unknown"))), self.words)

    def _row(self, place: str) -> describe.Row | None:
        here = generalise_place(place)
        return self._rows.get(here) or self._rows.get(f"{here}/*")
