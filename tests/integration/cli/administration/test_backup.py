"""docs/backup.md, run as it stands: two running nodes, people with key files, a recovery key, a lost disk."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from support import warm
from support.ceremony import key_files
from support.house import ROOT
from support.keycost import CHEAP
from support.nodeproc import PASSPHRASE, NodeProcess, enquiry, eventually, make_pair

PAGE = ROOT / "docs" / "backup.md"


def commands() -> list[list[str]]:
    """The words of each command of the page, in order."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return [shlex.split(line) for line in lines if line.startswith("    trm ")]


def trm(base: Path, words: list[str], *, code: int = 0) -> str:
    """One command as a process; what it printed."""
    ran = warm.trm(words[1:], cwd=base)
    assert ran.returncode == code, (words, ran.stdout, ran.stderr)
    return ran.stdout + ran.stderr


def test_the_page_runs(tmp_path: Path) -> None:
    """Each command does what the page says, from the recovery key to a link that carries messages again."""
    pair = make_pair(tmp_path)
    try:
        fr, al = pair.a, pair.b
        key_files(tmp_path / "keys", cost=CHEAP)
        (tmp_path / "stick").mkdir()
        (tmp_path / "stick" / "recovery.pass").write_text("secret of the recovery key\n")
        (tmp_path / "fr.pass").write_text(PASSPHRASE + "\n")
        before = fr.call("message.submit", key="before", **enquiry("before"))["id"]
        eventually(lambda: fr.state(before) == "awaiting_opening", "delivered")
        said: dict[str, str] = {}
        for words in commands():
            _before(words, fr, al, tmp_path)
            said[" ".join(words)] = trm(tmp_path, _named(words, tmp_path))
            _after(words, fr, tmp_path)
        _told(said)
        assert "node.restored" not in fr.alarms()  # the last link is open
        after = fr.call("message.submit", key="after", **enquiry("after"), by="w-3")["id"]  # no token survives
        eventually(lambda: fr.state(after) == "awaiting_opening", "delivered after the restore")
        assert fr.state(before) == "awaiting_opening"
        assert al.count() == 2
    finally:
        pair.close()


def _named(words: list[str], base: Path) -> list[str]:
    """The words with the names of the files that the backup has written."""
    found = {path.suffix: str(path) for path in sorted(base.glob("backups/*"))}
    names = {"DATA": found.get(".data", ""), "KEYSTORE": found.get(".keystore", ""), "LEDGER": str(base / "fr.ledger")}
    return [names.get(word, word) for word in words]


def _before(words: list[str], fr: NodeProcess, al: NodeProcess, base: Path) -> None:
    """What the page tells to do between its commands."""
    match words[1:3]:
        case ["backup", "backups"]:
            fr.stop()
            settings = fr.folder / "node.toml"
            public = base / "stick" / "fr-recovery.key.public"
            section = ["[backup]", f'recovery_key = "{public}"', f'ledger = "{base}/fr.ledger"']
            settings.write_text("\n".join([settings.read_text(), *section, ""]))
            fr.start()
        case ["restore", _]:
            fr.kill()
            shutil.rmtree(fr.folder)
        case ["peer", "accept-reset"]:
            eventually(lambda: "peer.link_reset" in al.alarms(), "the request came")


def _after(words: list[str], fr: NodeProcess, base: Path) -> None:
    if words[1] == "restore":
        fr.start()
    if words[1:3] == ["peer", "accept-reset"]:
        waits = ["trm", "peer", "show", "AL", "--node", "FR"]
        eventually(lambda: " open" in trm(base, waits), "the link is open")


def _told(said: dict[str, str]) -> None:
    """What people are shown on the way."""

    def heard(part: str) -> str:
        return next(text for words, text in said.items() if part in words)

    assert "at most 7 days" in heard("backup backups")
    assert "data of FR, complete and signed by the node" in heard("verify DATA")
    assert "keystore of FR, complete and signed by the node" in heard("verify KEYSTORE")
    assert "nothing is sent or accepted yet" in heard("restore DATA")
    assert "WITHOUT LEDGER" not in heard("restore DATA")
    assert "trm peer reset-link" in heard("peer show")
    assert "pending: 1 of 2 people have approved link.reset" in heard("reset-link")
    assert "begin the numbering to this peer anew" in heard("peer approve")
    assert "done: link.accept_reset" in heard("accept-reset")
    assert "node.restored" in heard("alarm list")
