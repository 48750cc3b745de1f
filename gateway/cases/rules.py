"""Cases without a database: what a card says, which case a request is about, whose a consent is (domain 4.18, 7.18).

A case is one person. Everything about the person is linked to exactly one case: conversations, drafts, consents,
records of the case system with the numbers they are known by, asylum holds. A case has a card, which people here write:
a label of their own, the number in the case system, who looks after it. It has no name, no birth date and no story.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import CaseId, UnitId
from gateway.foundation.json import Json

ABOUT_A_PERSON = "referral"
"""The kind of conversation that opens a case."""
MAY_JOIN = "enquiry"
"""The kind that joins one: when a referral quotes it, or when a person says whom it is about (domain 4.1)."""

LONGEST_LABEL = 80


PARTS = ("conversations", "consents", "drafts", "numbers")
"""What can be named to be split off a case or moved."""

RELATIONS: Mapping[str, str] = {
    "parent": "child",
    "child": "parent",
    "sibling": "sibling",
    "partner": "partner",
    "guardian": "ward",
    "ward": "guardian",
    "household": "household",
}
"""How the person of the other case is related, and how the same looks from there."""


class LinkKind(StrEnum):
    """What is of a case."""

    CONVERSATION = "conversation"
    NUMBER = "number"
    RECORD = "record"
    DRAFT = "draft"
    CONSENT = "consent"
    HOLD = "hold"
    KEPT = "kept"
    """A legal hold on the whole case."""
    ENTRY = "entry"
    """What people noted of it (gateway.cases.history)."""
    BLOCK = "block"
    """The same where it keeps somebody out, so that it is found without opening the rest."""
    QUESTION = "question"
    """What the node asks of it and nobody has answered yet (gateway.cases.questions)."""
    ANSWER = "answer"
    """What somebody answered; apart from the entries, so that a worker of the version before reads none."""


class CaseState(StrEnum):
    """Whether things can be of it."""

    OPEN = "open"
    MERGED = "merged"


class ChangeKind(StrEnum):
    """What people change."""

    MERGE = "merge"
    SPLIT = "split"
    MOVE = "move"


class ChangeState(StrEnum):
    """How far a change has come."""

    ASKED = "asked"
    DONE = "done"
    UNDO_ASKED = "undo_asked"
    UNDONE = "undone"


class ConsentCase(StrEnum):
    """How the case of a consent stands to the case of the message that relies on it."""

    SAME = "same"
    OTHER = "other"
    NONE = "none"
    """Nobody said whose it is, or two cases rely on it: it waits for people."""
    UNCONFIRMED = "unconfirmed"
    """The node was restored without its ledger: it may have been withdrawn since the backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """A unit of this node, and perhaps one worker in it, that looks after a case from `since` (Unix seconds) on, and no
    longer than `until`.
    """

    unit: UnitId
    worker: str | None
    since: int
    reason: str
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A word of people here that makes a case stand out in lists, and when it was set (Unix seconds)."""

    text: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What people here call a case. `group` are the cases of a family or household with their relation, `assigned` is
    the id of the person who looks after it where that was said since the last unit took it over.
    """

    label: str | None = None
    number: str | None = None
    keepers: tuple[Keeper, ...] = ()
    group: Mapping[CaseId, str] | None = None
    flags: tuple[Flag, ...] = ()
    assigned: str | None = None

    @property
    def name(self) -> str | None:
        """What lists show."""
        return self.label or self.number

    @property
    def units(self) -> frozenset[UnitId] | None:
        """Who looks after it now; None where nobody said so, and it is with the units that wrote or were written to."""
        return frozenset(one.unit for one in self.keepers if one.until is None) or None

    @property
    def worker(self) -> str | None:
        """The person who looks after it now, by id or as whoever handed it over wrote it."""
        now = (one.worker for one in self.keepers if one.until is None and one.worker is not None)
        return self.assigned or next(now, None)

    def to_json(self) -> dict[str, Json]:
        """As it is sealed."""
        return {
            "label": self.label,
            "number": self.number,
            "keepers": [
                {"unit": k.unit, "worker": k.worker, "since": k.since, "reason": k.reason, "until": k.until}
                for k in self.keepers
            ],
            "group": {str(case): how for case, how in (self.group or {}).items()},
            "flags": [{"text": flag.text, "at": flag.at} for flag in self.flags],
            "assigned": self.assigned,
        }


def read_card(value: Mapping[str, Json]) -> Card:
    """The card that was sealed; the node wrote it itself."""
    keepers, group, flags = value["keepers"], value["group"], value.get("flags", ())
    return Card(
        label=_maybe(value["label"]),
        number=_maybe(value["number"]),
        keepers=tuple(_keeper(one) for one in keepers if isinstance(one, dict)) if isinstance(keepers, list) else (),
        group={CaseId(case): str(how) for case, how in group.items()} if isinstance(group, dict) else {},
        flags=tuple(_flag(one) for one in flags if isinstance(one, dict)) if isinstance(flags, list) else (),
        assigned=_maybe(value.get("assigned")),
    )


def _flag(value: Mapping[str, Json]) -> Flag:
    at = value["at"]
    return Flag(text=str(value["text"]), at=at if isinstance(at, int) else 0)


def _keeper(value: Mapping[str, Json]) -> Keeper:
    since, until = value["since"], value["until"]
    return Keeper(
        unit=UnitId(str(value["unit"])),
        worker=_maybe(value["worker"]),
        since=since if isinstance(since, int) else 0,
        reason=str(value["reason"]),
        until=until if isinstance(until, int) else None,
    )


def _maybe(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def hand_over(card: Card, *, unit: UnitId, worker: str | None, reason: str, now: int) -> Card:
    """The card once another unit looks after the case: from now on it alone."""
    ended = tuple(one if one.until is not None else replace(one, until=now) for one in card.keepers)
    keeper = Keeper(unit=unit, worker=worker, since=now, reason=reason)
    return replace(card, keepers=(*ended, keeper), assigned=None)


def assign(card: Card, worker: str | None) -> Card:
    """The card once this person looks after the case, or nobody by name; the units stay as they are."""
    keepers = tuple(one if one.until is not None else replace(one, worker=None) for one in card.keepers)
    return replace(card, keepers=keepers, assigned=worker)


# --- of which case something is -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What says of which case a request is: the case it names, and the keys of its links, None where it has none."""

    named: CaseId | None = None
    conversation: bytes | None = None
    draft: bytes | None = None
    record: bytes | None = None
    number: bytes | None = None

    @property
    def keys(self) -> list[bytes]:
        """Those under which a case may be found."""
        found = (self.conversation, self.draft, self.record, self.number)
        return [key for key in found if key is not None]


def find_case(signs: Signs, links: Mapping[bytes, CaseId]) -> CaseId | None:
    """The case that a request is about; None where nothing says so, and a new one may be opened.

    Raises:
        RefusedError: conflict; two of the signs are of different cases, so that it would mix two persons.
    """
    asked = {
        "/conversation": links.get(signs.conversation or b""),
        "/case": signs.named,
        "": links.get(signs.draft or b"") or links.get(signs.record or b""),
        "/header/case_ref_sender": links.get(signs.number or b""),
    }
    told = {place: case for place, case in asked.items() if case is not None}
    if len(set(told.values())) > 1:
        first, *others = told
        place = next(one for one in others if told[one] != told[first])
        raise RefusedError(
            Code.CONFLICT,
            "it names two different cases; nothing was stored",
            hint="write it from the case of the person; if both are one person, see trm case merge",
            findings=[Finding(place=place, rule="another_case", hint="this is of another case than the rest")],
        )
    return next(iter(told.values()), None)


def consent_case(*, of_consent: CaseId | None, of_message: CaseId | None, held: bool, vouched: bool) -> ConsentCase:
    """Whether a message may rely on a consent: only if both are of one case (domain 7.18).

    What is not `held` here is no matter of cases. `vouched`: a peer relied on it in this very conversation and signed
    so; it is the same person for that peer, whether or not people here know it yet.
    """
    if not held or vouched:
        return ConsentCase.SAME
    if of_consent is None:
        return ConsentCase.NONE
    return ConsentCase.SAME if of_consent == of_message else ConsentCase.OTHER


def pseudonym_of(content: Mapping[str, Json]) -> str | None:
    """Read what a message calls the person, where it does."""
    person = content.get("person")
    found = person.get("pseudonym") if isinstance(person, dict) else None
    return found if isinstance(found, str) else None


# --- folders of before ----------------------------------------------------------------------------------------------


def group_by_number(
    conversations: Sequence[tuple[bytes, frozenset[bytes]]], known: Mapping[bytes, CaseId]
) -> list[tuple[CaseId | None, list[bytes], frozenset[bytes]]]:
    """Conversations that share a number of the case system are one case: (the case if it is known, its conversations,
    its numbers). One without a number is a case of its own.

    A conversation that two numbers name joins what both name, as far as it is not known as two cases already.
    """
    groups: list[tuple[CaseId | None, list[bytes], set[bytes]]] = []
    place: dict[bytes, int] = {}
    for conversation, numbers in conversations:
        cases = {known[number] for number in numbers if number in known}
        at = next((place[number] for number in sorted(numbers) if number in place), None)
        if at is None:
            at = len(groups)
            groups.append((min(cases) if cases else None, [], set()))
        case, of_it, named = groups[at]
        groups[at] = (case or (min(cases) if cases else None), [*of_it, conversation], named | numbers)
        place.update(dict.fromkeys(numbers, at))
    return [(case, of_it, frozenset(named)) for case, of_it, named in groups]


def case_of_consent(relying: Iterable[CaseId]) -> CaseId | None:
    """The case of a consent of before: the one whose messages rely on it; None for none, and for two."""
    cases = set(relying)
    return cases.pop() if len(cases) == 1 else None
