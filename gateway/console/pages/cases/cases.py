"""Cases: the list, one with everything that is of it, and what one person may do about it alone.

What two people change together is in `gateway.console.pages.cases.changes`. The words of a search travel in the body of
a form: no address has what a case is called.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from gateway.console import case_words
from gateway.console.choices import list_cases as list_case_names
from gateway.console.forms.parts import Options, split_options
from gateway.console.pages.cases.notes import list_blockable
from gateway.console.pages.consent import STATES as CONSENT_STATES
from gateway.console.states import Table
from gateway.console.units import load_units
from gateway.console.visit import Form, Page, Section, Visit
from gateway.console.words import N_
from gateway.errors import RefusedError
from gateway.ports import Json

SECTION = Section(path="/cases", title=N_("Cases"), operation="case.list")
ONE = "/cases/{case}"
SHOW = "case.show"
PAGE = 50
WAITING = ("asked", "undo_asked")
"""States of a change that a second person has yet to confirm."""


async def list_cases(visit: Visit) -> web.StreamResponse:
    """List the open cases, newest first, with what is owed next in each."""
    cursor = visit.request.query.get("cursor")
    found = await visit.ask("case.list", {"limit": PAGE, **({} if cursor is None else {"cursor": cursor})})
    return await _listed(visit, found, "")


async def find_cases(visit: Visit) -> web.StreamResponse:
    """List the cases that have these words in their label or number."""
    form = await visit.form()
    text, cursor = form.one("text"), form.one("cursor")
    if not text:
        return visit.go(SECTION.path)
    found = await visit.ask("case.find", {"text": text, "limit": PAGE, **({"cursor": cursor} if cursor else {})})
    return await _listed(visit, found, text)


async def _listed(visit: Visit, found: Any, text: str) -> web.StreamResponse:
    now, units = visit.settings.now(), await load_units(visit)
    return visit.page("case-list.html", found=found, text=text, now=now, units=units)


async def show_new_case(visit: Visit) -> web.StreamResponse:
    """Ask how a new case is called."""
    return visit.page("case-new.html", form=Form({}), told=None)


async def open_case(visit: Visit) -> web.StreamResponse:
    """Begin the case of a person; a number that is known leads to its case."""
    form = await visit.form()
    named: dict[str, Json] = {name: form.one(name) for name in ("label", "number") if name in form}
    try:
        done = await visit.act("case.open", named, key=form.one("key") or None)
    except RefusedError as error:
        return visit.page("case-new.html", form=form, told=visit.told(error), status=422)
    return visit.go(f"/cases/{done['id']}")


async def show_case(visit: Visit) -> web.StreamResponse:
    """Show one case: what waits for whom at the top, then everything that is of it."""
    id = visit.request.match_info["case"]
    found = await visit.ask(SHOW, {"id": id})
    near, countries = split_options(visit.words.codes("country"), visit.settings.near["country"], visit.words)
    due = (await visit.ask("conversation.due", {"case": id}))["due"]
    return visit.page(
        "case.html",
        found=found,
        due=sorted(due, key=lambda one: (one["owes"] != "us", one["until"])),
        asked=[one for one in found["changes"] if one["state"] in WAITING],
        related=[one for one in await list_case_names(visit) if one[0] != id],
        units=await load_units(visit),
        people=await list_blockable(visit),
        today=_today(visit),
        near=near,
        countries=countries,
        relations=_options(visit, case_words.RELATED),
        statuses=_options(visit, case_words.STATUSES),
        person_roles=_options(visit, case_words.PERSON_ROLES),
        said=case_words,
        consent_states=CONSENT_STATES,
    )


def _options(visit: Visit, table: Table) -> Options:
    return [(code, visit.words(text)) for code, text in table.items()]


def _today(visit: Visit) -> str:
    now = visit.settings.now()
    return datetime.fromtimestamp(now + visit.settings.offset(now), UTC).date().isoformat()


async def label_case(visit: Visit) -> web.StreamResponse:
    """Call a case something else."""
    return await _done(visit, "case.label", ("label",))


async def hand_over_case(visit: Visit) -> web.StreamResponse:
    """Let another unit look after the case; those before lose it, so that the way may lead back to the list."""
    return await _done(visit, "case.hand_over", ("unit", "worker", "reason"), to=SECTION.path)


async def relate_case(visit: Visit) -> web.StreamResponse:
    """Say how the person belongs to the person of another case, or that it is so no more."""
    return await _done(visit, "case.relate", ("other", "relation"))


async def _done(visit: Visit, operation: str, names: tuple[str, ...], *, to: str = "") -> web.StreamResponse:
    id, form = visit.request.match_info["case"], await visit.form()
    await visit.act(operation, {"id": id, **{name: form.one(name) for name in names if name in form}})
    return visit.go(to or f"/cases/{id}")


PAGES = (
    Page(method="GET", path=SECTION.path, handler=list_cases, operation=SECTION.operation),
    Page(method="POST", path=SECTION.path, handler=find_cases, operation="case.find"),
    Page(method="GET", path="/cases/new", handler=show_new_case, operation="case.open"),
    Page(method="POST", path="/cases/new", handler=open_case, operation="case.open"),
    Page(method="GET", path=ONE, handler=show_case, operation=SHOW),
    Page(method="POST", path=f"{ONE}/label", handler=label_case, operation="case.label"),
    Page(method="POST", path=f"{ONE}/hand-over", handler=hand_over_case, operation="case.hand_over"),
    Page(method="POST", path=f"{ONE}/relate", handler=relate_case, operation="case.relate"),
)
