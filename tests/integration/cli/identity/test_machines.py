"""`trm keys invite`, `join`, `machines`, `retire`, from the shell, over a real server."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from support import warm
from support.ceremony import key_files
from support.databases import fresh_postgresql
from support.keycost import CHEAP


def trm(base: Path, *words: str, code: int = 0) -> str:
    """One command as a process of its own; what it printed on both outputs."""
    ran = warm.trm(words, cwd=base)
    assert ran.returncode == code, (words, ran.stdout, ran.stderr)
    return ran.stdout + ran.stderr


def test_a_second_machine_from_the_shell(tmp_path: Path) -> None:
    """The code is shown once; the second folder has the keys of the node, is listed, and is taken off again."""
    key_files(tmp_path / "keys", cost=CHEAP)
    for name in ("pass", "other.pass", "roots.pass"):
        (tmp_path / name).write_text(f"secret of {name}\n")
    url = fresh_postgresql().set(drivername="postgresql").render_as_string().replace("%2F", "/")
    words = ["--name", "FR", "--country", "FR", "--endpoint", "https://127.0.0.1:8443", "--listen", "127.0.0.1:8443"]
    words += ["--admin", "keys/0.key.public", "--admin", "keys/1.key.public", "--roots", "roots", "--contact", "desk"]
    words += ["--unit", "fp:public_authority:Focal point:national_focal_point", "--demo", "--database", url]
    words += ["--passphrase-file", "pass", "--root-passphrase-file", "roots.pass"]
    trm(tmp_path, "init", "FR", *words)
    first = ("--node", "FR", "--passphrase-file", "pass")
    said = trm(tmp_path, "keys", "invite", "invitation", *first)
    (tmp_path / "code").write_text(said.split(": ")[1].split()[0] + "\n")
    (tmp_path / "FR2").mkdir(mode=0o700)
    shutil.copy(tmp_path / "FR" / "node.toml", tmp_path / "FR2")
    second = ("--node", "FR2", "--passphrase-file", "other.pass")
    joined = json.loads(trm(tmp_path, "keys", "join", "invitation", *second, "--code-file", "code", "--json"))
    assert joined["place"] == "file"
    listed = json.loads(trm(tmp_path, "keys", "machines", *second, "--json"))["machines"]
    assert {one["machine"]: one["here"] for one in listed}[joined["machine"]] is True and len(listed) == 2
    (other,) = [one["machine"] for one in listed if not one["here"]]
    assert "take its account from the database" in trm(tmp_path, "keys", "retire", other, *second)
    assert "was retired, or never joined" in trm(tmp_path, "keys", "machines", *first, code=1)
