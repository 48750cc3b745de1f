"""Steps 3 to 10 of the receive order: envelopes are read, opened and their signatures verified, in worker threads."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.delivery.inbound import steps
from gateway.delivery.inbound.steps import OpenCek
from gateway.errors import WIRE_CODES, Code, GatewayError, RemoteError, TransientError
from gateway.messages.types import AuthenticStatement
from gateway.node.parts import Parts
from gateway.peers.registry import Peer
from keys.documents.envelope import Envelope, cek_info


def read(raw: bytes) -> Envelope | Code:
    """Step 3 for one envelope."""
    try:
        return steps.read(raw)
    except RemoteError as error:
        return wire(error.code)


def wire(code: Code) -> Code:
    """A local code never reaches a peer (B14.6)."""
    return code if code in WIRE_CODES else Code.MALFORMED


async def open_all(parts: Parts, peer: Peer, envelopes: Sequence[Envelope]) -> dict[str, AuthenticStatement | Code]:
    """Steps 4 to 10 for each envelope, in worker threads."""
    opened = await parts.off_loop_pieces(lambda some: _open_some(parts, peer, some), envelopes)
    results = dict(zip((envelope.id for envelope in envelopes), opened, strict=True))
    late = [envelope for envelope in envelopes if isinstance(results[envelope.id], _Newer)]
    if late:
        results |= await _open_late(parts, peer, late)
    return {id: result for id, result in results.items() if not isinstance(result, _Newer)}


async def _open_late(parts: Parts, peer: Peer, envelopes: Sequence[Envelope]) -> dict[str, AuthenticStatement | Code]:
    """The same for those that name a descriptor that is not held yet, once it is."""
    try:
        newer = await parts.sync.fetch_chain(peer)
    except RemoteError as error:
        return {envelope.id: wire(error.code) for envelope in envelopes}
    opened = await parts.off_loop_pieces(lambda some: _open_some(parts, newer, some), envelopes)
    results: dict[str, AuthenticStatement | Code] = {}
    for envelope, result in zip(envelopes, opened, strict=True):
        if isinstance(result, _Newer):
            raise TransientError(Code.UNREACHABLE, "the sender names a descriptor that it does not publish yet")
        results[envelope.id] = result
    return results


def _open_some(parts: Parts, sender: Peer, envelopes: Sequence[Envelope]) -> list[AuthenticStatement | Code | _Newer]:
    """Their content keys are asked for at once; each envelope is then judged for itself."""
    asked = [
        (recipient.kid, recipient.enc, cek_info(recipient.kid, envelope.hdr))
        for envelope in envelopes
        for recipient in envelope.rcp
    ]
    found = zip(asked, parts.keys.each("open_cek", asked), strict=True)
    keys: dict[tuple[str, bytes, bytes], bytes | GatewayError] = dict(found)

    def open_cek(kid: str, enc: bytes, info: bytes) -> bytes:
        cek = keys[kid, enc, info]
        if isinstance(cek, GatewayError):
            raise cek
        return cek

    opened = [_open_one(parts, sender, envelope, open_cek) for envelope in envelopes]
    authentic = [item for item in opened if isinstance(item, AuthenticStatement)]
    parts.vault.learn(conversations=[item.statement.conv for item in authentic])
    return opened


def _open_one(parts: Parts, sender: Peer, envelope: Envelope, open_cek: OpenCek) -> AuthenticStatement | Code | _Newer:
    now = parts.clock.now()
    own, oldest = parts.own.descriptor, steps.oldest_usable(parts.own.chain)
    try:
        unpacked = steps.unpack(envelope, own=own, signer=sender.node, open_cek=open_cek, now=now)
        if unpacked.statement.from_desc > sender.descriptor.version:
            return _Newer()
        return steps.authenticate(unpacked, own=own, sender=sender.descriptor, now=now, oldest=oldest)
    except RemoteError as error:
        return wire(error.code)


class _Newer:
    """The statement names a descriptor version that is not held yet."""
