"""Route every request of the console: guard it, find its person and language, and hand it to one page.

The table of pages is the whole of it: a page that is not in it does not exist, and one whose operation the person has
no right to is closed before anything is asked (`gateway.operations.registry`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from gateway.console import assets, guard
from gateway.console.cookies import LANGUAGE, SESSION
from gateway.console.navigation.news import News
from gateway.console.navigation.sections import Section
from gateway.console.navigation.waiting import NOTHING, Waiting
from gateway.console.pages import (
    alerts,
    audit,
    consent,
    conversations,
    directory,
    entry,
    guidance,
    histories,
    messages,
    network,
    operations,
    people,
    protection,
    records,
    shells,
    taking_consent,
    trust,
    withdrawal,
)
from gateway.console.pages.cases import cases, changes, confirming, home, notes, own_copy
from gateway.console.pages.writing import alert, beginning, drafts, files, guided, release
from gateway.console.settings import Settings
from gateway.console.visit import OPEN, Console, Page, Visit, list_allowed
from gateway.console.words import choose_preferred, load_words
from gateway.errors import Code, GatewayError, RefusedError, TransientError
from gateway.foundation.logs import logger
from gateway.operations.ports import Operations, SignIn

PAGES: tuple[Page, ...] = (
    *entry.PAGES,
    *home.PAGES,
    *messages.PAGES,
    *conversations.PAGES,
    *cases.PAGES,
    *changes.PAGES,
    *notes.PAGES,
    *beginning.PAGES,
    *drafts.PAGES,
    *guided.PAGES,
    *alert.PAGES,
    *release.PAGES,
    *files.PAGES,
    *taking_consent.PAGES,
    *consent.PAGES,
    *withdrawal.PAGES,
    *confirming.PAGES,
    *own_copy.PAGES,
    *alerts.PAGES,
    *records.PAGES,
    *network.PAGES,
    *trust.PAGES,
    *operations.PAGES,
    *histories.PAGES,
    *audit.PAGES,
    *protection.PAGES,
    *people.PAGES,
    *shells.PAGES,
    *directory.PAGES,
    *guidance.PAGES,
)
SECTIONS: tuple[Section, ...] = (
    home.SECTION,
    messages.SECTION,
    drafts.SECTION,
    alerts.SECTION,
    directory.SECTION,
    network.SECTION,
    trust.SECTION,
    operations.SECTION,
    operations.MESSAGES,
    records.SECTION,
    protection.SECTION,
    histories.SECTION,
    audit.SECTION,
    audit.LOG,
    audit.READS,
    people.SECTION,
    guidance.SECTION,
    consent.SECTION,
    conversations.SECTION,
)
STATUS = {Code.FORBIDDEN: 403, Code.NOT_FOUND: 404, Code.CONFLICT: 409, Code.TOO_LARGE: 413}

ELSEWHERE = "another host is meant: the console has one address, which trm serve prints (console.origin in node.toml)\n"
Served = Callable[[web.Request], Awaitable[web.StreamResponse]]


def console_routes(desk: Operations, sign_in: SignIn, settings: Settings, waiting: Waiting) -> Iterable[web.RouteDef]:
    """Yield a route for every page, one for the static files, and one that answers everything else with "not found"."""
    console = Console(settings=settings, desk=desk, sign_in=sign_in, sections=SECTIONS, waiting=waiting)
    for page in PAGES:
        yield web.route(page.method, page.path, _served(page, console))
    yield web.get("/news", News(console).serve)
    yield web.get("/static/{hash}/{name}", assets.serve_file)
    nowhere = Page(method="*", path="/{path:.*}", handler=_nowhere, operation=OPEN)
    yield web.route(nowhere.method, nowhere.path, _served(nowhere, console))


def _served(page: Page, console: Console) -> Served:
    settings = console.settings

    async def serve(request: web.Request) -> web.StreamResponse:
        if guard.has_wrong_host(request, settings):
            return guard.add_headers(web.Response(status=421, text=ELSEWHERE), settings)
        session = request.cookies.get(SESSION, "")
        person = await console.sign_in.admit(session) if session else None
        spoken = _language(request, settings) if person is None or person.language is None else person.language
        visit = Visit(
            console=console,
            request=request,
            words=load_words(spoken).naming(settings.names),
            person=person,
            session=session,
            waits=NOTHING if person is None else await console.waiting.count(person),
        )
        try:
            return guard.add_headers(await _answer(page, visit), settings)
        finally:
            if person is not None and request.method not in guard.SAFE:
                console.waiting.forget(person)

    return serve


async def _answer(page: Page, visit: Visit) -> web.StreamResponse:
    """Run the page's handler, or show the page that says why it was refused."""
    try:
        if guard.is_foreign(visit.request, visit.settings):
            raise RefusedError(Code.FORBIDDEN, "this did not come from a page of this console; nothing was done")
        if page.operation != OPEN:
            if visit.person is None:
                return await entry.show_interrupted(visit) if page.long else visit.go("/sign-in")
            if page.operation is not None and not visit.allows(page.operation):
                hint = f"allowed for: {list_allowed(page.operation)}"
                raise RefusedError(Code.FORBIDDEN, "this page is not for your role", hint=hint)
        return await page.handler(visit)
    except TransientError as error:
        refusal = visit.refused(error, status=429 if error.code is Code.UNAUTHORISED else 503)
        if error.again_in is not None:
            refusal.headers["Retry-After"] = str(error.again_in)
        return refusal
    except GatewayError as error:
        if error.code is Code.UNAUTHORISED and visit.person is None:
            return visit.refused(error, status=403)
        return visit.refused(error, status=STATUS.get(error.code, 422))
    except web.HTTPException:
        raise
    except Exception as error:  # noqa: BLE001 (a fault of ours: the log learns where, the page nothing)
        logger().error("console.failed", exc_info=error)
        return visit.refused(error, status=500)


async def _nowhere(visit: Visit) -> web.StreamResponse:
    raise RefusedError(Code.NOT_FOUND, "there is no such page")


def _language(request: web.Request, settings: Settings) -> str:
    """Return the language of a visitor who is not signed in: the one chosen before, else the browser's preference."""
    return request.cookies.get(LANGUAGE) or choose_preferred(
        request.headers.get("Accept-Language", ""), settings.language
    )
