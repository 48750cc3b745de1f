"""What people note of a case, one entry after another, and what follows from all of them (domain 4.19). Pure.

status   whether a body of a country holds the person for a victim; countries may differ, and nothing overwrites
role     what the person is besides: a witness, accused, seeking asylum; each begins and ends by an entry
block    a worker or unit of this node that must not see the case, for a conflict of interest, until an entry ends it
question whether what a linked person fears concerns this one too, asked by the node while that fear is known
apart    somebody said that it does not; two different people do (domain 9.31)

An entry is never changed. What was wrong is put right by a later one. A question alone goes, once it is answered or
nothing asks it any more, and with it what one person alone had answered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TypeAlias

from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.json import Json


class Status(StrEnum):
    """Whether somebody holds the person for a victim of trafficking."""

    SELF_REPORTED = "self_reported"
    PRESUMED = "presumed"
    IDENTIFIED = "identified"
    NOT_IDENTIFIED = "not_identified"
    REVOKED = "revoked"


REVOCABLE = frozenset({Status.PRESUMED, Status.IDENTIFIED})
UNDONE = frozenset({"revoked", "overturned"})
"""What becomes of a decision so that it stands no more; codes of the list decision_event."""


class PersonRole(StrEnum):
    """What a person can be besides; several at once."""

    VICTIM = "victim"
    WITNESS = "witness"
    ACCUSED = "accused"
    ASYLUM_SEEKER = "asylum_seeker"
    CLAIMANT = "claimant"


EVERY = "*"
"""Stands for every State, where nobody named one."""


class BlockOf(StrEnum):
    """Who is kept out."""

    PERSON = "person"
    UNIT = "unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusEntry:
    """A status that `body`, a code of the list decision_body, gave in `country` on a day; `message` says so, if one
    does. What the person says themselves has no body. `at` is when it was noted, Unix seconds.
    """

    status: str
    country: str
    body: str | None
    on: str
    message: str | None
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleEntry:
    """A role begins on a day, or has `ended` on it."""

    role: str
    on: str
    ended: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockEntry:
    """A person or unit, by its id, is kept out from now on, or is not any more."""

    who: str
    id: str
    reason: str
    ended: bool
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionEntry:
    """Whether this person has to fear the `states` that the person of the linked case `about` fears, by an asylum hold
    or by what a message told: codes of the list country, or `EVERY`, `but` for the one that alone told it.
    """

    about: str
    states: list[str]
    at: int
    but: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApartEntry:
    """Somebody, by id, said that this person has not to fear these `states` of a question about the case `about`."""

    about: str
    states: list[str]
    by: str
    at: int


def read_decision(
    content: Mapping[str, Json], *, country: str, message: str, received: str, at: int
) -> StatusEntry | None:
    """The status that a referral or an identification decision of a country tells, of the day of the decision or else
    of the day on which it was `received`; None where it is unknown there. A decision that was revoked or overturned
    tells that the status is revoked, of that day (domain 2.14); an overturned no leaves none to note.
    """
    said = content.get("decision", content.get("thb_status"))
    body, on = content.get("decision_body", content.get("thb_decision_body")), content.get("decided_on")
    since = content.get("since_then")
    if isinstance(since, dict) and since.get("event") in UNDONE:
        said, on = (Status.REVOKED.value if said in REVOCABLE else None), since.get("event_on")
    if not isinstance(said, str):
        return None
    return StatusEntry(
        status=said,
        country=country,
        body=body if isinstance(body, str) else None,
        on=on if isinstance(on, str) else received,
        message=message,
        at=at,
    )


Entry: TypeAlias = StatusEntry | RoleEntry | BlockEntry | QuestionEntry | ApartEntry
_KINDS: Mapping[str, type[Entry]] = {
    "status": StatusEntry,
    "role": RoleEntry,
    "block": BlockEntry,
    "question": QuestionEntry,
    "apart": ApartEntry,
}


def to_json(entry: Entry) -> dict[str, Json]:
    """An entry as it is sealed."""
    (kind,) = [name for name, made in _KINDS.items() if isinstance(entry, made)]
    return {"kind": kind, **asdict(entry)}


def read_entry(value: Mapping[str, Json]) -> Entry:
    """The entry that was sealed; the node wrote it itself."""
    members: dict[str, Any] = {name: member for name, member in value.items() if name != "kind"}
    return _KINDS[str(value["kind"])](**members)


def status_now(entries: Iterable[Entry]) -> dict[str, StatusEntry]:
    """By country the status of the latest day; of one day, what was noted last."""
    found: dict[str, StatusEntry] = {}
    for entry in sorted((one for one in entries if isinstance(one, StatusEntry)), key=lambda one: (one.on, one.at)):
        found[entry.country] = entry
    return found


def roles_now(entries: Iterable[Entry]) -> dict[str, RoleEntry]:
    """The roles that have begun and not ended, in the order in which they began."""
    found: dict[str, RoleEntry] = {}
    for entry in sorted((one for one in entries if isinstance(one, RoleEntry)), key=lambda one: (one.on, one.at)):
        found.pop(entry.role, None)
        if not entry.ended:
            found[entry.role] = entry
    return found


def blocked_now(entries: Iterable[Entry]) -> dict[tuple[str, str], BlockEntry]:
    """Find who is kept out, by kind and id."""
    found: dict[tuple[str, str], BlockEntry] = {}
    for entry in sorted((one for one in entries if isinstance(one, BlockEntry)), key=lambda one: one.at):
        found.pop((entry.who, entry.id), None)
        if not entry.ended:
            found[entry.who, entry.id] = entry
    return found


def said_apart(
    entries: Iterable[Entry], about: Collection[str], *, since: Mapping[str, int] | None = None
) -> dict[str, frozenset[str]]:
    """By State who said, `since` then where that is given, that what the person of the cases `about` fears there does
    not concern this one. Of what is asked no word that does not count is kept.
    """
    said: dict[str, frozenset[str]] = {}
    for entry in entries:
        if isinstance(entry, ApartEntry) and entry.about in about:
            of = [state for state in entry.states if since is None or entry.at >= since.get(state, 0)]
            said |= {state: said.get(state, frozenset()) | {entry.by} for state in of}
    return said


def check_entry(entry: Entry, before: Iterable[Entry], *, today: str) -> None:
    """Judge an entry against those that are there; days are local, so that one may be a day ahead of UTC's `today`.

    Raises:
        RefusedError: invalid for a day to come, or a decision without the body that took it; conflict where it ends or
            revokes what has not begun, or begins what has.
    """
    known = list(before)
    match entry:
        case StatusEntry():
            _check_day(entry.on, today)
            if (entry.body is None) is not (entry.status == Status.SELF_REPORTED):
                hint = "a code of the list decision_body; none where the person says so themselves"
                raise _invalid("/body", "required", hint)
            there = status_now(known).get(entry.country)
            if entry.status == Status.REVOKED and (there is None or there.status not in REVOCABLE):
                raise _conflict("there is no status of that country to be revoked")
        case RoleEntry():
            _check_day(entry.on, today)
            if entry.ended is not (entry.role in roles_now(known)):
                raise _conflict("the person does not have this role" if entry.ended else "the person has this role")
        case BlockEntry():
            if entry.ended is not ((entry.who, entry.id) in blocked_now(known)):
                raise _conflict("nobody is kept out that way" if entry.ended else "they are kept out already")


def _check_day(on: str, today: str) -> None:
    if on > today:
        raise _invalid("/on", "range", "a day that has begun")


def _invalid(place: str, rule: str, hint: str) -> RefusedError:
    what = "the entry is wrong; nothing was noted"
    return RefusedError(Code.INVALID, what, findings=[Finding(place=place, rule=rule, hint=hint)])


def _conflict(what: str) -> RefusedError:
    return RefusedError(Code.CONFLICT, f"{what}; nothing was noted", hint="trm case show prints the history")
