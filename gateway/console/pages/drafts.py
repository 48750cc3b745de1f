"""Writing: the messages that can be written now, new drafts, their forms, and the files that go with them.

A draft may be unfinished for as long as it takes. Nothing leaves by saving it: what would leave is shown, and a person
releases it (`gateway.console.pages.release`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.console import choices
from gateway.console.forms.build import build_form
from gateway.console.forms.faults import explain_faults, find_faults, group_by_place
from gateway.console.forms.fields import remove_row, to_document, to_fields
from gateway.console.pages.messages import Part
from gateway.console.pages.messages import render_half as rendered
from gateway.console.refusals import RefusalText
from gateway.console.units import load_units
from gateway.console.visit import Form, Page, Section, Visit
from gateway.console.words import N_
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Json
from schemas.catalogue import load_catalogue
from schemas.walk import list_fields

SECTION = Section(path="/drafts", title=N_("Drafts"), operation="draft.list")
WAITING = ("waiting", "waiting_second")
ELSEWHERE = frozenset(
    {"consent.record/1", "consent.withdrawal/1", "reminder.due/1", "link.probe/1", "erasure.confirmation/1"}
)
"""Types that nobody writes in a form: consents have pages of their own, the others are written by the node."""
OFFERED, REFERRAL, ENQUIRY = "offered", "referral.request/1", "enquiry.capacity/1"


# --- beginning ----------------------------------------------------------------------------------------------------


async def list_drafts(visit: Visit) -> web.StreamResponse:
    """List the drafts that wait to be finished or for a second person."""
    cursor = visit.request.query.get("cursor")
    found = await visit.ask("draft.list", {"limit": 50, **({} if cursor is None else {"cursor": cursor})})
    second = [one for one in found["drafts"] if one["state"] == "waiting_second"]
    first = [one for one in found["drafts"] if one["state"] != "waiting_second"]
    return visit.page("drafts.html", second=second, first=first, following=found["next"])


async def choose_message(visit: Visit) -> web.StreamResponse:
    """List the messages that can begin a conversation, and the units that can receive one."""
    return await _new(visit, {})


async def _new(visit: Visit, faults: Mapping[str, str], given: Form | None = None) -> web.StreamResponse:
    types = sorted((entry.body_type for entry in load_catalogue().types if _begins(entry.body_type)), key=_asked_for)
    units = await load_units(visit)
    to = [
        (f"{unit['peer']}/{unit['unit']}", units.reference(f"{unit['node']}/{unit['unit']}"))
        for unit in units.listed
        if unit["state"] == "active"
    ]
    return visit.page(
        "draft-new.html",
        types=[(name, visit.words.message(name)) for name in types],
        to=to,
        faults=faults,
        given=given or Form({}),
        status=422 if faults else 200,
    )


def _asked_for(body_type: str) -> bool:
    """Whether a type comes after the two that people write most (a sort key)."""
    return body_type not in (ENQUIRY, REFERRAL)


def _begins(body_type: str) -> bool:
    """Whether a message of this type can be the first of a conversation."""
    entry = load_catalogue().get(body_type)
    alone = entry.kind in ("enquiry", "standing") and not entry.reply_to
    return (alone or body_type == REFERRAL) and body_type not in ELSEWHERE


async def begin_conversation(visit: Visit) -> web.StreamResponse:
    """Make a draft of the chosen type for the chosen unit."""
    form = await visit.form()
    peer, _, unit = form.one("to").partition("/")
    units = await load_units(visit)
    there = unit in dict(units.of(peer))
    chosen = form.one("type") in load_catalogue() and _begins(form.one("type"))
    if not (there and chosen):
        missing = {"type": chosen, "to": there}
        return await _new(visit, {name: visit.words("Choose one.") for name, ok in missing.items() if not ok}, form)
    own = [id for id, _ in units.of()]
    ours = visit.who.caller.unit or (own[0] if len(own) == 1 else None)
    header = {
        "sender_unit": ours,
        "sender_role": units.only_role(ours),
        "recipient_unit": unit,
        "recipient_role": units.only_role(unit, peer),
    }
    known_header: dict[str, Json] = {name: value for name, value in header.items() if value is not None}
    return await _save_new(visit, form, {"type": form.one("type"), "to": peer, "header": known_header, "content": {}})


async def _save_new(visit: Visit, form: Form, draft: dict[str, Json]) -> web.StreamResponse:
    done = await visit.ask("draft.save", {"draft": draft}, key=form.one("key") or None)
    return visit.go(f"/drafts/{done['id']}")


async def choose_reply(visit: Visit) -> web.StreamResponse:
    """List the messages that can be written in a conversation now, what each would answer, and what is expected
    next.
    """
    offers = await _offers(visit)
    return visit.page("write.html", conversation=visit.request.match_info["conversation"], offers=offers, fault="")


async def begin_reply(visit: Visit) -> web.StreamResponse:
    """Make a draft of the chosen type, with as much of its header as is known."""
    form = await visit.form()
    offers = await _offers(visit)
    chosen = [offer for offer in offers if offer["value"] == form.one("what")]
    if not chosen:
        conversation = visit.request.match_info["conversation"]
        fault = visit.words("Choose one.")
        return visit.page("write.html", conversation=conversation, offers=offers, fault=fault, status=422)
    return await _save_new(visit, form, dict(chosen[0]["draft"]))


async def _offers(visit: Visit) -> list[dict[str, Any]]:
    """List each message with the draft that it would begin; what is owed comes first, then what the procedure
    expects.
    """
    id = visit.request.match_info["conversation"]
    shown = await visit.ask("conversation.show", {"id": id})
    writable = await visit.ask("conversation.writable", {"id": id})
    said = {message["id"]: message for message in shown["messages"]}
    standing = {one["peer"]: one for one in shown["standing"]}
    offers = []
    for side in writable["peers"]:
        stands = standing.get(side["peer"], {})
        owed = {duty["because"]: duty for duty in stands.get("owed", ()) if duty["owes"] == "us"}
        for one in side["types"]:
            if one["type"] not in ELSEWHERE:
                offers.append(_offer(id, side, one, said, owed.get(one["in_reply_to"]), _step(stands, one["type"])))
        if stands.get("kind") == "enquiry" and str(stands["state"]).lower() == OFFERED and stands["side"] == "host":
            offers.append(_referral(shown, side))
    return sorted(offers, key=lambda offer: (offer["duty"] is None, offer["step"] is None))


def _offer(
    conversation: str, side: Mapping[str, Any], one: Mapping[str, Any], said: Mapping[str, Any], duty: Any, step: Any
) -> dict[str, Any]:
    answers = said.get(one["in_reply_to"])
    draft = {
        "type": one["type"],
        "to": side["peer"],
        "conversation": conversation,
        "in_reply_to": one["in_reply_to"],
        "purpose": None if answers is None else answers["purpose"],
        "header": dict(side["header"]),
        "content": {},
    }
    return {
        "value": f"{side['peer']} {one['type']} {one['in_reply_to'] or ''}".strip(),
        "type": one["type"],
        "peer": side["peer"],
        "answers": answers,
        "duty": duty,
        "step": step,
        "draft": {name: value for name, value in draft.items() if value is not None},
    }


def _referral(shown: Mapping[str, Any], side: Mapping[str, Any]) -> dict[str, Any]:
    """Offer the referral that follows an enquiry: a conversation of its own, which quotes the enquiry."""
    asked = next((one["id"] for one in shown["messages"] if one["type"] == ENQUIRY), None)
    header = {name: value for name, value in side["header"].items() if not name.startswith("case_ref")}
    content = {} if asked is None else {"enquiry_id": asked}
    return {
        "value": f"{side['peer']} {REFERRAL}",
        "type": REFERRAL,
        "peer": side["peer"],
        "answers": None,
        "duty": None,
        "step": {},
        "draft": {"type": REFERRAL, "to": side["peer"], "header": header, "content": content},
    }


def _step(standing: Mapping[str, Any], body_type: str) -> Any:
    """Return the procedure step that a message of this type would complete, if it is due."""
    steps = (standing.get("procedure") or {}).get("steps", ())
    name = body_type.partition("/")[0]
    return next((one for one in steps if one["standing"] == "due" and name in one["messages"]), None)


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
        return await _late(visit, form, error)
    draft = _filled(visit, shown["draft"], form)
    act, _, place = form.one("act").partition(":")
    version = form.one("version")
    if act in ("add", "again"):
        return await _page(visit, shown, draft, version=version, blank=[place])
    if act == "remove":
        halves = remove_row({"header": draft["header"], "content": draft["content"]}, place)
        return await _page(visit, shown, draft | (halves if isinstance(halves, dict) else {}), version=version)
    try:
        saved = await visit.ask("draft.change", {"id": shown["id"], "draft": draft, "if_match": version})
    except RefusedError as error:
        theirs = await render_draft(shown["draft"], visit) if error.code is Code.CHANGED_MEANWHILE else None
        told = visit.told(error)
        return await _page(visit, shown, draft, version=shown["version"], status=409, told=told, theirs=theirs)
    if act == "files":
        return visit.go(f"/drafts/{shown['id']}/files")
    if act != "check":
        return visit.go(f"/drafts/{shown['id']}?saved=1")
    findings = find_faults(str(shown["type"]), draft)
    if not findings:
        return visit.go(f"/drafts/{shown['id']}/preview")
    return await _page(visit, shown, draft, version=saved["version"], status=422, findings=findings)


async def _late(visit: Visit, form: Form, error: RefusedError) -> web.StreamResponse:
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
    offered, near = await choices.list_choices(visit, draft), visit.settings.near
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
        takes_files=_takes_files(body_type),
        status=status,
    )


def _takes_files(body_type: str) -> bool:
    return any(field.schema.get("x-part") for field in list_fields(body_type))


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
    message = (await visit.ask("draft.show", {"id": id})).get("draft", {}).get("message")
    await visit.act("draft.discard", {"id": id})
    if isinstance(message, str) and (await visit.ask("attachment.waiting", {"id": message}))["attachments"]:
        await visit.ask("attachment.discard", {"id": message})
    return visit.go("/drafts")


PAGES = (
    Page(method="GET", path="/drafts", handler=list_drafts, operation="draft.list"),
    Page(method="GET", path="/drafts/new", handler=choose_message, operation="draft.save"),
    Page(method="POST", path="/drafts/new", handler=begin_conversation, operation="draft.save"),
    Page(
        method="GET",
        path="/conversations/{conversation}/write",
        handler=choose_reply,
        operation="conversation.writable",
    ),
    Page(
        method="POST",
        path="/conversations/{conversation}/write",
        handler=begin_reply,
        operation="conversation.writable",
    ),
    Page(method="GET", path="/drafts/{draft}", handler=edit_draft, operation="draft.show"),
    Page(method="POST", path="/drafts/{draft}", handler=save_draft, operation="draft.change", long=True),
    Page(method="GET", path="/drafts/{draft}/discard", handler=ask_discard, operation="draft.discard"),
    Page(method="POST", path="/drafts/{draft}/discard", handler=discard_draft, operation="draft.discard"),
)
