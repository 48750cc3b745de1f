"""The agreed subset of regular expressions (nrm1 13.8), parsed and sampled.

A pattern is `^ ... $` around literals, classes `[...]`, groups `(...|...)` and the repetitions `?` and `{m}`, `{m,n}`.
What this small parser cannot read lies outside the subset: no `\\d`, `\\w`, `\\p`, no `*` or `+`, no look-around, no
back-reference, and hence nothing that can backtrack without bound. One form has a `+`, for texts too long for a counted
repetition, which some engines unroll: a class alone, `^[...]+$`, which no engine has a choice about.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass

SAMPLED = 60
"""Characters at most in a sample of the form with a `+`."""

LITERALS = frozenset(string.ascii_letters + string.digits + "-_/@:%. ")


@dataclass(frozen=True, slots=True)
class Node:
    """One of `options` (each a sequence of nodes or characters), `low` to `high` times."""

    options: tuple[tuple[Node | str, ...], ...]
    low: int = 1
    high: int = 1


def parse(pattern: str) -> Node:
    """The parsed pattern. Raises ValueError for one outside the agreed subset."""
    if not (pattern.startswith("^") and pattern.endswith("$")):
        raise ValueError("a pattern is anchored at both ends")
    if is_long(pattern):
        return _long(parse(f"{pattern[:-2]}$"))
    rest = iter(list(pattern[1:-1]))
    node, end = _alternatives(_Peek(rest))
    if end is not None:
        raise ValueError("a group is closed that was not opened")
    return node


def is_long(pattern: str) -> bool:
    """Whether it is of the form with a `+`, whose length nothing but maxLength bounds."""
    return pattern.endswith("]+$")


def _long(node: Node) -> Node:
    match node.options:
        case ((Node(options, 1, 1),),) if all(len(option) == 1 and isinstance(option[0], str) for option in options):
            return Node(options, 1, SAMPLED)
    raise ValueError("a + stands only after a class that is the whole pattern")


def sample(node: Node, rng: random.Random) -> str:
    """A random text that matches."""
    times = rng.randint(node.low, node.high)
    return "".join(_sequence(rng.choice(node.options), rng) for _ in range(times))


def _sequence(parts: tuple[Node | str, ...], rng: random.Random) -> str:
    return "".join(part if isinstance(part, str) else sample(part, rng) for part in parts)


class _Peek:
    def __init__(self, chars: Iterator[str]) -> None:
        self._chars = list(chars)

    def next(self) -> str | None:
        return self._chars.pop(0) if self._chars else None

    def peek(self) -> str | None:
        return self._chars[0] if self._chars else None


def _alternatives(text: _Peek) -> tuple[Node, str | None]:
    options: list[tuple[Node | str, ...]] = []
    parts: list[Node | str] = []
    while True:
        char = text.next()
        if char in ("|", ")", None):
            options.append(tuple(parts))
            parts = []
            if char != "|":
                return Node(tuple(options)), char
        else:
            parts.append(_repeated(_atom(str(char), text), text))


def _atom(char: str, text: _Peek) -> Node | str:
    if char == "[":
        return Node(tuple((c,) for c in _class(text)))
    if char == "(":
        node, end = _alternatives(text)
        if end != ")":
            raise ValueError("a group is not closed")
        return node
    if char == "\\":
        escaped = text.next()
        if escaped not in ("+", ".", "$"):
            raise ValueError("an escape outside the agreed subset")
        return escaped
    if char not in LITERALS - {"."}:
        raise ValueError(f"{char!r} is outside the agreed subset")
    return char


def _class(text: _Peek) -> list[str]:
    chars: list[str] = []
    while (char := text.next()) != "]":
        if char is None or char in "[\\^&":
            raise ValueError("a class outside the agreed subset")
        if text.peek() == "-" and len(text._chars) > 1 and text._chars[1] != "]":
            text.next()
            chars += [chr(code) for code in range(ord(char), ord(str(text.next())) + 1)]
        else:
            chars.append(char)
    return chars


def _repeated(atom: Node | str, text: _Peek) -> Node | str:
    if text.peek() == "?":
        text.next()
        return Node(((atom,),), 0, 1)
    if text.peek() == "{":
        text.next()
        bounds = ""
        while (char := text.next()) != "}":
            bounds += str(char)
        low, _, high = bounds.partition(",")
        return Node(((atom,),), int(low), int(high or low))
    return atom
