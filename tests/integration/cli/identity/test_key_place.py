"""`trm init --key-place`, `trm keys move`, `trm keyd --tpm`: where the secret of a key store lies, from the shell."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from support import warm
from support.ceremony import key_files
from support.house import ROOT
from support.keycost import CHEAP, environment
from support.tokens import SoftToken, SoftTpm

from gateway.foundation import config


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A folder with two administrators and the passphrases."""
    key_files(tmp_path / "keys", cost=CHEAP)
    for name in ("pass", "roots.pass"):
        (tmp_path / name).write_text(f"secret of {name}\n")
    return tmp_path


def trm(base: Path, *words: str, code: int = 0) -> str:
    """One command as a process of its own; what it printed on both outputs."""
    ran = warm.trm(words, cwd=base)
    assert ran.returncode == code, (words, ran.stdout, ran.stderr)
    return ran.stdout + ran.stderr


def init(base: Path, *more: str, code: int = 0) -> str:
    """`trm init` of the node FR."""
    words = ["--name", "FR", "--country", "FR", "--endpoint", "https://127.0.0.1:8443", "--listen", "127.0.0.1:8443"]
    words += ["--admin", "keys/0.key.public", "--admin", "keys/1.key.public", "--roots", "roots", "--contact", "desk"]
    words += ["--unit", "fp:public_authority:Focal point:national_focal_point", "--demo"]
    words += ["--passphrase-file", "pass", "--root-passphrase-file", "roots.pass"]
    return trm(base, "init", "FR", *words, *more, code=code)


def options_of(token: SoftToken) -> list[str]:
    """How a command is told of a token."""
    told = token.places.token
    assert told is not None
    return [
        *("--pkcs11-module", str(told.module)),
        *("--pkcs11-token", told.label),
        *("--pkcs11-pin-file", str(told.pin_file)),
    ]


def key_place(base: Path) -> str:
    """What `trm doctor` says of the place."""
    words = ["doctor", "--node", "FR", "--passphrase-file", "pass", "--json"]
    checks = json.loads(warm.trm(words, cwd=base).stdout)["checks"]
    (found,) = [check["found"] for check in checks if check["check"] == "key place"]
    return str(found)


def move(base: Path, place: str, *, code: int = 0) -> str:
    """`trm keys move`."""
    return trm(base, "keys", "move", place, "--node", "FR", "--passphrase-file", "pass", code=code)


def test_a_node_is_made_in_a_tpm_and_moved(base: Path, tpm: SoftTpm) -> None:
    """The settings say how the TPM is reached, the node opens by it, and its secret goes to a file and back."""
    init(base, "--key-place", "tpm", "--tpm", tpm.tcti)
    assert config.load(base / "FR").keys.tpm == tpm.tcti
    assert not (base / "FR" / "keystore.secret").exists()
    assert key_place(base).startswith("tpm:")
    assert "lies in: file" in move(base, "file")
    assert key_place(base).startswith("a file on ")
    assert "rotate-epoch" in move(base, "tpm")
    assert (base / "FR" / "keystore.secret").read_bytes().strip(b"\0") == b""
    assert key_place(base).startswith("tpm:")
    assert "rotate-epoch" not in move(base, "tpm")


def test_a_node_is_made_in_a_token(base: Path, token: SoftToken) -> None:
    """The settings say which token it is, and hold no PIN."""
    init(base, "--key-place", "pkcs11", *options_of(token))
    told = config.load(base / "FR").keys.pkcs11
    assert told is not None
    assert (told.token, told.pin_file) == (token.label, token.pin_file)
    assert token.pin_file.read_text().strip() not in (base / "FR" / "node.toml").read_text()
    assert key_place(base).startswith("pkcs11:")


def test_what_is_not_said_is_refused(base: Path, token: SoftToken) -> None:
    """A place without the way to it, half a token, and a move to a place that node.toml does not name."""
    assert "keys.tpm in node.toml" in init(base, "--key-place", "tpm", code=1)
    assert "belong together" in init(base, "--key-place", "pkcs11", *options_of(token)[:2], code=2)
    assert not (base / "FR").exists()
    init(base)
    assert "keys.pkcs11 in node.toml" in move(base, "pkcs11", code=1)
    assert key_place(base).startswith("a file on ")


def test_a_key_service_is_told_of_the_tpm(base: Path, tpm: SoftTpm) -> None:
    """`trm keyd` opens by the TPM that it is told of, and refuses without."""
    init(base, "--key-place", "tpm", "--tpm", tpm.tcti)
    assert "nothing says how to reach it" in trm(base, "keyd", "--node", "FR", "--passphrase-file", "pass", code=1)
    with keyd(base, "--tpm", tpm.tcti) as process:
        try:
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["ready"] is True
            assert "sig" in trm(base, "keys", "list", "--node", "FR")
        finally:
            process.terminate()
    assert process.returncode == 0


def keyd(base: Path, *more: str) -> subprocess.Popen[str]:
    """A key service of FR that runs by itself."""
    words: Sequence[str] = (
        "keyd",
        "--node",
        "FR",
        "--passphrase-file",
        "pass",
        "--json",
        "--log-level",
        "error",
        *more,
    )
    command = [sys.executable, "-m", "gateway.cli", *words]
    env = environment() | {"PYTHONSAFEPATH": ""}
    env["PYTHONPATH"] = f"{env['PYTHONPATH']}:{ROOT}"
    return subprocess.Popen(command, cwd=base, env=env, stdout=subprocess.PIPE, text=True)
