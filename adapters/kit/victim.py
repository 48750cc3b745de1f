"""A process of its own that hands over one message and is killed: `python -m adapters.kit.victim`.

It reads the adapter, its settings and the item from its standard input, prints `ready` before it pushes and the local
id afterwards. Its parent sends SIGKILL at any moment.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from adapters.kit.contract import BrokenContractError
from adapters.kit.items import item_from_json, item_to_json
from gateway.ports import Delivery, Json, Notice

LONGEST = 60.0
"""Seconds until the process is ready, or has ended, on a machine that does other things as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """The local system for another process: the kind, and the settings under `[adapter]`."""

    kind: str
    settings: Mapping[str, str | int | bool]


async def killed_after(where: Where, item: Delivery) -> str:
    """Hand over the item in a process that is killed before it reports; return the local id."""
    process = await _started(where, item)
    try:
        local_id = (await _line(process)).strip()
    finally:
        await _kill(process)
    if not local_id:
        raise BrokenContractError("a process of its own cannot hand over: do the settings of the bench suffice?")
    return str(json.loads(local_id))


async def killed_while(where: Where, item: Delivery, seconds: float, *, contents: Sequence[bytes] = ()) -> None:
    """Hand over the item in a process that is killed `seconds` after it began. `contents` are those of its files."""
    process = await _started(where, item, contents)
    await asyncio.sleep(seconds)
    await _kill(process)


async def _started(where: Where, item: Delivery, contents: Sequence[bytes] = ()) -> Process:
    """Start a process that is about to push."""
    command = (sys.executable, "-m", "adapters.kit.victim")
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=asyncio.subprocess.DEVNULL)
    task: dict[str, Json] = {"kind": where.kind, "settings": dict(where.settings), "item": item_to_json(item)}
    task["contents"] = [b64encode(content).decode() for content in contents]
    if process.stdin is None:
        raise RuntimeError("a process that was started with a pipe has none")
    process.stdin.write(json.dumps(task).encode() + b"\n")
    process.stdin.close()
    if (await _line(process)).strip() != "ready":
        await _kill(process)
        raise BrokenContractError("the adapter cannot be made in a process of its own from the settings of the bench")
    return process


async def _line(process: Process) -> str:
    if process.stdout is None:
        raise RuntimeError("a process that was started with a pipe has none")
    async with asyncio.timeout(LONGEST):
        return (await process.stdout.readline()).decode()


async def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _push() -> None:
    from adapters.kit.kind import find

    task = json.loads(sys.stdin.readline())
    kind = find(task["kind"])
    adapter = kind.make(kind.settings.model_validate(task["settings"]))
    print("ready", flush=True)
    print(json.dumps(await adapter.push(_with_contents(item_from_json(task["item"]), task["contents"]))), flush=True)
    await asyncio.sleep(LONGEST)


def _with_contents(item: Delivery | Notice, contents: Sequence[str]) -> Delivery | Notice:
    """The same with files that can be read."""
    if not isinstance(item, Delivery):
        return item
    pairs = zip(item.attachments, map(b64decode, contents), strict=True)
    return replace(item, attachments=tuple(replace(file, read=partial(_whole, data)) for file, data in pairs))


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    yield data


if __name__ == "__main__":
    asyncio.run(_push())
