"""Programs of the demonstration: started, stopped, and told when they end by themselves."""

from __future__ import annotations

import pytest
from support.patience import PATIENCE

from gateway.demo.chronicle import wait_until
from gateway.demo.processes import Processes
from gateway.errors import RefusedError


def test_what_never_ran_can_be_stopped():
    """A failure before the first start leaves nothing to do."""
    processes = Processes()
    processes.stop()
    assert list(processes.pids) == []


def test_a_program_that_ends_by_itself_is_told(tmp_path):
    """With its name, its exit code and its log."""
    processes = Processes()
    processes.start("the clerk", ["/bin/sh", "-c", "exit 3"], tmp_path / "log")
    with pytest.raises(RefusedError, match="the clerk ended by itself, exit 3"):
        wait_until("the clerk to end", lambda: processes.alive() or False, seconds=PATIENCE)
    processes.stop()
