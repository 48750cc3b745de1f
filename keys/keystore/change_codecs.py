"""How changes of the keys, what comes of them, and steps are written in calls to a key service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from keys.documents.key_records import Use
from keys.keystore.codecs import BYTES, FLAG, NOTHING, NUMBER, TEXT, Codec, many, maybe, parts_of, record
from keys.keystore.key_changes import (
    AddKey,
    BeginEpoch,
    DestroyAllEnc,
    DestroyEnc,
    FinishEpoch,
    KeyChange,
    RemoveKey,
    RenewEnc,
)
from keys.keystore.steps import Step
from keys.primitives.encoding import lp_join
from keys.primitives.hybrid_keys import PublicKey

USE: Final = Codec[Use](lambda use: use.value.encode(), lambda data: Use(data.decode()))
PUBLIC: Final = record(PublicKey, kid=TEXT, ed25519=BYTES, mldsa65=maybe(BYTES), mldsa44=maybe(BYTES))
STEP: Final = record(Step, n=NUMBER, before=BYTES, mark=BYTES, sealed=BYTES)


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of change is written: its members, and what comes of it."""

    make: Callable[..., KeyChange[Any]]
    members: Mapping[str, Codec[Any]]
    gives: Codec[Any]


_CHANGES: Final[Mapping[str, _Kind]] = {
    "AddKey": _Kind(AddKey, {"use": USE, "now": NUMBER}, PUBLIC),
    "RemoveKey": _Kind(RemoveKey, {"kid": TEXT}, NOTHING),
    "RenewEnc": _Kind(RenewEnc, {"now": NUMBER, "units": many(TEXT)}, FLAG),
    "DestroyEnc": _Kind(DestroyEnc, {"now": NUMBER}, many(TEXT)),
    "DestroyAllEnc": _Kind(DestroyAllEnc, {}, many(TEXT)),
    "BeginEpoch": _Kind(BeginEpoch, {"now": NUMBER}, NUMBER),
    "FinishEpoch": _Kind(FinishEpoch, {"old": NUMBER}, NOTHING),
}


def name_change(change: KeyChange[Any]) -> str:
    """Return the name of the kind of a change, as it is written and logged."""
    return type(change).__name__


def _write_change(change: KeyChange[Any]) -> bytes:
    name = name_change(change)
    members = _CHANGES[name].members
    return lp_join(name.encode(), *(codec.write(getattr(change, member)) for member, codec in members.items()))


def _read_change(data: bytes) -> KeyChange[Any]:
    name, *parts = parts_of(data)
    kind = _CHANGES[name.decode()]
    return kind.make(*(codec.read(part) for codec, part in zip(kind.members.values(), parts, strict=True)))


CHANGE: Final = Codec[KeyChange[Any]](_write_change, _read_change)
DONE: Final = Codec[tuple[str, Any]](
    lambda done: lp_join(done[0].encode(), _CHANGES[done[0]].gives.write(done[1])), lambda data: _read_done(data)
)
"""What came of a change, with the name of its kind, which says how it is written."""


def _read_done(data: bytes) -> tuple[str, Any]:
    name, value = parts_of(data)
    return name.decode(), _CHANGES[name.decode()].gives.read(value)
