"""The promises that a table is checked for when its module is imported."""

from __future__ import annotations

from enum import StrEnum

import pytest

from gateway.foundation.state_machine import Entry, IllegalStep, Machine, Transition, moves


class Lamp(StrEnum):
    """States of the machine under test."""

    OFF = "off"
    ON = "on"
    BROKEN = "broken"


class Push(StrEnum):
    """Events of the machine under test."""

    SHORT = "short"
    HARD = "hard"


LAMP = (
    *moves(Lamp.OFF, (Push.SHORT, Lamp.ON, "switched on")),
    *moves(Lamp.ON, (Push.SHORT, Lamp.OFF, "switched off"), (Push.HARD, Lamp.BROKEN, "too hard")),
)


def lamp(*, table: tuple[Transition[Lamp, Push], ...] = LAMP, final: frozenset[Lamp] = frozenset({Lamp.BROKEN})):
    """A lamp with another table or other final states."""
    return Machine(
        name="lamp", about="A lamp.", states=tuple(Lamp), entries=(Entry(Lamp.OFF, "new"),), final=final, table=table
    )


def test_step_follows_the_table():
    """A pair with a row leads to the target of the row."""
    assert lamp().step(Lamp.OFF, Push.SHORT) is Lamp.ON


def test_a_pair_without_row_is_our_bug():
    """A pair without a row raises a RuntimeError that names the machine, the state and the event."""
    with pytest.raises(IllegalStep, match="lamp: hard is not possible in state off"):
        lamp().step(Lamp.OFF, Push.HARD)
    assert issubclass(IllegalStep, RuntimeError)


def test_allows_asks_without_stepping():
    """A caller whose event may come late can ask first."""
    assert lamp().allows(Lamp.ON, Push.HARD)
    assert not lamp().allows(Lamp.OFF, Push.HARD)


@pytest.mark.parametrize(
    ("table", "final", "words"),
    [
        ((*LAMP, Transition(Lamp.ON, Push.HARD, Lamp.OFF, "twice")), {Lamp.BROKEN}, "in the table twice"),
        ((*LAMP, Transition(Lamp.BROKEN, Push.HARD, Lamp.OFF, "mended")), {Lamp.BROKEN}, "a final state is left"),
        (LAMP, set(), "no way out of"),
        (LAMP[:2], {Lamp.BROKEN}, "no way into"),
    ],
    ids=["pair twice", "final state left", "no way out", "no way in"],
)
def test_a_table_with_one_fault_is_refused(table, final, words):
    """Each promise of a table is checked on its own."""
    with pytest.raises(ValueError, match=words):
        lamp(table=table, final=frozenset(final))
