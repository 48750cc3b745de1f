"""The guidance library: what to do, in short texts, found by words in any language."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import Field

from gateway.errors import Code, RefusedError
from gateway.foundation.workdays import local_date
from gateway.foundation.workers import Workers
from gateway.guidance.library import GuidanceLibrary
from gateway.guidance.lookup import Library, Wanted, shown
from gateway.identity.own_identity import OwnIdentity
from gateway.operations.ids import CountryId, GuidanceId
from gateway.operations.models import Answer, Asked, Day, Fault, OneOf
from gateway.operations.models import Text as AskedText
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import EVERYBODY
from gateway.ports import Clock, Json, OperationResult
from schemas.codelists import ENGLISH
from schemas.guidance import Text
from schemas.labels import find_language as spoken
from schemas.reading import pick_label
from schemas.region_pack.national import FactKind, NationalFact
from schemas.region_pack.regions import Region

Origin = Annotated[str, OneOf("general", "region", "own")]


class InLanguage(Asked):
    """In which language titles are shown."""

    language: AskedText = Field(default=ENGLISH, description="of names and titles, such as fr")


class WantedTexts(InLanguage):
    """Which texts."""

    stage: AskedText | None = Field(default=None, description="a code of the list trm_stage")
    role: AskedText | None = Field(default=None, description="a code of the list role")
    country: CountryId | None = None
    other: CountryId | None = Field(
        default=None, description="a second country: what holds in one of them, or between both"
    )
    topic: AskedText | None = None


class SearchTexts(WantedTexts):
    """Words, and which texts."""

    text: AskedText = Field(description="in any of the nine languages")


class OneText(InLanguage):
    """A text by its id."""

    id: GuidanceId
    original: bool = Field(default=False, description="the text as it was written, also where it is translated")


class Guidance(Answer):
    """One text of the guidance library, without its body."""

    id: GuidanceId
    title: str
    summary: str
    draft: bool = Field(description="nobody who speaks the language has reviewed title and summary")
    origin: Origin
    stages: list[str]
    roles: list[str]
    topics: list[str]
    countries: list[str] = Field(description="in which it holds; empty, as is between: everywhere")
    between: list[str] = Field(description="the two countries between which it holds")
    version: int
    written: Day
    review_by: Day
    overdue: bool = Field(description="it should have been read again")


class FoundTexts(Answer):
    """The texts that fit a search."""

    texts: list[Guidance] = Field(description="best first")


class Texts(Answer):
    """The texts that fit."""

    texts: list[Guidance]
    countries: list[str] = Field(description="of the region: of each there is what is known of it")
    faults: list[Fault] = Field(description="in the node's own folder, not used then")


class Source(Answer):
    """A document that a text rests on."""

    id: str
    title: str
    issuer: str
    year: int | None
    where: str


class WholeText(Guidance):
    """One text with the documents it rests on."""

    body: str = Field(description="Markdown")
    body_language: str = Field(description="of body: the one that was asked for if the text is translated")
    body_draft: bool = Field(description="a translation that nobody who speaks the language has reviewed")
    body_older: bool = Field(description="a translation, and the text has changed since")
    written_in: str = Field(description="language in which the text was written")
    sources: list[Source]


class OneCountry(InLanguage):
    """A country of the region."""

    id: CountryId


class CountryFact(Answer):
    """One thing that is known of a country."""

    kind: Annotated[str, OneOf(*FactKind)]
    text: str
    source: str
    year: int | None = Field(description="of the source")
    confirmed_by: str | None = Field(description="the body of the country that confirmed it; null: to be confirmed")
    review_by: Day
    overdue: bool = Field(description="it should have been looked at again")
    roles: list[str] = Field(description="on whom a duty lies; empty: everybody, or nobody has told")


class KnownOfCountry(Answer):
    """What is known of a country, and what was not found."""

    country: str
    draft: bool = Field(description="nobody who speaks the language has reviewed the texts")
    facts: list[CountryFact]
    missing: list[str] = Field(description="kinds of which nothing was found: they are blanks and no answer")


class GuidanceOperations:
    """Operations on guidance texts."""

    def __init__(
        self, *, own: OwnIdentity, library: GuidanceLibrary, region: Region, workers: Workers, clock: Clock
    ) -> None:
        self._own = own
        self._library = library
        self._region = region
        self._workers = workers
        self._clock = clock

    @operation(
        "guidance.list",
        "texts of the guidance library",
        roles=EVERYBODY,
        about=About.NODE,
        answer=Texts,
        units=Units.FREE,
    )
    async def list_texts(self, asked: WantedTexts) -> OperationResult:
        """The texts that fit, without their bodies; and what is wrong in the node's own folder."""
        library, faults = await self._workers.off_loop(self._library.library)
        found = library.list(_wanted(asked))
        return OperationResult(
            value={
                "texts": self._summaries(library, found, _language(asked)),
                "countries": [*self._region.national],
                "faults": [fault.to_json() for fault in faults],
            }
        )

    @operation(
        "guidance.search",
        "texts by words",
        roles=EVERYBODY,
        about=About.NODE,
        answer=FoundTexts,
        units=Units.FREE,
        anew=True,
        example={"text": "the person withdraws consent"},
    )
    async def search(self, asked: SearchTexts) -> OperationResult:
        """The texts that fit and have a word of the question, best first."""
        wanted = _wanted(asked)
        library, _ = await self._workers.off_loop(self._library.library)
        found = await self._workers.off_loop(lambda: library.search(asked.text, wanted))
        return OperationResult(value={"texts": self._summaries(library, found, _language(asked))})

    @operation(
        "guidance.show",
        "one text with its sources",
        roles=EVERYBODY,
        about=About.NODE,
        answer=WholeText,
        units=Units.FREE,
    )
    async def show(self, asked: OneText) -> OperationResult:
        """One text with the documents it rests on."""
        library, _ = await self._workers.off_loop(self._library.library)
        language = _language(asked)
        found = library.texts.get(asked.id)
        if found is None:
            raise RefusedError(Code.NOT_FOUND, "no such text", hint="trm guidance list shows the ids")
        (about,) = self._summaries(library, (found,), language)
        sources: list[Json] = [
            {"id": one.id, "title": one.title, "issuer": one.issuer, "year": one.year, "where": one.where}
            for one in found.sources
        ]
        members = about if isinstance(about, dict) else {}
        body = _body(found, found.language if asked.original else language)
        return OperationResult(value={**members, **body, "sources": sources})

    @operation(
        "guidance.country",
        "what is known of a country",
        roles=EVERYBODY,
        about=About.NODE,
        answer=KnownOfCountry,
        units=Units.FREE,
    )
    async def show_country(self, asked: OneCountry) -> OperationResult:
        """What is known of a country of the region: who coordinates, how long one may reflect, whom to ring, which
        duties to report there are. To be confirmed by the country until it has confirmed it.
        """
        entry, language = self._region.national.get(asked.id), _language(asked)
        if entry is None:
            listed = ", ".join(sorted(self._region.national))
            raise RefusedError(Code.NOT_FOUND, "no such country in the region", hint=f"held: {listed}")
        today = self._today()
        facts: list[Json] = [_fact(fact, language, today) for fact in entry.facts]
        missing: list[Json] = [str(kind) for kind in entry.missing]
        draft = language in self._region.drafts
        return OperationResult(value={"country": entry.country, "draft": draft, "facts": facts, "missing": missing})

    def _today(self) -> date:
        zone = self._region.calendar(self._own.descriptor.country).zone
        return local_date(zone, self._clock.now())

    def _summaries(self, library: Library, texts: tuple[Text, ...], language: str) -> list[Json]:
        today = self._today()
        return [_summary(library, one, language, today) for one in texts]


def _wanted(asked: WantedTexts) -> Wanted:
    return Wanted(stage=asked.stage, role=asked.role, country=asked.country, other=asked.other, topic=asked.topic)


def _language(asked: InLanguage) -> str:
    return spoken(asked.language).code


def _body(one: Text, language: str) -> dict[str, Json]:
    """Say the text in a language, or where nobody translated it as it was written."""
    translation = one.translations.get(language)
    return {
        "body": one.body if translation is None else translation.body,
        "body_language": one.language if translation is None else language,
        "body_draft": translation is not None and translation.draft,
        "body_older": one.is_older(language),
        "written_in": one.language,
    }


def _fact(fact: NationalFact, language: str, today: date) -> Json:
    return {
        "kind": str(fact.kind),
        "text": pick_label(fact.text, language),
        "source": fact.source,
        "year": fact.year,
        "confirmed_by": fact.confirmed_by,
        "review_by": fact.review_by.isoformat(),
        "overdue": fact.review_by < today,
        "roles": [*fact.roles],
    }


def _summary(library: Library, one: Text, language: str, today: date) -> Json:
    return {
        "id": one.id,
        "title": shown(one.title, one, language),
        "summary": shown(one.summary, one, language),
        "draft": language in one.drafts,
        "origin": str(library.origins[one.id]),
        "stages": [*one.stages],
        "roles": [*one.roles],
        "topics": [*one.topics],
        "countries": [*one.countries],
        "between": [*one.between],
        "version": one.version,
        "written": one.written.isoformat(),
        "review_by": one.review_by.isoformat(),
        "overdue": one.review_by < today,
    }
