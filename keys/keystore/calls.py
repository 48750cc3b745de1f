"""What can be asked of a key service in a process of its own, as a closed table, and how each thing is written.

    request  LP(method) || LP(argument) ...
    answer   u8 status || result, or u8 status || code: the family of ``gateway.errors`` and its code, never a text
    of a method that changes something, both ways: u8 status || LP(result or code) || LP(standing)

All of it is binary: no secret takes a detour through text (nrm1 13.7). No method gives a private key; the
one exception is ``tls_secrets``, which the TLS library of the listener needs and which opens no message and no row.
What does not change from call to call (`KeyServiceStatus`) is told at the beginning and after each change, so that
nobody asks for it over and over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum, StrEnum
from typing import Any, Final, Self

from gateway.errors import Code, GatewayError, RefusedError, RemoteError, TransientError
from gateway.foundation.ids import KeyId, NodeId
from keys.backups.backup_header import RecoveryPublic
from keys.documents.descriptor import Descriptor, parse_descriptor
from keys.documents.descriptor_chain import accept_chain, decode_chain, encode_chain
from keys.documents.keyset import EncKey
from keys.keystore.change_codecs import CHANGE, DONE, PUBLIC, STEP, USE
from keys.keystore.codecs import BYTES, FLAG, NOTHING, NUMBER, TEXT, Codec, many, maybe, parts_of, record, row
from keys.keystore.destructible.secret import Place
from keys.keystore.service import KeyInfo, KeyService, PacedCalls
from keys.primitives.batch import Batch, Inclusion
from keys.primitives.encoding import lp_join, malformed
from keys.primitives.hybrid_keys import Signature

LIMIT: Final = 8 * 1024 * 1024
"""Bytes of one request or answer: room for a backup of the largest keyring."""
KEYD_PROTOCOL: Final = b"nrm-keyd/4"

PLACE: Final = Codec[Place](lambda place: place.value.encode(), lambda data: Place(data.decode()))
SIGNATURE: Final = record(Signature, kid=TEXT, ed25519=BYTES, mldsa65=maybe(BYTES))
UNSIGNED: Final = row(TEXT, BYTES)
BATCH: Final = record(Batch, count=NUMBER, root=BYTES, signature=SIGNATURE)
INCLUSION: Final = record(Inclusion, blind=BYTES, index=NUMBER, path=many(BYTES))
INFO: Final = record(KeyInfo, use=TEXT, kid=TEXT, made=NUMBER, current=FLAG)
PACED: Final = record(PacedCalls, use=TEXT, per_minute=NUMBER, done=NUMBER, refused=NUMBER)
ENC: Final = record(EncKey, kid=TEXT, unit=TEXT, pub=BYTES, from_=NUMBER, until=NUMBER)
OWN: Final = Codec[tuple[Descriptor, ...]](
    lambda chain: encode_chain([descriptor.document for descriptor in chain]), lambda data: _own_chain(data)
)
"""A node's own chain. Whoever asks may be an intruder: it counts only as its roots have signed it."""
RECOVERY: Final = Codec[RecoveryPublic](lambda value: value.encode(), RecoveryPublic.parse)


def _own_chain(data: bytes) -> tuple[Descriptor, ...]:
    documents = decode_chain(data)
    return accept_chain(documents, max((parse_descriptor(document).issued for document in documents), default=0))


# --- what stands until something changes -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyServiceStatus:
    """What the properties of ``KeyService`` say now; a kid is None where there is no key for it."""

    node: NodeId
    machine: str
    step: int
    mark: bytes
    place: Place
    sig_kid: KeyId | None
    http_kid: KeyId | None
    may_speak: bool
    epoch: int
    epoch_made: int
    old_epochs: tuple[int, ...]
    gen: int

    @classmethod
    def of(cls, keys: KeyService, gen: int) -> Self:
        """As `keys` stand now; `gen` is the generation of their file."""
        return cls(
            node=keys.node,
            machine=keys.machine,
            step=keys.step,
            mark=keys.mark,
            place=keys.place,
            sig_kid=_held(lambda: keys.sig_kid),
            http_kid=_held(lambda: keys.http_kid),
            may_speak=keys.may_speak,
            epoch=keys.epoch,
            epoch_made=keys.epoch_made,
            old_epochs=keys.old_epochs,
            gen=gen,
        )


def _held(kid: Callable[[], KeyId]) -> KeyId | None:
    try:
        return kid()
    except RefusedError:
        return None


STANDING: Final = record(
    KeyServiceStatus,
    node=TEXT,
    machine=TEXT,
    step=NUMBER,
    mark=BYTES,
    place=PLACE,
    sig_kid=maybe(TEXT),
    http_kid=maybe(TEXT),
    may_speak=FLAG,
    epoch=NUMBER,
    epoch_made=NUMBER,
    old_epochs=many(NUMBER),
    gen=NUMBER,
)
STANDING_MEMBERS: Final = frozenset(field.name for field in fields(KeyServiceStatus))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """The first frame of every connection, from the key service: which life of it this is, and whether it runs by
    itself or as the child of a node.
    """

    protocol: bytes
    life: bytes
    alone: bool
    standing: KeyServiceStatus


HELLO: Final = record(Hello, protocol=BYTES, life=BYTES, alone=FLAG, standing=STANDING)


# --- the table ---------------------------------------------------------------------------------------------------


class Paced(StrEnum):
    """What is counted and bounded per minute."""

    SIGN = "sign"
    OPEN = "open"
    UNWRAP = "unwrap"


@dataclass(frozen=True, slots=True)
class Method:
    """Arguments and result of one method. What `changes` something is never asked twice by itself."""

    takes: tuple[Codec[Any], ...]
    gives: Codec[Any]
    changes: bool = False
    paced: Paced | None = None


METHODS: Final[Mapping[str, Method]] = {
    "listing": Method((), many(INFO)),
    "paced_calls": Method((), many(PACED)),
    "public": Method((USE,), many(PUBLIC)),
    "sign": Method((TEXT, BYTES), SIGNATURE, paced=Paced.SIGN),
    "sign_batch": Method((many(UNSIGNED),), row(BATCH, many(INCLUSION)), paced=Paced.SIGN),
    "sign_http": Method((BYTES,), BYTES, paced=Paced.SIGN),
    "sign_log": Method((BYTES,), BYTES, paced=Paced.SIGN),
    "cosign": Method((BYTES,), BYTES, paced=Paced.SIGN),
    "open_cek": Method((TEXT, BYTES, BYTES), BYTES, paced=Paced.OPEN),
    "wrap": Method((BYTES,), row(BYTES, NUMBER, BYTES)),
    "unwrap": Method((BYTES, NUMBER, BYTES), BYTES, paced=Paced.UNWRAP),
    "rewrap": Method((many(row(BYTES, NUMBER, BYTES)),), many(maybe(BYTES))),
    "index": Method((BYTES,), BYTES),
    "actor": Method((BYTES,), BYTES),
    "enc_public": Method((NUMBER,), many(ENC)),
    "backup": Method((RECOVERY, BYTES, NUMBER), BYTES),
    "tls_secrets": Method((), many(BYTES)),
    "activate": Method((OWN, NUMBER), NOTHING, changes=True),
    "change": Method((CHANGE,), DONE, changes=True),
    "propose": Method((CHANGE,), row(maybe(STEP), DONE)),
    "follow": Method((many(STEP),), NOTHING, changes=True),
    "link": Method((), NOTHING, changes=True),
}


class Status(IntEnum):
    """The first byte of an answer."""

    DONE = 0
    REFUSED = 1
    REMOTE = 2
    TRANSIENT = 3
    FAULT = 4
    """A broken promise inside the key service; its log says where."""


_FAMILIES: Final[Mapping[Status, type[GatewayError]]] = {
    Status.REFUSED: RefusedError,
    Status.REMOTE: RemoteError,
    Status.TRANSIENT: TransientError,
}
_WORDS: Final[Mapping[Code, tuple[str, str]]] = {
    Code.NO_KEY: (
        "the descriptor lists no key for this that is valid now",
        "the root holders sign a new one: trm keys rotate",
    ),
    Code.ROOTS_DUE: (
        "the newest descriptor of this node is of the first form, by which nothing is signed any more",
        "the root holders sign the next one: trm keys rotate log; docs/operations.md, After 0.1.0",
    ),
    Code.UNDECRYPTABLE: ("it does not open: altered, or its key was destroyed", ""),
    Code.UNKNOWN_RECIPIENT_KEY: ("no encryption key has this kid", ""),
    Code.NOT_FOUND: ("keystore has no such key", ""),
    Code.INVALID: ("the key service does not do this", "a key in use and the last key of a use stay"),
    Code.FORBIDDEN: (
        "the key service makes backups for the recovery key that it was started with, and for no other",
        "after a change of backup.recovery_key start the node again; beside trm keyd, give it --recovery-key",
    ),
    Code.CONFLICT: (
        "the step does not follow the keyring of this machine, or its keys are not on several machines",
        "docs/keys.md, Several machines",
    ),
    Code.WRONG_NODE: ("descriptor is of another node than the keystore", ""),
    Code.BUSY: (
        "the key service was asked for more than it does in a minute; nothing was opened",
        "it goes on by itself; trm doctor tells whether it happens often",
    ),
    Code.UNREACHABLE: ("the key service could not do it now", "see its log"),
}
"""What a refusal reads like here; only its code travels."""


def encode_request(name: str, arguments: Sequence[object]) -> bytes:
    """Write a call."""
    takes = METHODS[name].takes
    return lp_join(name.encode(), *(codec.write(value) for codec, value in zip(takes, arguments, strict=True)))


def decode_request(data: bytes) -> tuple[str, tuple[Any, ...]]:
    """Read a call: a method of the table and its arguments. Raises RemoteError(malformed)."""
    try:
        name, *arguments = parts_of(data)
        takes = METHODS[name.decode()].takes
        return name.decode(), tuple(codec.read(part) for codec, part in zip(takes, arguments, strict=True))
    except (KeyError, ValueError, GatewayError) as exc:
        raise malformed("not a request to a key service") from exc


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: the result or the error, and how the keys stand where the method changes something."""

    result: Any = None
    error: GatewayError | None = None
    standing: KeyServiceStatus | None = None


def encode_answer(name: str, answer: Answer) -> bytes:
    """Write an answer; an error that is not one of the expected families is a fault, and nothing of it is told."""
    error = answer.error
    if error is None:
        status, body = Status.DONE, METHODS[name].gives.write(answer.result)
    else:
        status = next((status for status, family in _FAMILIES.items() if isinstance(error, family)), Status.FAULT)
        body = b"" if status is Status.FAULT else str(error.code).encode()
    return bytes([status]) + (body if answer.standing is None else lp_join(body, STANDING.write(answer.standing)))


FAULT: Final = bytes([Status.FAULT])


def decode_answer(name: str, data: bytes) -> Answer:
    """Read the answer to a call of `name`. Raises RuntimeError for a fault of the key service."""
    status, body, standing = Status(data[0]), data[1:], None
    if status is Status.FAULT:
        raise RuntimeError(f"the key service failed at {name}; its log says where")
    if METHODS[name].changes:
        body, told = parts_of(body)
        standing = STANDING.read(told)
    if status is Status.DONE:
        return Answer(result=METHODS[name].gives.read(body), standing=standing)
    code = Code(body.decode())
    what, hint = _WORDS.get(code, (f"the key service answers {code}", ""))
    return Answer(error=_FAMILIES[status](code, what, hint=hint), standing=standing)
