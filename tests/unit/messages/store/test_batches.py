"""A batch is kept once, whatever the number of its statements, and found by its name."""

from __future__ import annotations

from sqlalchemy import Connection, text
from support.batches import proofs
from support.nodes import Seeds

from gateway.messages.store import batches
from keys.primitives.domains import STATEMENT
from keys.primitives.hybrid_keys import SigningKey

KEY = SigningKey.generate(Seeds("of batches"), hybrid=True)
TOGETHER = proofs(KEY, (STATEMENT, b"{}"), (STATEMENT, b"[]"))
(ALONE,) = proofs(KEY, (STATEMENT, b"{}"))


def test_a_batch_is_kept_once(connection: Connection):
    """Also when its statements come in several requests."""
    batches.add(connection, [one.batch for one in (*TOGETHER, ALONE)])
    batches.add(connection, [TOGETHER[1].batch])
    assert connection.scalar(text("select count(*) from statement_batch")) == 2


def test_batches_are_found_by_their_names(connection: Connection):
    """Those that are there; nothing is found by no name."""
    batches.add(connection, [TOGETHER[0].batch, ALONE.batch])
    found = batches.named(connection, [ALONE.batch.name, bytes(32)])
    assert found == {ALONE.batch.name: ALONE.batch.pack()}
    assert batches.named(connection, []) == {}
