"""Reading the arguments of operations: every fault names the argument, never its value."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping

from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Json

Arguments = Mapping[str, Json]

MOST = 500
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")  # the leaf type "ref" of schemas/fragments/types.json


def text(arguments: Arguments, name: str, *, longest: int = 4_000) -> str:
    """A needed text argument."""
    value = arguments.get(name)
    if not isinstance(value, str) or not value or len(value) > longest:
        raise _fault(name, f"a text of 1 to {longest} characters is needed here")
    return value


def maybe_text(arguments: Arguments, name: str) -> str | None:
    """A text argument that may be left out."""
    return None if arguments.get(name) is None else text(arguments, name)


def one_of(arguments: Arguments, name: str, words: Iterable[str]) -> str | None:
    """One of these words, or none: another one would find nothing, and nobody would know why."""
    value = maybe_text(arguments, name)
    known = [*dict.fromkeys(map(str, words))]
    if value is not None and value not in known:
        raise _fault(name, f"one of {', '.join(known)} is needed here")
    return value


def number(arguments: Arguments, name: str, *, otherwise: int, most: int = MOST) -> int:
    """A whole number from 0 to `most`, as a number or in decimal digits (from a query)."""
    value = arguments.get(name, otherwise)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise _fault(name, f"a whole number from 0 to {most} is needed here")
    return value


def members(arguments: Arguments, name: str) -> dict[str, Json]:
    """A needed object argument."""
    value = arguments.get(name)
    if not isinstance(value, dict):
        raise _fault(name, "an object is needed here")
    return value


def only(arguments: Arguments, *names: str) -> None:
    """Refuse arguments that nobody reads: a misspelt one would otherwise be ignored."""
    if set(arguments) - set(names):
        raise RefusedError(
            Code.INVALID,
            "an argument is not known here; nothing was changed",
            findings=[Finding(place="", rule="additionalProperties", hint="known are: " + ", ".join(names))],
        )


def author_ref(by: str, keyed: Callable[[bytes], bytes]) -> str:
    """Who wrote, for a header: `by` where it is a reference; of a name only its keyed hash, since no name travels."""
    return by if _REFERENCE.fullmatch(by) else keyed(by.encode()).hex()


def person(by: str, keyed: Callable[[bytes], bytes]) -> bytes:
    """Who acts, to tell two people apart: the same however the name is spaced and in whatever case it is typed."""
    return keyed(" ".join(unicodedata.normalize("NFKC", by).casefold().split()).encode())


def _fault(name: str, what: str) -> RefusedError:
    return RefusedError(
        Code.INVALID,
        f"the argument {name} is missing or wrong; nothing was changed",
        findings=[Finding(place=f"/{name}", rule="type", hint=what)],
    )
