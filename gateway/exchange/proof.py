"""What a verified evidence bundle holds. Only ``gateway.exchange.bundle`` makes these values: one of them is proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keys.descriptor import Descriptor
from keys.envelope import Receipt, Statement

Chain = tuple[Descriptor, ...]
"""All versions of one node's descriptor, 1 to the newest that the bundle has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """One signed statement; `hash` is what a receipt's `of` names, `kid` the key that signed."""

    statement: Statement
    hash: str
    kid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedReceipt:
    """One receipt; `kids` are the keys that signed the batches it is in: it may have been sent again (B14.2)."""

    receipt: Receipt
    kids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenMessage:
    """One message: its sealings, oldest first, and its receipts in the order of their times.

    `disclosed`: the bundle shows secret and body, and they are what was signed.
    """

    sealings: tuple[Sealing, ...]
    receipts: tuple[SignedReceipt, ...]
    disclosed: bool

    @property
    def statement(self) -> Statement:
        """The statement of the first sealing shown; the others differ only in what sealing anew changes (B14.9)."""
        return self.sealings[0].statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A whole bundle, verified: the chains by node id, and the messages of one conversation in the order of writing."""

    chains: Mapping[str, Chain]
    messages: tuple[ProvenMessage, ...]
