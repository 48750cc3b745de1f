"""Seven tasks of a morning at the filled training, by four people in four languages: clicks, ids, seconds.

What people have to know is how the cases are called. No page is opened by its address but the first, and no id is
typed. The table goes to standard output and, under `TRM_TASKS`, into a file.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser
from support.counted import CHOOSE, Counted, Effort, render_table
from support.pair import example
from support.running import consent
from support.trained import Trained

from gateway.console.forms.fields import to_fields
from gateway.demo.training.crew import FOCAL, WORKER
from gateway.demo.training.letters import write_question, write_referral
from gateway.demo.training.personas import Persona
from gateway.demo.training.script import draw_cases

pytestmark = [pytest.mark.deep, pytest.mark.asyncio(loop_scope="session")]

LANGUAGES = ("fr", "ar", "pl", "en")
TELEPHONE = {"width": 390, "height": 844}
DESK = {"width": 1100, "height": 900}
EFFORTS: dict[str, dict[str, Effort]] = {}


def find_asked(place: int) -> tuple[str, Persona]:
    """A case of France that Albania or Morocco has taken, another one for each person: its step and the person."""
    taken = [
        each for each in draw_cases() if each[0].sender == "FR" and each[0].path in ("planning", "active", "arrived")
    ]
    script, persona = taken[place]
    return script.key, persona


def prepare(there: Trained, place: int, label: str) -> None:
    """A case with a consent, of which nobody was told yet, and an alert from Albania."""
    fr, al = there.crew("FR"), there.crew("AL")
    case = fr.ask(WORKER, "case.open", label=label)
    content = consent("AL/focal-point", "FR/focal-point")
    fr.ask(WORKER, "consent.record", case=case["id"], content=content)
    al.ask(FOCAL, "message.submit", **example("safety.alert/1", "FR"))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_morning(browser: Browser, there: Trained, language: str):
    """Find the overdue one, refer, release by two, ask back, withdraw the right consent, take an alert, audit."""
    place = LANGUAGES.index(language)
    label = f"Morning {language}"
    prepare(there, place, label)
    async with AsyncExitStack() as stack:

        async def come(name: str, *roles: str, admin: int = 0) -> Counted:
            name = f"{name} {language} {os.getpid()}"
            person = there.person(browser, "FR", name, *roles, language=language, admin=admin)
            return Counted(await stack.enter_async_context(person))

        ana = await come("Ana", "focal_point")
        ben, vera = await come("Ben", "case_worker", admin=1), await come("Vera", "auditor")

        with ana.task("find the overdue case"):
            await ana.press('.counts a[href*="overdue=1"]')
            await ana.press("table.cases a.case")
            assert await ana.seat.page.locator(".overdue").count()

        with ana.task("write a referral from a case"):
            await find(ana, label)
            await ana.press('main a[href^="/drafts/new?case="]')
            await ana.answer({"type": ["referral.request/1"], "to": ["AL/focal-point"]})
            await ana.press('main form[action="/drafts/new"] button')
            await write_steps(ana, write_referral(find_asked(place)[1], "AL", returns=True).content)
            await ana.press('main form[action$="/release"] button')
        with ben.task("release it as the second person"):
            await ben.press('nav a[href="/drafts"]')
            await ben.press(
                f'main tr:has-text("{label}") a[href$="/preview"], main li:has-text("{label}") a[href$="/preview"]'
            )
            await ben.press('main form[action$="/release"] button')
            assert "/conversations/" in ben.seat.page.url

        with ana.task("ask back"):
            await find(ana, find_asked(place)[1].pseudonym)
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
            await ana.seat.page.set_viewport_size(TELEPHONE)  # type: ignore[arg-type]
            await ana.press(".banner a.button")
            await ana.answer({"actions": ["call_person"]})
            await ana.press('button[form="take"]')
            assert await ana.seat.page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
            await ana.seat.page.set_viewport_size(DESK)  # type: ignore[arg-type]

        with vera.task("answer an auditor's question"):
            await vera.press('nav a[href="/audit/entries"]')
            await vera.answer({"event": ["case.erased"]})
            await vera.press('main form[action="/audit/entries"] button')
            await vera.press('main a[href="/audit"]')
            await vera.press('main form[action="/audit/verify"] button')
    done = {name: one for each in (ana, ben, vera) for name, one in each.efforts.items()}
    assert [name for name, one in done.items() if one.ids] == []
    EFFORTS[language] = done
    lines = render_table(EFFORTS)
    print("\n".join(lines))
    if file := os.environ.get("TRM_TASKS"):
        Path(file).write_text("\n".join(lines) + "\n")


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
