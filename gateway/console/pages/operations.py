"""Keeping the node running: what waits for whom, what failed and why, alarms with what to do, the way to each country.

Nothing here says what a message is about: the operations these pages ask show no content to anybody, and the lists of
messages among them are ids, states and codes.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from aiohttp import web

from gateway.console import operating
from gateway.console.moving import list_moving
from gateway.console.navigation.sections import Section
from gateway.console.operating import Tells
from gateway.console.pages import overview
from gateway.console.states import INCOMING, OUTGOING
from gateway.console.visit import Form, Page, Visit
from gateway.console.words import N_
from gateway.errors import Code, RefusedError
from gateway.notifications import second_look
from gateway.operations.roles import Role
from gateway.ports import Json
from keys.primitives.encoding import canon

SECTION = Section(
    path="/operations",
    title=N_("Operations"),
    operation="node.status",
    shape="gauge",
    of=frozenset({Role.OPERATOR}),
)
MESSAGES = Section(
    path="/operations/messages",
    title=N_("Messages"),
    operation="message.resend_many",
    shape="inbox",
    of=frozenset({Role.OPERATOR}),
    covers=("/operations/resend",),
)
PAGE = 100
"""Alarms on one page."""
AGAIN = {"message.failed": "failed", "message.held": "held"}
"""Alarms about messages that can be tried again, and what `message.resend_many` calls them."""
ABOUT_CLOCK = frozenset({"clock.unconfirmed", "erasure.waits"})
"""Alarms that end when a person has confirmed the clock."""
PROVEN = frozenset({"peer.equivocation", "own.split_view"})
"""Alarms with a portable proof."""
PROOFS = {"messages": "evidence.contradiction", "descriptors": "keys.proof"}
"""What gives it, by what was signed twice; an alarm that names a message is about messages."""
DAY = 86_400
STATES = tuple(dict.fromkeys((*OUTGOING, *INCOMING)))
FILTERS = ("peer", "reason", "days")


async def show_overview(visit: Visit) -> web.StreamResponse:
    """Show the state of the node."""
    status, keys = await visit.ask("node.status"), []
    if visit.allows("keys.list"):
        keys = [key for key in (await visit.ask("keys.list"))["keys"] if key["current"]]
    moving, now = await list_moving(visit), visit.settings.now()
    workers = (await visit.ask("node.workers"))["workers"]
    endings = await overview.list_endings(visit, now)
    return _page(
        visit,
        "operations.html",
        stands=status,
        keys=keys,
        moving=moving,
        workers=workers,
        queues=overview.describe_queues(visit, await visit.ask("node.delivery"), now),
        scale=overview.draw_scale(visit),
        endings=endings,
        calendar=overview.draw_calendar(visit, endings, now),
        now=now,
    )


async def list_alarms(visit: Visit) -> web.StreamResponse:
    """List every kind of open alarm with its remedy."""
    return _page(visit, "alarms.html", kinds=(await visit.ask("node.status"))["alarms"])


async def list_alarms_of_kind(visit: Visit) -> web.StreamResponse:
    """List the alarms of one kind, oldest first, page by page."""
    kind = visit.request.match_info["kind"]
    asked: dict[str, Json] = {"kind": kind, "limit": PAGE}
    if "cursor" in visit.request.query:
        asked["cursor"] = visit.request.query["cursor"]
    clock = kind in ABOUT_CLOCK and visit.allows("clock.confirm")
    again = AGAIN.get(kind) if visit.allows("message.resend_many") else None
    return _page(
        visit,
        "alarm-kind.html",
        kind=kind,
        found=await visit.ask("alarm.list", asked),
        again=again,
        clock=clock,
        look=kind in second_look.ALARMS and visit.allows("alert.review"),
        proven={name: visit.allows(operation) for name, operation in PROOFS.items()} if kind in PROVEN else {},
    )


async def settle_alarms(visit: Visit) -> web.StreamResponse:
    """Dismiss one alarm or all that are ticked, resend one message, or export the proof behind one alarm."""
    form, kind = await visit.form(), visit.request.match_info["kind"]
    if "again" in form and kind in AGAIN:
        return await _resend(visit, {"state": AGAIN[kind], "message": form.one("again")})
    if "proof" in form:
        return await _export_proof(visit, form.one("proof"))
    if "look" in form:
        outcome, _, message = form.one("look").partition(":")
        await visit.ask("alert.review", {"id": message, "outcome": outcome})
        return visit.go(f"/operations/alarms/{kind}")
    chosen = [form.one("dismiss")] if "dismiss" in form else form.every("alarm")
    for id in chosen:
        try:
            await visit.act("alarm.dismiss", {"id": id})
        except RefusedError as error:
            if error.code is not Code.NOT_FOUND:  # somebody else has dismissed it meanwhile
                raise
    return visit.go(f"/operations/alarms/{kind}")


async def _export_proof(visit: Visit, wanted: str) -> web.StreamResponse:
    """The proof behind an alarm as a file for anybody: of two messages, or of two descriptors."""
    name, _, id = wanted.partition(":")
    if name not in PROOFS:
        raise RefusedError(Code.INVALID, "this is no proof; nothing was exported")
    found = await visit.act(PROOFS[name], {"id": id})
    disposition = {"Content-Disposition": 'attachment; filename="proof.json"'}
    body = canon(found if name == "messages" else found["proof"])
    return web.Response(body=body, content_type="application/json", headers=disposition)


async def confirm_clock(visit: Visit) -> web.StreamResponse:
    """Confirm the clock in the name of the person who has compared it."""
    await visit.form()
    await visit.act("clock.confirm", {})
    return visit.go(SECTION.path)


async def choose_resend(visit: Visit) -> web.StreamResponse:
    """Count the messages to be resent before anything is done."""
    query = visit.request.query
    form = Form({name: (query[name],) for name in ("state", *FILTERS) if query.get(name)})
    asked = _wanted(visit, form)
    found = await visit.act("message.resend_many", asked | {"dry_run": True})
    peers = _name_peers(visit, (await visit.ask("node.status"))["peers"])
    return _page(visit, "resend.html", found=found, form=form, state=asked["state"], peers=peers, done=False)


async def resend_messages(visit: Visit) -> web.StreamResponse:
    """Resend the chosen messages."""
    return await _resend(visit, _wanted(visit, await visit.form()))


def _name_peers(visit: Visit, peers: Any) -> list[tuple[str, str]]:
    """List peers by the names of their countries, in the order of the reader's alphabet."""
    named = [(peer["name"], visit.words.country(peer["name"])) for peer in peers]
    return sorted(named, key=lambda one: visit.words.place(one[1]))


async def _resend(visit: Visit, asked: dict[str, Json]) -> web.StreamResponse:
    done = await visit.act("message.resend_many", asked)
    return _page(visit, "resend.html", found=done, form=Form({}), state=asked["state"], peers=[], done=True)


def _wanted(visit: Visit, form: Form) -> dict[str, Json]:
    """Read the choice of messages to resend from the form."""
    asked: dict[str, Json] = {"state": form.one("state", "failed")}
    asked |= {name: form.one(name) for name in ("peer", "reason") if name in form}
    if "days" in form:
        asked["before"] = max(0, visit.settings.now() - _number(form.one("days")) * DAY)
    return asked


async def list_messages(visit: Visit) -> web.StreamResponse:
    """List messages by country, state or id, with their states and never their content."""
    query = visit.request.query
    chosen = {name: query.get(name, "") for name in ("peer", "state", "id")}
    if chosen["id"] and visit.who.caller.reads_content:
        return visit.go(f"/messages/{quote(chosen['id'], safe='')}")  # whose page notes who reads it
    if chosen["id"]:
        found = {"messages": [await visit.ask("message.show", {"id": chosen["id"]})], "next": None}
    else:
        asked: dict[str, Json] = {name: query[name] for name in ("peer", "state", "cursor") if query.get(name)}
        found = await visit.ask("message.list", {"limit": PAGE, **asked})
    peers = _name_peers(visit, (await visit.ask("node.status"))["peers"])
    said = {name: [visit.words(table[name]) for table in (OUTGOING, INCOMING) if name in table] for name in STATES}
    states = [(name, " / ".join(dict.fromkeys(texts))) for name, texts in said.items()]
    return _page(
        visit, "moved.html", messages=found["messages"], next=found["next"], chosen=chosen, peers=peers, states=states
    )


async def show_peer(visit: Visit) -> web.StreamResponse:
    """Show one country: the state of its messages, and two ways to test the connection."""
    return await _way(visit, None)


async def ping_peer(visit: Visit) -> web.StreamResponse:
    """Test the connection step by step; nothing is changed, so the response is the page itself."""
    return await _way(visit, await visit.ask("peer.ping", {"id": visit.request.match_info["peer"]}))


async def _way(visit: Visit, pinged: Any) -> web.Response:
    name = visit.request.match_info["peer"]
    status = await visit.ask("node.status")
    found = [peer for peer in status["peers"] if peer["name"] == name]
    if not found:
        raise RefusedError(Code.NOT_FOUND, "no such peer")
    failed = [one for one in status["failed"] if one["peer"] == name]
    return _page(
        visit, "way.html", peer=found[0], failed=failed, pinged=pinged, steps=operating.STEPS, now=visit.settings.now()
    )


async def probe_peer(visit: Visit) -> web.StreamResponse:
    """Send a test message all the way; no case system and no list shows it."""
    sent = await visit.ask("peer.probe", {"id": visit.request.match_info["peer"]})
    return visit.go(f"/operations/probes/{sent['id']}")


async def show_probe(visit: Visit) -> web.StreamResponse:
    """Show how far a test message has come; when asked again, wait a little for more."""
    seen = _number(visit.request.query.get("seen", "0"))
    found = await visit.ask("peer.probed", {"id": visit.request.match_info["id"], "seen": seen})
    return _page(visit, "probe.html", found=found, legs=operating.LEGS)


async def check_adapter(visit: Visit) -> web.StreamResponse:
    """Check the case system now."""
    return _page(visit, "adapter.html", found=await visit.ask("adapter.check"))


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise RefusedError(Code.INVALID, "a number is needed here; nothing was done")
    return int(text)


def _page(visit: Visit, template: str, **values: Any) -> web.Response:
    return visit.page(template, tells=Tells(visit.words), tables=operating, **values)


PAGES = (
    Page(method="GET", path=SECTION.path, handler=show_overview, operation=SECTION.operation),
    Page(method="GET", path="/operations/alarms", handler=list_alarms, operation="alarm.list"),
    Page(method="GET", path="/operations/alarms/{kind}", handler=list_alarms_of_kind, operation="alarm.list"),
    Page(method="POST", path="/operations/alarms/{kind}", handler=settle_alarms, operation="alarm.dismiss"),
    Page(method="POST", path="/operations/clock", handler=confirm_clock, operation="clock.confirm"),
    Page(method="GET", path="/operations/messages", handler=list_messages, operation="message.resend_many"),
    Page(method="GET", path="/operations/resend", handler=choose_resend, operation="message.resend_many"),
    Page(method="POST", path="/operations/resend", handler=resend_messages, operation="message.resend_many"),
    Page(method="GET", path="/operations/peers/{peer}", handler=show_peer, operation="node.status"),
    Page(method="POST", path="/operations/peers/{peer}/ping", handler=ping_peer, operation="peer.ping"),
    Page(method="POST", path="/operations/peers/{peer}/probe", handler=probe_peer, operation="peer.probe"),
    Page(method="GET", path="/operations/probes/{id}", handler=show_probe, operation="peer.probed"),
    Page(method="GET", path="/operations/adapter", handler=check_adapter, operation="adapter.check"),
)
