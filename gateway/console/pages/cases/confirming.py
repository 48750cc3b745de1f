"""Consents that a restore without a ledger may have brought back: the cases that wait, and what to look at in each.

A worker of the case confirms them after asking the person, or looking into the file of the case. One that was taken
back is withdrawn again instead, so that every country hears of it.
"""

from __future__ import annotations

from aiohttp import web

from gateway.console.pages.consent import STATES
from gateway.console.visit import Page, Visit

WAITING = "/consents/unconfirmed"
CASE = "/cases/{case}/confirm"
CONFIRM = "consent.confirm"


async def list_waiting(visit: Visit) -> web.StreamResponse:
    """List the cases whose consents nobody has confirmed since the restore."""
    return visit.page("consents-waiting.html", found=await visit.ask("consent.unconfirmed"))


async def ask_confirmation(visit: Visit) -> web.StreamResponse:
    """Show what rests on the consents of a case, and what to look at before they are confirmed."""
    id = visit.request.match_info["case"]
    found = await visit.ask("consent.of_case", {"id": id})
    waiting = {one["of_case"]["id"] for one in (await visit.ask("consent.unconfirmed"))["cases"]}
    return visit.page("consents-confirm.html", found=found, waits=id in waiting, states=STATES)


async def confirm_consents(visit: Visit) -> web.StreamResponse:
    """Confirm them: messages may rely on them again."""
    id = visit.request.match_info["case"]
    await visit.act(CONFIRM, {"case": id})
    return visit.go(f"/cases/{id}/confirm")


PAGES = (
    Page(method="GET", path=WAITING, handler=list_waiting, operation="consent.unconfirmed"),
    Page(method="GET", path=CASE, handler=ask_confirmation, operation=CONFIRM),
    Page(method="POST", path=CASE, handler=confirm_consents, operation=CONFIRM),
)
