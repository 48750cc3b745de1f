"""A case in a terminal: everything that is of it, one line for each thing, and nothing of what does not open."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.cli.cases.output import NOT_OPEN, show_case

LISTS = (
    *("conversations", "consents", "denials", "drafts", "asylum_holds", "legal_holds", "case_holds", "statuses"),
    *("roles", "blocks", "files", "group", "changes", "linked_questions"),
)
EMPTY: dict[str, Any] = {"id": "c1", "name": None, "number": None, "units": ["u"], **{name: [] for name in LISTS}}


def lines(capsys: pytest.CaptureFixture[str], **members: Any) -> list[str]:
    """What is printed of a case with these members."""
    show_case(EMPTY | members)
    return capsys.readouterr().out.splitlines()


def test_an_empty_case_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    """Its id and units, and that there is no conversation."""
    told = lines(capsys)
    assert any("c1" in line for line in told)
    assert "no conversation" in told


def test_each_thing_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """In words; a denial of everything is said as such, and what was before is marked."""
    told = lines(
        capsys,
        consents=[{"id": "k", "state": "in_force", "lapses": True}],
        denials=[
            {"purpose": None, "unit": None, "category": None, "consent": "k"},
            {"purpose": "referral", "unit": None, "category": "health", "consent": "k"},
        ],
        statuses=[{"on": "2026-01-02", "country": "AL", "status": "identified", "body": None, "now": False}],
        roles=[{"on": "2026-01-02", "role": "guardian", "ended": True}],
        blocks=[{"name": None, "person": None, "unit": "u", "reason": "r"}],
        files=[{"message": "m", "part": 0, "media_type": "application/pdf", "size": 3}],
        group=[{"relation": "sibling", "other": "c2", "name": None}],
        linked_questions=[{"about": "c2", "states": ["AL", "XK"], "said": 1}],
    )
    assert told[-9:] == [
        "consent  k  in_force  ends within a week, or has ended",
        "denied  all of it  (consent k)",
        "denied  purpose referral, category health  (consent k)",
        "asked  fears of c2  AL, XK  1 of 2 said no",
        "status  2026-01-02  AL  identified  -  (before)",
        "role  2026-01-02  guardian  has ended",
        "kept out  u: r",
        "file  m 0  application/pdf  3 bytes",
        "sibling  c2",
    ]


def test_what_does_not_open_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged row is not left out, and not shown."""
    told = lines(
        capsys,
        consents=[{"id": None, "state": "withdrawn", "lapses": False}],
        drafts=[{"id": "d", "type": None, "state": "open"}],
        legal_holds=[{"conversation": None, "ground": "trial", "until": "2027-01-01"}],
    )
    assert told[-3:] == [
        f"consent  {NOT_OPEN}  withdrawn",
        f"draft  d  {NOT_OPEN}  open",
        f"legal hold  {NOT_OPEN}  trial until 2027-01-01",
    ]
