"""The list of cases, where the day begins: what is owed first, by groups; what is new, counted; and everything owed.

The words of a search travel in the body of a form: no address has what a case is called. What a list is narrowed by
stands in its address, so that it can be kept: it is of no person.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway.console.choices import list_languages
from gateway.console.forms.parts import Options, split_options
from gateway.console.navigation.sections import Section
from gateway.console.pages.cases.rows import GROUPS, Group, Row, end_tomorrow, group_rows, make_row
from gateway.console.refusals import SAID
from gateway.console.units import Units, load_units
from gateway.console.visit import Page, Visit
from gateway.console.words import N_
from gateway.errors import Code, RefusedError
from gateway.operations.roles import CASES, Role
from gateway.ports import Json

SECTION = Section(
    path="/cases",
    title=N_("Cases"),
    operation="case.list",
    shape="cases",
    of=frozenset({*CASES, Role.DATA_PROTECTION_OFFICER}),
    covers=("/conversations", "/desk"),
)
FIND = "case.find"
PAGE = 25
"""Of what is owed, conversation by conversation, on one page."""
NAMES = 50
"""Of the cases of somebody who sees no name in them, on one page."""
SIDES = ("us", "them")
NOT_YET = ("proposed", "verified")
"""States of a peer before people agreed."""
CHOSEN = ("stage", "peer", "unit", "language", "owes", "sort")
"""What a list is narrowed by, and sorted by, with a value each."""
PARTS = ("mine", "closed", "overdue", "soon", "flagged")
"""Parts of the list that one wants or not."""
ORDERS: Mapping[str, str] = {
    "due": N_("Due first"),
    "rests": N_("Longest at rest first"),
    "newest": N_("Newest first"),
}
OWES: Mapping[str, str] = {"us": N_("We owe"), "them": N_("They owe")}
ON: Mapping[str, str] = {"overdue": N_("Overdue"), "soon": GROUPS[Group.SOON], "flagged": N_("With a flag")}


async def show_home(visit: Visit) -> web.StreamResponse:
    """Show the cases that the address asks for; all that go on where it asks for nothing."""
    query, cursor = visit.request.query, visit.request.query.get("cursor")
    behind: dict[str, Json] = {} if cursor is None else {"cursor": cursor}
    if not visit.allows(FIND):
        found = await visit.ask(SECTION.operation, {"limit": NAMES, **behind})
        return visit.page("case-names.html", found=found, now=visit.settings.now(), units=await load_units(visit))
    chosen = {name: query.get(name, "") for name in CHOSEN} | {name: "1" if query.get(name) else "" for name in PARTS}
    asked: dict[str, Json] = {name: value for name, value in chosen.items() if value and name not in PARTS}
    asked |= {name: True for name in PARTS if chosen[name]}
    asked["soon_until"] = end_tomorrow(visit.settings.now(), visit.settings.offset)
    found = await visit.ask(FIND, {**asked, "limit": PAGE, **behind})
    return await _show(visit, found, chosen)


async def find_cases(visit: Visit) -> web.StreamResponse:
    """Show the cases that have these words in what they are called, their number or a reference."""
    form = await visit.form()
    text, cursor, closed = form.one("text"), form.one("cursor"), "closed" in form
    if not text:
        return visit.go(SECTION.path)
    asked: dict[str, Json] = {"text": text, "limit": PAGE}
    asked |= ({"cursor": cursor} if cursor else {}) | ({"closed": True} if closed else {})
    found = await visit.ask(FIND, asked)
    return await _show(visit, found, dict.fromkeys((*CHOSEN, *PARTS), ""), text=text, closed=closed)


async def _show(
    visit: Visit, found: Any, chosen: Mapping[str, str], *, text: str = "", closed: bool = False
) -> web.StreamResponse:
    now, units = visit.settings.now(), await load_units(visit)
    rows = [make_row(case, visit.words, now=now, offset=visit.settings.offset(now)) for case in found["cases"]]
    peers = (await visit.ask("peer.list"))["peers"]
    options = _options(visit, peers, units)
    return visit.page(
        "case-list.html",
        found=found,
        groups=group_rows(rows) if chosen["sort"] in ("", "due") else [(None, rows)],
        titles=GROUPS,
        text=text,
        closed=closed or bool(chosen["closed"]),
        chosen=chosen,
        options=options,
        chips=_chips(visit, chosen, options),
        address=lambda **other: _address({**chosen, **other}),
        stages=[code for code, _ in options["stage"]],
        people=await _name_people(visit, rows),
        connected=any(peer["state"] not in NOT_YET for peer in peers),
        doubted=await _count_doubted(visit),
        **await _find_stop(visit),
        now=now,
        units=units,
    )


def _options(visit: Visit, peers: Any, units: Units) -> dict[str, Options]:
    """List what the list can be narrowed by; somebody who is bound to one unit has no choice of units."""
    words, ours = visit.words, units.of() if visit.who.caller.unit is None else []
    near = visit.settings.near["language"]
    return {
        "stage": [(code, text) for code, text in words.codes("trm_stage") if code != "any_time"],
        "peer": split_options([(peer["name"], words.country(peer["name"])) for peer in peers], (), words)[1],
        "owes": [(side, words(text)) for side, text in OWES.items()],
        "unit": ours if len(ours) > 1 else [],
        "language": split_options(list_languages(words), near, words)[0],
        "sort": [(order, words(text)) for order, text in ORDERS.items()],
    }


def _chips(visit: Visit, chosen: Mapping[str, str], options: Mapping[str, Options]) -> list[tuple[str, str]]:
    """List what narrows the list, in words, each with the address of the list without it."""
    named = [(name, dict(options[name]).get(chosen[name], chosen[name])) for name in CHOSEN[:-1] if chosen[name]]
    parts = [(name, visit.words(text)) for name, text in ON.items() if chosen[name]]
    return [(text, _address({**chosen, name: ""})) for name, text in [*named, *parts]]


def _address(chosen: Mapping[str, str]) -> str:
    """The address of the list that is narrowed by this."""
    asked = urlencode({name: value for name, value in chosen.items() if value})
    return f"{SECTION.path}?{asked}" if asked else SECTION.path


async def _name_people(visit: Visit, rows: list[Row]) -> dict[str, str]:
    """Name the people who look after these cases, as far as this person may know them."""
    you = {visit.who.id: visit.words("You")}
    others = {row.case.get("worker") for row in rows} - {None, visit.who.id}
    if not others or not visit.allows("person.list"):
        return you
    listed = (await visit.ask("person.list"))["people"]
    return {one["id"]: one["name"] for one in listed if one["id"] in others} | you


async def _find_stop(visit: Visit) -> Mapping[str, Any]:
    """Why nothing is taken in, in a sentence, and until when where that is known."""
    ready = await visit.ask("node.ready")
    for code in (Code.ROOTS_DUE, Code.MAINTENANCE):
        if code in ready["why"]:
            return {"stopped": visit.words(SAID[code]), "until": ready["maintenance"]}
    return {"stopped": None, "until": None}


async def _count_doubted(visit: Visit) -> int:
    """How many consents wait to be confirmed after a restore; none without the right to see them."""
    if not visit.allows("consent.unconfirmed"):
        return 0
    return int((await visit.ask("consent.unconfirmed"))["consents"])


async def open_desk(visit: Visit) -> web.StreamResponse:
    """Lead from the desk of earlier versions to the cases."""
    return visit.go(SECTION.path)


async def list_owed(visit: Visit) -> web.StreamResponse:
    """List everything that one side owes, conversation by conversation, also what is of no case."""
    query = visit.request.query
    side, cursor = query.get("owes", SIDES[0]), query.get("cursor")
    if side not in SIDES:
        raise RefusedError(Code.NOT_FOUND, "the side that owes is us or them")
    chosen: dict[str, Json] = {name: value for name in ("peer", "unit") if (value := query.get(name))}
    asked = {"owes": side, "limit": PAGE, **chosen} | ({} if cursor is None else {"cursor": cursor})
    found, units = await visit.ask("conversation.due", asked), await load_units(visit)
    options = _options(visit, (await visit.ask("peer.list"))["peers"], units)
    named = {"peer": "", "unit": "", **chosen}
    return visit.page("owed.html", found=found, side=side, chosen=named, options=options, units=units)


PAGES = (
    Page(method="GET", path=SECTION.path, handler=show_home, operation=SECTION.operation),
    Page(method="POST", path=SECTION.path, handler=find_cases, operation=FIND),
    Page(method="GET", path="/desk", handler=open_desk, operation=SECTION.operation),
    Page(method="GET", path="/desk/owed", handler=list_owed, operation="conversation.due"),
)
