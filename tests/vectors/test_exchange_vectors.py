"""The golden vectors of nrm1 through the node's own procedures: steps 4 to 12."""

from __future__ import annotations

import base64
import functools
from dataclasses import replace
from typing import Any

import orjson
import pytest
from support.endpoints import open_envelope
from support.nodes import edited, refused
from support.shared import shared

from gateway.delivery.inbound import steps
from gateway.errors import Code
from gateway.messages.machines.numbering import LinkView, New, judge
from gateway.messages.types import AuthenticStatement
from keys.documents.descriptor import Descriptor, name_log, parse_descriptor
from keys.primitives.domains import DESCRIPTOR
from keys.primitives.seal import EncPrivateKey
from keys.primitives.sign import SignedDocument

TEN = range(10)


@functools.cache
def vectors() -> dict[str, Any]:
    """The vector file."""
    value: dict[str, Any] = orjson.loads(shared("vectors/nrm1-draft/vectors.json").read_bytes())
    return value


@functools.cache
def descriptor(side: str) -> Descriptor:
    """The sender's or the recipient's descriptor, with a log that is named as today: then its roots did not sign it."""
    document = SignedDocument.from_json(vectors()[f"{side}_descriptor"], DESCRIPTOR)
    node = orjson.loads(document.payload)["node"]
    renamed = edited(document.payload, lambda member: member.update(log=name_log(node)))
    return parse_descriptor(replace(document, payload=renamed))


def arrive(case: dict[str, Any], now: int, seeds: list[str] | None = None) -> AuthenticStatement:
    """Steps 4 to 11 with the recipient's keys; the request is signed by the sender."""
    chosen = vectors()["enc_seeds"].values() if seeds is None else seeds
    return open_envelope(
        base64.urlsafe_b64decode(case["envelope_b64"] + "=="),
        own=descriptor("recipient"),
        sender=descriptor("sender"),
        keys=[EncPrivateKey(bytes.fromhex(seed)) for seed in chosen],
        signer=descriptor("sender").node,
        now=now,
    )


def valid() -> AuthenticStatement:
    """The valid envelope, opened."""
    return arrive(vectors()["valid"], vectors()["now"])


def test_the_valid_envelope_opens() -> None:
    """It passes steps 4 to 11 to the same statement, statement hash and body."""
    expected, found = vectors()["valid"], valid()
    assert orjson.loads(found.statement_bytes) == expected["statement"]
    assert found.statement_hash == expected["statement_hash"]
    assert found.body == base64.b64decode(expected["body_b64"])


def test_each_key_alone_opens_it() -> None:
    """Gateway and unit key open the same content; the keys that are not named do not."""
    seeds = vectors()["enc_seeds"]
    for kid, seed in seeds.items():
        if kid in vectors()["valid"]["statement"]["rcp"]:
            assert arrive(vectors()["valid"], vectors()["now"], [seed]) == valid()
        else:
            with refused(Code.UNKNOWN_RECIPIENT_KEY):
                arrive(vectors()["valid"], vectors()["now"], [seed])


def test_its_number_is_the_first_of_the_link() -> None:
    """Step 12: the number is new and opens no gap."""
    found, said = valid(), valid().statement
    verdict = judge(
        LinkView(epoch=1, high=0, known={}),
        epoch=said.epoch,
        n=said.n,
        id=said.id,
        prev=said.prev,
        link_hash=found.link_hash,
    )
    assert verdict == New(fills_gap=False, opens_gap=None, behind_gap=False)


@pytest.mark.parametrize("place", TEN)
def test_the_invalid_envelopes_are_refused(place: int) -> None:
    """Each of the ten gives its code."""
    assert len(vectors()["invalid"]) == len(TEN)
    case = vectors()["invalid"][place]
    with refused(Code(case["code"])):
        arrive(case, case["now"])


def test_another_signer_of_the_request() -> None:
    """Step 8: the same envelope under the request signature of another node."""
    with refused(Code.UNKNOWN_SENDER):
        steps.open_envelope(
            steps.read_envelope(base64.urlsafe_b64decode(vectors()["valid"]["envelope_b64"] + "==")),
            own=descriptor("recipient"),
            signer=descriptor("recipient").node,
            open_cek=lambda kid, enc, info: bytes.fromhex(vectors()["valid"]["cek"]),
            now=vectors()["now"],
        )
