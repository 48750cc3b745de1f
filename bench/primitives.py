"""The sum of primitives of one message, which no design can save, measured in the same run. Two sums are told, since
signatures are what costs most: with statements signed in batches, as nodes do it, and with one signature for each
message and without a commitment to its fields, as nodes did it when the targets were set.

Signed and verified in a batch, sealed and opened once, committed to and validated on both sides, written and read in
canonical form, sealed at rest on both sides; two receipts in batches; group commits of two databases.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import schemas
from bench.work import make_referral
from gateway.ports import Json
from keys.documents.statement import Secret
from keys.keystore.keystore import system_rand
from keys.primitives.batch import Proof, Unsigned, Verifier, sign_batch
from keys.primitives.commitment import compute_commitment
from keys.primitives.domains import RECEIPT, STATEMENT
from keys.primitives.encoding import b64u, canon, parse
from keys.primitives.hybrid_keys import SigningKey
from keys.primitives.seal import EncPrivateKey, aead_open, aead_seal, open_content, seal_cek, seal_content

BATCH = 8
"""Messages that share a signature and a commit: what 8 clients at once allow."""
INNER = 16_384
COMMITS = 5
"""Transactions that a message takes part in: submitted, departed, accepted, handed over, receipted."""


STATEMENT_WORK, COMMITMENT_WORK = "sign and verify the statement, in batches", "commit to the fields, both sides"


@dataclass(frozen=True, slots=True, kw_only=True)
class Primitives:
    """CPU milliseconds of each kind of work, per message; `alone` is a statement with a signature of its own."""

    costs: Mapping[str, float]
    alone: float

    @property
    def in_batches(self) -> float:
        """The sum, with statements signed in batches."""
        return sum(self.costs.values())

    @property
    def each_signed(self) -> float:
        """The sum with one signature for each message, by which the targets were set."""
        return self.in_batches - self.costs[STATEMENT_WORK] - self.costs[COMMITMENT_WORK] + self.alone


def measure_primitives() -> Primitives:
    """Measure each kind of work."""
    key, sealing = SigningKey.generate(system_rand, hybrid=True), EncPrivateKey(system_rand(32))
    statement, cek, inner = bytes(900), system_rand(32), bytes(INNER)
    statements, receipts = [(STATEMENT, statement)] * BATCH, [(RECEIPT, bytes(400))] * BATCH
    enc, ct = seal_cek(sealing.public, cek, b"info"), seal_content(cek, b"context", inner)
    request = make_referral("AL", b64u(system_rand(16)))
    header, content = request["header"], request["content"]
    body: dict[str, Json] = {"header": {**header, "seen": 0} if isinstance(header, dict) else {}, "content": content}
    data, nonce = canon(body), system_rand(24)
    at_rest, secret = aead_seal(cek, nonce, data, b"row"), Secret(salt=system_rand(32)).encode()
    costs = {
        STATEMENT_WORK: _batch(key, statements) / BATCH,
        "seal and open": _ms(lambda: (seal_cek(sealing.public, cek, b"info"), seal_content(cek, b"context", inner)))
        + _ms(lambda: (sealing.open(enc, b"info"), open_content(cek, b"context", ct))),
        "two receipts in batches": 2 * _batch(key, receipts) / BATCH,
        "validate twice": 2 * _ms(lambda: (schemas.validate("referral.request/1", body), schemas.text_findings(body))),
        COMMITMENT_WORK: 2 * _ms(lambda: compute_commitment(secret, data)),
        "canonical form, written and read": _ms(lambda: canon(body)) + _ms(lambda: parse(data, limit=100_000)),
        "seal and open at rest, both sides": 2
        * (_ms(lambda: aead_seal(cek, nonce, data, b"row")) + _ms(lambda: aead_open(cek, nonce, at_rest, b"row"))),
        "durable rows in groups": _rows(data),
    }
    return Primitives(
        costs={name: round(cost, 4) for name, cost in costs.items()}, alone=round(_batch(key, statements[:1]), 4)
    )


def _batch(key: SigningKey, documents: Sequence[Unsigned]) -> float:
    """Sign these together, and verify each of them with its proof."""
    batch, inclusions = sign_batch(documents, key.sign, system_rand)
    frames = [Proof(batch=batch, inclusion=inclusion).encode() for inclusion in inclusions]

    def verify() -> None:
        verifier = Verifier()
        for document, frame in zip(documents, frames, strict=True):
            verifier.verify(key.public, Proof.parse(frame, *document).batch)

    return _ms(lambda: sign_batch(documents, key.sign, system_rand)) + _ms(verify)


def _ms(work: Callable[[], object], times: int = 150) -> float:
    """Return the CPU time of one call, the mean of all: what nodes take is a mean, too."""
    begun = time.process_time()
    for _ in range(times):
        work()
    return 1000 * (time.process_time() - begun) / times


def _rows(data: bytes) -> float:
    """Write four rows and a blob for each message of a group, in as many transactions as a message takes part in."""
    with tempfile.TemporaryDirectory(prefix="trm-bench-") as folder:
        db = sqlite3.connect(Path(folder) / "rows.db", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=FULL",
            "CREATE TABLE blobs (data BLOB)",
            "CREATE TABLE rows (ref INTEGER PRIMARY KEY, a TEXT, b TEXT, c INTEGER)",
        ):
            db.execute(statement)

        def group() -> None:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT INTO blobs VALUES (?)", [(data,)] * BATCH)
            db.executemany("INSERT INTO rows (a, b, c) VALUES (?, ?, ?)", [("a" * 43, "b" * 22, 1)] * (4 * BATCH))
            db.execute("COMMIT")

        try:
            return COMMITS * _ms(group, 60) / BATCH
        finally:
            db.close()
