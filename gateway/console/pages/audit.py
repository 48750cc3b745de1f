"""The audit log for auditors: looked through, verified, taken along; and who was shown what.

Entries hold no content and no name, only ids, hashes and codes; who read what is told by the names of people here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway.console import operating
from gateway.console.events import EVENTS, Events
from gateway.console.navigation.sections import Section
from gateway.console.operating import Tells
from gateway.console.visit import Page, Visit
from gateway.console.words import N_
from gateway.errors import Code, GatewayError, RefusedError
from gateway.foundation.logs import logger
from gateway.operations.roles import Role
from gateway.ports import Json

SECTION = Section(
    path="/audit",
    title=N_("Audit"),
    operation="audit.show",
    shape="eye",
    of=frozenset({Role.AUDITOR, Role.DATA_PROTECTION_OFFICER}),
)
LOG = Section(
    path="/audit/entries",
    title=N_("Entries of the log"),
    operation="audit.list",
    shape="records",
    of=frozenset({Role.AUDITOR}),
)
READS = Section(
    path="/audit/reads",
    title=N_("Who was shown what"),
    operation="audit.reads",
    shape="people",
    of=frozenset({Role.AUDITOR}),
)
PAGE = 50
DAY = 86_400
ABOUT = ("message", "conversation", "consent", "reader")
"""By what it is asked who read something; at most one of the first three."""


async def show_overview(visit: Visit) -> web.StreamResponse:
    """Show the state of the log and the actions that an auditor has."""
    log = await visit.ask("audit.show")
    return visit.page("audit.html", log=log, tells=Tells(visit.words), tables=operating)


async def verify_log(visit: Visit) -> web.StreamResponse:
    """Examine every entry now; nothing is changed, so the response is the page itself."""
    found = await visit.ask("audit.verify")
    return visit.page("audit-verified.html", found=found)


async def list_entries(visit: Visit) -> web.StreamResponse:
    """List log entries, newest first, filtered by event, subject or last day."""
    query = visit.request.query
    chosen = {name: query.get(name, "") for name in ("event", "subject", "until")}
    asked: dict[str, Json] = {"limit": PAGE}
    asked |= {name: chosen[name] for name in ("event", "subject") if chosen[name]}
    if chosen["until"]:
        asked["until"] = _end_of(visit, chosen["until"])
    if "cursor" in query:
        asked["cursor"] = query["cursor"]
    found = await visit.ask("audit.list", asked)
    events = Events(visit.words)
    return visit.page(
        "audit-entries.html",
        found=found,
        chosen=chosen,
        events=events,
        choices=sorted(((name, events.event(name)) for name in EVENTS), key=lambda one: one[1]),
    )


async def list_reads(visit: Visit) -> web.StreamResponse:
    """List the readers of a message, conversation or consent, or everything that one reader was shown."""
    query = visit.request.query
    chosen = {name: query.get(name, "") for name in ABOUT}
    asked: dict[str, Json] = {name: query[name] for name in (*ABOUT, "cursor") if query.get(name)}
    found = await visit.ask("audit.reads", {"limit": PAGE, **asked})
    return visit.page(
        "audit-reads.html", found=found, chosen=chosen, events=Events(visit.words), address=partial(_address, visit)
    )


def _address(visit: Visit, one: Mapping[str, Any]) -> str | None:
    """Return the address at which this person can open what was read, else of everybody who was shown it; None if there
    is neither.
    """
    if (one["what"] == "message" or one["what"].startswith("file/")) and visit.allows("message.show"):
        return f"/messages/{one['id']}"
    if one.get("conversation") is not None and visit.allows("conversation.show"):
        return f"/conversations/{one['conversation']}"
    about = "message" if one["what"] == "draft" or one["what"].startswith("file/") else one["what"]
    return f"{READS.path}?{urlencode({about: one['id']})}" if about in ABOUT else None


async def export_log(visit: Visit) -> web.StreamResponse:
    """Export the whole log for an auditor, in the line format that `docs/verify_audit.py` reads."""
    first = await visit.ask("audit.export")
    headers = {"Content-Disposition": f'attachment; filename="{visit.settings.node}-audit.jsonl"'}
    return web.Response(body=_pages(visit, first), content_type="application/octet-stream", headers=headers)


async def _pages(visit: Visit, page: Any) -> AsyncIterator[bytes]:
    """Stream the log page by page; a failure on the way cuts the connection, so that nobody takes a part for the whole
    log.
    """
    try:
        while True:
            yield "".join(f"{line}\n" for line in page["lines"]).encode()
            if page["next"] is None:
                return
            page = await visit.ask("audit.export", {"after": page["next"], "upto": page["upto"]})
    except GatewayError as error:
        logger().error("console.export_failed", code=str(error.code))
        raise ConnectionError("the export did not come to its end") from error


def _end_of(visit: Visit, day: str) -> int:
    """Return the last second of a day in the country's time."""
    try:
        noon = int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp())
    except ValueError as exc:
        raise RefusedError(Code.INVALID, "write the day as 2026-11-30; nothing was searched") from exc
    return noon + DAY // 2 - 1 - visit.settings.offset(noon)


PAGES = (
    Page(method="GET", path=SECTION.path, handler=show_overview, operation=SECTION.operation),
    Page(method="POST", path="/audit/verify", handler=verify_log, operation="audit.verify"),
    Page(method="GET", path="/audit/entries", handler=list_entries, operation="audit.list"),
    Page(method="GET", path="/audit/reads", handler=list_reads, operation="audit.reads"),
    Page(method="POST", path="/audit/export", handler=export_log, operation="audit.export"),
)
