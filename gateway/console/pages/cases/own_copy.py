"""The person's own copy: made when somebody asks for it, in the language of the person, to show, print or save."""

from __future__ import annotations

from aiohttp import web

from gateway.console.pages.cases.cases import ONE
from gateway.console.papers.own_copy import OwnCopyText
from gateway.console.papers.paper import Paper
from gateway.console.papers.pdf import can_print
from gateway.console.papers.serving import serve_file
from gateway.console.units import load_units
from gateway.console.visit import Page, Visit
from gateway.console.words import load_words
from schemas.labels import load_languages

MAKE = "case.copy"


async def ask_for_copy(visit: Visit) -> web.StreamResponse:
    """Ask in which language the copy is to be made: making it is logged, so nothing is made by a look at this page."""
    return _page(visit, visit.words.language.code)


async def make_copy(visit: Visit) -> web.StreamResponse:
    """Make the copy and show it, or give it as a file."""
    form = await visit.form()
    code = form.one("language") if form.one("language") in load_languages() else visit.words.language.code
    second = load_words(code)
    found = await visit.act(MAKE, {"id": visit.request.match_info["case"]})
    offset = visit.settings.offset
    text = OwnCopyText(found, second, lambda at: second.time(at, offset(at)), await load_units(visit, second))
    if form.one("act") == "file":
        return await serve_file(visit, text.write(), second, at=found["now"], name="own-copy")
    return _page(visit, code, paper=text.write())


def _page(visit: Visit, code: str, paper: Paper | None = None) -> web.StreamResponse:
    id = visit.request.match_info["case"]
    return visit.page("own-copy.html", paper=paper, id=id, second=load_words(code), can_print=can_print())


PAGES = (
    Page(method="GET", path=f"{ONE}/copy", handler=ask_for_copy, operation=MAKE),
    Page(method="POST", path=f"{ONE}/copy", handler=make_copy, operation=MAKE),
)
