"""The guidance library: what to do, in short texts, found by words in any language."""

from __future__ import annotations

from datetime import date

from gateway.errors import Code, RefusedError
from gateway.foundation.workdays import local_date
from gateway.guidance.lookup import Library, Wanted, shown
from gateway.node.parts import Parts
from gateway.operations.arguments import Arguments, maybe_text, only, text
from gateway.ports import Json, OperationResult
from schemas.codelists import ENGLISH
from schemas.guidance import Text
from schemas.labels import language as spoken
from schemas.region_pack.calendars import calendar

_WANTED = ("stage", "role", "country", "other", "topic")


async def list_texts(parts: Parts, arguments: Arguments) -> OperationResult:
    """The texts that fit, without their bodies; and what is wrong in the node's own folder."""
    only(arguments, "stage", "role", "country", "other", "topic", "language")
    library, faults = await parts.workers.off_loop(parts.shelf.library)
    found = library.list(_wanted(arguments))
    return OperationResult(
        value={
            "texts": _summaries(parts, library, found, _language(arguments)),
            "faults": [fault.to_json() for fault in faults],
        }
    )


async def search(parts: Parts, arguments: Arguments) -> OperationResult:
    """The texts that fit and have a word of the question, best first."""
    only(arguments, "text", "stage", "role", "country", "other", "topic", "language")
    question, wanted = text(arguments, "text"), _wanted(arguments)
    library, _ = await parts.workers.off_loop(parts.shelf.library)
    found = await parts.workers.off_loop(lambda: library.search(question, wanted))
    return OperationResult(value={"texts": _summaries(parts, library, found, _language(arguments))})


async def show(parts: Parts, arguments: Arguments) -> OperationResult:
    """One text with the documents it rests on."""
    only(arguments, "id", "language")
    library, _ = await parts.workers.off_loop(parts.shelf.library)
    found = library.texts.get(text(arguments, "id", longest=48))
    if found is None:
        raise RefusedError(Code.NOT_FOUND, "no such text", hint="trm guidance list shows the ids")
    (about,) = _summaries(parts, library, (found,), _language(arguments))
    sources: list[Json] = [
        {"id": one.id, "title": one.title, "issuer": one.issuer, "year": one.year, "where": one.where}
        for one in found.sources
    ]
    members = about if isinstance(about, dict) else {}
    return OperationResult(value={**members, "body": found.body, "body_language": found.language, "sources": sources})


def _wanted(arguments: Arguments) -> Wanted:
    return Wanted(**{name: maybe_text(arguments, name) for name in _WANTED})


def _language(arguments: Arguments) -> str:
    return spoken(maybe_text(arguments, "language") or ENGLISH).code


def _summaries(parts: Parts, library: Library, texts: tuple[Text, ...], language: str) -> list[Json]:
    zone = calendar(parts.region.name, parts.own.descriptor.country).zone
    today = local_date(zone, parts.clock.now())
    return [_summary(library, one, language, today) for one in texts]


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
