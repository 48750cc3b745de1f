"""docs/key-ceremony.md, run as it stands: three root holders, one node, nothing but `trm` and files."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from support import warm
from support.house import ROOT

from keys.documents.descriptor_chain import accept_chain, decode_chain

PAGE = ROOT / "docs" / "key-ceremony.md"
PEOPLE = ("ana", "ben", "eva", "zoe", "cleo", "dino")


def commands() -> list[list[str]]:
    """The words of each command of the page, in order."""
    text = PAGE.read_text(encoding="utf-8").replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line.startswith("    trm ")]


def trm(base: Path, words: list[str], *, code: int = 0) -> str:
    """One command as a process; who is asked says yes."""
    ran = warm.trm(words[1:], cwd=base, given="y\n")
    assert ran.returncode == code, (words, ran.stdout, ran.stderr)
    return ran.stdout + ran.stderr


def test_the_page_runs(tmp_path: Path) -> None:
    """Each command does what the page says, from three empty machines to the tombstone."""
    for name in PEOPLE:
        (tmp_path / name).mkdir()
        (tmp_path / name / "passphrase").write_text(f"secret of {name}\n")
    (tmp_path / "node.passphrase").write_text("secret of the node\n")
    said = {" ".join(words): trm(tmp_path, words) for words in commands()}

    def heard(part: str) -> str:
        return next(text for words, text in said.items() if part in words)

    assert "the FIRST descriptor of FR (FR)" in heard("sign node/requests/FR-descriptor-1.request")
    assert "2 of 3 must sign" in heard("sign node/requests/FR-descriptor-1.request")
    assert "the TOMBSTONE of FR (FR)" in heard("sign node/requests/FR-tombstone.request")
    assert "key ends sooner" in heard("root show 2.request")
    assert heard("sign 3.request").count("ROOT") == 2
    chain = accept_chain(decode_chain(pairing(tmp_path)), 2**40)
    assert [descriptor.version for descriptor in chain] == [1, 2, 3]
    assert [len(descriptor.document.signatures) for descriptor in chain] == [2, 2, 2]
    assert not [path for path in (tmp_path / "node").rglob("*") if "root.key" in path.name]


def pairing(base: Path) -> bytes:
    """The chain of the node, as a peer would get it."""
    node = ["--node", "node", "--passphrase-file", "node.passphrase"]
    trm(base, ["trm", "node", "pairing", "-o", "fr.pairing", *node])
    return (base / "fr.pairing").read_bytes()


def test_nothing_of_it_is_left_to_chance(tmp_path: Path) -> None:
    """A wrong passphrase, one signature, a file that is there, a descriptor that is not the one asked for: refused, and
    the node waits on.
    """
    for name in PEOPLE:
        (tmp_path / name).mkdir()
        (tmp_path / name / "passphrase").write_text(f"secret of {name}\n")
    (tmp_path / "node.passphrase").write_text("secret of the node\n")
    first = [words for words in commands() if "2.request" not in " ".join(words)]
    steps = first[: first.index(next(words for words in first if words[1:3] == ["keys", "publish"]))]
    for words in steps:
        trm(tmp_path, words)
    sign = next(words for words in steps if words[1:4] == ["keys", "root", "sign"])
    assert "exists already; nothing was signed" in trm(tmp_path, sign, code=1)
    again = [*sign[: sign.index("--out")], "--out", "other.sig", "--passphrase-file", "ben/passphrase"]
    assert "wrong passphrase" in trm(tmp_path, again, code=1)
    node = ["--node", "node"]
    request = "node/requests/FR-descriptor-1.request"
    assert "not enough roots signed" in trm(tmp_path, ["trm", "keys", "publish", request, "ana/1.sig", *node], code=1)
    tomb = "node/requests/FR-tombstone.request"
    assert "which ends the node" in trm(tmp_path, ["trm", "keys", "publish", tomb, "ana/t.sig", *node], code=1)
    seal = ["trm", "keys", "tombstone", "seal", tomb, "ana/t.sig", "ben/t.sig", "--out", "x"]
    assert "not all roots signed" in trm(tmp_path, seal, code=1)
    assert not (tmp_path / "x").exists()
    mixed = ["trm", "keys", "publish", request, "ana/1.sig", "ben/t.sig", *node]
    assert "a signature file cannot be read" in trm(tmp_path, mixed, code=1)
    serve = ["trm", "serve", "--node", "node", "--passphrase-file", "node.passphrase"]
    assert "waits for its first descriptor; nothing was started" in trm(tmp_path, serve, code=1)


def test_a_request_is_read_by_its_words_only(tmp_path: Path) -> None:
    """A file with words of its own is no request."""
    path = tmp_path / "evil.request"
    path.write_text(json.dumps({"type": "nrm.request/1", "words": "nothing changes"}))
    assert "this request cannot be signed" in trm(tmp_path, ["trm", "keys", "root", "show", str(path)], code=1)
