"""Which online key signs, and for whom: nothing without a speaker, and never a key that was followed."""

from __future__ import annotations

import pytest
from support.nodes import NOW, Node

from gateway.errors import Code
from keys.keystore.signers import find_speaker, missing_key
from keys.primitives.domains import DESCRIPTOR, KEYSET, STATEMENT, TOMBSTONE, TRUST, VOID
from keys.primitives.encoding import canon

NODE = Node("a").first().node


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
