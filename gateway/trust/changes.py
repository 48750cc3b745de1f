"""Trust as people change it: proposals, approvals, completion (nrm1 8.13, 8.17).

Everything is judged inside the transaction that writes it, on what is stored then: two people who act in the same
second meet each other's work. What follows from a completed change is in `trust_effects`; `trust_records` brings our
signed records to the peers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

import schemas
from gateway.access import enrolment, sessions
from gateway.access import people_store as people_rows
from gateway.changes import administrators, rules
from gateway.changes import store as rows
from gateway.changes.administrators import ADMINS
from gateway.changes.completed import completed
from gateway.changes.rules import CLOCK, NODE, PERSON, Action, Given
from gateway.changes.store import ApprovalRow, ChangeRow
from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.config import Config
from gateway.foundation.ids import NodeId
from gateway.identity.own_identity import OwnIdentity
from gateway.peers import store as peer_rows
from gateway.peers.confirmed_time import ConfirmedTime, take_back
from gateway.peers.scope import PeerState
from gateway.policy import in_force
from gateway.ports import Json
from gateway.trust.effects import ACTION_EFFECTS, TrustEffects, give_up
from gateway.trust.peer_sync import require_reached
from keys.documents.approvals import AnyApproval, PasskeyApproval, read_approval
from keys.documents.change import Approval, Change, is_person
from keys.documents.descriptor_chain import require_second_form
from keys.documents.trust_record import LONGEST
from keys.primitives.encoding import SKEW
from keys.primitives.passkey import Assertion


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A passkey's signature as it came from a browser: whose it is, and whether of this change, is not known yet."""

    assertion: Assertion
    emergency: bool


Word = Approval | Shown
"""How an administrator says yes."""


class TrustChanges:
    """Proposals, approvals and completion of changes."""

    def __init__(
        self,
        *,
        own: OwnIdentity,
        trust_effects: TrustEffects,
        time: ConfirmedTime,
        config: Config,
        lowest: Mapping[str, int],
        actor: Actor,
    ) -> None:
        """`lowest` has the versions that known nodes have reached, by their ids."""
        self._own = own
        self._time = time
        self._trust_effects = trust_effects
        self._config = config
        self._lowest = lowest
        self._actor = actor

    def propose(self, connection: Connection, change: Change, word: Word, now: int) -> None:
        """Store a change with its first approval; what one person may do alone is complete with it.

        Raises:
            RefusedError: invalid, conflict, not_found; nothing was stored.
        """
        self.ask(connection, change, now)
        self._approved(connection, change, word, now)

    def prepare(
        self, connection: Connection, subject: str, action: Action, body: Mapping[str, Json], now: int
    ) -> Change:
        """Write down a change of this node that follows what is completed of its subject; nothing is stored."""
        prev = head(connection, subject)
        return Change(node=self._own.node, subject=subject, prev=prev, at=now, action=str(action), body=body)

    def ask(self, connection: Connection, change: Change, now: int) -> None:
        """Store a change that nobody has approved yet. Raises RefusedError as `propose`."""
        if change.node != self._own.node:
            raise RefusedError(Code.WRONG_NODE, "this change is for another node; nothing was changed")
        if abs(change.at - now) > SKEW:
            raise RefusedError(
                Code.STALE, "this change was prepared too long ago; nothing was changed", hint="begin again"
            )
        if rows.find_change(connection, change.hash) is not None:
            raise RefusedError(Code.EXISTS, "this change was proposed already; nothing was changed")
        self.check(connection, change, now)
        row = ChangeRow(
            hash=change.hash,
            subject=change.subject,
            seq=None,
            payload=change.encode(),
            state=rows.PENDING,
            at=change.at,
            effective=None,
        )
        rows.add_change(connection, row)
        journal.append_leaf(
            connection, leaf(now, "change.proposed", change=row.hash, action=change.action, subject=change.subject)
        )

    def approve(self, connection: Connection, hash: str, word: Word, now: int) -> None:
        """Add one person's approval to a pending change, and complete it if that was the last one needed.

        Raises:
            RefusedError: not_found, conflict (no longer pending, the same person, something else was completed
            meanwhile).
        """
        row = rows.find_change(connection, hash)
        if row is None:
            raise RefusedError(Code.NOT_FOUND, "there is no such change", hint="trm peer show lists what is pending")
        if row.state != rows.PENDING or now >= row.at + rules.PROPOSAL_LIFE:
            state = row.state if row.state != rows.PENDING else rows.EXPIRED
            raise RefusedError(Code.CONFLICT, f"this change is {state}; nothing was changed", hint="propose it again")
        try:
            change = Change.parse_named(row.payload, hash)
        except RemoteError as exc:
            raise RefusedError(
                Code.CONFLICT, f"{exc.what}; nothing was changed", hint="this node was tampered with: trm peer show"
            ) from exc
        self.check(connection, change, now)
        self._approved(connection, change, word, now)

    def withdraw(self, connection: Connection, hash: str, by: str, now: int) -> None:
        """Give up a pending change. Raises RefusedError(not_found, conflict)."""
        row = rows.find_change(connection, hash)
        if row is None:
            raise RefusedError(Code.NOT_FOUND, "there is no such change", hint="trm peer show lists what is pending")
        if row.state != rows.PENDING:
            raise RefusedError(Code.CONFLICT, f"this change is {row.state}; nothing was changed")
        give_up(connection, row, rows.WITHDRAWN)
        actor = self._actor(by.encode()).hex()
        journal.append_leaf(connection, leaf(now, "change.withdrawn", change=hash, actor=actor))

    def _approved(self, connection: Connection, change: Change, word: Word, now: int) -> None:
        approval = _judged(connection, change, word, now)
        if abs(approval.at - now) > SKEW:
            raise RefusedError(
                Code.STALE, "the approval was signed too long ago; nothing was changed", hint="sign again"
            )
        before = given(connection, change.hash)
        new = Given(admin=approval.admin, kid=approval.kid, at=approval.at, emergency=approval.emergency)
        rules.check_another(before, new)
        rows.add_approval(
            connection,
            ApprovalRow(change=change.hash, admin=approval.admin, document=approval.encode(), at=approval.at),
        )
        actor = self._actor(approval.admin.encode()).hex()
        journal.append_leaf(
            connection, leaf(now, "change.approved", change=change.hash, assertion=approval.hash, actor=actor)
        )
        effective = rules.effective_at(change.action, [*before, new], change.at)
        if effective is not None:
            self._complete(connection, change, effective, now)
            if is_person(change.subject):
                enrolment.carry_out(connection, change, approval.admin, actor, now)
        elif change.action == Action.PEER_ACTIVATE:
            peer_rows.change(connection, NodeId(change.subject), state=str(PeerState.VERIFIED), verified=now)
            channel = change.body["channel"]
            journal.append_leaf(
                connection, leaf(now, "peer.verified", peer=change.subject, actor=actor, channel=channel)
            )

    def _complete(self, connection: Connection, change: Change, effective: int, now: int) -> None:
        seq = len(rows.changes_of(connection, change.subject)) + 1
        state = rows.WAITING if rules.waits(change.action, effective, now) else rows.DONE
        rows.complete(connection, change.hash, seq=seq, state=state, effective=effective)
        journal.append_leaf(
            connection,
            leaf(
                now,
                "change.completed",
                change=change.hash,
                action=change.action,
                subject=change.subject,
                effective=effective,
            ),
        )
        if change.action == Action.ADMIN_RETIRE:
            _give_up_approved_by(connection, str(change.body["pseudonym"]), now)
        if change.subject == CLOCK:
            take_back(connection, change.body, now)
        elif change.subject != ADMINS and not is_person(change.subject):
            self._trust_effects.take_effect(connection, change, effective, now)

    def check(self, connection: Connection, change: Change, now: int) -> None:
        """Return if the change extends what is completed and fits where its subject stands now.

        Raises:
            RefusedError: conflict, invalid, not_found.
        """
        rule = rules.rule_of(change.action)
        if change.prev != head(connection, change.subject):
            raise RefusedError(
                Code.CONFLICT,
                "something else was changed meanwhile; nothing was changed",
                hint="look at it, and propose it again",
            )
        if rule.subject == NODE:
            in_force.check(connection, change, now)
            return
        if rule.subject == ADMINS:
            administrators.check_change(connection, change)
            return
        if rule.subject == CLOCK:
            self._time.check_reset(change.body, now)
            return
        if rule.subject == PERSON:
            enrolment.check_change(connection, change)
            return
        position = peer_rows.position_of(connection, NodeId(change.subject))
        if position is None:
            raise RefusedError(Code.NOT_FOUND, "no such peer", hint="trm peer list shows the names")
        trust = rules.peer_trust(completed(connection, change.subject), now)
        rules.check_fits(Action(change.action), change.body, PeerState(position[0]), position[1], trust)
        self._check_body(connection, change)

    def _check_body(self, connection: Connection, change: Change) -> None:
        action, body = Action(change.action), change.body
        if action in ACTION_EFFECTS:
            ACTION_EFFECTS[action].check(connection, change)
        if "descriptor" in body:
            newest = self._trust_effects.newest_descriptor(connection, NodeId(change.subject))
            require_second_form(newest)
            require_reached(newest, self._lowest)
            held: Json = {"version": newest.version, "hash": newest.hash}
            if body["descriptor"] != held or body["fingerprint"] != newest.fingerprint:
                raise RefusedError(
                    Code.CONFLICT,
                    "the peer's descriptor has changed meanwhile; nothing was changed",
                    hint="compare again",
                )
            if body["channel"] not in rules.CHANNELS:
                raise RefusedError(Code.INVALID, "the channel is one of " + ", ".join(rules.CHANNELS))
        if "expires" in body:
            expires = body["expires"]
            if not isinstance(expires, int) or not change.at + 2 * rules.DAY < expires <= change.at + LONGEST:
                raise RefusedError(Code.INVALID, "trust lasts more than 2 and at most 400 days; nothing was changed")
        if "scope" in body:
            self._check_scope(body["scope"])

    def _check_scope(self, value: Json) -> None:
        """A scope names what exists here: a misspelt word would otherwise silently permit nothing."""
        if not isinstance(value, dict):
            raise RefusedError(Code.INVALID, "a scope is an object; nothing was changed")
        known = {
            "types": {entry.body_type.partition("/")[0] for entry in schemas.load_catalogue().types},
            "units": {unit.id for unit in self._config.units},
            "roles": {code.code for code in schemas.code_list("role").codes},
            "purposes": {code.code for code in schemas.code_list("purpose").codes},
        }
        for name, words in known.items():
            listed = value[name]
            if not isinstance(listed, list) or not words.issuperset(str(word) for word in listed):
                raise RefusedError(
                    Code.INVALID,
                    f"{name} of the scope has a value that this node does not know; nothing was changed",
                    hint="trm peer scope prints everything that can be permitted",
                )


def _judged(connection: Connection, change: Change, word: Word, now: int) -> AnyApproval:
    """The approval in an administrator's word about this change, verified; a passkey's counter goes on."""
    try:
        if isinstance(word, Shown):
            card = administrators.by_passkey(connection, word.assertion.id)
            approval = PasskeyApproval.make(change, card, word.assertion, at=now, emergency=word.emergency)
            held = sessions.still_held(connection, card)
            people_rows.use_passkey(connection, held.id, approval.check(card, change, counter=held.counter), at=now)
            return approval
        enrolled = administrators.administrators(connection).get(word.admin)
        if enrolled is None:
            raise RefusedError(
                Code.NOT_FOUND,
                "this key belongs to no administrator of this node; nothing was changed",
                hint="trm admin list shows who is enrolled",
            )
        word.check(enrolled, change)
        return word
    except RemoteError as exc:
        raise RefusedError(exc.code, f"this approval is not valid: {exc.what}; nothing was changed") from exc


def _give_up_approved_by(connection: Connection, pseudonym: str, now: int) -> None:
    """Who is no administrator any more has no word in what is still pending: their key may be why they went."""
    for row in rows.in_state(connection, rows.PENDING):
        if any(approval.admin == pseudonym for approval in rows.approvals_of(connection, row.hash)):
            give_up(connection, row, rows.WITHDRAWN)
            journal.append_leaf(connection, leaf(now, "change.withdrawn", change=row.hash, actor=None))


def given(connection: Connection, hash: str) -> list[Given]:
    """The approvals of a change, verified when they came."""
    found = []
    for row in rows.approvals_of(connection, hash):
        approval = read_approval(row.document)
        found.append(Given(admin=approval.admin, kid=approval.kid, at=approval.at, emergency=approval.emergency))
    return found


def head(connection: Connection, subject: str) -> str | None:
    """The newest completed change of a subject: what the next one names as its `prev`."""
    chain = rows.changes_of(connection, subject)
    return chain[-1].hash if chain else None
