"""The pages of the domain: clauses that can be cited, each with its source, and nothing of the catalogue forgotten."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from support.house import ROOT

from schemas.catalogue import load_catalogue
from schemas.clocks import Duration, Unit, load_clocks
from schemas.retention import load_retention

FOLDER = ROOT / "docs" / "domain"
INDEX = FOLDER / "README.md"
CHAPTER = re.compile(r"^\| (\d+) \| \[[^\]]+\]\(([a-z]+\.md)\) \|", re.MULTILINE)
HEADING = re.compile(r"^## (\d+\.\d+) \S", re.MULTILINE)
ANCHOR = re.compile(r'^<a id="([^"]+)"></a>\n## (\S+) ', re.MULTILINE)
ANY_ANCHOR = re.compile(r'<a id="([^"]+)">')
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
OWN = "this project: "


class Clause(NamedTuple):
    """A numbered rule and the text below its heading."""

    number: str
    text: str


def chapters() -> dict[int, Path]:
    """The page of each chapter, as the index lists them."""
    return {int(number): FOLDER / name for number, name in CHAPTER.findall(INDEX.read_text(encoding="utf-8"))}


def clauses(text: str) -> list[Clause]:
    """The clauses of a page in their order."""
    parts = HEADING.split(text)[1:]
    return [Clause(number, body) for number, body in zip(parts[::2], parts[1::2], strict=True)]


def sources(clause: Clause) -> list[str]:
    """The parts of the source line of a clause; none where it has no such line, or more than one."""
    found = re.findall(r"^Source: (.+?)(?:\n\n|\n*\Z)", clause.text, re.MULTILINE | re.DOTALL)
    return re.split(r";\s+", " ".join(found[0].split()).removesuffix(".")) if len(found) == 1 else []


def short_names() -> set[str]:
    """The names under which documents are cited, from the table of the index."""
    table = INDEX.read_text(encoding="utf-8").partition("| short name |")[2].partition("\n\n")[0]
    return {row.split(" | ")[0].removeprefix("| ") for row in table.splitlines()[2:]}


def unfounded(clause: Clause, known: set[str]) -> list[str]:
    """What is wrong in the sources of a clause: no line, an unknown document, our own decision without a reason."""
    listed = sources(clause)
    names = tuple(known)
    bad = [
        part
        for part in listed
        if not (part.startswith(names) or (part.startswith(OWN) and len(part.removeprefix(OWN)) > 2))
    ]
    return bad if listed else [f"{clause.number} has no source line"]


def test_the_index_lists_every_page():
    """Chapters are numbered from 1 without a hole, and each page of the folder is one of them."""
    listed = chapters()
    assert list(listed) == list(range(1, len(listed) + 1))
    assert sorted(listed.values()) == sorted(set(FOLDER.glob("*.md")) - {INDEX})
    for number, page in listed.items():
        assert page.read_text(encoding="utf-8").startswith(f"# {number}. "), page.name


def test_clauses_are_numbered_in_order_and_have_anchors():
    """The clauses of a chapter are N.1, N.2 and so on; each has its own number as anchor in the line before."""
    for number, page in chapters().items():
        text = page.read_text(encoding="utf-8")
        found = [clause.number for clause in clauses(text)]
        assert found == [f"{number}.{place}" for place in range(1, len(found) + 1)], page.name
        assert [pair for pair in ANCHOR.findall(text) if pair[0] != pair[1]] == []
        assert [anchor for anchor, _ in ANCHOR.findall(text)] == ANY_ANCHOR.findall(text) == found, page.name
        assert len(re.findall(r"^##+ ", text, re.MULTILINE)) == len(found), f"{page.name} has a heading without number"


def test_each_clause_names_its_source():
    """Every part of a source line begins with a document of the index or says why this project decided so."""
    known = short_names()
    found = [clause for page in chapters().values() for clause in clauses(page.read_text(encoding="utf-8"))]
    assert {clause.number: bad for clause in found if (bad := unfounded(clause, known))} == {}


def test_each_document_of_the_index_is_cited():
    """A document that no clause rests on has no row."""
    cited = [part for page in chapters().values() for c in clauses(page.read_text("utf-8")) for part in sources(c)]
    assert {name for name in short_names() if not any(part.startswith(name) for part in cited)} == set()


@pytest.mark.parametrize(
    "body",
    [
        "A rule.\n",
        "A rule.\n\nSource: Somewhere, article 3.\n",
        "A rule.\n\nSource: GDPR article 5; common sense.\n",
        "A rule.\n\nSource: GDPR article 5; this project: .\n",
        "A rule.\n\nSource: GDPR article 5.\n\nSource: GDPR article 6.\n",
    ],
    ids=["no source", "unknown", "one of two unknown", "no reason", "two lines"],
)
def test_a_clause_without_foundation_is_found(body):
    """The check of sources sees what it is there for."""
    assert unfounded(Clause("1.1", body), {"GDPR"}) != []
    assert unfounded(Clause("1.1", "A rule.\n\nSource: GDPR article 5;\nthis project: 3 days.\n"), {"GDPR"}) == []


def test_every_link_opens():
    """A link leads to a file that is there, and its anchor to a clause that the file has."""
    for page in sorted(FOLDER.glob("*.md")):
        for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
            path = page.parent / target if target else page
            assert path.exists(), f"{page.name}: {target}"
            if anchor:
                assert anchor in ANY_ANCHOR.findall(path.read_text(encoding="utf-8")), f"{page.name}: {target}#{anchor}"
                assert path.parent == FOLDER, f"{page.name}: an anchor outside the folder is not looked up"


def test_every_gate_is_a_clause():
    """Clause n of the chapter about gates is gate Gn, for all fifteen."""
    headings = re.findall(r"^## 3\.(\d+) G(\d+): ", (FOLDER / "gates.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [(str(n), str(n)) for n in range(1, 16)]


def test_every_message_type_is_named():
    """The chapter about messages has every type of the catalogue in a heading."""
    headings = " ".join(re.findall(r"^## .*$", (FOLDER / "messages.md").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"`([a-z._]+)`", headings))
    assert {entry.body_type.partition("/")[0] for entry in load_catalogue().types} - named == set()


UNITS = {Unit.HOURS: "h", Unit.DAYS: "days", Unit.WORKING_DAYS: "wd"}
PRIORITIES = ("emergency", "urgent", "normal")


def text_of(number: str) -> str:
    """The text of one clause."""
    page = chapters()[int(number.partition(".")[0])]
    return next(clause.text for clause in clauses(page.read_text(encoding="utf-8")) if clause.number == number)


def rows(text: str) -> list[list[str]]:
    """The cells of the tables of a text, without headings and rules."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in ("clock", "row", "what")]


def codes(cell: str) -> list[str]:
    """The code words of a cell."""
    return re.findall(r"`([a-z_.]+)`", cell)


def test_the_clocks_are_those_of_the_data():
    """Clause 5.4 has every clock with its durations."""

    def told(duration: Duration) -> str:
        return f"{duration.count} {UNITS[duration.unit]}"

    expected = {}
    for name, clock in load_clocks().items():
        cases = clock.durations
        if set(cases) == set(PRIORITIES):
            expected[name] = [told(cases[case]) for case in PRIORITIES]
        elif cases:
            expected[name] = [", ".join(told(d) if case == "any" else f"{case} {told(d)}" for case, d in cases.items())]
        else:
            expected[name] = ["named in the message"]
    assert {codes(first)[0]: rest for first, *rest in rows(text_of("5.4"))} == expected


def test_the_days_of_retention_are_those_of_the_data():
    """Clause 10.2 has each number of days that a rule has, and no other."""
    told = re.findall(r"(\d+) days", " ".join(rest for _, rest in rows(text_of("10.2"))))
    assert sorted({int(days) for days in told}) == sorted({rule.days for rule in load_retention().rules if rule.days})


def test_the_types_never_blocked_are_those_of_the_catalogue():
    """Clause 3.10 names exactly what passes every gate."""
    named = {code for code in codes(text_of("3.10")) if "." in code}
    assert named == {entry.body_type.partition("/")[0] for entry in load_catalogue().types if entry.never_blocked}


def test_the_rows_of_a_referral_are_those_of_the_machine():
    """Clause 4.5 has the numbered rows of `docs/state-machines.md`, which is printed from the code."""
    page = (ROOT / "docs" / "state-machines.md").read_text(encoding="utf-8").partition("\n## Referral")[2]
    printed = page.partition("\n## ")[0]
    moves = re.findall(r"^\| `(\w+)` \| `\w+` \| (?:`(\w+)`|\(stays\)) \| (\d+), ", printed, re.MULTILINE)
    told = {
        (number, source, target.strip("`"))
        for number, sources, _, target, *_ in rows(text_of("4.5"))
        for source in codes(sources)
    }
    assert told == {(number, source, target or source) for source, target, number in moves}
