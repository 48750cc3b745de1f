"""Whether the code that runs is one distribution: `adapters` and `schemas` are also names of foreign packages."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

from gateway.errors import Code, Finding, RefusedError

ROOMS = ("gateway", "keys", "schemas", "adapters")
DISTRIBUTION = "trm-gateway"
_FIX = "install the gateway into an environment of its own"


def findings() -> tuple[Finding, ...]:
    """Packages of ours that come from elsewhere, or that another distribution also brings."""
    homes = {room: _home(room) for room in ROOMS}
    brought = [*_brought()]
    found = []
    for room, home in homes.items():
        others = sorted({owner for owner, other in brought if other == room} - {DISTRIBUTION})
        if home is None or home != homes["gateway"]:
            found.append(Finding(place=room, rule="not from this distribution", hint=_FIX))
        elif others:
            found.append(Finding(place=room, rule=f"also brought by {', '.join(others)}", hint=_FIX))
    return tuple(found)


def require() -> None:
    """Refuse to run on a mixture."""
    found = findings()
    if found:
        raise RefusedError(
            Code.INVALID,
            "the installed packages are not all of this distribution; nothing was started",
            findings=found,
            hint=_FIX,
        )


def _brought() -> Iterator[tuple[str, str]]:
    """The name of each distribution that brings one of our packages, with that package.

    Looks for these four in the text of each list of files: `packages_distributions` makes an object of every file that
    is installed here, which costs a start 5 MiB and three times as long.
    """
    for distribution in distributions():
        listed = f"\n{distribution.read_text('RECORD') or ''}\n{distribution.read_text('top_level.txt') or ''}\n"
        for room in ROOMS:
            if any(f"\n{room}{end}" in listed for end in ("/", ".py,", "\n")):
                yield distribution.name, room


def _home(room: str) -> Path | None:
    spec = find_spec(room)
    return None if spec is None or spec.origin is None else Path(spec.origin).resolve().parent.parent
