"""A consent that a person at FR records, and a referral to AL that relies on it."""

from __future__ import annotations

from typing import Any

from support.nodeproc import UNIT
from support.pair import Two, example

from keys.primitives.encoding import b64u

CONSENT = b64u(b"consent consent."[:16])


def record_of(unit: str) -> dict[str, Any]:
    """What a person consented to: a grant for the referral and one for another purpose, both for one unit."""
    content = example("consent.record/1", "AL")["content"]
    content["consent_id"] = CONSENT
    categories = ["identity", "contact", "exploitation", "needs", "immigration", "risk"]
    content["grants"] = [
        {"purpose": purpose, "recipient_units": [unit], "data_categories": categories, "until": "2027-11-30"}
        for purpose in ("referral", "monitoring")
    ]
    return dict(content)


def referral() -> dict[str, Any]:
    """A small referral that relies on it."""
    request = example("referral.request/1", "AL", consent_ref=CONSENT)
    return request | {"purpose": "referral", "conversation": b64u(b"conversation one"[:16])}


async def recorded(two: Two) -> None:
    """A person at FR records the consent."""
    await two.fr.call("consent.record", by="w-1", number="fr-7f3a", content=record_of(f"AL/{UNIT}"))


def types(two: Two) -> list[str]:
    """What AL's case system was given, by type."""
    return [delivery.type for delivery in two.al.deliveries()]
