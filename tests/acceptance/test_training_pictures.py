"""Pictures of the filled training for docs/screens.md: `./dev pictures` keeps them, any other run only looks.

At a desk in French and on a telephone in Arabic, each in light and in dark colours; few colours and no more pixels than
a reader needs, so that the repository stays small.
"""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from playwright.async_api import Browser, ViewportSize
from support.browser import PICTURES, Seat
from support.trained import Trained

from gateway.demo.training.crew import FOCAL

pytestmark = [pytest.mark.deep, pytest.mark.asyncio(loop_scope="session")]

SIZES: dict[str, ViewportSize] = {"fr": {"width": 1280, "height": 860}, "ar": {"width": 390, "height": 844}}
LOOKS: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
WIDEST = 960
"""Pixels of a picture; text is still read at three quarters of its size."""
COLOURS = 48
LARGEST = 90_000
"""Bytes of a picture."""
WORKS = (
    "cases",
    "case",
    "consents",
    "withdraw",
    "inbox",
    "alert",
    "step",
    "preview",
    "directory",
    "guidance",
    "network",
)
AUDITS = ("histories", "history", "audit")
RUNS = ("operations",)


def find_addresses(there: Trained) -> dict[str, str]:
    """Where each screen is."""
    crew, steps = there.crew("FR"), there.training.steps
    alerts = crew.ask(FOCAL, "alert.list")["alerts"]
    travelling = str(steps.answer("34.begin")["id"])
    consent = steps.answer("12.consent")["id"]
    draft, begun = (steps.answer(f"desk.{name}")["id"] for name in ("draft", "begun"))
    assert isinstance(alerts, list) and isinstance(alerts[0], dict)
    return {
        "cases": "/cases",
        "case": f"/cases/{travelling}",
        "consents": f"/cases/{travelling}/consents",
        "withdraw": f"/consents/{consent}/withdraw",
        "inbox": "/inbox",
        "alert": f"/alerts/{alerts[0]['id']}",
        "step": f"/drafts/{begun}/step/person",
        "preview": f"/drafts/{draft}/preview",
        "directory": "/directory/AL",
        "guidance": "/guidance/withdrawal",
        "network": "/network",
        "histories": "/histories",
        "history": f"/histories/{travelling}",
        "audit": "/audit",
        "operations": "/operations",
    }


async def keep(seat: Seat, name: str) -> int:
    """Keep a picture of what is on the screen, where pictures are wanted; its bytes."""
    shown = Image.open(BytesIO(await seat.page.screenshot()))
    if shown.width > WIDEST:
        shown = shown.resize((WIDEST, shown.height * WIDEST // shown.width), Image.Resampling.LANCZOS)
    made = BytesIO()
    shown.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(made, "PNG", optimize=True)
    if folder := os.environ.get(PICTURES):
        (Path(folder) / "screens").mkdir(exist_ok=True)
        (Path(folder) / "screens" / f"{name}.png").write_bytes(made.getvalue())
    return len(made.getvalue())


@pytest.mark.parametrize("language", SIZES)
async def test_every_screen_has_its_pictures(browser: Browser, there: Trained, language: str):
    """None is larger than a page of the documentation should load."""
    addresses, sizes = find_addresses(there), dict[str, int]()
    for role, names in (("focal_point", WORKS), ("auditor", AUDITS), ("operator", RUNS)):
        person = f"{role.replace('_', ' ').capitalize()} {language.upper()} {os.getpid() % 100}"
        async with there.person(browser, "FR", person, role, language=language) as one:
            await one.page.set_viewport_size(SIZES[language])
            for name in names:
                answer = await one.page.goto(one.origin + addresses[name])
                assert answer is not None and answer.status == 200, name
                for look in LOOKS:
                    await one.page.emulate_media(color_scheme=look)
                    sizes[f"{name}-{language}-{look}"] = await keep(one, f"{name}-{language}-{look}")
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}
