"""Three nodes, whatever people, wires, clocks, power cuts and lost disks do: what was promised is not undone.

After a withdrawal nothing more leaves on that consent; what was erased is readable nowhere on that node; what was
answered `cancelled` never arrives; a consent carries nothing of another person; holds keep back what they say; what was
accepted is not lost; numbers have no holes. What left is asked of the wire (`support.inwire`), never of the node.

A failure prints the steps that lead to it. The seed of a run makes the walks of its long form again, which makes none
of them small: that takes longer than to read it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from support.three_walks import MET, WALKS, ThreeNodes

FEW, MANY = 5, 100
"""Walks of the short form, and of one half of a round of the long one."""
HALVES = (0, 1)
"""Both go on at once, in processes of their own."""
DONE = ("message.submit", "consent.withdraw", "conversation.erase")
"""What people were seen to do even in the short form."""


@seed(8)
class FewWalks(ThreeNodes):
    """Walks in which all of `DONE` happens: seven seeds before come to no withdrawal or erasure."""


@pytest.mark.timeout(1_200)  # also on a machine that does other things
def test_what_was_promised_is_kept() -> None:
    """A few walks, the same ones each time, break no promise, and people do not only meet refusals in them."""
    run_state_machine_as_test(FewWalks, settings=settings(WALKS, max_examples=FEW, phases=[Phase.generate]))
    assert [operation for operation in DONE if not MET[operation]] == []


@pytest.mark.deep
@pytest.mark.timeout(7_200)  # also on a machine that does other things
@pytest.mark.parametrize("half", HALVES)
def test_what_was_promised_is_always_kept(
    half: int, run_seed: int, record_property: Callable[[str, object], None]
) -> None:
    """Half a round of other walks breaks no promise."""
    before = MET["walks"]

    @seed(run_seed * len(HALVES) + half)
    class Walks(ThreeNodes):
        """These walks."""

    run_state_machine_as_test(Walks, settings=settings(WALKS, max_examples=MANY, phases=[Phase.generate]))
    record_property("examples", MET["walks"] - before)
