"""Nodes as an administrator makes and runs them: nothing but `trm` as a process, once at the real cost of its keys."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import keycost, warm
from support.acting import id_of, token_at
from support.ceremony import KeyFiles, key_files
from support.desks import consent, enquiry, header
from support.house import ROOT
from support.patience import PATIENCE
from support.ports import free_port

from gateway.cli.connection import call_node
from gateway.cli.login_file import Login, write_login
from keys.primitives.sealed_file import Cost

NUMBER = "fr-7f3a"
ROLE = "national_focal_point"


@dataclass(frozen=True, kw_only=True)
class Country:
    """One country's machine: a base folder with the node and all that lies beside it."""

    name: str
    base: Path
    dear: bool = False
    """Whether its keys cost what they really cost."""

    @property
    def node(self) -> Path:
        """The node folder."""
        return self.base / "node"

    def trm(
        self, *words: str, given: str | None = None, code: int = 0, by: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One verb as a process, where this person is signed in; its exit code is as expected."""
        environment = {
            key: value for key, value in os.environ.items() if key not in ("TRM_NODE", "CREDENTIALS_DIRECTORY")
        }
        environment |= {"TRM_NODE": str(self.node)}
        environment |= {} if by is None else {"TRM_LOGIN": str(self.login(by))}
        ran = warm.trm(words, cwd=self.base, given=given or "", env=environment, timeout=PATIENCE, dear=self.dear)
        assert ran.returncode == code, (words, ran.stdout, ran.stderr)
        return ran

    def json(self, *words: str, given: str | None = None, by: str | None = None) -> Any:
        """The JSON answer of one verb."""
        return json.loads(self.trm(*words, "--json", given=given, by=by).stdout)

    def login(self, name: str) -> Path:
        """The file by which this person is signed in."""

        def owner(operation: str, **arguments: Any) -> Any:
            return call_node(self.node, operation, arguments)

        path = self.base / f"{id_of(name)}.login"
        shown, token = owner("node.show")["node"], token_at(self.node, name, owner)
        write_login(path, Login(node=shown, folder=str(self.node.resolve()), token=token, expires=2**40))
        return path

    def init(self, *more: str) -> subprocess.CompletedProcess[str]:
        """`trm init` with three roots; they are taken away as the hint says."""
        self.base.mkdir()
        for name in ("pass", "roots.pass"):
            (self.base / name).touch(mode=0o600)
            (self.base / name).write_text(f"{name} of {self.name}\n", encoding="utf-8")
        port = free_port()
        key_files(self.base / "keys", cost=keycost.CHEAP)
        cards = [part for number in (0, 1) for part in ("--admin", f"keys/{number}.key.public")]
        ran = self.trm(
            "init",
            "node",
            *cards,
            "--name",
            self.name,
            "--country",
            self.name,
            "--endpoint",
            f"https://127.0.0.1:{port}",
            "--listen",
            f"127.0.0.1:{port}",
            "--roots",
            "stick",
            "--passphrase-file",
            "pass",
            "--root-passphrase-file",
            "roots.pass",
            "--contact",
            "duty desk",
            "--unit",
            f"focal-point:public_authority:Focal point:{ROLE}",
            *more,
        )
        for path in (self.base / "stick").iterdir():
            path.unlink()
        return ran

    def serve(self) -> subprocess.Popen[str]:
        """`trm serve`; returns when its ready line is there."""
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "serve", "--node", "node", "--passphrase-file", "pass", "--json"],
            cwd=self.base,
            env=keycost.environment(dear=self.dear),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line and json.loads(line)["ready"] is True, process.communicate()
        return process


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> str:
    """Stop a node cleanly; what it logged."""
    process.send_signal(number)
    printed, logged = process.communicate(timeout=PATIENCE)
    assert (process.returncode, printed) == (0, ""), logged
    return logged


@pytest.fixture(scope="module")
def countries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Country, Country]]:
    """France without an adapter, Albania with a drop folder; both serve."""
    base = tmp_path_factory.mktemp("cli")
    fr, al = Country(name="FR", base=base / "fr"), Country(name="AL", base=base / "al")
    fr.init()
    al.init("--adapter", "folder", "--adapter-path", "cases")
    running = [fr.serve(), al.serve()]
    try:
        yield fr, al
    finally:
        for process in running:
            stop(process)


@pytest.fixture(scope="module")
def paired(countries: tuple[Country, Country]) -> tuple[Country, Country]:
    """The two countries after their administrators exchanged files and read digits to each other."""
    fr, al = countries
    for country, other in ((fr, al), (al, fr)):
        country.trm("node", "pairing", "-o", "mine.pairing")
        other.base.joinpath("theirs.pairing").write_bytes(country.base.joinpath("mine.pairing").read_bytes())
    for country in (fr, al):
        country.trm("peer", "add", "theirs.pairing")
    for country, other in ((fr, al), (al, fr)):
        digits = other.trm("peer", "code", country.name).stdout.strip()
        people = KeyFiles(Path("keys"))
        words = ("peer", "verify", other.name, "--channel", "known_phone", "--emergency", *people.signed(0))
        assert "digits are not those of this pair" in country.trm(*words, given="1" * 60 + " 1-1\n", code=1).stderr
        assert country.trm(*words, given=digits + "\n").stdout.endswith(f"{other.name} is verified\n")
        words = ("peer", "approve", other.name, "--emergency", *people.signed(1))
        assert country.trm(*words).stdout == f"done: peer.activate\n{other.name} is active\n"
    give_up = time.monotonic() + PATIENCE
    while any(country.json("peer", "list")["peers"][0]["missing"] for country in (fr, al)):
        assert time.monotonic() < give_up
        time.sleep(0.2)
    return fr, al


def arrived(country: Country, id: str, state: str) -> Any:
    """The message, as soon as it is in this state."""
    give_up = time.monotonic() + PATIENCE
    while (shown := country.json("message", "show", id))["state"] != state:
        assert time.monotonic() < give_up, shown
        time.sleep(0.2)
    return shown


def test_a_made_node_is_healthy(countries):
    """Doctor finds nothing red in what init made and serve runs."""
    for country in countries:
        checks = country.json("doctor")["checks"]
        assert [item for item in checks if item["state"] == "red"] == []


def test_the_way_is_clear_after_pairing(paired):
    """Every step of a ping is good in both directions."""
    for country, other in (paired, paired[::-1]):
        assert country.json("peer", "ping", other.name)["ok"] is True


def test_a_referral_is_proven_from_end_to_end(paired):
    """Consent recorded, referral sent and handed over, opened, and proven offline by a third party."""
    fr, al = paired
    recorded = fr.json("consent", "record", "-", "--number", NUMBER, by="Ana B.", given=json.dumps(consent("AL")))["id"]
    draft = referral(recorded)
    assert fr.trm("schema", "check", "-", given=json.dumps(draft)).stdout == "no fault found\n"
    first = fr.json("send", "-", "--key", "case-1", given=json.dumps(draft), by="Ana B.")
    assert first["state"] == "waiting_second"
    read = fr.json("draft", "show", first["id"], by="Ben C.")
    sent = fr.json("draft", "release", first["id"], "--version", read["version"], by="Ben C.")
    arrived(fr, sent["id"], "awaiting_opening")
    assert list((al.base / "cases" / "incoming").iterdir())
    listed = al.json("message", "list", "--in")["messages"]
    assert [item["type"] for item in listed][:2] == ["referral.request/1", "consent.record/1"]
    al.trm("message", "open", sent["id"], by="Besa K.")
    shown = arrived(fr, sent["id"], "opened")
    assert [item["status"] for item in shown["receipts"]] == ["received", "delivered", "opened"]
    fr.trm("evidence", "export", "--conversation", sent["conversation"], "-o", "proof.json")
    fingerprints = [country.json("node", "show")["fingerprint"] for country in paired]
    words = [word for fingerprint in fingerprints for word in ("--fingerprint", fingerprint)]
    verified = fr.trm("evidence", "verify", "proof.json", *words)
    assert "referral.request/1" in verified.stdout
    offline = subprocess.run(
        ["unshare", "-n", sys.executable, "-m", "gateway.cli", "evidence", "verify", "proof.json", *words],
        cwd=fr.base,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert offline.stdout == verified.stdout or "unshare" in offline.stderr
    data = bytearray((fr.base / "proof.json").read_bytes())
    data[len(data) // 2] ^= 1
    (fr.base / "spoiled.json").write_bytes(data)
    fr.trm("evidence", "verify", "spoiled.json", *words, code=1)
    fr.trm("evidence", "verify", "proof.json", code=2)


def test_a_folder_has_one_owner(tmp_path):
    """A verb owns the folder of a stopped node; while it runs a second one is refused; SIGHUP ends neither it nor its
    key service, and SIGINT ends it cleanly. A folder that all can change is not served. All of it with keys that cost
    what they really cost.
    """
    ua = Country(name="UA", base=tmp_path / "ua", dear=True)
    made = ua.init("--demo")
    assert "DEMO" in made.stdout and "trm: hint: run it: trm serve" in made.stderr
    assert cost_of(ua.node / "keystore") == Cost.default()
    shown = ua.json("node", "show", "--passphrase-file", "pass")
    assert (shown["name"], shown["demo"], shown["keyset"]) == ("UA", True, None)
    assert ua.trm("doctor", "--passphrase-file", "pass").stdout.splitlines()[-1] == "nothing is red"
    address = shown["endpoint"].removeprefix("https://")
    with socket.create_server(("127.0.0.1", int(address.rpartition(":")[2]))):
        taken = ua.trm("serve", "--passphrase-file", "pass", code=1).stderr
    assert f"trm: error: cannot listen on {address}; nothing was started" in taken
    (ua.base / "node" / "node.toml").chmod(0o602)
    refused = ua.trm("serve", "--passphrase-file", "pass", code=1)
    assert "can change the node folder or its settings; nothing was started" in refused.stderr
    (ua.base / "node" / "node.toml").chmod(0o600)
    process = ua.serve()
    try:
        for number in (process.pid, *children(process.pid)):
            os.kill(number, signal.SIGHUP)
        assert "another process owns" in ua.trm("serve", "--passphrase-file", "pass", code=1).stderr
        assert ua.json("peer", "list") == {"peers": []}
        refused = ua.trm("send", "-", given=json.dumps(enquiry("FR")), code=1, by="Ana B.")
        assert refused.stderr.splitlines()[0] == "trm: error: no such peer"
    finally:
        logged = stop(process, signal.SIGINT)
    assert "Traceback" not in logged
    assert ua.json("node", "show", "--passphrase-file", "pass")["keyset"]["version"] == 1


def children(process: int) -> list[int]:
    """The processes that a process has started and that run."""
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def cost_of(keystore: Path) -> Cost:
    """What the header of a key store says that it costs to open it."""
    data = keystore.read_bytes()
    header = json.loads(data[4 : 4 + int.from_bytes(data[:4], "big")])
    return Cost(t=header["t"], m=header["m"])


def referral(reference: str) -> dict[str, Any]:
    """A whole referral by the example of the catalogue, between the units of this test."""
    example = ROOT / "schemas" / "examples" / "referral.request.1" / "valid-attachments.json"
    body = json.loads(example.read_text(encoding="utf-8"))
    kept = {
        name: value
        for name, value in body["header"].items()
        if name in ("legal_basis", "transfer_basis", "transfer_instrument")
    }
    return {
        "type": "referral.request/1",
        "to": "AL",
        "purpose": "referral",
        "header": header(consent_ref=reference, case_ref_sender=NUMBER, **kept),
        "content": body["content"],
    }
