"""Kills an operation of an adapter at each moment at which it is about to change the disk.

Run as a program: `crash.py OPERATION BASE WORK`. For k = 0, 1, 2, ... it copies the folder BASE to WORK/k, runs the
operation there in a child process, and sends that child SIGKILL just before its k-th change of the disk (an audit hook
sees every rename, removal, and opening for writing). It stops at the first k at which the operation came to its end.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

from support.patience import PATIENCE

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support.benches import FolderBench, SheetBench

from adapters.kit.conformance.files import a_file, with_files
from adapters.kit.contract import a_delivery, a_notice
from gateway.errors import Finding
from gateway.ports import Adapter, BulkAdapter, BulkSettler, NoticeKind

SEVERAL = [a_delivery(key=f"several-{n}", message_id=f"{n}" * 22) for n in range(3)]
WITH_FILES = with_files(a_file(0, b"%PDF whole"), a_file(1, b"a note"))
KEPT, ERASED = a_delivery(text="stays here"), a_delivery(key="key-2", message_id="C" * 22, text="goes away")


async def push(adapter: Adapter) -> None:
    """Hand over a message."""
    await adapter.push(KEPT)


async def push_files(adapter: Adapter) -> None:
    """Hand over a message with two files."""
    await adapter.push(WITH_FILES)


async def erase_files(adapter: Adapter) -> None:
    """Erase a message with files that is there."""
    await adapter.erase(await adapter.push(WITH_FILES))


async def push_all(adapter: Adapter) -> None:
    """Hand over several messages in one go, where the adapter can."""
    assert isinstance(adapter, BulkAdapter)
    assert all(isinstance(outcome, str) for outcome in await adapter.push_all(SEVERAL))


async def take(adapter: Adapter) -> None:
    """Pull what waits and settle it as drafted."""
    for record in await adapter.pull():
        await adapter.settle(record, a_notice(record.ref, NoticeKind.DRAFTED))


async def take_together(adapter: Adapter) -> None:
    """Pull what waits and settle it as drafted in one go."""
    assert isinstance(adapter, BulkSettler)
    await adapter.settle_all(
        [(record, a_notice(record.ref, NoticeKind.DRAFTED, key=record.ref)) for record in await adapter.pull()]
    )


async def refuse(adapter: Adapter) -> None:
    """Pull what waits and settle it as refused."""
    for record in await adapter.pull():
        finding = Finding(place="/content", rule="rule_of_the_test")
        await adapter.settle(record, a_notice(record.ref, NoticeKind.REFUSED, findings=(finding,)))


async def erase(adapter: Adapter) -> None:
    """Erase a message that is there; pushing it first is how its local id is found, and changes nothing."""
    await adapter.erase(await adapter.push(ERASED))


OPERATIONS: dict[str, Callable[[Adapter], Awaitable[None]]] = {
    operation.__name__: operation
    for operation in (push, push_files, erase_files, push_all, take, take_together, refuse, erase)
}


def adapter_over(folder: Path) -> Adapter:
    """The adapter whose local system lies in this folder."""
    return (FolderBench if (folder / "drop").exists() else SheetBench)(folder).adapter()


def crash_everywhere(operation: str, base: Path, work: Path) -> list[Path]:
    """Run this module as a program; the folders in which the operation was killed, in the order of the moments."""
    done = subprocess.run(
        [sys.executable, "-B", __file__, operation, str(base), str(work)],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    killed = int(done.stdout)
    return [work / str(number) for number in range(killed)]


def _main(operation: str, base: Path, work: Path) -> None:
    for number in count():
        folder = work / str(number)
        shutil.copytree(base, folder)
        child = os.fork()
        if child == 0:
            _run(operation, folder, number)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
            print(number)
            return


def _run(operation: str, folder: Path, moment: int) -> None:
    changes = count()

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (writes or event in {"os.rename", "os.link", "os.remove"}) and next(changes) == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    asyncio.run(OPERATIONS[operation](adapter_over(folder)))  # type: ignore[arg-type]
    os._exit(0)


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
