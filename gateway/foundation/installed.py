"""Whether the code that runs is one distribution: `adapters` and `schemas` are also names of foreign packages."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

from gateway.errors import Code, Finding, RefusedError

ROOMS = ("gateway", "keys", "schemas", "adapters")
DISTRIBUTION = "trm-gateway"
_FIX = "install the gateway into an environment of its own"


def findings() -> tuple[Finding, ...]:
    """Packages of ours that come from elsewhere, or that another distribution also brings."""
    homes = {room: _home(room) for room in ROOMS}
    owners = packages_distributions()
    found = []
    for room, home in homes.items():
        others = sorted(set(owners.get(room, [])) - {DISTRIBUTION})
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


def _home(room: str) -> Path | None:
    spec = find_spec(room)
    return None if spec is None or spec.origin is None else Path(spec.origin).resolve().parent.parent
