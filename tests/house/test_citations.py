"""What code, tests and pages cite can be opened: each clause, threat, decision and domain rule is there, once."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from support.house import ROOT, tracked

READ = {".py", ".md", ".html", ".toml", ".json", ".po"}
ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
HEADING = re.compile(r'^### <a id="(\d+\.\d+)"></a>(\d+\.\d+) \S', re.MULTILINE)
CITED = {
    "nrm1": re.compile(r"\bnrm1 (\d+(?:\.\d+)?\b(?:(?:, | and | or | to )\d+\.\d+\b)*)"),
    "threat": re.compile(r"\bthreats? (\d+(?:(?:, | and | or | to )\d+)*)\b"),
    "ADR": re.compile(r"\bADR (\d{4}(?:(?:, | and | or | to )\d{4})*)\b"),
    "domain": re.compile(r"\bdomain (\d+\.\d+(?:(?:, | and | or | to )\d+\.\d+)*)\b"),
}
LINKED = re.compile(r"\[([^]]*)\]\(([^)#\s]*\.md)?#([\w.-]+)\)")


def pages(folder: str) -> list[Path]:
    """The pages directly in a folder of docs/, none where it is not there yet."""
    return sorted((ROOT / "docs" / folder).glob("*.md"))


@cache
def anchors(path: Path) -> list[str]:
    """Every anchor that a page sets, in order."""
    return ANCHOR.findall(path.read_text(encoding="utf-8"))


@cache
def places() -> dict[str, dict[str, int]]:
    """How often each thing that can be cited is there, by its kind."""
    found: dict[str, dict[str, int]] = {kind: {} for kind in CITED}

    def put(kind: str, name: str) -> None:
        found[kind][name] = found[kind].get(name, 0) + 1

    for kind, folder in (("nrm1", "spec"), ("domain", "domain")):
        for page in pages(folder):
            for name in anchors(page):
                put(kind, name)
            chapter = re.match(r"# (\d+) ", page.read_text(encoding="utf-8"))
            if chapter is not None:
                put(kind, chapter[1])
    for name in anchors(ROOT / "docs" / "threat-model.md"):
        put("threat", name.removeprefix("t"))
    for page in pages("adr"):
        put("ADR", page.name[:4])
    return found


def cited(text: str) -> list[tuple[str, str]]:
    """Each thing that a text cites, the ends of a range among them: ("nrm1", "5.3")."""
    flat = re.sub(r"\s+(?:#\s*|\|\s*|\*\s*)?", " ", text)
    return [
        (kind, name)
        for kind, form in CITED.items()
        for found in form.findall(flat)
        for name in re.findall(r"\d+(?:\.\d+)?", found)
    ]


def texts() -> list[tuple[Path, str]]:
    """Every tracked file that people write, but the vectors, whose text is bytes of others, and this one."""
    return [
        (path, path.read_text(encoding="utf-8"))
        for path in tracked()
        if path.suffix in READ and "vectors" not in path.parts[:-1] and path != Path(__file__)
    ]


def test_every_citation_opens():
    """A cited clause, threat, decision or domain rule is there exactly once."""
    wrong = [
        f"{path.relative_to(ROOT)}: {kind} {name}"
        for path, text in texts()
        for kind, name in cited(text)
        if places()[kind].get(name, 0) != 1
    ]
    assert wrong == []


def test_every_link_to_an_anchor_opens():
    """A link into a page of numbered rules names an anchor that is there once; a number in its text is that anchor."""
    wrong = []
    for path, text in texts():
        for words, page, name in LINKED.findall(text) if path.suffix == ".md" else ():
            there = (path.parent / page).resolve() if page else path
            if not (there.parent.name in ("spec", "domain") or there.name == "threat-model.md"):
                continue
            number = re.fullmatch(r"(?:nrm1 |domain |threat )?(\d+(?:\.\d+)?)", words)
            if anchors(there).count(name) != 1 or (number is not None and number[1] != name.removeprefix("t")):
                wrong.append(f"{path.relative_to(ROOT)}: {page}#{name}")
    assert wrong == []


def test_clauses_are_numbered_in_their_page():
    """Clauses of a page carry its chapter, count up from 1 without a hole, and their heading says the same number."""
    wrong = []
    for page in pages("spec"):
        chapter = re.match(r"# (\d+) ", page.read_text(encoding="utf-8"))
        found = HEADING.findall(page.read_text(encoding="utf-8"))
        wanted = [f"{chapter[1]}.{n}" for n in range(1, len(found) + 1)] if chapter is not None else []
        if [(name, name) for name in wanted] != found or anchors(page) != wanted:
            wrong.append(page.name)
    assert wrong == []


def test_a_citation_of_nothing_is_seen():
    """The scan reads lists, ranges and broken lines, and an invented clause is nowhere."""
    text = 'nrm1 4.8 to 4.10,\n    nrm1 1.3 and 99.1; (threats 3, 27), ADR 0003; """domain 4.2"""'
    assert cited(text) == [
        *(("nrm1", name) for name in ("4.8", "4.10", "1.3", "99.1")),
        *(("threat", name) for name in ("3", "27")),
        ("ADR", "0003"),
        ("domain", "4.2"),
    ]
    assert "99.1" not in places()["nrm1"]
    assert places()["nrm1"]["4.10"] == 1


OLD = re.compile(
    r"\bPROTOCOL (?:part )?(?:[ABCD]\.? ?\d|0\b)|\bPROTOCOL,? (?:\"|$)|\((?:[^()]*; )?PROTOCOL$"
    r"|\bDESIGN(?: decision)? \d|\bDESIGN(?:$|:)|\bDOMAIN \d|\bpart [A-E] rows?\b|\bpart C\b"
    r"|\bPEERS [LM]\d|\bECOSYSTEM\b|\bSTYLE(?:\.md)? \d|\b[Ss]how [A-J]\b|\bB14\.\d"
    r"|(?<![\w\"'>=/#.,])B(?:1\.[1-7]|8a|12 ?[ad])\b"
    r"|(?<=[(\"; ])B(?:[1-9]|1[0-4])(?= Numbering| step|, [Vv]oid| [cd]\b|: [a-z]|; |, B\d|\)[.;:,\"]|\)$)",
    re.MULTILINE,
)
PRINTED = re.compile(r"^(?:schemas/(?:labels|published)/.*|schemas/fragments/types\.json|docs/messages/README\.md)$")
"""A word of a published schema, and what is printed or translated from it: it changes with the next revision only."""


def test_no_citation_of_the_old_forms_is_left():
    """Nothing cites a page that is not in the repository."""
    wrong = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path, text in texts()
        if not PRINTED.match(path.relative_to(ROOT).as_posix())
        for found in OLD.finditer(text)
    ]
    assert wrong == []
