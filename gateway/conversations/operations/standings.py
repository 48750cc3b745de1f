"""Where a conversation stands, as operations show it: its state, what is owed in it, its place in the procedure."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.conversations.history import Side as Teller
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.conversations.operations.procedures import standing_in
from gateway.conversations.rules.duties import duties
from gateway.conversations.rules.duty import Duty
from gateway.conversations.rules.facts import Side
from gateway.conversations.rules.fold import Fold
from gateway.conversations.rules.silence import offers_elsewhere
from gateway.conversations.status_updates import THEM, US
from gateway.foundation.deadlines import Deadline
from gateway.messages.emergency import is_emergency, list_owed
from gateway.messages.store import messages
from gateway.messages.store.conversations import Key
from gateway.messages.store.messages import MessageRow
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock, Json
from schemas.region_pack.procedures import Fact
from schemas.region_pack.regions import Region
from schemas.types import type_name


class StandingViews:
    """Shows where conversations stand with a peer."""

    def __init__(self, *, peers: PeerRegistry, loader: ConversationLoader, region: Region, clock: Clock) -> None:
        self._peers = peers
        self._loader = loader
        self._region = region
        self._clock = clock

    def show(
        self, key: Key, held: LoadedConversation, found: Fold, local: frozenset[Fact], now: int
    ) -> dict[str, Json]:
        """State, what is owed and the place in the procedure, with one peer. ``local`` are facts that only we know."""
        if held.conversation is None:
            raise RuntimeError("a fold has its conversation")
        peer = self._peers.get(key[1])
        away = frozenset({Fact.OFFLINE} if peer is not None and peer.failing_since is not None else ())
        due = duties(found, held.conversation.setting, now)
        owed: list[Json] = [duty_of(duty, held, now) for duty in due]
        return {
            "peer": key[1] if peer is None else peer.name,
            "kind": str(held.conversation.kind),
            "side": str(held.ours),
            "state": str(found.state),
            "provisional": found.provisional,
            "overlays": [str(overlay) for overlay in sorted(found.overlays)],
            "owed": owed,
            "procedure": standing_in(self._region, self._clock, held, found, due, local | away),
            "missing": len(held.missing),
            "no_calendar": [*self._loader.unlisted(key[1])],
            "owed_later": [*_owed_later(held)],
            "ask_elsewhere": held.ours is Side.HOST
            and offers_elsewhere(found.situation, held.conversation.setting, now),
        }


def _owed_later(held: LoadedConversation) -> tuple[str, ...]:
    """What an emergency of ours left for later."""
    ours = [one for one in held.said.values() if one.side is Teller.OURS]
    request = next((one for one in ours if is_emergency(one.body_type, one.header)), None)
    told = (one.content for one in ours if type_name(one.body_type) == "info.reply")
    return () if request is None else list_owed(request.content, told)


def outcome_of(found: Fold | None, held: LoadedConversation, row: MessageRow) -> str | None:
    """What became of a message; None where its content is gone, or the peer never heard of it."""
    if found is None or held.conversation is None:
        return None
    side = held.ours if row.direction == messages.OUT else held.ours.other
    there = any(message.id == row.id and message.side is side for message in held.conversation.messages)
    return str(found.outcomes[row.id]) if there else None


def duty_of(duty: Duty, held: LoadedConversation, now: int) -> dict[str, Json]:
    """One thing that is owed. A date that is not `certain` may turn out otherwise and is used against nobody."""
    return {
        "what": duty.clock,
        "owes": owes(duty.by, held),
        "because": duty.because,
        "until": duty.until.at,
        "overdue": now > duty.until.at,
        "certain": duty.until.certain,
        "doubts": _doubts(duty.until),
    }


def owes(side: Side, held: LoadedConversation) -> str:
    """Who has to act, as this node sees it."""
    return US if side is held.ours else THEM


def _doubts(until: Deadline) -> list[Json]:
    doubts: list[Mapping[str, Json]] = [
        {"country": doubt.country, "year": doubt.year, "why": str(doubt.why)} for doubt in until.doubts
    ]
    return [dict(doubt) for doubt in doubts]
