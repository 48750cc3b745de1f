"""What is missing in a real case system is told need by need, with the command that mends it: database servers, an SFTP
server, and the strict stand-ins of the two that are reached by HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import asyncssh
import pytest
import yaml
from support.databases import SERVERS, office_on

from adapters.kit.contract import MARKER, Trouble
from adapters.kit.kind import find
from adapters.kit.setup.needs import Need, State, TellsNeeds
from adapters.primero.bench import PASSWORD, USER, WORKER, PrimeroBench
from adapters.rest.bench import TOKEN, RestBench
from adapters.sftp import SftpAdapter
from adapters.sftp.adapter import FOLDERS
from adapters.sftp.bench import SftpBench
from adapters.sql.bench import HERE, Office
from gateway.errors import RefusedError, TransientError
from gateway.mapping.setup import Prepared, check_settings, prepare_kind


async def look(adapter: object) -> list[tuple[str, str]]:
    """Places and rules of what an adapter finds missing."""
    assert isinstance(adapter, TellsNeeds)
    return told(await adapter.needs())


def told(needs: Sequence[Need]) -> list[tuple[str, str]]:
    """Places and rules of what is missing."""
    return [(need.place, need.rule) for need in needs if need.state is State.MISSING]


async def commands(adapter: TellsNeeds) -> list[str]:
    """The commands that an administrator is told."""
    return [need.command for need in await adapter.needs() if need.command]


# --- databases -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=SERVERS)
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Office:
    """A fresh database on each server, made by the script."""
    return office_on(request.param, tmp_path)


async def test_a_database_whose_rights_were_taken(office: Office) -> None:
    """Each right that is too few or too many is named, and the command that is told gives or takes it."""
    account = "trm_adapter" if office.kind == "postgresql" else "trm_adapter@localhost"
    adapter = office.adapter()
    assert await look(adapter) == []
    office.run(
        f"REVOKE SELECT ON trm_outbox FROM {account}",
        f"REVOKE INSERT ON trm_inbox FROM {account}",
        f"GRANT DELETE ON trm_inbox TO {account}",
    )
    assert await look(adapter) == [
        ("view trm_outbox", "not_readable"),
        ("table trm_inbox", "not_writable"),
        ("table trm_inbox", "too_many_rights"),
    ]
    office.run(*await commands(adapter))
    assert await look(adapter) == []
    office.run(f"REVOKE SELECT ON trm_inbox FROM {account}")
    assert ("table trm_inbox", "not_readable") in await look(adapter)


async def test_a_database_whose_tables_differ(office: Office) -> None:
    """A column that is away, one that is too short, one of another type; a view without its column of changes."""
    if office.kind == "postgresql":
        office.run(
            "ALTER TABLE trm_inbox DROP COLUMN version",
            "ALTER TABLE trm_inbox ALTER COLUMN sender_name TYPE varchar(20)",
            "ALTER TABLE trm_inbox ALTER COLUMN attempt TYPE text",
            "DROP VIEW trm_outbox",
            "CREATE VIEW trm_outbox AS SELECT id AS ref, number AS case_number, summary, gender FROM cases",
        )
    else:
        office.run(
            "ALTER TABLE trm_inbox DROP COLUMN version",
            "ALTER TABLE trm_inbox MODIFY sender_name varchar(20)",
            "ALTER TABLE trm_inbox MODIFY attempt varchar(20)",
            "DROP VIEW trm_outbox",
            "CREATE VIEW trm_outbox AS SELECT id AS ref, number AS case_number, summary, gender FROM cases",
        )
    office.grant("trm_outbox", "trm_outbox_file")
    assert await look(office.adapter()) == [
        ("view trm_outbox, column changed", "missing_column"),
        ("table trm_inbox, column attempt", "wrong_type"),
        ("table trm_inbox, column version", "missing_column"),
        ("table trm_inbox, column sender_name", "wrong_type"),
    ]
    office.run("DROP TABLE trm_inbox", "DROP VIEW trm_outbox")
    assert await look(office.adapter()) == [("view trm_outbox", "missing_view"), ("table trm_inbox", "missing_inbox")]


async def test_the_scripts_can_be_run_again(office: Office) -> None:
    """What is in the inbox stays, and so do the rights."""
    office.run("INSERT INTO trm_inbox (item_key, kind, type, received_at) VALUES ('k', 'notice', 'x', '2025-06-01')")
    office.make_inbox()
    assert [row[0] for row in office.inbox("item_key")] == ["k"]
    assert await look(office.adapter()) == []
    if office.kind == "postgresql":
        owner = office.run("SELECT tableowner FROM pg_tables WHERE tablename = 'trm_inbox'")
        login = office.run("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'trm_owner'")
        assert (owner[0][0], login[0][0]) == ("trm_owner", False)
    assert "trm_adapter" in (HERE / f"{office.kind}.sql").read_text()


# --- the drop folder on a server -------------------------------------------------------------------------------------


async def test_an_sftp_server(tmp_path: Path) -> None:
    """Another host key, a key that the server does not take, a folder that is away, one that takes no files."""
    async with find("sftp").stand_in(tmp_path) as new:
        bench = new()
        assert isinstance(bench, SftpBench)
        needs = await bench.adapter().needs()
        assert (told(needs), [need.place for need in needs][-len(FOLDERS) :]) == (
            [],
            [f"folder {name}" for name in FOLDERS],
        )
        stranger = asyncssh.generate_private_key("ssh-ed25519")
        other = replace(bench.server, host_key=stranger.export_public_key().decode())
        (need,) = [each for each in await SftpAdapter(other, root="", journal=bench.journal).needs() if each.rule]
        assert (need.place, need.rule, "another host key" in need.hint) == ("server", "not_usable", True)
        assert need.command.startswith("ssh-keygen -l -f ")
        key = tmp_path / "stranger"
        key.write_bytes(stranger.export_private_key())
        key.chmod(0o600)
        wrong = SftpAdapter(replace(bench.server, key=key), root="", journal=bench.journal)
        assert await look(wrong) == [("server", "not_usable")]
        (bench.root / "erased").rmdir()
        (bench.root / "taken").rmdir()
        (bench.root / "taken").write_text("")
        assert await look(bench.adapter()) == [("folder taken", "not_writable"), ("folder erased", "missing_folder")]
        assert any(line.startswith("echo 'mkdir erased' | sftp -i ") for line in await commands(bench.adapter()))
        key.chmod(0o604)
        assert await look(wrong) == [("key file", "open_to_others")]


# --- systems with an API ---------------------------------------------------------------------------------------------


async def test_a_json_api(tmp_path: Path) -> None:
    """A wrong login, an answer that is no list, two items of one name; what would make something is untried."""
    async with find("rest").stand_in(tmp_path) as new:
        bench = new()
        assert isinstance(bench, RestBench)
        bench.offer("one")
        needs = await bench.adapter(find_path="/inbox?key={key}").needs()
        assert told(needs) == []
        assert [need.place for need in needs if need.state is State.UNTRIED] == [
            "files of items /ready/{ref}/files",
            "post to /inbox",
            "news to /news",
            "files to /inbox/{key}/files",
            "delete /inbox/{id}",
            "delete /ready/{ref}",
        ]
        assert TOKEN not in repr(needs)
        assert bench.office.posted == {}
        for kind in (Trouble.LOCKED_OUT, Trouble.GARBLED, Trouble.FAILING):
            with bench.trouble(kind):
                assert await look(bench.adapter()) == [("api", "not_usable")]
        bench.office.ready.append(dict(bench.office.ready[0]))
        assert await look(bench.adapter()) == [("list, member /id", "ref_twice")]
        (bench.folder / "token").unlink()
        assert await look(bench.adapter()) == [("login secret", "missing_file")]


async def test_a_primero(tmp_path: Path) -> None:
    """A right, a person, a field and a password that are missing, and rights that are too many; nothing is written."""
    async with find("primero").stand_in(tmp_path) as new:
        bench = new()
        assert isinstance(bench, PrimeroBench)
        bench.case(name_first="one")
        before = str(bench.office.cases)
        needs = await bench.adapter().needs()
        assert told(needs) == []
        assert [need.place for need in needs if need.state is State.UNTRIED] == [
            "rights to write, create and receive referrals"
        ]
        account = bench.office.accounts[USER]
        account.may_refer = False
        assert await look(bench.adapter()) == [(f"worker {WORKER}", "missing_right")]
        account.may_refer, bench.office.accounts[WORKER].receives = True, False
        assert await look(bench.adapter()) == [(f"worker {WORKER}", "unknown_worker")]
        bench.office.accounts[WORKER].receives = True
        for form in bench.office.forms:
            form["fields"] = [each for each in form["fields"] if each["name"] not in {"sex", "other_agency_id"}]
        assert await look(bench.adapter()) == [
            ("field other_agency_id", "missing_field"),
            ("field sex", "missing_field"),
        ]
        with bench.trouble(Trouble.LOCKED_OUT):
            (need,) = [each for each in await bench.adapter().needs() if each.rule]
            assert (need.place, "does not take the account" in need.hint) == ("primero", True)
        assert str(bench.office.cases) == before


async def test_a_primero_makes_its_mapping_file(tmp_path: Path) -> None:
    """The forms and lists are read page by page with the account's own rights; what is sure is mapped, in the languages
    of the office, what is not is named, and no case is read for it.
    """
    async with find("primero").stand_in(tmp_path) as new:
        bench = new()
        assert isinstance(bench, PrimeroBench)
        bench.case(name_first=MARKER)
        given = {"user": USER, "password_file": str(bench.settings()["password_file"]), "worker": WORKER}
        with bench.trouble(Trouble.SMALL_PAGES):
            prepared = await _prepare_primero(tmp_path / "made", given, bench.url)
        text = (tmp_path / "made" / "office.yaml").read_text(encoding="utf-8")
        rules = yaml.safe_load(text)["fields"]
        assert rules["content.person.gender"]["codes"] == {"female": "Feminine", "male": "Masculine"}
        assert rules["content.person.nationalities[]"]["codes"] == {"albania": "AL", "n_macedonia": "MK"}
        tongue = rules["content.person.languages[].language"]
        assert (tongue["from"], tongue["codes"]) == ("office_tongue", {"language1": "sq", "language2": "ar"})
        assert {"sex: third", "office_shift (choice, protection_concern)"} <= set(prepared.unread)
        assert not any("retired" in text or name.startswith(("language ", "note_text")) for name in prepared.unread)
        assert "version 2.15.2" in prepared.steps[0]
        assert prepared.settings["url"] == bench.url
        missing = [need for need in await check_settings(tmp_path / "made" / "adapter.toml") if need.rule]
        assert {need.rule for need in missing} == {"unmapped_code"}
        written = [path.read_text(encoding="utf-8") for path in (tmp_path / "made").iterdir() if path.suffix != ".db"]
        assert not any(MARKER in each or PASSWORD in each for each in written)


async def test_a_primero_that_is_away_or_another_makes_nothing(tmp_path: Path) -> None:
    """Trouble, a wrong password, two addresses, a lookup that is none: no folder is made of half a configuration."""
    async with find("primero").stand_in(tmp_path) as new:
        bench = new()
        assert isinstance(bench, PrimeroBench)
        given = {"user": USER, "password_file": str(bench.settings()["password_file"])}
        for kind in (Trouble.FAILING, Trouble.GARBLED, Trouble.LOCKED_OUT):
            with bench.trouble(kind), pytest.raises(TransientError):
                await _prepare_primero(tmp_path / "made", given, bench.url)
        with pytest.raises(RefusedError, match="two addresses"):
            await _prepare_primero(tmp_path / "made", {**given, "url": "https://p.example"}, bench.url)
        assert not (tmp_path / "made").exists()


async def _prepare_primero(folder: Path, given: dict[str, str], url: str) -> Prepared:
    return await prepare_kind(
        "primero", folder, given, source=url, recipient="AL", language="en", today=date(2026, 11, 30)
    )
