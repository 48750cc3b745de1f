"""Changes of trust as people make them: prepared by the node, signed by a person elsewhere, proposed, approved.

The node never sees a key. What it prepares is only a help: whoever signs recomputes the hash and reads the words, and
the node judges the whole change again when it comes back with a signature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

import schemas
from gateway.access import sessions
from gateway.attachments.rules import FILE_LIMIT
from gateway.changes import administrators, rules
from gateway.changes import store as rows
from gateway.changes.administrators import ADMINS
from gateway.changes.rules import CLOCK, NODE, Action
from gateway.changes.store import ChangeRow
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.delivery.outbound.steps import BODY_LIMIT
from gateway.errors import Code, Finding, GatewayError, RefusedError, RemoteError
from gateway.foundation.config import Config
from gateway.foundation.ids import NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.messages.wakeups import Wakeups
from gateway.operations.models import Nothing
from gateway.operations.registry import About, operation
from gateway.operations.roles import LOOKS, TRUST, Caller
from gateway.peers.confirmed_time import ConfirmedTime
from gateway.peers.link import PeerLink
from gateway.peers.registry import Peer, PeerRegistry
from gateway.peers.scope import Direction, Scope, listens
from gateway.policy import in_force
from gateway.policy.in_force import PoliciesInForce
from gateway.ports import Clock, Json, OperationResult
from gateway.trust import changes
from gateway.trust.change_text import words
from gateway.trust.changes import Shown, TrustChanges, Word
from gateway.trust.link_reset.protocol import LinkReset
from gateway.trust.operations.models import (
    Admins,
    ApproveChange,
    AskChange,
    Changes,
    ChangeShown,
    OneChange,
    PrepareChange,
    Prepared,
    ProposeChange,
    SignedWord,
    WantedChanges,
)
from gateway.trust.peer_sync import PeerSync
from keys.documents.admin_card import AdminCard
from keys.documents.approvals import Card, read_approval
from keys.documents.change import Approval, Change, is_person
from keys.documents.fingerprint import read_code
from keys.primitives.encoding import canon
from keys.primitives.passkey import Assertion
from schemas.region_pack.policies import read_policy
from schemas.types import type_name

MOST_LISTED = 200


def everything(own: OwnIdentity, config: Config, peer: Peer) -> Scope:
    """The widest scope: every type, both ways, all of our units; what people start from and narrow."""
    us, them = own.descriptor.country, peer.descriptor.country
    return Scope(
        types=frozenset(type_name(entry.body_type) for entry in schemas.load_catalogue().types),
        directions=frozenset(Direction),
        corridors=frozenset({(us, them), (them, us)}),
        units=frozenset(unit.id for unit in config.units),
        roles=frozenset(code.code for code in schemas.code_list("role").codes),
        purposes=frozenset(code.code for code in schemas.code_list("purpose").codes),
        max_bytes=BODY_LIMIT,
        max_file_bytes=FILE_LIMIT,
    )


class ChangeOperations:
    """Operations on changes of trust."""

    def __init__(
        self,
        *,
        store: Store,
        own: OwnIdentity,
        link: PeerLink,
        link_reset: LinkReset,
        trust_changes: TrustChanges,
        sync: PeerSync,
        policies: PoliciesInForce,
        time: ConfirmedTime,
        config: Config,
        wakeups: Wakeups,
        clock: Clock,
    ) -> None:
        self._store = store
        self._own = own
        self._link = link
        self._link_reset = link_reset
        self._trust_changes = trust_changes
        self._sync = sync
        self._policies = policies
        self._time = time
        self._config = config
        self._wakeups = wakeups
        self._clock = clock

    @operation(
        "change.prepare",
        "the exact change to be signed",
        roles=TRUST,
        about=About.PEER,
        answer=Prepared,
        example={"action": "peer.suspend", "subject": "AL"},
    )
    async def prepare(self, asked: PrepareChange) -> OperationResult:
        """Write down what a person wants as the exact change to be signed; nothing is stored."""
        action = asked.action
        rule = rules.rule_of(action)
        now = self._clock.now()
        subject = self._link.registry.find(asked.subject).node if rule.subject is None else rule.subject
        body = await self._body(Action(action), subject, asked, now)

        def look(c: Connection) -> Change:
            change = Change(
                node=self._own.node, subject=subject, prev=changes.head(c, subject), at=now, action=action, body=body
            )
            change = _formed(change)
            self._trust_changes.check(c, change, now)
            return change

        change = await self._store.read(look)
        payload = change.to_json()
        told: dict[str, Json] = {"change": payload, "hash": change.hash, "digits": change.digits}
        return OperationResult(value={**told, "words": [*words(payload)]})

    async def _body(self, action: Action, subject: str, asked: PrepareChange, now: int) -> Mapping[str, Json]:
        match action:
            case Action.PEER_ACTIVATE | Action.PEER_CONFIRM_ROOTS:
                return await self._compared(action, self._link.registry.find(subject), asked, now)
            case Action.PEER_WIDEN | Action.PEER_NARROW:
                return {"scope": Scope.from_json(_needed(asked, "scope")).to_json()}
            case Action.PEER_RENEW:
                return {"expires": now + rules.YEAR}
            case Action.ADMIN_ENROL:
                return {"admin": _needed(asked, "admin")}
            case Action.ADMIN_RETIRE:
                return {"pseudonym": _needed(asked, "pseudonym")}
            case Action.CLOCK_RESET:
                return self._time.propose_reset()
            case Action.LINK_RESET:
                return await self._link_reset.propose(self._link.registry.find(subject))
            case Action.LINK_ACCEPT_RESET:
                return self._link_reset.offered(self._link.registry.find(subject))
            case Action.POLICY_WIDEN | Action.POLICY_NARROW:
                return in_force.body_of(read_policy(_needed(asked, "policy").encode()))
            case Action.PERSON_ENROL | Action.PERSON_CHANGE | Action.PERSON_INVITE | Action.PERSON_VOUCH:
                raise RefusedError(Code.INVALID, "people are asked for by trm person; nothing was changed")
            case Action.ADMINS_BEGIN | Action.POLICY_BEGIN:
                raise RefusedError(Code.INVALID, "trm init says how a node begins; nothing was changed")
            case _:
                return {}

    async def _compared(self, action: Action, peer: Peer, asked: PrepareChange, now: int) -> Mapping[str, Json]:
        """What stands behind typed digits: right ones prove that both people look at the same keys (nrm1 2.9)."""
        digits, channel = _needed(asked, "digits"), _needed(asked, "channel")
        if channel not in rules.CHANNELS:
            raise RefusedError(Code.INVALID, "the channel is one of " + ", ".join(rules.CHANNELS))
        if action is Action.PEER_ACTIVATE and peer.state != "proposed" and peer.trust.mine is None:
            raise RefusedError(
                Code.CONFLICT,
                f"the peer is {peer.state}; nothing was changed",
                hint="the second person approves with trm peer approve",
            )
        own, said = self._own.descriptor.fingerprint, read_code(digits)
        theirs = next((each for each in said if each.fingerprint == peer.descriptor.fingerprint), None)
        if theirs is None or [each.fingerprint for each in said] != sorted((own, theirs.fingerprint)):
            await self._store.move(lambda c: journal.append_leaf(c, leaf(now, "peer.digits_wrong", peer=peer.node)))
            raise RefusedError(
                Code.WRONG_NODE,
                f"the digits are not those of this pair; the peer stays {peer.state}",
                hint="read them aloud again; if they still differ, somebody is between you: stop",
            )
        if peer.descriptor.version < theirs.version:
            peer = await self._reaching(peer, theirs.version)
        compared: dict[str, Json] = {
            "descriptor": {"version": peer.descriptor.version, "hash": peer.descriptor.hash},
            "fingerprint": peer.descriptor.fingerprint,
            "channel": channel,
        }
        if action is Action.PEER_CONFIRM_ROOTS:
            return compared
        scope = everything(self._own, self._config, peer) if asked.scope is None else Scope.from_json(asked.scope)
        return {**compared, "scope": scope.to_json(), "not_before": None, "expires": now + rules.YEAR}

    async def _reaching(self, peer: Peer, version: int) -> Peer:
        """The peer with its chain up to a version that its people have named: the digits are of its roots alone, and do
        not show that somebody cut the chain before a key was revoked (nrm1 2.9).
        """
        with suppress(GatewayError):
            peer = await self._sync.fetch_chain(peer)
        if peer.descriptor.version < version:
            raise RefusedError(
                Code.ROLLBACK,
                f"the chain held here ends at version {peer.descriptor.version}, and they have published version "
                f"{version}; the peer stays {peer.state}",
                hint="if their node can be reached and it stays so, somebody holds back what they published: stop",
            )
        return peer

    @operation(
        "change.propose",
        "a change with its first approval",
        roles=TRUST,
        about=About.PEER,
        answer=ChangeShown,
        creates=True,
    )
    async def propose(self, asked: ProposeChange) -> OperationResult:
        """A prepared change with the first person's approval; what one person may do alone is done with it."""
        change, word = _of_trust(asked.change), read_word(asked)
        return await self._act(
            change.hash, lambda c, now: self._trust_changes.propose(c, change, word, now), created=True
        )

    @operation(
        "change.ask",
        "a change that nobody has approved yet, to be read on a second device",
        roles=TRUST,
        about=About.PEER,
        answer=ChangeShown,
        creates=True,
    )
    async def ask(self, asked: AskChange) -> OperationResult:
        """Keep a prepared change without any approval, so that other devices and people can read it before somebody
        signs.
        """
        change = _of_trust(asked.change)
        return await self._act(change.hash, lambda c, now: self._trust_changes.ask(c, change, now), created=True)

    @operation("change.approve", "another person approves", roles=TRUST, about=About.PEER, answer=ChangeShown)
    async def approve(self, asked: ApproveChange) -> OperationResult:
        """Another person's approval of a pending change."""
        hash, word = asked.id, read_word(asked)

        def write(connection: Connection, now: int) -> None:
            row = rows.find_change(connection, hash)
            if row is not None and is_person(row.subject):
                raise _of_person()
            self._trust_changes.approve(connection, hash, word, now)

        return await self._act(hash, write)

    @operation(
        "change.withdraw",
        "give a change up",
        roles=TRUST,
        about=About.PEER,
        answer=ChangeShown,
    )
    async def withdraw(self, asked: OneChange, caller: Caller) -> OperationResult:
        """Give up a pending change; anybody who may propose may."""
        hash = asked.id
        return await self._act(hash, lambda c, now: self._trust_changes.withdraw(c, hash, caller.actor, now))

    async def _act(
        self, hash: str, write: Callable[[Connection, int], None], *, created: bool = False
    ) -> OperationResult:
        """One move of trust, and what everybody else must know of it at once."""
        now = self._clock.now()

        def move(connection: Connection) -> ChangeRow:
            write(connection, now)
            row = rows.find_change(connection, hash)
            if row is None:
                raise RuntimeError("a change that was acted on is there")
            return row

        row = await self._store.move(move)
        await self._link.registry.refresh()
        await self._policies.refresh()
        if row.subject == CLOCK and row.state == rows.DONE:
            await self._time.take_reset()
        peer = self._link.registry.get(NodeId(row.subject))
        if peer is not None:
            if not listens(peer.state):
                await self._link.client.forget(peer.node)
            self._wakeups.peer_called(peer.node)
        self._wakeups.trust.set()
        value = await self._store.read(lambda c: shown(self._link.registry, c, row))
        return OperationResult(value=value, created=created)

    @operation("change.list", "changes of trust, newest first", roles=LOOKS, about=About.PEER, answer=Changes)
    async def list_changes(self, asked: WantedChanges) -> OperationResult:
        """Changes, newest first; of one peer or of the administrators where `subject` names it, in one `state` if
        given.
        """
        subject, state = asked.subject, asked.state
        if subject is not None and subject not in (ADMINS, NODE, CLOCK):
            subject = self._link.registry.find(subject).node

        def query(c: Connection) -> list[Json]:
            found = rows.all_changes(c, MOST_LISTED, subject=subject, state=state)
            return [shown(self._link.registry, c, row) for row in found]

        return OperationResult(value={"changes": await self._store.read(query)})

    @operation("change.show", "one change and who approved it", roles=LOOKS, about=About.PEER, answer=ChangeShown)
    async def show(self, asked: OneChange) -> OperationResult:
        """One change: the exact object, its words, and who approved it."""
        hash = asked.id

        def query(c: Connection) -> dict[str, Json] | None:
            row = rows.find_change(c, hash)
            return None if row is None else shown(self._link.registry, c, row)

        value = await self._store.read(query)
        if value is None:
            raise RefusedError(Code.NOT_FOUND, "there is no such change", hint="trm peer show lists what is pending")
        return OperationResult(value=value)

    @operation(
        "admin.list", "administrators, and what is pending of them", roles=LOOKS, about=About.NODE, answer=Admins
    )
    async def list_admins(self, _asked: Nothing) -> OperationResult:
        """The administrators of this node, who offers to be one by passkey, and what is pending about them."""

        def query(c: Connection) -> tuple[list[Json], list[Json], list[Json]]:
            pending = rows.in_state(c, rows.PENDING, ADMINS)
            enrolled: list[Json] = [_card(card) for card in administrators.administrators(c).values()]
            offered: list[Json] = [_card(card) | {"card": card.to_json()} for card in sessions.offered(c)]
            return enrolled, offered, [shown(self._link.registry, c, row) for row in pending]

        admins, offered, pending = await self._store.read(query)
        return OperationResult(value={"admins": admins, "offered": offered, "pending": pending})


# --- preparing ---------------------------------------------------------------------------------------------------


def _needed(asked: PrepareChange, name: str) -> Any:
    """A member that this action takes. Raises RefusedError invalid where it is left out."""
    value = getattr(asked, name)
    if value is None:
        raise RefusedError(
            Code.INVALID,
            f"the argument {name} is missing or wrong; nothing was changed",
            findings=[Finding(place=f"/{name}", rule="type", hint="this action needs it")],
        )
    return value


def _formed(change: Change) -> Change:
    """The change as its reader will see it; a wrong body is refused before anybody signs it."""
    try:
        return Change.parse(change.encode())
    except RemoteError as exc:
        raise RefusedError(Code.INVALID, f"this change cannot be made: {exc.what}") from exc


# --- proposing, approving ----------------------------------------------------------------------------------------


def _of_trust(value: Mapping[str, Json]) -> Change:
    """The change as it came back from whoever read it. Raises RefusedError(invalid)."""
    try:
        change = Change.parse(canon(dict(value)))
    except RemoteError as exc:
        raise RefusedError(Code.INVALID, f"this change cannot be made: {exc.what}") from exc
    if is_person(change.subject):
        raise _of_person()
    return change


def _of_person() -> RefusedError:
    return RefusedError(
        Code.INVALID,
        "this change is about somebody who works here; nothing was changed",
        hint="person.approve, which shows the code that comes with it: trm person approve NAME --as KEYFILE",
    )


def read_word(asked: SignedWord) -> Word:
    """An approval signed by a key file, or what a browser gave for a passkey; whether that asks for no delay has been
    signed too, and is told apart here.
    """
    if (asked.approval is None) == (asked.assertion is None) or (asked.approval and asked.emergency is not None):
        raise RefusedError(Code.INVALID, "either an approval, or an assertion that may be an emergency; not both")
    try:
        if asked.approval is not None:
            return Approval.from_json(asked.approval)
        return Shown(assertion=Assertion.from_browser(asked.assertion), emergency=asked.emergency is True)
    except RemoteError as exc:
        what = "signed approval" if asked.assertion is None else "signature of a passkey"
        raise RefusedError(Code.INVALID, f"this is no {what}: {exc.what}") from exc


def _damaged(peers: PeerRegistry, row: ChangeRow, error: RemoteError) -> dict[str, Json]:
    """A change that can not be read any more: it stands in the list as what it is, and hides no other."""
    peer = peers.get(NodeId(row.subject))
    return {
        "id": row.hash,
        "subject": row.subject if peer is None else peer.name,
        "action": "damaged",
        "state": row.state,
        "peer": None if peer is None else {"name": peer.name, "node": peer.node, "state": str(peer.state)},
        "needed": 0,
        "approvals": [],
        "at": row.at,
        "effective": row.effective,
        "ends": None,
        "change": None,
        "digits": None,
        "words": [f"this change is damaged on the disk: {error.what}"],
    }


# --- looking -----------------------------------------------------------------------------------------------------


def _card(card: Card) -> dict[str, Json]:
    kind = "file" if isinstance(card, AdminCard) else "passkey"
    return {"pseudonym": card.pseudonym, "label": card.label, "kid": card.kid, "at": card.at, "kind": kind}


def shown(peers: PeerRegistry, connection: Connection, row: ChangeRow) -> dict[str, Json]:
    """One change as people and programs are shown it."""
    try:
        change = Change.parse_named(row.payload, row.hash)
    except RemoteError as error:
        return _damaged(peers, row, error)
    payload = change.to_json()
    labels = administrators.labels(connection)
    peer = peers.get(NodeId(row.subject))
    approvals: list[Json] = []
    for stored in rows.approvals_of(connection, row.hash):
        approval = read_approval(stored.document)
        approvals.append(
            {
                "admin": approval.admin,
                "label": labels.get(approval.admin),
                "at": approval.at,
                "emergency": approval.emergency,
            }
        )
    return {
        "id": row.hash,
        "subject": row.subject if peer is None else peer.name,
        "action": payload["action"],
        "state": row.state,
        "peer": None if peer is None else {"name": peer.name, "node": peer.node, "state": str(peer.state)},
        "needed": rules.rule_of(str(payload["action"])).people,
        "approvals": approvals,
        "at": row.at,
        "effective": row.effective,
        "ends": row.at + rules.PROPOSAL_LIFE if row.state == rows.PENDING else None,
        "change": payload,
        "digits": change.digits,
        "words": [*words(payload)],
    }
