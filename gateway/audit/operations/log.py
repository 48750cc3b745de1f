"""The audit log for auditors and operators: how it stands, whether it holds, the pages of its export."""

from __future__ import annotations

from gateway.audit import reader
from gateway.node.parts import Parts
from gateway.operations.arguments import Arguments, number, only
from gateway.ports import OperationResult

MOST = 2**53 - 1


async def show(parts: Parts, arguments: Arguments) -> OperationResult:
    """Entries, checkpoints and witnesses."""
    only(arguments)
    return OperationResult(
        value=await reader.show(reader.of_running(parts.store, parts.own, parts.book, parts.log, parts.clock))
    )


async def verify(parts: Parts, arguments: Arguments) -> OperationResult:
    """Every entry examined."""
    only(arguments)
    return OperationResult(
        value=await reader.verify(reader.of_running(parts.store, parts.own, parts.book, parts.log, parts.clock))
    )


async def export(parts: Parts, arguments: Arguments) -> OperationResult:
    """One page of the export; without `after` its head."""
    only(arguments, "after", "upto")
    after = number(arguments, "after", otherwise=0, most=MOST) if "after" in arguments else None
    upto = number(arguments, "upto", otherwise=0, most=MOST)
    return OperationResult(
        value=await reader.export(
            reader.of_running(parts.store, parts.own, parts.book, parts.log, parts.clock), after, upto
        )
    )
