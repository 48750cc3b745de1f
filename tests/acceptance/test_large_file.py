"""A file of 1 GiB between two processes: memory, hash, a cut on the way, and how fast."""

from __future__ import annotations

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.ceremony import ADMINS, change, play
from support.nodeproc import NodeProcess, Pair, eventually, make_pair
from support.policies import open_on
from support.running import consent, header

from gateway.api.routes import PREFIX
from schemas.region_pack.policies import canonical_bytes

MIB = 1024 * 1024
GROWTH = 40 * MIB
BLOCK = os.urandom(MIB)


class Watch:
    """The largest resident size of processes while it runs, in bytes over what they had at the beginning."""

    def __init__(self, *nodes: NodeProcess) -> None:
        self._pids = {node.name: node.process.pid for node in nodes if node.process is not None}
        self._before = {name: _resident(pid) for name, pid in self._pids.items()}
        self.growth = dict.fromkeys(self._pids, 0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.05):
            for name, pid in self._pids.items():
                self.growth[name] = max(self.growth[name], _resident(pid) - self._before[name])


def _resident(pid: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):  # killed on the way: it holds nothing
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


@contextmanager
def asked(node: NodeProcess, method: str, target: str, body: Any = None) -> Iterator[http.client.HTTPResponse]:
    """One request over the socket whose body or answer is a stream."""
    connection = http.client.HTTPConnection("localhost", timeout=600, blocksize=MIB)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.connect(str(node.folder / "run" / "api.sock"))
    try:
        headers = {} if body is None else {"Content-Length": str(os.fstat(body.fileno()).st_size)}
        connection.request(method, PREFIX + target, body=body, headers=headers)
        yield connection.getresponse()
    finally:
        connection.close()


def wide(pair: Pair, most: int) -> None:
    """People on both sides agree on files of this size, and the corridor opens for them."""
    for here, there in ((pair.a, pair.b), (pair.b, pair.a)):
        scope = here.call("peer.scope", id=there.name) | {"max_file_bytes": most}
        play(change(ADMINS, "peer.widen", there.name, scope=scope), here.call)
    policy = canonical_bytes(open_on((pair.a.name, pair.b.name))).decode()
    play(change(ADMINS, "policy.widen", "node", policy=policy), pair.a.call)
    eventually(
        lambda: pair.a.call("peer.show", id=pair.b.name)["scope"]["max_file_bytes"] == most, "the new limit is agreed"
    )


def made(path: Path, mebibytes: int) -> str:
    """A PDF of this size that nobody can pack; its hash."""
    digest = sha256()
    with path.open("wb") as file:
        for n in range(mebibytes):
            piece = n.to_bytes(8, "big") + BLOCK[8:]
            piece = b"%PDF-1.7" + piece[8:] if n == 0 else piece
            piece = piece[:-6] + b"%%EOF\n" if n == mebibytes - 1 else piece
            digest.update(piece)
            file.write(piece)
        os.fsync(file.fileno())
    return digest.hexdigest()


def copied(path: Path) -> float:
    """Seconds of a plain copy to the same disk, synced: what the disk itself does."""
    began = time.monotonic()
    with path.open("rb") as source, (path.parent / "copy").open("wb") as target:
        while data := source.read(MIB):
            target.write(data)
        os.fsync(target.fileno())
    (path.parent / "copy").unlink()
    return time.monotonic() - began


def segments_held(node: NodeProcess) -> int:
    """How many segments of the file the receiver has."""
    rows = node.rows("select held from attachment where direction = 'in'")
    return int(rows[0][0]) if rows else 0


@pytest.mark.parametrize(
    "mebibytes", [pytest.param(1024, marks=pytest.mark.deep, id="1 GiB"), pytest.param(12, id="12 MiB")]
)
def test_a_large_file(tmp_path: Path, mebibytes: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Added, sent, the receiver killed at 70 %, started again, received and read: the same bytes, little memory."""
    file = tmp_path / "file"
    expected = made(file, mebibytes)
    plain = copied(file)
    pair = make_pair(tmp_path)
    try:
        wide(pair, mebibytes * MIB)
        fr, al = pair.a, pair.b
        began = time.monotonic()
        with Watch(fr) as sender:
            with file.open("rb") as body, asked(fr, "POST", "/attachments", body) as answer:
                added = json.loads(answer.read())
            assert (answer.status, added["sha256"]) == (201, expected)
            submitted(fr, al, added["message"])
            with Watch(al) as first:
                eventually(lambda: segments_held(al) >= mebibytes * 7 // 10, "70 % have come", 600, seldom=0.02)
                al.kill()
            held = segments_held(al)
            al.start()
            with Watch(al) as second:
                eventually(lambda: fr.state(added["message"]) == "awaiting_opening", "it was handed over", 600)
                took = time.monotonic() - began
                digest, size = sha256(), 0
                with asked(al, "GET", f"/messages/{added['message']}/attachments/0") as answer:
                    while data := answer.read(MIB):
                        digest.update(data)
                        size += len(data)
        assert (digest.hexdigest(), size) == (expected, mebibytes * MIB)
        assert held >= mebibytes * 65 // 100  # so that less than 35 % went after the cut
        peak = {"FR": sender.growth["FR"], "AL": max(first.growth["AL"], second.growth["AL"])}
        assert max(peak.values()) < GROWTH, peak
        with capsys.disabled():
            print(
                f"\n{mebibytes} MiB: {mebibytes / took:.0f} MiB/s sealed, carried, checked and handed over, with a kill"
                f" in between; plain copy {mebibytes / plain:.0f} MiB/s; growth FR {peak['FR'] // MIB} MiB,"
                f" AL {peak['AL'] // MIB} MiB; {held} of {mebibytes} segments before the kill"
            )
    finally:
        pair.close()


def submitted(fr: NodeProcess, al: NodeProcess, message: str) -> None:
    """A referral with the file."""
    given = fr.call("consent.record", by="adm", number="fr-7f3a", content=consent(f"{al.name}/focal-point"))
    content = {
        "referral_kind": "service",
        "person": {
            "pseudonym": "Mali",
            "age_group": "adult",
            "unknown": {"languages": "not_yet", "safe_contact_rule": "not_yet"},
        },
        "thb_status": "presumed",
        "services_requested": [{"service": "food"}],
        "legal_status": "irregular",
        "expected_next_step": "service_start",
        "unknown": {"immediate_risk": "not_yet"},
        "attachments": [{"part": 0, "doc_kind": "other"}],
    }
    fr.call(
        "message.submit",
        type="referral.request/1",
        to=al.name,
        purpose="referral",
        message=message,
        header=header(consent_ref=given["id"], case_ref_sender="fr-7f3a"),
        content=content,
    )
