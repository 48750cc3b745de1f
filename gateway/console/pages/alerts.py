"""Safety alerts that nobody has taken: the list, and one alert with its clock, who was notified, and the form to
take it.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.console.navigation.sections import Section
from gateway.console.pages.messages import name_units, render_half
from gateway.console.units import load_units
from gateway.console.visit import Page, Visit
from gateway.console.words import N_
from gateway.conversations.alert_rules import HOUR, UPDATE_EVERY
from gateway.errors import GatewayError
from gateway.operations.roles import CASES
from gateway.ports import Json

SECTION = Section(
    path="/alerts",
    title=N_("Safety alerts"),
    operation="alert.list",
    shape="beacon",
    of=CASES,
)
ONE = "/alerts/{id}"
HOURS = tuple(hours for hours in (1, 2, 4, 8, 12, 24) if hours <= UPDATE_EVERY // HOUR)
"""Until the next word on an alert, as a person can promise it."""


async def list_alerts(visit: Visit) -> web.StreamResponse:
    """List the alerts of both sides, earliest deadline first."""
    return visit.page("alerts.html", alerts=(await visit.ask("alert.list"))["alerts"])


async def show_alert(visit: Visit) -> web.StreamResponse:
    """Show one alert: its content, its deadline and who was notified; an alert that was taken already says so."""
    return await _page(visit)


async def acknowledge_alert(visit: Visit) -> web.StreamResponse:
    """Take an alert in a person's name, with the actions that have begun."""
    form, id = await visit.form(), visit.request.match_info["id"]
    asked: dict[str, Json] = {"id": id, "actions": [*form.every("actions")], "hours": form.one("hours")}
    try:
        await visit.act("alert.acknowledge", asked, key=form.one("key"))
    except GatewayError as error:
        return await _page(visit, status=422, refusal=error, ticked=form.every("actions"))
    return visit.go(f"/messages/{id}?way=in")


async def _page(
    visit: Visit, *, status: int = 200, refusal: GatewayError | None = None, ticked: tuple[str, ...] = ()
) -> web.Response:
    id = visit.request.match_info["id"]
    listed: list[Any] = (await visit.ask("alert.list"))["alerts"]
    alert = next((one for one in listed if one["id"] == id), None)
    way = {} if alert is None else {"direction": "out" if alert["owes"] == "them" else "in"}
    whole = await visit.ask("message.show", {"id": id, **way})
    units = name_units(await load_units(visit), whole)
    return visit.page(
        "alert.html",
        status=status,
        alert=alert,
        whole=whole,
        hours=HOURS,
        key=visit.key(),
        ticked=ticked,
        content=render_half(whole, "content", visit.words, units) if whole.get("content") is not None else [],
        refusal=None if refusal is None else visit.told(refusal),
    )


PAGES = (
    Page(method="GET", path=SECTION.path, handler=list_alerts, operation=SECTION.operation),
    Page(method="GET", path=ONE, handler=show_alert, operation=SECTION.operation),
    Page(method="POST", path=f"{ONE}/acknowledge", handler=acknowledge_alert, operation="alert.acknowledge"),
)
