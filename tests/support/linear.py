"""Whether a regular expression takes linear time, by its structure; no run is measured.

A matcher that backtracks loses time where one text can be divided in several ways. So at each choice the next character
has to decide (the firsts of what may follow are disjoint), except where the number of ways is bounded:

    a repetition without an upper bound   never leaves a choice, in itself or with what follows it
    a bounded one                         may leave a choice; the ways are multiplied, and stay below `MOST_WAYS`
    atomic groups, possessive repetitions and look-arounds are never entered again: their own ways count once

A pattern that is looked for anywhere in a text begins at each of its places. There nothing may fail behind a repetition
without a bound, or each place would run to the end again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, TypeAlias

MOST_WAYS = 2_000
"""Ways to divide a text; each is at most as long as the pattern's bounded repetitions."""

Chars: TypeAlias = frozenset[str]

#: Stand for all characters: Latin, Greek, Cyrillic and Arabic, digits, marks, spaces and signs of other blocks.
ALPHABET: Chars = frozenset(map(chr, [*range(0x600), *range(0x600, 0x700), 0x200E, *range(0x2000, 0x2070), 0x4E00]))


@dataclass(frozen=True, slots=True)
class Shape:
    """What matters of a part: the characters it may begin with, whether it may be empty, how many ways it leaves."""

    first: Chars
    empty: bool
    ways: int = 1


@dataclass
class Faults:
    """What was found, in words."""

    found: list[str] = field(default_factory=list)


def faults_of(pattern: str | bytes, *, anywhere: bool) -> Sequence[str]:
    """Why a pattern may take more than linear time; empty where it does not. ``anywhere``: it is not anchored."""
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    tree = list(parser.parse(text))
    faults = Faults()
    _bounded(_sequence(tree, frozenset(), faults), faults)
    anchored = tree[:1] == [(op.AT, op.AT_BEGINNING)]
    if anywhere and not anchored and any(_fails_behind(tree)):
        faults.found.append("may fail behind a repetition without a bound, from each place of a text")
    return faults.found


def _bounded(shape: Shape, faults: Faults) -> Shape:
    if shape.ways > MOST_WAYS:
        faults.found.append(f"more than {MOST_WAYS} ways to divide a text")
    return shape


def _sequence(tree: Sequence[Any], follow: Chars, faults: Faults) -> Shape:
    """The shape of parts one after another, from the last one on, since each is judged by what follows it."""
    first, empty, ways = frozenset[str](), True, 1
    for part in reversed(tree):
        shape = _part(part, first | follow if empty else first, faults)
        first, empty = (first | shape.first if shape.empty else shape.first), empty and shape.empty
        ways *= shape.ways
    return Shape(first, empty, ways)


def _part(part: Any, follow: Chars, faults: Faults) -> Shape:
    kind, value = part
    match kind:
        case op.LITERAL | op.NOT_LITERAL | op.IN | op.ANY:
            return Shape(_characters(kind, tuple(value) if isinstance(value, list) else value), False)
        case op.AT:
            return Shape(frozenset(), True)
        case op.ASSERT | op.ASSERT_NOT:
            _bounded(_sequence(value[1], frozenset(), faults), faults)
            return Shape(frozenset(), True)
        case op.ATOMIC_GROUP:
            inner = _bounded(_sequence(value, frozenset(), faults), faults)
            return Shape(inner.first, inner.empty)
        case op.SUBPATTERN:
            return _sequence(value[3], follow, faults)
        case op.BRANCH:
            return _branch([_sequence(option, follow, faults) for option in value[1]], follow)
        case _ if kind in _REPETITIONS:
            return _repetition(kind is op.POSSESSIVE_REPEAT, *value, follow=follow, faults=faults)
        case _:
            faults.found.append(f"{kind} is not known to be linear")
            return Shape(frozenset(), True)


def _branch(options: Sequence[Shape], follow: Chars) -> Shape:
    begins = [option.first | (follow if option.empty else frozenset()) for option in options]
    first = frozenset[str]().union(*(option.first for option in options))
    apart = sum(map(len, begins)) == len(frozenset().union(*begins))
    ways = [option.ways for option in options]
    return Shape(first, any(option.empty for option in options), max(ways) if apart else sum(ways))


def _repetition(possessive: bool, low: int, high: int, body: Sequence[Any], *, follow: Chars, faults: Faults) -> Shape:
    bounded = high is not op.MAXREPEAT
    again = _sequence(body, frozenset(), Faults()).first if high > 1 else frozenset()
    inner = _sequence(body, again if possessive else again | follow, faults)
    choice = not possessive and low != high and bool(inner.first & follow)
    ways = inner.ways ** (high if bounded else 1) * (high - low + 1 if choice and bounded else 1)
    if not bounded and (choice or inner.ways > 1 or inner.empty):
        faults.found.append("a repetition without a bound leaves a choice")
    shape = Shape(inner.first, inner.empty or low == 0, ways)
    return Shape(shape.first, shape.empty, _bounded(shape, faults).ways // ways) if possessive else shape


@cache
def _characters(kind: Any, value: Any) -> Chars:
    """The characters of the alphabet that one place of a pattern takes."""
    match kind:
        case op.LITERAL:
            return frozenset({chr(value)})
        case op.NOT_LITERAL:
            return ALPHABET - {chr(value)}
        case op.ANY:
            return ALPHABET
    taken = frozenset[str]().union(*(_members(*item) for item in value if item[0] is not op.NEGATE))
    return ALPHABET - taken if value[0][0] is op.NEGATE else taken


_CATEGORIES = {op.CATEGORY_DIGIT: r"\d", op.CATEGORY_WORD: r"\w", op.CATEGORY_SPACE: r"\s"} | {
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_NOT_WORD: r"\W",
    op.CATEGORY_NOT_SPACE: r"\S",
}


def _members(kind: Any, value: Any) -> Chars:
    match kind:
        case op.LITERAL:
            return frozenset({chr(value)})
        case op.RANGE:
            return frozenset(char for char in ALPHABET if value[0] <= ord(char) <= value[1]) | {*map(chr, value)}
        case _:
            return frozenset(char for char in ALPHABET if re.match(_CATEGORIES[value], char))


def _fails_behind(tree: Sequence[Any]) -> Iterator[bool]:
    """Whether something that may fail stands behind a repetition without a bound, for each part of the top level.

    What such a repetition takes is read once if no match can begin in the middle of it.
    """
    begins = _sequence(tree, frozenset(), Faults()).first
    endless = False
    for kind, value in _flat(tree):
        optional = kind in _REPETITIONS and value[0] == 0
        yield endless and not optional
        wide = parser.SubPattern(parser.State(), [(kind, value)]).getwidth()[1] >= op.MAXREPEAT
        endless = endless or (wide and (kind not in _REPETITIONS or bool(_taken(value[2]) & begins)))


def _flat(tree: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    for kind, value in tree:
        if kind is op.SUBPATTERN:
            yield from _flat(value[3])
        else:
            yield kind, value


_REPETITIONS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)


def _taken(body: Sequence[Any]) -> Chars:
    """The characters of a repetition of one place; of a longer one any."""
    return _sequence(body, frozenset(), Faults()).first if len(body) == 1 else ALPHABET
