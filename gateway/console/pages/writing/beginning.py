"""How a message begins: from the case of a person, as an answer in a conversation, or about no person at all.

Whose case it is stands before everything else in the form: so the consents that are offered are that person's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.console.choices import choose_case, list_cases
from gateway.console.forms.alert import ALERT
from gateway.console.forms.prefill import (
    begin_answer,
    begin_basis,
    begins_with_answered,
    carry_terms,
    header_of,
)
from gateway.console.pages.writing.drafts import ABOUT_NOBODY
from gateway.console.pickers import find_version
from gateway.console.units import find_sender, load_units
from gateway.console.visit import Form, Page, Visit
from gateway.console.words import N_
from gateway.ports import Json
from schemas.catalogue import load_catalogue

ELSEWHERE = frozenset(
    {"consent.record/1", "consent.withdrawal/1", "reminder.due/1", "link.probe/1", "erasure.confirmation/1"}
)
"""Types that nobody writes in a form: consents have pages of their own, the others are written by the node."""
OFFERED, REFERRAL, ENQUIRY = "offered", "referral.request/1", "enquiry.capacity/1"
TAKEN = "safety.alert.ack/1"
ASKS_TO_TAKE = "referral"
"""The purpose with which a referral begins: to ask whether they take the case."""
CHOOSE = N_("Choose one.")
NEEDS_CASE = N_("Say whose case it is: choose one, or say what a new one is called.")


async def choose_message(visit: Visit) -> web.StreamResponse:
    """List the messages that can begin a conversation, and the units that can receive one."""
    named = {name: (visit.request.query.get(name, ""),) for name in ("case", "type")}
    return await _new(visit, {}, Form(named))


async def _new(visit: Visit, faults: Mapping[str, str], given: Form) -> web.StreamResponse:
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
        known=await list_cases(visit),
        faults=faults,
        given=given,
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
    """Make a draft of the chosen type for the chosen unit, of the chosen case; one that is new begins with it."""
    form = await visit.form()
    peer, _, unit = form.one("to").partition("/")
    units = await load_units(visit)
    there = unit in dict(units.of(peer))
    chosen = form.one("type") in load_catalogue() and _begins(form.one("type"))
    faults = {name: CHOOSE for name, ok in {"type": chosen, "to": there}.items() if not ok}
    if form.one("type") == REFERRAL and "case" not in form and "case_label" not in form:
        faults["case_label"] = NEEDS_CASE
    if faults:
        return await _new(visit, {name: visit.words(fault) for name, fault in faults.items()}, form)
    about_nobody = load_catalogue().get(form.one("type")).kind == ABOUT_NOBODY
    case = None if about_nobody else await choose_case(visit, form)
    ours = await find_sender(visit, units, case)
    header = {
        "sender_unit": ours,
        "sender_role": units.only_role(ours, body_type=form.one("type")),
        "recipient_unit": unit,
        "recipient_role": units.only_role(unit, peer, body_type=form.one("type")),
    }
    basis = begin_basis(form.one("type"), authority=units.is_authority(ours))
    terms = basis | known_terms(visit, peer, form.one("type"))
    known_header: dict[str, Json] = {name: value for name, value in (header | terms).items() if value is not None}
    draft: dict[str, Json] = {"type": form.one("type"), "to": peer, "header": known_header, "content": {}}
    if form.one("type") == REFERRAL:
        draft["purpose"] = ASKS_TO_TAKE
    return await _save_new(visit, form, draft if case is None else {**draft, "case": case})


async def _save_new(visit: Visit, form: Form, draft: dict[str, Json]) -> web.StreamResponse:
    done = await visit.ask("draft.save", {"draft": draft}, key=form.one("key") or None)
    return visit.go(f"/drafts/{done['id']}")


async def choose_reply(visit: Visit) -> web.StreamResponse:
    """List the messages that can be written in a conversation now, what each would answer, and what is expected
    next.
    """
    return await _offering(visit, await _offers(visit), {}, Form({}))


async def _offering(
    visit: Visit, offers: Sequence[Mapping[str, Any]], faults: Mapping[str, str], given: Form
) -> web.StreamResponse:
    """Show what can be written; where that is a referral after an enquiry about nobody, whose case it is, too."""
    return visit.page(
        "write.html",
        conversation=visit.request.match_info["conversation"],
        offers=offers,
        known=await list_cases(visit) if any(map(_begins_case, offers)) else None,
        faults=faults,
        given=given,
        status=422 if faults else 200,
    )


async def begin_reply(visit: Visit) -> web.StreamResponse:
    """Make a draft of the chosen type, with as much of its header as is known."""
    form = await visit.form()
    offers = await _offers(visit)
    chosen = next((offer for offer in offers if offer["value"] == form.one("what")), None)
    if chosen is None:
        return await _offering(visit, offers, {"what": visit.words(CHOOSE)}, form)
    if chosen["type"] == TAKEN and chosen["answers"] is not None:
        return visit.go(f"/alerts/{chosen['answers']['id']}")  # which takes it, and says who did
    draft: dict[str, Json] = dict(chosen["draft"])
    if _begins_case(chosen):
        case = await choose_case(visit, form)
        if case is None:
            return await _offering(visit, offers, {"case_label": visit.words(NEEDS_CASE)}, form)
        draft["case"] = case
    return await _save_new(visit, form, draft | await _prefill(visit, chosen))


def known_terms(visit: Visit, peer: str, body_type: str) -> dict[str, Json]:
    """Return what node.toml sets for messages to a peer, with the reader's language; empty where it sets nothing. An
    alert is an emergency, in the language of whoever writes it.
    """
    section = visit.settings.corridors.get(peer)
    urgency: dict[str, Json] = {}
    if body_type == ALERT:
        urgency = {"priority": "emergency", "language": visit.words.language.code}
    if section is None:
        return urgency
    personal = load_catalogue().get(body_type).personal
    terms = header_of(section, visit.settings.now(), personal=personal)
    return {**terms, "language": visit.words.language.code, **urgency}


async def _prefill(visit: Visit, chosen: Mapping[str, Any]) -> dict[str, Json]:
    """Return header and content with which an answer begins: as our last message to them, and by what it answers."""
    draft, entry = chosen["draft"], load_catalogue().get(chosen["type"])
    ours = draft["header"].get("sender_unit")
    basis = begin_basis(chosen["type"], authority=(await load_units(visit)).is_authority(ours))
    terms = basis | known_terms(visit, chosen["peer"], chosen["type"])
    if chosen["last"] is not None:
        last = await visit.ask("message.show", {"id": chosen["last"], "direction": "out"})
        terms |= carry_terms(last.get("header") or {}, personal=entry.personal)
    answers, said = chosen["answers"], dict(draft["content"])
    if answers is not None and begins_with_answered(chosen["type"]):
        way = {"id": answers["id"], "direction": answers["direction"]}
        said |= begin_answer(chosen["type"], (await visit.ask("message.show", way)).get("content") or {})
    talk = draft.get("conversation")
    version = None if talk is None or "version" in said else await find_version(visit, chosen["type"], talk)
    known: dict[str, Json] = {} if version is None else {"version": version}
    return {"header": {**terms, **draft["header"]}, "content": said | known}


def _begins_case(offer: Mapping[str, Any]) -> bool:
    """Whether nobody has said yet whose case the message would be of."""
    return offer["type"] == REFERRAL and "conversation" not in offer["draft"] and "case" not in offer["draft"]


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
                last = _last_own(shown, side["peer"])
                duty, step = owed.get(one["in_reply_to"]), find_step(stands, one["type"])
                offers.append(_offer(id, side, one, said, duty, step) | {"last": last})
        if stands.get("kind") == "enquiry" and str(stands["state"]).lower() == OFFERED and stands["side"] == "host":
            offers.append(_referral(shown, side) | {"last": None})
    return sorted(offers, key=lambda offer: (offer["duty"] is None, offer["step"] is None))


def _last_own(shown: Mapping[str, Any], peer: str) -> str | None:
    """Find our newest message to a peer that people wrote and that still has its content."""
    own = (one for one in shown["messages"] if (one["direction"], one["peer"]) == ("out", peer))
    return max(
        (one for one in own if one["type"] is not None and one["type"] not in ELSEWHERE),
        key=lambda one: one["at"],
        default={"id": None},
    )["id"]


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
        "value": name_offer(side["peer"], one),
        "type": one["type"],
        "peer": side["peer"],
        "answers": answers,
        "duty": duty,
        "step": step,
        "draft": {name: value for name, value in draft.items() if value is not None},
    }


def name_offer(peer: str, one: Mapping[str, Any]) -> str:
    """Name what can be written, as forms send it: to whom, what, and which message it answers."""
    return f"{peer} {one['type']} {one['in_reply_to'] or ''}".strip()


def _referral(shown: Mapping[str, Any], side: Mapping[str, Any]) -> dict[str, Any]:
    """Offer the referral that follows an enquiry: a conversation of its own, which quotes the enquiry and is of its
    case, if it has one.
    """
    asked = next((one["id"] for one in shown["messages"] if one["type"] == ENQUIRY), None)
    header = {name: value for name, value in side["header"].items() if not name.startswith("case_ref")}
    content = {} if asked is None else {"enquiry_id": asked}
    draft = {"type": REFERRAL, "to": side["peer"], "header": header, "content": content}
    return {
        "value": f"{side['peer']} {REFERRAL}",
        "type": REFERRAL,
        "peer": side["peer"],
        "answers": None,
        "duty": None,
        "step": {},
        "draft": draft | ({"case": shown["of_case"]["id"]} if shown.get("of_case") else {}),
    }


def find_step(standing: Mapping[str, Any], body_type: str) -> Any:
    """Return the procedure step that a message of this type would complete, if it is due."""
    steps = (standing.get("procedure") or {}).get("steps", ())
    name = body_type.partition("/")[0]
    return next((one for one in steps if one["standing"] == "due" and name in one["messages"]), None)


PAGES = (
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
)
