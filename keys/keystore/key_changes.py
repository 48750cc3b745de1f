"""What can be changed about the keys of a node, as values: a closed list (nrm1 13.5).

A change is a function of a keyring, so the machines of one node can agree on it before any of them makes it: it is
tried on the keyring of one, written down sealed for the others (``keys.keystore.steps``), and only then made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from gateway.foundation.ids import KeyId, UnitId
from keys.documents.key_records import Use
from keys.keystore.keyring import DEFAULT_UNITS, Keyring
from keys.primitives.hybrid_keys import PublicKey, Rand

T_co = TypeVar("T_co", covariant=True)


class KeyChange(Protocol[T_co]):
    """One change of the keys."""

    def apply(self, ring: Keyring, rand: Rand) -> tuple[Keyring, T_co]:
        """Return the keyring after the change, the same object where there is nothing to do, and what came of it.
        Raises RefusedError.
        """


@dataclass(frozen=True, slots=True)
class AddKey:
    """One more key for `use`, made at `now`; it signs once a descriptor lists it and the key service was told so."""

    use: Use
    now: int

    def apply(self, ring: Keyring, rand: Rand) -> tuple[Keyring, PublicKey]:
        """See ``KeyChange``: the public half."""
        new = ring.with_key(self.use, self.now, rand)
        return new, new.of(self.use)[-1].key.public


@dataclass(frozen=True, slots=True)
class RemoveKey:
    """Destroy a signing key that is not in use. RefusedError(not_found), invalid for one that has to stay."""

    kid: KeyId

    def apply(self, ring: Keyring, rand: Rand) -> tuple[Keyring, None]:
        """See ``KeyChange``."""
        return ring.without_key(self.kid), None


@dataclass(frozen=True, slots=True)
class RenewEnc:
    """The encryption keys that are due at `now`."""

    now: int
    units: tuple[UnitId, ...] = DEFAULT_UNITS

    def apply(self, ring: Keyring, rand: Rand) -> tuple[Keyring, bool]:
        """See ``KeyChange``: whether there are new ones, which make a new keyset due."""
        new = ring.renew_enc(self.units, self.now, rand)
        return new, new is not ring


@dataclass(frozen=True, slots=True)
class DestroyEnc:
    """Destroy the seeds whose time is over at `now` (nrm1 2.23)."""

    now: int

    def apply(self, ring: Keyring, rand: Rand) -> tuple[Keyring, tuple[KeyId, ...]]:
        """See ``KeyChange``: the kids of those that were destroyed."""
        gone = ring.expired_enc(self.now)
        return ring.without_enc(gone), gone


@dataclass(frozen=True, slots=True)
class DestroyAllEnc:
    """Destroy every seed at once (nrm1 2.27): what is in flight comes back to its sender."""

    def apply(self, ring: Keyring, rand: Rand) -> tuple[Keyring, tuple[KeyId, ...]]:
        """See ``KeyChange``: the kids of those that were destroyed."""
        gone = tuple(held.key.kid for held in ring.enc)
        return ring.without_enc(gone), gone


@dataclass(frozen=True, slots=True)
class BeginEpoch:
    """Step 1 of a rotation: a new storage epoch beside the old one; nothing while a rotation is in progress."""

    now: int

    def apply(self, ring: Keyring, rand: Rand) -> tuple[Keyring, int]:
        """See ``KeyChange``: the number of the newest epoch."""
        new = ring.begin_epoch(self.now, rand)
        return new, new.epochs[-1].n


@dataclass(frozen=True, slots=True)
class FinishEpoch:
    """Step 3 of a rotation: destroy epoch `old`, and with it the content of every row that still names it. Make it only
    when no row does. RefusedError(invalid) for the newest epoch.
    """

    old: int

    def apply(self, ring: Keyring, rand: Rand) -> tuple[Keyring, None]:
        """See ``KeyChange``."""
        return ring.finish_epoch(self.old), None
