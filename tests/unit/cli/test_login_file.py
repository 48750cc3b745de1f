"""The file of a login: one for each node, and no other file is read as one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import desks
from support.desks import Desk, served
from support.ports import free_port

from gateway.cli import login_file
from gateway.cli.login_file import Login
from gateway.errors import RefusedError


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


def test_what_lies_beside_the_logins_is_nothing(fr: Desk, home: Path):
    """Another kind of file in the folder, a folder, or the login of another node."""
    home.mkdir(parents=True)
    (home / "README").write_text("hello")
    (home / "folder").mkdir()
    other = Login(node="n1", folder="/elsewhere", token="trm.x.y", expires=2**40)
    login_file.write_login(home / "n1", other)
    assert fr.trm("node", "show").exit_code == 0
    assert login_file.find_login(Path("/elsewhere"), None) == (home / "n1", other)


def test_a_file_that_is_no_login(home: Path):
    """Each fault makes it another kind of file, which is never read as one."""
    home.mkdir(parents=True)
    whole = {"type": "trm.login/1", "node": "n1", "folder": "/x", "expires": 1, "token": "trm.x.y"}
    spoilt = {name: json.dumps({key: value for key, value in whole.items() if key != name}) for name in whole}
    spoilt |= {
        "another type": json.dumps(whole | {"type": "trm.login/2"}),
        "a line break in the token": json.dumps(whole | {"token": "trm\r\nX-Evil: 1"}),
        "a token that is no ASCII": json.dumps(whole | {"token": "trm.é"}),
        "too large": json.dumps(whole | {"folder": "x" * 3_000}),
        "no JSON": "{",
    }
    for name, text in spoilt.items():
        path = home / "file"
        path.write_text(text)
        path.chmod(0o600)
        with pytest.raises(RefusedError, match="no file of trm login"):
            login_file.read_login(path)
        assert path.read_text() == text, name
