"""Consent: taken in the person's language, printed for them, and shown.

What is told and what is agreed to stands in two languages beside each other, so that worker and person read the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from aiohttp import web

from gateway.console import choices
from gateway.console.forms.build import build_form
from gateway.console.forms.faults import explain_faults, find_faults, group_by_place
from gateway.console.forms.fields import Fields, remove_row, to_document, to_fields
from gateway.console.forms.parts import Options, add_second_language, leave_out
from gateway.console.forms.parts import Part as FormPart
from gateway.console.navigation.sections import Section
from gateway.console.pages.messages import Part
from gateway.console.pages.messages import render_half as rendered
from gateway.console.refusals import RefusalText
from gateway.console.units import load_units
from gateway.console.visit import Form, Page, Visit
from gateway.console.words import N_, Words, load_words
from gateway.errors import Finding, RefusedError
from gateway.operations.roles import Role
from gateway.ports import Json
from schemas.labels import load_languages

SECTION = Section(
    path="/consents",
    title=N_("Consents"),
    operation="consent.list",
    shape="tick",
    of=frozenset({Role.DATA_PROTECTION_OFFICER}),
)
RECORD = "consent.record/1"
UNSAID = N_("Say whose consent it is: choose a case, say what a new one is called, or give its number.")
WHOSE = ("case", "case_label", "case_key", "number")
"""Fields that say whose consent it is."""

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


# --- taking one ---------------------------------------------------------------------------------------------------


async def choose_language(visit: Visit) -> web.StreamResponse:
    """Ask in which language the consent is explained, and whose it is: the case that is named in the address, or that
    of the draft which needs it.
    """
    query = visit.request.query
    chosen, draft = query.get("case", ""), query.get("draft", "")
    if draft and not chosen and (of_case := (await visit.ask("draft.show", {"id": draft})).get("of_case")):
        chosen = of_case["id"]
    return await _language(visit, Form({"case": (chosen,), "draft": (draft,)}))


async def _language(visit: Visit, form: Form, *, fault: str = "", unsaid: str = "") -> web.StreamResponse:
    known = await choices.list_cases(visit)
    status = 422 if fault or unsaid else 200
    return visit.page("consent-language.html", form=form, known=known, fault=fault, unsaid=unsaid, status=status)


async def _whose(visit: Visit, form: Form) -> dict[str, Json]:
    """The case that was chosen or begins, else its number in the case system."""
    if "number" in form and "case" not in form:
        return {"number": form.one("number")}
    return {"case": await choices.choose_case(visit, form)}


async def take_consent(visit: Visit) -> web.StreamResponse:
    """Show the form in both languages; once filled in, record the consent and note it in the draft that needed it."""
    form = await visit.form()
    if form.one("with") not in load_languages():
        return await _language(visit, form, fault=visit.words("Choose one."))
    if not any(name in form for name in ("case", "case_label", "number")):
        return await _language(visit, form, unsaid=visit.words(UNSAID))
    act, _, place = form.one("act").partition(":")
    if act == "begin":
        return await _form(visit, form, {"/content/language": (form.one("with"),)})
    document = to_document(RECORD, form.fields, visit.settings.offset)
    if act == "remove":
        changed = remove_row(dict(document), place)
        document = changed if isinstance(changed, dict) else document
    if act in ("add", "remove", "again"):
        return await _form(visit, form, to_fields(RECORD, document, visit.settings.offset), blank=[place])
    return await _record(visit, form, document)


async def _record(visit: Visit, form: Form, document: Mapping[str, Json]) -> web.StreamResponse:
    fields = to_fields(RECORD, document, visit.settings.offset)
    found = [one for one in find_faults(RECORD, document) if _is_asked(one)]
    if found:
        return await _form(visit, form, fields, findings=found)
    try:
        content = document["content"]
        done = await visit.act(
            "consent.record", {"content": content, **await _whose(visit, form)}, key=form.one("key") or None
        )
        if form.one("draft"):
            await _note(visit, form.one("draft"), done["id"])
    except RefusedError as error:
        return await _form(visit, form, fields, findings=error.findings, told=visit.told(error))
    return visit.go(f"/consents/{done['id']}" + (f"?draft={form.one('draft')}" if form.one("draft") else ""))


def _is_asked(finding: Finding) -> bool:
    """Whether the form asks for a member: the node assigns the consent's id, and there is no header yet."""
    return finding.place.startswith("/content") and finding.place != "/content/consent_id"


async def _note(visit: Visit, draft: str, consent: str) -> None:
    """Make the draft that needed the consent rely on it; a draft of no case yet is of the case of the consent."""
    shown = await visit.ask("draft.show", {"id": draft})
    header = {**shown["draft"].get("header", {}), "consent_ref": consent}
    changed = {**shown["draft"], "header": header}
    if not shown.get("of_case") and (of_case := (await visit.ask("consent.show", {"id": consent})).get("of_case")):
        changed["case"] = of_case["id"]
    await visit.ask("draft.change", {"id": draft, "draft": changed, "if_match": shown["version"]})


async def _form(
    visit: Visit,
    form: Form,
    fields: Fields,
    *,
    blank: Iterable[str] = (),
    findings: Iterable[Finding] = (),
    told: RefusalText | None = None,
) -> web.StreamResponse:
    second = load_words(form.one("with"))
    offered = {
        "type:unit_ref": (await load_units(visit)).references(),
        "type:language": choices.list_languages(visit.words),
    }
    near = visit.settings.near
    parts = [_asked(spoken, fields, offered, near, blank) for spoken in (visit.words, second)]
    faults = explain_faults(RECORD, findings, visit.words, parts[0])
    return visit.page(
        "consent.html",
        parts=add_second_language(*parts),
        second=second,
        told_both=_both(visit.words, second),
        faults=group_by_place(faults),
        summary=faults,
        told=told,
        draft=form.one("draft"),
        whose={name: form.one(name) for name in WHOSE},
        key=form.one("key"),
        status=422 if faults or told else 200,
    )


def _asked(
    spoken: Words,
    fields: Fields,
    offered: Mapping[str, Options],
    near: Mapping[str, Collection[str]],
    blank: Iterable[str],
) -> tuple[FormPart, ...]:
    """Return the content of a consent without its id."""
    made = build_form(RECORD, fields, spoken, choices=offered, near=near, blank=blank)
    return tuple(leave_out(section, "/content/consent_id") for section in made if section.place.startswith("/content"))


def _both(mine: Words, second: Words) -> list[tuple[str, str]]:
    return [(mine(text), second(text)) for text in (FREE, *TOLD.values())]


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
    """Show the consent as a sheet to print for the person, in their language or another one."""
    found = await visit.ask("consent.show", {"id": visit.request.match_info["consent"]})
    wanted = visit.request.query.get("language") or str(found["record"].get("language", ""))[:2]
    second = load_words(wanted if wanted in load_languages() else visit.words.language.code)
    record = {name: value for name, value in found["record"].items() if name not in ("told", "consent_id")}
    told = [second(text) for text in (FREE, *TOLD.values())]
    said = await _said(visit, record, second)
    titles = {name: second(text) for name, text in SHEET.items()}
    return visit.page("consent-sheet.html", found=found, second=second, said=said, told=told, titles=titles)


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
    Page(method="GET", path="/consents/new", handler=choose_language, operation="consent.record"),
    Page(method="POST", path="/consents/new", handler=take_consent, operation="consent.record", long=True),
    Page(method="GET", path=ONE, handler=show_consent, operation="consent.show"),
    Page(method="GET", path=f"{ONE}/sheet", handler=print_consent, operation="consent.show"),
)
