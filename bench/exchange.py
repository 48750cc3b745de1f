"""A node of another commit and one of this tree exchange messages both ways: a network is never upgraded in one night.

The receiver of the pair is made and run by the code of the other commit, the sender by that of this tree; both submit,
and both hand over. What counts is that each message has its `delivered` receipt and lies once in the drop folder of the
other side. The consents that nodes send before the first referrals of a case lie there, too, and are not counted.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bench.against import unpack
from bench.clients import Client, Exchange, connect
from bench.load import find_ms
from bench.pair import RECEIVER, SENDER, Pair
from bench.work import make_referral
from gateway.ports import Json

CLIENTS = 8


def run(commit: str, *, messages: int) -> int:
    """Exchange so many messages each way, print what arrived, and return 1 if one is missing or there twice."""
    with tempfile.TemporaryDirectory(prefix="trm-bench-") as made:
        tree = Path(made)
        unpack(commit, tree)
        with Pair(trees={RECEIVER: tree}, both=True) as pair:
            back = make_referral(SENDER, pair.record_consent(RECEIVER, (SENDER,)))
            requests = {SENDER: pair.referral, RECEIVER: back}
            done = asyncio.run(_exchange(pair, requests, messages))
            arrived = {name: count_arrived(pair.incoming(name)) for name in (SENDER, RECEIVER)}
    versions = {SENDER: "this tree", RECEIVER: commit}
    whole = True
    for name, other in ((SENDER, RECEIVER), (RECEIVER, SENDER)):
        times = sorted(one.delivered for one in done[name])
        found = {one.id: arrived[other][one.id] for one in done[name] if one.id in arrived[other]}
        doubled = sum(count > 1 for count in found.values())
        whole &= len(times) == len(found) == messages and not doubled
        print(
            f"{versions[name]} to {versions[other]}: {messages} submitted, {len(times)} with a `delivered` receipt, "
            f"{len(found)} in the drop folder, {messages - len(found)} lost, {doubled} doubled; "
            f"p50 {find_ms(times, 50):.0f} ms, p99 {find_ms(times, 99):.0f} ms"
        )
    return 0 if whole else 1


async def _exchange(pair: Pair, requests: Mapping[str, Mapping[str, Json]], messages: int) -> dict[str, list[Exchange]]:
    """Let both nodes submit at the same time, and wait until everything is delivered."""

    async def one_way(name: str) -> list[Exchange]:
        done, left = list[Exchange](), iter(range(messages))

        async def submit(client: Client) -> None:
            for _ in left:
                done.append(await client.exchange())

        async with connect(pair, name, requests[name]) as client:
            await asyncio.gather(*(submit(client) for _ in range(CLIENTS)))
        return done

    return dict(zip(requests, await asyncio.gather(*map(one_way, requests)), strict=True))


def count_arrived(incoming: Path) -> Counter[str]:
    """Count by id what lies in a drop folder."""
    return Counter(json.loads(path.read_text())["message_id"] for path in incoming.glob("[!.]*.json"))
