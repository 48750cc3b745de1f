"""Properties of the codecs of keys: what is written is read back, there is one spelling, no input makes them crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.batches import by
from support.nodes import NOW, Node
from support.receiving import Sender, opener, receive

from gateway.errors import Code, RemoteError
from gateway.messages.answers import sign_receipts
from gateway.ports import Json
from keys.documents import envelope as wire
from keys.documents.descriptor import parse_descriptor
from keys.documents.descriptor_chain import decode_chain
from keys.documents.key_records import KeyRecord
from keys.documents.keyset import parse_keyset
from keys.documents.receipts import FirstReceipts, SignedReceipts
from keys.primitives.attachment_cipher import PartOpener, PartSealer, part_length
from keys.primitives.batch import Inclusion, Proof, read_signature
from keys.primitives.domains import DESCRIPTOR, KEYSET, STATEMENT
from keys.primitives.encoding import (
    DOCUMENT_LIMIT,
    MAX_INT,
    b64u,
    canon,
    is_b64u,
    lp_join,
    lp_split,
    padme,
    parse,
    unb64u,
)
from keys.primitives.hybrid_keys import SigningKey, verify
from keys.primitives.sign import SignedDocument, sign_document

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=64)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INT, MAX_INT) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
ID = st.binary(min_size=16, max_size=16).map(b64u)
HASH = st.binary(min_size=32, max_size=32).map(b64u)
NODE = st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=32, max_size=32).map("n1".__add__)
COUNT = st.integers(1, MAX_INT)
TIME = st.integers(0, MAX_INT)
CODE = st.from_regex(r"[a-z][a-z0-9_]{0,47}", fullmatch=True)
PARTS = st.lists(COUNT, max_size=4).map(tuple)


def mutated(data: bytes, at: int, how: int) -> bytes:
    """`data` with one byte changed, taken away, or doubled."""
    at %= len(data)
    byte = bytes([data[at] ^ (1 << (how % 8))])
    return [data[:at] + byte + data[at + 1 :], data[:at] + data[at + 1 :], data[: at + 1] + data[at:]][how % 3]


@given(JSON)
def test_json_round_trip(value: Any) -> None:
    """A value of the profile is read back as it was written, and written as RFC 8785 says."""
    data = canon(value)
    assert parse(data, limit=len(data)) == value
    assert data == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@given(JSON, st.integers(0), st.integers(0))
def test_one_spelling(value: Any, at: int, how: int) -> None:
    """No change of a byte leaves the value as it was: it is refused, or it is another value."""
    changed = mutated(canon(value), at, how)
    try:
        assert repr(parse(changed, limit=10_000)) != repr(value) or changed == canon(value)
    except RemoteError as exc:
        assert exc.code is Code.MALFORMED


@given(st.binary(max_size=200) | TEXT.map(str.encode) | JSON.map(lambda value: json.dumps(value, indent=1).encode()))
@example(b'"\\')
@example(b"{" * 25)
def test_parser_never_crashes(data: bytes) -> None:
    """Whatever comes is a value in its one spelling, or malformed."""
    try:
        assert canon(parse(data, limit=10_000)) == data
    except RemoteError as exc:
        assert exc.code is Code.MALFORMED


@given(st.binary(max_size=100))
def test_base64url_round_trip(data: bytes) -> None:
    """Bytes come back."""
    assert unb64u(b64u(data), len(data)) == data


@given(st.text("ABab01-_+/= \n", max_size=12))
def test_base64url_has_one_spelling(text: str) -> None:
    """A text that is read is the one that would be written."""
    try:
        assert b64u(unb64u(text)) == text
    except RemoteError as exc:
        assert exc.code is Code.MALFORMED


@pytest.mark.parametrize("size", [*range(1, 8), 16, 32, 64])
@given(data=st.data())
def test_the_check_of_a_size_takes_what_can_be_read(size: int, data: st.DataObject):
    """`is_b64u` looks at the digits alone: it takes the one spelling of so many bytes, and nothing else."""
    spelled = b64u(data.draw(st.binary(min_size=size, max_size=size)))
    last = data.draw(st.sampled_from(DIGITS))
    changed = data.draw(st.sampled_from([spelled, spelled[:-1] + last, spelled + last, spelled[:-1], last + "\n"]))
    texts = st.one_of(st.just(changed), st.text(max_size=len(spelled) + 1), st.none(), st.integers())
    assert is_b64u(size)(text := data.draw(texts)) == (_read(text, size) is not None)


def _read(text: Json, size: int) -> bytes | None:
    try:
        return unb64u(text, size)
    except RemoteError:
        return None


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=10))
def test_frames_round_trip(frames: list[bytes]) -> None:
    """Frames come back, and never when their bytes are cut short."""
    data = lp_join(*frames)
    assert list(lp_split(data, len(frames), 50)) == frames == list(lp_split(data, None, 50))
    with pytest.raises(RemoteError):
        lp_split(data[:-1], len(frames), 50)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_padme(a: int, b: int) -> None:
    """A padded length is not shorter, at most 12 % longer, its own padded length, and keeps the order."""
    assert a <= padme(a) <= a * 1.12 + 1
    assert padme(padme(a)) == padme(a)
    assert (padme(a) <= padme(b)) == (a <= b) or padme(a) == padme(b)


# --- objects -----------------------------------------------------------------------------------------------------


@st.composite
def statements(draw: st.DrawFn) -> wire.Statement:
    """Any statement."""
    n = draw(COUNT)
    return wire.Statement(
        id=draw(ID),
        from_=draw(NODE),
        from_desc=draw(COUNT),
        to=draw(NODE),
        to_desc=draw(COUNT),
        rcp=tuple(draw(st.lists(ID, min_size=1, max_size=8, unique=True))),
        epoch=draw(COUNT),
        n=n,
        prev=None if n == 1 else draw(HASH),
        conv=draw(ID),
        reply_to=draw(st.none() | ID),
        created=draw(TIME),
        expires=draw(TIME),
        body_type=draw(st.from_regex(r"[a-z][a-z0-9_]{0,9}(\.[a-z0-9_]{1,9}){0,3}/[1-9][0-9]{0,3}", fullmatch=True)),
        schema="sha256:" + draw(st.binary(min_size=32, max_size=32)).hex(),
        purpose=draw(st.none() | CODE),
        commit=draw(HASH),
        parts=draw(PARTS),
    )


@st.composite
def told_receipts(draw: st.DrawFn) -> tuple[wire.Receipt, ...]:
    """Receipts of one node for another."""
    pair = {"from_": draw(NODE), "to": draw(NODE)}
    said = draw(st.lists(st.tuples(HASH, st.sampled_from(wire.Status)), min_size=1, max_size=4, unique=True))
    return tuple(
        wire.Receipt(
            of=of,
            msg=draw(ID),
            from_desc=draw(COUNT),
            n=draw(COUNT),
            status=status,
            at=draw(TIME),
            code=draw(CODE) if status is wire.Status.REJECTED else None,
            **pair,
        )
        for of, status in said
    )


@st.composite
def secrets(draw: st.DrawFn) -> wire.Secret:
    """Any secret."""
    count = draw(st.integers(0, 3))
    key = st.binary(min_size=32, max_size=32)
    return wire.Secret(
        salt=draw(key),
        parts=tuple(
            wire.SecretPart(n=n, name=draw(TEXT), media="text/plain", size=draw(TIME), key=draw(key), sha256=draw(key))
            for n in range(count)
        ),
    )


@st.composite
def envelopes(draw: st.DrawFn) -> wire.Envelope:
    """Any envelope."""
    kids = draw(st.lists(ID, min_size=1, max_size=3, unique=True))
    return wire.Envelope(
        id=draw(ID),
        to=draw(NODE),
        exp=draw(st.integers(1, 10**9)) * 3600,
        rcp=tuple(wire.Recipient(kid=kid, enc=bytes([i]) * 1168) for i, kid in enumerate(kids)),
        parts=draw(PARTS),
        ct=draw(st.binary(max_size=50)),
    )


@given(statements(), told_receipts(), secrets(), envelopes())
def test_objects_round_trip(
    statement: wire.Statement, told: tuple[wire.Receipt, ...], secret: wire.Secret, envelope: wire.Envelope
) -> None:
    """Each object is read back as it was written."""
    assert wire.Statement.parse(statement.encode()) == statement
    signed = sign_receipts(told, by(KEY))
    assert SignedReceipts.from_json(json.loads(signed.encode())) == signed
    assert all(wire.Receipt.parse(receipt.encode()) == receipt for receipt in told)
    assert wire.Secret.parse(secret.encode()) == secret
    assert wire.parse_envelope(envelope.encode()) == envelope


@given(st.binary(max_size=40_000), st.binary(max_size=100))
@settings(max_examples=50)
def test_inner_round_trip(body: bytes, secret: bytes) -> None:
    """Frames are unpacked as they were packed, and the size tells only its bucket."""
    packed = wire.pack_inner(statement=b"s", proof=b"", secret=secret, body=body)
    assert wire.unpack_inner(packed) == wire.Inner(statement=b"s", proof=b"", secret=secret, body=body)
    assert len(packed) == max(16_384, padme(len(packed)))


READERS: list[Callable[[bytes], object]] = [
    wire.parse_envelope,
    wire.Statement.parse,
    FirstReceipts.parse,
    lambda data: SignedReceipts.from_json(parse(data, limit=DOCUMENT_LIMIT)),
    lambda data: Proof.parse(data, STATEMENT, b"{}"),
    lambda data: Inclusion.unpack(data, 8),
    wire.Receipt.parse,
    wire.Void.parse,
    wire.Secret.parse,
    read_signature,
    wire.split_envelopes,
    wire.unpack_inner,
    decode_chain,
    lambda data: SignedDocument.decode(data, KEYSET),
    lambda data: parse_descriptor(SignedDocument(payload=data, payload_type=DESCRIPTOR, signatures=())),
    lambda data: parse_keyset(SignedDocument(payload=data, payload_type=KEYSET, signatures=())),
    lambda data: KeyRecord.from_json(parse(data, limit=10_000)),
]


@given(st.sampled_from(READERS), st.binary(max_size=100) | JSON.map(canon))
def test_readers_never_crash(read: Callable[[bytes], object], data: bytes) -> None:
    """Whatever comes is read, or refused by RemoteError; nothing else is ever raised."""
    try:
        read(data)
    except RemoteError as exc:
        assert exc.code in (Code.MALFORMED, Code.UNSUPPORTED_SUITE)


# --- mutations of what is signed and sealed ----------------------------------------------------------------------

A, B = Node("a"), Node("b")
SENDER = Sender(node=A, to=B)
SEALED = SENDER.seal(SENDER.statement())
SENDER_DESCRIPTOR, OWN_DESCRIPTOR, OPEN = A.first(), B.first(), opener(B.enc)
REFUSALS = {
    Code.MALFORMED,
    Code.UNDECRYPTABLE,
    Code.MISROUTED,
    Code.UNSUPPORTED_SUITE,
    Code.UNKNOWN_RECIPIENT_KEY,
    Code.EXPIRED,
}


@given(st.integers(0, len(SEALED) - 1), st.integers(0, 23))
@settings(max_examples=300)
def test_any_mutation_of_an_envelope_is_refused(at: int, how: int) -> None:
    """Part C rows 1 to 5: a byte changed, taken away or doubled anywhere in the envelope refuses it."""
    changed = mutated(SEALED, at, how)
    if changed == SEALED:
        return
    with pytest.raises(RemoteError) as caught:
        receive(changed, own=OWN_DESCRIPTOR, sender=SENDER_DESCRIPTOR, open_cek=OPEN, now=NOW)
    assert caught.value.code in REFUSALS


KEY = SigningKey(b"e" * 32, b"m" * 32)
DOCUMENT = sign_document(KEYSET, b'{"a":1}', [KEY])


@given(st.integers(0), st.integers(0), st.sampled_from(["payload", "ed25519", "mldsa65"]))
def test_any_mutation_of_a_signed_document_is_refused(at: int, how: int, place: str) -> None:
    """Threat 12: a changed byte in the payload or in either half of the signature is no signature."""
    how -= how % 3  # change, so that lengths stay
    signature, payload = DOCUMENT.signature, DOCUMENT.payload
    if place == "payload":
        payload = mutated(payload, at, how)
    else:
        signature = replace(signature, **{place: mutated(getattr(signature, place), at, how)})
    with pytest.raises(RemoteError) as caught:
        verify(KEY.public, KEYSET, payload, signature)
    assert caught.value.code is Code.BAD_SIGNATURE


PAYLOAD = A.payload()


@given(st.integers(0, len(PAYLOAD) - 1), st.integers(0, 23))
def test_any_mutation_of_a_descriptor_is_told_from_it(at: int, how: int) -> None:
    """A changed descriptor is refused by rule 1, or is another descriptor that its roots did not sign."""
    changed = mutated(PAYLOAD, at, how)
    try:
        parsed = parse_descriptor(SignedDocument(payload=changed, payload_type=DESCRIPTOR, signatures=()))
    except RemoteError as exc:
        assert exc.code in (Code.MALFORMED, Code.BAD_KEY)
    else:
        assert (parsed.document.payload == PAYLOAD) == (changed == PAYLOAD)


@settings(max_examples=60)
@given(st.binary(max_size=70_000), st.lists(st.integers(1, 40_000), min_size=1, max_size=6), ID, st.integers(0, 63))
def test_an_attachment_in_any_pieces(content: bytes, pieces: list[int], id: str, n: int) -> None:
    """However it is cut while it is sealed and opened, the content is the same and the length the one that was said."""
    sealer = PartSealer(bytes(32), id=id, n=n, size=len(content))
    sealed = b"".join(sealer.update(piece) for piece in _cut(content, pieces)) + b"".join(sealer.finish())
    assert len(sealed) == part_length(len(content))
    opener = PartOpener(sealer.part(name="x", media="text/plain"), id=id)
    assert b"".join(opener.update(piece) for piece in _cut(sealed, pieces)) + opener.finalize() == content


def _cut(data: bytes, pieces: list[int]) -> list[bytes]:
    """`data` in pieces of these lengths, again and again."""
    found, at = [], 0
    while at < len(data):
        found.append(data[at : at + pieces[len(found) % len(pieces)]])
        at += len(found[-1])
    return found
