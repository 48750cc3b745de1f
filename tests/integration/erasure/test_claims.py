"""A case that is closed while a claim is open, between two real nodes: it is kept on both sides (domain 10.17)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from support.nodeproc import UNIT
from support.pair import Party, Two, example, two_nodes

import schemas
from keys.primitives.encoding import b64u

CASE, CONSENT = b64u(b"conversation one"[:16]), b64u(b"consent consent."[:16])
ALL = [code.code for code in schemas.code_list("data_category").codes]
DAY = 86_400


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    """Two nodes, paired and serving."""
    async with two_nodes(tmp_path) as made:
        yield made


async def say(two: Two, party: Party, body_type: str, purpose: str, reply_to: str | None = None, **said: Any) -> str:
    """Send a message of the case and wait until the other side has it; its id."""
    role = "national_focal_point"
    request = example(body_type, "AL" if party is two.fr else "FR", consent_ref=CONSENT, sender_role=role)
    request |= {"purpose": purpose, "conversation": CASE, "content": request["content"] | said}
    request |= {} if reply_to is None else {"in_reply_to": reply_to}
    id = str((await party.call("message.submit", **request))["id"])

    async def there() -> bool:
        return bool(await party.state(id) in ("awaiting_opening", "opened"))

    await two.until(there, seconds=30)
    return id


async def closed(two: Two, claims: dict[str, Any]) -> None:
    """A referral that was accepted, and closed by both."""
    content = example("consent.record/1", "AL")["content"]
    units = [f"{name}/{UNIT}" for name in ("AL", "FR")]
    grants = [
        {"purpose": purpose, "recipient_units": units, "data_categories": ALL, "until": "2027-12-31"}
        for purpose in ("referral", "assistance")
    ]
    said = content | {"consent_id": CONSENT, "grants": grants}
    await two.fr.call("consent.record", by="w-1", number="fr-7f3a", content=said)
    request = await say(two, two.fr, "referral.request/1", "referral")
    await say(two, two.al, "referral.accept/1", "referral", request)
    closure = await say(two, two.fr, "case.closure/1", "assistance", claims=claims)
    answer = {"answer": "agree", "note": "agreed"}
    await say(two, two.al, "closure.response/1", "assistance", closure, **answer)


async def verdicts(party: Party) -> set[tuple[str, str | None]]:
    """What a dry run of retention says of the messages, by verdict and rule."""
    report = (await party.call("retention.run", dry_run=True))["report"]
    return {(line["verdict"], line["rule"]) for line in report}


@pytest.mark.parametrize(
    ("claims", "verdict"),
    [
        ({"asked": "open", "care": "kept", "kept_until": "2030-10-20"}, "held"),
        ({"asked": "time_runs", "care": "copy_given"}, "erase"),
    ],
)
async def test_finding_a12_a_claim_keeps_a_closed_case_on_both_sides(
    two: Two, claims: dict[str, Any], verdict: str
) -> None:
    """A year later it would be erased; until the day that the closure names, nothing of it is."""
    await closed(two, claims)
    for party in two:
        assert {what for what, _ in await verdicts(party)} == {"keep"}
    two.clock.advance(366 * DAY)
    for party in two:
        assert (verdict, "closed") in await verdicts(party)
