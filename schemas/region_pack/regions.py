"""A region pack: the countries, languages, corridors, procedures and corridor policies of one region, as one folder.

    NAME/region.json              countries, languages, corridors, nodes with the version each has reached
    NAME/words/XX.json            texts of the pack in another language (`schemas.region_pack.words`); may be missing
    NAME/procedures/STAGE.json    one file for each stage (`schemas.region_pack.procedures`)
    NAME/policies/POLICY.json     corridor policies (`schemas.region_pack.policies`)
    NAME/statistics.json          what the region publishes about itself (`schemas.region_pack.statistics`)
    NAME/calendars/               working days of each country (`schemas.region_pack.calendars`)
    NAME/guidance/                texts of the guidance library that belong to the region; may be missing
    NAME/national/XX.json         what is known of each country (`schemas.region_pack.national`); may be missing
    NAME/README.md                what the region is and where its rules come from

`read_region_pack` reads a whole pack and refuses it with every fault found, each with its place; nothing of a pack is
used unchecked. The packs of the program are in `schemas/regions`; those of a node come from folders outside of it
(`gateway.regions`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType

from gateway.errors import Code, Finding, RefusedError
from schemas import resources
from schemas.catalogue import load_catalogue
from schemas.codelists import code_list
from schemas.guidance import Text, load_general_texts, load_sources, texts_at
from schemas.reading import LANGUAGE, NAME, Folder, Labels, Log, Spot, Wording, open_json, raise_faults
from schemas.region_pack.calendars import Calendar, calendar_at, make_stand_in
from schemas.region_pack.countries import Country, corridors_at, country_at
from schemas.region_pack.national import NationalEntry, entries_at
from schemas.region_pack.policies import CorridorPolicy, Pair, format_policy, policy_at
from schemas.region_pack.procedures import STAGES, Procedure, stage_at
from schemas.region_pack.statistics import StatisticsPlan, plan_at
from schemas.region_pack.words import words_at

FORMAT = "trm-region/1"
ENTRIES = (
    *("region.json", "README.md", "procedures", "policies", "statistics.json", "calendars"),
    *("guidance", "national", "words"),
)
_NODE = re.compile(r"n1[a-z2-7]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A region pack. `corridors` are pairs (host country, receiving country) between which cases are referred; messages
    of a case go both ways, so a policy may name a corridor in both directions. `nodes` are known nodes by their ids,
    each with the version that its descriptor has reached. `drafts` are the languages whose texts no native speaker has
    reviewed; `version` counts the editions of the pack.
    """

    name: str
    version: int
    title: Labels
    languages: tuple[str, ...]
    drafts: frozenset[str]
    countries: Mapping[str, Country]
    calendars: Mapping[str, Calendar]
    corridors: frozenset[Pair]
    nodes: Mapping[str, int]
    procedure: Procedure
    policies: Mapping[str, CorridorPolicy]
    statistics: StatisticsPlan
    guidance: Mapping[str, Text]
    national: Mapping[str, NationalEntry]

    @property
    def ways(self) -> frozenset[Pair]:
        """Every pair of countries from the first of which a message may go to the second."""
        return self.corridors | {(to, from_) for from_, to in self.corridors}

    def calendar(self, country: str) -> Calendar:
        """Return the calendar of a country; where the pack has none, a stand-in by which no day is certain."""
        return self.calendars.get(country) or make_stand_in(country)


@cache
def load_region(name: str) -> Region:
    """Load the region pack `name` of this installation. Raises RefusedError(not_found) when there is none."""
    if name not in list_regions():
        raise RefusedError(Code.NOT_FOUND, "no such region pack", hint=f"held: {', '.join(list_regions())}")
    return read_region_pack(_packs().joinpath(name))


@cache
def list_regions() -> tuple[str, ...]:
    """List the names of the region packs of this installation."""
    return tuple(sorted(entry.name for entry in _packs().iterdir() if entry.is_dir() and NAME.fullmatch(entry.name)))


def _packs() -> Folder:
    return resources.open_folder("regions")


def read_region_pack(folder: Folder) -> Region:
    """Read the pack in `folder`, which may be a `pathlib.Path`. Raises RefusedError(invalid) with every fault found."""
    log: Log = []
    _entries(folder, log)
    members = open_json(folder, "region.json", log).members(
        ("format", "name", "title", "languages", "countries", "corridors"), ("version", "nodes")
    )
    members["format"].const(FORMAT)
    name = members["name"].matching(NAME, "small letters, digits and hyphens")
    if name and name != folder.name:
        members["name"].fault("name", "the name of the folder")
    languages = _languages(members["languages"])
    words = words_at(folder, languages, log)
    wording = Wording(languages=languages, texts={language: said.texts for language, said in words.items()})
    countries = {code: country_at(code, spot, wording) for code, spot in members["countries"].entries().items()}
    corridors = corridors_at(members["corridors"], countries)
    found = Region(
        name=name,
        version=members["version"].number(1, 999_999) if "version" in members else 1,
        title=members["title"].labels(wording),
        languages=languages,
        drafts=frozenset(language for language, said in words.items() if said.draft),
        countries=MappingProxyType(countries),
        calendars=MappingProxyType(_calendars(folder, countries, log)),
        corridors=corridors,
        nodes=MappingProxyType(_nodes(members["nodes"]) if "nodes" in members else {}),
        procedure=_procedure(folder, wording, log),
        policies=MappingProxyType(_policies(folder, languages, corridors, log)),
        statistics=plan_at(open_json(folder, "statistics.json", log), wording),
        guidance=MappingProxyType(_guidance(folder, countries, log)),
        national=entries_at(folder, countries, wording, log),
    )
    raise_faults(log, f"region pack {folder.name}")
    return found


def unheld_types(region: Region) -> tuple[Finding, ...]:
    """Find the message types that a procedure names and the catalogue does not hold.

    Not part of `read_region_pack`: a procedure may name a type that this installation does not hold yet, and shows it
    as such.
    """
    held = {entry.body_type.partition("/")[0] for entry in load_catalogue().types}
    return tuple(
        Finding(place=f"{step.id}/messages/{index}", rule="unheld_type", hint="the catalogue has no such message type")
        for step in region.procedure.steps
        for index, name in enumerate(step.messages)
        if name not in held
    )


# --- the parts ---------------------------------------------------------------------------------------------------


def _entries(folder: Folder, log: Log) -> None:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name not in ENTRIES:
            log.append(Finding(place=entry.name, rule="unknown_file", hint=f"only {', '.join(ENTRIES)}"))


def _files(folder: Folder, part: str) -> tuple[str, ...]:
    found = folder.joinpath(part)
    return tuple(sorted(entry.name for entry in found.iterdir())) if found.is_dir() else ()


def _languages(spot: Spot) -> tuple[str, ...]:
    found = tuple(item.matching(LANGUAGE, "a language tag such as sq") for item in spot.items(1, 40))
    if "en" not in found or len(set(found)) != len(found):
        spot.fault("languages", "each once, and en among them")
    return found


def _nodes(spot: Spot) -> dict[str, int]:
    found = {}
    for node, version in spot.entries().items():
        if not _NODE.fullmatch(node):
            version.fault("node", "a node id: n1 and 32 characters")
        found[node] = version.number(1, 10**6)
    return found


def _procedure(folder: Folder, wording: Wording, log: Log) -> Procedure:
    expected = tuple(f"{stage}.json" for stage in STAGES)
    for name in _files(folder, "procedures"):
        if name not in expected:
            log.append(Finding(place=f"procedures/{name}", rule="unknown_file", hint=f"only {', '.join(expected)}"))
    stages = tuple(stage_at(open_json(folder, f"procedures/{s}.json", log), s, wording) for s in STAGES)
    ids = [step.id for stage in stages for step in stage.steps if step.id]
    for twice in sorted({id_ for id_ in ids if ids.count(id_) > 1}):
        log.append(Finding(place=f"procedures#{twice}", rule="twice", hint="a step has a name of its own"))
    return Procedure(stages=stages)


def _policies(
    folder: Folder, languages: Collection[str], corridors: frozenset[Pair], log: Log
) -> dict[str, CorridorPolicy]:
    found: dict[str, CorridorPolicy] = {}
    names = _files(folder, "policies")
    if not names:
        log.append(
            Finding(place="policies", rule="missing_file", hint="at least one policy: without one nothing leaves")
        )
    for name in names:
        own: Log = []
        root = open_json(folder, f"policies/{name}", own)
        policy = policy_at(root, own, wording=Wording(languages=languages))
        if not own:
            _fits(policy, root, folder.joinpath("policies", name), corridors)
        log += own
        found[policy.name] = policy
    return found


def _calendars(folder: Folder, countries: Collection[str], log: Log) -> dict[str, Calendar]:
    """Read the calendars that exist. A country without one has a stand-in, by which no deadline in days is certain."""
    found = {}
    for name in _files(folder, "calendars"):
        country = name.removesuffix(".json")
        if name.endswith(".json") and (country in countries or country in code_list("country")):
            found[country] = calendar_at(open_json(folder, f"calendars/{name}", log), country)
        elif name != "README.md":
            log.append(
                Finding(place=f"calendars/{name}", rule="unknown_file", hint="XX.json for each country, README.md")
            )
    return found


def _guidance(folder: Folder, countries: Collection[str], log: Log) -> dict[str, Text]:
    place = folder.joinpath("guidance")
    own: Log = []
    found = texts_at(place, own, load_sources(), load_general_texts(), countries) if place.is_dir() else {}
    log += (replace(finding, place=f"guidance/{finding.place}") for finding in own)
    return found


def _fits(policy: CorridorPolicy, root: Spot, file: Folder, corridors: frozenset[Pair]) -> None:
    """Check that name and revision of the policy match its file, and that it names no corridor outside the region."""
    if f"{policy.name}.json" != file.name:
        root.at("name", None).fault("name", "the name of the file")
    if format_policy(policy).encode() != file.read_bytes():
        root.fault("spelling", "one spelling: members and sets sorted, two spaces, one item a line")
    for name, pairs in policy.corridors.items():
        if any(pair not in corridors and (pair[1], pair[0]) not in corridors for pair in pairs):
            root.at("corridors", None).at(name, None).fault("unknown_corridor", "a corridor of the region, either way")
