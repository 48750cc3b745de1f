"""The network: what is broken and whom to call first, every link as a picture and as a table, delivery of a month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from gateway.console.navigation.sections import Section
from gateway.console.pictures import links as link_texts
from gateway.console.pictures.delivery import SMALL, Day, draw_delivery, draw_key, draw_small
from gateway.console.pictures.links import Link, list_links
from gateway.console.pictures.network import LinkState, Peer, draw_network, find_direction
from gateway.console.visit import Page, Visit
from gateway.console.words import N_
from gateway.operations.roles import Role

SECTION = Section(
    path="/network",
    title=N_("Network"),
    operation="node.delivery",
    shape="network",
    of=frozenset({Role.FOCAL_POINT, Role.TRUST_ADMIN, Role.OPERATOR}),
)
DAY, DAYS = 86_400, 30
KINDS = ("within_hour", "later", "not_yet")


async def show_network(visit: Visit) -> web.StreamResponse:
    """Show every link, the broken ones first, and how quickly messages were received."""
    now, status = visit.settings.now(), await visit.ask("node.status")
    links = list_links(status, await visit.ask("peer.list"), now)
    told = await visit.ask("node.delivery")
    days = _list_days(visit, told["days"], now)
    works = sum(link.state is LinkState.WORKS for link in links)
    return visit.page(
        "network.html",
        links=links,
        works=works,
        down=[link for link in links if link.state is LinkState.DOWN],
        names=_name_links(visit, links),
        pictures=_draw_links(visit, links, now),
        small={link.node: _draw_small(visit, link, told["days"], now) for link in links},
        days=days,
        sums=[sum(day.counts[kind] for day in days) for kind in range(len(KINDS))],
        keys=[draw_key(kind) for kind in range(len(KINDS))],
        bars=_draw_days(visit, days),
        texts=link_texts,
        now=now,
    )


def _is_rtl(visit: Visit) -> bool:
    return visit.words.language.direction == "rtl"


def _name_links(visit: Visit, links: Sequence[Link]) -> Mapping[str, str]:
    """Name each link by its country; where a country has several nodes, by what the node is called here."""
    several = Counter(link.country for link in links)
    return {
        link.node: visit.words.country(link.country) if several[link.country] == 1 else str(link.peer["name"])
        for link in links
    }


def _draw_links(visit: Visit, links: Sequence[Link], now: int) -> list[str]:
    """Draw the network, wide and narrow; nothing where there is no link."""
    if not links:
        return []
    places, here = visit.settings.places, visit.settings.country
    names = _name_links(visit, links)
    peers = [
        Peer(
            code=link.country[:2].upper(),
            name=names[link.node],
            detail=_say_detail(visit, link, now),
            waiting=link.peer["queued"]["count"],
            state=link.state,
            direction=find_direction(places.get(here), places.get(link.country)),
        )
        for link in links
    ]
    label = visit.words.many(
        "%(works)s of %(n)s link works.",
        "%(works)s of %(n)s links work.",
        len(links),
        works=sum(link.state is LinkState.WORKS for link in links),
    )
    return [draw_network(here[:2].upper(), peers, label, narrow=narrow, rtl=_is_rtl(visit)) for narrow in (False, True)]


def _say_detail(visit: Visit, link: Link, now: int) -> str:
    """What stands below the name of a peer in the picture."""
    queued, contact = link.peer["queued"], link.peer["contact"]
    if queued["count"] and queued["oldest"] is not None:
        since = visit.words.span(now - queued["oldest"])
        return visit.words.many("%(n)s waits, %(since)s", "%(n)s wait, %(since)s", queued["count"], since=since)
    if link.state is LinkState.WORKS and contact is not None:
        return visit.words("heard from %(ago)s ago", ago=visit.words.span(now - contact))
    return visit.words(link_texts.WORDS[link.state])


def _list_days(visit: Visit, told: Sequence[Mapping[str, Any]], now: int) -> list[Day]:
    """Sum the days over all peers; the days are those of UTC, as the node counts them."""
    sums = {kind: Counter[int]() for kind in KINDS}
    for one in told:
        for kind in KINDS:
            sums[kind][one["day"]] += one[kind]
    today = now // DAY * DAY
    moments = [today - DAY * back for back in reversed(range(DAYS))]
    return [
        Day(name=visit.words.short_day(at, 0), **{kind: sums[kind][at] for kind in KINDS})  # keys are those of Day
        for at in moments
    ]


def _draw_days(visit: Visit, days: Sequence[Day]) -> list[str]:
    all_, quick = sum(sum(day.counts) for day in days), sum(day.within_hour for day in days)
    label = visit.words.many(
        "%(quick)s of %(n)s message of the last 30 days was received within an hour",
        "%(quick)s of %(n)s messages of the last 30 days were received within an hour",
        all_,
        quick=quick,
    )
    return [draw_delivery(days, label, narrow=narrow, rtl=_is_rtl(visit)) for narrow in (False, True)]


def _draw_small(visit: Visit, link: Link, told: Sequence[Mapping[str, Any]], now: int) -> str:
    """Draw how many messages went to one peer on each of the last days."""
    counts = Counter[int]()
    for one in told:
        if one["peer"] == link.peer["name"]:
            counts[one["day"]] += sum(one[kind] for kind in KINDS)
    today = now // DAY * DAY
    shown = [counts[today - DAY * back] for back in reversed(range(SMALL))]
    label = visit.words.many("%(n)s message in 12 days", "%(n)s messages in 12 days", sum(shown))
    return draw_small(shown, label, rtl=_is_rtl(visit))


PAGES = (Page(method="GET", path=SECTION.path, handler=show_network, operation=SECTION.operation),)
