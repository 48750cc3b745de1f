"""Consent: taken in the person's language, printed for them, and shown.

What is told and what is agreed to stands in two languages beside each other, so that worker and person read the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from gateway.console.navigation.countries import list_addressed, load_entries, say_duties
from gateway.console.navigation.sections import Section
from gateway.console.pages.messages import Part
from gateway.console.pages.messages import render_half as rendered
from gateway.console.sheets import SheetWords, load_sheets
from gateway.console.units import load_units
from gateway.console.visit import Page, Visit
from gateway.console.words import N_, Words, load_words
from gateway.operations.roles import Role
from schemas.labels import load_languages

SECTION = Section(
    path="/consents",
    title=N_("Consents"),
    operation="consent.list",
    shape="tick",
    of=frozenset({Role.DATA_PROTECTION_OFFICER}),
)
RECORD = "consent.record/1"

FREE = N_("You do not have to agree. You are helped just the same if you say no, or if you change your mind.")
TOLD: Mapping[str, str] = {
    "purpose": N_("What the data about you are for: only the purposes that are written down here."),
    "uses": N_("What is done with them: they are sent, locked, to the units named here, which prepare what you need."),
    "recipients": N_("Who gets them: only the units named here. They pass them on only if you agree to that."),
    "research_use": N_("Counting: how many people were helped is counted, without anything that points to you."),
    "access": N_("You can ask at any time what is known about you, and have it corrected."),
    "storage_time": N_("How long: until the day that is written here for each purpose, and not longer than needed."),
    "withdrawal": N_("You can take this back at any time, all of it or a part, without saying why."),
}
"""The seven things that a person is told, as one says them."""
SHEET: Mapping[str, str] = {
    "title": N_("My consent"),
    "agreed": N_("What I agree to"),
    "person": N_("Day, and signature of the person"),
    "worker": N_("Signature of the person who explained it"),
    "others": N_("Signature of the interpreter or guardian, if there was one"),
}
"""What stands on the sheet beside that and the record."""


async def list_consents(visit: Visit) -> web.StreamResponse:
    """List the consents held here; no list names the person."""
    cursor = visit.request.query.get("cursor")
    found = await visit.ask("consent.list", {"limit": 50, **({} if cursor is None else {"cursor": cursor})})
    return visit.page("consents.html", found=found, states=STATES)


# --- looking at it, and the sheet for the person ------------------------------------------------------------------


async def show_consent(visit: Visit) -> web.StreamResponse:
    """Show a consent with its grants and withdrawals."""
    found = await visit.ask("consent.show", {"id": visit.request.match_info["consent"]})
    return visit.page(
        "consent-shown.html",
        found=found,
        states=STATES,
        said=await _said(visit, found["record"], visit.words),
        draft=visit.request.query.get("draft", ""),
    )


async def print_consent(visit: Visit) -> web.StreamResponse:
    """Show the consent as a sheet to print for the person, in their language or another one. In a language that the
    console has not, what is told is in that language, and what was agreed to in the one of the worker.
    """
    found = await visit.ask("consent.show", {"id": visit.request.match_info["consent"]})
    wanted = visit.request.query.get("language") or str(found["record"].get("language", "")).partition("-")[0]
    second = load_words(wanted if wanted in load_languages() else visit.words.language.code)
    spoken: Words | SheetWords = load_sheets().get(wanted, second)
    record = {name: value for name, value in found["record"].items() if name not in ("told", "consent_id")}
    told = [spoken(text) for text in (FREE, *TOLD.values())]
    told += await say_duties_of(visit, [unit for one in record["grants"] for unit in one["recipient_units"]], spoken)
    return visit.page(
        "consent-sheet.html",
        found=found,
        second=second,
        sheet=load_sheets().get(wanted),
        sheets=load_sheets(),
        said=await _said(visit, record, second),
        told=told,
        titles={name: spoken(text) for name, text in SHEET.items()},
    )


async def say_duties_of(visit: Visit, references: Iterable[object], spoken: Words | SheetWords) -> list[str]:
    """Say in a language where the units that a consent names may have to report what they learn (domain 8.16)."""
    units = await load_units(visit)
    return say_duties(await load_entries(visit, list_addressed(units, references)), spoken)


async def _said(visit: Visit, record: Mapping[str, Any], spoken: Words) -> list[Part]:
    """Render a consent record in a language, with units by name."""
    units = (await load_units(visit, spoken)).named(None, None)
    return rendered({"type": RECORD, "content": record}, "content", spoken, units)


STATES: Mapping[str, str] = {
    "active": N_("in force"),
    "withdrawn_in_part": N_("taken back in part"),
    "withdrawn": N_("taken back"),
    "damaged": N_("can no longer be read"),
}

ONE = "/consents/{consent}"
PAGES = (
    Page(method="GET", path="/consents", handler=list_consents, operation="consent.list"),
    Page(method="GET", path=ONE, handler=show_consent, operation="consent.show"),
    Page(method="GET", path=f"{ONE}/sheet", handler=print_consent, operation="consent.show"),
)
