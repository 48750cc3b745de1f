"""For a data protection officer: on what each case rests, and the content of one message for a reason.

Focal points read here why content was shown. No page names a person to an officer but the one that a reason opens.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.console.navigation.sections import Section
from gateway.console.pages.consent import STATES
from gateway.console.pages.messages import name_units, render_half
from gateway.console.units import load_units
from gateway.console.visit import Page, Visit
from gateway.console.words import N_
from gateway.errors import Code, GatewayError
from gateway.operations.roles import Role
from gateway.ports import Json

SECTION = Section(
    path="/protection",
    title=N_("Data protection"),
    operation="content.reasons",
    shape="shield",
    of=frozenset({Role.DATA_PROTECTION_OFFICER}),
)
PAGE = 50
REFERRAL, BASES = "referral.request/1", ("/header/legal_basis", "/header/transfer_basis")
"""Where the headings of the legal bases come from."""


async def show_overview(visit: Visit) -> web.StreamResponse:
    """List why content was shown, newest first, and the cases."""
    query = visit.request.query
    reasons = await visit.ask("content.reasons", _page(query.get("reasons")))
    cases = await visit.ask("case.list", _page(query.get("cases")))
    return visit.page("protection.html", reasons=reasons, cases=cases, units=await load_units(visit))


def _page(cursor: str | None) -> dict[str, Json]:
    return {"limit": PAGE} if cursor is None else {"limit": PAGE, "cursor": cursor}


async def show_grounds(visit: Visit) -> web.StreamResponse:
    """Show on what the messages of a case rest, its consents, and what was erased."""
    found = await visit.ask("case.grounds", {"id": visit.request.match_info["case"]})
    bases = [visit.words.labels.field(REFERRAL, place).text or place for place in BASES]
    recorded = {one["record"]["consent_id"]: one["at"] for one in found["consents"] if one.get("record")}
    return visit.page("protection-case.html", found=found, states=STATES, bases=bases, recorded=recorded)


async def ask_reason(visit: Visit) -> web.StreamResponse:
    """Ask why a message has to be seen."""
    return _asking(visit)


def _asking(visit: Visit, reason: str = "", error: GatewayError | None = None) -> web.Response:
    return visit.page(
        "protection-message.html",
        status=200 if error is None else 422,
        id=visit.request.match_info["id"],
        reason=reason,
        told=error and visit.told(error),
        whole=None,
    )


async def show_content(visit: Visit) -> web.StreamResponse:
    """Show the message on this page alone; asked again, it needs a reason again."""
    reason = (await visit.form()).one("reason")
    try:
        whole: Any = await visit.ask("content.ask", {"id": visit.request.match_info["id"], "reason": reason})
    except GatewayError as error:
        if error.code is not Code.INVALID:
            raise
        return _asking(visit, reason, error)
    units = name_units(await load_units(visit), whole)
    return visit.page(
        "protection-message.html",
        reason=reason,
        told=None,
        whole=whole,
        content=render_half(whole, "content", visit.words, units),
        header=render_half(whole, "header", visit.words, units),
    )


PAGES = (
    Page(method="GET", path=SECTION.path, handler=show_overview, operation=SECTION.operation),
    Page(method="GET", path="/protection/cases/{case}", handler=show_grounds, operation="case.grounds"),
    Page(method="GET", path="/protection/messages/{id}", handler=ask_reason, operation="content.ask"),
    Page(method="POST", path="/protection/messages/{id}", handler=show_content, operation="content.ask"),
)
