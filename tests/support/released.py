"""The node folders that a release left behind, at the time at which they were left: `tests/data/release_0_1_0`.

    with left_by_release(tmp_path) as pair:       FR is `pair.a`, AL is `pair.b`; neither runs yet
        pair.a.start()
    with alone(tmp_path, "FR") as fr:             it runs where AL does not look for it

What was kept beside them: `FACTS`, `wire(name)` and the files of `DATA`. `trm_then` runs a verb at that time, and
`checked_out` makes the program of the release from the history of this repository.
"""

from __future__ import annotations

import base64
import fcntl
import importlib.util
import json
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine
from support import warm
from support.nodeproc import ROOT, NodeProcess, Pair
from support.patience import PATIENCE
from support.ports import free_port

from keys.primitives.encoding import canon, sha256_hex

DATA = ROOT / "tests" / "data" / "release_0_1_0"
COMMIT = "826839cbb94a337de315f7e84f19426525e575f6"
FACTS: dict[str, Any] = json.loads((DATA / "facts.json").read_text(encoding="utf-8"))
AT: int = FACTS["at"]
"""When the folders were left. A node that is started at this second takes the requests that were signed in it."""
NAMES = ("FR", "AL")
FINGERPRINTS = {name: str(FACTS["nodes"][name]["fingerprint"]) for name in NAMES}
STATEMENTS = "select sql from sqlite_master where sql is not null and name not like 'sqlite_%' order by type, name"


@contextmanager
def left_by_release(base: Path) -> Iterator[Pair]:
    """Both nodes in `base`, not running. Their addresses are signed, so that one test at a time has them."""
    with _undisturbed():
        nodes = unpack(base)
        pair = Pair(a=nodes["FR"], b=nodes["AL"])
        try:
            yield pair
        finally:
            pair.close()


@contextmanager
def alone(base: Path, name: str) -> Iterator[NodeProcess]:
    """One of the nodes, running at an address that the other one does not know: neither hears of the other."""
    node = unpack(base)[name]
    settings = node.folder / "node.toml"
    signed = f"{FACTS['addresses'][name]}:{FACTS['federation']}"
    settings.write_text(settings.read_text(encoding="utf-8").replace(f'"{signed}"', f'"127.0.0.1:{free_port()}"'))
    node.start()
    try:
        yield node
    finally:
        node.stop()


@contextmanager
def _undisturbed() -> Iterator[None]:
    with (Path(tempfile.gettempdir()) / f"trm-released-{FACTS['federation']}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unpack(base: Path) -> dict[str, NodeProcess]:
    """The folders of the archive in `base`, with its path in their settings."""
    with tarfile.open(DATA / "nodes.tar.xz") as archive:
        archive.extractall(base, filter="tar")  # with the modes of its folders, which `trm doctor` looks at
    for name in NAMES:
        settings = base / name / "node.toml"
        text = settings.read_text(encoding="utf-8").replace("@BASE@", str(base)).replace("@LOCAL@", str(free_port()))
        settings.write_text(text, encoding="utf-8")
    return {name: NodeProcess(name=name, base=base, steered=AT) for name in NAMES}


def listener(node: NodeProcess, section: str) -> tuple[str, int]:
    """Where a node listens for its peers (`federation`) or for people and programs (`local`)."""
    settings = tomllib.loads((node.folder / "node.toml").read_text(encoding="utf-8"))
    host, _, port = settings[section]["listen"].rpartition(":")
    return host, int(port)


def digest(*content: Any) -> str:
    """SHA-256 of what a message says, in its one spelling."""
    return sha256_hex(canon(list(content)))


def holdings(node: NodeProcess) -> dict[str, Any]:
    """What a running node answers about all that it holds, as `facts.json` has it; `chain` is left out."""
    messages = []
    for item in node.call("message.list", limit=500)["messages"]:
        shown = node.call("message.show", id=item["id"], direction=item["direction"])
        said = shown.get("content")
        messages.append(
            {name: item[name] for name in ("id", "direction", "type", "conversation", "state", "reason", "at", "n")}
            | {
                "receipts": [[one["status"], one["at"]] for one in shown["receipts"]],
                "erased": shown["erased"] is not None,
                "digest": None if said is None else digest(shown["header"], said),
            }
        )
    about = node.call("node.show")
    return {
        "node": about["node"],
        "fingerprint": about["fingerprint"],
        "messages": messages,
        "drafts": {item["id"]: item["state"] for item in node.call("draft.list", limit=500)["drafts"]},
        "consents": {item["id"]: item["state"] for item in node.call("consent.list", limit=500)["consents"]},
        "alarms": sorted(node.alarms()),
        "people": sum(one["name"].endswith(" Test") for one in node.call("person.list")["people"]),
        "policy": node.call("policy.show")["in_force"]["name"],
    }


# --- verbs at that time -------------------------------------------------------------------------------------------


def trm_then(words: Sequence[str | Path], *, cwd: Path, at: int = AT) -> subprocess.CompletedProcess[str]:
    """Run one verb as a process whose clock stands still at the time of the folders."""
    return warm.trm(words, cwd=cwd, at=float(at))


# --- the wire -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request of a node to the other, and the answer: all bytes as they went through TLS."""

    to: str
    at: int
    request: bytes = field(repr=False)
    answer: bytes = field(repr=False)

    @property
    def body(self) -> Any:
        """The JSON of the answer."""
        return body(self.answer)


def wire(name: str) -> Exchange:
    """One kept exchange."""
    kept = json.loads((DATA / "wire.json").read_bytes())[name]
    data = {part: base64.b64decode(kept[part]) for part in ("request", "answer")}
    return Exchange(to=kept["to"], at=kept["at"], **data)


def body(answer: bytes) -> Any:
    """The JSON of an answer; None for an empty one."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head.partition(b"\r\n")[0]
    return orjson.loads(rest) if rest else None


def replay(exchange: Exchange, node: NodeProcess) -> bytes:
    """Send the bytes of the request again to a node that runs; the bytes of its answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # who answers is proven by the signature of the answer
    with (
        socket.create_connection(listener(node, "federation"), timeout=PATIENCE) as plain,
        context.wrap_socket(plain) as secured,
    ):
        secured.sendall(exchange.request)
        answer = b""
        while b"\r\n\r\n" not in answer or len(answer) < _whole(answer):
            data = secured.recv(65_536)
            assert data, "the node hung up within its answer"
            answer += data
    return answer


def _whole(answer: bytes) -> int:
    head, gap, _ = answer.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return len(head) + len(gap) + int(lengths[0])


# --- the database -------------------------------------------------------------------------------------------------


def statements(database: Path) -> str:
    """Every statement that made a database, as SQLite keeps it."""
    with closing(sqlite3.connect(database)) as connection:
        return "".join(f"{sql};\n" for (sql,) in connection.execute(STATEMENTS))


def first_revision(database: Path) -> str:
    """The statements of a new database in which the migration 0001 of today ran, and no other."""
    (file,) = (ROOT / "gateway").rglob("versions/r0001_*.py")
    spec = importlib.util.spec_from_file_location("first_revision", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    engine = create_engine(f"sqlite+pysqlite:///{database}")
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"render_as_batch": True})
        context._ensure_version_table()
        with Operations.context(context):
            module.upgrade()
    engine.dispose()
    return statements(database)


# --- the program of the release -----------------------------------------------------------------------------------


def checked_out(base: Path, commit: str = COMMIT, *, name: str = "release_0_1_0") -> Path | None:
    """The tree of the release, or of another commit, in a folder of `base`, from the history of this repository; None
    without it.
    """
    place = base / name
    place.mkdir()
    try:
        packed = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    subprocess.run(["tar", "-x", "-C", str(place)], input=packed, check=True)
    return place


@dataclass(kw_only=True)
class ReleasedProcess(NodeProcess):
    """A node that runs the program of the release in `tree`."""

    tree: Path

    def call(self, operation: str, **arguments: Any) -> Any:
        """One operation over the socket; this program enrols nobody, and the owner says who acts."""
        with closing(self.client()) as client:
            return client.plain(operation, arguments)

    def launch(self, die: str | None = None) -> None:
        """Start without waiting; the tree brings its own way to be steered."""
        spec = {
            "folder": str(self.folder),
            "passphrase_file": str(self.passphrase_file),
            "start": self.steered,
            "die": die,
            "batch": self.batch,
            "log": str(self.base / f"{self.name}.log"),
        }
        with (self.base / f"{self.name}.err").open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, str(self.tree / "tests" / "support" / "nodechild.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=self.tree,
                env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            )
        self._say(json.dumps(spec))
