"""Conversations: the list, one as a timeline with the procedure beside it, and what people do about the whole of it.

Nothing of what was said stands on these pages but the kind of each message: what it says is on its own page, which is
where reading it is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from gateway.cases.rules import MAY_JOIN
from gateway.console import choices
from gateway.console.forms.parts import Options, label_place
from gateway.console.navigation.duty import find_called
from gateway.console.navigation.sections import Section
from gateway.console.states import KINDS, OF_KIND
from gateway.console.units import load_units
from gateway.console.visit import Page, Visit
from gateway.console.words import N_, Words
from gateway.conversations.safe_contact import Channel
from gateway.messages.emergency import REFERRAL
from gateway.ports import Json

SECTION = Section(
    path="/conversations",
    title=N_("Conversations"),
    operation="conversation.list",
    shape="talk",
)
ONE = "/conversations/{id}"
SHOW = "conversation.show"
PAGE = 50
GUIDED = 4
"""Texts of the guidance library that stand beside a conversation."""
ORIGINS = ("own", "region", "general")
OFFICES = 6
"""Of each country on the sheet for the telephone, those that can be reached first."""


async def list_conversations(visit: Visit) -> web.StreamResponse:
    """List conversations, most recently active first, filtered by country, kind or state."""
    query = visit.request.query
    chosen = {name: query.get(name, "") for name in ("peer", "kind", "state")}
    if chosen["kind"] not in OF_KIND:
        chosen["state"] = ""  # a state means something within its kind only
    asked: dict[str, Json] = {name: value for name, value in chosen.items() if value}
    cursor = query.get("cursor")
    asked |= {"limit": PAGE} | ({} if cursor is None else {"cursor": cursor})
    found = await visit.ask("conversation.list", asked)
    peers = [(peer["name"], visit.words.country(peer["name"])) for peer in (await visit.ask("peer.list"))["peers"]]
    kinds = [(kind, visit.words(text)) for kind, text in KINDS.items()]
    states = [(state, visit.words(text)) for state, text in OF_KIND.get(chosen["kind"], {}).items()]
    return visit.page(
        "conversations.html",
        found=found,
        chosen=chosen,
        peers=peers,
        kinds=kinds,
        states=states,
        units=await load_units(visit),
    )


async def show_conversation(visit: Visit) -> web.StreamResponse:
    """Show one conversation: its state with each peer, and its messages in order."""
    return await _show(visit, "")


async def _show(visit: Visit, fault: str) -> web.StreamResponse:
    id = visit.request.match_info["id"]
    found = await visit.ask(SHOW, {"id": id})
    return visit.page(
        "conversation.html",
        status=422 if fault else 200,
        found=found,
        known=await _open_cases(visit, found),
        fault=fault,
        advice=await _advice(visit, found),
        guidance=await _guidance(visit, found),
        owed_labels={
            place: label_place(REFERRAL, place, visit.words)
            for standing in found["standing"]
            for place in standing["owed_later"]
        },
        **await _holds(visit, id),
    )


async def _open_cases(visit: Visit, found: Mapping[str, Any]) -> Options | None:
    """The cases that an enquiry of no case can be given to; None where this conversation can be given to none."""
    kinds = {standing["kind"] for standing in found["standing"]}
    if found["of_case"] or kinds != {MAY_JOIN} or not visit.allows("case.join"):
        return None
    return await choices.list_cases(visit)


async def join_case(visit: Visit) -> web.StreamResponse:
    """Give an enquiry to the case of the person it is about, also to one that begins."""
    id, case = visit.request.match_info["id"], await choices.choose_case(visit, await visit.form())
    if case is None:
        return await _show(visit, visit.words("Choose the case, or say what a new one is called."))
    await visit.act("case.join", {"id": case, "conversation": id})
    return visit.go(f"/conversations/{id}")


async def print_call_sheet(visit: Visit) -> web.StreamResponse:
    """Show a sheet to print for a telephone call; it names nobody."""
    id = visit.request.match_info["id"]
    found = await visit.ask(SHOW, {"id": id})
    references, now = await _references(visit, id), visit.settings.now()
    units, language = (await load_units(visit)).listed, visit.words.language.code
    called = {}
    for peer in sorted({standing["peer"] for standing in found["standing"]}):
        one = await find_called(visit.ask, units, peer, now, language)
        called[peer] = (one.offices[:OFFICES], one.signed)
    return visit.page(
        "sheet.html", found=found, references=references, advice=await _advice(visit, found), now=now, called=called
    )


async def check_contact(visit: Visit) -> web.StreamResponse:
    """Check whether the person may be reached in this way now; the address that was entered stays in the form only."""
    id, form = visit.request.match_info["id"], await visit.form()
    channel, address = form.one("channel"), form.one("address")
    said = await visit.ask("contact.advise", {"id": id, "channel": channel} | ({"address": address} if address else {}))
    return visit.page("contact.html", id=id, channel=channel, advice=said)


async def hold_for_asylum(visit: Visit) -> web.StreamResponse:
    """Place an asylum hold, or name one more State: nothing about the person goes there from now on."""
    form = await visit.form()
    state, lost = form.one("state"), form.one("lost")
    named: dict[str, Json] = {"states": [state]} if state else {}
    return await _done(visit, "asylum.hold", **named, **({"lost": True} if lost else {}))


async def lift_asylum_hold(visit: Visit) -> web.StreamResponse:
    """Propose to lift the hold, or agree as the second person."""
    return await _done(visit, "asylum.lift")


async def place_hold(visit: Visit) -> web.StreamResponse:
    """Place a legal hold until a day: nothing of the conversation is erased."""
    form = await visit.form()
    return await _done(visit, "retention.hold", ground=form.one("ground"), until=form.one("until"))


async def release_hold(visit: Visit) -> web.StreamResponse:
    """Lift the legal hold."""
    return await _done(visit, "retention.release")


async def ask_erasure(visit: Visit) -> web.StreamResponse:
    """Ask for the ground before anything is erased."""
    id = visit.request.match_info["id"]
    await visit.ask(SHOW, {"id": id})
    return visit.page("erase.html", action=f"/conversations/{id}/erase", back=f"/conversations/{id}", whole=True)


async def erase_conversation(visit: Visit) -> web.StreamResponse:
    """Erase every message of the conversation."""
    id = visit.request.match_info["id"]
    await visit.act("conversation.erase", {"id": id, "reason": (await visit.form()).one("reason")})
    return visit.go(f"/conversations/{id}")


async def choose_fields(visit: Visit) -> web.StreamResponse:
    """List the fields of the messages, by their labels and without their values; none is chosen at first."""
    return await _choose(visit, visit.request.query.get("peer", ""), "")


async def _choose(visit: Visit, peer: str, fault: str) -> web.StreamResponse:
    id = visit.request.match_info["id"]
    asked: dict[str, Json] = {"id": id, "peer": peer} if peer else {"id": id}
    found = (await visit.ask("evidence.fields", asked))["messages"]
    messages = [message | {"options": _options(message, visit.words)} for message in found]
    return visit.page("evidence.html", status=422 if fault else 200, id=id, peer=peer, messages=messages, fault=fault)


def _options(message: Any, words: Words) -> list[tuple[str, str]]:
    """Return each field of a message as it is chosen, with its label."""
    return [(message["id"] + pointer, label_path(message["type"], pointer, words)) for pointer in message["fields"]]


def label_path(body_type: str, pointer: str, words: Words) -> str:
    """Name a field by the labels on the way to it, below header or content; a row is named by its list and number."""
    steps = pointer.split("/")
    ends = [end for end in range(3, len(steps) + 1) if end == len(steps) or not steps[end].isdecimal()]
    return words.colon.join(label_place(body_type, "/".join(steps[:end]), words) for end in ends)


async def export_evidence(visit: Visit) -> web.StreamResponse:
    """Export the proof of the conversation as a file; with content only where the person asked for it."""
    form = await visit.form()
    asked: dict[str, Json] = {"id": visit.request.match_info["id"], "disclose": "disclose" in form}
    if "peer" in form:
        asked["peer"] = form.one("peer")
    if "choosing" in form:
        if not form.every("field"):
            return await _choose(visit, form.one("peer"), visit.words("Choose at least one field."))
        asked["fields"] = " ".join(form.every("field"))
    bundle = await visit.act("evidence.export", asked)
    disposition = {"Content-Disposition": 'attachment; filename="evidence.json"'}
    return web.Response(body=orjson.dumps(bundle), content_type="application/json", headers=disposition)


async def _done(visit: Visit, operation: str, **arguments: Json) -> web.StreamResponse:
    id = visit.request.match_info["id"]
    await visit.act(operation, {"id": id, **arguments})
    return visit.go(f"/conversations/{id}")


async def _advice(visit: Visit, found: Any) -> Any:
    """Return the advice on calling the person now, with those who must not know; None if the conversation is about no
    person.
    """
    if not visit.allows("contact.advise") or all(one["kind"] != "referral" for one in found["standing"]):
        return None
    return await visit.ask("contact.advise", {"id": found["conversation"], "channel": str(Channel.CALL)})


async def _guidance(visit: Visit, found: Any) -> dict[str, Any]:
    """Choose, for each peer, a few guidance texts on its stage of the procedure that hold in one of the two countries
    or between both; those of this mechanism and of the region come first.
    """
    stages = {one["peer"]: one["procedure"]["stage"] for one in found["standing"] if one["procedure"] is not None}
    if not visit.allows("guidance.list") or not any(stages.values()):
        return {}
    home = (await visit.ask("node.show"))["country"]
    countries = {peer["name"]: peer["country"] for peer in (await visit.ask("peer.list"))["peers"]}
    texts = {}
    for peer, stage in stages.items():
        if stage is not None:
            asked = {"stage": stage, "country": home, "other": countries[peer], "language": visit.words.language.code}
            listed = (await visit.ask("guidance.list", asked))["texts"]
            texts[peer] = sorted(listed, key=lambda one: ORIGINS.index(one["origin"]))[:GUIDED]
    return texts


async def _holds(visit: Visit, id: str) -> dict[str, Any]:
    """List the holds on the conversation, as far as this person may know them."""
    asylum = (await visit.ask("asylum.list"))["holds"] if visit.allows("asylum.list") else []
    legal = (await visit.ask("retention.list"))["holds"] if visit.allows("retention.list") else []
    return {
        "placed_here": any(hold["id"] == id for hold in asylum),
        "lift_wanted": any(hold["id"] == id and hold["lift_wanted"] for hold in asylum),
        "feared": [visit.words.country(state) for hold in asylum if hold["id"] == id for state in hold["states"]],
        "countries": sorted(visit.words.codes("country"), key=lambda country: visit.words.place(country[1])),
        "legal": next((hold for hold in legal if hold["id"] == id), None),
        "channels": tuple(map(str, Channel)),
    }


async def _references(visit: Visit, id: str) -> list[str]:
    """List the references under which both sides know the case; our own number says nothing to the other side."""
    if not visit.allows("conversation.writable"):
        return []
    peers = (await visit.ask("conversation.writable", {"id": id}))["peers"]
    return list(dict.fromkeys(name for peer in peers for name in peer["known_as"]))


PAGES = (
    Page(method="GET", path=SECTION.path, handler=list_conversations, operation=SECTION.operation),
    Page(method="GET", path=ONE, handler=show_conversation, operation=SHOW),
    Page(method="POST", path=f"{ONE}/case", handler=join_case, operation="case.join"),
    Page(method="GET", path=f"{ONE}/sheet", handler=print_call_sheet, operation=SHOW),
    Page(method="POST", path=f"{ONE}/contact", handler=check_contact, operation="contact.advise"),
    Page(method="POST", path=f"{ONE}/asylum-hold", handler=hold_for_asylum, operation="asylum.hold"),
    Page(method="POST", path=f"{ONE}/asylum-lift", handler=lift_asylum_hold, operation="asylum.lift"),
    Page(method="POST", path=f"{ONE}/hold", handler=place_hold, operation="retention.hold"),
    Page(method="POST", path=f"{ONE}/release", handler=release_hold, operation="retention.release"),
    Page(method="GET", path=f"{ONE}/erase", handler=ask_erasure, operation="conversation.erase"),
    Page(method="POST", path=f"{ONE}/erase", handler=erase_conversation, operation="conversation.erase"),
    Page(method="GET", path=f"{ONE}/evidence", handler=choose_fields, operation="evidence.fields"),
    Page(method="POST", path=f"{ONE}/evidence", handler=export_evidence, operation="evidence.export"),
)
