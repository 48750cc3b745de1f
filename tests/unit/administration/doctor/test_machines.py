"""gateway.administration.doctor.machines: a machine that is away for long is red, with what to do about it."""

from __future__ import annotations

from typing import Any

from support.nodes import NOW

from gateway.administration.doctor.folder import State
from gateway.administration.doctor.machines import check_machines

DAY = 86_400


def told(*changes: dict[str, Any]) -> dict[str, Any]:
    """What keys.machines answers: the first one is here."""
    machines = []
    for number, change in enumerate(changes):
        one = {"machine": f"{number:016}", "host": f"host {number}", "since": NOW, "seen": NOW, "behind": False}
        machines.append(one | {"here": number == 0} | change)
    return {"machines": machines}


def test_one_machine_and_several_that_are_there() -> None:
    """All is well, also when the clock of the one that is asked has not been written down for a while."""
    assert check_machines(told(), NOW).found == "the keys are on this machine alone"
    found = check_machines(told({"seen": NOW - 2 * DAY}, {}), NOW)
    assert (found.state, found.found) == (State.OK, "2 with the newest keys")


def test_one_that_has_not_followed_is_told() -> None:
    """It may do so in a moment."""
    found = check_machines(told({}, {"behind": True}), NOW)
    assert found.state is State.WARN and found.found.endswith("followed yet by: host 1")


def test_one_that_is_away_for_long_is_red() -> None:
    """With since when, and the way to be done with it; also one that is current, since it may not be with the next."""
    found = check_machines(told({}, {"seen": NOW - DAY - 1, "behind": True}, {"seen": NOW - DAY}), NOW)
    assert found.state is State.RED and "host 1 since" in found.found and "host 2" not in found.found
    assert "trm keys retire" in found.fix
