"""The guidance library: short texts on what to do, by stage, role, country and topic, searched by words in any
language.

What is asked in words is sent as a form and stands in no address; what is chosen from a list may stand there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.console.navigation.countries import KINDS, SHOW, say_duties
from gateway.console.navigation.sections import Section
from gateway.console.visit import Form, Page, Visit
from gateway.console.words import N_
from gateway.operations.roles import Role
from gateway.ports import Json

SECTION = Section(
    path="/guidance",
    title=N_("Guidance"),
    operation="guidance.list",
    shape="book",
    of=frozenset({Role.TRUST_ADMIN, Role.OPERATOR, Role.DATA_PROTECTION_OFFICER}),
)
CHOSEN = ("stage", "role", "topic", "country")
TOPICS: Mapping[str, str] = {
    "child": N_("children"),
    "consent": N_("consent"),
    "contact": N_("safe contact"),
    "data": N_("data protection"),
    "family": N_("family"),
    "follow_up": N_("follow-up"),
    "health": N_("health"),
    "law": N_("law"),
    "return": N_("return"),
    "safety": N_("safety"),
    "services": N_("services"),
    "talking": N_("talking with the person"),
}
ORIGINS: Mapping[str, str] = {
    "region": N_("of the region"),
    "own": N_("of this mechanism"),
}


async def show_library(visit: Visit) -> web.StreamResponse:
    """List the texts that match the filters; without filters, all texts."""
    query = visit.request.query
    return await _library(visit, Form({name: (query[name],) for name in CHOSEN if name in query}))


async def search_library(visit: Visit) -> web.StreamResponse:
    """List the texts that answer a question, best first."""
    return await _library(visit, await visit.form())


async def show_text(visit: Visit) -> web.StreamResponse:
    """Show one text with its sources and the day of its next review, translated or as it was written."""
    original = "original" in visit.request.query
    asked: dict[str, Json] = {
        "id": visit.request.match_info["id"],
        "language": visit.words.language.code,
        "original": original,
    }
    found = await visit.ask("guidance.show", asked)
    return visit.page("guidance-text.html", one=found, topics=TOPICS, origins=ORIGINS)


async def show_country(visit: Visit) -> web.StreamResponse:
    """Show what is known of a country, what it has confirmed of it, and what nobody found."""
    asked: dict[str, Json] = {"id": visit.request.match_info["country"], "language": visit.words.language.code}
    entry = await visit.ask(SHOW, asked)
    return visit.page("guidance-country.html", entry=entry, kinds=KINDS, duties=say_duties([entry], visit.words))


async def _library(visit: Visit, form: Form) -> web.Response:
    wanted: dict[str, Json] = {name: form.one(name) for name in CHOSEN if name in form}
    spoken: dict[str, Json] = {"language": visit.words.language.code}
    whole = await visit.ask("guidance.list", spoken)
    if "text" in form:
        found = (await visit.ask("guidance.search", {"text": form.one("text")} | wanted | spoken))["texts"]
    elif wanted:
        found = (await visit.ask("guidance.list", wanted | spoken))["texts"]
    else:
        found = whole["texts"]
    return visit.page(
        "guidance.html",
        texts=found,
        countries=sorted(((code, visit.words.country(code)) for code in whole["countries"]), key=lambda one: one[1]),
        faults=whole["faults"],
        form=form,
        chosen={name: form.one(name) for name in CHOSEN},
        choices=_choices(visit, whole),
        topics=TOPICS,
        origins=ORIGINS,
    )


def _choices(visit: Visit, whole: Any) -> dict[str, list[tuple[str, str]]]:
    """List the filters: the codes that occur in the library's texts."""
    words, texts = visit.words, whole["texts"]
    names: Mapping[str, tuple[Sequence[str], Callable[[str], str]]] = {
        "stage": (["stages"], lambda code: words.code("trm_stage", code)),
        "role": (["roles"], lambda code: words.code("role", code)),
        "topic": (["topics"], lambda code: words(TOPICS[code])),
        "country": (["countries", "between"], words.country),
    }
    return {
        name: sorted(
            {(code, say(code)) for text in texts for member in members for code in text[member]},
            key=lambda one: words.place(one[1]),
        )
        for name, (members, say) in names.items()
    }


PAGES = (
    Page(method="GET", path=SECTION.path, handler=show_library, operation=SECTION.operation),
    Page(method="POST", path=SECTION.path, handler=search_library, operation="guidance.search"),
    Page(method="GET", path="/guidance/country/{country}", handler=show_country, operation=SHOW),
    Page(method="GET", path="/guidance/{id}", handler=show_text, operation="guidance.show"),
)
