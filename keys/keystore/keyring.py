"""The secrets of a node as one frozen value with its life cycle: no file, no clock, no randomness of its own.

Life of an encryption key (nrm1 2.23): a new one every 12 hours, listed for senders for 72, its seed destroyed half an
hour later, whatever is in flight.
Rotation of the storage epoch (nrm1 13.2): old and new stand side by side, rows are wrapped anew, one goes. Each step
can be repeated after a crash and then changes nothing.
Every transition returns the keyring to save, or the same object when there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NoReturn, Self

from gateway.errors import Code, RefusedError
from gateway.foundation.ids import KeyId, NodeId, UnitId
from gateway.ports import Json
from keys.documents.descriptor import GATEWAY
from keys.documents.key_records import KeyRecord, Use, generate_key
from keys.documents.keyset import EncKey
from keys.primitives.encoding import (
    DAY,
    SKEW,
    Check,
    b64u,
    canon,
    exact,
    is_b64u,
    is_count,
    is_int,
    is_node,
    is_object,
    is_str,
    items,
    list_of,
    maybe_bytes,
    nullable,
    number,
    one_of,
    parse,
    text,
    unb64u,
)
from keys.primitives.hybrid_keys import SEED, Rand, SigningKey
from keys.primitives.seal import ENC_SEED, EncPrivateKey

LIMIT: Final = 4 * 1024 * 1024
ENC_EVERY: Final = DAY // 2  # seconds
ENC_LISTED: Final = 3 * DAY
ENC_LIFE: Final = ENC_LISTED + 1800  # for what was sealed in the last second and is on its way
MOST_LISTED: Final = 2
"""Keys of one unit in a keyset: the newest, and the one before for a sender whose clock is behind."""
HTTP_LIFE: Final = 90 * DAY
SIG_LIFE: Final = 400 * DAY  # a year of use; 14 days listed before it, 14 after it, and a week (nrm1 2.23)
LOG_LIFE: Final = 2 * 365 * DAY
DEFAULT_UNITS: Final[tuple[UnitId, ...]] = (GATEWAY,)
HTTP_KEYS: Final = 5  # cover the 400 days that a descriptor lives at most (nrm1 2.23)
TLS_KEYS: Final = 2  # pins per descriptor (nrm1 2.23)
SECRET: Final = 32
TLS_SECRET: Final = 48  # bytes from which a P-256 key is derived without bias


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldKey:
    """A signing key and the time it was made, Unix seconds."""

    use: Use
    key: SigningKey
    made: int

    @property
    def kid(self) -> KeyId:
        """Its key id."""
        return self.key.public.kid


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEnc:
    """An encryption key of a unit."""

    unit: UnitId
    key: EncPrivateKey
    made: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldEpoch:
    """A storage epoch key. Prints as <redacted>."""

    n: int
    key: bytes
    made: int

    def __repr__(self) -> str:
        return "<redacted>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """All secrets of a node except its roots. Prints as <redacted> and cannot be pickled.

    `epochs` rise by number and the last one is in use; `index` and `actor` are HMAC keys; `tls` are secrets of 48 bytes
    for ``keys.primitives.tls``.
    """

    node: NodeId
    keys: tuple[HeldKey, ...]
    tls: tuple[bytes, ...]
    enc: tuple[HeldEnc, ...]
    epochs: tuple[HeldEpoch, ...]
    index: bytes
    actor: bytes

    @classmethod
    def new(cls, node: NodeId, now: int, rand: Rand) -> Self:
        """Make the keys for the first descriptor of a node and one storage epoch; encryption keys are made later."""
        uses = (Use.SIG, Use.LOG, Use.WIT, *[Use.HTTP] * HTTP_KEYS)
        return cls(
            node=node,
            keys=tuple(_new_key(use, now, rand) for use in uses),
            tls=tuple(rand(TLS_SECRET) for _ in range(TLS_KEYS)),
            enc=(),
            epochs=(HeldEpoch(n=1, key=rand(SECRET), made=now),),
            index=rand(SECRET),
            actor=rand(SECRET),
        )

    def __repr__(self) -> str:
        return "<redacted>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a keyring is not pickled")

    # --- signing keys --------------------------------------------------------------------------------------------

    def of(self, use: Use) -> tuple[HeldKey, ...]:
        """Return the keys for `use`, in the order in which they were made."""
        return tuple(held for held in self.keys if held.use is use)

    def with_key(self, use: Use, now: int, rand: Rand) -> Self:
        """Add one key for `use`, to be listed in the next descriptor."""
        # A node that held a root could change its own identity, and so could whoever takes it over.
        if use is Use.ROOT:
            raise RuntimeError("a keystore holds no root")
        return replace(self, keys=(*self.keys, _new_key(use, now, rand)))

    def without_key(self, kid: KeyId) -> Self:
        """Remove the key `kid`. Raises RefusedError(not_found), or invalid for the last key of its use."""
        gone = next((held for held in self.keys if held.kid == kid), None)
        if gone is None:
            raise RefusedError(Code.NOT_FOUND, "keystore has no such key")
        if len(self.of(gone.use)) == 1:
            raise RefusedError(Code.INVALID, f"the last {gone.use} key stays", hint="make another one first")
        return replace(self, keys=tuple(held for held in self.keys if held is not gone))

    def first_records(self, issued: int) -> tuple[KeyRecord, ...]:
        """Build the key records of the first descriptor: `sig` for as long as it is valid, `log` and `wit` for two
        years, `http` keys one after another.
        """
        lives = {Use.SIG: SIG_LIFE, Use.LOG: LOG_LIFE, Use.WIT: LOG_LIFE}
        plain = [_record(held, issued, issued + lives[held.use]) for held in self.keys if held.use is not Use.HTTP]
        http = [
            _record(held, issued + i * HTTP_LIFE, issued + (i + 1) * HTTP_LIFE)
            for i, held in enumerate(self.of(Use.HTTP))
        ]
        return (*plain, *http)

    # --- encryption keys -----------------------------------------------------------------------------------------

    def renew_enc(self, units: Sequence[UnitId], now: int, rand: Rand) -> Self:
        """Add a new key for each unit whose newest one is 12 hours old or missing."""
        due = [unit for unit in units if now >= self._newest_enc(unit, now) + ENC_EVERY]
        if not due:
            return self
        made = (HeldEnc(unit=unit, key=EncPrivateKey(rand(ENC_SEED)), made=now) for unit in due)
        return replace(self, enc=(*self.enc, *made))

    def _newest_enc(self, unit: UnitId, now: int) -> int:
        # One that was made by a clock that ran ahead can not be used yet, and must not keep its successor away.
        made = (held.made for held in self.enc if held.unit == unit and held.made <= now + SKEW)
        return max(made, default=-ENC_EVERY)

    def listed_enc(self, now: int) -> tuple[EncKey, ...]:
        """Return the public halves of the newest keys of each unit that senders may still use."""
        usable = [held for held in self.enc if held.made - SKEW <= now < held.made + ENC_LISTED]
        return tuple(
            EncKey(kid=held.key.kid, unit=held.unit, pub=held.key.public, from_=held.made, until=held.made + ENC_LISTED)
            for held in usable
            if sum(later.unit == held.unit and later.made > held.made for later in usable) < MOST_LISTED
        )

    def expired_enc(self, now: int) -> tuple[KeyId, ...]:
        """Return the kids of the keys whose seeds are due for destruction."""
        return tuple(held.key.kid for held in self.enc if now >= held.made + ENC_LIFE)

    def without_enc(self, kids: Iterable[KeyId]) -> Self:
        """Remove the seeds of `kids`."""
        gone = frozenset(kids)
        return replace(self, enc=tuple(held for held in self.enc if held.key.kid not in gone)) if gone else self

    # --- storage epochs ------------------------------------------------------------------------------------------

    def begin_epoch(self, now: int, rand: Rand) -> Self:
        """Add a new epoch beside the old one; change nothing while a rotation is in progress."""
        # One rotation at a time: rows of a third epoch would make it unclear when the first may be destroyed.
        if len(self.epochs) > 1:
            return self
        new = HeldEpoch(n=self.epochs[-1].n + 1, key=rand(SECRET), made=now)
        return replace(self, epochs=(*self.epochs, new))

    def finish_epoch(self, old: int) -> Self:
        """Remove epoch `old`; change nothing when it is gone already. Raises RefusedError(invalid) for the epoch in
        use.
        """
        if old >= self.epochs[-1].n:
            raise RefusedError(Code.INVALID, "the newest storage epoch stays", hint="begin a new one first")
        kept = tuple(epoch for epoch in self.epochs if epoch.n != old)
        return self if len(kept) == len(self.epochs) else replace(self, epochs=kept)

    # --- codec ---------------------------------------------------------------------------------------------------

    def encode(self) -> bytes:
        """Return canonical JSON of all secrets, to be sealed at once."""
        return canon(
            {
                "type": "nrm.keyring/1",
                "node": self.node,
                "keys": [_key_json(held) for held in self.keys],
                "tls": [b64u(secret) for secret in self.tls],
                "enc": [{"unit": held.unit, "seed": b64u(held.key.seed()), "made": held.made} for held in self.enc],
                "epochs": [{"n": epoch.n, "key": b64u(epoch.key), "made": epoch.made} for epoch in self.epochs],
                "index": b64u(self.index),
                "actor": b64u(self.actor),
            }
        )

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read what ``encode`` wrote. Raises RemoteError(malformed)."""
        member = exact(parse(data, limit=LIMIT), _KEYRING, what="keyring")
        return cls(
            node=NodeId(text(member["node"])),
            keys=tuple(_parse_key(item) for item in items(member["keys"])),
            tls=tuple(unb64u(item) for item in items(member["tls"])),
            enc=tuple(_parse_enc(item) for item in items(member["enc"])),
            epochs=tuple(_parse_epoch(item) for item in items(member["epochs"])),
            index=unb64u(member["index"]),
            actor=unb64u(member["actor"]),
        )


def _new_key(use: Use, now: int, rand: Rand) -> HeldKey:
    return HeldKey(use=use, key=generate_key(use, rand), made=now)


def _record(held: HeldKey, start: int, until: int) -> KeyRecord:
    return KeyRecord(use=held.use, from_=start, until=until, public=held.key.public)


def _key_json(held: HeldKey) -> Json:
    ed25519, other = held.key.seeds()
    name, half = held.key.public.other or "mldsa65", None if other is None else b64u(other)
    return {"use": held.use.value, "ed25519": b64u(ed25519), name: half, "made": held.made}


def _parse_key(value: Json) -> HeldKey:
    notes = isinstance(value, dict) and "mldsa44" in value
    member = exact(value, _NOTES_KEY if notes else _KEY, what="key")
    half = None if notes else maybe_bytes(member["mldsa65"])
    key = SigningKey(unb64u(member["ed25519"]), half, mldsa44_seed=unb64u(member["mldsa44"]) if notes else None)
    return HeldKey(use=Use(text(member["use"])), key=key, made=number(member["made"]))


def _parse_enc(value: Json) -> HeldEnc:
    member = exact(value, _ENC, what="encryption key")
    return HeldEnc(
        unit=UnitId(text(member["unit"])), key=EncPrivateKey(unb64u(member["seed"])), made=number(member["made"])
    )


def _parse_epoch(value: Json) -> HeldEpoch:
    member = exact(value, _EPOCH, what="epoch")
    return HeldEpoch(n=number(member["n"]), key=unb64u(member["key"]), made=number(member["made"]))


_KEY: Final[dict[str, Check]] = {
    "use": one_of(Use.SIG, Use.HTTP, Use.LOG, Use.WIT),
    "ed25519": is_b64u(SEED),
    "mldsa65": nullable(is_b64u(SEED)),
    "made": is_int(),
}
_NOTES_KEY: Final[dict[str, Check]] = {
    "use": one_of(Use.LOG, Use.WIT),
    "ed25519": is_b64u(SEED),
    "mldsa44": is_b64u(SEED),
    "made": is_int(),
}
_ENC: Final[dict[str, Check]] = {"unit": is_str(maxlen=48), "seed": is_b64u(ENC_SEED), "made": is_int()}
_EPOCH: Final[dict[str, Check]] = {"n": is_count, "key": is_b64u(SECRET), "made": is_int()}
_KEYRING: Final[dict[str, Check]] = {
    "type": one_of("nrm.keyring/1"),
    "node": is_node,
    "keys": list_of(is_object, 1, 1000),
    "tls": list_of(is_b64u(TLS_SECRET), 1, 8),
    "enc": list_of(is_object, 0, 10_000),
    "epochs": list_of(is_object, 1, 2),
    "index": is_b64u(SECRET),
    "actor": is_b64u(SECRET),
}
