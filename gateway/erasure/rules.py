"""What a message asks to be erased, by when, and what a confirmation says of it (pure; domain 10.6, 10.8).

A request is one of three messages: `erasure.request`, a `consent.withdrawal` of a person who wants the data erased, and
a `referral.withdraw` with `erase`. What names whole messages, a conversation or a consent is followed by the node; what
names a part of what messages say (data categories, single grants) needs a person, since a signed content is erased as
a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from gateway.foundation.json import Json
from schemas.clocks import Unit, load_clocks
from schemas.retention import load_retention
from schemas.types import type_name

HOUR = 3_600
DAY = 24 * HOUR

#: What proves that somebody asked and what was done: a request to erase is not about these.
PROOF: frozenset[str] = frozenset(
    {"consent.withdrawal", "consent.withdrawal.ack", "erasure.request", "erasure.confirmation"}
)


class What(StrEnum):
    """What is to be erased, of what the asking side and this node have said to each other."""

    CONVERSATION = "conversation"
    MESSAGES = "messages"
    CONSENT = "consent"
    """Every conversation with the asking side in which the consent was relied on."""
    PART = "part"
    """A person has to decide which messages that means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureRequest:
    """One request. ``ground`` is a code of the list erasure_ground. Times are seconds from the request: ``wait`` until
    the node follows it, in which a person may place a legal hold, and ``due`` until it has to be confirmed.
    """

    what: What
    ground: str
    wait: int
    due: int
    targets: frozenset[str] = frozenset()
    consent: str | None = None


def asked(body_type: str, content: Mapping[str, Json]) -> ErasureRequest | None:
    """What a message asks to be erased; None for one that asks nothing of the kind."""
    match type_name(body_type):
        case "erasure.request":
            return _request(content)
        case "consent.withdrawal" if content.get("erase_wanted") is True:
            whole = content.get("scope") == "all"
            return _asked(
                What.CONSENT if whole else What.PART, "consent_withdrawn", consent=str(content.get("consent_id"))
            )
        case "referral.withdraw" if content.get("erase") is True:
            return _asked(What.CONVERSATION, "not_needed")
        case _:
            return None


def _request(content: Mapping[str, Json]) -> ErasureRequest:
    ground, targets = str(content.get("ground")), content.get("targets")
    match content.get("scope"):
        case "conversation":
            return _asked(What.CONVERSATION, ground)
        case "message":
            named = frozenset(item for item in targets if isinstance(item, str)) if isinstance(targets, list) else ()
            return _asked(What.MESSAGES, ground, targets=frozenset(named))
        case _:
            return _asked(What.PART, ground)


def _asked(
    what: What, ground: str, *, targets: frozenset[str] = frozenset(), consent: str | None = None
) -> ErasureRequest:
    case = "misdirected" if ground == "misdirected" else "ordinary"
    duration = load_clocks()["erasure"].duration(case)
    due = duration.count * (HOUR if duration.unit is Unit.HOURS else DAY)
    return ErasureRequest(
        what=what,
        ground=ground,
        wait=load_retention().wait_hours[case] * HOUR,
        due=due,
        targets=targets,
        consent=consent,
    )


# --- what is said of it -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept on a legal ground: the categories of data, a code of the list kept_ground, and the last day."""

    categories: Collection[str]
    ground: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """What is known of backups: whether any was ever ``made``, and ``until`` when a copy exists that opens what was
    erased, None where the office has not said how long it keeps them.
    """

    made: bool
    until: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done. ``erased_at`` is None where nothing was; ``found`` are the places of this node where something
    was, ``held`` those where something still is, both in words of `gateway.erasure.places`; ``local`` what the case
    system said of each message; ``horizon`` when no copy at the node can be opened any more; ``onward`` the units that
    were told, ``certificates`` theirs; ``recipients`` says of each node that had it from here whether it has erased it.
    ``key_place`` is where the key lies that opens what was erased (file, tpm, pkcs11), and ``key_gone`` that it was
    destroyed there.
    """

    erased_at: int | None
    local: Sequence[str]
    horizon: int
    key_place: str
    key_gone: bool
    found: Set[str] = frozenset()
    held: Set[str] = frozenset()
    backups: Backups = Backups(made=False)
    kept: Kept | None = None
    onward: Sequence[str] = ()
    recipients: Mapping[str, bool] = field(default_factory=dict)
    certificates: Sequence[Json] = ()


_WORST = ("not_supported", "disabled_only", "due", "erased")
"""What a case system says, the worst first: one copy that is left is what counts."""

_NODE = {
    "gateway": {"content", "inbox"},
    "draft": {"draft"},
    "envelope": {"envelope"},
    "attachment": {"attachment"},
}
"""The places of this node that a confirmation tells apart, and where each of them is looked for."""

_KEYS = {"file": "key_file", "tpm": "key_tpm", "pkcs11": "key_token"}
"""The codes of where the key of this node lies: they differ in what a copied disk may still open (nrm1 13.5)."""

_JOURNAL = {"erased", "not_held", "due"}
"""Answers of a case system that hold for the journal of its adapter as well: both go together, or neither."""

WITH_EACH_PLACE = 2
"""The first revision of `erasure.confirmation/1` that tells the places of a node apart and can say `unknown`."""


def confirmation(outcome: Outcome, *, revision: int = WITH_EACH_PLACE) -> dict[str, Json]:
    """The content of an `erasure.confirmation` that says exactly that, and no more than its revision can say."""
    content: dict[str, Json] = {
        "result": _result(outcome, _worst(outcome)),
        "places": _places(outcome, detailed=revision >= WITH_EACH_PLACE),
        "told_onward": [*outcome.onward],
    }
    if outcome.erased_at is not None:
        content["erased_at"] = outcome.erased_at
    if outcome.kept is not None:
        content["kept"] = [
            {"data_category": category, "ground": outcome.kept.ground, "until": outcome.kept.until}
            for category in sorted(outcome.kept.categories)
        ]
    if outcome.certificates:
        content["onward_certificates"] = [*outcome.certificates]
    return content


def _worst(outcome: Outcome) -> str:
    return next((word for word in _WORST if word in outcome.local), "not_held")


def _result(outcome: Outcome, local: str) -> str:
    if outcome.erased_at is None:
        return "not_held" if outcome.kept is None else "refused"
    whole = outcome.kept is None and not outcome.held and local in ("erased", "not_held")
    return "erased" if whole else "partly_erased"


def _places(outcome: Outcome, *, detailed: bool) -> list[Json]:
    if outcome.erased_at is None:
        return [{"place": "gateway", "done": "not_held" if outcome.kept is None else "kept"}]
    said = list_places(outcome) if detailed else _brief_places(outcome)
    if outcome.kept is not None:
        said.append({"place": "gateway", "done": "kept"})
    return [*said]


def list_places(outcome: Outcome) -> list[dict[str, Json]]:
    """Each place that was looked at, and what was done there (domain 10.8); something was erased."""
    local = _worst(outcome)
    said = [_at_node(outcome, place, stored) for place, stored in _NODE.items()]
    said.append(_by("erased" if outcome.key_gone else "due", _KEYS[outcome.key_place], outcome.horizon))
    said.append(_by(local, "local_system", outcome.horizon))
    said.append(_by(local if local in _JOURNAL else "unknown", "journal", outcome.horizon))
    said.append(_backup(outcome.backups))
    gone = all(outcome.recipients.values())
    words = ("erased" if gone else "unknown") if outcome.recipients else "not_held"
    return [*said, {"place": "recipient", "done": words}]


def _brief_places(outcome: Outcome) -> list[dict[str, Json]]:
    """The places of the first revision, which has no word for what is not known: that is left out."""
    node = "due" if outcome.held else "erased"
    said = [_by(node, "gateway", outcome.horizon), _by(_worst(outcome), "local_system", outcome.horizon)]
    return [*said, *(place for place in (_backup(outcome.backups),) if place["done"] != "unknown")]


def _at_node(outcome: Outcome, place: str, stored: Set[str]) -> dict[str, Json]:
    if not outcome.held.isdisjoint(stored):
        return _by("due", place, outcome.horizon)
    there = place == "gateway" or not outcome.found.isdisjoint(stored)
    return {"place": place, "done": "erased" if there else "not_held"}


def _backup(backups: Backups) -> dict[str, Json]:
    if not backups.made:
        return {"place": "backup", "done": "not_held"}
    return _by("due", "backup", backups.until) if backups.until else {"place": "backup", "done": "unknown"}


def _by(done: str, place: str, horizon: int) -> dict[str, Json]:
    """One place; what is due there has its day."""
    day = datetime.fromtimestamp(horizon, UTC).date().isoformat()
    return {"place": place, "done": done, "by_date": day} if done == "due" else {"place": place, "done": done}
