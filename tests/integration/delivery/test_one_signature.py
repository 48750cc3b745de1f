"""What one request costs: one signature and one verification each way, however many messages are in it (nrm1 1.18)."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.pair import Spoiler, Two, two_nodes

from gateway.evidence.build import verify
from gateway.foundation.ids import KeyId
from keys.keystore.keystore import Keystore
from keys.primitives import batch as batches
from keys.primitives.batch import Unsigned
from keys.primitives.encoding import canon, unb64u
from keys.primitives.hybrid_keys import PublicKey


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


@pytest.mark.parametrize("count", [1, 8, 32])
async def test_a_request_costs_one_signature_and_one_verification_each_way(
    two: Two, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """The sender signs its statements together, the receiver verifies that once, and answers by one signature over all
    receipts, which the sender verifies once.
    """
    wire = Spoiler(two.fr)
    wire.away = True
    two.al.system.busy = 1_000  # nothing is handed over, so nothing but the answer is signed
    ids = [await two.fr.submit(f"m-{number}") for number in range(count)]
    await two.calm()
    signed: list[tuple[str, int]] = []
    verified: Counter[KeyId] = Counter()
    sign, check = Keystore.sign_batch, batches.verify

    def signing(keys: Keystore, documents: Sequence[Unsigned]) -> Any:
        signed.append((keys.node, len(documents)))
        return sign(keys, documents)

    def verifying(public: PublicKey, *rest: Any) -> None:
        verified[public.kid] += 1
        check(public, *rest)

    monkeypatch.setattr(Keystore, "sign_batch", signing)
    monkeypatch.setattr(batches, "verify", verifying)
    wire.away = False

    async def received() -> bool:
        return {await two.fr.state(id) for id in ids} == {"awaiting_handover"}

    await two.until(received, seconds=120)
    fr, al = (party.running for party in (two.fr, two.al))
    assert [len(asked) for asked in wire.envelopes()] == [count]
    assert signed == [(fr.own.node, count), (al.own.node, count)]
    assert verified == {fr.keys.sig_kid: 1, al.keys.sig_kid: 1}


async def test_what_was_signed_together_is_evidence_of_each_conversation_alone(two: Two) -> None:
    """Two conversations under one signature: both nodes export each of them without a trace of the other."""
    wire = Spoiler(two.fr)
    wire.away = True
    ids = [await two.fr.submit(f"m-{number}") for number in range(2)]
    await two.calm()
    wire.away = False

    async def opened() -> bool:
        return {await two.fr.state(id) for id in ids} == {"awaiting_opening"}

    await two.until(opened, seconds=120)
    assert [len(asked) for asked in wire.envelopes()] == [2]
    anchors = {party.running.own.descriptor.fingerprint for party in (two.fr, two.al)}
    for id, other in (ids, ids[::-1]):
        made = []
        for party in (two.fr, two.al):
            shown = await party.show(id)
            bundle = await party.call("evidence.export", id=shown["conversation"])
            payloads = [unb64u(one["payload"]) for one in (*bundle["messages"][0]["statements"], *bundle["receipts"])]
            assert not [text for text in (canon(bundle), *payloads) if other.encode() in text]
            report = verify(canon(bundle), anchors)
            assert [status for status, _ in report.messages[0].statuses] == ["received", "delivered"]
            made.append(bundle | {"log": None})
        assert made[0] == made[1]
