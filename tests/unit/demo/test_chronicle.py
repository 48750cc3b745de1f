"""Waiting in the demonstration: it ends in time, and says for what it waited."""

from __future__ import annotations

import pytest

from gateway.demo.chronicle import Chronicle, wait_until
from gateway.errors import Code, RefusedError


def test_a_wait_ends_in_time_and_says_for_what(federation):
    """The deadline passes, and the failure names what did not happen."""
    chronicle = Chronicle(lambda event: None, lambda: None)
    with pytest.raises(RefusedError, match="waited 0 seconds without result: the reply of Albania") as caught:
        chronicle.wait("the reply of Albania", lambda event: True, seconds=0)
    assert caught.value.code is Code.UNREACHABLE
    with pytest.raises(RefusedError, match="without result: a draft"):
        wait_until("a draft", lambda: False, seconds=0)


def test_a_node_that_ended_ends_the_wait(federation):
    """A wait does not go on for what a dead node will never tell."""

    def dead() -> None:
        raise RefusedError(Code.UNREACHABLE, "the node of France ended by itself, exit 1")

    with pytest.raises(RefusedError, match="the node of France ended by itself"):
        Chronicle(lambda event: None, dead).wait("anything", lambda event: False)
