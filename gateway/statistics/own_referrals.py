"""Referrals as cases: which of the own referrals count, and each person among them once (domain 12.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

from gateway.conversations.loaded import ENDED
from gateway.messages.content_codec import MessageContent
from gateway.messages.store import messages
from gateway.messages.store.conversations import Key
from gateway.messages.store.messages import MessageRow
from gateway.statistics.tallies import Case
from schemas.types import type_name

REQUEST = "referral.request"

Name: TypeAlias = str | Key
"""By what a person is counted once: the own case reference, or the conversation where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """One referral that counts: ``at`` is the time of its request, which is ``erased`` or not."""

    key: Key
    name: Name
    at: int
    case: Case
    erased: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Every case of this node, and the days of those of which the content is gone."""

    cases: Sequence[Case]
    erased: Sequence[date]


def find_request(rows: Iterable[MessageRow], contents: Mapping[int, MessageContent]) -> MessageRow | None:
    """Find the request of a conversation that nobody refused. Where none can be read, another own message stands in."""
    ours = [row for row in rows if row.direction == messages.OUT]
    requests = [row for row in ours if row.ref in contents and type_name(contents[row.ref].facts.body_type) == REQUEST]
    likely = requests or [row for row in ours if row.ref not in contents]
    return next((row for row in likely if row.state not in ENDED), None)


def merge_persons(found: Iterable[Referral]) -> list[Case]:
    """Make one case for each person: the day of the first referral, and the codes of the last one."""
    cases: dict[Name, Case] = {}
    for item in sorted(found, key=lambda item: item.at):
        first = cases.get(item.name)
        cases[item.name] = item.case if first is None else replace(item.case, registered=first.registered)
    return [*cases.values()]
