"""Two real countries at the console: one tells its offices in a form, the other asks in French and in Arabic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import ClientSession
from support.pagelook import faults
from support.running import UNIT as NODE_UNIT
from support.running import pair, running, until
from support.visitors import Visitor, console_at, visitor

from gateway.console.words import load_words
from gateway.operations.roles import Role
from schemas.labels import load_languages

UNIT = "/content/units/1"
DUTY = "+355690000077"
QUESTIONS = {
    "fr": "À qui m'adresser en Albanie pour un enfant un dimanche ?",
    "ar": "من أسأل في ألبانيا عن طفل يوم الأحد؟",
}
OFFICE = {
    f"{UNIT}/unit_id": "kujdestaria",
    f"{UNIT}/name/0/language": "sq",
    f"{UNIT}/name/0/text": "Kujdestaria 24 orë",
    f"{UNIT}/country": "AL",
    f"{UNIT}/roles": ["child_protection_authority", "duty_contact"],
    f"{UNIT}/services": ["guardian"],
    f"{UNIT}/groups_served": ["children"],
    f"{UNIT}/languages/0": "sq",
    f"{UNIT}/capacity_status": "open",
    f"{UNIT}/duty_phone": DUTY,
    f"{UNIT}/hours": "Mo-Fr 09:00-16:00",
}


async def speak(person: Visitor, language: str) -> None:
    """Change the language of the pages."""
    await person.open("/menu")
    await person.press("/language", {"language": language})
    assert f'<html lang="{language}" dir="{load_languages()[language].direction}">' in person.text
    await person.open("/directory")


async def told(person: Visitor) -> None:
    """The focal point fills in an office beside the one of the descriptor, sees what is told, and publishes."""
    await person.open("/directory/own")
    await person.press("/directory/own", act="add:/content/units")
    last = (datetime.now(tz=UTC) + timedelta(days=80)).date().isoformat()
    first = {
        "/content/units/0/languages/0": "sq",
        "/content/units/0/capacity_status": "open",
        "/content/units/0/name/0/language": "sq",
        "/content/units/0/name/0/text": "Zyra kombëtare",
    }
    days = {f"/content/units/{n}/valid_until": last for n in (0, 1)}
    point = {
        "/content/focal_points/0/unit_id": NODE_UNIT,
        "/content/focal_points/0/for": "national",
        "/content/focal_points/0/public_contact/phone": "+355690000001",
    }
    await person.press("/directory/own", {**first, **OFFICE, **days, **point}, act="check")
    assert person.status == 200 and faults(person.text) == [], person.page.said
    assert "Exactly this is published" in person.page.said and "Kujdestaria 24 orë" in person.page.said
    await person.press("/directory/own", act="publish")
    assert "On its way to" in person.page.said and "France" in person.page.said, person.page.said[:1500]


async def test_the_duty_contact_of_another_country_is_found_in_two_languages(tmp_path: Path):
    """On a Sunday, for a child: first, large, with a number to press; asked by somebody who may change nothing."""
    names = ("FR", "AL")
    async with (
        running(tmp_path, dict.fromkeys(names), desk_only=names, prepare=console_at) as nodes,
        ClientSession() as http,
    ):
        await pair(nodes["FR"], nodes["AL"])
        dritan = await visitor(nodes["AL"], http, "Dritan", Role.FOCAL_POINT)
        await told(dritan)
        ana = await visitor(nodes["FR"], http, "Ana", Role.CASE_WORKER)

        async def arrived() -> bool:
            await ana.open("/directory/AL")
            return "Kujdestaria" in ana.page.said

        await until(arrived)
        assert faults(ana.text) == []
        for language, question in QUESTIONS.items():
            await speak(ana, language)
            await ana.press("/directory", {"text": question})
            assert ana.status == 200 and faults(ana.text) == []
            first = ana.text.partition('class="panel first"')[2].partition("</article>")[0]
            assert "Kujdestaria 24 orë" in first and f'href="tel:{DUTY}"' in first
            assert question not in ana.path
        await ana.open("/drafts/new")
        assert f"{load_words('ar').country('AL')}: Zyra kombëtare" in ana.page.said
        await dritan.open("/directory")
        assert "published about its offices expires" not in dritan.page.said
