"""The tables of docs/policy.md, docs/region-packs.md and docs/countries.md, printed from the region pack between two
markers.
"""

from __future__ import annotations

from pathlib import Path

from gateway.conversations.rules.disclosure import DisclosureStage
from gateway.policy.corridor import opened
from schemas.groups import field_groups
from schemas.reading import pick_label
from schemas.region_pack.policies import NO_PURPOSE
from schemas.region_pack.regions import Region, load_region

OPENING, CLOSING = "<!-- printed -->\n", "<!-- /printed -->"


def documents(docs: Path) -> dict[Path, str]:
    """The pages as they should be."""
    found = load_region("tact")
    return {
        docs / "policy.md": _with(docs / "policy.md", _policy(found)),
        docs / "region-packs.md": _with(docs / "region-packs.md", _procedure(found)),
        docs / "countries.md": _with(docs / "countries.md", _national(found)),
    }


def _with(page: Path, table: list[str]) -> str:
    before, opening, rest = page.read_text(encoding="utf-8").partition(OPENING)
    _, closing, after = rest.partition(CLOSING)
    if not opening or not closing:
        raise RuntimeError(f"{page.name} has no {OPENING.strip()} and {CLOSING} markers")
    return before + opening + "\n".join(table) + "\n" + closing + after


def _policy(found: Region) -> list[str]:
    """One row for each field group, one column for each purpose: b before acceptance, a only after it."""
    policy = found.policies["two-step"]
    rules = sorted(policy.rules, key=lambda rule: rule.purpose or "")
    rows = [f"| group | {' | '.join((rule.purpose or NO_PURPOSE).replace('_', ' ') for rule in rules)} |"]
    rows.append("|---|" + ":-:|" * len(rules))
    for name, group in field_groups().groups.items():
        marks = (
            "b"
            if name in opened(policy, rule, DisclosureStage.BEFORE_ACCEPTANCE)
            else "a"
            if name in opened(policy, rule, DisclosureStage.AFTER_ACCEPTANCE)
            else ""
            for rule in rules
        )
        rows.append(f"| `{name}`: {pick_label(group.title, 'en')} | {' | '.join(marks)} |")
    return rows


def _national(found: Region) -> list[str]:
    """One row for each fact, and what was not found of a country below them."""
    rows: list[str] = []
    for code, entry in found.national.items():
        rows += [
            "",
            f"**{code}**",
            "",
            "| about | what | source | confirmed by | look again by |",
            "|---|---|---|---|---|",
        ]
        for fact in entry.facts:
            source = fact.source if fact.year is None else f"{fact.source}, {fact.year}"
            rows.append(
                f"| `{fact.kind}` | {pick_label(fact.text, 'en')} | {source} | {fact.confirmed_by or 'nobody yet'} "
                f"| {fact.review_by} |"
            )
        rows += ["", f"Not found: {', '.join(entry.missing)}."]
    return rows[1:]


def _procedure(found: Region) -> list[str]:
    """One row for each step."""
    rows: list[str] = []
    for stage in found.procedure.stages:
        rows += [
            "",
            f"**{pick_label(stage.title, 'en')}**",
            "",
            "| step | side | responsible | messages | gates | clock |",
        ]
        rows.append("|---|---|---|---|---|---|")
        for step in stage.steps:
            messages = ", ".join(f"`{name}`" for name in step.messages) or "at the desk"
            when = "".join(f"; only if {fact}" for fact in sorted(step.only_if))
            rows.append(
                f"| {pick_label(step.title, 'en')}{when} | {step.side} | `{step.responsible}` | {messages} "
                f"| {' '.join(step.gates)} | {step.clock or ''} |"
            )
    return rows[1:]
