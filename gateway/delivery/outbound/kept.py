"""What submission judged, kept until it departs: within the same second, and while all stands that it rests on.

Whatever time decides here counts whole seconds. So a message that submission let pass may go in that second, unless
something was changed that the judgement rests on: the peer, the policy in force, what people decided (`Acts`), or the
conversation, whose row counts its changes. The first two are compared as departure begins; the others where the message
is numbered, with its row and its place on the link (nrm1 12.18). If anything differs, or the second is over, departure
looks everything up and judges anew.

Only what departure judges by the same facts is kept (`departs_alike`). What a message says lies here in memory for a
second at most, and only so much of it as `MOST` and `MOST_BYTES` say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.cases.rules import ConsentCase
from gateway.consent.givers import WHILE_GUARDED
from gateway.consent.register import WITHDRAWN
from gateway.conversations.loader import LoadedConversation
from gateway.foundation.ids import CaseId
from gateway.messages.machines.delivery import SENDING
from gateway.messages.store import messages
from gateway.messages.store.conversations import Key
from gateway.messages.store.messages import MessageRow
from gateway.messages.types import ValidMessage
from gateway.peers.registry import Peer
from gateway.policy.acts import Acts
from gateway.policy.circumstances import Circumstances
from gateway.policy.corridor import passes_again
from schemas.region_pack.policies import CorridorPolicy
from schemas.types import never_blocked

MOST = 256
"""Messages kept at a time."""
MOST_BYTES = 4_000_000
"""Bytes of their bodies together."""
LIFE = 1.0
"""Seconds after which what did not depart is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A message that may go as things stand, with the secret frame that goes with it."""

    row: MessageRow
    message: ValidMessage
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A message that passed in the second `at`, and what that rests on: `changes` is how often each conversation with
    its id will have changed, and `acts` what people will have decided, once the message is stored.
    """

    passed: Passed
    at: int
    peer: Peer
    policy: CorridorPolicy | None
    acts: Acts
    changes: Mapping[Key, int]


class KeptJudgements:
    """The judgements of messages that are about to depart."""

    def __init__(self) -> None:
        self._kept: dict[int, Judgement] = {}

    def keep(self, judged: Sequence[Judgement]) -> None:
        """Keep these for a moment. What is too much is not kept: departure looks it up."""
        if not judged:
            return
        size = sum(one.passed.row.size for one in self._kept.values())
        for one in judged:
            size += one.passed.row.size
            if len(self._kept) < MOST and size <= MOST_BYTES:
                self._kept[one.passed.row.ref] = one
        asyncio.get_running_loop().call_later(LIFE, self._forget, [one.passed.row.ref for one in judged])

    def take(self, refs: Sequence[int]) -> list[Judgement] | None:
        """The judgements of all these, which are forgotten here; None where there is not one of each."""
        found = [self._kept.pop(ref, None) for ref in refs]
        kept = [one for one in found if one is not None]
        return kept if len(kept) == len(found) else None

    def _forget(self, refs: Sequence[int]) -> None:
        for ref in refs:
            self._kept.pop(ref, None)


def departs_alike(
    held: LoadedConversation,
    circumstances: Circumstances,
    acts: Acts,
    message: ValidMessage,
    schemas_of_peer: Collection[str] | None,
    policy: CorridorPolicy | None,
) -> bool:
    """Whether departure would judge this message, which passed and is the only one that is said in its conversation
    now, by the same facts as submission did, while `acts` and the conversation stand. Where that would have to be
    argued, the answer is no.
    """
    withdrawn = (row.state == WITHDRAWN for rows in acts.consents.values() for row in rows)
    return (
        not never_blocked(message.body_type)
        and _is_settled(held, message.reply_to)
        and passes_again(message.schema, message.dropped, policy)
        and (schemas_of_peer is None or message.schema in held.spoken.union(schemas_of_peer))
        # What the gates ask of consents, cases and holds is all in `acts`.
        and circumstances.consent_case is ConsentCase.SAME
        and circumstances.recorded_by <= {circumstances.node}
        and not any(withdrawn)
        and not circumstances.asylum_hold
        and (message.consent_ref is not None or not acts.holds)
        # What is told of a guardian in another conversation of the case changes neither this one nor an act.
        and (circumstances.consent is None or circumstances.consent.given_by not in WHILE_GUARDED)
    )


def _is_settled(held: LoadedConversation, reply_to: str | None) -> bool:
    """Whether all of a conversation was known to the writer of a message, and nothing in it gets another number or time
    without a change that its row counts.
    """
    if not held.rows:
        return True
    known, whole = held.as_known(reply_to), held.conversation
    if known is None or whole is None or held.missing or whole.quoted is not None:
        return False
    departs = any(row.direction == messages.OUT and row.state in SENDING for row in held.rows)
    return len(known.messages) == len(whole.messages) and not departs


def acts_once_stored(acts: Acts, conversation: bytes, case: CaseId) -> Acts:
    """Add that a message is stored which makes its conversation one of this case."""
    return replace(acts, cases={**acts.cases, conversation: case})


def changes_once_stored(changes: Mapping[Key, int], key: Key) -> dict[Key, int]:
    """Count one more change of this conversation: a message of it is stored."""
    return {**changes, key: changes.get(key, 0) + 1}
