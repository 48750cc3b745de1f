"""What a message asks to be erased, by when, and what a confirmation says of it (pure; domain 10.6, 10.8).

A request is one of three messages: `erasure.request`, a `consent.withdrawal` of a person who wants the data erased, and
a `referral.withdraw` with `erase`. What names whole messages, a conversation or a consent is followed by the node; what
names a part of what messages say (data categories, single grants) needs a person, since a signed content is erased as
a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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
class Outcome:
    """What was done. ``erased_at`` is None where nothing was; ``held`` says that this node, looked through, still has
    something of it; ``local`` what the case system said of each message;
    ``horizon`` when no copy can be opened any more; ``onward`` the units that were told, ``certificates`` theirs.
    """

    erased_at: int | None
    local: Sequence[str]
    horizon: int
    held: bool = False
    kept: Kept | None = None
    onward: Sequence[str] = ()
    certificates: Sequence[Json] = ()


_WORST = ("not_supported", "disabled_only", "due", "erased")
"""What a case system says, the worst first: one copy that is left is what counts."""


def confirmation(outcome: Outcome) -> dict[str, Json]:
    """The content of an `erasure.confirmation` that says exactly that, and no more."""
    local = next((word for word in _WORST if word in outcome.local), "not_held")
    content: dict[str, Json] = {
        "result": _result(outcome, local),
        "places": _places(outcome, local),
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


def _result(outcome: Outcome, local: str) -> str:
    if outcome.erased_at is None:
        return "not_held" if outcome.kept is None else "refused"
    whole = outcome.kept is None and not outcome.held and local in ("erased", "not_held")
    return "erased" if whole else "partly_erased"


def _places(outcome: Outcome, local: str) -> list[Json]:
    if outcome.erased_at is None:
        return [{"place": "gateway", "done": "not_held" if outcome.kept is None else "kept"}]
    day = datetime.fromtimestamp(outcome.horizon, UTC).date().isoformat()
    there: dict[str, Json] = {"place": "local_system", "done": local}
    if local == "due":
        there["by_date"] = day
    places: list[Json] = [
        {"place": "gateway", "done": "due", "by_date": day} if outcome.held else {"place": "gateway", "done": "erased"},
        there,
        {"place": "backup", "done": "due", "by_date": day},
    ]
    if outcome.kept is not None:
        places.append({"place": "gateway", "done": "kept"})
    return places
