"""The sum of primitives of one message, which no design can save, measured in the same run.

Signed and verified in a batch, sealed and opened once, committed to and validated on both sides, written and read in
canonical form, sealed at rest on both sides; two receipts in batches; group commits of two databases.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
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


def measure_costs() -> dict[str, float]:
    """Measure the CPU milliseconds of each kind of work, per message."""
    key, sealing = SigningKey.generate(system_rand, hybrid=True), EncPrivateKey(system_rand(32))
    statement, cek, inner = bytes(900), system_rand(32), bytes(INNER)
    statements, receipts = [(STATEMENT, statement)] * BATCH, [(RECEIPT, bytes(400))] * BATCH
    enc, ct = seal_cek(sealing.public, cek, b"info"), seal_content(cek, b"context", inner)
    request = make_referral("AL", b64u(system_rand(16)))
    header, content = request["header"], request["content"]
    body: dict[str, Json] = {"header": {**header, "seen": 0} if isinstance(header, dict) else {}, "content": content}
    data, nonce = canon(body), system_rand(24)
    at_rest, secret = aead_seal(cek, nonce, data, b"row"), Secret(salt=system_rand(32)).encode()
    return {
        "sign and verify the statement, in batches": _batch(key, statements) / BATCH,
        "seal and open": _ms(lambda: (seal_cek(sealing.public, cek, b"info"), seal_content(cek, b"context", inner)))
        + _ms(lambda: (sealing.open(enc, b"info"), open_content(cek, b"context", ct))),
        "two receipts in batches": 2 * _batch(key, receipts) / BATCH,
        "validate twice": 2 * _ms(lambda: (schemas.validate("referral.request/1", body), schemas.text_findings(body))),
        "commit to the fields, both sides": 2 * _ms(lambda: compute_commitment(secret, data)),
        "canonical form, written and read": _ms(lambda: canon(body)) + _ms(lambda: parse(data, limit=100_000)),
        "seal and open at rest, both sides": 2
        * (_ms(lambda: aead_seal(cek, nonce, data, b"row")) + _ms(lambda: aead_open(cek, nonce, at_rest, b"row"))),
        "durable rows in groups": _rows(data),
    }


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
    """Return the CPU time of one call, the best of three series: other work on the machine only ever adds."""
    best = float("inf")
    for _ in range(3):
        begun = time.process_time()
        for _ in range(times // 3):
            work()
        best = min(best, time.process_time() - begun)
    return 1000 * best / (times // 3)


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
