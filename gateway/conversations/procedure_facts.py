"""The facts on which steps of a procedure depend, from what was said in a conversation (pure).

    child                from the age, as the gates read it (ECAT 10(3))
    return_wanted        the referral asks for a return, or a return was proposed
    no_document          the documents that were told are none or have expired, or one or the nationality was asked for
    reflection_period    it was told, and has not ended
    proceedings          the referral names some, or a notice came
    asylum_hold          asylum was told as sought or granted (G5)

What was not said holds nothing: a step is left out rather than shown because somebody might be a child. The overlays of
the conversation and what only this node knows (a legal hold, a peer that is away) are added by whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from gateway.conversations.history import Opened, history_of, in_order
from gateway.foundation.json import Json
from gateway.foundation.workdays import parse_day
from schemas.law.legal_status import is_protected
from schemas.region_pack.procedures import Fact
from schemas.types import type_name

_RETURN_KIND, _RETURN_STEP = "return_reception", "return_planning"
_NO_PAPER = "none"
_ASKED_FOR = frozenset({"nationality.request", "traveldoc.request"})


def facts_of(messages: Iterable[Opened], today: date) -> frozenset[Fact]:
    """The facts that hold by these messages, those that were applied, in any order."""
    ordered = in_order(messages)
    history, kinds = history_of(ordered), {type_name(message.body_type) for message in ordered}
    requests = [message.content for message in ordered if type_name(message.body_type) == "referral.request"]
    holding = {
        Fact.CHILD: history.child(today) is True,
        Fact.RETURN_WANTED: "return.proposal" in kinds or any(map(_wants_return, requests)),
        Fact.NO_DOCUMENT: bool(kinds & _ASKED_FOR) or _without_papers(ordered, today),
        Fact.REFLECTION_PERIOD: history.reflection_until is not None and today <= history.reflection_until,
        Fact.PROCEEDINGS: "proceedings.notice" in kinds or any(content.get("proceedings") for content in requests),
        Fact.ASYLUM_HOLD: is_protected(history.legal_status),
    }
    return frozenset(fact for fact, holds in holding.items() if holds)


def _wants_return(content: Mapping[str, Json]) -> bool:
    return content.get("referral_kind") == _RETURN_KIND or content.get("expected_next_step") == _RETURN_STEP


def _without_papers(ordered: Sequence[Opened], today: date) -> bool:
    """Whether the last list of documents has none that is valid; no list says nothing."""
    told = [listed for message in ordered for listed in _listed(message.content)]
    return bool(told) and not any(_valid(item, today) for item in told[-1])


def _listed(content: Mapping[str, Json]) -> Iterable[list[Json]]:
    for name in ("person", "person_identifying"):
        person = content.get(name)
        listed = person.get("identity_documents") if isinstance(person, dict) else None
        if isinstance(listed, list):
            yield listed


def _valid(item: Json, today: date) -> bool:
    if not isinstance(item, dict) or item.get("kind") == _NO_PAPER:
        return False
    expiry = item.get("expiry")
    last = parse_day(expiry) if isinstance(expiry, str) else None
    return last is None or today <= last
