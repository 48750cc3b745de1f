"""What the desk says when a person's own copy is made, played: everything on it that can be."""

from __future__ import annotations

from typing import Any

from support.consoles import NOW
from support.played_cases import SHOWN

SAID: dict[str, Any] = {
    "at": NOW - 900,
    "direction": "out",
    "peer": "AL",
    "country": "AL",
    "kind": "referral.request/1",
    "purpose": "referral",
    "categories": ["health_mental", "image"],
    "opened": NOW - 600,
    "retain_until": "2027-06-30",
    "erased": False,
}
GONE = SAID | {"kind": None, "purpose": None, "categories": [], "opened": None, "retain_until": None, "erased": True}
COPY: dict[str, Any] = {
    "now": NOW,
    "number": "FR-2026-0412",
    "references": [{"peer": "AL", "reference": "K7P-4QD <b>"}],
    "consents": SHOWN["consents"],
    "denials": SHOWN["denials"],
    "said": [SAID, SAID | {"direction": "in", "kind": "info.request/1", "opened": None}, GONE],
    "seen": [
        {"unit": "focal-point", "first": NOW - 90_000, "last": NOW},
        {"unit": None, "first": NOW - 90_000, "last": NOW - 90_000},
    ],
}
