"""A region pack: the countries, languages, corridors, procedures and corridor policies of one region, as one folder.

    NAME/region.json              countries, languages, corridors, nodes with the version each has reached
    NAME/words/XX.json            texts of the pack in another language, by their English; may be missing
    NAME/procedures/STAGE.json    one file for each stage (`schemas.region_pack.procedures`)
    NAME/policies/POLICY.json     corridor policies (`schemas.region_pack.policies`)
    NAME/statistics.json          what the region publishes about itself (`schemas.region_pack.statistics`)
    NAME/calendars/               working days of each country (`schemas.region_pack.calendars`)
    NAME/guidance/                texts of the guidance library that belong to the region; may be missing
    NAME/national/XX.json         what is known of each country (`schemas.region_pack.national`); may be missing
    NAME/README.md                what the region is and where its rules come from

`read_region_pack` reads a whole pack and refuses it with every fault found, each with its place; nothing of a pack is
used unchecked. A new region begins as a copy of a folder: `schemas/regions/README.md`.
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
from schemas.codelists import ENGLISH, code_list
from schemas.guidance import Text, load_general_texts, load_sources, texts_at
from schemas.labels import DRAFT, REVIEWED
from schemas.reading import LANGUAGE, NAME, Folder, Labels, Log, Spot, Wording, open_json, raise_faults
from schemas.region_pack import calendars
from schemas.region_pack.national import NationalEntry, entries_at
from schemas.region_pack.policies import CorridorPolicy, Pair, format_policy, policy_at
from schemas.region_pack.procedures import STAGES, Procedure, stage_at
from schemas.region_pack.statistics import StatisticsPlan, plan_at

FORMAT, WORDS = "trm-region/1", "trm-region-words/1"
STARTING_POLICY = "two-step"
"""The policy with which a node begins, where its region pack has one of this name: the two steps of disclosure."""
ENTRIES = (
    *("region.json", "README.md", "procedures", "policies", "statistics.json", "calendars"),
    *("guidance", "national", "words"),
)
_NODE = re.compile(r"n1[a-z2-7]{32}")
_TERRITORY = re.compile(r"[a-z][a-z0-9-]{2,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country of the region, with the languages in which its units work; the first one is the default. `place` is
    where its capital lies, in whole degrees north and east: pictures show in which direction that is.
    """

    code: str
    languages: tuple[str, ...]
    place: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A region pack. `corridors` are pairs (host country, receiving country) between which cases are referred; messages
    of a case go both ways, so a policy may name a corridor in both directions. `nodes` are known nodes by their ids,
    each with the version that its descriptor has reached. `drafts` are the languages whose texts no native speaker has
    reviewed.
    """

    name: str
    title: Labels
    languages: tuple[str, ...]
    drafts: frozenset[str]
    countries: Mapping[str, Country]
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


def starting_policy(name: str) -> CorridorPolicy | None:
    """Load the policy with which a node of this region begins; None when its pack has none of that name."""
    return load_region(name).policies.get(STARTING_POLICY)


def _packs() -> Folder:
    return resources.open_folder("regions")


def read_region_pack(folder: Folder) -> Region:
    """Read the pack in `folder`, which may be a `pathlib.Path`. Raises RefusedError(invalid) with every fault found."""
    log: Log = []
    _entries(folder, log)
    members = open_json(folder, "region.json", log).members(
        ("format", "name", "title", "languages", "countries", "corridors"), ("nodes",)
    )
    members["format"].const(FORMAT)
    name = members["name"].matching(NAME, "small letters, digits and hyphens")
    if name and name != folder.name:
        members["name"].fault("name", "the name of the folder")
    languages = _languages(members["languages"])
    countries = {code: _country(code, spot, languages) for code, spot in members["countries"].entries().items()}
    corridors = _corridors(members["corridors"], countries)
    _calendars(folder, log)
    words = {language: _words(folder, language, languages, log) for language in _spoken(folder, log)}
    wording = Wording(languages=languages, texts={language: said.texts for language, said in words.items()})
    found = Region(
        name=name,
        title=members["title"].labels(wording),
        languages=languages,
        drafts=frozenset(language for language, said in words.items() if said.draft),
        countries=MappingProxyType(countries),
        corridors=corridors,
        nodes=MappingProxyType(_nodes(members["nodes"]) if "nodes" in members else {}),
        procedure=_procedure(folder, wording, log),
        policies=MappingProxyType(_policies(folder, languages, corridors, log)),
        statistics=plan_at(open_json(folder, "statistics.json", log), wording),
        guidance=MappingProxyType(_guidance(folder, log)),
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


def _country(code: str, spot: Spot, languages: Collection[str]) -> Country:
    if code not in code_list("country") and not _TERRITORY.fullmatch(code):
        spot.fault("unknown_code", "a code of the list country, or a name of small letters for another territory")
    members = spot.members(("languages",), ("place",))
    spoken = members["languages"].several(languages, "unknown_language", "listed above", low=1)
    return Country(code=code, languages=spoken, place=_place(members["place"]) if "place" in members else None)


def _place(spot: Spot) -> tuple[int, int]:
    members = spot.members(("north", "east"))
    return members["north"].number(-90, 90), members["east"].number(-180, 180)


def _corridors(spot: Spot, countries: Collection[str]) -> frozenset[Pair]:
    pairs: list[Pair] = []
    for item in spot.items(1):
        members = item.members(("from", "to"))
        ends = (
            members[end].several(countries, "unknown_country", "a country of this region", low=1) for end in members
        )
        starts, goals = ends
        pairs += ((start, goal) for start in starts for goal in goals)
        if set(starts) & set(goals):
            item.fault("corridor", "from one country to another")
    if len(set(pairs)) != len(pairs):
        spot.fault("twice", "each corridor only once")
    return frozenset(pairs)


def _nodes(spot: Spot) -> dict[str, int]:
    found = {}
    for node, version in spot.entries().items():
        if not _NODE.fullmatch(node):
            version.fault("node", "a node id: n1 and 32 characters")
        found[node] = version.number(1, 10**6)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """The texts of a pack in one language, by their English."""

    texts: Mapping[str, str]
    draft: bool


def _spoken(folder: Folder, log: Log) -> tuple[str, ...]:
    """List the languages that have a file of words; anything else in its folder is a fault."""
    found = _files(folder, "words")
    for name in found:
        if not name.endswith(".json"):
            log.append(Finding(place=f"words/{name}", rule="unknown_file", hint="a file for each language: XX.json"))
    return tuple(name.removesuffix(".json") for name in found if name.endswith(".json"))


def _words(folder: Folder, language: str, languages: Collection[str], log: Log) -> _Words:
    root = open_json(folder, f"words/{language}.json", log)
    members = root.members(("format", "language", "status", "texts"))
    members["format"].const(WORDS)
    members["language"].const(language)
    if language not in languages or language == ENGLISH:
        root.fault("unknown_language", "a language of the region other than English")
    status = members["status"].one_of((DRAFT, REVIEWED), "unknown_status", f"{DRAFT} or {REVIEWED}")
    texts = {english: spot.text() for english, spot in members["texts"].entries().items()}
    return _Words(texts=texts, draft=status != REVIEWED)


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


def _calendars(folder: Folder, log: Log) -> None:
    """Check the calendars that exist. A country without one has a stand-in, by which no deadline in days is certain."""
    for name in _files(folder, "calendars"):
        country = name.removesuffix(".json")
        if name.endswith(".json") and country in code_list("country"):
            calendars.check_calendar(open_json(folder, f"calendars/{name}", log), country)
        elif name != "README.md":
            log.append(
                Finding(place=f"calendars/{name}", rule="unknown_file", hint="XX.json for each country, README.md")
            )


def _guidance(folder: Folder, log: Log) -> dict[str, Text]:
    place = folder.joinpath("guidance")
    own: Log = []
    found = texts_at(place, own, load_sources(), load_general_texts()) if place.is_dir() else {}
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
