"""What a hostile exporter or party can truly sign: descriptors, log entries and checkpoints that are wrong in
themselves. Both verifiers refuse each, and take each that is only unusual.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from support.endpoints import edited
from support.exhibits import A, C, conversation, next_version
from support.nodes import NOW, signed
from support.stranger import verified

from keys.primitives.encoding import DAY, b64u

CASE = conversation()
DATA = CASE.build()
Change = Callable[[Any], object]

# --- descriptors -----------------------------------------------------------------------------------------------------


def with_second_descriptor(change: Change) -> bytes:
    """The bundle with a second version of A's descriptor that two of its roots signed, whatever it says."""
    payload = edited(A.next(CASE.chains[0][-1]), change)
    document = signed(payload, A.roots[:2]).to_json()
    document["signatures"] = sorted(document["signatures"], key=lambda item: item["kid"])

    def append(value: Any) -> None:
        first = CASE.chains[0][0].document.payload
        chain = next(chain for chain in value["parties"] if chain[0]["payload"] == b64u(first))
        chain.append(document)

    return edited(DATA, append)


def with_key(value: Any, **changes: Any) -> None:
    """Another first key record."""
    value["keys"][0] |= changes


BAD_DESCRIPTORS: dict[str, Change] = {
    "more": lambda v: v.update(more=1),
    "less": lambda v: v.pop("contact"),
    "type": lambda v: v.update(type="nrm.descriptor/3"),
    "name bidi": lambda v: v.update(name="NRM \u202e"),
    "name empty": lambda v: v.update(name=""),
    "name long": lambda v: v.update(name="n" * 101),
    "contact line": lambda v: v.update(contact="a\nb"),
    "contact long": lambda v: v.update(contact="n" * 301),
    "version": lambda v: v.update(version=3),
    "version true": lambda v: v.update(version=True),
    "prev": lambda v: v.update(prev=b64u(b"\0" * 32)),
    "prev null": lambda v: v.update(prev=None),
    "issued before": lambda v: v.update(issued=v["issued"] - 1_000_000, expires=v["expires"] - 1_000_000),
    "life": lambda v: v.update(expires=v["issued"] + 401 * DAY),
    "no life": lambda v: v.update(expires=v["issued"]),
    "threshold": lambda v: v.update(threshold=4),
    "threshold 0": lambda v: v.update(threshold=0),
    "node": lambda v: v.update(node=C.first().node),
    "root twice": lambda v: v["roots"].append(v["roots"][0]),
    "no root": lambda v: v.update(roots=[]),
    "root in keys": lambda v: v["keys"].append(v["roots"][0]),
    "key in roots": lambda v: v["roots"].append(v["keys"][0]),
    "kid": lambda v: with_key(v, kid=b64u(b"\0" * 16)),
    "use": lambda v: with_key(v, use="enc"),
    "halves": lambda v: with_key(v, mldsa65=None),
    "ends": lambda v: with_key(v, until=v["keys"][0]["from"]),
    "low order": lambda v: with_key(v, ed25519=b64u(b"\1" + b"\0" * 31)),
    "classical with a half": lambda v: with_key(v, use="http"),
    "endpoint": lambda v: v.update(endpoints=["http://a.example"]),
    "port": lambda v: v.update(endpoints=["https://a.example:65536"]),
    "endpoint twice": lambda v: v.update(endpoints=["https://a.example"] * 2),
    "suite": lambda v: v.update(suites=["tls"]),
    "log": lambda v: v.update(log="a+b"),
    "country": lambda v: v.update(country="fr"),
    "unit gateway": lambda v: v.update(units=[{"id": "gateway", "name": "x", "kind": "ngo", "roles": []}]),
    "unit without a kind": lambda v: v.update(units=[{"id": "u", "name": "x", "roles": []}]),
    "unit kind": lambda v: v.update(units=[{"id": "u", "name": "x", "kind": "club", "roles": []}]),
    "unit twice": lambda v: v.update(units=[{"id": "u", "name": "x", "kind": "ngo", "roles": []}] * 2),
    "unit role": lambda v: v.update(units=[{"id": "u", "name": "x", "kind": "ngo", "roles": ["A"]}]),
    "tls": lambda v: v.update(tls_spki=[]),
    "revoked and listed": lambda v: v.update(
        revoked=[{"kid": v["keys"][0]["kid"], "at": NOW, "since": NOW * 2, "reason": "lost"}]
    ),
    "revoked twice": lambda v: v.update(revoked=[{"kid": "A" * 22, "at": NOW, "since": NOW, "reason": "lost"}] * 2),
    "reason": lambda v: v.update(revoked=[{"kid": "A" * 22, "at": NOW, "since": NOW, "reason": "Lost"}]),
}
GOOD_DESCRIPTORS: dict[str, Change] = {
    "as it is": lambda v: None,
    "another name": lambda v: v.update(name="Ministère de l’Intérieur"),
    "no contact": lambda v: v.update(contact=""),
    "address": lambda v: v.update(endpoints=["https://[2001:db8::1]:65535", "https://a.example"]),
    "units": lambda v: v.update(units=[{"id": "u-1", "name": "x", "kind": "ngo", "roles": ["ngo"]}]),
    "country": lambda v: v.update(country="secretariat"),
    "a stranger revoked": lambda v: v.update(revoked=[{"kid": "A" * 22, "at": NOW, "since": NOW, "reason": "lost"}]),
}


@pytest.mark.parametrize("name", BAD_DESCRIPTORS)
def test_a_descriptor_that_its_roots_should_not_have_signed(name: str) -> None:
    """Each rule of nrm1 2.13 to 2.17, inside of true signatures."""
    assert not verified(with_second_descriptor(BAD_DESCRIPTORS[name]), CASE.anchors)


@pytest.mark.parametrize("name", GOOD_DESCRIPTORS)
def test_an_unusual_descriptor(name: str) -> None:
    """What nrm1 2.13 to 2.17 allows, both take."""
    assert verified(with_second_descriptor(GOOD_DESCRIPTORS[name]), CASE.anchors)


# --- entries and checkpoints -----------------------------------------------------------------------------------------


def test_the_longest_chain_of_a_party_is_judged_whole() -> None:
    """Ten versions verify, and the fingerprint is that of the newest roots."""
    chain = CASE.chains[0]
    for _ in range(9):
        chain = next_version(A, chain)
    data = CASE.build(chains=(chain, CASE.chains[1]))
    assert verified(data, CASE.anchors)
    assert len(max(json.loads(data)["parties"], key=len)) == 10
