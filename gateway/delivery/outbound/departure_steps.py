"""Steps 4 to 7 of the outgoing procedure, at departure: when a pinned connection to the peer is open and its keyset is
fresh (nrm1 12.1). What comes before is `gateway.delivery.outbound.steps`. Pure but for the randomness that is given.

 4. recheck    still alive, scope, policy and gates again (a consent may be gone by now); the conversation, as it was
               known
 5. number     the next place on the ordered link to this peer
 6. state      the statement: everything the receiver relies on; what goes together is signed by one signature
 7. seal       content key for each recipient key, content under it -> `SealedEnvelope`

Sealing anew (nrm1 5.5) is steps 6 and 7 again at the same place.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from gateway.attachments.rules import files_of, largest, lengths
from gateway.conversations.rules.context import ConversationContext
from gateway.conversations.rules.disclosure import DisclosureStage as Disclosure
from gateway.conversations.rules.fold import JudgementPoint
from gateway.delivery.outbound.judgement import (
    PeerStanding,
    gate_facts,
    pass_gates,
    require_order,
    require_scope,
    step_at,
    to_conversation_message,
)
from gateway.errors import Code, RefusedError
from gateway.messages.types import MESSAGE_LIFE, LinkPosition, SealedEnvelope, ValidMessage
from gateway.policy.circumstances import Circumstances
from gateway.policy.corridor import Blocked, sift
from keys.documents import envelope as wire
from keys.documents.descriptor import GATEWAY, Descriptor
from keys.documents.keyset import EncKey, Keyset
from keys.documents.statement import SecretPart
from keys.primitives.batch import Unsigned
from keys.primitives.domains import STATEMENT
from keys.primitives.encoding import Json
from keys.primitives.seal import CEK, SUITE, seal_cek, seal_content
from schemas.region_pack.policies import CorridorPolicy

Rand = Callable[[int], bytes]


def recheck(
    message: ValidMessage,
    standing: PeerStanding,
    circumstances: Circumstances,
    *,
    header: Mapping[str, Json],
    content: Mapping[str, Json],
    schemas_of_peer: Collection[str] | None,
    policy: CorridorPolicy | None,
    around: ConversationContext | None,
    n: int,
    now: int,
    files: Sequence[SecretPart] = (),
) -> None:
    """Step 4. `schemas_of_peer` is the peer's signed catalogue with the schemas by which it wrote here, None when that
    was never fetched; `policy` the one in force now; `n` the place of the message among the sender's own, behind all
    others where it has none yet.

    Nothing is taken out any more: a message of which the policy would now close a part is stopped as a whole.

    Raises:
        RefusedError: `expired`, the code of the scope or gate that closed meanwhile, `closed_by_policy`,
            `no_common_schema`, or
            `out_of_order` where what it rests on was taken back before the peer had it, or where the other side had
            said something before it that came only now.
    """
    if now >= message.expires:
        raise RefusedError(Code.EXPIRED, "the message has expired")
    require_scope(standing, message.body_type, message.purpose, header, len(message.body), largest(files))
    _still_open(message, standing, header=header, content=content, policy=policy, step=step_at(around, now, before=n))
    pass_gates(
        gate_facts(
            message.body_type,
            message.schema,
            message.to,
            message.purpose,
            header,
            content,
            circumstances,
            (),
            written=message.written,
        )
    )
    if schemas_of_peer is not None and message.schema not in schemas_of_peer:
        raise RefusedError(
            Code.NO_COMMON_SCHEMA,
            f"the peer does not have this version of {message.body_type}",
            hint="one of the two nodes has to be upgraded",
        )
    if around is not None:
        # Dated as the statement will be, so as the peer will judge it.
        said = to_conversation_message(message, around, n=n, created=now, header=header, content=content)
        require_order(around, said, JudgementPoint.ADMISSION)


def _still_open(
    message: ValidMessage,
    standing: PeerStanding,
    *,
    header: Mapping[str, Json],
    content: Mapping[str, Json],
    policy: CorridorPolicy | None,
    step: Disclosure,
) -> None:
    left = sift(
        message.schema,
        {"header": dict(header), "content": dict(content)},
        policy=policy,
        corridor=standing.corridor,
        purpose=message.purpose,
        step=step,
    )
    if isinstance(left, Blocked) or left.dropped:
        raise RefusedError(
            Code.CLOSED_BY_POLICY,
            "the corridor policy now keeps back a part of it",
            hint="trm policy show says what may leave; write it again",
        )


def new_secret(rand: Rand, files: Sequence[SecretPart] = ()) -> bytes:
    """The secret frame: the salt that makes the commitment hiding (nrm1 3.4), and what opens the files. Made once,
    at submission.
    """
    return wire.Secret(salt=rand(32), parts=tuple(files)).encode()


def next_position(epoch: int, high: int, last_link: str | None) -> LinkPosition:
    """Step 5: the place after the highest used number."""
    return LinkPosition(epoch=epoch, n=high + 1, prev=last_link)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """A message with its statement, which is signed with those that go with it; `key` is what it is sealed to."""

    message: ValidMessage
    secret: bytes
    said: wire.Statement
    payload: bytes
    key: EncKey

    @property
    def unsigned(self) -> Unsigned:
        """What a batch is made of."""
        return STATEMENT, self.payload


def state(
    message: ValidMessage,
    secret: bytes,
    position: LinkPosition,
    *,
    commit: str,
    own: Descriptor,
    peer: Descriptor,
    keyset: Keyset,
    now: int,
) -> Stated:
    """Step 6. `commit` is that of secret and body; `keyset` must be fresh; the key of unit `gateway` is used."""
    key = keyset.enc_for(GATEWAY, now)
    said = wire.Statement(
        suite=SUITE,
        id=message.id,
        from_=own.node,
        from_desc=own.version,
        to=peer.node,
        to_desc=peer.version,
        rcp=(key.kid,),
        epoch=position.epoch,
        n=position.n,
        prev=position.prev,
        conv=message.conversation,
        reply_to=message.reply_to,
        created=now,
        expires=min(message.expires, now + MESSAGE_LIFE),  # the clock may have been set back since submission
        body_type=message.body_type,
        schema=message.schema,
        purpose=message.purpose,
        commit=commit,
        parts=lengths(files_of(secret)),
    )
    return Stated(message=message, secret=secret, said=said, payload=said.encode(), key=key)


def seal(stated: Stated, proof: bytes, rand: Rand) -> SealedEnvelope:
    """Step 7. `proof` is what proves the statement."""
    said, key = stated.said, stated.key
    inner = wire.pack_inner(statement=stated.payload, proof=proof, secret=stated.secret, body=stated.message.body)
    exp = wire.round_up_to_hour(said.expires)
    header = wire.header_hash(id=said.id, to=said.to, exp=exp, kids=said.rcp, parts=said.parts)
    cek = rand(CEK)
    sealed = wire.Envelope(
        id=said.id,
        to=said.to,
        exp=exp,
        rcp=(wire.Recipient(kid=key.kid, enc=seal_cek(key.pub, cek, wire.cek_info(key.kid, header))),),
        parts=said.parts,
        ct=seal_content(cek, wire.body_context(header), inner),
    )
    return SealedEnvelope(
        id=said.id,
        created=said.created,
        data=sealed.encode(),
        position=LinkPosition(epoch=said.epoch, n=said.n, prev=said.prev),
        link=said.link,
        statement=stated.payload,
        statement_hash=wire.statement_hash(stated.payload),
        proof=proof,
        secret=stated.secret,
    )
