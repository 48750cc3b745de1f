"""What `trm doctor` says of the machines of a node that runs on several: whether each has followed (nrm1 13.5)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.administration.doctor.folder import Check, ok, red, warn
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json
from keys.primitives.encoding import DAY

NAME = "machines"
AWAY = DAY
"""Seconds after which a machine that was not seen is away for long: what was destroyed since is there still."""
_START = "start it, so that it follows; if it is lost for ever: trm keys retire, docs/keys.md"


def check_machines(told: Mapping[str, Json], now: int) -> Check:
    """Judge whether every machine has followed the newest change of the keys; `told` is the answer of keys.machines."""
    machines = list_objects(told, "machines")
    away = [one for one in machines if not one["here"] and _seconds(one["seen"]) < now - AWAY]
    behind = [one for one in machines if one["behind"] and one not in away]
    if away:
        listed = ", ".join(f"{one['host']} since {time_text.when(one['seen'])}" for one in away)
        return red(NAME, f"away, and what was destroyed since opens there: {listed}", _START)
    if behind:
        listed = ", ".join(str(one["host"]) for one in behind)
        return warn(NAME, f"the newest change of the keys was not followed yet by: {listed}", _START)
    return ok(NAME, f"{len(machines)} with the newest keys" if machines else "the keys are on this machine alone")


def _seconds(value: Json) -> int:
    return value if isinstance(value, int) else 0
