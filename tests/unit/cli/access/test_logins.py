"""`trm login`, `trm whoami`, `trm logout`, and the file between them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession
from support import desks
from support.desks import PASSPHRASE, Desk, served
from support.keycost import cheap, environment
from support.patience import PATIENCE
from support.ports import free_port
from support.visitors import Visitor, enrol_by


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with no login; the folder where theirs are kept."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("TRM_LOGIN", raising=False)
    return tmp_path / "config" / "trm" / "logins"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A node with a console that is served."""
    desk = desks.make(tmp_path_factory.mktemp("logins"), "FR")
    with (desk.folder / "node.toml").open("a") as settings:
        settings.write(f'\n[local]\nlisten = "127.0.0.1:{free_port()}"\n')
    with served(desk):
        yield desk


@pytest.fixture
def fr(made: Desk, home: Path) -> Desk:
    """The node, for a user with no login."""
    return made


NAMES = iter(f"Tom {number}" for number in range(100))


def invited(desk: Desk) -> tuple[str, str]:
    """Somebody new: their name, and the code of their invitation."""
    name = next(NAMES)
    return name, desk.trm("person", "add", name, "--role", "auditor").stdout.split()[0]


def test_the_life_of_a_login(fr: Desk, home: Path):
    """By an invitation: a private file under the node's id, every verb finds it, and logout leaves nothing."""
    assert "no person is signed in" in fr.trm("whoami").stdout
    name, code = invited(fr)
    done = fr.trm("login", "--code", code, "--hours", "2")
    assert done.stdout.startswith(f"signed in at FR as {name} until "), done.stderr
    file = home / fr.made.node
    assert (file.stat().st_mode & 0o777, home.stat().st_mode & 0o777) == (0o600, 0o700)
    token = json.loads(file.read_text())["token"]
    assert token not in done.output
    shown = json.loads(fr.trm("whoami", "--json").stdout)
    assert (shown["name"], shown["roles"], shown["owner"], shown["credential"]) == (
        name,
        ["auditor"],
        True,
        "personal_token",
    )
    again = fr.trm("login", "--code", code)
    assert (again.exit_code, "signed in here already" in again.stderr) == (1, True)
    assert fr.trm("logout").stdout == "signed out; the token has ended\n"
    assert not file.exists()
    assert fr.trm("logout").exit_code == 1


def test_a_code_is_confirmed_at_the_console(fr: Desk, home: Path):
    """The shell shows the code and the address, waits, and has the token when the person has confirmed."""
    name, invitation = invited(fr)
    shell = subprocess.Popen(
        [sys.executable, "-m", "gateway.cli", "login", "--node", str(fr.folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert shell.stdout is not None and shell.stderr is not None
    code = shell.stdout.readline().split()[1]
    said = shell.stderr.readline()
    assert "/shell, type this code" in said
    origin = said.split("sign in at ")[1].split("/shell")[0]

    async def confirm() -> None:
        async with ClientSession() as http:
            person = Visitor(http=http, origin=origin, name=name)
            await enrol_by(person, invitation)
            await person.open("/shell")
            await person.press("/shell", {"code": code})
            await person.press("/shell/confirm")

    asyncio.run(confirm())
    shown, _ = shell.communicate(timeout=PATIENCE)
    assert (shell.returncode, f"signed in at FR as {name}" in shown) == (0, True)
    assert json.loads(fr.trm("whoami", "--json").stdout)["name"] == name


def test_a_token_that_has_ended_is_told(fr: Desk, home: Path):
    """No verb goes on as the owner alone; logout tidies up."""
    name, code = invited(fr)
    assert fr.trm("login", "--code", code).exit_code == 0
    (tom,) = [one for one in fr.ask("person.list")["people"] if one["name"] == name]
    fr.ask("person.sign_out", id=tom["id"])
    told = fr.trm("node", "show")
    assert (told.exit_code, "the token was revoked" in told.stderr, "trm login" in told.stderr) == (1, True, True)
    assert fr.trm("logout").stdout == "signed out; the token had ended before\n"
    assert fr.trm("node", "show").exit_code == 0


def test_two_people_use_one_account(fr: Desk, home: Path, monkeypatch: pytest.MonkeyPatch):
    """Each names a file; a named file that is not there is nobody, and not the owner."""
    names = {}
    for file in ("ana", "ben"):
        names[file], code = invited(fr)
        assert fr.trm("login", "--code", code, "--login", str(home.parent / file)).exit_code == 0
    for file, name in names.items():
        monkeypatch.setenv("TRM_LOGIN", str(home.parent / file))
        assert json.loads(fr.trm("whoami", "--json").stdout)["name"] == name
    monkeypatch.setenv("TRM_LOGIN", str(home.parent / "nobody"))
    told = fr.trm("node", "show")
    assert (told.exit_code, "nobody is signed in by it" in told.stderr) == (1, True)


def test_no_other_file_is_touched(fr: Desk, home: Path):
    """A file of another kind is left as it is before anybody is asked; one that others can read is not used."""
    notes = home.parent / "notes"
    notes.parent.mkdir(parents=True)
    notes.write_text("buy milk")
    _, code = invited(fr)
    told = fr.trm("login", "--code", code, "--login", str(notes))
    assert (told.exit_code, "no file of trm login" in told.stderr, notes.read_text()) == (1, True, "buy milk")
    assert fr.trm("login", "--code", code).exit_code == 0  # the invitation was not used up
    (home / fr.made.node).chmod(0o640)
    told = fr.trm("node", "show")
    assert (told.exit_code, "chmod 600" in told.stderr) == (1, True)


def test_a_folder_without_a_node_asks_the_same(tmp_path: Path, home: Path):
    """In a process that owns the folder: the invitation, who that is, a token that ended, and nobody to confirm."""
    desk = desks.make(tmp_path, "AL")
    (tmp_path / "pass").write_text(PASSPHRASE)
    with cheap():
        secret = ("--passphrase-file", str(tmp_path / "pass"))
        code = desk.trm("person", "add", "Eva", "--role", "auditor", *secret).stdout.split()[0]
        told = desk.trm("login", *secret)
        assert (told.exit_code, "the node does not run" in told.stderr) == (1, True)
        assert desk.trm("login", "--code", code, *secret).exit_code == 0
        shown = json.loads(desk.trm("whoami", "--json", *secret).stdout)
        assert (shown["name"], shown["owner"]) == ("Eva", True)
        file = home / desk.made.node
        kept = file.read_text()
        assert desk.trm("logout", *secret).exit_code == 0
        file.write_text(kept)
        file.chmod(0o600)
        told = desk.trm("node", "show", *secret)
        assert (told.exit_code, "the token was revoked" in told.stderr) == (1, True)
