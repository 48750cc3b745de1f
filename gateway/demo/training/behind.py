"""The program of a training node while its past is made: the node of `trm serve`, on a clock that is behind.

    python -m gateway.demo.training.behind NODE_FOLDER PASSPHRASE_FILE CLOCK_FILE

A node that is not marked as a demonstration is refused.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from gateway.app import open_node
from gateway.cli.identity import unlocking
from gateway.composition.serving import serve
from gateway.demo.training.clock import LaggingClock
from gateway.errors import Code, RefusedError
from gateway.foundation import config, logs


async def run_behind(folder: Path, passphrase_file: Path, clock: LaggingClock) -> None:
    """Run the node until SIGTERM.

    Raises:
        RefusedError: it is no demonstration, or does not open; nothing was started.
    """
    settings = config.load(folder)
    if not settings.node.demo:
        raise RefusedError(Code.INVALID, "only a demonstration runs on a clock that is behind; nothing was started")
    logs.configure(settings.log.level)
    unlock = unlocking.unlock_by_child(folder, passphrase_file, settings.log.level, None, settings.keys)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    node, stack = await open_node(folder, unlock, clock=clock)
    async with stack:
        await serve(node, lambda: None, stop)


if __name__ == "__main__":
    node_folder, passphrase, clock_file = map(Path, sys.argv[1:])
    asyncio.run(run_behind(node_folder, passphrase, LaggingClock(clock_file)))
