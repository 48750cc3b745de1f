"""A paper as the answer to a request: a PDF file that is made in memory and kept nowhere."""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.console.papers.paper import Paper
from gateway.console.papers.pdf import Foot, Look, can_print, print_paper
from gateway.console.visit import Visit
from gateway.console.words import Words
from gateway.errors import Code, RefusedError


async def serve_file(visit: Visit, paper: Paper, words: Words, *, at: int, name: str) -> web.StreamResponse:
    """Give a paper in the language of `words` as a file; `at` is when it was read, `name` what the file is called
    behind the name of the node.

    Raises:
        RefusedError: invalid, where what draws such files is not installed.
    """
    if not can_print():
        raise RefusedError(
            Code.INVALID,
            "this node has nothing that draws PDF files; nothing was made",
            hint="install trm-gateway with the extra pdf, or print the page in the browser",
        )
    language = words.language
    day = words.day(at, visit.settings.offset(at))
    look = Look(
        language=language.code,
        to_left=language.direction == "rtl",
        foot=Foot(
            words("Page %(page)s of %(pages)s"),
            f"{paper.mark}, {words.country(visit.settings.country)}, {day}",
        ),
        at=at,
    )
    data = await asyncio.to_thread(print_paper, paper, look)
    headers = {"Content-Disposition": f'attachment; filename="{visit.settings.node}-{name}.pdf"'}
    return web.Response(body=data, content_type="application/pdf", headers=headers)
