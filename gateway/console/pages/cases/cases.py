"""One case with everything that is of it, and what one person may do about it alone.

What two people change together is in `gateway.console.pages.cases.changes`, the list in
`gateway.console.pages.cases.home`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from gateway.cases.history import EVERY
from gateway.console import case_words
from gateway.console.choices import list_cases as list_case_names
from gateway.console.choices import name_consent
from gateway.console.forms.parts import Options, split_options
from gateway.console.navigation.countries import KINDS, find_countries, load_entries, say_duties
from gateway.console.pages.cases.course import load_course
from gateway.console.pages.cases.home import SECTION
from gateway.console.pages.cases.notes import list_blockable, list_workers
from gateway.console.pages.cases.writable import load_offers
from gateway.console.pages.consent import STATES as CONSENT_STATES
from gateway.console.states import Table
from gateway.console.units import Units, load_units
from gateway.console.visit import Form, Page, Visit
from gateway.conversations.safe_contact import Channel
from gateway.errors import RefusedError
from gateway.ports import Json

ONE = "/cases/{case}"
SHOW, COURSE = "case.show", "case.course"
"""A page of a case needs both; the second is for those who work with it, the first also for who protects data."""
PARTS = ("messages", "consents", "files", "holds", "proof")
"""Parts of a case with a page each, beside the overview."""
IN_FORCE = ("active", "withdrawn_in_part")
"""States of consents that can be taken back."""
WAITING = ("asked", "undo_asked")
"""States of a change that a second person has yet to confirm."""


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
    """Show one case: what waits for whom at the top, what happened, and what one can do next."""
    shown = await load_case(visit)
    found, course, id = shown["found"], shown["course"], shown["found"]["id"]
    near, countries = split_options(visit.words.codes("country"), visit.settings.near["country"], visit.words)
    due = (await visit.ask("conversation.due", {"case": id}))["due"]
    return visit.page(
        "case.html",
        **shown,
        due=sorted(due, key=lambda one: (one["owes"] != "us", one["until"])),
        asked=await _load_asked(visit, found),
        offers=await load_offers(visit, course.standing, found["drafts"]),
        **await _advise(visit, course.standing),
        **await _load_countries(visit, found, shown["units"]),
        people=await list_blockable(visit),
        workers=await list_workers(visit, found),
        today=_today(visit),
        near=near,
        countries=countries,
        statuses=_options(visit, case_words.STATUSES),
        person_roles=_options(visit, case_words.PERSON_ROLES),
    )


async def _load_asked(visit: Visit, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Load the changes that wait for a second person, each with what the cases are called between which it goes; none
    for a case that this person may not see.
    """
    asked = [one for one in found["changes"] if one["state"] in WAITING]
    names = {found["id"]: found["name"]}
    for id in {one[end] for one in asked for end in ("from", "into")} - {None, found["id"]}:
        with suppress(RefusedError):
            names[id] = (await visit.ask(SHOW, {"id": id}))["name"]
    return [one | {"one": names.get(one["from"]), "other": names.get(one["into"])} for one in asked]


async def show_part(visit: Visit) -> web.StreamResponse:
    """Show one part of a case, on a page of its own."""
    part = visit.request.path.rpartition("/")[2]
    return visit.page(f"case-{part}.html", **await load_case(visit))


async def load_case(visit: Visit) -> dict[str, Any]:
    """Load what every page of a case shows: what is of it, its course, alerts that wait, and its mark."""
    found = await visit.ask(SHOW, {"id": visit.request.match_info["case"]})
    alerts = (await visit.ask("alert.list"))["alerts"] if visit.allows("alert.list") else []
    return {
        "found": found,
        "course": await load_course(visit, found),
        "alerts": [one for one in alerts if (one["of_case"] or {}).get("id") == found["id"]],
        "in_force": [one for one in found["consents"] if one["state"] in IN_FORCE],
        "units": await load_units(visit),
        "said": case_words,
        "consent_states": CONSENT_STATES,
        "name_consent": name_consent,
    }


async def _load_countries(visit: Visit, found: Mapping[str, Any], units: Units) -> dict[str, Any]:
    """Load what is known of the countries of its conversations, and say where there is a duty to report."""
    peers = [str(one["peer"]) for one in found["conversations"]]
    entries = await load_entries(visit, find_countries(units, peers))
    return {"entries": entries, "kinds": KINDS, "duties": say_duties(entries, visit.words)}


async def _advise(visit: Visit, standing: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Ask whether the person may be called now, by the newest referral about them; nothing where there is none."""
    talks = [one["conversation"] for one in standing if one["kind"] == "referral" and one.get("conversation")]
    if not talks or not visit.allows("contact.advise"):
        return {"advice": None, "advised": None}
    asked = {"id": talks[-1], "channel": str(Channel.CALL)}
    return {"advice": await visit.ask("contact.advise", asked), "advised": talks[-1]}


def _options(visit: Visit, table: Table) -> Options:
    return [(code, visit.words(text)) for code, text in table.items()]


def _today(visit: Visit) -> str:
    now = visit.settings.now()
    return datetime.fromtimestamp(now + visit.settings.offset(now), UTC).date().isoformat()


async def label_case(visit: Visit) -> web.StreamResponse:
    """Call a case something else."""
    return await _done(visit, "case.label", ("label",))


async def assign_case(visit: Visit) -> web.StreamResponse:
    """Say which person here looks after the case, or nobody by name."""
    return await _done(visit, "case.assign", ("worker",), {"worker": "colleague"})


async def flag_case(visit: Visit) -> web.StreamResponse:
    """Make the case stand out in lists."""
    return await _done(visit, "case.flag", ("text",), {"text": "flag"})


async def unflag_case(visit: Visit) -> web.StreamResponse:
    """Take a flag off."""
    return await _done(visit, "case.unflag", ("text",), {"text": "off"})


async def hand_over_case(visit: Visit) -> web.StreamResponse:
    """Let another unit look after the case; those before lose it, so that the way may lead back to the list."""
    return await _done(visit, "case.hand_over", ("unit", "worker", "reason"), to=SECTION.path)


async def ask_relation(visit: Visit) -> web.StreamResponse:
    """Ask which case belongs to this one, on a page of its own: a list of all cases is long."""
    found = await visit.ask(SHOW, {"id": visit.request.match_info["case"]})
    related = [one for one in await list_case_names(visit) if one[0] != found["id"]]
    return visit.page("case-relate.html", found=found, related=related, relations=_options(visit, case_words.RELATED))


async def relate_case(visit: Visit) -> web.StreamResponse:
    """Say how the person belongs to the person of another case, or that it is so no more."""
    return await _done(visit, "case.relate", ("other", "relation"))


async def set_case_apart(visit: Visit) -> web.StreamResponse:
    """Say that what a linked person fears does not concern this one; a second person says so too."""
    id, form = visit.request.match_info["case"], await visit.form()
    named: list[Json] = [state for state in form.every("state") if state != EVERY]
    await visit.act("asylum.apart", {"id": id, "states": named})
    return visit.go(f"/cases/{id}")


async def _done(
    visit: Visit, operation: str, names: tuple[str, ...], fields: Mapping[str, str] | None = None, *, to: str = ""
) -> web.StreamResponse:
    """Do it with what was filled in; `fields` are those that are called otherwise on the page, by argument."""
    id, form = visit.request.match_info["case"], await visit.form()
    called = {name: name for name in names} | dict(fields or {})
    await visit.act(operation, {"id": id, **{name: form.one(field) for name, field in called.items() if field in form}})
    return visit.go(to or f"/cases/{id}")


PAGES = (
    Page(method="GET", path="/cases/new", handler=show_new_case, operation="case.open"),
    Page(method="POST", path="/cases/new", handler=open_case, operation="case.open"),
    Page(method="GET", path=ONE, handler=show_case, operation=COURSE),
    *(Page(method="GET", path=f"{ONE}/{part}", handler=show_part, operation=COURSE) for part in PARTS),
    Page(method="POST", path=f"{ONE}/label", handler=label_case, operation="case.label"),
    Page(method="POST", path=f"{ONE}/assign", handler=assign_case, operation="case.assign"),
    Page(method="POST", path=f"{ONE}/flag", handler=flag_case, operation="case.flag"),
    Page(method="POST", path=f"{ONE}/unflag", handler=unflag_case, operation="case.unflag"),
    Page(method="POST", path=f"{ONE}/hand-over", handler=hand_over_case, operation="case.hand_over"),
    Page(method="GET", path=f"{ONE}/relate", handler=ask_relation, operation="case.relate"),
    Page(method="POST", path=f"{ONE}/relate", handler=relate_case, operation="case.relate"),
    Page(method="POST", path=f"{ONE}/asylum-apart", handler=set_case_apart, operation="asylum.apart"),
)
