"""What follows from completed changes: the peer's state, our signed record, and what their time brings (nrm1 8.17).

The position towards a peer is never edited: it is the fold of what people completed, computed anew at each step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from gateway.changes import rules
from gateway.changes import store as rows
from gateway.changes.completed import completed
from gateway.changes.rules import Action, Completed, PeerTrust
from gateway.changes.store import ChangeRow
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.chores import MINUTE, Chore
from gateway.foundation.ids import NodeId
from gateway.foundation.logs import logger
from gateway.identity.identity import Identity
from gateway.messages.wakeups import Wakeups
from gateway.peers import store as peer_rows
from gateway.peers import trust_record_store
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.registry import PeerRegistry
from gateway.peers.scope import PeerState
from gateway.peers.trust_record_store import TrustRow
from gateway.policy import in_force
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Clock
from gateway.trust.link_reset import decisions
from keys.documents.approvals import read_approval
from keys.documents.change import Change
from keys.documents.descriptor import Descriptor
from keys.documents.trust_record import TRUSTS, Assertion, TrustRecord, TrustState, parse_trust
from keys.primitives.domains import TRUST
from keys.primitives.sign import SignedDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionEffect:
    """What another part of the node adds to an action: a check of its body, and its effect in the transaction."""

    check: Callable[[Connection, Change], None]
    apply: Callable[[Connection, Change, int], None]


ACTION_EFFECTS: Mapping[Action, ActionEffect] = {
    Action.LINK_RESET: ActionEffect(check=decisions.check_reset, apply=decisions.reset),
    Action.LINK_ACCEPT_RESET: ActionEffect(check=decisions.check_accept, apply=decisions.accept),
}
"""Actions that are not about the trust record itself, each with what checks and carries it out."""


class TrustEffects:
    """Carries out completed changes of trust."""

    def __init__(
        self,
        *,
        store: Store,
        identity: Identity,
        peers: PeerRegistry,
        policies: PoliciesInForce,
        time: ConfirmedTime,
        wakeups: Wakeups,
        clock: Clock,
    ) -> None:
        self._store = store
        self._time = time
        self._identity = identity
        self._peers = peers
        self._policies = policies
        self._wakeups = wakeups
        self._clock = clock

    def chores(self) -> Sequence[Chore]:
        """Let changes take effect when their time has come."""
        return (Chore("trust", MINUTE, self.keep),)

    def newest_descriptor(self, connection: Connection, node: NodeId) -> Descriptor:
        """The newest descriptor held of a peer, as it is in this transaction."""
        return self._chain(connection, node)[-1]

    def _chain(self, connection: Connection, node: NodeId) -> tuple[Descriptor, ...]:
        documents = next((row.chain for row in peer_rows.load(connection) if row.node == node), ())
        if not documents:
            raise RefusedError(Code.NOT_FOUND, "no such peer", hint="trm peer list shows the names")
        return self._peers.verified_chain(documents)

    def take_effect(self, connection: Connection, change: Change, effective: int, now: int) -> None:
        """A change is complete, or its time has come: carry it out, and bring the peer's position up to date."""
        if change.subject == rules.NODE:
            in_force.take_effect(connection, change, effective, now)
            return
        hook = ACTION_EFFECTS.get(Action(change.action))
        if hook is not None and not rules.waits(change.action, effective, now):
            hook.apply(connection, change, now)
        self.settle(connection, NodeId(change.subject), now, after=Action(change.action))

    def settle(self, connection: Connection, node: NodeId, now: int, *, after: Action | None = None) -> None:
        """Bring a peer's state, and our newest record about it, to what its completed changes say at `now`.

        A stop that no person made (a proof of misbehaviour, changed roots, a tombstone) stays, but for the change
        `after` that people make to end it. Nobody becomes active on other roots than those that people compared: they
        may have changed while an activation waited, or while the peer was stopped for a cause.
        """
        held = peer_rows.position_of(connection, node)
        changes = completed(connection, node)
        if held is not None and held[0] != PeerState.REVOKED:
            to, cause = _moved(connection, node, held, rules.peer_trust(changes, now), after)
            peer_rows.change(connection, node, state=str(to), cause=cause)
            if to != held[0]:
                journal.append_leaf(connection, leaf(now, "peer.state", peer=node, state=str(to)))
            if to is PeerState.ACTIVE:
                roots_changed(connection, self._chain(connection, node), at=now)
        self._record(connection, node, changes, now)

    def _record(self, connection: Connection, node: NodeId, changes: list[Completed], now: int) -> None:
        """Append a signed trust record if our position is another one than the newest record says.

        An activation that waits for its time is told at once: its record is not in force before that time.
        """
        begins = min((c.effective for c in changes if c.action is Action.PEER_ACTIVATE), default=None)
        if begins is None:
            return
        trust = rules.peer_trust(changes, max(now, begins))
        chain = trust_record_store.records_of(connection, node, trust_record_store.OUT)
        newest = parse_trust(SignedDocument.decode(chain[-1].document, *TRUSTS)) if chain else None
        if newest is not None and newest.is_first_form:
            newest = None  # what the first form said is history: no peer takes it, and nothing names it (nrm1 8.7)
        record = self._said(connection, node, trust, None if newest is None else newest.hash)
        if newest is not None and _position(newest) == _position(record) and not self._revoked(chain[-1]):
            return
        payload = record.encode()
        document = SignedDocument(
            payload=payload, payload_type=TRUST, signatures=(self._identity.keys.sign(TRUST, payload),)
        )
        trust_record_store.add_record(
            connection,
            TrustRow(
                peer=node,
                direction=trust_record_store.OUT,
                seq=len(chain) + 1,
                hash=record.hash,
                document=document.encode(),
                acked=None,
            ),
        )
        journal.append_leaf(
            connection, leaf(now, "trust.issued", peer=node, record=record.hash, state=str(record.state))
        )

    def _revoked(self, row: TrustRow) -> bool:
        """Whether the key that signed one of our records was revoked: peers may hold what its thief has said since."""
        kid = SignedDocument.decode(row.document, *TRUSTS).signature.kid
        return any(revocation.kid == kid for revocation in self._identity.own.descriptor.revoked)

    async def say_again(self) -> None:
        """After a revocation: sign our newest record about each peer anew, as the next one of its chain."""
        now = self._clock.now()

        def move(connection: Connection) -> None:
            for peer in self._peers.all():
                if peer.state is not PeerState.REVOKED:  # nothing follows a revocation
                    self.settle(connection, peer.node, now)

        if self._identity.keys.may_speak:
            await self._store.move(move)
            await self._peers.refresh()
            self._wakeups.trust.set()

    async def leave_first_form(self) -> None:
        """Sign in the second form our newest record about each peer that is of the first: no peer takes that any more.
        A revocation that the peer has taken stays its last word.
        """

        def due(connection: Connection) -> list[NodeId]:
            found = []
            for peer in self._peers.all():
                chain = trust_record_store.records_of(connection, peer.node, trust_record_store.OUT)
                if not chain or trust_record_store.first_forms(chain[-1:]) == 0:
                    continue
                if peer.state is not PeerState.REVOKED or chain[-1].acked is None:
                    found.append(peer.node)
            return found

        found = await self._store.read(due) if self._identity.keys.may_speak else []
        if not found:
            return
        now = self._clock.now()

        def move(connection: Connection) -> None:
            for node in found:
                self.settle(connection, node, now)

        await self._store.move(move)
        await self._peers.refresh()
        self._wakeups.trust.set()

    def _said(self, connection: Connection, node: NodeId, trust: PeerTrust, prev: str | None) -> TrustRecord:
        if trust.scope is None or trust.latest is None:
            raise RuntimeError("a peer that was activated has a scope")
        newest = self.newest_descriptor(connection, node)
        state = {PeerState.SUSPENDED: TrustState.SUSPENDED, PeerState.REVOKED: TrustState.REVOKED}
        return TrustRecord(
            node=self._identity.own.node,
            peer=node,
            peer_desc_version=newest.version,
            peer_desc_hash=newest.hash,
            state=state.get(trust.state, TrustState.ACTIVE),
            scope=trust.scope.to_json(),
            not_before=trust.not_before,
            expires=trust.expires,
            approvals=tuple(_assertions(connection, trust.latest)),
            prev=prev,
        )

    async def keep(self) -> None:
        """Let completed changes take effect whose time has come, and give up proposals that are a day old. A clock that
        something speaks against shortens no delay.
        """
        if not self._time.standing().steady:
            return
        await self.leave_first_form()
        now = self._clock.now()

        def due(c: Connection) -> list[ChangeRow]:
            return [
                row for state in (rows.PENDING, rows.WAITING) for row in rows.in_state(c, state) if _is_due(row, now)
            ]

        found = await self._store.read(due)
        if not found:
            return
        for row in found:  # each in a move of its own: one that was damaged on the disk holds up no other
            try:
                await self._store.move(partial(self._keep, row=row, now=now))
            except RemoteError as error:
                logger().error("change.damaged", code=str(error.code))
        await self._peers.refresh()
        await self._policies.refresh()
        for peer in self._peers.all():
            self._wakeups.peer_called(peer.node)
        self._wakeups.trust.set()

    def _keep(self, connection: Connection, *, row: ChangeRow, now: int) -> None:
        if rows.find_change(connection, row.hash) != row:
            return  # approved or given up meanwhile
        if row.effective is None:
            give_up(connection, row, rows.EXPIRED)
            journal.append_leaf(connection, leaf(now, "change.expired", change=row.hash))
        else:
            change = Change.parse(row.payload)
            rows.set_state(connection, row.hash, rows.DONE)
            journal.append_leaf(connection, leaf(now, "change.effective", change=row.hash))
            self.take_effect(connection, change, row.effective, now)


def _moved(
    connection: Connection, node: NodeId, held: tuple[str, str | None], trust: PeerTrust, after: Action | None
) -> tuple[PeerState, str | None]:
    state, cause = held
    if trust.state is PeerState.REVOKED:
        return trust.state, None
    if state == PeerState.SUSPENDED_FOR_CAUSE and after is not Action.PEER_RESUME:
        return PeerState.SUSPENDED_FOR_CAUSE, cause
    if cause == rules.ROOTS_CHANGED and after is not Action.PEER_CONFIRM_ROOTS:
        return PeerState.VERIFIED if trust.state is PeerState.ACTIVE else trust.state, cause
    if trust.state is PeerState.PROPOSED and any(
        _action(row) == Action.PEER_ACTIVATE for row in rows.in_state(connection, rows.PENDING, node)
    ):
        return PeerState.VERIFIED, None
    return trust.state, None


def _action(row: ChangeRow) -> str | None:
    """What a change is, None for one that was damaged on the disk."""
    try:
        return Change.parse(row.payload).action
    except RemoteError:
        return None


def _position(record: TrustRecord) -> tuple[object, ...]:
    return record.state, record.scope, record.not_before, record.expires


def _assertions(connection: Connection, hash: str) -> list[Assertion]:
    found = []
    for row in rows.approvals_of(connection, hash):
        approval = read_approval(row.document)
        found.append(Assertion(admin=approval.admin, credential=approval.kid, assertion=approval.hash))
    return found


def _is_due(row: ChangeRow, now: int) -> bool:
    if row.state == rows.PENDING:
        return now >= row.at + rules.PROPOSAL_LIFE
    return row.effective is not None and row.effective <= now


def give_up(connection: Connection, row: ChangeRow, state: str) -> None:
    """A proposal is over, also one that can not be read any more; a peer that was verified by it alone is proposed
    again.
    """
    rows.set_state(connection, row.hash, state)
    if _action(row) in (Action.PEER_ACTIVATE, None) and peer_rows.position_of(connection, NodeId(row.subject)) == (
        "verified",
        None,
    ):
        peer_rows.change(connection, NodeId(row.subject), state=str(PeerState.PROPOSED), verified=None)


def roots_changed(connection: Connection, chain: Sequence[Descriptor], *, at: int) -> None:
    """A peer that replaced two or more roots since people here compared its digits, or its threshold, falls back to
    verified until one person compared them again (nrm1 2.19). Called in the transaction that stores the new descriptor.
    """
    after = chain[-1]
    before = next((d for d in chain if d.version == _confirmed(connection, after.node)), None)
    if before is None:
        return
    new = {root.kid for root in after.roots} - {root.kid for root in before.roots}
    gone = {root.kid for root in before.roots} - {root.kid for root in after.roots}
    state = peer_rows.state_of(connection, after.node)
    changed = before.threshold != after.threshold or max(len(new), len(gone)) >= 2
    if changed and state in (PeerState.ACTIVE, PeerState.SUSPENDED):
        to = PeerState.VERIFIED if state == PeerState.ACTIVE else PeerState.SUSPENDED
        peer_rows.change(connection, after.node, state=str(to), cause=rules.ROOTS_CHANGED)
        journal.append_leaf(connection, leaf(at, "peer.roots_changed", peer=after.node, version=after.version))
        journal.raise_alarm(connection, at=at, kind="peer.roots_changed", peer=after.node)


def _confirmed(connection: Connection, node: NodeId) -> int | None:
    """The descriptor version whose digits people here compared last."""
    version: int | None = None
    for change in completed(connection, node):
        match change.body:
            case {"descriptor": {"version": int(compared)}}:
                version = compared
    return version
