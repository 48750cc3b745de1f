"""The beginning of a region pack: small, complete, and true of what the program knows.

The procedure, the two steps of disclosure and the published tables are those of the program, on the corridors of the
new region. A country that a pack of the program has brings its calendar and its facts; of any other nothing is said,
and nothing is invented: `gateway.regions.blanks` lists what is to be confirmed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from gateway.policy.starting_policy import NAME, two_steps
from gateway.regions.files import PackFiles
from gateway.regions.texts import find_drafts, list_texts
from schemas import resources
from schemas.codelists import ENGLISH, code_list
from schemas.labels import DRAFT
from schemas.reading import Folder
from schemas.region_pack.countries import Country
from schemas.region_pack.national import FORMAT as NATIONAL
from schemas.region_pack.policies import format_policy
from schemas.region_pack.procedures import STAGES
from schemas.region_pack.regions import FORMAT, list_regions, load_region
from schemas.region_pack.words import FORMAT as WORDS

PROGRAM = "tact"
"""The pack of the program from which a new one begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A country of the new region. Without `languages` those that a pack of the program has for it, else English."""

    code: str
    languages: tuple[str, ...] = ()
    name: str | None = None

    @property
    def title(self) -> str:
        """Its English name, or its code."""
        return self.name or code_list("country").label(self.code)


def begin_pack(
    name: str, hosts: Sequence[Wanted], receivers: Sequence[Wanted], languages: Sequence[str] = ()
) -> PackFiles:
    """Make the files of a pack in which each host country refers to each receiving one.

    `languages` are further languages of the region, beside English and those of its countries. The files are not
    checked yet: what was asked for may be wrong.
    """
    countries = [*hosts, *receivers]
    spoken = {one.code: one.languages or _languages(one.code) for one in countries}
    tags = [*dict.fromkeys((ENGLISH, *chain.from_iterable(spoken.values()), *languages))]
    region = {
        "format": FORMAT,
        "name": name,
        "version": 1,
        "title": {
            ENGLISH: f"Return from {_join(one.title for one in hosts)} to {_join(one.title for one in receivers)}"
        },
        "languages": tags,
        "countries": {one.code: _country(one, spoken[one.code]) for one in countries},
        "corridors": [{"from": [one.code for one in hosts], "to": [one.code for one in receivers]}],
    }
    pairs = [(host.code, receiver.code) for host in hosts for receiver in receivers]
    files = {
        "region.json": _format(region),
        "README.md": _README.format(name=name, hosts=_join(one.title for one in hosts)).encode(),
        "calendars/README.md": resources.read_bytes(f"regions/{PROGRAM}/calendars/README.md"),
        f"policies/{NAME}.json": format_policy(two_steps(pairs)).encode(),
        "statistics.json": _format(_statistics(receivers)),
        **{f"procedures/{stage}.json": _program(f"procedures/{stage}.json") for stage in STAGES},
        **{f"national/{one.code}.json": _national(one.code) for one in countries},
    }
    for one in countries:
        if (calendar := _find(f"calendars/{one.code}.json")) is not None:
            files[f"calendars/{one.code}.json"] = calendar
    texts = list_texts(files)
    for language in tags:
        if language != ENGLISH and (drafts := find_drafts(texts, language)):
            files[f"words/{language}.json"] = format_words(language, DRAFT, drafts)
    return PackFiles(name=name, files=files)


def format_words(language: str, status: str, texts: Mapping[str, str]) -> bytes:
    """Format the words of a language: a text a line, in the order of their English."""
    return _format({"format": WORDS, "language": language, "status": status, "texts": dict(sorted(texts.items()))})


def _country(one: Wanted, languages: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"languages": [*languages]}
    known = _known(one.code)
    if known is not None and known.place is not None:
        found["place"] = {"north": known.place[0], "east": known.place[1]}
    if one.name is not None:
        found["name"] = {ENGLISH: one.name}
    return found


def _languages(code: str) -> tuple[str, ...]:
    known = _known(code)
    return (ENGLISH,) if known is None else known.languages


def _known(code: str) -> Country | None:
    """Find a country in the packs of the program."""
    held = (load_region(name).countries.get(code) for name in list_regions())
    return next((one for one in held if one is not None), None)


def _national(code: str) -> bytes:
    return _find(f"national/{code}.json") or _format({"format": NATIONAL, "country": code, "facts": []})


def _statistics(receivers: Sequence[Wanted]) -> dict[str, Any]:
    """The tables of the program; where persons were referred to is told by the receiving countries of this region."""
    plan: dict[str, Any] = json.loads(_program("statistics.json"))
    corridor = plan["dimensions"]["corridor"]
    listed = [one for one in receivers if one.code in code_list("country")]
    corridor["categories"] = {
        **{
            one.code: {"title": {ENGLISH: one.title}, "codes": [one.code], "code": one.code, "in": {}} for one in listed
        },
        **{name: value for name, value in corridor["categories"].items() if value.get("rest")},
    }
    return {**plan, "version": 1}


def _program(path: str) -> bytes:
    return resources.read_bytes(f"regions/{PROGRAM}/{path}")


def _find(path: str) -> bytes | None:
    """Find a file in the packs of the program."""
    for name in list_regions():
        file: Folder = resources.open_folder(f"regions/{name}/{path}")
        if file.is_file():
            return file.read_bytes()
    return None


def _join(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _format(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()


_README = """# {name}

Begun by `trm region new`. No body of a country has read it yet.

- `procedures/`, `policies/` and `statistics.json` are those of the program. Go through them: who is responsible in your
  countries, which steps are law there, what may leave on which corridor.
- `calendars/` and `national/` have what the program knows, which may be nothing. `trm region check` lists what is to be
  confirmed. Write nothing there without a source.
- Which States a person fears stands in no pack: people name them case by case (`trm asylum hold --state`). Go through
  the step `any_time.hold_for_asylum`: who places a hold, what the person is told.
- `words/` are drafts until somebody who speaks the language has read them.

Write here where the rules of this region come from, and who has approved them, in {hosts} and in the other countries.
"""
