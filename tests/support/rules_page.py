"""The tables of docs/domain/rules.md: rules with their law and test, legal statuses, adequacy decisions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from support.pages import put_between

from schemas.codelists import code_list
from schemas.law.adequacy import list_decisions
from schemas.law.legal_status import load_legal_statuses

PAGE, DATA = Path("docs/domain/rules.md"), Path("docs/domain/rules.json")


def load_rules(root: Path) -> list[dict[str, Any]]:
    """The rows of the rules, in the order of their findings."""
    rules: list[dict[str, Any]] = json.loads((root / DATA).read_text(encoding="utf-8"))["rules"]
    return rules


def load_left(root: Path) -> list[dict[str, Any]]:
    """What of the review is done in part, otherwise or not, in the order of its findings."""
    left: list[dict[str, Any]] = json.loads((root / DATA).read_text(encoding="utf-8"))["left"]
    return left


def document(root: Path) -> str:
    """The text of the page with its tables between their markers."""
    text = (root / PAGE).read_text(encoding="utf-8")
    for marker, rows in (
        ("rules", _rules(root)),
        ("statuses", _statuses()),
        ("adequacy", _adequacy()),
        ("left", _left(root)),
    ):
        text = put_between(text, marker, list(rows))
    return text


def _rules(root: Path) -> Iterator[str]:
    chapters = _chapters(root)
    yield from ("| finding | rule | from | kept by | test |", "|---|---|---|---|---|")
    for row in load_rules(root):
        told = f"{row['rule']} ({_link(chapters, row['clause'])})"
        yield f"| {row['finding']} | {told} | {'; '.join(row['from'])} | {', '.join(row['kept'])} | `{row['test']}` |"


def _left(root: Path) -> Iterator[str]:
    chapters = _chapters(root)
    yield from ("| finding | done | what | why |", "|---|---|---|---|")
    for row in load_left(root):
        what = f"{row['what']} ({_link(chapters, row['clause'])})"
        yield f"| {row['finding']} | {row['state']} | {what} | {row['why']} |"


def _chapters(root: Path) -> dict[str, str]:
    """The page of each chapter by its number."""
    return {page.read_text(encoding="utf-8")[2:].partition(".")[0]: page.name for page in _pages(root)}


def _link(chapters: dict[str, str], clause: str) -> str:
    return f"[{clause}]({chapters[clause.partition('.')[0]]}#{clause})"


def _pages(root: Path) -> list[Path]:
    return [page for page in sorted((root / PAGE).parent.glob("*.md")) if page.name != "README.md"]


def _statuses() -> Iterator[str]:
    found = load_legal_statuses()
    yield from (
        "| status | to a feared State (G5) | return by a decision (G8) | why | source |",
        "|---|---|---|---|---|",
    )
    for code, status in found.items():
        opens = "open" if status.returnable else "a transfer within the EU alone" if status.transferable else "closed"
        label = code_list("legal_status").label(code)
        sent = "nothing goes" if status.protected else "as the hold says"
        yield f"| `{code}`: {label} | {sent} | {opens} | {status.why} | {status.source} |"


def _adequacy() -> Iterator[str]:
    yield from ("| country | under | decision | from | to | for | seen in |", "|---|---|---|---|---|---|---|")
    laws = {"gdpr": "GDPR", "led": "Directive (EU) 2016/680"}
    for one in list_decisions():
        since, until = (day.isoformat() if day else "" for day in (one.since, one.until))
        whom = f"{one.only} alone: nobody here" if one.only else ""
        yield f"| {one.country} | {laws[one.law]} | {one.decision} | {since} | {until} | {whom} | {one.source} |"
