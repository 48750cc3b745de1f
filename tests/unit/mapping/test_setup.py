"""`trm adapter prepare` and `check --settings` on kinds that need no server: made, looked at, spoilt, mended."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import tomllib
from collections.abc import Mapping
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
import yaml

from adapters.kit.kind import find, offered
from adapters.kit.setup.needs import Need, State
from adapters.kit.setup.plan import Outcome, starter_mapping, starter_record
from adapters.primero.setup import first_mapping
from adapters.sheet.bench import sheet_cells
from gateway.cli.messages.draftform import find_faults
from gateway.errors import Code, RefusedError
from gateway.mapping.check import check, vocabulary
from gateway.mapping.file_format import parse
from gateway.mapping.labels import language_names
from gateway.mapping.setup import Prepared, check_settings, is_met, prepare_kind
from gateway.mapping.to_message import map_record
from gateway.ports import LocalRecord

TODAY = date(2026, 11, 30)


def prepare(kind: str, folder: Path, **given: str) -> Prepared:
    """Prepare a kind in a folder."""
    return asyncio.run(prepare_kind(kind, folder, given, source=None, recipient="AL", language="en", today=TODAY))


def look(folder: Path) -> list[Need]:
    """Look after what was prepared."""
    return asyncio.run(check_settings(folder / "adapter.toml"))


def faults(folder: Path) -> list[tuple[str, str]]:
    """Places and rules of what is missing."""
    return [(need.place, need.rule) for need in look(folder) if need.state is State.MISSING]


def mend(folder: Path) -> list[tuple[str, str]]:
    """Type the command that each need tells; what was missing."""
    needs = [need for need in look(folder) if need.state is State.MISSING]
    for need in needs:
        subprocess.run(need.command, shell=True, check=True)
    return [(need.place, need.rule) for need in needs]


def test_every_kind_of_this_distribution_prepares_and_tells_its_needs():
    """None is left to its description."""
    kinds = [name for name, points in offered().items() if points[0].value.startswith("adapters.")]
    assert [name for name in kinds if find(name).prepare is None] == []


def test_the_mapping_to_start_from_reads_its_sample_whole():
    """The invented record becomes a draft without a fault, so that a newcomer sees the first one go."""
    mapping = parse(yaml.safe_load(starter_mapping("AL")))
    assert check(mapping, vocabulary(mapping.body_type, language_names())) == ()
    draft = map_record(mapping, LocalRecord(ref="1", fields=starter_record(TODAY), mapping="office"))
    assert isinstance(draft, Mapping)
    assert (find_faults(draft), draft["to"]) == ([], "AL")


def test_the_first_message_of_a_primero_holds_nothing_of_its_case():
    """Only the word of the trial in the notes of a referral makes the enquiry; any other notes are refused, each case
    with them.
    """
    mapping = parse(yaml.safe_load(first_mapping("AL", TODAY)))
    assert check(mapping, vocabulary(mapping.body_type, language_names())) == ()
    assert {label for rule in mapping.rules for label in rule.sources} == {"referral.notes"}
    case = {"case_id_display": "1234567", "name_first": "Mali"}
    draft = map_record(mapping, LocalRecord(ref="1", fields={**case, "referral.notes": "try"}, mapping="first"))
    assert isinstance(draft, Mapping)
    assert (find_faults(draft), draft["to"]) == ([], "AL")
    refused = map_record(
        mapping, LocalRecord(ref="1", fields={**case, "referral.notes": "to Albania"}, mapping="first")
    )
    assert isinstance(refused, tuple)
    assert [fault.rule for fault in refused] == ["unmapped_code"], "one cell, one fault, however many rules read it"


def test_a_server_on_another_machine_is_told_of_the_account(tmp_path: Path):
    """MariaDB knows an account by its machine too; PostgreSQL does not, and a server of this machine has no other."""
    told = {
        url: any("in place of localhost" in step for step in prepare("sql", tmp_path / str(number), url=url).steps)
        for number, url in enumerate(
            (
                "mariadb://trm_adapter@db.example.org/cases",
                "mariadb://trm_adapter@localhost/cases",
                "postgresql://trm_adapter@db.example.org/cases",
            )
        )
    }
    assert [*told.values()] == [True, False, False]


def test_the_view_to_try_with_is_in_the_words_of_its_server(tmp_path: Path):
    """Only SQLite and MariaDB know a view that is made where there is none."""
    for kind in ("sqlite", "mariadb", "mysql", "postgresql"):
        url = f"sqlite:///{tmp_path}/o.db" if kind == "sqlite" else f"{kind}://trm_adapter@localhost/cases"
        prepare("sql", tmp_path / kind, url=url)
        text = (tmp_path / kind / "try-view.sql").read_text()
        assert ("CREATE VIEW IF NOT EXISTS" in text) is (kind in {"sqlite", "mariadb"}), kind


def test_each_kind_says_how_its_lines_come_into_a_node(tmp_path: Path):
    """In place of what is there, and owned by the account of the node; a database in a file lies elsewhere."""
    file = tmp_path / "office.db"
    for kind, given, owned in (
        ("folder", {}, tmp_path / "folder" / "drop"),
        ("sheet", {}, tmp_path / "sheet"),
        ("sftp", {"host": "files.example.org", "user": "trm"}, tmp_path / "sftp"),
        ("rest", {"url": "https://cases.example"}, tmp_path / "rest"),
        ("sql", {"url": f"sqlite:///{file}"}, f"{tmp_path / 'sql'} {file}"),
    ):
        (step,) = [each for each in prepare(kind, tmp_path / kind, **given).steps if "node.toml" in each]
        assert f"{tmp_path / kind / 'adapter.toml'} into node.toml, in place of" in step, kind
        assert f"chown -R ACCOUNT {owned}; " in step, kind


def test_a_drop_folder(tmp_path: Path):
    """Made whole; a second run changes nothing; what is spoilt is named, and its command mends it."""
    into = tmp_path / "a"
    prepared = prepare("folder", into)
    assert {outcome for _, outcome in prepared.made} == {Outcome.MADE}
    assert find_faults(json.loads((into / "sample.json").read_bytes())) == []
    assert tomllib.loads((into / "adapter.toml").read_text())["adapter"] == prepared.settings
    assert is_met(look(into))
    assert {outcome for _, outcome in prepare("folder", into).made} == {Outcome.THERE}
    (into / "drop" / "notices").rmdir()
    (into / "drop" / "taken").chmod(0o705)
    assert mend(into) == [("folder taken", "open_to_others"), ("folder notices", "missing_folder")]
    assert is_met(look(into))
    (into / "drop" / "journal").rmdir()
    (into / "drop" / "journal").write_text("")
    assert faults(into) == [("folder journal", "not_a_folder")]


def test_a_line_list(tmp_path: Path):
    """A workbook, a sample and a mapping file; a column that steers the reading is missed, a folder closed again. The
    numbers of the sample are none that a row of the office could have: it would be taken for one that was read.
    """
    into = tmp_path / "a"
    prepare("sheet", into)
    into.chmod(0o755)
    assert mend(into) == [("folder of the results", "open_to_others")]
    cells = {str(cell) for rows in sheet_cells(into / "sample.xlsx").values() for row in rows for cell in row}
    assert {"SAMPLE-1", "SAMPLE-8"} <= cells
    assert not any(cell.startswith("R-0") for cell in cells)
    needs = look(into)
    assert [need.place for need in needs][-3:] == ["folder of the results", "journal of the results", "line list"]
    assert is_met(needs)
    (into / "cases.xlsx").write_bytes(b"no workbook")
    assert [rule for _, rule in faults(into)] == ["not_a_workbook"]


def test_a_database_in_a_file(tmp_path: Path):
    """The scripts make it as the steps say, twice over; a column, a type and a right less are told."""
    into, file = tmp_path / "a", tmp_path / "office.db"
    prepared = prepare("sql", into, url=f"sqlite:///{file}")
    assert faults(into) == [("database", "not_reachable")]
    file.touch(0o600)
    for _ in range(2):
        for script in ("inbox.sql", "try-view.sql"):
            with closing(sqlite3.connect(file)) as database:
                database.executescript((into / script).read_text())
    assert is_met(look(into)), faults(into)
    with closing(sqlite3.connect(file)) as database:
        names = database.execute("SELECT ref FROM trm_outbox").fetchall()
    assert names == [("sample-1",)], "a row of the office may have this name, and would be taken for one that was read"
    assert any(step == f"sqlite3 -bail {file} < {into / 'inbox.sql'}" for step in prepared.steps)
    file.chmod(0o604)
    assert mend(into) == [("database", "open_to_others")]
    with closing(sqlite3.connect(file)) as database:
        database.executescript(
            "ALTER TABLE trm_inbox DROP COLUMN state; DROP VIEW trm_outbox; "
            "CREATE VIEW trm_outbox AS SELECT 1 AS ref, 1 AS changed, 'adult' AS age_group"
        )
    told = faults(into)
    assert ("table trm_inbox, column state", "missing_column") in told
    assert ("view trm_outbox, column services", "missing_column") in told
    assert not any("age_group" in place for place, _ in told)


def test_what_can_not_be_prepared_makes_nothing(tmp_path: Path):
    """A setting of another kind, a number that is none, an address that is missing: told, and no folder is there."""
    for kind, given in (
        ("folder", {"url": "x"}),
        ("sftp", {"host": "h", "user": "u", "port": "x"}),
        ("sftp", {"host": "h", "user": "u; rm"}),
        ("sql", {}),
        ("sql", {"url": "postgresql://a:secret@h/db"}),
        ("primero", {"url": "https://p.example", "user": "trm"}),
    ):
        with pytest.raises(RefusedError) as caught:
            prepare(kind, tmp_path / "a", **given)
        assert caught.value.code in {Code.INVALID, Code.NOT_FOUND}
        assert "secret" not in f"{caught.value.what}{caught.value.hint}"
    assert list(tmp_path.iterdir()) == []


def test_settings_that_are_wrong_are_needs(tmp_path: Path):
    """A file that still has open settings names them; a file that is none, or has no section, is refused."""
    into = tmp_path / "a"
    prepare("rest", into, url="https://cases.example")
    assert faults(into) == [("adapter.list_path", "missing"), ("adapter.create_path", "missing")]
    assert {need.hint for need in look(into)} == {"the adapter needs this setting: docs/settings.md explains it"}
    other = tmp_path / "other.toml"
    for text in ("[adapter", "[node]\nname = 'x'\n", "[adapter]\nkind = 7\n"):
        other.write_text(text)
        with pytest.raises(RefusedError):
            asyncio.run(check_settings(other))
    with pytest.raises(RefusedError, match="cannot be read"):
        asyncio.run(check_settings(tmp_path / "none.toml"))
