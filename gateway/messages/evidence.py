"""What was signed about messages, as it is kept: opened, and put together with the batches that it names (nrm1 7.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gateway.database.content import SealedRow
from gateway.database.engine import Store
from gateway.database.sealed_content import Content
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.workers import Workers
from gateway.messages import content_codec
from gateway.messages.content_codec import KeptStatement
from gateway.messages.store import batches
from keys.primitives.batch import Batch, Proof

Frames = tuple[bytes, bytes]
"""A statement, and what proves it: its proof, or in the first form its signature."""


async def open_evidence(content: Content, workers: Workers, rows: Mapping[int, SealedRow]) -> Mapping[int, Frames]:
    """Open rows with what was signed, by their numbers.

    Raises:
        RefusedError: undecryptable; a row, or the batch that it names, was altered.
        RemoteError: malformed, for a row of something else.
    """

    def open_row(row: SealedRow) -> KeptStatement:
        return content_codec.read_evidence(content.sealer.open(row))

    kept = await workers.off_loop_each(open_row, [*rows.values()])
    documents = await load_batches(content.store, kept)

    def frames_of(said: KeptStatement) -> Frames:
        if said.batch is None:
            return said.statement, said.proof
        batch = read_batch(said.batch, documents)
        return said.statement, Proof(batch=batch, inclusion=said.inclusion_in(batch.count)).encode()

    return dict(zip(rows, await workers.off_loop_each(frames_of, kept), strict=True))


async def load_batches(store: Store, kept: Iterable[KeptStatement]) -> Mapping[bytes, bytes]:
    """Load the batches that these name, each once, as they are stored."""
    names = list(dict.fromkeys(one.batch for one in kept if one.batch is not None))
    return await store.read(lambda c: batches.named(c, names)) if names else {}


def read_batch(name: bytes, documents: Mapping[bytes, bytes]) -> Batch:
    """Read the stored batch of a name. Raises RefusedError(undecryptable): there is none, or it is another one."""
    try:
        batch = Batch.unpack(documents[name])
    except (KeyError, RemoteError) as exc:
        raise _altered() from exc
    if batch.name != name:
        raise _altered()
    return batch


def _altered() -> RefusedError:
    return RefusedError(
        Code.UNDECRYPTABLE,
        "what proves a message cannot be read; the row of its batch was altered",
        hint="put the database back from its backup",
    )
