"""How the keys of a node that runs on several machines go from one machine to the others: steps (nrm1 13.5).

Each machine has a key store file of its own, with its own passphrase and its own destructible secret. What they share
is the keyring in it and a *link*: the number of the last step, and a secret that is new with each step.

    content of a file = LP(u64 n) || LP(link secret) || LP(keyring)
    step n            = nonce || XChaCha20-Poly1305(k, content n, aad = "step/" || node || "/" || n)
    k                 = H("step", link secret n-1)
    mark n            = H("mark", link secret n)[:16]

Whoever follows a step overwrites the link by which it opened (``keys.keystore.generations``), so a step opens nowhere
any more when every machine has followed it. Marks are not secret: by them two keyrings under one number are told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Self

from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.ids import NodeId
from keys.primitives.encoding import h, lp_join, lp_split, malformed
from keys.primitives.hybrid_keys import Rand
from keys.primitives.seal import NONCE, aead_open, aead_seal

_SECRET: Final = 32
_NUMBER: Final = 8
_MARK: Final = 16
_LIMIT: Final = 4 * 1024 * 1024
_AGAIN: Final = "this machine joins anew: trm keys invite on one that has followed, then trm keys join; docs/keys.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where a key store stands: after step `n`, with the secret that opens the next one."""

    n: int
    secret: bytes = field(repr=False)

    @classmethod
    def new(cls, n: int, rand: Rand) -> Self:
        """Make the link of step `n`."""
        return cls(n=n, secret=rand(_SECRET))

    @property
    def mark(self) -> bytes:
        """By what one keyring of step `n` is told from another: 16 bytes, not secret."""
        return h("mark", self.secret)[:_MARK]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Step `n`, sealed for whoever holds the keyring of the step before, which has the mark `before`."""

    n: int
    before: bytes
    mark: bytes
    sealed: bytes


def encode_content(link: Link | None, ring: bytes) -> bytes:
    """Return what a key store file holds: the keyring alone where the node has one machine."""
    return ring if link is None else lp_join(link.n.to_bytes(_NUMBER, "big"), link.secret, ring)


def decode_content(content: bytes) -> tuple[Link | None, bytes]:
    """Read what ``encode_content`` wrote. Raises RemoteError(malformed)."""
    if content[:1] == b"{":
        return None, content
    n, secret, ring = lp_split(content, 3, _LIMIT)
    if len(n) != _NUMBER or len(secret) != _SECRET:
        raise malformed("link of a key store has the wrong size")
    return Link(n=int.from_bytes(n, "big"), secret=secret), ring


def seal_step(node: NodeId, link: Link, ring: bytes, rand: Rand) -> Step:
    """Seal a keyring as the step after `link`."""
    new, nonce = Link.new(link.n + 1, rand), rand(NONCE)
    sealed = nonce + aead_seal(_key(link), nonce, encode_content(new, ring), _aad(node, new.n))
    return Step(n=new.n, before=link.mark, mark=new.mark, sealed=sealed)


def open_step(node: NodeId, link: Link, step: Step) -> tuple[Link, bytes]:
    """Open the step after `link`: the new link, and the keyring.

    Raises RefusedError: conflict for another number, or one that follows another keyring; undecryptable for one that
    was altered, or is of another node.
    """
    if step.n != link.n + 1:
        raise RefusedError(
            Code.CONFLICT, f"the key store stands at step {link.n} and was given step {step.n}; nothing was changed"
        )
    if step.before != link.mark:
        raise RefusedError(
            Code.CONFLICT, f"step {step.n} follows another keyring than this one; nothing was changed", hint=_AGAIN
        )
    try:
        content = aead_open(_key(link), step.sealed[:NONCE], step.sealed[NONCE:], _aad(node, step.n))
        new, ring = decode_content(content)
    except RemoteError as exc:
        raise _unopened(step.n) from exc
    if new is None or new.n != step.n or new.mark != step.mark:
        raise _unopened(step.n)
    return new, ring


def _unopened(n: int) -> RefusedError:
    return RefusedError(
        Code.UNDECRYPTABLE,
        f"step {n} of the key store does not open: altered, or of another node; nothing was changed",
        hint=_AGAIN,
    )


def _key(link: Link) -> bytes:
    return h("step", link.secret)


def _aad(node: NodeId, n: int) -> bytes:
    return b"step/" + node.encode() + b"/" + str(n).encode()
