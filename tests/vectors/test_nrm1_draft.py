"""The golden vectors of the first form of nrm1: one valid and ten invalid envelopes, documents, receipt, codes for
people, padding. What they say of encodings and of sealing holds as it did; what is signed is read and not taken.
"""

from __future__ import annotations

import base64
import functools
from dataclasses import replace
from typing import Any

import orjson
import pytest
from support.nodes import edited, refused
from support.receiving import Received, opener, receive
from support.shared import shared

from gateway.errors import Code
from keys.documents import envelope as wire
from keys.documents.descriptor import Descriptor, name_log, parse_descriptor
from keys.documents.envelope import Receipt, Secret, Statement, Status, parse_envelope
from keys.documents.fingerprint import Party, pair_code
from keys.documents.key_records import verify_signers
from keys.documents.keyset import parse_keyset
from keys.primitives.batch import read_signature
from keys.primitives.domains import DESCRIPTOR_1, KEYSET_1, RECEIPT_1, STATEMENT, STATEMENT_1
from keys.primitives.encoding import canon, padme, unb64u
from keys.primitives.seal import EncPrivateKey, open_cek, open_content
from keys.primitives.sign import SignedDocument


@functools.cache
def vectors() -> dict[str, Any]:
    """The vector file."""
    value: dict[str, Any] = orjson.loads(shared("vectors/nrm1-draft/vectors.json").read_bytes())
    return value


def envelope(case: dict[str, Any]) -> bytes:
    """The envelope bytes of a case; the file uses base64url."""
    return base64.urlsafe_b64decode(case["envelope_b64"] + "==")


@functools.cache
def descriptor(side: str) -> Descriptor:
    """The sender's or the recipient's descriptor, with a log that is named as today: then its roots did not sign it."""
    document = SignedDocument.from_json(vectors()[f"{side}_descriptor"], DESCRIPTOR_1)
    node = orjson.loads(document.payload)["node"]
    renamed = edited(document.payload, lambda member: member.update(log=name_log(node)))
    return parse_descriptor(replace(document, payload=renamed))


def arrive(case: dict[str, Any], now: int, kind: str = STATEMENT_1) -> Received:
    """Steps 4 to 11, with all four keys of the recipient."""
    keys = [EncPrivateKey(bytes.fromhex(seed)) for seed in vectors()["enc_seeds"].values()]
    return receive(
        envelope(case),
        own=descriptor("recipient"),
        sender=descriptor("sender"),
        open_cek=opener(*keys),
        now=now,
        kind=kind,
    )


def test_seeds_give_the_listed_kids() -> None:
    """Each encryption seed makes the key that its kid names."""
    seeds = vectors()["enc_seeds"]
    assert {kid: EncPrivateKey(bytes.fromhex(seed)).kid for kid, seed in seeds.items()} == {kid: kid for kid in seeds}


def test_valid_envelope() -> None:
    """The valid envelope passes and opens to the same statement, content key, body and statement hash."""
    expected = vectors()["valid"]
    received = arrive(expected, vectors()["now"])
    assert received.cek.hex() == expected["cek"]
    assert received.body == base64.b64decode(expected["body_b64"])
    assert received.statement_hash == expected["statement_hash"]
    assert orjson.loads(received.statement.encode()) == expected["statement"]
    assert parse_envelope(envelope(expected)).encode() == envelope(expected)


def test_codecs_write_the_same_bytes() -> None:
    """Statement and secret of the valid envelope are written again byte for byte."""
    sealed = wire.parse_envelope(envelope(vectors()["valid"]))
    recipient = sealed.rcp[0]
    key = EncPrivateKey(bytes.fromhex(vectors()["enc_seeds"][recipient.kid]))
    cek = open_cek(key, recipient.enc, wire.cek_info(recipient.kid, sealed.hdr))
    padded = open_content(cek, wire.body_context(sealed.hdr), sealed.ct)
    inner = wire.unpack_inner(padded)
    assert Statement.parse(inner.statement, STATEMENT_1).encode() == inner.statement
    assert Secret.parse(inner.secret).encode() == inner.secret
    assert canon({"signatures": [read_signature(inner.proof).to_json()]}) == inner.proof
    again = wire.pack_inner(statement=inner.statement, proof=inner.proof, secret=inner.secret, body=inner.body)
    assert again == padded


def test_the_valid_envelope_is_not_taken() -> None:
    """It is of the first form, which nobody receives any more."""
    with refused(Code.WRONG_TYPE, "statement is of another form"):
        arrive(vectors()["valid"], vectors()["now"], kind=STATEMENT)


@pytest.mark.parametrize("number", range(10))
def test_invalid_envelope(number: int) -> None:
    """Each invalid envelope is refused with the code of the vector file."""
    case = vectors()["invalid"][number]
    with refused(Code(case["code"])):
        arrive(case, case["now"])


def test_there_are_ten_invalid_envelopes() -> None:
    """None of the file is left out."""
    assert len(vectors()["invalid"]) == 10


def test_descriptors() -> None:
    """Both are signed by the roots of the nodes that the file names, and refused today for the name of their log."""
    assert descriptor("recipient").node == vectors()["me"]
    for side in ("sender", "recipient"):
        document = SignedDocument.from_json(vectors()[f"{side}_descriptor"], DESCRIPTOR_1)
        assert verify_signers(descriptor(side).roots, document)
        assert vectors()["now"] < descriptor(side).expires
        with refused(Code.MALFORMED, "log is not named after the node"):
            parse_descriptor(document)


def test_keyset() -> None:
    """The keyset verifies and offers the newest key of each unit."""
    document = SignedDocument.from_json(vectors()["recipient_keyset"], KEYSET_1)
    document.verify(descriptor("recipient").signing_key(document.signature.kid, at=vectors()["now"]))
    keyset = parse_keyset(document)
    newest = [keyset.enc_for(unit, vectors()["now"]).kid for unit in ("gateway", "shelter-3")]
    assert newest == vectors()["valid"]["statement"]["rcp"]


def test_receipt() -> None:
    """The lone receipt verifies, is of the valid statement, and is written again byte for byte."""
    document = SignedDocument.from_json(vectors()["receipt"], RECEIPT_1)
    document.verify(descriptor("recipient").signing_key(document.signature.kid, at=vectors()["now"]))
    receipt = Receipt.parse(document.payload, RECEIPT_1)
    assert (receipt.of, receipt.status) == (vectors()["valid"]["statement_hash"], Status.RECEIVED)
    assert canon(receipt.to_json(RECEIPT_1)) == document.payload


def test_fingerprint_and_pair_code() -> None:
    """The digits that two people compare are those of the file, from either side; the versions came later."""
    sender, recipient = (Party(found.fingerprint, found.version) for found in map(descriptor, ("sender", "recipient")))
    assert sender.fingerprint.split() == vectors()["sender_fingerprint"]
    assert pair_code(sender, recipient) == pair_code(recipient, sender) == vectors()["pair_code"] + " 1-1"


def test_padme() -> None:
    """Padded lengths are those of the file."""
    assert [[size, padme(size)] for size, _ in vectors()["padme"]] == vectors()["padme"]


def test_documents_are_written_alike() -> None:
    """A document of the file is encoded again byte for byte."""
    document = SignedDocument.from_json(vectors()["receipt"], RECEIPT_1)
    assert SignedDocument.decode(document.encode(), RECEIPT_1) == document
    assert unb64u(vectors()["receipt"]["payload"]) == document.payload
