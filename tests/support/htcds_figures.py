"""Print what becomes of twenty invented cases in each format and language, and of their drafts on the way back.

PYTHONPATH=.:tests python tests/support/htcds_figures.py
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from support.htcds_tables import CODE_PAGES, FORMATS, table_of

from gateway.mapping.case_system import htcds
from gateway.mapping.htcds import Circumstances, Fate, Given, give
from gateway.mapping.htcds_files import read_records, take_record, together

SENT = Circumstances(
    ours=True, sender="FR/focal-point", recipient="AL/focal-point", created=1_717_200_000, state="sent"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Drafts, what is asked as column and reason with its number of records, and the records of the way back."""

    guessed: str | None
    drafts: int
    asked: Sequence[tuple[str, str, int]]
    back: Sequence[Given]


def figures_of(folder: Path, language: str, kind: str) -> Figures:
    """Import the twenty cases from a file in `folder`, and make records of their drafts."""
    profile = htcds()
    path = folder / f"cases.{'csv' if kind.startswith('csv') else kind.split()[-1]}"
    path.write_bytes(table_of(language, kind))
    found = read_records(path, profile.known)
    taken = [take_record(profile, record) for record in found.records]
    asked = [
        (each.line.field, each.line.why.partition(":")[0], len(each.records))
        for each in together(taken)
        if each.line.fate is Fate.PERSON and each.line.field
    ]
    back = [give(profile, made.draft, SENT) for made in taken]
    return Figures(guessed=found.guessed, drafts=len(taken), asked=asked, back=back)


def main() -> None:
    """Print one line for each language and format."""
    for language in CODE_PAGES:
        for kind in FORMATS:
            with tempfile.TemporaryDirectory() as folder:
                found = figures_of(Path(folder), language, kind)
            asked = ", ".join(f"{column} {why} {count}" for column, why, count in found.asked if count < found.drafts)
            always = sum(count == found.drafts for _, _, count in found.asked)
            lost = sorted({line.place for given in found.back for line in given.lines if line.fate is Fate.LOST})
            print(
                f"{language} {kind:13} {found.guessed or 'stated':7} drafts {found.drafts} asked: {asked};"
                f" of all {always}; back {len(found.back)}, lost {lost or 'nothing'}"
            )


if __name__ == "__main__":
    main()
