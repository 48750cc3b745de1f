"""The tables of labels, contexts and signed types in the specification, as the code has them (nrm1 1.7, 1.11)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from support.pages import put_between

from keys.primitives.domains import CONTEXTS, LABELS, SIGNED, Domain, SignedType

PAGE = Path("docs/spec/encodings.md")


def document(root: Path) -> str:
    """The text of the page with both tables between their markers."""
    pages = {file.name: file.read_text(encoding="utf-8") for file in sorted((root / PAGE).parent.glob("*.md"))}
    text = put_between(pages[PAGE.name], "domains", _domains(pages))
    return put_between(text, "signed", _signed(pages))


def _domains(pages: Mapping[str, str]) -> list[str]:
    head = ["| | name | of | clause |", "|---|---|---|---|"]
    kinds: tuple[tuple[str, Mapping[str, Domain]], ...] = (("label", LABELS), ("context", CONTEXTS))
    return head + [
        f"| {kind} | `{name}` | {domain.of} | {_link(pages, domain.clause)} |"
        for kind, table in kinds
        for name, domain in table.items()
    ]


def _signed(pages: Mapping[str, str]) -> list[str]:
    head = ["| payload type | payload | signed by | signatures |", "|---|---|---|---|"]
    return head + [
        f"| `{name}` | `{each.payload}`, {_link(pages, each.clause)}"
        f"{'' if each.issued else '; first form, read only where [1.17](#1.17) says'} | {each.by} |"
        f" {_signatures(each)} |"
        for name, each in SIGNED.items()
    ]


def _signatures(each: SignedType) -> str:
    if each.batched:
        return "none of its own: [1.18](#1.18)"
    return "1" if each.most == 1 else f"1 to {each.most}"


def _link(pages: Mapping[str, str], clause: str) -> str:
    """A link to a clause; a clause that is in no page is an error."""
    (page,) = (name for name, text in pages.items() if f'<a id="{clause}"></a>' in text)
    return f"[{clause}]({'' if page == PAGE.name else page}#{clause})"
