"""Writing step by step: a draft as a few questions at a time, saved at each step, finished or not.

Which steps there are and which apply is decided by `gateway.console.forms.guided`; the form of one page
(`gateway.console.pages.writing.drafts`) stays beside it. What is wrong is told for the step that was sent, and only
there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.console import choices
from gateway.console.forms.alert import ALERT
from gateway.console.forms.answers import summarise_answers
from gateway.console.forms.build import build_form
from gateway.console.forms.faults import explain_faults, find_faults, group_by_place
from gateway.console.forms.fields import Fields, to_document, to_fields
from gateway.console.forms.guided import DraftStep, is_answered, list_steps, pick_parts, put_answers, split_parts
from gateway.console.forms.parts import Part, label_place
from gateway.console.forms.prefill import number_items
from gateway.console.forms.step_table import Step
from gateway.console.forms.steps import PURPOSE, plan_steps
from gateway.console.navigation.countries import KINDS, find_countries, load_entries, say_duties
from gateway.console.pages.messages import Part as Rendered
from gateway.console.pages.writing.drafts import (
    keep_draft,
    list_open_choice,
    load_waiting_draft,
    name_case_of,
    show_late,
    takes_files,
)
from gateway.console.refusals import RefusalText
from gateway.console.units import load_units
from gateway.console.visit import Form, Page, Visit
from gateway.console.words import Words
from gateway.errors import Code, Finding, RefusedError
from gateway.messages.emergency import leave_for_later
from gateway.ports import Json
from schemas.catalogue import load_catalogue

DRAFT = "/drafts/{draft}"
STEP = f"{DRAFT}/step/{{step}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """One draft in steps: what was answered, and the steps that apply to it."""

    body_type: str
    draft: Mapping[str, Json]
    fields: Fields
    steps: Sequence[DraftStep]

    @property
    def asked(self) -> Sequence[DraftStep]:
        """The steps that are gone through, without those that are folded."""
        return [one for one in self.steps if not one.folded]

    def find(self, name: str) -> DraftStep | None:
        """Find a step by its name; None where it has no question that applies."""
        return next((one for one in self.steps if one.step.name == name), None)

    def first_open(self) -> DraftStep | None:
        """Return the first step in which something is missing or wrong."""
        return next((one for one in self.asked if one.findings), None)

    def after(self, name: str) -> DraftStep | None:
        """Return the step that follows one; after the last, the first in which something is missing."""
        plan = [step.name for step in plan_steps(self.body_type)]
        later = plan[plan.index(name) + 1 :]
        return next((one for one in self.asked if one.step.name in later), self.first_open())

    def before(self, name: str) -> DraftStep | None:
        """Return the step before one; None before the first."""
        plan = [step.name for step in plan_steps(self.body_type)]
        earlier = plan[: plan.index(name)]
        return next((one for one in reversed(self.asked) if one.step.name in earlier), None)


def read_guide(visit: Visit, draft: Mapping[str, Json]) -> Guide:
    """Judge a draft by its steps. A message that rests on a consent needs a purpose, which no schema asks for."""
    body_type = str(draft["type"])
    fields = read_answers(visit, draft)
    body = {half: draft.get(half) or {} for half in ("header", "content")}
    findings = list(find_faults(body_type, draft))
    entry = load_catalogue().get(body_type)
    if entry.personal and not entry.never_blocked and not is_answered(PURPOSE, fields):
        findings.append(Finding(place=PURPOSE, rule="required", hint="is missing"))
    steps = list_steps(body_type, body, fields, findings)
    return Guide(body_type=body_type, draft=draft, fields=fields, steps=steps)


def read_answers(visit: Visit, draft: Mapping[str, Json]) -> dict[str, Sequence[str]]:
    """Return the fields of a draft, with its purpose beside those of its body."""
    found: dict[str, Sequence[str]] = dict(to_fields(str(draft["type"]), draft, visit.settings.offset))
    if isinstance(draft.get("purpose"), str):
        found[PURPOSE] = (str(draft["purpose"]),)
    return found


def put_step(visit: Visit, draft: Mapping[str, Json], step: Step, form: Form) -> dict[str, Json]:
    """Return the draft with what the step sent. Whoever releases it is its author, so an earlier author is left out."""
    fields = put_answers(read_answers(visit, draft), step, form.fields)
    halves = to_document(str(draft["type"]), fields, visit.settings.offset)
    halves["content"] = number_items(str(draft["type"]), halves["content"])
    header, content = halves["header"], halves["content"]
    if isinstance(header, dict) and isinstance(content, dict):
        halves["content"] = leave_for_later(str(draft["type"]), header, content)
    kept = {name: value for name, value in draft.items() if name != "purpose"}
    purpose = next(iter(fields.get(PURPOSE, ())), "")
    return {**kept, **halves, **({"purpose": purpose} if purpose else {})}


# --- pages ----------------------------------------------------------------------------------------------------------


async def open_draft(visit: Visit) -> web.StreamResponse:
    """Go to the first step in which something is missing; to the preview where nothing is. An alert is one page."""
    shown = await load_waiting_draft(visit)
    if shown["type"] == ALERT:
        return visit.go(f"/drafts/{shown['id']}/alert")
    return _go(visit, shown, read_guide(visit, shown["draft"]).first_open())


def _go(visit: Visit, shown: Mapping[str, Any], step: DraftStep | None) -> web.Response:
    here = f"/drafts/{shown['id']}"
    return visit.go(f"{here}/preview" if step is None else f"{here}/step/{step.step.name}")


async def show_step(visit: Visit) -> web.StreamResponse:
    """Show the questions of one step."""
    shown = await load_waiting_draft(visit)
    if shown["type"] == ALERT:
        return visit.go(f"/drafts/{shown['id']}/alert")
    _planned(visit, str(shown["type"]))
    return await _page(visit, shown, shown["draft"], version=shown["version"])


def _planned(visit: Visit, body_type: str) -> Step:
    name = visit.request.match_info["step"]
    found = next((step for step in plan_steps(body_type) if step.name == name), None)
    if found is None:
        raise RefusedError(Code.NOT_FOUND, "this message has no such step")
    return found


async def save_step(visit: Visit) -> web.StreamResponse:
    """Save one step, whatever is still missing in it, and go on; or add or remove a row first."""
    form = await visit.form()
    try:
        shown = await load_waiting_draft(visit)
    except RefusedError as error:
        return await show_late(visit, form, error)
    step = _planned(visit, str(shown["type"]))
    draft = put_step(visit, shown["draft"], step, form) | await name_case_of(visit, form)
    saved = await keep_draft(visit, shown, form, draft, _page)
    if not isinstance(saved, str):
        return saved
    match form.one("act"):
        case "leave":
            return visit.go("/drafts")
        case "files":
            return visit.go(f"/drafts/{shown['id']}/files?step={step.name}")
    guide = read_guide(visit, draft)
    mine = guide.find(step.name)
    if mine is not None and mine.findings:
        return await _page(visit, shown, draft, version=saved, status=422, findings=mine.findings)
    return _go(visit, shown, guide.after(step.name))


async def _page(
    visit: Visit,
    shown: Mapping[str, Any],
    draft: Mapping[str, Json],
    *,
    version: str,
    blank: Iterable[str] = (),
    findings: Iterable[Finding] = (),
    told: RefusalText | None = None,
    theirs: Sequence[Rendered] | None = None,
    status: int = 200,
) -> web.StreamResponse:
    guide, planned = read_guide(visit, draft), _planned(visit, str(draft["type"]))
    here = guide.find(planned.name)
    if here is None:  # an earlier answer was changed, and nothing of this step applies any more
        return _go(visit, shown, guide.after(planned.name))
    of_case = shown["of_case"]["id"] if shown["of_case"] else draft.get("case")
    offered = await choices.list_choices(visit, draft, of_case if isinstance(of_case, str) else None)
    whole = build_form(
        guide.body_type, guide.fields, visit.words, choices=offered, near=visit.settings.near, blank=blank
    )
    body = {half: draft.get(half) or {} for half in ("header", "content")}
    parts = pick_parts(guide.body_type, whole, here.step, body)
    told_of = tuple(findings)
    asked, more = split_parts(parts, here.step, guide.fields, told_of)
    faults = explain_faults(guide.body_type, told_of, visit.words, parts)
    known = await list_open_choice(visit, shown, guide.body_type) if here is guide.steps[0] else None
    entries = await load_entries(visit, find_countries(await load_units(visit), [str(shown["to"])]))
    return visit.page(
        "draft-step.html",
        entries=entries,
        kinds=KINDS,
        duties=say_duties(entries, visit.words),
        shown=shown,
        guide=guide,
        step=here,
        parts=asked,
        more=more,
        faults=group_by_place(faults),
        summary=faults,
        so_far=_summarise(guide, whole, body, visit.words),
        names={one.step.name: name_step(one.step, guide.body_type, visit.words) for one in guide.steps},
        back=guide.before(planned.name),
        following=guide.after(planned.name),
        version=version,
        told=told,
        theirs=theirs,
        takes_files=takes_files(guide.body_type, here.step.places),
        known=known,
        chosen=draft.get("case") or "",
        status=status,
    )


def name_step(step: Step, body_type: str, words: Words) -> str:
    """Name a step in a list: by its own words, else by the label of its first question."""
    return words(step.short) if step.short else label_place(body_type, step.places[0], words)


def _summarise(
    guide: Guide, whole: Sequence[Part], body: Mapping[str, Json], words: Words
) -> list[tuple[DraftStep, list[str]]]:
    """List the steps in which something is answered, with the first answers of each."""
    found = ((one, summarise_answers(pick_parts(guide.body_type, whole, one.step, body), words)) for one in guide.steps)
    return [(one, answers) for one, answers in found if answers]


PAGES = (
    Page(method="GET", path=DRAFT, handler=open_draft, operation="draft.show"),
    Page(method="GET", path=STEP, handler=show_step, operation="draft.show"),
    Page(method="POST", path=STEP, handler=save_step, operation="draft.change", long=True),
)
