"""The preview of a draft, with what leaves and why the rest is kept back, and its release by a person.

A referral, and whatever rests on danger to life, needs two people: the page says who was first, and the node refuses
the same person twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.console.forms.coverage import Coverage, explain_coverage
from gateway.console.forms.faults import Fault, explain_faults
from gateway.console.forms.guided import assign_findings
from gateway.console.forms.parts import label_place
from gateway.console.forms.steps import plan_steps
from gateway.console.navigation.countries import find_countries, load_entries, say_duties
from gateway.console.pages.messages import Part, render_by_member, render_half
from gateway.console.pages.writing.drafts import load_waiting_draft
from gateway.console.refusals import RefusalText
from gateway.console.states import GATES
from gateway.console.units import load_units
from gateway.console.visit import Page, Visit
from gateway.console.words import Words
from gateway.errors import Finding, RefusedError
from gateway.policy.two_person_release import needs_two
from gateway.ports import Json
from schemas.codelists import ENGLISH
from schemas.groups import field_groups


async def preview_draft(visit: Visit) -> web.StreamResponse:
    """Show exactly what leaves, what the corridor policy keeps back, and what prevents the release."""
    return await _preview(visit, await load_waiting_draft(visit))


async def _preview(visit: Visit, shown: Mapping[str, Any], told: RefusalText | None = None) -> web.StreamResponse:
    try:
        found = await visit.act("draft.preview", {"id": shown["id"]})
    except RefusedError as error:  # it is no draft that could go at all
        first = plan_steps(str(shown["type"]))[0].name
        told = told or visit.told(error)
        return visit.page("preview.html", shown=shown, found=None, first=first, told=told, status=409)
    body_type = str(found["type"])
    leaves = found["leaves"] and await _render_leaving(body_type, str(shown["to"]), found["leaves"], visit)
    findings = [Finding(place=one["place"], rule=one["rule"], hint=one["hint"]) for one in found["findings"]]
    gates = {one.rule.upper() for one in findings} | {str(found["code"] or "").removeprefix("gate_").upper()}
    entries = await load_entries(visit, find_countries(await load_units(visit), [str(shown["to"])]))
    return visit.page(
        "preview.html",
        shown=shown,
        found=found,
        duties=say_duties(entries, visit.words),
        leaves=leaves,
        told=told,
        dropped=_dropped(found, visit.words),
        coverage=await _cover(visit, shown, found) if leaves and found["goes"] else None,
        faults=[] if gates & set(GATES) else _explain_by_step(body_type, findings, visit.words),
        gates=[(name, *(visit.words(text) for text in GATES[name])) for name in GATES if name in gates],
        places=_labels(body_type, findings, visit.words),
        code=found["code"],
        first=plan_steps(body_type)[0].name,
        two=needs_two(body_type, shown["draft"].get("header") or {}),
        mine=shown["first_by_caller"],
        status=409 if told else 200,
    )


async def _render_leaving(body_type: str, to: str, leaves: Mapping[str, Any], visit: Visit) -> list[Part]:
    """Render what leaves, the content with the categories of data in each member of it, and the header after it."""
    units = (await load_units(visit)).named(None, to)
    whole = {"type": body_type, **leaves}
    return [*render_by_member(whole, visit.words, units), *render_half(whole, "header", visit.words, units)]


def _explain_by_step(body_type: str, findings: Sequence[Finding], words: Words) -> Sequence[tuple[str, Fault]]:
    """Explain each finding, with the step where it can be mended; an empty one where none can."""
    steps = assign_findings(plan_steps(body_type), findings)
    nowhere = [one for one in findings if not any(one in mine for mine in steps.values())]
    told = [(name, explain_faults(body_type, mine, words, ())) for name, mine in (*steps.items(), ("", nowhere))]
    return [(name, fault) for name, faults in told for fault in faults]


async def _cover(visit: Visit, shown: Mapping[str, Any], found: Mapping[str, Any]) -> Coverage:
    """Explain on which consent each kind of data rests."""
    leaves, units = found["leaves"], await load_units(visit)
    unit = units.address(str(leaves["header"].get("recipient_unit")), str(shown["to"]))
    consents = []
    if shown["of_case"] and "consent_ref" in leaves["header"] and visit.allows("case.show"):
        consents = (await visit.ask("case.show", {"id": shown["of_case"]["id"]}))["consents"]
    return explain_coverage(str(found["type"]), leaves, found["purpose"], unit, consents)


def _dropped(found: Mapping[str, Any], words: Words) -> Mapping[str, Sequence[str]]:
    """Group the fields that do not leave by the group that the policy keeps back."""
    listed = defaultdict[str, list[str]](list)
    groups = field_groups().groups
    for one in found["dropped"]:
        group = groups.get(one["group"])
        title = one["title"] if group is None else group.title.get(words.language.code, group.title[ENGLISH])
        listed[title].append(label_place(str(found["type"]), one["place"], words))
    return dict(listed)


def _labels(body_type: str, findings: Sequence[Finding], words: Words) -> Sequence[str]:
    """List the labels of the places with findings, each once."""
    places = dict.fromkeys(one.place for one in findings if one.place.count("/") > 1)
    return [label_place(body_type, place, words) for place in places]


async def release_draft(visit: Visit) -> web.StreamResponse:
    """Release the draft in the person's name: it is sent, or it waits for a second person, who may be asked for also
    where one is enough.
    """
    form, shown = await visit.form(), await load_waiting_draft(visit)
    wanted: dict[str, Json] = {"id": shown["id"], "if_match": form.one("version")}
    if form.one("act") == "two":
        wanted["two_people"] = True
    try:
        done = await visit.act("draft.release", wanted, key=form.one("key") or None)
    except RefusedError as error:
        return await _preview(visit, shown, visit.told(error))
    if "conversation" not in done:
        return visit.go(f"/drafts/{shown['id']}/preview")
    return visit.go(f"/conversations/{done['conversation']}")


PAGES = (
    Page(method="GET", path="/drafts/{draft}/preview", handler=preview_draft, operation="draft.preview"),
    Page(method="POST", path="/drafts/{draft}/release", handler=release_draft, operation="draft.release"),
)
