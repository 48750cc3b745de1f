"""The way in and out: sign in with a passkey, make one from an invitation, choose a language, leave at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from aiohttp import web

from gateway.console import cookies
from gateway.console.visit import OPEN, Form, Page, Visit
from gateway.errors import Code, RefusedError
from gateway.operations.roles import Role
from gateway.ports import Json
from schemas.labels import load_languages

START: Mapping[Role, str] = {
    Role.FOCAL_POINT: "/cases",
    Role.CASE_WORKER: "/cases",
    Role.OPERATOR: "/operations",
    Role.DATA_PROTECTION_OFFICER: "/protection",
    Role.AUDITOR: "/audit",
    Role.TRUST_ADMIN: "/trust",
}
"""Where somebody begins, by the first of these roles that they have."""
_HERE = re.compile(r"/(?![/\\])[!-~]*")
"""An address of this console: a browser reads // and /\\ as another host, also with a tab or a line end between."""
LARGEST = 20_000
"""Characters of what a browser answers about a passkey."""


async def show_sign_in(visit: Visit) -> web.StreamResponse:
    """Ask for a passkey."""
    if visit.person is not None:
        return visit.go("/")
    return visit.page("sign-in.html", ceremony=await visit.console.sign_in.begin())


async def sign_in(visit: Visit) -> web.StreamResponse:
    """Sign in with the browser's response."""
    form = await visit.form()
    secret = await visit.console.sign_in.sign_in(form.one("ceremony"), read_credential(form))
    return cookies.set_cookie(visit.go("/"), cookies.SESSION, secret)


async def show_invitation(visit: Visit) -> web.StreamResponse:
    """Ask for the code of an invitation."""
    return visit.page("enrol.html")


async def take_invitation(visit: Visit) -> web.StreamResponse:
    """Check the code, show whom it is for, and offer to make the passkey."""
    code = (await visit.form()).one("code")
    person, ceremony = await visit.console.sign_in.invited(code)
    name = person.name.removesuffix(".")  # it ends a sentence
    return visit.page("passkey.html", name=name, ceremony=ceremony, code=code)


async def enrol_passkey(visit: Visit) -> web.StreamResponse:
    """Store the new passkey and sign the person in."""
    form = await visit.form()
    secret = await visit.console.sign_in.enrol(form.one("code"), form.one("ceremony"), read_credential(form))
    return cookies.set_cookie(visit.go("/"), cookies.SESSION, secret)


async def sign_out(visit: Visit) -> web.StreamResponse:
    """End the session."""
    await visit.console.sign_in.sign_out(visit.session)
    return _forgetting(visit.go("/sign-in"))


async def leave_quickly(visit: Visit) -> web.StreamResponse:
    """End the session and go to a harmless page; going back shows nothing."""
    if visit.session:
        await visit.console.sign_in.sign_out(visit.session)
    return _forgetting(visit.go(visit.settings.leave_to))


SIGNED = "signed"
"""The file of a form of which only the digest is kept."""


async def show_interrupted(visit: Visit) -> web.StreamResponse:
    """Ask to sign in again after the session ended over a long form. The page carries what was filled in, unseen, and
    shows it to whoever signs in; nothing is done with it before they have looked at it.
    """
    form, _file = await visit.form_with_digest(SIGNED)
    given = [(name, value) for name, values in form.fields.items() if name != "act" for value in values]
    return visit.page("interrupted.html", given=given, status=403) if given else visit.go("/sign-in")


async def choose_language(visit: Visit) -> web.StreamResponse:
    """Set the language and return to the page."""
    form = await visit.form()
    language, back = form.one("language"), form.one("back")
    if language not in load_languages():
        raise RefusedError(Code.INVALID, "no such language")
    if visit.person is not None:
        await visit.console.sign_in.speak(visit.person.id, language)
    here = back if _HERE.fullmatch(back) else "/"
    return cookies.set_cookie(visit.go(here), cookies.LANGUAGE, language)


async def choose_look(visit: Visit) -> web.StreamResponse:
    """Set light or dark colours, or those of the system, and return to the menu."""
    look = (await visit.form()).one("look")
    if look and look not in cookies.LOOKS:
        raise RefusedError(Code.INVALID, "no such colours")
    return cookies.set_cookie(visit.go("/menu"), cookies.LOOK, look)


async def show_menu(visit: Visit) -> web.StreamResponse:
    """Show everything that is open to this person, and what they can choose for themselves."""
    return visit.page("menu.html", roles=sorted(visit.who.caller.roles))


async def open_home(visit: Visit) -> web.StreamResponse:
    """Go to the cases, or to the section that the role is for."""
    shown = [section.path for section in visit.shown()]
    begins = [path for role, path in START.items() if role in visit.who.caller.roles and path in shown]
    return visit.go([*begins, *shown][0]) if shown else visit.page("nothing.html")


def read_credential(form: Form) -> Mapping[str, Json]:
    """Read the browser's passkey response from a form. Raises RefusedError(unauthorised) if it cannot be one."""
    text = form.one("credential")
    try:
        value = json.loads(text) if len(text) <= LARGEST else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RefusedError(
            Code.UNAUTHORISED,
            "the browser sent no passkey; nobody was signed in",
            hint="a passkey needs JavaScript and a browser that knows passkeys",
        )
    return value


def _forgetting(response: web.Response) -> web.Response:
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return cookies.clear_cookie(response, cookies.SESSION)


PAGES = (
    Page(method="GET", path="/", handler=open_home, operation=None),
    Page(method="GET", path="/sign-in", handler=show_sign_in, operation=OPEN),
    Page(method="POST", path="/sign-in", handler=sign_in, operation=OPEN),
    Page(method="GET", path="/enrol", handler=show_invitation, operation=OPEN),
    Page(method="POST", path="/enrol", handler=take_invitation, operation=OPEN),
    Page(method="POST", path="/enrol/passkey", handler=enrol_passkey, operation=OPEN),
    Page(method="POST", path="/sign-out", handler=sign_out, operation=OPEN),
    Page(method="GET", path="/leave", handler=leave_quickly, operation=OPEN),
    Page(method="GET", path="/menu", handler=show_menu, operation=None),
    Page(method="POST", path="/look", handler=choose_look, operation=OPEN),
    Page(method="POST", path="/language", handler=choose_language, operation=OPEN),
)
