"""The golden vectors of the first form of nrm1 through the node's own procedures: steps 4 to 11."""

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

from gateway.errors import Code
from gateway.messages.types import AuthenticStatement
from keys.documents.descriptor import Descriptor, name_log, parse_descriptor
from keys.primitives.domains import DESCRIPTOR_1
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
    document = SignedDocument.from_json(vectors()[f"{side}_descriptor"], DESCRIPTOR_1)
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


def test_each_key_opens_it_and_it_is_not_taken() -> None:
    """Gateway and unit key open the valid envelope to a statement of the first form, which nobody takes any more; the
    keys that are not named do not open it.
    """
    seeds = vectors()["enc_seeds"]
    for kid, seed in seeds.items():
        named = kid in vectors()["valid"]["statement"]["rcp"]
        with refused(Code.WRONG_TYPE if named else Code.UNKNOWN_RECIPIENT_KEY):
            arrive(vectors()["valid"], vectors()["now"], [seed])


@pytest.mark.parametrize("place", TEN)
def test_the_invalid_envelopes_are_refused(place: int) -> None:
    """Each of the ten gives its code."""
    assert len(vectors()["invalid"]) == len(TEN)
    case = vectors()["invalid"][place]
    with refused(Code(case["code"])):
        arrive(case, case["now"])
