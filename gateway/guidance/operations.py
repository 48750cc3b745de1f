"""The guidance library: what to do, in short texts, found by words in any language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from gateway.errors import Code, RefusedError
from gateway.foundation.workdays import local_date
from gateway.foundation.workers import Workers
from gateway.guidance.library import GuidanceLibrary
from gateway.guidance.lookup import Library, Wanted, shown
from gateway.identity.own_identity import OwnIdentity
from gateway.operations.arguments import Arguments, maybe_text, only, text
from gateway.operations.table import Operation
from gateway.ports import Clock, Json, OperationResult
from schemas.codelists import ENGLISH
from schemas.guidance import Text
from schemas.labels import find_language as spoken
from schemas.region_pack.calendars import load_calendar
from schemas.region_pack.regions import Region

_WANTED = ("stage", "role", "country", "other", "topic")


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

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "guidance.list": self.list_texts,
            "guidance.search": self.search,
            "guidance.show": self.show,
        }

    async def list_texts(self, arguments: Arguments) -> OperationResult:
        """The texts that fit, without their bodies; and what is wrong in the node's own folder."""
        only(arguments, "stage", "role", "country", "other", "topic", "language")
        library, faults = await self._workers.off_loop(self._library.library)
        found = library.list(_wanted(arguments))
        return OperationResult(
            value={
                "texts": self._summaries(library, found, _language(arguments)),
                "faults": [fault.to_json() for fault in faults],
            }
        )

    async def search(self, arguments: Arguments) -> OperationResult:
        """The texts that fit and have a word of the question, best first."""
        only(arguments, "text", "stage", "role", "country", "other", "topic", "language")
        question, wanted = text(arguments, "text"), _wanted(arguments)
        library, _ = await self._workers.off_loop(self._library.library)
        found = await self._workers.off_loop(lambda: library.search(question, wanted))
        return OperationResult(value={"texts": self._summaries(library, found, _language(arguments))})

    async def show(self, arguments: Arguments) -> OperationResult:
        """One text with the documents it rests on."""
        only(arguments, "id", "language")
        library, _ = await self._workers.off_loop(self._library.library)
        found = library.texts.get(text(arguments, "id", longest=48))
        if found is None:
            raise RefusedError(Code.NOT_FOUND, "no such text", hint="trm guidance list shows the ids")
        (about,) = self._summaries(library, (found,), _language(arguments))
        sources: list[Json] = [
            {"id": one.id, "title": one.title, "issuer": one.issuer, "year": one.year, "where": one.where}
            for one in found.sources
        ]
        members = about if isinstance(about, dict) else {}
        return OperationResult(
            value={**members, "body": found.body, "body_language": found.language, "sources": sources}
        )

    def _summaries(self, library: Library, texts: tuple[Text, ...], language: str) -> list[Json]:
        zone = load_calendar(self._region.name, self._own.descriptor.country).zone
        today = local_date(zone, self._clock.now())
        return [_summary(library, one, language, today) for one in texts]


def _wanted(arguments: Arguments) -> Wanted:
    return Wanted(**{name: maybe_text(arguments, name) for name in _WANTED})


def _language(arguments: Arguments) -> str:
    return spoken(maybe_text(arguments, "language") or ENGLISH).code


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
