"""A disk that takes bytes and does not keep them: what the node syncs fails, as the kernel says of a dying disk."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from support.nodeproc import NodeProcess, Pair, enquiry, eventually, make_pair
from support.patience import PATIENCE
from support.shared import lacking

SYNCS = "fsync,fdatasync"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two nodes as processes."""
    made = make_pair(tmp_path)
    made.a.sign_in()
    yield made
    made.close()


@contextmanager
def failing_syncs(node: NodeProcess) -> Iterator[None]:
    """For so long the kernel answers EIO whenever this process, and none that it started, syncs a file."""
    if shutil.which("strace") is None:
        lacking("strace is not on this machine")
    words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={SYNCS}", "-e", f"inject={SYNCS}:error=EIO"]
    with subprocess.Popen([*words, "-p", str(node.pids[0])], stderr=subprocess.DEVNULL) as tracer:
        try:
            eventually(lambda: tracer.poll() is not None or health(node) == 503, "the node sees its disk fail")
            if tracer.returncode is not None:
                pytest.skip("no process may be traced here")
            yield
        finally:
            tracer.terminate()
            tracer.wait(timeout=PATIENCE)


def health(node: NodeProcess) -> int:
    """What whoever watches the process is told about its readiness."""
    with closing(node.client()) as client:
        status, _ = client.ask("GET", "/health/ready")
    return status


def submits(node: NodeProcess) -> int:
    """The status of one submission, under the same key each time."""
    with closing(node.client()) as client:
        status, _ = client.submit(enquiry("kept"), "one")
    return status


def test_a_node_whose_disk_does_not_sync_is_not_ready_and_takes_nothing(pair: Pair) -> None:
    """It says why, answers no submission as taken, and goes on by itself once the disk syncs again."""
    fr = pair.a
    assert health(fr) == 200
    with failing_syncs(fr):
        found = fr.call("node.ready")
        assert (found["ready"], found["why"]) == (False, ["disk"])
        assert submits(fr) == 503
    eventually(lambda: health(fr) == 200, "the node is ready again")
    assert fr.rows("select count(*) from message where direction = 'out'") == [(0,)]
    assert submits(fr) == 201
    eventually(lambda: pair.b.count() == 1, "the message arrives")
