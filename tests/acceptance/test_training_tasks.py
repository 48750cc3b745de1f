"""Seven tasks of a morning at the filled training, by people in four languages: clicks, typed fields, ids, seconds.

What people have to know is how the cases are called. No page is opened by its address but the first, and no id is
typed. `docs/screens.md` has the table beside what the same roads cost in the first release.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import pytest
from playwright.async_api import Browser, ViewportSize
from support.counted import CHOOSE, Counted, Effort, render_table
from support.house import ROOT
from support.pair import example
from support.running import consent
from support.trained import Trained

from gateway.console.forms.fields import to_fields
from gateway.demo.training.crew import FOCAL, WORKER
from gateway.demo.training.letters import write_question, write_referral
from gateway.demo.training.personas import Persona
from gateway.demo.training.script import draw_cases
from gateway.foundation.json import list_objects

pytestmark = [pytest.mark.deep, pytest.mark.asyncio(loop_scope="session")]

LANGUAGES = ("fr", "ar", "pl", "en")
TELEPHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1100, "height": 900}
TOLD = ROOT / "docs" / "screens.md"


def find_taken(there: Trained) -> list[Persona]:
    """The people whom one finds by a pseudonym, whose case another country has taken, and of whom no draft waits."""
    fr, found = there.crew("FR"), list[Persona]()
    for script, persona in draw_cases():
        if script.sender == "FR" and script.path in ("planning", "active", "arrived"):
            cases = list_objects(fr.ask(FOCAL, "case.find", text=persona.pseudonym), "cases")
            if len(cases) == 1 and not fr.ask(FOCAL, "case.show", id=str(cases[0]["id"]))["drafts"]:
                found.append(persona)
    return found


def prepare(there: Trained, label: str) -> None:
    """A case with a consent, of which nobody was told yet, and an alert from Albania."""
    fr, al = there.crew("FR"), there.crew("AL")
    case = fr.ask(WORKER, "case.open", label=label)
    content = consent("AL/focal-point", "FR/focal-point")
    fr.ask(WORKER, "consent.record", case=case["id"], content=content)
    al.ask(FOCAL, "message.submit", **example("safety.alert/1", "FR"))


async def test_a_morning_costs_what_is_told(browser: Browser, there: Trained):
    """The same in each language, as the documentation has it; no id has to be typed."""
    taken, efforts = find_taken(there), dict[str, dict[str, Effort]]()
    for language, persona in zip(LANGUAGES, taken, strict=False):
        efforts[language] = await work(browser, there, language, persona)
        print("\n".join(["", *render_table(efforts)]), flush=True)
    assert efforts.keys() == {*LANGUAGES}
    for done in efforts.values():
        assert [name for name, one in done.items() if one.ids] == []
    rows = [line.split(" | ") for line in TOLD.read_text().splitlines() if line.startswith("| ")]
    told = {row[0].removeprefix("| "): row[2] for row in rows if len(row) > 3}
    found = {name: {f"{done[name].clicks} / {done[name].typed} / 0" for done in efforts.values()} for name in done}
    assert found == {name: {told.get(name)} for name in found}


async def work(browser: Browser, there: Trained, language: str, taken: Persona) -> dict[str, Effort]:
    """Find the overdue one, refer, release by two, ask back, withdraw the right consent, take an alert, audit."""
    label = f"Morning {language} {os.getpid()}"
    prepare(there, label)
    async with AsyncExitStack() as stack:

        async def come(name: str, *roles: str, admin: int = 0) -> Counted:
            person = there.person(browser, "FR", f"{name} {os.getpid()}", *roles, language=language, admin=admin)
            return Counted(await stack.enter_async_context(person))

        ana = await come(f"Ana {language}", "focal_point")
        ben, vera = await come(f"Ben {language}", "case_worker", admin=1), await come(f"Vera {language}", "auditor")

        with ana.task("find the overdue case"):
            await ana.press('.counts a[href*="overdue=1"]')
            await ana.press("table.cases a.case")
            assert await ana.seat.page.locator(".overdue").count()

        with ana.task("write a referral from a case"):
            await find(ana, label)
            await ana.press('main a[href^="/drafts/new?case="]')
            await ana.answer({"type": ["referral.request/1"], "to": ["AL/focal-point"]})
            await ana.press('main form[action="/drafts/new"] button')
            await write_steps(ana, write_referral(replace(taken, pseudonym=label), "AL", returns=True).content)
            await ana.press('main form[action$="/release"] button')

        with ben.task("release it as the second person"):
            await ben.press('nav a[href="/drafts"]')
            await ben.press(f'main :is(tr, li):has-text("{label}") a[href$="/preview"]')
            await ben.press('main form[action$="/release"] button')
            assert "/conversations/" in ben.seat.page.url

        with ana.task("ask back"):
            await find(ana, taken.pseudonym)
            await ana.press('form[action$="/write"]:has(input[value*="info.request"]) button')
            await write_steps(ana, write_question("needs", "Which room?", blocks=False).content)
            await ana.press('main form[action$="/release"] button')
            assert "/conversations/" in ana.seat.page.url

        with ana.task("withdraw the right consent"):
            await find(ana, label)
            await ana.press('main a[href^="/consents/"]:not([href*="new"])')
            await ana.press('main a[href$="/withdraw"]')
            assert label in await ana.seat.text()
            await ana.press("main button[name=act][value=all]")

        with ana.task("take an alert on a telephone"):
            await ana.seat.page.set_viewport_size(TELEPHONE)
            await ana.press(".banner a.button")
            await ana.answer({"actions": ["call_person"]})
            await ana.press('button[form="take"]')
            assert await ana.seat.page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
            await ana.seat.page.set_viewport_size(DESK)

        with vera.task("answer an auditor's question"):
            await vera.press('nav a[href="/audit/entries"]')
            await vera.answer({"event": ["message.erased"]})
            await vera.press('main form[action="/audit/entries"] button')
            await vera.press('main a[href="/audit"]')
            await vera.press('main form[action="/audit/verify"] button')
    return {name: one for each in (ana, ben, vera) for name, one in each.efforts.items()}


async def find(one: Counted, name: str) -> None:
    """Search for a case by what it is called, and open it."""
    await one.write("#find", name)
    await one.press("header.bar form button")
    await one.press("table.cases a.case")


async def write_steps(one: Counted, content: Any) -> None:
    """Answer step after step until the check."""
    kind = "info.request/1" if "items" in content else "referral.request/1"
    header = {
        "priority": "normal",
        "language": "fr",
        "sender_unit": "focal-point",
        "sender_role": "national_focal_point",
    }
    fields = to_fields(kind, {"content": content, "header": header}, lambda at: 0)
    fields |= {"/purpose": ("referral",), "/header/consent_ref": (CHOOSE,)}
    for _ in range(20):
        if one.seat.page.url.endswith("/preview"):
            return
        await one.answer(fields)
        await one.press('main .send button[value="continue"], main form button[value="check"]')
    raise AssertionError(await one.seat.text())
