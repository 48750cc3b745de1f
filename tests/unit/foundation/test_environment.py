"""What is named from outside: an option goes before the environment, and nothing is guessed."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from support.patience import PATIENCE

from gateway.errors import Code, RefusedError
from gateway.foundation import environment


def test_the_node_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The option, else TRM_NODE, else a refusal that says both."""
    monkeypatch.setenv("TRM_NODE", "/srv/other")
    assert environment.node_folder("/srv/one") == Path("/srv/one")
    assert environment.node_folder(None) == Path("/srv/other")
    monkeypatch.delenv("TRM_NODE")
    with pytest.raises(RefusedError) as caught:
        environment.node_folder(None)
    assert "TRM_NODE" in caught.value.hint


def test_the_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A relative XDG folder does not count; without any name there is none."""
    monkeypatch.setenv("TRM_LOGIN", "/srv/token")
    assert environment.login_file(None) == Path("/srv/token")
    assert environment.login_file(tmp_path) == tmp_path
    monkeypatch.delenv("TRM_LOGIN")
    assert environment.login_file(None) is None
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert environment.logins_folder() == tmp_path / "trm/logins"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert environment.logins_folder() == tmp_path / ".config/trm/logins"


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", Code.INVALID), (b"\n", Code.INVALID), (b"\xff", Code.INVALID), (None, Code.NOT_FOUND)],
    ids=["empty", "a line end", "no utf-8", "no file"],
)
def test_a_passphrase_that_is_none(tmp_path: Path, data: bytes | None, code: Code) -> None:
    """Each says what is wrong with the file and never what is in it."""
    file = tmp_path / "pass"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(RefusedError) as caught:
        environment.passphrase(file)
    assert caught.value.code is code


def test_the_passphrase_of_a_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """From the systemd credential where no file is named; one line end is no part of it, a blank is."""
    (tmp_path / "trm-passphrase").write_text(" two words \r\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert environment.passphrase(None) == " two words "
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(RefusedError, match="no passphrase given"):
        environment.passphrase(None)


def test_a_service_is_told_to_be_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One datagram where systemd listens; nothing where it does not."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(PATIENCE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        environment.notify_ready()
        assert systemd.recv(64) == b"READY=1"
    monkeypatch.delenv("NOTIFY_SOCKET")
    environment.notify_ready()
