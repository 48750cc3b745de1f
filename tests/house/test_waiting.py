"""What tests wait by: a process rests when nobody in it has work, and a port is given to one process alone."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from pathlib import Path

import pytest
from support import ports
from support.rest import until_at_rest, wait_for_rest


def work(seconds: float) -> None:
    """Use a processor for so long, however long that takes."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


async def test_a_thread_that_works_is_waited_for() -> None:
    """To the end of its work, also where it has to wait for a processor."""
    thread = threading.Thread(target=work, args=(0.5,))
    thread.start()
    await until_at_rest()
    assert not thread.is_alive()


async def test_what_the_loop_has_to_do_is_waited_for() -> None:
    """Each piece of it, and one that only sleeps is not."""
    done: list[int] = []

    async def pieces() -> None:
        for number in range(20):
            work(0.01)
            done.append(number)
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(pieces()), asyncio.create_task(asyncio.sleep(3_600))]
    await until_at_rest()
    assert len(done) == 20 and not tasks[1].done()
    tasks[1].cancel()


async def test_another_process_is_waited_for() -> None:
    """Until it has nothing to do but to read; one that is gone rests."""
    words = [sys.executable, "-c", "import sys; print(sum(range(5_000_000)), flush=True); sys.stdin.read()"]
    pipe = asyncio.subprocess.PIPE
    other = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe)
    wait_for_rest(other.pid)
    assert other.stdout is not None
    assert (await other.stdout.read(14)) == b"12499997500000"
    await other.communicate(b"")
    wait_for_rest(other.pid)


@pytest.mark.parametrize(
    ("given", "free"), [("32768 60999", True), ("1024 30000", True), ("20000 65535", True), ("1024 65535", False)]
)
def test_no_port_is_one_that_a_connection_gets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, free: bool
) -> None:
    """Whatever the system keeps for connections; where that is everything, any port has to do."""
    monkeypatch.setattr(ports, "GIVEN", tmp_path / "range")
    ports.GIVEN.write_text(given)
    first, last = map(int, given.split())
    blocks = ports._free_of_connections()
    assert len(blocks) > 20
    assert all(last < port or port < first for block in blocks for port in (block[0], block[-1])) is free
