"""What is decided in a look at what is stored, some conversations at a time: what of it goes and what stays for now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date

from gateway.conversations.loader import ANY
from gateway.erasure.erase import is_under_way
from gateway.erasure.retention_rules import Item, Plan, RetentionDecision, RetentionFacts, decide
from gateway.errors import RefusedError
from gateway.foundation.json import Json
from gateway.foundation.workdays import parse_day
from gateway.messages.content_codec import MessageContent
from gateway.messages.store.conversations import ConversationRow, Key
from gateway.messages.store.messages import IN, MessageRow
from schemas import find_classes, highest_class
from schemas.retention import load_retention as table
from schemas.types import type_name
from schemas.walk import SENSITIVITY

CONFIRMED = frozenset({"declined", "expired"})
"""The rules of referrals whose sender is owed a confirmation (domain 10.12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What is stored of some conversations, with where each stands; `last` is the last of them."""

    messages: Sequence[tuple[MessageRow, MessageContent | None]]
    rows: Mapping[Key, ConversationRow]
    last: bytes


@dataclass(slots=True, kw_only=True)
class _Story:
    """What is known of one conversation while its messages are read."""

    kind: str
    last: int
    claim_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What is decided by the holds and alarms of now; of what goes, by number, the message and its type; `left` are the
    conversations in which something is under way, `newest` the newest message of each of which something goes.
    """

    plan: Plan
    holds: Set[bytes]
    alarmed: Set[int | None]
    going: dict[int, tuple[MessageRow, str]] = field(default_factory=dict)
    left: set[Key] = field(default_factory=set)
    newest: dict[bytes, int] = field(default_factory=dict)

    @property
    def owed(self) -> list[MessageRow]:
        """Of what goes the referrals whose senders are owed a confirmation of it, oldest first."""
        over = sorted(item.ref for item in self.plan.erase if item.rule in CONFIRMED)
        found = (self.going[ref] for ref in over)
        return [row for row, kind in found if row.direction == IN and type_name(kind) == "referral.request"]

    def hold_back(self, refs: Set[int | None] = frozenset()) -> None:
        """Keep what would have gone of these: they are under way by now. So does a referral of which something is
        under way and whose sender is owed a confirmation, since that is made of the referral another day.
        """
        self._keep(refs)
        self._keep({row.ref for row in self.owed if key_of(row) in self.left})

    def _keep(self, refs: Set[int | None]) -> None:
        for ref in self.going.keys() & refs:
            self.left.add(key_of(self.going.pop(ref)[0]))
        self.plan.hold_back(refs)


def judge(look: Look, batch: Batch) -> None:
    """Decide about the messages of some conversations, and keep of them what is needed to carry it out."""
    stories, rules = _tell_stories(batch.messages), table().rules
    newest = {row.conversation: row.ref for row, _ in batch.messages}  # they come in order
    for row, opened in batch.messages:
        key = key_of(row)
        standing = _standing(stories[key], batch.rows.get(key), held=row.conversation in look.holds)
        item = _item(row, opened, standing, alarmed=row.ref in look.alarmed)
        decision = decide(item, rules, look.plan.now)
        look.plan.add(decision)
        if item.under_way:
            look.left.add(key)
        if decision.verdict is RetentionDecision.ERASE and opened is not None:
            look.going[row.ref] = row, opened.facts.body_type
            look.newest[row.conversation] = newest[row.conversation]


def key_of(row: MessageRow) -> Key:
    """The conversation of a message, with the peer."""
    return row.conversation, row.peer


def _item(row: MessageRow, opened: MessageContent | None, standing: RetentionFacts, *, alarmed: bool) -> Item:
    header, body = ({}, {}) if opened is None else opened.halves()
    return Item(
        ref=row.ref,
        body_type=None if opened is None else opened.facts.body_type,
        sensitivity=SENSITIVITY[-1] if opened is None else _sensitivity(opened.facts.schema, body),
        at=row.at,
        retain_until=_until(header),
        under_way=is_under_way(row) or alarmed,
        standing=standing,
    )


def _tell_stories(messages: Iterable[tuple[MessageRow, MessageContent | None]]) -> dict[Key, _Story]:
    """Sum up each of these conversations by all its messages."""
    stories: dict[Key, _Story] = {}
    for row, opened in messages:
        story = stories.setdefault(key_of(row), _Story(kind=row.kind, last=row.at))
        story.last = max(story.last, row.at)
        story.kind = row.kind if story.kind == ANY else story.kind
        if opened is not None and type_name(opened.facts.body_type) == "case.closure":
            told = [day for day in (story.claim_until, _claimed(opened.halves()[1])) if day is not None]
            story.claim_until = max(told, default=None)  # nobody's claim is shortened by another closure
    return stories


def _standing(story: _Story, row: ConversationRow | None, *, held: bool) -> RetentionFacts:
    if row is None:
        return RetentionFacts(kind=story.kind, last=story.last, held=held, claim_until=story.claim_until)
    return RetentionFacts(
        kind=story.kind,
        last=story.last,
        state=row.state,
        since=row.since,
        arrived=row.arrived,
        awaited=row.theirs,
        held=held,
        claim_until=story.claim_until,
    )


def _claimed(body: Mapping[str, Json]) -> date | None:
    """Until when a closure keeps the case for a claim of the person; None where it does not."""
    claims = body.get("claims")
    named = claims.get("kept_until") if isinstance(claims, dict) and claims.get("care") == "kept" else None
    return parse_day(named) if isinstance(named, str) else None


def _sensitivity(schema: str, body: Mapping[str, Json]) -> str:
    """The highest class of what a message says; that of a schema which is not held any more is the highest there is."""
    try:
        return highest_class(find_classes(schema, body))
    except RefusedError:
        return SENSITIVITY[-1]


def _until(header: Mapping[str, Json]) -> date | None:
    handling = header.get("handling")
    named = handling.get("retain_until") if isinstance(handling, dict) else None
    return parse_day(named) if isinstance(named, str) else None
