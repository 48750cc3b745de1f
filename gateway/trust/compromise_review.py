"""What a revocation of a peer's key means for what was received before it was known (nrm1 12.16).

Nothing is taken back: the message was acted on. It goes on a list that people work through, message by message.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from sqlalchemy import Connection

from gateway.database import content, journal
from gateway.database.audit_entries import leaf
from gateway.database.content import SealedRow
from gateway.database.sealed_content import Content
from gateway.errors import RefusedError, RemoteError
from gateway.foundation.chores import DAY, Chore
from gateway.foundation.ids import KeyId, NodeId
from gateway.foundation.workers import Workers
from gateway.messages import content_codec
from gateway.messages.content_codec import KeptStatement
from gateway.messages.evidence import load_batches, read_batch
from gateway.peers.registry import PeerRegistry
from gateway.ports import Clock
from gateway.trust import review_store
from keys.documents.descriptor import Descriptor, Revocation
from keys.primitives.batch import read_signature

AT_ONCE = 200
"""Statements that are opened in one go: a peer sends many between a theft and the day on which it is known."""


def revoked_by(chain: Iterable[Descriptor], new: Descriptor) -> tuple[Revocation, ...]:
    """The revocations in `new` that no descriptor of `chain` had."""
    known = {revocation.kid for descriptor in chain for revocation in descriptor.revoked}
    return tuple(revocation for revocation in new.revoked if revocation.kid not in known)


class CompromiseReview:
    """Lists received messages whose key was revoked from before they came."""

    def __init__(self, *, content: Content, peers: PeerRegistry, workers: Workers, clock: Clock) -> None:
        self._content = content
        self._peers = peers
        self._workers = workers
        self._clock = clock

    def chores(self) -> Sequence[Chore]:
        """Catch up with revocations."""
        return (Chore("compromise review", DAY, self.catch_up),)

    async def doubt(self, node: NodeId, revocations: Iterable[Revocation]) -> int:
        """Put on the list what `node` signed with these keys and what came at their `since` or later; how many are new.

        It may be asked again: what is on the list, or was settled by a person, stays as it is.
        """
        since = {revocation.kid: revocation.since for revocation in revocations}
        if not since:
            return 0
        find = partial(review_store.signed_since, peer=node, since=min(since.values()), limit=AT_ONCE)
        new = after = 0
        while found := await self._content.store.read(partial(find, after=after)):
            new += await self._doubt_some(node, since, found)
            after, _, _ = found[-1]
        return new

    async def _doubt_some(self, node: NodeId, since: Mapping[KeyId, int], found: Sequence[tuple[int, int, int]]) -> int:
        sealed = await self._content.store.read(lambda c: content.get(c, [evidence for _, evidence, _ in found]))
        said = dict(zip(sealed, await self._workers.off_loop_pieces(self._open, [*sealed.values()]), strict=True))
        batches = await load_batches(self._content.store, [one for one in said.values() if one is not None])
        signers = await self._workers.off_loop_each(lambda one: _signer(one, batches), [*said.values()])
        kids = dict(zip(said, signers, strict=True))
        doubtful = dict[int, KeyId]()
        for message, evidence, at in found:
            kid = kids.get(evidence)
            if kid is not None and at >= since.get(kid, at + 1):
                doubtful[message] = kid
        now = self._clock.now()

        def move(connection: Connection) -> int:
            new = review_store.add(connection, node, doubtful, at=now)
            if new:
                journal.append_leaf(connection, leaf(now, "messages.doubted", peer=node, count=new))
                journal.raise_alarm(connection, at=now, kind="peer.review", peer=node)
            return new

        return await self._content.store.move(move) if doubtful else 0

    async def catch_up(self) -> None:
        """Ask for every revocation again: the node may have stopped between keeping a descriptor and making its
        list.
        """
        for peer in self._peers.all():
            await self.doubt(peer.node, [revocation for version in peer.chain for revocation in version.revoked])

    def _open(self, rows: Sequence[SealedRow]) -> list[KeptStatement | None]:
        """Accepted statements; None where a row does not open any more: what was erased needs no review."""
        opened = self._content.sealer.open_each(rows) if rows else []
        return [None if isinstance(plain, RefusedError) else _read(plain) for plain in opened]


def _read(plain: bytes) -> KeptStatement | None:
    try:
        return content_codec.read_evidence(plain)
    except (RefusedError, RemoteError):
        return None


def _signer(said: KeptStatement | None, batches: Mapping[bytes, bytes]) -> KeyId | None:
    """Who signed it; None where that cannot be read any more."""
    if said is None:
        return None
    try:
        return read_signature(said.proof).kid if said.batch is None else read_batch(said.batch, batches).signature.kid
    except (RefusedError, RemoteError):
        return None
