"""Taking consents back: what relies on them, what is told to whom, and the one transaction that does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from gateway.cases.register import named_in
from gateway.cases.units import hidden_from
from gateway.consent import addresses, register
from gateway.consent.addresses import Address
from gateway.consent.effects import Withdrawal, stop_records
from gateway.consent.known_by import find_exchanged, find_known_by
from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.sealed_content import Content
from gateway.delivery.outbound import draft as drafts
from gateway.delivery.outbound.preparation import Preparation
from gateway.delivery.outbound.prepared import Prepared, write_prepared
from gateway.errors import RefusedError
from gateway.foundation.ids import NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.messages import content_codec, headers
from gateway.messages.store import conversations, messages
from gateway.messages.store.conversations import Key
from gateway.messages.types import Draft
from gateway.messages.wakeups import EventStream, Wakeups
from gateway.operations.roles import Caller
from gateway.peers.registry import Peer, PeerRegistry
from gateway.ports import Clock, Json
from keys.primitives.encoding import b64u

WITHDRAWAL = "consent.withdrawal/1"
MOST_GRANTS = 30
"""Grants that a consent record can have, and places that a withdrawal can name (their schemas)."""
TRIES = 3
"""Times that a withdrawal is prepared before what came meanwhile is for the telephone."""


def take_back(consent: str, *, now: int, erase_wanted: bool, grants: Sequence[int] | None = None) -> dict[str, Json]:
    """The content of a withdrawal of these grants of a consent, by place from 0; of all of it where none are named, or
    one that no record has. It says what counts here, in the form that every peer takes in: whatever a list names, a
    withdrawal is never refused and never narrowed (domain 2.22).
    """
    places = sorted(set(grants or ()))
    whole = not places or places[-1] >= MOST_GRANTS
    taken_back: dict[str, Json] = {
        "consent_id": consent,
        "scope": "all" if whole else "grants",
        "withdrawn_on": now,
        "erase_wanted": erase_wanted,
    }
    return taken_back if whole else taken_back | {"grants": [*places]}


@dataclass(slots=True, kw_only=True)
class _Told:
    """How one withdrawal is told: to whom and in which conversations, by which messages, the numbers of messages that
    do not open, and by peer that cannot be told the number of one by which it knows the consent: about both a person
    has to phone. `closed` are the peers that one conversation or more gives no way to tell.
    """

    index: bytes
    known_by: frozenset[Key]
    told: list[Prepared] = field(default_factory=list)
    damaged: list[int] = field(default_factory=list)
    untold: dict[NodeId, int] = field(default_factory=dict)
    closed: set[NodeId] = field(default_factory=set)


class Withdrawer:
    """Withdraws consents, several at once where the person takes all of them back."""

    def __init__(
        self,
        *,
        content: Content,
        own: OwnIdentity,
        peers: PeerRegistry,
        preparation: Preparation,
        wakeups: Wakeups,
        events: EventStream,
        clock: Clock,
        rand: Callable[[int], bytes],
    ) -> None:
        self._content = content
        self._own = own
        self._peers = peers
        self._preparation = preparation
        self._wakeups = wakeups
        self._events = events
        self._clock = clock
        self._rand = rand

    async def withdraw(
        self, wanted: Sequence[tuple[register.Known, dict[str, Json]]], actor: str, *, attested: bool, caller: Caller
    ) -> tuple[list[str], list[Json]]:
        """Take these back, each with the content of its withdrawal, in one transaction: their states after it, and who
        is told by which message, as far as the caller sees it. `actor` is the pseudonym of who does it, `attested` by a
        case system.

        Whom a message reached while this was prepared is told too: it is prepared anew. At the last try a person has to
        phone them, since nothing may hold up the withdrawal itself.
        """
        now = self._clock.now()
        effects = [Withdrawal(content=self._content, withdrawn=taken_back) for _, taken_back in wanted]

        def move(connection: Connection, found: Sequence[_Told], last: bool) -> list[str] | None:
            late = [self._find_late(connection, one) for one in found]
            if any(late) and not last:
                return None
            states = [effect.write(connection, now) for effect in effects]
            write_prepared(connection, [item for one in found for item in one.told])
            for one, others in zip(found, late, strict=True):
                register.alarm(connection, one.damaged, now)
                for peer, ref in (others | _stop_untold(connection, one, now) | one.untold).items():
                    journal.raise_alarm(connection, at=now, kind="consent.untold", peer=peer, ref=ref)
                journal.append_leaf(connection, leaf(now, "consent.withdraw", actor=actor, attested=attested))
            return states

        states: list[str] | None = None
        tries = 0
        while states is None:
            tries += 1
            found = [await self._tell(known, taken_back, actor) for known, taken_back in wanted]
            talks = frozenset(item.row.conversation for one in found for item in one.told)
            hidden = await self._content.store.read(
                partial(hidden_from, self._content.sealer, keys=talks, caller=caller)
            )
            states = await self._content.store.move(partial(move, found=found, last=tries == TRIES))
        told = [item for one in found for item in one.told]
        for item in told:
            self._wakeups.outgoing(item.row.peer).set()
        await self._events.happened()
        return states, [
            {
                "peer": self._peers.find(item.row.peer).name,
                "message": None if item.row.conversation in hidden else item.row.id,
            }
            for item in told
        ]

    async def _tell(self, known: register.Known, taken_back: dict[str, Json], author: str) -> _Told:
        """One withdrawal in every conversation that relies on the consent, for every peer that was told of it or told
        us: each conversation stands still on both sides, also one of which everything was erased here.
        """
        found = await self._content.store.read(partial(self._find_known_by, index=known.index))
        made = _Told(index=known.index, known_by=frozenset(found))
        for (_, node), by in found.items():
            sealed = await self._content.store.read(partial(content.get, refs=[ref for ref, _ in by]))
            there = next(((ref, incoming) for ref, incoming in by if ref in sealed), None)
            if there is None:
                await self._tell_by_statements(made, known, taken_back, author, node, [ref for ref, _ in by])
                continue
            ref, incoming = there
            try:
                about = content_codec.read_content(self._content.sealer.open(sealed[ref]))
            except RefusedError:
                made.damaged.append(ref)
                continue
            address = Address(
                conversation=about.facts.conversation,
                purpose=about.facts.purpose,
                header=headers.along(about.halves()[0], author, incoming=incoming),
            )
            try:
                made.told += await self._prepare(address, self._peers.find(node), taken_back)
            except RefusedError:  # its unit there is gone, or the peer: others are told all the same
                await self._tell_by_statements(made, known, taken_back, author, node, [ref for ref, _ in by])
        return made

    async def _tell_by_statements(
        self,
        made: _Told,
        known: register.Known,
        taken_back: dict[str, Json],
        author: str,
        node: NodeId,
        refs: Sequence[int],
    ) -> None:
        """Do the same by signed statements, where the messages were erased or their unit there is gone; of what never
        left nobody has to hear.
        """
        peer = self._peers.get(node)
        made.closed.add(node)

        def query(connection: Connection) -> Address | None:
            if peer is None:
                return None
            return addresses.find_address(
                connection,
                self._content.sealer,
                refs,
                known=[known],
                own=self._own.descriptor,
                peer=peer.descriptor,
                author=author,
            )

        if not await self._content.store.read(lambda c: find_exchanged(c, messages.get_all(c, refs))):
            return
        address = await self._content.store.read(query)
        if peer is None or address is None:
            made.untold[node] = refs[0]
            return
        try:
            made.told += await self._prepare(address, peer, taken_back)
        except RefusedError:  # nothing may hold up the withdrawal itself
            made.untold[node] = refs[0]

    async def _prepare(self, address: Address, peer: Peer, taken_back: dict[str, Json]) -> list[Prepared]:
        draft = Draft(
            id=b64u(self._rand(drafts.ID)),
            body_type=WITHDRAWAL,
            to=peer.node,
            conversation=address.conversation,
            reply_to=None,
            purpose=address.purpose,
            header=address.header,
            content=taken_back,
        )
        return await self._preparation.prepare(draft, peer, reference=str(taken_back["consent_id"]))

    def _find_known_by(self, connection: Connection, index: bytes) -> dict[Key, list[tuple[int, bool]]]:
        """Find who knows a consent, by what is stored now."""
        sealer = self._content.sealer
        return find_known_by(sealer, connection, register.known_under(sealer, connection, index))

    def _find_late(self, connection: Connection, told: _Told) -> dict[NodeId, int]:
        """Find who knows the consent since its withdrawal was prepared, or in one conversation more, each with the
        number of a message by which they do.
        """
        known_by = self._find_known_by(connection, told.index)
        return {key[1]: by[0][0] for key, by in known_by.items() if key not in told.known_by}

    def is_known_elsewhere(self, connection: Connection, known: register.Known) -> bool:
        """Whether a peer knows the consent, so that it can be taken back though nothing of it is left here."""
        return bool(find_known_by(self._content.sealer, connection, known))

    def find_relying(
        self, connection: Connection, known: register.Known, caller: Caller
    ) -> tuple[list[Json], list[Json]]:
        """The conversations that rely on a consent and are there for the caller, with their countries and what of each
        would stop, and all peers that would be told: a consent is taken back wherever it is relied on.
        """
        found = find_known_by(self._content.sealer, connection, known)
        waiting = messages.unsent_consenting(connection, known.index)
        keys = dict.fromkeys([*found, *((row.conversation, row.peer) for row in waiting)])
        hidden = hidden_from(self._content.sealer, connection, {conversation for conversation, _ in keys}, caller)
        keys = dict.fromkeys(key for key in keys if key[0] not in hidden)
        stands = conversations.get(connection, [conversation for conversation, _ in keys])
        names = named_in(self._content.sealer, connection, [conversation for conversation, _ in keys])
        lines: list[Json] = []
        for conversation, node in keys:
            peer, row = self._peers.get(node), stands.get((conversation, node))
            stops = sum((one.conversation, one.peer) == (conversation, node) for one in waiting)
            lines.append(
                {
                    "conversation": self._conversation(connection, conversation),
                    "of_case": names.get(conversation),
                    "peer": node if peer is None else peer.name,
                    "country": None if peer is None else peer.descriptor.country,
                    "state": None if row is None else row.state,
                    "stops": stops,
                }
            )
        peers = dict.fromkeys(node for _, node in found)
        return lines, [node if (peer := self._peers.get(node)) is None else peer.name for node in peers]

    def _conversation(self, connection: Connection, index: bytes) -> str | None:
        """The id of a conversation, from the first of its messages that opens."""
        refs = [row.ref for row in messages.of_conversation(connection, index)]
        for sealed in content.get(connection, refs).values():
            with suppress(RefusedError):
                return content_codec.read_content(self._content.sealer.open(sealed)).facts.conversation
        return None


def _stop_untold(connection: Connection, told: _Told, now: int) -> dict[NodeId, int]:
    """Stop the record that waits for whom no withdrawal goes to. Returns those whom a record may have reached, each
    with its number.
    """
    rows = stop_records(connection, told.index, told.closed - {item.row.peer for item in told.told}, now)
    reached = find_exchanged(connection, rows)
    return {row.peer: row.ref for row in rows if row.ref in reached}
