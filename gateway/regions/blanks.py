"""What a pack leaves open: no fault, and to be confirmed by somebody before a country relies on it."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.errors import Finding
from gateway.regions.files import PackFiles
from gateway.regions.texts import WORDS, list_missing
from schemas.codelists import ENGLISH
from schemas.region_pack.calendars import ListedDay, Status
from schemas.region_pack.regions import Region, unheld_types


def list_blanks(pack: PackFiles, region: Region) -> list[Finding]:
    """List what is to be confirmed, by place; the pack was read without a fault."""
    return [*_calendars(region), *_facts(region), *_words(pack, region), *_types(region)]


def _calendars(region: Region) -> Iterator[Finding]:
    for code in region.countries:
        place = f"calendars/{code}.json"
        if code not in region.calendars:
            hint = (
                "no calendar: every deadline in working days of this country is shown as uncertain, and has no effect"
            )
            yield Finding(place=place, rule="no_calendar", hint=hint)
            continue
        listed = [day for day in region.calendars[code].holidays if isinstance(day, ListedDay)]
        expected = {year for day in listed for year, status in day.status.items() if status is Status.EXPECTED}
        if expected:
            hint = f"days of {min(expected)} to {max(expected)} are computed ahead, until the authority announces them"
            yield Finding(place=place, rule="expected", hint=hint)


def _facts(region: Region) -> Iterator[Finding]:
    for code, entry in region.national.items():
        place = f"national/{code}.json"
        if entry.missing:
            hint = f"nothing was found of: {', '.join(entry.missing)}"
            yield Finding(place=place, rule="not_found", hint=hint)
        if any(fact.confirmed_by is None for fact in entry.facts):
            count = sum(fact.confirmed_by is None for fact in entry.facts)
            yield Finding(
                place=place, rule="unconfirmed", hint=f"{count} fact(s) that no body of the country confirmed"
            )


def _words(pack: PackFiles, region: Region) -> Iterator[Finding]:
    for language in region.languages:
        if language == ENGLISH:
            continue
        missing = list_missing(pack, language)
        if missing:
            hint = f"{len(missing)} text(s) are shown in English, the first of them: {missing[0]}"
            yield Finding(place=f"{WORDS}{language}.json", rule="not_translated", hint=hint)
        if language in region.drafts:
            hint = "drafts that nobody who speaks the language has read"
            yield Finding(place=f"{WORDS}{language}.json", rule="draft", hint=hint)


def _types(region: Region) -> Iterator[Finding]:
    for found in unheld_types(region):
        yield Finding(place=f"procedures#{found.place}", rule=found.rule, hint=found.hint)
