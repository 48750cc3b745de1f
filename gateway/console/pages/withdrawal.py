"""Taking a consent back in two clicks, or every consent of a person in one step.

A withdrawal asks for no reason and for nothing else; whatever is damaged or withdrawn already does not stop it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.console.choices import name_consent
from gateway.console.pages.cases.track import track_of
from gateway.console.pages.consent import ONE, STATES
from gateway.console.units import load_units
from gateway.console.visit import Page, Visit
from gateway.errors import Code, RefusedError
from gateway.ports import Json

CASE = "/cases/{case}"
WITHDRAW_ALL = "consent.withdraw_all"


async def show_of_conversation(visit: Visit) -> web.StreamResponse:
    """List the consents that a conversation relies on; if there is only one, go straight to it."""
    id = visit.request.match_info["conversation"]
    shown = await visit.ask("conversation.show", {"id": id})
    found, of_case = shown["consents"], shown.get("of_case")
    if len(found) == 1:
        return visit.go(f"/consents/{found[0]['id']}/withdraw")
    listed = (await visit.ask("case.show", {"id": of_case["id"]}))["consents"] if found and of_case else []
    known = {one["id"]: name_consent(visit, one) for one in listed}
    names = {one["id"]: known.get(one["id"]) for one in found}
    return visit.page("consent-which.html", conversation=id, consents=found, names=names, states=STATES)


async def ask_withdrawal(visit: Visit) -> web.StreamResponse:
    """Ask one question before a withdrawal: all of it, or which part. A damaged record can be withdrawn too."""
    id = visit.request.match_info["consent"]
    try:
        return await _asking(visit, await visit.ask("consent.show", {"id": id}))
    except RefusedError as error:
        if error.code is Code.NOT_FOUND:
            raise
    return visit.page("consent-withdraw.html", consent=id, about=None, grants=[], others=[], fault="")


async def _asking(visit: Visit, found: Mapping[str, Any], fault: str = "") -> web.Response:
    """Say whose consent it is, what stops, who is told and what is not touched, and ask."""
    of_case, others = found.get("of_case"), []
    if of_case is not None:
        in_force = (await visit.ask("consent.of_case", {"id": of_case["id"]}))["consents"]
        others = [one for one in in_force if one["id"] != found["id"]]
    grants = await _grants(visit, found["record"])
    said = {"about": found, "grants": grants, "others": others, "fault": fault}
    return visit.page("consent-withdraw.html", consent=found["id"], status=422 if fault else 200, **said)


async def _grants(visit: Visit, record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List each grant with its place: purpose and recipients."""
    units, words = await load_units(visit), visit.words
    return [
        (
            str(n),
            words.code("purpose", one["purpose"])
            + words.colon
            + words.comma.join(map(units.reference, one["recipient_units"])),
        )
        for n, one in enumerate(record["grants"])
    ]


async def withdraw_consent(visit: Visit) -> web.StreamResponse:
    """Withdraw a consent: effective here at once, and in every country that relied on it as soon as it can be
    reached.
    """
    id, form = visit.request.match_info["consent"], await visit.form()
    taken_back: dict[str, Json] = {"id": id, "erase_wanted": "erase" in form}
    if form.one("act") == "part":
        places = [int(place) for place in form.every("grants") if place.isascii() and place.isdigit()]
        if not places:
            found = await visit.ask("consent.show", {"id": id})
            return await _asking(visit, found, visit.words("Choose what is taken back."))
        taken_back["grants"] = list(places)
    await visit.act("consent.withdraw", taken_back, key=form.one("key") or None)
    return visit.go(f"/consents/{id}/withdrawn")


async def confirm_withdrawal(visit: Visit) -> web.StreamResponse:
    """Show who was told and who has confirmed, and what still rests on other consents of the person."""
    id = visit.request.match_info["consent"]
    try:
        of_case = (await visit.ask("consent.show", {"id": id})).get("of_case")
    except RefusedError:  # a damaged record was withdrawn too, and says nothing of its case
        of_case = None
    if of_case is None:
        return visit.page("consent-withdrawn.html", consent=id, case=None, told=None, left=[])
    left = (await visit.ask("consent.of_case", {"id": of_case["id"]}))["consents"]
    told = [one for one in await _told(visit, of_case["id"]) if one["consent"] == id]
    left = [one for one in left if one["id"] != id]
    return visit.page("consent-withdrawn.html", consent=id, case=of_case, told=told, left=left)


async def _told(visit: Visit, case: str) -> list[dict[str, Any]]:
    """List who was told of each withdrawal of a case, with the way of the message as a picture."""
    told = (await visit.ask("case.withdrawals", {"id": case}))["withdrawals"]
    return [one | {"track": track_of(one, visit.settings.country, visit.words)} for one in told]


async def ask_whole_withdrawal(visit: Visit) -> web.StreamResponse:
    """Ask once before every consent of a person is withdrawn: whose they are, what stops where, who is told."""
    found = await visit.ask("consent.of_case", {"id": visit.request.match_info["case"]})
    return visit.page("case-withdraw.html", found=found)


async def withdraw_every_consent(visit: Visit) -> web.StreamResponse:
    """Withdraw every consent of the person in one step."""
    id, form = visit.request.match_info["case"], await visit.form()
    taken_back: dict[str, Json] = {"id": id, "erase_wanted": "erase" in form}
    await visit.ask("consent.withdraw_all", taken_back, key=form.one("key") or None)
    return visit.go(f"/cases/{id}/withdrawn")


async def confirm_whole_withdrawal(visit: Visit) -> web.StreamResponse:
    """Show the same of all consents of a person that were taken back."""
    case = await visit.ask("case.show", {"id": visit.request.match_info["case"]})
    told = await _told(visit, case["id"])
    return visit.page("consent-withdrawn.html", consent=None, case=case, told=told, left=[])


PAGES = (
    Page(method="GET", path=f"{ONE}/withdraw", handler=ask_withdrawal, operation="consent.withdraw"),
    Page(method="POST", path=f"{ONE}/withdraw", handler=withdraw_consent, operation="consent.withdraw"),
    Page(method="GET", path=f"{ONE}/withdrawn", handler=confirm_withdrawal, operation="consent.withdraw"),
    Page(method="GET", path=f"{CASE}/withdraw", handler=ask_whole_withdrawal, operation=WITHDRAW_ALL),
    Page(method="POST", path=f"{CASE}/withdraw", handler=withdraw_every_consent, operation=WITHDRAW_ALL),
    Page(method="GET", path=f"{CASE}/withdrawn", handler=confirm_whole_withdrawal, operation=WITHDRAW_ALL),
    Page(
        method="GET",
        path="/conversations/{conversation}/withdraw",
        handler=show_of_conversation,
        operation="consent.withdraw",
    ),
)
