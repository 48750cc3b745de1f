"""The guidance library: short practical texts by stage, role, country and topic, with the documents they cite.

A folder of guidance, in this package, in a region pack, or beside the settings of a node:

    texts/ID.md        one text: a head of `name: value` lines between two lines `---`, then Markdown
    words/XX.json      title, keywords and summary of its texts in a language; may be missing
    bodies/XX/ID.md    a text in another language (`schemas.region_pack.guidance_bodies`); may be missing
    sources.json       the documents that its texts cite: title, issuer, year, where to find it; may be missing

The head:

    title, keywords, summary    in the language of the text
    stages, roles, topics       codes of `trm_stage` and `role`; words of `TOPICS`; one at least of each
    countries                   codes of `country`: it holds in each of them
    between                     two of them in its place: it holds between the two; both left out: everywhere
    version, written, review_by    a number from 1; the days on which it was written and has to be reviewed
    sources                     ids in a `sources.json` of this folder, or of the package
    language                    of title, keywords, summary and text; left out: en

`load_texts` reads a folder to the end and refuses it with every fault, each with its place.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from gateway.errors import Finding
from schemas import resources
from schemas.codelists import code_list
from schemas.guidance_head import Head, read_heads
from schemas.labels import DRAFT, REVIEWED, load_languages
from schemas.reading import NAME, Folder, Labels, Log, open_json, raise_faults
from schemas.region_pack.guidance_bodies import Translation, digest_body, read_translations

TOPICS = (
    "child",
    "consent",
    "contact",
    "data",
    "family",
    "follow_up",
    "health",
    "law",
    "return",
    "safety",
    "services",
    "talking",
)
_LONGEST = {"title": 120, "keywords": 400, "summary": 400}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A public document; `year` is None when it is uncertain."""

    id: str
    title: str
    issuer: str
    year: int | None
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One text.

    `title`, `keywords` and `summary` are by language; `drafts` are the languages of them that nobody has reviewed.
    `body` is in `language`, `translations` are by theirs.
    """

    id: str
    language: str
    title: Labels
    keywords: Labels
    summary: Labels
    drafts: frozenset[str]
    stages: tuple[str, ...]
    roles: tuple[str, ...]
    topics: tuple[str, ...]
    countries: tuple[str, ...]
    between: tuple[str, ...]
    version: int
    written: date
    review_by: date
    sources: tuple[Source, ...]
    body: str
    translations: Mapping[str, Translation]

    def is_older(self, language: str) -> bool:
        """Whether the text has changed since it was translated into a language."""
        return language in self.translations and self.translations[language].of != digest_body(self.body)


@cache
def load_general_texts() -> Mapping[str, Text]:
    """Load the texts that hold in every region, by id."""
    return load_texts(resources.open_folder("guidance"), "the guidance of this package", {}, ())


@cache
def load_sources() -> Mapping[str, Source]:
    """Load the documents that texts of every folder can cite."""
    log: Log = []
    found = _sources(resources.open_folder("guidance"), log)
    raise_faults(log, "sources.json")
    return MappingProxyType(found)


def load_texts(
    folder: Folder, what: str, known: Mapping[str, Source], taken: Collection[str], places: Collection[str] = ()
) -> Mapping[str, Text]:
    """Load the texts of a folder by id. `known` are sources that they may also cite, `taken` ids that are not free,
    `places` countries beside those of the list.

    Raises:
        RefusedError: invalid, with every fault in the folder; `what` names it in the message.
    """
    log: Log = []
    found = texts_at(folder, log, known, taken, places)
    raise_faults(log, what)
    return MappingProxyType(found)


def texts_at(
    folder: Folder, log: Log, known: Mapping[str, Source], taken: Collection[str], places: Collection[str] = ()
) -> dict[str, Text]:
    """Read the texts of a folder by id and note its faults in `log`; `places` are countries beside the list."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name not in ("texts", "words", "bodies", "sources.json", "README.md"):
            hint = "only texts, words, bodies and sources.json"
            log.append(Finding(place=entry.name, rule="unknown_file", hint=hint))
    cited = {**known, **_sources(folder, log)}
    heads = dict(read_heads(folder, log, taken))
    words = _words(folder, {id: head.language for id, head in heads.items()}, log)
    bodies = read_translations(folder, {id: (head.language, head.body) for id, head in heads.items()}, log)
    where = (*_listed("country"), *places)
    return {id: _text(id, head, cited, where, words, bodies[id], log) for id, head in heads.items()}


# --- the head ----------------------------------------------------------------------------------------------------


def _text(
    id: str,
    head: Head,
    cited: Mapping[str, Source],
    places: Collection[str],
    words: Mapping[str, Mapping[str, _Words]],
    translations: Mapping[str, Translation],
    log: Log,
) -> Text:
    said = {language: held[id] for language, held in words.items() if id in held}
    own = _Words(**{name: _line(head, name, log) for name in _LONGEST}, draft=False)
    spoken = {head.language: own} | said
    version = head.values.get("version", "")
    if "version" in head.values and not re.fullmatch(r"[1-9]\d{0,4}", version):
        head.spot("version", log).fault("number", "a number from 1")
        version = "1"
    return Text(
        id=id,
        language=head.language,
        title=_by(spoken, "title"),
        keywords=_by(spoken, "keywords"),
        summary=_by(spoken, "summary"),
        drafts=frozenset(language for language, one in said.items() if one.draft),
        stages=_codes(head, "stages", _listed("trm_stage"), log, low=1),
        roles=_codes(head, "roles", _listed("role"), log, low=1),
        topics=_codes(head, "topics", TOPICS, log, low=1),
        countries=_codes(head, "countries", places, log, low=0),
        between=_between(head, places, log),
        version=int(version or 1),
        written=_day(head, "written", log),
        review_by=_day(head, "review_by", log),
        sources=tuple(cited[source] for source in _codes(head, "sources", tuple(cited), log, low=1) if source),
        body=head.body,
        translations=MappingProxyType(translations),
    )


def _line(head: Head, name: str, log: Log) -> str:
    text = head.values.get(name, "")
    if len(text) > _LONGEST[name]:
        head.spot(name, log).fault("too_long", f"at most {_LONGEST[name]} characters")
    return text


def _codes(head: Head, name: str, known: Collection[str], log: Log, *, low: int) -> tuple[str, ...]:
    if name not in head.values:
        return ()  # _head has noted it as missing where it is required
    return head.several(name, log).several(known, "unknown_code", "codes with commas; see docs/guidance.md", low=low)


def _between(head: Head, places: Collection[str], log: Log) -> tuple[str, ...]:
    found = _codes(head, "between", places, log, low=1)
    if "between" in head.values and (len(found) != 2 or "countries" in head.values):
        head.spot("between", log).fault("pair", "two countries, and no line countries beside it")
    return found


def _day(head: Head, name: str, log: Log) -> date:
    try:
        return date.fromisoformat(head.values.get(name, "2000-01-01"))
    except ValueError:
        head.spot(name, log).fault("day", "a day, as 2026-11-27")
        return date.min


def _listed(name: str) -> tuple[str, ...]:
    return tuple(entry.code for entry in code_list(name).codes)


# --- words and sources -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    title: str
    keywords: str
    summary: str
    draft: bool


def _by(spoken: Mapping[str, _Words], name: str) -> Labels:
    return MappingProxyType({language: str(getattr(words, name)) for language, words in spoken.items()})


def _words(folder: Folder, texts: Mapping[str, str], log: Log) -> dict[str, dict[str, _Words]]:
    found: dict[str, dict[str, _Words]] = {}
    place = folder.joinpath("words")
    for file in sorted(place.iterdir(), key=lambda file: file.name) if place.is_dir() else ():
        language = file.name.removesuffix(".json")
        if language not in load_languages():
            log.append(Finding(place=f"words/{file.name}", rule="unknown_file", hint="XX.json of a language there is"))
            continue
        members = open_json(folder, f"words/{file.name}", log).members(("language", "status", "texts"))
        members["language"].const(language)
        draft = members["status"].one_of((DRAFT, REVIEWED), "enum", "draft or reviewed") != REVIEWED
        found[language] = {}
        for id, spot in members["texts"].entries().items():
            if id not in texts or texts[id] == language:
                spot.fault("unknown_name", "a text of this folder that is written in another language")
                continue
            inner = spot.members(tuple(_LONGEST))
            said = {name: inner[name].text(longest) for name, longest in _LONGEST.items()}
            found[language][id] = _Words(**said, draft=draft)
    return found


def _sources(folder: Folder, log: Log) -> dict[str, Source]:
    if not folder.joinpath("sources.json").is_file():
        return {}
    found: dict[str, Source] = {}
    for id, spot in open_json(folder, "sources.json", log).entries().items():
        if not NAME.fullmatch(id):
            spot.fault("form", "small letters, digits and hyphens")
        members = spot.members(("title", "issuer", "where"), ("year",))
        found[id] = Source(
            id=id,
            title=members["title"].text(300),
            issuer=members["issuer"].text(150),
            year=members["year"].number(1900, 2100) if "year" in members else None,
            where=members["where"].text(200),
        )
    return found
