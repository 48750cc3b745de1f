"""Sheets in languages beside those of the console: complete, drafts until somebody reviewed them, and no console."""

from __future__ import annotations

import re

import pytest
from support.consoles import console
from support.library import COUNTRY
from support.pagelook import faults
from support.played_consents import ANSWERS, ID

from gateway.console.navigation.countries import BINDS
from gateway.console.pages.consent import FREE, SHEET, TOLD
from gateway.console.sheets import load_sheets
from schemas.labels import load_languages

TEXTS = (FREE, *TOLD.values(), *SHEET.values(), BINDS)


def test_they_stand_beside_the_languages_of_the_console():
    """Nobody has reviewed one of them yet."""
    assert {"ru", "ary"} <= load_sheets().keys() and load_sheets().keys().isdisjoint(load_languages())
    assert all(one.draft for one in load_sheets().values())


@pytest.mark.parametrize("code", load_sheets())
def test_each_has_every_text_of_the_sheet(code: str):
    """No other, none in English, and each names what its text names."""
    sheet = load_sheets()[code]
    assert set(sheet.texts) == set(TEXTS)
    for english, said in sheet.texts.items():
        assert said != english and re.findall(r"%\(\w+\)s", said) == re.findall(r"%\(\w+\)s", english)


@pytest.mark.parametrize("code", load_sheets())
async def test_a_consent_is_told_in_it(code: str):
    """With its direction, and with the duty to report of the country that gets the data; what was agreed to stands in
    the language of the worker, and the page says so.
    """
    async with console(ANSWERS | {"guidance.country": COUNTRY}) as there:
        seen = (await there.get(f"/consents/{ID}/sheet?language={code}")).text
        sheet = load_sheets()[code]
        assert faults(seen) == [] and f'lang="{code}" dir="{sheet.direction}"' in seen
        assert sheet(FREE) in seen and sheet(SHEET["title"]) in seen
        assert sheet(BINDS, country=sheet.country("AL")) in seen
        assert "read it out with an interpreter" in seen and '<div lang="en" dir="ltr">' in seen
