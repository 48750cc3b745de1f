"""Safety alerts that nobody has taken: the list, and one alert with its clock, who was notified, and the form to
take it.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from gateway.console.forms.alert import ALERT
from gateway.console.forms.parts import label_place
from gateway.console.navigation.duty import find_called
from gateway.console.navigation.sections import Section
from gateway.console.pages.messages import name_units, render_half
from gateway.console.units import load_units
from gateway.console.visit import Page, Visit
from gateway.console.words import N_
from gateway.conversations.alert_rules import HOUR, UPDATE_EVERY, alert_clock
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
LABELLED = ("police_informed", "last_contact_at")
"""Members of an alert that stand on the page by their labels; the others have a heading of their own."""
NOTHING_YET = "none"
"""The action of who takes an alert before anything has begun."""


async def list_alerts(visit: Visit) -> web.StreamResponse:
    """List the alerts of both sides, earliest deadline first."""
    return visit.page("alerts.html", alerts=(await visit.ask("alert.list"))["alerts"])


async def show_alert(visit: Visit) -> web.StreamResponse:
    """Show one alert: its content, its deadline and who was notified; an alert that was taken already says so."""
    return await _page(visit)


async def acknowledge_alert(visit: Visit) -> web.StreamResponse:
    """Take an alert in a person's name, with the actions that have begun: none ticked says that nothing has yet."""
    form, id = await visit.form(), visit.request.match_info["id"]
    begun = form.every("actions") or (NOTHING_YET,)
    asked: dict[str, Json] = {"id": id, "actions": [*begun], "hours": form.one("hours")}
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
    units, now = await load_units(visit), visit.settings.now()
    called = await find_called(visit.ask, units.listed, whole["peer"], now, visit.words.language.code)
    said = whole.get("content") or {}
    return visit.page(
        "alert.html",
        status=status,
        alert=alert,
        whole=whole,
        hours=HOURS,
        key=visit.key(),
        ticked=ticked,
        said=said if alert else {},
        rest=render_half(whole, "content", visit.words, name_units(units, whole)) if said and not alert else [],
        labels={name: label_place(ALERT, f"/content/{name}", visit.words) for name in LABELLED},
        left=None if alert is None else alert["until"] - now,
        clock=None if alert is None else alert_clock(alert["kind"]),
        called=called,
        refusal=None if refusal is None else visit.told(refusal),
    )


PAGES = (
    Page(method="GET", path=SECTION.path, handler=list_alerts, operation=SECTION.operation),
    Page(method="GET", path=ONE, handler=show_alert, operation=SECTION.operation),
    Page(method="POST", path=f"{ONE}/acknowledge", handler=acknowledge_alert, operation="alert.acknowledge"),
)
