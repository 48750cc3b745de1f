"""A node that dies at one write of a call with many messages: its writes are counted from the moment it comes in."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from itertools import count
from typing import Any

from gateway.composition.node import Node
from gateway.database.writing import writer

MANY = "message.submit_many"
BEFORE, AFTER = "before", "after"


def place(when: str, write: int) -> str:
    """Where a node dies: before or after the commit of one write, the first is 0, of the call under this very key."""
    return f"{when} write {write}"


def die_in_call(node: Node, told: str) -> None:
    """Kill this process at that write; one that a call does not come to leaves it alive."""
    when, _, write = told.partition(" write ")
    call, settle, commit = node.desk.call, writer._settle, node.store.writer._commit_group
    writes, begun = count(), list[int]()

    async def called(operation: str, arguments: Mapping[str, Any], **more: Any) -> Any:
        if operation == MANY and more["key"] == told:
            begun.append(0)
        return await call(operation, arguments, **more)

    def committed(*group: Any) -> None:
        if begun and next(writes) == int(write):
            os.kill(os.getpid(), signal.SIGKILL)
        commit(*group)

    def settled(outcomes: Any) -> None:
        if begun and next(writes) == int(write):
            os.kill(os.getpid(), signal.SIGKILL)
        settle(outcomes)

    node.desk.call = called  # type: ignore[method-assign]
    if when == BEFORE:
        node.store.writer._commit_group = committed  # type: ignore[method-assign]
    else:
        writer._settle = settled
