"""The audit log for auditors and operators: how it stands, whether it holds, the pages of its export."""

from __future__ import annotations

from gateway.ports import Done
from gateway.service import logbook
from gateway.service.desk.arguments import Arguments, number, only
from gateway.service.parts import Parts

MOST = 2**53 - 1


async def show(parts: Parts, arguments: Arguments) -> Done:
    """Entries, checkpoints and witnesses."""
    only(arguments)
    return Done(value=await logbook.show(logbook.of_running(parts)))


async def verify(parts: Parts, arguments: Arguments) -> Done:
    """Every entry examined."""
    only(arguments)
    return Done(value=await logbook.verify(logbook.of_running(parts)))


async def export(parts: Parts, arguments: Arguments) -> Done:
    """One page of the export; without `after` its head."""
    only(arguments, "after", "upto")
    after = number(arguments, "after", otherwise=0, most=MOST) if "after" in arguments else None
    upto = number(arguments, "upto", otherwise=0, most=MOST)
    return Done(value=await logbook.export(logbook.of_running(parts), after, upto))
