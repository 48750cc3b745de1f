"""What happened in a case, as people read it: messages on their way, drafts and consents in one line, newest first; the
stage; and what one has to see of the person at a glance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.console.pages.cases.track import Track, track_in, track_of
from gateway.console.visit import Visit
from gateway.console.words import N_, Words

YES, NO = N_("yes"), N_("no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of what happened. `look` is a class of console.css: ours, theirs, written, note."""

    at: int
    look: str
    title: str
    address: str = ""
    peer: str = ""
    state: str = ""
    track: Track | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where a case stands, and what happened in it. `stages` are pairs of a name and whether it is passed (1), present
    (0) or to come (-1), `begun` whether one is present; `older` is the cursor of what happened before, `total` how many
    messages there are.
    """

    stages: Sequence[tuple[str, int]] = ()
    begun: bool = False
    facts: Sequence[tuple[str, str]] = ()
    child: bool = False
    peers: Sequence[Mapping[str, Any]] = ()
    standing: Sequence[Mapping[str, Any]] = ()
    entries: Sequence[Entry] = ()
    older: str | None = None
    total: int = 0


async def load_course(visit: Visit, found: Mapping[str, Any]) -> Course:
    """Load the course of a case that was found: the newest of it, or what happened before a cursor of the address."""
    cursor = visit.request.query.get("cursor")
    told = await visit.ask("case.course", {"id": found["id"], **({} if cursor is None else {"cursor": cursor})})
    peers = {one["name"]: one["country"] for one in (await visit.ask("peer.list"))["peers"]}
    names = [one["name"] for one in told["stages"]]
    at = names.index(told["stage"]) if told["stage"] in names else -1
    entries = [_message(visit, one, peers) for one in told["messages"]]
    if cursor is None:
        entries += [*_drafts(found, visit.words), *_consents(found, visit.words)]
    return Course(
        stages=[(visit.words.code("trm_stage", name), (at > place) - (at < place)) for place, name in enumerate(names)],
        begun=at >= 0,
        child=bool((told.get("person") or {}).get("child")),
        peers=told["peers"],
        total=told["total"],
        facts=[*_facts(told.get("person") or {}, visit.words)],
        standing=[one for one in told["standing"] if one["procedure"]],
        entries=sorted(entries, key=lambda one: one.at, reverse=True),
        older=told["next"],
    )


def _message(visit: Visit, message: Mapping[str, Any], peers: Mapping[str, str | None]) -> Entry:
    words, ours = visit.words, message["direction"] == "out"
    country = peers.get(message["peer"]) or message["peer"]
    own = visit.settings.country
    return Entry(
        at=message["at"],
        look="ours" if ours else "theirs",
        title=words.message(message["type"]) if message["type"] else words("Erased"),
        address=f"/messages/{message['id']}?way={message['direction']}",
        peer=message["peer"],
        track=track_of({**message, "country": country}, own, words) if ours else track_in(message, country, own, words),
    )


def _drafts(found: Mapping[str, Any], words: Words) -> Iterator[Entry]:
    for one in found["drafts"]:
        title = words.message(one["type"]) if one["type"] else words("Without a type")
        seen = "/preview" if one["state"] == "waiting_second" else ""
        yield Entry(
            at=one["at"],
            look="written",
            title=title,
            address=f"/drafts/{one['id']}{seen}",
            peer=one["to"] or "",
            state=one["state"],
        )


def _consents(found: Mapping[str, Any], words: Words) -> Iterator[Entry]:
    for one in found["consents"]:
        address = f"/consents/{one['id']}" if one["id"] else ""
        yield Entry(at=one["at"], look="note", title=words("Consent recorded"), address=address)


def _facts(person: Mapping[str, Any], words: Words) -> Iterator[tuple[str, str]]:
    """What was said of the person, each with its name; nothing stands for what was not said."""
    if person.get("age_group"):
        yield words("Age group"), words.code("age_group", person["age_group"])
    elif person.get("child") is not None:
        yield words("Counts as a child"), words(YES if person["child"] else NO)
    if person.get("gender"):
        yield words("Gender"), words.code("gender", person["gender"])
    if person.get("languages"):
        yield words("Speaks"), words.comma.join(words.spoken(one["language"]) for one in person["languages"])
    if person.get("nationalities"):
        yield words("Nationality"), words.comma.join(map(words.country, person["nationalities"]))
