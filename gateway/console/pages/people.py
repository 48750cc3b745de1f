"""The people who work here: invited, given other roles, removed. `gateway.access.rules` decides who may do it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.access.rules import PERSONAL, giver, releases
from gateway.console.exact_change import read_exact
from gateway.console.navigation.sections import Section
from gateway.console.pages.entry import read_credential
from gateway.console.pages.trust import ACTIONS
from gateway.console.units import load_units
from gateway.console.visit import Form, Page, Visit
from gateway.console.words import N_
from gateway.errors import GatewayError, RefusedError
from gateway.operations.roles import Role
from gateway.ports import Json
from schemas.labels import load_languages

SECTION = Section(
    path="/people",
    title=N_("People"),
    operation="person.list",
    shape="people",
    of=frozenset({Role.TRUST_ADMIN, Role.DATA_PROTECTION_OFFICER}),
)
ROLES: Mapping[Role, str] = {
    Role.CASE_WORKER: N_("Case worker: reads, sends and answers, records consents"),
    Role.FOCAL_POINT: N_("Focal point: a case worker who also proves conversations and erases"),
    Role.TRUST_ADMIN: N_("Trust administrator: decides with whom messages are exchanged; never reads one"),
    Role.OPERATOR: N_("Operator: keeps the node running and moves messages; never reads one"),
    Role.AUDITOR: N_("Auditor: reads the audit log; changes nothing"),
    Role.DATA_PROTECTION_OFFICER: N_(
        "Data protection officer: reads the log, consents, legal bases and erasures; a message only for a reason"
    ),
}
SHORT: Mapping[Role, str] = {
    Role.CASE_WORKER: N_("case worker"),
    Role.FOCAL_POINT: N_("focal point"),
    Role.TRUST_ADMIN: N_("trust administrator"),
    Role.OPERATOR: N_("operator"),
    Role.AUDITOR: N_("auditor"),
    Role.DATA_PROTECTION_OFFICER: N_("data protection officer"),
}
STATES: Mapping[str, str] = {
    "asked": N_("waits for an administrator"),
    "active": N_("works here"),
    "invited": N_("invited"),
    "locked_out": N_("has no passkey: invite them again"),
    "ended": N_("has left"),
}


async def list_people(visit: Visit) -> web.StreamResponse:
    """List everybody who works or has worked here."""
    people = (await visit.ask("person.list"))["people"]
    people.sort(key=lambda one: (one["state"] == "ended", one["name"].casefold()))
    return visit.page("people.html", people=people, states=STATES, short=SHORT, units=await load_units(visit))


async def show_new_person(visit: Visit) -> web.StreamResponse:
    """Show the form for a new person."""
    return await _asking(visit, Form({}), None)


async def invite_newcomer(visit: Visit) -> web.StreamResponse:
    """Invite the new person; the code of the invitation is shown on this page only."""
    form = await visit.form()
    arguments: dict[str, Json] = {"name": form.one("name"), "roles": [*form.every("roles")]}
    arguments |= {name: form.one(name) for name in ("unit", "language") if name in form}
    try:
        made = await visit.ask("person.add", arguments)
    except GatewayError as error:
        return await _asking(visit, form, error)
    return _made(visit, made)


async def show_person(visit: Visit) -> web.StreamResponse:
    """Show one person with roles and passkeys, and the actions on them."""
    return await _about(visit, None)


async def change_person(visit: Visit) -> web.StreamResponse:
    """Change somebody's roles, invite them again, end their sessions, or end their access."""
    form, id = await visit.form(), visit.request.match_info["person"]
    try:
        match form.one("act"):
            case "change":
                rights: dict[str, Json] = {"roles": [*form.every("roles")], "unit": form.one("unit") or None}
                await visit.ask("person.change", {"id": id, **rights})
            case "invite":
                return _made(visit, await visit.ask("person.invite", {"id": id, "instead": "instead" in form}))
            case "vouch":
                return _made(visit, await visit.ask("person.vouch", {"id": id}))
            case "approve":
                word: dict[str, Json] = {"id": form.one("change"), "assertion": dict(read_credential(form))}
                return _made(visit, await visit.ask("person.approve", word))
            case "sign-out":
                await visit.ask("person.sign_out", {"id": id})
            case "end":
                await visit.ask("person.end", {"id": id})
    except GatewayError as error:
        return await _about(visit, error)
    return visit.go("/people")


def _made(visit: Visit, person: Mapping[str, Any]) -> web.Response:
    """Show a code that was just made, on this page only; without one go to the person, and to what waits about them."""
    if person.get("code"):
        return visit.page("people-code.html", made=person)
    return visit.go(f"/people/{person['id']}")


async def _asking(visit: Visit, form: Form, error: GatewayError | None) -> web.Response:
    return visit.page(
        "people-new.html",
        status=200 if error is None else 422,
        form=form,
        told=error and visit.told(error),
        roles=[(role, said) for role, said in _roles(visit) if giver(Role(role)) in visit.who.caller.roles],
        units=(await load_units(visit)).of(),
        spoken=[(code, language.name) for code, language in load_languages().items()],
    )


async def _about(visit: Visit, error: GatewayError | None) -> web.Response:
    people = (await visit.ask("person.list"))["people"]
    found = next((one for one in people if one["id"] == visit.request.match_info["person"]), None)
    if found is None:
        return visit.go("/people")
    signs = visit.who.admin is not None and visit.allows("person.approve")
    waits, exact, ceremony = found["waits"], None, None
    try:
        exact = read_exact(waits["change"], waits["id"]) if waits else None
    except RefusedError as wrong:  # it cannot be signed; the person can still be ended
        error = error or wrong
    if signs and exact:
        ceremony = await visit.console.sign_in.approval(visit.who, exact.change.to_json())
    return visit.page(
        "people-one.html",
        waits=waits,
        exact=exact,
        asks=ACTIONS,
        ceremony=ceremony,
        vouches=signs and releases(map(Role, found["roles"])),
        status=200 if error is None else 422,
        one=found,
        told=error and visit.told(error),
        roles=_roles(visit),
        units=(await load_units(visit)).of(),
        states=STATES,
    )


def _roles(visit: Visit) -> list[tuple[str, str]]:
    return [(str(role), visit.words(ROLES[role])) for role in PERSONAL]


PAGES = (
    Page(method="GET", path="/people", handler=list_people, operation="person.list"),
    Page(method="GET", path="/people/new", handler=show_new_person, operation="person.add"),
    Page(method="POST", path="/people/new", handler=invite_newcomer, operation="person.add"),
    Page(method="GET", path="/people/{person}", handler=show_person, operation="person.list"),
    Page(method="POST", path="/people/{person}", handler=change_person, operation="person.list"),
)
