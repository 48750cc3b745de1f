"""What people note of a case at the console: status and roles of the person, who must not see it, holds, erasure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.console.forms.parts import Options
from gateway.console.units import load_units
from gateway.console.visit import Page, Visit
from gateway.operations.roles import CASES
from gateway.ports import Json

ONE = "/cases/{case}"
HOLDS = f"{ONE}/holds"


async def list_blockable(visit: Visit) -> Options:
    """List who can be kept out of a case, as "person/ID" or "unit/ID": oneself, who may see the people everybody, and
    the units.
    """
    people = [(visit.who.id, visit.who.name)]
    if visit.allows("person.list"):
        listed = (await visit.ask("person.list"))["people"]
        people = [(one["id"], one["name"]) for one in listed if one["state"] != "ended"]
    units = (await load_units(visit)).of()
    return [*((f"person/{id}", name) for id, name in people), *((f"unit/{id}", name) for id, name in units)]


async def list_workers(visit: Visit, case: Mapping[str, Any]) -> Options:
    """List who may look after a case by name, as (id, name): oneself, and for who may see the people those of its units
    who work on cases.
    """
    known = {visit.who.id: visit.words("You")}
    if not visit.allows("person.list"):
        return [*known.items()]
    for one in (await visit.ask("person.list"))["people"]:
        if one["state"] != "ended" and CASES & {*one["roles"]} and one["unit"] in (None, *case["units"]):
            known.setdefault(one["id"], one["name"])
    return [*known.items()]


async def note_status(visit: Visit) -> web.StreamResponse:
    """Note how a country sees the person."""
    return await _done(visit, "case.note_status", ("status", "country", "body", "on"))


async def note_role(visit: Visit) -> web.StreamResponse:
    """Note that a role of the person begins, or has ended."""
    form = await visit.form()
    noted: dict[str, Json] = {"on": form.one("role_on")} | ({"ended": True} if form.one("act") == "ended" else {})
    return await _done(visit, "case.note_role", ("role",), noted)


async def block_from_case(visit: Visit) -> web.StreamResponse:
    """Keep somebody out; who said it of themselves has no page of the case to come back to."""
    return await _block(visit, "case.block")


async def unblock_from_case(visit: Visit) -> web.StreamResponse:
    """Let somebody in again."""
    return await _block(visit, "case.unblock")


async def _block(visit: Visit, operation: str) -> web.StreamResponse:
    form = await visit.form()
    kind, _, id = form.one("who").partition("/")
    said: dict[str, Json] = {"reason": form.one(f"why{form.one('place')}")}
    whom: dict[str, Json] = {kind: id} if kind in ("person", "unit") and id else {}
    away = {"person": visit.who.id, "unit": visit.who.caller.unit}.get(kind) == id
    return await _done(visit, operation, (), whom | said, to="/cases" if away else "")


async def hold_case(visit: Visit) -> web.StreamResponse:
    """Place a legal hold on the whole case until a day."""
    return await _done(visit, "case.hold", ("ground", "until"), to=HOLDS.format(**visit.request.match_info))


async def release_case(visit: Visit) -> web.StreamResponse:
    """Lift it."""
    return await _done(visit, "case.release", (), to=HOLDS.format(**visit.request.match_info))


async def ask_erasure(visit: Visit) -> web.StreamResponse:
    """Ask for the ground before anything is erased."""
    found = await visit.ask("case.show", {"id": visit.request.match_info["case"]})
    return visit.page("case-erase.html", found=found)


async def erase_case(visit: Visit) -> web.StreamResponse:
    """Erase every message of the case; with the last one the case may be gone."""
    return await _done(visit, "case.erase", ("reason",), to="/cases")


async def _done(
    visit: Visit, operation: str, names: tuple[str, ...], more: dict[str, Json] | None = None, *, to: str = ""
) -> web.StreamResponse:
    id, form = visit.request.match_info["case"], await visit.form()
    given: dict[str, Json] = {name: form.one(name) for name in names if name in form}
    await visit.ask(operation, {"id": id, **given, **(more or {})})
    return visit.go(to or f"/cases/{id}")


PAGES = (
    Page(method="POST", path=f"{ONE}/status", handler=note_status, operation="case.note_status"),
    Page(method="POST", path=f"{ONE}/role", handler=note_role, operation="case.note_role"),
    Page(method="POST", path=f"{ONE}/block", handler=block_from_case, operation="case.block"),
    Page(method="POST", path=f"{ONE}/unblock", handler=unblock_from_case, operation="case.unblock"),
    Page(method="POST", path=f"{ONE}/hold", handler=hold_case, operation="case.hold"),
    Page(method="POST", path=f"{ONE}/release", handler=release_case, operation="case.release"),
    Page(method="GET", path=f"{ONE}/erase", handler=ask_erasure, operation="case.erase"),
    Page(method="POST", path=f"{ONE}/erase", handler=erase_case, operation="case.erase"),
)
