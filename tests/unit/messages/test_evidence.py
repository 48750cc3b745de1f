"""A batch that is not the one a statement names proves nothing, and is refused in words."""

from __future__ import annotations

import pytest
from support.batches import proofs
from support.nodes import Seeds

from gateway.errors import Code, RefusedError
from gateway.messages.evidence import read_batch
from keys.primitives.domains import STATEMENT
from keys.primitives.hybrid_keys import SigningKey

KEY = SigningKey.generate(Seeds("of evidence"), hybrid=True)
(BATCH,) = [one.batch for one in proofs(KEY, (STATEMENT, b"{}"))]
(OTHER,) = [one.batch for one in proofs(KEY, (STATEMENT, b"[]"))]


def test_a_batch_is_read_by_its_name():
    """The one that was signed."""
    assert read_batch(BATCH.name, {BATCH.name: BATCH.pack()}) == BATCH


STORED = {
    "none": {},
    "another one": {BATCH.name: OTHER.pack()},
    "another signature": {BATCH.name: BATCH.pack()[:-1] + bytes([BATCH.pack()[-1] ^ 1])},
    "cut": {BATCH.name: BATCH.pack()[:-1]},
    "noise": {BATCH.name: b"?"},
}


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
def test_an_altered_batch_is_refused(stored: dict[bytes, bytes]):
    """One fault at a time: the sealed name is that of every byte of it."""
    with pytest.raises(RefusedError, match="the row of its batch was altered") as caught:
        read_batch(BATCH.name, stored)
    assert caught.value.code is Code.UNDECRYPTABLE
