"""What the desk says to the pages of the directory and the guidance library, played."""

from __future__ import annotations

from typing import Any

from support.consoles import NODE

DAY = 86_400
SCRIPT = "<script>alert(1)</script>"

TEXT: dict[str, Any] = {
    "id": "withdrawal", "title": "When the person withdraws consent", "summary": "Record it at once.", "draft": True,
    "origin": "general", "stages": ["referral", "return"], "roles": ["case_manager"], "topics": ["consent", "data"],
    "countries": [], "version": 2, "written": "2026-11-27", "review_by": "2027-11-27", "overdue": False,
}  # fmt: skip
OWN_TEXT = TEXT | {
    "id": "lyon", "title": f"La cellule de Lyon {SCRIPT}", "origin": "own", "draft": False, "countries": ["FR"],
    "topics": ["law"], "overdue": True, "review_by": "2026-01-01",
}  # fmt: skip
WHOLE_TEXT = OWN_TEXT | {
    "body": f"Call **first**.\n\n1. One {SCRIPT}\n2. Two\n\n## After\n\n[law](https://example.org/law)",
    "body_language": "fr",
    "sources": [{"id": "law", "title": "Example law", "issuer": "Parliament", "year": None, "where": "gazette 1"}],
}
GUIDANCE: dict[str, Any] = {
    "guidance.list": {"texts": [TEXT, OWN_TEXT], "faults": []}, "guidance.search": {"texts": [OWN_TEXT]},
    "guidance.show": WHOLE_TEXT,
}  # fmt: skip
PATHS = ["/guidance", "/guidance?stage=return", "/guidance/lyon"]


def answers() -> dict[str, Any]:
    """Everything that these pages ask for."""
    return {**GUIDANCE, "node.show": NODE}
