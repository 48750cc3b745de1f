"""The directory: one question answered across countries, the page of each country, and this country's own entry.

A question is sent as a form and stands in no address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from gateway.console import choices
from gateway.console.forms.build import build_form
from gateway.console.forms.faults import RULES, explain_faults, find_faults, group_by_place
from gateway.console.forms.fields import parse_moment, remove_row, to_document, to_fields
from gateway.console.forms.parts import Options, split_options
from gateway.console.navigation.sections import Section
from gateway.console.pages.messages import Part
from gateway.console.pages.messages import render_half as rendered
from gateway.console.refusals import RefusalText
from gateway.console.units import load_units
from gateway.console.visit import Form, Page, Visit
from gateway.console.words import N_
from gateway.errors import Code, Finding, GatewayError, RefusedError
from gateway.operations.roles import CASES
from gateway.ports import Json
from keys.primitives.encoding import canon, sha256_hex
from schemas.labels import load_languages

SECTION = Section(
    path="/directory",
    title=N_("Whom to ask"),
    operation="directory.search",
    shape="compass",
    of=CASES,
    covers=("/guidance",),
)
TYPE = "directory.update/1"
SOON = 30 * 24 * 3600
"""Seconds before the end of the own entry from which these pages warn."""
CHOSEN = {"country": "country", "role": "role", "service": "service", "spoken": "unit_language"}
"""What can be chosen beside a question: fields of the form, and what they are called when the node is asked."""
PEOPLE = {"child": True, "adult": False}
ASKED = ("/content/units", "/content/focal_points", "/content/procedures")
"""What people say of their offices; keys and number are the node's."""


async def show_directory(visit: Visit) -> web.StreamResponse:
    """Show the search form and the countries with their entries."""
    return await _searching(visit, Form({}))


async def search_directory(visit: Visit) -> web.StreamResponse:
    """Search the directory and show the offices that answer the question, best first."""
    form = await visit.form()
    asked: dict[str, Json] = {theirs: form.one(name) for name, theirs in CHOSEN.items() if name in form}
    if form.one("people") in PEOPLE:
        asked["child"] = PEOPLE[form.one("people")]
    if "text" in form:
        asked["text"] = form.one("text")
    if "at" in form:
        at = parse_moment(form.one("at"), visit.settings.offset)
        if at is None:
            return await _searching(visit, form, fault=visit.words(RULES["form"]))
        asked["at"] = at
    return await _searching(visit, form, asked)


async def _searching(
    visit: Visit, form: Form, asked: Mapping[str, Json] | None = None, fault: str = ""
) -> web.Response:
    words = visit.words
    answer = None if asked is None else await visit.ask("directory.search", {**asked, "language": words.language.code})
    named = {unit["country"]: words.country(unit["country"]) for unit in (await load_units(visit)).listed}
    named = dict(sorted(named.items(), key=lambda one: words.place(one[1])))
    home, (near, rest) = (
        await _home(visit),
        split_options(choices.list_languages(words), visit.settings.near["language"], words),
    )
    return visit.page(
        "directory.html",
        status=422 if fault else 200,
        form=form,
        answer=answer,
        countries=[*named],
        fault=fault,
        named=[*named.items()],
        home=home,
        own=await _own_entry(visit, home),
        now=visit.settings.now(),
        soon=SOON,
        near=near,
        spoken=rest,
        chosen={name: form.one(name) for name in (*CHOSEN, "people")},
    )


async def show_country(visit: Visit) -> web.StreamResponse:
    """Show everything that a country publishes about its offices, or the units of its descriptors if it published
    nothing.
    """
    code, home = visit.request.match_info["country"], await _home(visit)
    told = await _told(visit, code)
    signed = [unit for unit in (await load_units(visit)).listed if unit["country"] == code]
    if told is None and not signed:
        raise RefusedError(Code.NOT_FOUND, "no node of this country is known here")
    return visit.page(
        "directory-country.html",
        country=code,
        entries=[] if told is None else told["entries"],
        signed=signed,
        home=home,
        now=visit.settings.now(),
        soon=SOON,
    )


async def _told(visit: Visit, country: str) -> Any:
    """Return the published entries of a country's nodes; None if there are none."""
    try:
        return await visit.ask("directory.show", {"id": country, "language": visit.words.language.code})
    except RefusedError as error:
        if error.code is not Code.NOT_FOUND:
            raise
        return None


async def _home(visit: Visit) -> str:
    """Return the country of this node."""
    return str((await visit.ask("node.show"))["country"])


async def _own_entry(visit: Visit, home: str) -> Any:
    """Return this node's own entry, for the people who maintain it."""
    if not visit.allows("directory.publish"):
        return None
    told = await _told(visit, home)
    entries = [] if told is None else told["entries"]
    return next((entry for entry in entries if entry["state"] == "own"), {})


# --- this country ------------------------------------------------------------------------------------------------


async def edit_own_entry(visit: Visit) -> web.StreamResponse:
    """Show the form with this country's offices as last published."""
    own = await visit.ask("directory.own")
    return await _form(visit, own, own["content"])


async def publish_own_entry(visit: Visit) -> web.StreamResponse:
    """Add or remove a row, confirm every unit, show a preview, or publish what was previewed."""
    form, own = await visit.form(), await visit.ask("directory.own")
    filled = to_document(TYPE, form.fields, visit.settings.offset)["content"]
    content: dict[str, Json] = dict(filled) if isinstance(filled, dict) else {}
    act, _, place = form.one("act").partition(":")
    number = form.one("number")
    match act:
        case "add" | "again":
            return await _form(visit, own, content, number=number, blank=[place])
        case "remove":
            left = remove_row({"content": content}, place)
            rest = left["content"] if isinstance(left, dict) else None
            return await _form(visit, own, rest if isinstance(rest, dict) else content, number=number)
        case "confirm":
            return await _form(visit, own, _confirmed(content, own["last"]), number=number)
    whole = {**content, "keys": own["content"].get("keys", [])}
    judged = find_faults(TYPE, {"content": {**whole, "supersedes": 0}})
    findings = [one for one in judged if one.place.startswith(ASKED)]
    if findings:
        return await _form(visit, own, content, number=number, findings=findings, status=422)
    shown = sha256_hex(canon(whole))
    if act != "publish" or form.one("shown") != shown:
        return await _form(visit, own, content, number=number, shown=shown)
    return await _published(visit, own, whole, number)


async def _published(visit: Visit, own: Mapping[str, Any], whole: dict[str, Json], number: str) -> web.StreamResponse:
    """Publish what was previewed, unless somebody else has published since."""
    if number != str(own["number"]):
        meanwhile = RefusedError(Code.CHANGED_MEANWHILE, "somebody else has published meanwhile; nothing was published")
        return await _form(visit, own, whole, told=visit.told(meanwhile), status=409)
    try:
        done = await visit.act("directory.publish", {"content": whole, "language": visit.words.language.code})
    except GatewayError as error:
        findings = list(error.findings) if isinstance(error, RefusedError) else []
        told = None if findings else visit.told(error)
        return await _form(visit, own, whole, findings=findings, told=told, status=422)
    return visit.page("directory-told.html", done=done, home=await _home(visit))


def _confirmed(content: Mapping[str, Json], last: str) -> dict[str, Json]:
    """Return the entry with every unit confirmed for the longest time allowed."""
    units = [{**one, "valid_until": last} if isinstance(one, dict) else one for one in _units(content)]
    return {**content, "units": units}


def _units(content: Mapping[str, Json]) -> list[Json]:
    units = content.get("units")
    return units if isinstance(units, list) else []


async def _form(
    visit: Visit,
    own: Mapping[str, Any],
    content: Mapping[str, Json],
    *,
    number: str | None = None,
    blank: Iterable[str] = (),
    findings: Iterable[Finding] = (),
    shown: str = "",
    told: RefusalText | None = None,
    status: int = 200,
) -> web.Response:
    words, home = visit.words, await _home(visit)
    units = [str(one["unit_id"]) for one in _units(content) if isinstance(one, dict) and one.get("unit_id")]
    ours = [(code, words.spoken(code)) for code in load_languages()]
    offered: dict[str, Options] = {
        "/content/units/*/name/*/language": ours,
        "/content/procedures/*/text/*/language": ours,
        "/content/units/*/country": [(home, words.country(home))],
        "/content/focal_points/*/unit_id": [(unit, unit) for unit in units],
        "type:language": choices.list_languages(words),
    }
    fields = to_fields(TYPE, {"content": dict(content)}, visit.settings.offset)
    whole = build_form(TYPE, fields, words, choices=offered, near=visit.settings.near, blank=blank)
    parts = [part for part in whole if part.place.startswith(ASKED)]
    faults = explain_faults(TYPE, findings, words, parts)
    peers = [peer["name"] for peer in (await visit.ask("peer.list"))["peers"] if peer["state"] == "active"]
    preview: list[Part] = rendered({"type": TYPE, "content": content}, "content", words) if shown else []
    page = visit.page(
        "directory-edit.html",
        status=status,
        own=own,
        parts=parts,
        faults=group_by_place(faults),
        summary=[
            (fault.place, f"{fault.label}{words.colon}{fault.text}" if fault.label else fault.text) for fault in faults
        ],
        number=str(own["number"]) if number is None else number,
        shown=shown,
        preview=preview,
        peers=peers,
        told=told,
        home=home,
        now=visit.settings.now(),
        soon=SOON,
    )
    page.enable_compression()  # a long form that says nothing secret
    return page


PAGES = (
    Page(method="GET", path=SECTION.path, handler=show_directory, operation=SECTION.operation),
    Page(method="POST", path=SECTION.path, handler=search_directory, operation=SECTION.operation),
    Page(method="GET", path="/directory/own", handler=edit_own_entry, operation="directory.own"),
    Page(method="POST", path="/directory/own", handler=publish_own_entry, operation="directory.publish", long=True),
    Page(method="GET", path="/directory/{country}", handler=show_country, operation="directory.show"),
)
