"""Four eyes on trust: what people may change, how many it takes, and what the completed changes add up to
(nrm1 8.13, 8.17).

A change concerns one subject: a peer, the administrators, the clock, somebody who may release, or the node, whose
corridor policy it is. It is
prepared, proposed with a first approval, approved by further people until there are enough, and then completed;
completed changes of a subject are a chain and are never altered. Narrowing is quick and widening is slow: who may only
do less needs one person and no delay.

The state of a peer is the fold of its completed changes whose time has come, in their order; what was completed later
wins, also over an earlier change that still waits for its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import KeyId
from gateway.foundation.json import Json
from gateway.peers.scope import PeerState, Scope, contains

HOUR = 3_600
DAY = 24 * HOUR
DELAY = DAY
"""Seconds between the last approval of what widens trust and its effect (nrm1 8.17), so that others can stop it."""
PROPOSAL_LIFE = DAY
"""Seconds after which a proposal that too few people approved is over (nrm1 8.17)."""
YEAR = 366 * DAY
"""For how long people usually agree to trust before they confirm it; at most 400 days (nrm1 8.1)."""
FEWEST_ADMINS = 2

ADMINS = "admins"
"""The subject of changes about the administrators."""
NODE = "node"
"""The subject of changes of what this node lets leave: its corridor policy."""
CLOCK = "clock"
"""The subject of changes about the time of this node."""

PERSON = "person"
"""What changes about one person have in place of a subject: each person is a subject of their own."""

CHANNELS = ("in_person", "video", "known_phone")
"""How two administrators may compare digits: in a way that shows who speaks (nrm1 8.14)."""


class Action(StrEnum):
    """Everything that people may change; an action that is not here is refused."""

    ADMINS_BEGIN = "admins.begin"
    ADMIN_ENROL = "admin.enrol"
    ADMIN_RETIRE = "admin.retire"
    PEER_ACTIVATE = "peer.activate"
    PEER_CONFIRM_ROOTS = "peer.confirm_roots"
    PEER_RENEW = "peer.renew"
    PEER_WIDEN = "peer.widen"
    PEER_NARROW = "peer.narrow"
    PEER_SUSPEND = "peer.suspend"
    PEER_RESUME = "peer.resume"
    PEER_REVOKE = "peer.revoke"
    LINK_RESET = "link.reset"
    LINK_ACCEPT_RESET = "link.accept_reset"
    CLOCK_RESET = "clock.reset"
    PERSON_ENROL = "person.enrol"
    PERSON_CHANGE = "person.change"
    PERSON_INVITE = "person.invite"
    PERSON_VOUCH = "person.vouch"
    POLICY_BEGIN = "policy.begin"
    POLICY_WIDEN = "policy.widen"
    POLICY_NARROW = "policy.narrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How many different people an action needs, whether its effect waits, and what it is about in words. `subject` is
    None where it is about a peer.
    """

    people: int
    words: str
    subject: str | None = None
    delayed: bool = False


RULES: Mapping[Action, Rule] = {
    Action.ADMINS_BEGIN: Rule(people=0, words="the first two administrators", subject=ADMINS),
    Action.ADMIN_ENROL: Rule(people=2, words="enrol an administrator", subject=ADMINS),
    Action.ADMIN_RETIRE: Rule(people=2, words="retire an administrator", subject=ADMINS),
    Action.PEER_ACTIVATE: Rule(people=2, words="trust this peer", delayed=True),
    Action.PEER_CONFIRM_ROOTS: Rule(people=1, words="confirm the peer's new root keys"),
    Action.PEER_RENEW: Rule(people=2, words="trust this peer for another year"),
    Action.PEER_WIDEN: Rule(people=2, words="permit this peer more", delayed=True),
    Action.PEER_NARROW: Rule(people=1, words="permit this peer less"),
    Action.PEER_SUSPEND: Rule(people=1, words="suspend this peer"),
    Action.PEER_RESUME: Rule(people=2, words="resume this peer"),
    Action.PEER_REVOKE: Rule(people=2, words="revoke this peer for ever"),
    Action.LINK_RESET: Rule(people=2, words="begin the numbering to this peer anew"),
    Action.LINK_ACCEPT_RESET: Rule(people=1, words="accept that this peer begins its numbering anew"),
    Action.CLOCK_RESET: Rule(people=2, words="take back a time that was wrongly believed", subject=CLOCK),
    Action.PERSON_ENROL: Rule(people=1, words="enrol somebody who may release", subject=PERSON),
    Action.PERSON_CHANGE: Rule(people=1, words="let somebody release, or release more", subject=PERSON),
    Action.PERSON_INVITE: Rule(people=1, words="give a new code to somebody who may release", subject=PERSON),
    Action.PERSON_VOUCH: Rule(people=1, words="vouch for somebody who may release, whom you have met", subject=PERSON),
    Action.POLICY_BEGIN: Rule(people=0, words="the policy that this node begins with", subject=NODE),
    Action.POLICY_WIDEN: Rule(people=2, words="let more leave this node", subject=NODE, delayed=True),
    Action.POLICY_NARROW: Rule(people=1, words="let less leave this node", subject=NODE),
}


def rule_of(action: str) -> Rule:
    """Find the rule of an action. Raises RefusedError(invalid) for one that is not in the table."""
    try:
        return RULES[Action(action)]
    except ValueError as exc:
        raise RefusedError(Code.INVALID, "this action is not known; nothing was changed") from exc


# --- approvals ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One verified approval: pseudonym, kid of the key that signed, when, and whether it asks to skip the delay."""

    admin: str
    kid: KeyId
    at: int
    emergency: bool


def check_another(given: Iterable[Given], new: Given) -> None:
    """Check that `new` is by somebody who has not approved yet.

    All that can be told apart are pseudonyms and keys: one human with two enrolled key files counts as two people, and
    only whoever enrols administrators can prevent that. Raises RefusedError(conflict).
    """
    if any(one.admin == new.admin or one.kid == new.kid for one in given):
        raise RefusedError(
            Code.CONFLICT,
            "the same person approved this already; it still waits for a different one",
            hint="another administrator approves with a key file of their own",
        )


def effective_at(action: str, given: Sequence[Given], prepared: int) -> int | None:
    """When a change takes effect, None while too few people approved it. It is complete with the last approval."""
    rule = rule_of(action)
    if len(given) < rule.people:
        return None
    complete = max((one.at for one in given), default=prepared)
    waits = rule.delayed and not (given and all(one.emergency for one in given))
    return complete + DELAY if waits else complete


def waits(action: str, effective: int, now: int) -> bool:
    """Whether a completed change still waits for its time. Only what has a delay does: the clock of whoever stops a
    peer may be ahead of ours, and a stop is at once.
    """
    return rule_of(action).delayed and effective > now


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A completed change, as the folds read it. Times are Unix seconds."""

    hash: str
    action: Action
    body: Mapping[str, Json]
    effective: int


def in_force(changes: Iterable[Completed], now: int) -> Completed | None:
    """The last of the completed changes of a subject whose time has come: what was completed later wins, also over an
    earlier one that waits.
    """
    return next((one for one in reversed([*changes]) if not waits(one.action, one.effective, now)), None)


# --- peers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerTrust:
    """What people here decided about a peer, up to now. `state` knows nothing of stops that no person made."""

    state: PeerState = PeerState.PROPOSED
    scope: Scope | None = None
    not_before: int = 0
    expires: int = 0
    stopped: bool = False
    latest: str | None = None
    """The change that the present position rests on."""


def peer_trust(changes: Iterable[Completed], now: int) -> PeerTrust:
    """The fold of a peer's completed changes in their order; one whose time has not come counts for nothing yet,
    except that a completed activation shows the peer as verified.
    """
    trust, activated, waiting = PeerTrust(), False, False
    for change in changes:
        if waits(change.action, change.effective, now):
            waiting = waiting or change.action is Action.PEER_ACTIVATE
            continue
        activated = activated or change.action is Action.PEER_ACTIVATE
        trust = _applied(trust, change)
    if trust.state is PeerState.REVOKED:
        return trust
    if trust.stopped:
        return replace(trust, state=PeerState.SUSPENDED)
    state = PeerState.ACTIVE if activated else PeerState.VERIFIED if waiting else PeerState.PROPOSED
    return replace(trust, state=state)


def _applied(trust: PeerTrust, change: Completed) -> PeerTrust:
    match change.action:
        case Action.PEER_ACTIVATE:
            trust = replace(trust, not_before=change.effective, expires=_number(change.body, "expires"))
            trust = replace(trust, scope=Scope.from_json(change.body["scope"]))
        case Action.PEER_WIDEN | Action.PEER_NARROW:
            trust = replace(trust, scope=Scope.from_json(change.body["scope"]))
        case Action.PEER_RENEW:
            trust = replace(trust, not_before=change.effective, expires=_number(change.body, "expires"))
        case Action.PEER_SUSPEND:
            trust = replace(trust, stopped=True)
        case Action.PEER_RESUME:
            trust = replace(trust, stopped=False)
        case Action.PEER_REVOKE:
            trust = replace(trust, state=PeerState.REVOKED)
        case _:
            return trust
    return replace(trust, latest=change.hash)


def _number(body: Mapping[str, Json], name: str) -> int:
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise RuntimeError("the body of a completed change has its shape")
    return value


ROOTS_CHANGED = "roots_changed"
"""Why a peer fell back to verified: its chain replaced at least two roots, or its threshold (nrm1 2.19)."""

_AGREED_ONCE = frozenset({PeerState.ACTIVE, PeerState.SUSPENDED, PeerState.SUSPENDED_FOR_CAUSE})


def check_fits(action: Action, body: Mapping[str, Json], state: PeerState, cause: str | None, trust: PeerTrust) -> None:
    """Check that an action makes sense for a peer in this position; `state` and `cause` are those that count now.

    Raises RefusedError: conflict for the wrong moment, invalid for a narrowing that is none.
    """
    match action:
        case Action.PEER_ACTIVATE:
            fits = state in (PeerState.PROPOSED, PeerState.VERIFIED) and cause is None and trust.latest is None
        case Action.PEER_CONFIRM_ROOTS:
            fits = cause == ROOTS_CHANGED
        case Action.PEER_SUSPEND:
            fits = state is PeerState.ACTIVE or (state is PeerState.VERIFIED and not trust.stopped)
        case Action.PEER_RESUME:
            fits = state in (PeerState.SUSPENDED, PeerState.SUSPENDED_FOR_CAUSE)
        case Action.PEER_REVOKE:
            fits = state is not PeerState.REVOKED
        case _:
            fits = state in _AGREED_ONCE and trust.scope is not None
    if not fits:
        raise RefusedError(
            Code.CONFLICT,
            f"the peer is {state}, so this cannot be done; nothing was changed",
            hint="trm peer show prints its state",
        )
    if action is Action.PEER_NARROW and not (trust.scope and contains(trust.scope, Scope.from_json(body["scope"]))):
        raise RefusedError(
            Code.INVALID,
            "this scope is not narrower than the one in force; nothing was changed",
            hint="trm peer widen takes two people and a day",
        )
