"""For an auditor and a data protection officer: what was done in each case, and the same as a file with its proof."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from gateway.console.navigation.sections import Section
from gateway.console.papers.case_history import HistoryText, name_case
from gateway.console.papers.pdf import Foot, Look, can_print, print_paper
from gateway.console.visit import Page, Visit
from gateway.console.words import N_
from gateway.errors import Code, RefusedError
from gateway.operations.roles import Role
from gateway.ports import Json

SECTION = Section(
    path="/histories",
    title=N_("Case histories"),
    operation="audit.cases",
    shape="cases",
    of=frozenset({Role.AUDITOR, Role.DATA_PROTECTION_OFFICER}),
)
PAGE = 50


async def list_cases(visit: Visit) -> web.StreamResponse:
    """List the cases by their numbers and references."""
    asked: dict[str, Json] = {"limit": PAGE}
    if cursor := visit.request.query.get("cursor"):
        asked["cursor"] = cursor
    found = await visit.ask("audit.cases", asked)
    return visit.page("histories.html", found=found, name=name_case)


async def show_history(visit: Visit) -> web.StreamResponse:
    """Show what was done in one case; the log is examined for it."""
    found = await _ask(visit)
    paper = HistoryText(found, visit.words, visit.at).write()
    return visit.page("history.html", id=found["id"], paper=paper, can_print=can_print())


async def _ask(visit: Visit) -> Any:
    return await visit.ask("audit.case", {"id": visit.request.match_info["case"]})


async def print_history(visit: Visit) -> web.StreamResponse:
    """Give the same as a PDF file, which is made in memory."""
    found = await _ask(visit)
    paper = HistoryText(found, visit.words, visit.at).write()
    if not can_print():
        raise RefusedError(
            Code.INVALID,
            "this node has nothing that draws PDF files; nothing was made",
            hint="install trm-gateway with the extra pdf, or print the page in the browser",
        )
    language = visit.words.language
    day = visit.words.day(found["now"], visit.settings.offset(found["now"]))
    look = Look(
        language=language.code,
        to_left=language.direction == "rtl",
        foot=Foot(
            visit.words("Page %(page)s of %(pages)s"),
            f"{paper.mark}, {visit.words.country(visit.settings.country)}, {day}",
        ),
        at=found["now"],
    )
    data = await asyncio.to_thread(print_paper, paper, look)
    headers = {"Content-Disposition": f'attachment; filename="{visit.settings.node}-history.pdf"'}
    return web.Response(body=data, content_type="application/pdf", headers=headers)


PAGES = (
    Page(method="GET", path=SECTION.path, handler=list_cases, operation=SECTION.operation),
    Page(method="GET", path="/histories/{case}", handler=show_history, operation="audit.case"),
    Page(method="GET", path="/histories/{case}/file", handler=print_history, operation="audit.case"),
)
