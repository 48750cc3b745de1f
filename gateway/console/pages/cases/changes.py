"""What two people change of cases, one after the other: a person in two cases, two in one, and its undoing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from aiohttp import web

from gateway.cases.rules import PARTS
from gateway.console.choices import list_cases, name_consent
from gateway.console.forms.parts import Options
from gateway.console.pages.cases.cases import ONE, SHOW
from gateway.console.states import KINDS
from gateway.console.visit import Form, Page, Visit
from gateway.console.words import N_
from gateway.errors import RefusedError
from gateway.ports import Json

NOTHING = N_("Choose what is not of this person.")
WHICH = N_("Choose one.")
WHY = N_("Say why: whoever confirms it reads it.")


async def show_change(visit: Visit) -> web.StreamResponse:
    """Ask whether the case is of the same person as another one, or what of it is not of this person."""
    return await _asking(visit, Form({}))


async def merge_cases(visit: Visit) -> web.StreamResponse:
    """Ask that the case becomes one with another; a second person confirms it."""
    id, form = visit.request.match_info["case"], await visit.form()
    missing = {"into": WHICH if "into" not in form else "", "reason": WHY if "reason" not in form else ""}
    if any(missing.values()):
        return await _asking(visit, form, missing)
    return await _ask(visit, form, "case.merge", {"id": id, "into": form.one("into"), "reason": form.one("reason")})


async def take_parts(visit: Visit) -> web.StreamResponse:
    """Ask that parts go to another case, or become one of their own; a second person confirms it."""
    id, form = visit.request.match_info["case"], await visit.form()
    parts: dict[str, Json] = {name: [*form.every(name)] for name in PARTS if form.every(name)}
    missing = {"parts": "" if parts else NOTHING, "why": WHY if "why" not in form else ""}
    if any(missing.values()):
        return await _asking(visit, form, missing)
    wanted: dict[str, Json] = {**parts, "reason": form.one("why")}
    if "to" in form:
        return await _ask(visit, form, "case.move", {**wanted, "source": id, "into": form.one("to")})
    label: dict[str, Json] = {"label": form.one("label")} if "label" in form else {}
    return await _ask(visit, form, "case.split", {**wanted, **label, "id": id})


async def _ask(visit: Visit, form: Form, operation: str, wanted: dict[str, Json]) -> web.StreamResponse:
    try:
        await visit.act(operation, wanted, key=form.one("key") or None)
    except RefusedError as error:
        return await _asking(visit, form, told=visit.told(error))
    return visit.go(f"/cases/{visit.request.match_info['case']}")


async def _asking(
    visit: Visit, form: Form, missing: dict[str, str] | None = None, told: Any = None
) -> web.StreamResponse:
    found = await visit.ask(SHOW, {"id": visit.request.match_info["case"]})
    faults = {name: visit.words(text) for name, text in (missing or {}).items() if text}
    return visit.page(
        "case-change.html",
        found=found,
        talks=_named(found["conversations"], "conversation", lambda one: _talk(visit, one)),
        agreed=_named(found["consents"], "id", lambda one: name_consent(visit, one)),
        written=_named(found["drafts"], "id", lambda one: _draft(visit, one)),
        others=[one for one in await list_cases(visit) if one[0] != found["id"]],
        form=form,
        faults=faults,
        told=told,
        status=422 if faults or told else 200,
    )


def _named(listed: Iterable[Any], name: str, say: Callable[[Any], str]) -> Options:
    """What can be ticked, by its id; what does not open has none and stays where it is."""
    return [(one[name], say(one)) for one in listed if one[name] is not None]


def _talk(visit: Visit, one: Any) -> str:
    kind = visit.words(KINDS.get(one["kind"], one["kind"]))
    return visit.words.comma.join((kind, visit.words.country(one["peer"]), visit.at(one["last"])))


def _draft(visit: Visit, one: Any) -> str:
    name = visit.words.message(one["type"]) if one["type"] else visit.words("Without a type")
    return f"{name}{visit.words.comma}{visit.at(one['at'])}"


async def confirm_change(visit: Visit) -> web.StreamResponse:
    """Do what a first person asked for."""
    return await _step(visit, "case.confirm")


async def undo_change(visit: Visit) -> web.StreamResponse:
    """Ask that a change is taken back."""
    return await _step(visit, "case.undo")


async def _step(visit: Visit, operation: str) -> web.StreamResponse:
    """Take a step, and show the case; one that became part of another one by it is not there any more, so that one."""
    form = await visit.form()
    await visit.act(operation, {"id": visit.request.match_info["change"]})
    for case in (visit.request.match_info["case"], *form.every("into")):
        with suppress(RefusedError):
            await visit.ask(SHOW, {"id": case})
            return visit.go(f"/cases/{case}")
    return visit.go("/cases")


PAGES = (
    Page(method="GET", path=f"{ONE}/change", handler=show_change, operation="case.merge"),
    Page(method="POST", path=f"{ONE}/merge", handler=merge_cases, operation="case.merge"),
    Page(method="POST", path=f"{ONE}/parts", handler=take_parts, operation="case.split"),
    Page(method="POST", path=f"{ONE}/changes/{{change}}/confirm", handler=confirm_change, operation="case.confirm"),
    Page(method="POST", path=f"{ONE}/changes/{{change}}/undo", handler=undo_change, operation="case.undo"),
)
