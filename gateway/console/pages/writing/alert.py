"""Writing a safety alert: one page of five questions, and it goes (`gateway.console.forms.alert`).

There is no page between. Who may send it, whether a second person has to, and what holds it back is decided by the node
as for every message. Where the node has something to say before it goes (it does not go, it tells a State that the
person fears, something may identify somebody), the page of what would leave is shown, with that said on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.console import choices
from gateway.console.forms.alert import ALERT, arrange_alert, list_sent
from gateway.console.forms.build import build_form
from gateway.console.forms.faults import explain_faults, find_faults, group_by_place
from gateway.console.forms.step_table import Step
from gateway.console.navigation.duty import find_called
from gateway.console.pages.messages import Part as Rendered
from gateway.console.pages.writing.drafts import (
    keep_draft,
    list_open_choice,
    load_waiting_draft,
    name_case_of,
    show_late,
)
from gateway.console.pages.writing.guided import put_step, read_answers
from gateway.console.refusals import RefusalText
from gateway.console.units import load_units
from gateway.console.visit import Page, Visit
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Json

HERE = "/drafts/{draft}/alert"


async def show_alert_form(visit: Visit) -> web.StreamResponse:
    """Show the five questions of an alert; one that waits for a second person is shown as it would leave."""
    shown = await _load(visit)
    if shown["state"] == "waiting_second":
        return visit.go(f"/drafts/{shown['id']}/preview")
    return await _page(visit, shown, shown["draft"], version=shown["version"])


async def _load(visit: Visit) -> dict[str, Any]:
    shown = await load_waiting_draft(visit)
    if shown["type"] != ALERT:
        raise RefusedError(Code.NOT_FOUND, "this draft is no safety alert")
    return shown


async def send_alert(visit: Visit) -> web.StreamResponse:
    """Save the alert, and release it in the person's name where nothing is missing and the node has no more to say."""
    form = await visit.form()
    try:
        shown = await _load(visit)
    except RefusedError as error:
        return await show_late(visit, form, error)
    step = Step(name="alert", title="", places=list_sent(form.fields))
    draft = put_step(visit, shown["draft"], step, form) | await name_case_of(visit, form)
    saved = await keep_draft(visit, shown, form, draft, _page)
    if not isinstance(saved, str):
        return saved
    if form.one("act") == "leave":
        return visit.go("/drafts")
    if findings := find_faults(ALERT, draft):
        return await _page(visit, shown, draft, version=saved, status=422, findings=findings)
    found = await visit.act("draft.preview", {"id": shown["id"]})
    if not found["goes"] or found["warnings"] or found["doubts"]:
        return visit.go(f"/drafts/{shown['id']}/preview")
    try:
        done = await visit.act("draft.release", {"id": shown["id"], "if_match": saved}, key=form.one("key") or None)
    except RefusedError as error:
        return await _page(visit, shown, draft, version=saved, status=409, told=visit.told(error))
    if "conversation" not in done:  # the first of two people
        return visit.go(f"/drafts/{shown['id']}/preview")
    return visit.go(f"/alerts/{done['id']}")


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
    fields, wrong = read_answers(visit, draft), tuple(findings)
    of_case, peer, words = shown["of_case"], str(shown["to"]), visit.words
    offered = await choices.list_choices(visit, draft, of_case["id"] if of_case else None)
    whole = build_form(ALERT, fields, words, choices=offered, near=visit.settings.near, blank=blank)
    lacking = wrong or find_faults(ALERT, draft)
    asked = arrange_alert(whole, lacking, words, words.country(peer))
    faults = explain_faults(ALERT, wrong, words, (*asked.five, *asked.lacks, *asked.more))
    units = (await load_units(visit)).listed
    called = await find_called(visit.ask, units, peer, visit.settings.now(), words.language.code)
    return visit.page(
        "draft-alert.html",
        shown=shown,
        body_type=ALERT,
        asked=asked,
        faults=group_by_place(faults),
        summary=faults,
        version=version,
        told=told,
        theirs=theirs,
        called=called,
        known=await list_open_choice(visit, shown, ALERT),
        chosen=draft.get("case") or "",
        key=visit.key(),
        status=status,
    )


PAGES = (
    Page(method="GET", path=HERE, handler=show_alert_form, operation="draft.show"),
    Page(method="POST", path=HERE, handler=send_alert, operation="draft.release", long=True),
)
