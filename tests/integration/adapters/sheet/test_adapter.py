"""A workbook of many rows at a real node: what is good becomes drafts, what is not is told at its cell, in French."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.benches import sheet_cells
from support.linelists import Row, fill
from support.patience import PATIENCE
from support.running import asked, running, until

FAULTS: list[tuple[str, object, str, str]] = [
    ("Gender", "au choix", "unmapped_code", "cette valeur ne figure dans aucune liste"),
    ("Staff Reference", 17, "number_in_id_column", "un nombre perd ses zéros initiaux"),
    ("Working Name", '="Case" & 1', "uncached_formula", "une formule n’est pas calculée ici"),
    ("Retain Until", 45_000, "number_in_date_column", "mettre la colonne au format date"),
    ("Ready to Refer", "peut-être", "bad_mark", "écrire Oui ou Non"),
    ("Recipient", "Atlantis", "unknown_peer", "aucun pays ou nœud de ce nom"),
    ("Trafficking Status Decision Making Organization", None, "required", "ceci doit être rempli"),
    ("Recipient Unit", "Point focal !", "pattern", "la forme de cette valeur est incorrecte"),
]
"""One for each tenth row of the office, in turn: label, what stands there, rule, first words of what is told."""


def _spoil(number: int, row: Row) -> None:
    if number % 10 == 0:
        label, value, _, _ = FAULTS[number // 10 % len(FAULTS)]
        row[label] = value


def _sheet(source: Path) -> Callable[[Path], None]:
    """Change the settings of the French node: its case system is the workbook of an office."""

    def prepare(folder: Path) -> None:
        if folder.name != "FR":
            return
        toml = folder / "node.toml"
        kept = toml.read_text(encoding="utf-8").partition("[adapter]")[0]
        section = f'[adapter]\nkind = "sheet"\npath = "{source}"\nlanguage = "fr"\npoll_seconds = 1\n'
        toml.write_text(kept + section, encoding="utf-8")

    return prepare


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.deep)])
async def test_a_line_list_of_many_rows(tmp_path: Path, count: int) -> None:
    """Each good row is a draft, each fault has its cell, column and French words, and nothing is sent; time and memory
    are printed.
    """
    office = tmp_path / "office"
    office.mkdir(mode=0o700)
    fill(tmp_path / "cas.xlsx", "fr", count, _spoil)
    results, bad = office / "trm-results.xlsx", count // 10
    async with running(tmp_path, {"FR": None, "AL": None}, prepare=_sheet(office / "cas.xlsx")) as nodes:
        node = nodes["FR"]
        chain = await asked(nodes["AL"], "node.pairing", {})
        await asked(node, "peer.add", {"chain": chain})
        before, began = _peak(), time.monotonic()
        (tmp_path / "cas.xlsx").rename(office / "cas.xlsx")
        told: list[list[str]] = []

        async def done() -> bool:
            told[:] = sheet_cells(results).get("Dossiers", [])[1:] if results.exists() else []
            return len({row[0] for row in told}) == count

        await until(done, seconds=max(PATIENCE, count / 10))
        took = time.monotonic() - began
        query = "SELECT state, count(*) FROM draft GROUP BY state"
        assert await node.store.read(lambda c: [tuple(row) for row in c.exec_driver_sql(query)]) == [
            ("waiting", count - bad)
        ]
        assert (await asked(node, "message.list", {"limit": 10}))["messages"] == []
        assert not await nodes["AL"].store.read(lambda c: c.exec_driver_sql("SELECT 1 FROM inbox").all())
    rows = {row[0]: row for row in told}
    heading = sheet_cells(results)["Dossiers"][0]
    assert heading[:8] == [
        "Référence",
        "Envoyé comme",
        "État",
        "Signification",
        "Code",
        "Emplacement",
        "Règle",
        "Ce qui ne va pas et que faire",
    ]
    letters = _letters(office / "cas.xlsx")
    for number in range(1, count + 1):
        row = rows[f"R-{number:05d}"]
        if number % 10:
            assert row[2:4] == ["drafted", "un brouillon a été créé\xa0; une personne doit le valider"]
            continue
        label, _, rule, words = FAULTS[number // 10 % len(FAULTS)]
        place = f"feuille Cas, ligne {number + 2}, colonne {letters[label]} ({label})"
        assert (row[2], row[5], row[6]) == ("refused", place, rule)
        assert row[7].startswith(words)
    print(f"\n{count} rows: {took:.1f} s to the results, peak memory {_peak():.0f} MiB ({before:.0f} MiB before)")


def _letters(path: Path) -> dict[str, str]:
    """The letter of each column by its label, as openpyxl reads them."""
    import openpyxl

    book = openpyxl.load_workbook(path)
    found = {str(cell.value): str(cell.column_letter) for cell in book.worksheets[0][2]}
    book.close()
    return found


def _peak() -> float:
    """The most memory that this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
