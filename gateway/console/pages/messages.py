"""Messages: those that nobody has taken, one with all its content in the reader's language, and its files.

`way` (in or out) tells two messages apart of which a peer copied the id; without it the first one is shown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from aiohttp import web

from gateway.console.moving import list_moving
from gateway.console.navigation.sections import Section
from gateway.console.units import Units, load_units
from gateway.console.visit import Page, Visit
from gateway.console.words import N_, Words
from gateway.errors import GatewayError
from gateway.foundation.logs import logger
from gateway.messages.machines.delivery import Outgoing, OutgoingEvent, allows
from gateway.operations.roles import CASES
from gateway.ports import Json
from schemas.render import Line, Named, render_message
from schemas.walk import find_categories, list_fields

SECTION = Section(
    path="/inbox",
    title=N_("New messages"),
    operation="inbox.list",
    shape="inbox",
    of=CASES,
    covers=("/messages",),
)
ONE = "/messages/{id}"
SHOW = "message.show"
PAGE = 50
WAYS = ("in", "out")


@dataclass(frozen=True, slots=True)
class Part:
    """A line of a rendered message, with the lines below it."""

    label: str
    value: str
    parts: list[Part] = field(default_factory=list)
    categories: frozenset[str] = frozenset()
    """The categories of personal data in it, where the page says on what they rest."""


def build_tree(lines: Iterable[Line]) -> list[Part]:
    """Build a tree from lines by their depth."""
    root = Part("", "")
    above = [root]
    for line in lines:
        del above[line.depth + 1 :]
        part = Part(line.label, line.value)
        above[-1].parts.append(part)
        above.append(part)
    return root.parts


def render_half(whole: Any, half: str, words: Words, units: Named = MappingProxyType({})) -> list[Part]:
    """Render the header or the content of a message: every code in words, unknown ones marked, units as `Units.named`
    names them.
    """
    named = {"language": words.spoken, "date": words.date, **units}
    _title, *lines = render_message(whole["type"], {half: whole[half]}, words.labels, named).lines
    return [part for top in build_tree(lines) for part in top.parts]


def render_by_member(whole: Any, words: Words, units: Named = MappingProxyType({})) -> list[Part]:
    """Render the content of a message with the categories of personal data at each member, and at each member of an
    object of it. A category that a sibling names is found only where both stand in one row.
    """
    body_type, content = str(whole["type"]), whole["content"]
    places = [field.path.split("/")[2] for field in list_fields(body_type) if field.path.startswith("/content/")]
    order = {name: n for n, name in enumerate(dict.fromkeys(places))}
    found: list[Part] = []
    for name in sorted(content, key=lambda name: order.get(name, len(order))):
        value = content[name]
        inner = value if isinstance(value, dict) and name != "unknown" else {}
        alone = [{name: {below: one}} for below, one in inner.items()] or [{name: value}]
        tops = [
            (top, one)
            for one in alone
            for top in render_half({"type": body_type, "content": one}, "content", words, units)
        ]
        if inner and tops:
            rows = [
                replace(part, categories=find_categories(body_type, one)) for top, one in tops for part in top.parts
            ]
            found.append(replace(tops[0][0], parts=rows))
        else:
            found += [replace(top, categories=find_categories(body_type, one)) for top, one in tops]
    return found


def name_units(units: Units, whole: Any) -> Named:
    """Name the units of a message that goes in one direction."""
    return units.named(None, whole["peer"]) if whole["direction"] == "out" else units.named(whole["peer"], None)


async def show_inbox(visit: Visit) -> web.StreamResponse:
    """List the received messages that nobody has taken, oldest first."""
    after = visit.request.query.get("after")
    found = await visit.ask("inbox.list", {"limit": PAGE} | ({} if after is None else {"after": after}))
    return visit.page("inbox.html", found=found, more=len(found["messages"]) == PAGE, units=await load_units(visit))


async def show_message(visit: Visit) -> web.StreamResponse:
    """Show one message: its content, its state, its files, and the actions on it."""
    asked = _asked(visit)
    whole = await visit.ask(SHOW, asked)
    there, units = whole.get("content") is not None, name_units(await load_units(visit), whole)
    files, moving = [], []
    if there and visit.allows("attachment.list"):
        files = (await visit.ask("attachment.list", asked | {"direction": whole["direction"]}))["attachments"]
        if files and whole["state"] == str(Outgoing.AWAITING_RECEIPT):
            moving = [one for one in await list_moving(visit) if one["id"] == whole["id"]]
    return visit.page(
        "message.html",
        whole=whole,
        files=files,
        moving=moving,
        there=there,
        gone=whole["state"] == str(Outgoing.FAILED) and not all(file["stored"] for file in files),
        consented=there and "consent_ref" in whole["header"],
        content=render_half(whole, "content", visit.words, units) if there else [],
        header=render_half(whole, "header", visit.words, units) if there else [],
        dropped=[_field(visit.words, whole["type"], place) for place in whole["dropped"]] if there else [],
        can_cancel=whole["direction"] == "out" and allows(Outgoing(whole["state"]), OutgoingEvent.CANCEL),
    )


async def take_message(visit: Visit) -> web.StreamResponse:
    """Take the message for the desk: the sender gets the receipt `delivered`."""
    id = visit.request.match_info["id"]
    await visit.ask("message.ack", {"id": id})
    return visit.go(f"/messages/{id}?way=in")


async def open_message(visit: Visit) -> web.StreamResponse:
    """Mark the message as read by a person: the sender gets the receipt `opened`."""
    id = visit.request.match_info["id"]
    await visit.act("message.open", {"id": id})
    return visit.go(f"/messages/{id}?way=in")


async def cancel_message(visit: Visit) -> web.StreamResponse:
    """Take back a message that has not arrived."""
    id = visit.request.match_info["id"]
    await visit.act("message.cancel", {"id": id})
    return visit.go(f"/messages/{id}?way=out")


async def ask_erasure(visit: Visit) -> web.StreamResponse:
    """Ask for the ground before the message is erased."""
    id, way = visit.request.match_info["id"], visit.request.query.get("way", "in")
    back = f"/messages/{id}?way={way if way in WAYS else 'in'}"
    return visit.page("erase.html", action=f"/messages/{id}/erase?{back.partition('?')[2]}", back=back, whole=False)


async def erase_message(visit: Visit) -> web.StreamResponse:
    """Erase the content of the message, here and in the case system."""
    asked = _asked(visit)
    await visit.act("message.erase", {**asked, "reason": (await visit.form()).one("reason")})
    return visit.go(f"/messages/{asked['id']}" + (f"?way={asked['direction']}" if "direction" in asked else ""))


async def download_file(visit: Visit) -> web.StreamResponse:
    """Stream one file of the message as a download, which the browser does not display."""
    found = await visit.file(_asked(visit) | {"part": visit.request.match_info["part"]})
    headers = {"Content-Disposition": f'attachment; filename="{found.name}"', "Content-Length": str(found.size)}
    return web.Response(body=_whole(found.chunks), content_type="application/octet-stream", headers=headers)


async def _whole(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Stream a file; a failure on the way cuts the connection, so that the browser sees it is incomplete."""
    try:
        async for chunk in chunks:
            yield chunk
    except GatewayError as error:
        logger().error("console.file_failed", code=str(error.code))
        raise ConnectionError("a file did not open to its end") from error


def _asked(visit: Visit) -> dict[str, Json]:
    asked: dict[str, Json] = {"id": visit.request.match_info["id"]}
    way = visit.request.query.get("way")
    return asked | ({"direction": way} if way in WAYS else {})


def _field(words: Words, body_type: str, place: str) -> str:
    """Name the place of a finding in a message."""
    label = words.labels.field(body_type, place)
    return place if label.text is None else label.text


PAGES = (
    Page(method="GET", path=SECTION.path, handler=show_inbox, operation=SECTION.operation),
    Page(method="GET", path=ONE, handler=show_message, operation=SHOW),
    Page(method="POST", path=f"{ONE}/take", handler=take_message, operation="message.ack"),
    Page(method="POST", path=f"{ONE}/open", handler=open_message, operation="message.open"),
    Page(method="POST", path=f"{ONE}/cancel", handler=cancel_message, operation="message.cancel"),
    Page(method="GET", path=f"{ONE}/erase", handler=ask_erasure, operation="message.erase"),
    Page(method="POST", path=f"{ONE}/erase", handler=erase_message, operation="message.erase"),
    Page(method="GET", path=f"{ONE}/files/{{part}}", handler=download_file, operation="attachment.read"),
)
