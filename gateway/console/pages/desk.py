"""The desk in the morning: alerts first, then what is owed by us and by them, the nearest date first."""

from __future__ import annotations

from aiohttp import web

from gateway.console.visit import Page, Section, Visit
from gateway.console.words import N_

SECTION = Section(path="/desk", title=N_("Desk"), operation="conversation.due")
SHOWN = 100
"""What is owed by one side that is shown at once."""


async def morning(visit: Visit) -> web.StreamResponse:
    """What a person looks at every morning."""
    alerts = (await visit.ask("alert.list"))["alerts"]
    ours, theirs = [await visit.ask("conversation.due", {"owes": side, "limit": SHOWN}) for side in ("us", "them")]
    return visit.page("desk.html", alerts=alerts, ours=ours, theirs=theirs, now=visit.settings.now())


PAGES = (Page(method="GET", path=SECTION.path, handler=morning, operation=SECTION.operation),)
