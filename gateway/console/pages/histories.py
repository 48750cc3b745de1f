"""For an auditor and a data protection officer: what was done in each case, and the same as a file with its proof."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.console.navigation.sections import Section
from gateway.console.papers.case_history import HistoryText, name_case
from gateway.console.papers.pdf import can_print
from gateway.console.papers.serving import serve_file
from gateway.console.visit import Page, Visit
from gateway.console.words import N_
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
    return await serve_file(visit, paper, visit.words, at=found["now"], name="history")


PAGES = (
    Page(method="GET", path=SECTION.path, handler=list_cases, operation=SECTION.operation),
    Page(method="GET", path="/histories/{case}", handler=show_history, operation="audit.case"),
    Page(method="GET", path="/histories/{case}/file", handler=print_history, operation="audit.case"),
)
