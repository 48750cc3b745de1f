"""Record keeping of a focal point: erasure requests, legal holds, messages under a revoked key, released statistics."""

from __future__ import annotations

from functools import partial

from aiohttp import web

from gateway.console.navigation.sections import Section
from gateway.console.pictures.delivery import draw_share
from gateway.console.visit import Page, Visit
from gateway.console.words import N_
from gateway.operations.roles import Role
from gateway.ports import Json

SECTION = Section(
    path="/records",
    title=N_("Records"),
    operation="statistics.list",
    shape="records",
    of=frozenset({Role.FOCAL_POINT, Role.DATA_PROTECTION_OFFICER}),
)


async def show_overview(visit: Visit) -> web.StreamResponse:
    """Show the kinds of records to look after, with the number of open ones."""
    return visit.page(
        "records.html",
        requests=(await visit.ask("erasure.list"))["requests"] if visit.allows("erasure.list") else None,
        holds=(await visit.ask("retention.list"))["holds"] if visit.allows("retention.list") else None,
        reviews=(await visit.ask("review.list"))["reviews"] if visit.allows("review.list") else None,
        releases=(await visit.ask("statistics.list"))["releases"],
    )


async def list_erasures(visit: Visit) -> web.StreamResponse:
    """List what other countries asked to have erased."""
    return visit.page("erasures.html", requests=(await visit.ask("erasure.list"))["requests"])


async def follow_erasure(visit: Visit) -> web.StreamResponse:
    """Follow an erasure request now; if it names only a part, the person says which messages that is."""
    form = await visit.form()
    named: dict[str, Json] = {"messages": [*form.one("messages").split()]} if "messages" in form else {}
    await visit.act("erasure.follow", {"id": visit.request.match_info["id"], **named})
    return visit.go("/records/erasures")


async def refuse_erasure(visit: Visit) -> web.StreamResponse:
    """Refuse an erasure request on a legal ground, until a day."""
    form = await visit.form()
    said: dict[str, Json] = {"ground": form.one("ground"), "until": form.one("until")}
    await visit.act("erasure.refuse", {"id": visit.request.match_info["id"], **said})
    return visit.go("/records/erasures")


async def list_holds(visit: Visit) -> web.StreamResponse:
    """List the conversations under a legal hold."""
    return visit.page("holds.html", holds=(await visit.ask("retention.list"))["holds"])


async def list_reviews(visit: Visit) -> web.StreamResponse:
    """List the messages whose signing key was revoked afterwards."""
    return visit.page("reviews.html", reviews=(await visit.ask("review.list"))["reviews"])


async def settle_review(visit: Visit) -> web.StreamResponse:
    """Record that somebody has reviewed one of them."""
    await visit.act("review.settle", {"id": visit.request.match_info["id"]})
    return visit.go("/records/reviews")


async def list_statistics(visit: Visit) -> web.StreamResponse:
    """List the periods with released statistics."""
    return visit.page("statistics.html", releases=(await visit.ask("statistics.list"))["releases"])


async def count_period(visit: Visit) -> web.StreamResponse:
    """Count a period that has ended; a period that was counted before is shown as it was released."""
    period = (await visit.form()).one("period")
    made = await visit.act("statistics.make", {"period": period})
    return visit.go(f"/records/statistics/{made['period']}")


async def show_statistics(visit: Visit) -> web.StreamResponse:
    """Show the released tables of one period."""
    release = await visit.ask("statistics.show", {"id": visit.request.match_info["id"]})
    share = partial(draw_share, rtl=visit.words.language.direction == "rtl")
    return visit.page("statistic.html", release=release, share=share)


PAGES = (
    Page(method="GET", path=SECTION.path, handler=show_overview, operation=SECTION.operation),
    Page(method="GET", path="/records/erasures", handler=list_erasures, operation="erasure.list"),
    Page(method="POST", path="/records/erasures/{id}/follow", handler=follow_erasure, operation="erasure.follow"),
    Page(method="POST", path="/records/erasures/{id}/refuse", handler=refuse_erasure, operation="erasure.refuse"),
    Page(method="GET", path="/records/holds", handler=list_holds, operation="retention.list"),
    Page(method="GET", path="/records/reviews", handler=list_reviews, operation="review.list"),
    Page(method="POST", path="/records/reviews/{id}/settle", handler=settle_review, operation="review.settle"),
    Page(method="GET", path="/records/statistics", handler=list_statistics, operation="statistics.list"),
    Page(method="POST", path="/records/statistics", handler=count_period, operation="statistics.make"),
    Page(method="GET", path="/records/statistics/{id}", handler=show_statistics, operation="statistics.show"),
)
