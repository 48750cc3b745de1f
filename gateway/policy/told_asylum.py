"""Whom a person fears by what the messages of their case told: a legal status that protects (domain 9.10, 9.31)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.cases import store as cases
from gateway.cases.history import EVERY
from gateway.conversations.history import NOTHING_SAID, Side, read_in_order
from gateway.conversations.loader import ConversationLoader, LoadedConversation
from gateway.foundation.ids import CaseId, NodeId
from gateway.foundation.json import Json
from gateway.messages.store import conversations as conversation_rows
from gateway.peers.registry import PeerRegistry
from gateway.policy.gates.asylum import NAMES_NO_STATE
from schemas.law.legal_status import is_protected
from schemas.types import type_name

MAY_TELL: frozenset[str] = frozenset(
    {"referral.request", "info.reply", "data.correction", "referral.withdraw", "return.cancel"}
)
"""Types of messages that name a legal status or nationalities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fear:
    """The States that a person fears, or `EVERY` where nobody named one, `but` for the one that alone told of it: one
    seeks asylum in another State than the one feared. And since which second that is known here.
    """

    states: frozenset[str]
    since: int
    but: frozenset[str] = frozenset()


def may_tell(body_type: str, content: Mapping[str, Json]) -> bool:
    """Whether a message can change what is told: it names a status that protects, other nationalities, or corrects."""
    said = NOTHING_SAID.said(body_type, content)
    match type_name(body_type):
        case "data.correction":
            return True
        case "info.reply":
            return said.nationalities is not None
    return is_protected(said.legal_status)


class ToldAsylum:
    """Reads what conversations tell of asylum. It opens them whole, since it is asked for in transactions."""

    def __init__(self, *, loader: ConversationLoader, peers: PeerRegistry) -> None:
        self._loader = loader
        self._peers = peers

    def read_fears(self, connection: Connection, case: CaseId) -> list[Fear]:
        """Read what each conversation of a case tells now; nothing of one whose last status does not protect."""
        known = conversation_rows.get(connection, cases.conversations_of(connection, case))
        held, _ = self._loader.load(connection, list(known))
        found = [self._read_fear(peer, one) for (_, peer), one in held.items()]
        return [fear for fear in found if fear is not None]

    def _read_fear(self, peer: NodeId, held: LoadedConversation) -> Fear | None:
        """Read what one conversation tells, since it first did without a break."""
        at, since, history = {row.ref: row.at for row in held.rows}, None, NOTHING_SAID
        for ref, history in read_in_order(held.said):
            if not is_protected(history.legal_status):
                since = None
            elif since is None:
                since = at[ref]
        if since is None:
            return None
        named = history.nationalities or frozenset()
        teller = self._peers.get(peer) if history.status_by is Side.THEIRS else None
        but = frozenset[str]() if teller is None else frozenset({teller.descriptor.country}) - named
        states = name_states(named)
        return Fear(states=states, since=since, but=but if EVERY in states else frozenset())


def join_fears(fears: Sequence[Fear]) -> Fear | None:
    """Join those of which States are left. Where each that is of every State leaves out the same one, so do all."""
    some = [fear for fear in fears if fear.states]
    if not some:
        return None
    states = frozenset[str]().union(*(fear.states for fear in some))
    every = [fear.but for fear in some if EVERY in fear.states]
    but = every[0].intersection(*every) - states if every else frozenset[str]()
    return Fear(states=states, since=min(fear.since for fear in some), but=but)


def list_since(fears: Sequence[Fear]) -> dict[str, int]:
    """By State since which second the newest reason to fear it is known: what was answered before was of another."""
    since: dict[str, int] = {}
    for fear in fears:
        since |= {state: max(fear.since, since.get(state, 0)) for state in fear.states}
    return since


def name_states(named: frozenset[str]) -> frozenset[str]:
    """The States that are feared; every one where none of those named is a State."""
    return named if named - NAMES_NO_STATE else frozenset({EVERY})
