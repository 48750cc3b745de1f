"""Which online key signs, and for whom: nothing without a speaker, and never a key that was followed."""

from __future__ import annotations

import pytest
from support.nodes import NOW, Node, Seeds, signed

from gateway.errors import Code
from keys.documents.descriptor import Descriptor, Revocation
from keys.documents.descriptor_chain import accept_descriptor
from keys.documents.key_records import Use
from keys.documents.succession import USES, Change, count_needed_keys, next_descriptor
from keys.keystore.keyring import Keyring
from keys.keystore.signers import choose_key, find_speaker, missing_key
from keys.primitives.domains import DESCRIPTOR, KEYSET, STATEMENT, TOMBSTONE, TRUST, VOID
from keys.primitives.encoding import DAY, canon
from keys.primitives.hybrid_keys import PublicKey

A = Node("a")
NODE = A.first().node
RAND = Seeds("signers")
RING = Keyring.new(NODE, NOW, RAND)
FIRST = accept_descriptor(None, A.document(keys=RING.first_records(NOW), issued=NOW, expires=NOW + 400 * DAY), NOW)


@pytest.mark.parametrize(("kind", "member"), [(KEYSET, "node"), (VOID, "from"), (TRUST, "node")])
def test_a_document_is_of_the_node_that_it_names(kind: str, member: str) -> None:
    """By the member of its type; another member of that name in another type names nobody."""
    assert find_speaker(kind, canon({member: NODE, "at": NOW})) == NODE
    assert find_speaker(kind, canon({"to": NODE})) is None
    assert find_speaker(kind, canon([NODE])) is None
    assert find_speaker(kind, canon({member: 1})) is None


@pytest.mark.parametrize("kind", [DESCRIPTOR, TOMBSTONE, STATEMENT, "text/plain"])
def test_what_no_online_key_signs_alone_has_no_speaker(kind: str) -> None:
    """A descriptor names its node, and is still nothing that an online key signs; a statement is signed in a batch."""
    assert find_speaker(kind, canon({"node": NODE, "from": NODE})) is None


def test_missing_keys_are_named_together() -> None:
    """The operator is told each use once, and what to do."""
    error = missing_key(["sig", "http"])
    assert error.code is Code.NO_KEY
    assert "no sig and no http key" in error.what
    assert "trm keys rotate" in error.hint


def after(ring: Keyring, chain: list[Descriptor], change: Change, now: int) -> tuple[Keyring, list[Descriptor]]:
    """The keys and the chain with one more version, as root holders sign it."""
    new: dict[Use, list[PublicKey]] = {use: [] for use in USES}
    for use, count in count_needed_keys(chain[-1], change, now).items():
        for _ in range(count):
            ring = ring.with_key(use, now, RAND)
            new[use].append(ring.of(use)[-1].key.public)
    payload = next_descriptor(chain[-1], change, new, now)
    return ring, [*chain, accept_descriptor(chain[-1], signed(payload, A.roots[:2]), now)]


def silent_days(ring: Keyring, chain: list[Descriptor], first: int) -> dict[Use, list[int]]:
    """The days of the life of a descriptor, from day `first` on, on which a use has no key to sign with."""
    days = range(first, (chain[-1].expires - NOW) // DAY)
    found = {use: [day for day in days if choose_key(ring, chain, use, NOW + day * DAY) is None] for use in USES}
    return {use: silent for use, silent in found.items() if silent}


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("use", USES)
def test_after_a_rotation_a_key_signs_each_day(use: Use, at_once: bool) -> None:
    """nrm1 2.23: also on the days on which keys would have begun that the rotation took off the list."""
    ring, chain = after(RING, [FIRST], Change(rotate=frozenset({use}), at_once=at_once), NOW + 2 * DAY)
    assert silent_days(ring, chain, 2) == {}


@pytest.mark.parametrize("use", USES)
def test_a_successor_that_is_revoked_before_it_began_retires_nothing(use: Use) -> None:
    """The key in use goes on until it ends, beyond the day on which its successor would have begun."""
    ring, chain = after(RING, [FIRST], Change(rotate=frozenset({use})), NOW + 10 * DAY)
    later = max((record for record in chain[-1].keys if record.use is use), key=lambda record: record.from_)
    revoked = Revocation(kid=later.kid, at=NOW + 10 * DAY, since=NOW + 10 * DAY, reason="stolen")
    ring, chain = after(ring, chain, Change(revoke=(revoked,)), NOW + 11 * DAY)
    assert silent_days(ring, chain, 11) == {}
