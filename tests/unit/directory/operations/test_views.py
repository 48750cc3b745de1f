"""Entries and offices as they are answered: as their country tells them, in a language of the reader."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from support.directories import CALENDARS, DIRECTORY
from support.questions import ASKED_AT

from gateway.directory.entries import LIFE
from gateway.directory.operations.views import show_entry

ENTRY = next(entry for entry in DIRECTORY.entries if entry.country == "AL")


def shown(now: int = ASKED_AT, language: str = "en", **content: Any) -> dict[str, Any]:
    """The entry of Albania with other content."""
    found = show_entry(replace(ENTRY, content={**ENTRY.content, **content}), CALENDARS["AL"], now, language)
    assert isinstance(found, dict)
    return found


def test_an_entry_tells_its_units_and_until_when() -> None:
    """Every unit of the country, and how many of another one were left out."""
    units = ENTRY.content["units"]
    told = shown(units=[*units, {**units[0], "country": "XX"}])
    assert [unit["unit"] for unit in told["units"]] == [unit["unit_id"] for unit in units]
    assert (told["foreign"], told["current"], told["expires"]) == (1, True, ENTRY.made + LIFE)
    assert shown(now=ENTRY.made + LIFE)["current"] is False


def test_a_procedure_is_told_in_a_language() -> None:
    """Else in English, else as it is listed first."""
    text = [{"language": "sq", "text": "Telefononi"}, {"language": "en", "text": "Call"}]
    told = {language: shown(language=language, procedures=[{"kind": "x", "text": text}]) for language in ("sq", "fr")}
    assert [told[language]["procedures"][0]["text"] for language in ("sq", "fr")] == ["Telefononi", "Call"]
    only = shown(language="fr", procedures=[{"kind": "x", "text": text[:1], "url": "https://x.example"}])
    assert only["procedures"] == [{"kind": "x", "text": "Telefononi", "url": "https://x.example"}]
