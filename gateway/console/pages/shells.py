"""Signing a shell in: who is signed in here confirms that the shell which shows a code is theirs (`trm login`).

The code is typed and never comes with an address, so that a link which somebody sends leads to an empty form.
"""

from __future__ import annotations

from aiohttp import web

from gateway.console.visit import Page, Visit
from gateway.errors import GatewayError

HOUR = 3_600


async def show_form(visit: Visit) -> web.StreamResponse:
    """Ask for the code that the shell shows."""
    return visit.page("shell.html", told=None)


async def show_shell(visit: Visit) -> web.StreamResponse:
    """Show which shell it is and for how long, before anything is done."""
    code = (await visit.form()).one("code")
    try:
        shell = await visit.console.sign_in.shell(visit.who, code)
    except GatewayError as error:
        return visit.page("shell.html", status=422, told=visit.told(error))
    return visit.page("shell-confirm.html", shell=shell, hours=shell.seconds // HOUR, code=code)


async def confirm_shell(visit: Visit) -> web.StreamResponse:
    """Sign the shell in."""
    code = (await visit.form()).one("code")
    try:
        await visit.console.sign_in.sign_shell_in(visit.who, code, session=visit.session)
    except GatewayError as error:
        return visit.page("shell.html", status=422, told=visit.told(error))
    return visit.page("shell-done.html")


PAGES = (
    Page(method="GET", path="/shell", handler=show_form, operation=None),
    Page(method="POST", path="/shell", handler=show_shell, operation=None),
    Page(method="POST", path="/shell/confirm", handler=confirm_shell, operation=None),
)
