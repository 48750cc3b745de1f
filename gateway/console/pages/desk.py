"""The desk in the morning: alerts first, then what this side and the others owe, what nobody has taken, and what waits
for a person; and the whole list of what one side owes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.console.refusals import SAID
from gateway.console.units import load_units
from gateway.console.visit import Page, Section, Visit
from gateway.console.words import N_
from gateway.errors import Code, RefusedError
from gateway.ports import Json

SECTION = Section(path="/desk", title=N_("Desk"), operation="conversation.due")
SHOWN = 15
"""Conversations of each side that the morning list shows at once."""
NEW = 10
"""New messages, and drafts, that it shows."""
PAGE = 30
SIDES = ("us", "them")
NOT_YET = ("proposed", "verified")
"""States of a peer before people agreed."""


async def show_desk(visit: Visit) -> web.StreamResponse:
    """Show the desk, the page with which the day begins."""
    alerts = (await visit.ask("alert.list"))["alerts"] if visit.allows("alert.list") else []
    chosen = _chosen(visit)
    ours, theirs = [await visit.ask("conversation.due", {"owes": side, "limit": SHOWN, **chosen}) for side in SIDES]
    inbox = (await visit.ask("inbox.list", {"limit": NEW + 1}))["messages"]
    drafts = await list_waiting_drafts(visit)
    return visit.page(
        "desk.html",
        alerts=alerts,
        ours=ours,
        theirs=theirs,
        inbox=inbox,
        drafts=drafts,
        doubted=await _count_doubted(visit),
        **await _find_stop(visit),
        shown=NEW,
        now=visit.settings.now(),
        **await _filters(visit, chosen),
    )


async def _find_stop(visit: Visit) -> Mapping[str, Any]:
    """Why nothing is taken in, in a sentence, and until when where that is known."""
    ready = await visit.ask("node.ready")
    for code in (Code.ROOTS_DUE, Code.MAINTENANCE):
        if code in ready["why"]:
            return {"stopped": visit.words(SAID[code]), "until": ready["maintenance"]}
    return {"stopped": None, "until": None}


async def list_waiting_drafts(visit: Visit) -> list[Any]:
    """List the drafts that wait for a person; none without the right to see them."""
    if not visit.allows("draft.list"):
        return []
    found: list[Any] = (await visit.ask("draft.list", {"limit": NEW + 1}))["drafts"]
    return found


async def _count_doubted(visit: Visit) -> int:
    """How many consents wait to be confirmed after a restore; none without the right to see them."""
    if not visit.allows("consent.unconfirmed"):
        return 0
    return int((await visit.ask("consent.unconfirmed"))["consents"])


async def list_owed(visit: Visit) -> web.StreamResponse:
    """List everything that one side owes, page by page."""
    side, chosen = visit.request.query.get("owes", SIDES[0]), _chosen(visit)
    if side not in SIDES:
        raise RefusedError(Code.NOT_FOUND, "the side that owes is us or them")
    cursor = visit.request.query.get("cursor")
    asked = {"owes": side, "limit": PAGE, **chosen} | ({} if cursor is None else {"cursor": cursor})
    found = await visit.ask("conversation.due", asked)
    return visit.page("owed.html", found=found, side=side, **await _filters(visit, chosen))


def _chosen(visit: Visit) -> dict[str, Json]:
    """Return the country and the unit that the person chose to see."""
    return {name: value for name in ("peer", "unit") if (value := visit.request.query.get(name))}


async def _filters(visit: Visit, chosen: Mapping[str, Json]) -> dict[str, Any]:
    """List the countries and units to choose from; a person who is bound to one unit has no choice of units."""
    listed, units = (await visit.ask("peer.list"))["peers"], await load_units(visit)
    ours = units.of() if visit.who.caller.unit is None else []
    return {
        "peers": [(peer["name"], visit.words.country(peer["name"])) for peer in listed],
        "units": units,
        "own_units": ours if len(ours) > 1 else [],
        "chosen": {"peer": "", "unit": "", **chosen},
        "connected": any(peer["state"] not in NOT_YET for peer in listed),
    }


PAGES = (
    Page(method="GET", path=SECTION.path, handler=show_desk, operation=SECTION.operation),
    Page(method="GET", path="/desk/owed", handler=list_owed, operation=SECTION.operation),
)
