"""Drafts: those that wait, the form of one on one page, and discarding it. How one begins is in
`gateway.console.pages.writing.beginning`, and writing step by step in `gateway.console.pages.writing.guided`.

A draft may be unfinished for as long as it takes. Nothing leaves by saving it: what would leave is shown, and a person
releases it (`gateway.console.pages.writing.release`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.console import choices
from gateway.console.forms.build import build_form
from gateway.console.forms.faults import explain_faults, find_faults, group_by_place
from gateway.console.forms.fields import remove_row, to_document, to_fields
from gateway.console.forms.parts import Options
from gateway.console.forms.prefill import number_items
from gateway.console.navigation.sections import Section
from gateway.console.pages.messages import Part
from gateway.console.pages.messages import render_half as rendered
from gateway.console.refusals import RefusalText
from gateway.console.units import load_units
from gateway.console.visit import Form, Page, Visit
from gateway.console.words import N_
from gateway.errors import Code, Finding, RefusedError
from gateway.operations.roles import CASES
from gateway.ports import Json
from schemas.catalogue import load_catalogue
from schemas.walk import list_fields

SECTION = Section(
    path="/drafts",
    title=N_("Drafts"),
    operation="draft.list",
    shape="pencil",
    of=CASES,
)
WAITING = ("waiting", "waiting_second")
WHOLE = "/drafts/{draft}/whole"
"""The form of one page, for who fills in all of it at once."""
ABOUT_NOBODY = "standing"
"""The kind of conversation between two mechanisms."""


async def list_drafts(visit: Visit) -> web.StreamResponse:
    """List the drafts that wait to be finished or for a second person."""
    cursor = visit.request.query.get("cursor")
    found = await visit.ask("draft.list", {"limit": 50, **({} if cursor is None else {"cursor": cursor})})
    second = [one for one in found["drafts"] if one["state"] == "waiting_second"]
    first = [one for one in found["drafts"] if one["state"] != "waiting_second"]
    return visit.page("drafts.html", second=second, first=first, following=found["next"])


# --- filling in ---------------------------------------------------------------------------------------------------


async def load_waiting_draft(visit: Visit) -> dict[str, Any]:
    """Load the draft of this page. Raises RefusedError if it no longer waits or has no type."""
    shown: dict[str, Any] = await visit.ask("draft.show", {"id": visit.request.match_info["draft"]})
    if shown["state"] not in WAITING:
        raise RefusedError(Code.CONFLICT, f"the draft is {shown['state']}")
    if shown["type"] not in load_catalogue():
        raise RefusedError(Code.INVALID, "the draft has no known message type", hint="discard it")
    return shown


async def edit_draft(visit: Visit) -> web.StreamResponse:
    """Show the form of a draft."""
    shown = await load_waiting_draft(visit)
    return await _page(visit, shown, shown["draft"], version=shown["version"])


async def save_draft(visit: Visit) -> web.StreamResponse:
    """Save what was filled in, whatever is still wrong with it; or add or remove a row first."""
    form = await visit.form()
    try:
        shown = await load_waiting_draft(visit)
    except RefusedError as error:
        return await show_late(visit, form, error)
    draft = _filled(visit, shown["draft"], form) | await name_case_of(visit, form)
    saved = await keep_draft(visit, shown, form, draft, _page)
    if not isinstance(saved, str):
        return saved
    act = form.one("act")
    if act == "files":
        return visit.go(f"/drafts/{shown['id']}/files")
    if act != "check":
        return visit.go(f"/drafts/{shown['id']}/whole?saved=1")
    findings = find_faults(str(shown["type"]), draft)
    if not findings:
        return visit.go(f"/drafts/{shown['id']}/preview")
    return await _page(visit, shown, draft, version=saved, status=422, findings=findings)


async def keep_draft(
    visit: Visit,
    shown: Mapping[str, Any],
    form: Form,
    draft: dict[str, Json],
    show: Callable[..., Awaitable[web.StreamResponse]],
) -> web.StreamResponse | str:
    """Save a draft as it was filled in; or add or remove a row first. Returns the version that was saved, or where none
    was what `show` makes of the draft: with a row more or less, or beside what the other person has saved meanwhile.
    """
    act, _, place = form.one("act").partition(":")
    version = form.one("version")
    if act in ("add", "again"):
        return await show(visit, shown, draft, version=version, blank=[place])
    if act == "remove":
        halves = remove_row({"header": draft["header"], "content": draft["content"]}, place)
        return await show(visit, shown, draft | (halves if isinstance(halves, dict) else {}), version=version)
    try:
        saved = await visit.ask("draft.change", {"id": shown["id"], "draft": draft, "if_match": version})
    except RefusedError as error:
        theirs = await render_draft(shown["draft"], visit) if error.code is Code.CHANGED_MEANWHILE else None
        told = visit.told(error)
        return await show(visit, shown, draft, version=shown["version"], status=409, told=told, theirs=theirs)
    return str(saved["version"])


async def name_case_of(visit: Visit, form: Form) -> dict[str, Json]:
    """Return the case chosen for a draft of none, as a member of it. Adding a row keeps the choice, beginning none."""
    if form.one("act").partition(":")[0] in ("add", "remove", "again"):
        return {"case": form.one("case")} if "case" in form else {}
    case = await choices.choose_case(visit, form)
    return {} if case is None else {"case": case}


async def show_late(visit: Visit, form: Form, error: RefusedError) -> web.StreamResponse:
    """Show what was filled in, to be copied: somebody sent or discarded the draft meanwhile."""
    body_type = form.one("type")
    if error.code is not Code.CONFLICT or body_type not in load_catalogue():
        raise error
    wrote = await render_draft(
        {"type": body_type, "to": "", **to_document(body_type, form.fields, visit.settings.offset)}, visit
    )
    return visit.page("draft-late.html", told=visit.told(error), wrote=wrote, status=409)


def _filled(visit: Visit, draft: Mapping[str, Json], form: Form) -> dict[str, Json]:
    """Return the draft with the form's content. Whoever releases it is its author, so an earlier author is left out."""
    halves = to_document(str(draft["type"]), form.fields, visit.settings.offset)
    halves["content"] = number_items(str(draft["type"]), halves["content"])
    kept = {name: value for name, value in draft.items() if name != "purpose"}
    purpose = form.one("/purpose")
    return {**kept, **halves, **({"purpose": purpose} if purpose else {})}


async def _page(
    visit: Visit,
    shown: Mapping[str, Any],
    draft: Mapping[str, Json],
    *,
    version: str,
    blank: Iterable[str] = (),
    findings: Iterable[Finding] = (),
    told: RefusalText | None = None,
    theirs: Sequence[Part] | None = None,
    status: int = 200,
) -> web.StreamResponse:
    body_type = str(draft["type"])
    given = to_fields(body_type, draft, visit.settings.offset)
    if isinstance(draft.get("purpose"), str):
        given["/purpose"] = (str(draft["purpose"]),)
    of_case = shown["of_case"]["id"] if shown["of_case"] else draft.get("case")
    offered = await choices.list_choices(visit, draft, of_case if isinstance(of_case, str) else None)
    near = visit.settings.near
    parts = build_form(body_type, given, visit.words, choices=offered, near=near, blank=blank)
    faults = explain_faults(body_type, findings, visit.words, parts)
    return visit.page(
        "draft.html",
        shown=shown,
        body_type=body_type,
        parts=parts,
        faults=group_by_place(faults),
        summary=faults,
        version=version,
        told=told,
        theirs=theirs,
        takes_files=takes_files(body_type),
        known=await list_open_choice(visit, shown, body_type),
        chosen=draft.get("case") or "",
        status=status,
    )


async def list_open_choice(visit: Visit, shown: Mapping[str, Any], body_type: str) -> Options | None:
    """List the cases to choose from for a draft of none; None where it has one, or is about no person."""
    if shown["of_case"] or load_catalogue().get(body_type).kind == ABOUT_NOBODY:
        return None
    return await choices.list_cases(visit)


def takes_files(body_type: str, places: Iterable[str] = ("",)) -> bool:
    """Whether a message of this type names files, at or below one of the places."""
    return any(field.schema.get("x-part") and field.path.startswith(tuple(places)) for field in list_fields(body_type))


async def render_draft(draft: Mapping[str, Json], visit: Visit) -> list[Part]:
    """Render everything in a draft, content first."""
    units = (await load_units(visit)).named(None, str(draft["to"]))
    return [part for half in ("content", "header") for part in rendered({half: {}, **draft}, half, visit.words, units)]


# --- discarding ---------------------------------------------------------------------------------------------------


async def ask_discard(visit: Visit) -> web.StreamResponse:
    """Ask for confirmation before a draft is discarded."""
    shown = await visit.ask("draft.show", {"id": visit.request.match_info["draft"]})
    return visit.page("draft-discard.html", shown=shown)


async def discard_draft(visit: Visit) -> web.StreamResponse:
    """Discard a draft with its files."""
    id = visit.request.match_info["draft"]
    await visit.act("draft.discard", {"id": id})
    return visit.go("/drafts")


PAGES = (
    Page(method="GET", path="/drafts", handler=list_drafts, operation="draft.list"),
    Page(method="GET", path=WHOLE, handler=edit_draft, operation="draft.show"),
    Page(method="POST", path=WHOLE, handler=save_draft, operation="draft.change", long=True),
    Page(method="GET", path="/drafts/{draft}/discard", handler=ask_discard, operation="draft.discard"),
    Page(method="POST", path="/drafts/{draft}/discard", handler=discard_draft, operation="draft.discard"),
)
