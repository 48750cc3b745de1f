"""Two real nodes on this machine: processes of `trm serve`, paired, FR sends and AL has a drop folder.

A third node UA is paired with FR and then stopped: the absent peer of the backlog.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from bench import nodes
from bench.engines.server import Server
from bench.processes import list_pids, read_cpu, read_memory
from bench.work import CASE, QUESTION, REFERRAL, make_consent, make_referral
from gateway.cli.connection import call_node
from gateway.demo.people import Ask, carry_out_change, trust_peer
from gateway.errors import Code, RefusedError
from gateway.foundation.clock import SystemClock
from gateway.foundation.ids import NodeId
from gateway.operations.roles import Role
from gateway.ports import Json
from keys.keystore.keystore import system_rand
from keys.offline.administrator_key import new_admin
from keys.primitives.encoding import b64u
from schemas.region_pack.policies import Attested, format_policy, read_policy
from schemas.types import type_name

ROOT = Path(__file__).resolve().parents[1]
SENDER, RECEIVER, ABSENT = "FR", "AL", "UA"
START_LIMIT = 60.0
PASSPHRASE = "passphrase"


class Pair:
    """Two nodes in a temporary folder, made and started on entering, stopped and removed on leaving.

    `environment` is added to that of nodes that run, and `imported` are folders in which they look before their own
    code; `trees` is where the code of a node lies that is not of this tree; `both` lets the receiver submit and the
    sender hand over, too; `settings` goes to the sender's `node.toml`.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str] | None = None,
        imported: Sequence[Path] = (),
        trees: Mapping[str, Path] | None = None,
        both: bool = False,
        settings: str = "",
        server: Server | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trm-bench-"))
        self.referral: dict[str, Json] = {}
        """What the sender submits."""
        self.tokens: dict[str, str] = {}
        """By node that submits: that of its case system."""
        self.workers = {SENDER: [SENDER], RECEIVER: [RECEIVER]}
        """By node: its processes, each with a folder of this name."""
        self.server = server
        self.positions = {SENDER: 0, RECEIVER: 0}
        """By node: the last of its events that was looked at."""
        self.admins = [new_admin(label=label, now=SystemClock().now()) for label in ("first", "second")]
        self._environment = environment or {}
        self._imported = imported
        self._trees = trees or {}
        self._submitting = (SENDER, RECEIVER) if both else (SENDER,)
        self._handing_over = (SENDER, RECEIVER) if both else (RECEIVER,)
        self._settings = {SENDER: settings}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Pair:
        """Make, start and pair the nodes."""
        try:
            (self.folder / PASSPHRASE).write_text(b64u(system_rand(18)))
            for name in (SENDER, RECEIVER, ABSENT):
                self._make(name)
            for name in (SENDER, RECEIVER, ABSENT):
                self.start(name)
            for one, other in ((SENDER, RECEIVER), (RECEIVER, SENDER), (SENDER, ABSENT), (ABSENT, SENDER)):
                chain = call_node(self.node(other), "node.pairing", {}, passphrase_file=self.passphrase)
                self.introduce(one, other, chain)
            self._agree()
            self.stop(ABSENT)
            for name in self._submitting:
                self._attest(name)
            self.referral = make_referral(RECEIVER, self.record_consent(SENDER, (RECEIVER, ABSENT)))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop both and remove everything."""
        self._close()

    def node(self, name: str) -> Path:
        """The folder of a node."""
        return self.folder / name

    def incoming(self, name: str) -> Path:
        """Where a node hands over to."""
        return self.folder / f"{name}-cases" / "incoming"

    @property
    def passphrase(self) -> Path:
        """The file with the passphrase of all nodes."""
        return self.folder / PASSPHRASE

    @property
    def token(self) -> str:
        """That of a case system at the sender."""
        return self.tokens[SENDER]

    def start(self, name: str, before: Sequence[str] = ()) -> float:
        """Start a node, through the command `before` if any, and return the seconds until it takes requests."""
        command = [*before, sys.executable, "-m", "gateway.cli", "serve", "--node", str(self.node(name)), "--json"]
        command += ["--passphrase-file", str(self.passphrase)]
        begun = time.monotonic()
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, **self._under(name, started=True))
        self._running[name] = process
        if process.stdout is None or not process.stdout.readline():
            said = (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]
            raise RefusedError(Code.UNREACHABLE, f"the node {name} did not start", hint=said)
        return time.monotonic() - begun

    def stop(self, name: str) -> None:
        """End a node and wait for it; what traces it ends with it, and its key service ends by itself."""
        process = self._running.pop(name)
        traced = (pid for pid in list_pids(process.pid) if Path(f"/proc/{pid}/comm").read_text() != "strace\n")
        os.kill(next(traced, process.pid), signal.SIGTERM)
        try:
            process.wait(START_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def pids(self, name: str) -> list[int]:
        """The processes of a node that runs: its own and its key service."""
        return list_pids(self._running[name].pid)

    def memory(self, name: str) -> float:
        """Return the MiB of a node's two processes."""
        return read_memory(self.pids(name))

    def cpu(self) -> float:
        """Return the CPU seconds that the nodes have used with their key services."""
        return sum(read_cpu(self.pids(name)) for name in self._running)

    def ask(self, name: str) -> Ask:
        """How the owner of a node asks it for an operation."""

        def ask(operation: str, /, **arguments: Json) -> dict[str, Json]:
            return _object(call_node(self.node(name), operation, arguments))

        return ask

    def introduce(self, here: str, other: str, chain: Json) -> None:
        """Let the administrators of a node trust the node of this chain as `other`."""
        call_node(self.node(here), "peer.add", {"chain": chain, "name": other})
        trust_peer(self.ask(here), self.admins, NodeId(other))

    def record_consent(self, name: str, countries: Sequence[str], case: str = CASE) -> str:
        """Record at a node the consent on which its referrals about a case rely, and return its id."""
        consent = make_consent(countries)
        recorded: dict[str, Json] = {"number": case, "content": consent, "attested": {"by": "u-1"}}
        return str(_object(call_node(self.node(name), "consent.record", recorded, token=self.tokens[name]))["id"])

    def _under(self, name: str, *, started: bool = False) -> dict[str, Any]:
        """Where the program of a node is looked for, and what is in its environment when it is started."""
        tree = self._trees.get(name, ROOT)
        path = os.pathsep.join(map(str, (*self._imported, tree) if started else (tree,)))
        return {"cwd": tree, "env": {**os.environ, "PYTHONPATH": path, **(self._environment if started else {})}}

    def _make(self, name: str) -> None:
        asked = {
            "base": str(self.folder),
            "name": name,
            "passphrase": self.passphrase.read_text(),
            "cards": [admin.card.document.to_json() for admin in self.admins],
            "hands_over": name in self._handing_over,
            "settings": self._settings.get(name, ""),
        }
        if self.server is not None and name != ABSENT:
            asked["database"] = self.server.make_database(f"{self.folder.name}-{name}")
        command = [sys.executable, "-P", nodes.__file__]
        subprocess.run(command, input=json.dumps(asked), text=True, check=True, **self._under(name))

    def _attest(self, name: str) -> None:
        """Let a case system of a node attest both people who release what it submits."""
        ask = self.ask(name)
        found = read_policy(str(_object(ask("policy.show")["in_force"])["file"]).encode())
        both = frozenset({type_name(REFERRAL), type_name(QUESTION)})
        wider = replace(found, version=found.version + 1, attested=Attested(first=both, second=both))
        carry_out_change(ask, self.admins, "policy.widen", "node", policy=format_policy(wider))
        self.tokens[name] = str(ask("token.new", role=str(Role.ADAPTER), label="bench")["token"])

    def _agree(self) -> None:
        """Wait until each of the running nodes has the trust records of its peers."""
        end = time.monotonic() + START_LIMIT
        while any(
            isinstance(peer, dict) and peer["missing"] is not None
            for name in (SENDER, RECEIVER)
            for peer in _peers(call_node(self.node(name), "peer.list", {}))
        ):
            if time.monotonic() > end:
                raise RefusedError(Code.UNREACHABLE, "the nodes did not take each other's trust records in time")
            time.sleep(0.05)

    def _close(self) -> None:
        for name in [*self._running]:
            self.stop(name)
        shutil.rmtree(self.folder, ignore_errors=True)


def _object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise RuntimeError("the operations of trust answer with objects")
    return value


def _peers(value: Json) -> list[Json]:
    found = _object(value)["peers"]
    return found if isinstance(found, list) else []


def encode_request(request: dict[str, Json]) -> bytes:
    """Encode a request as the local API takes it."""
    return json.dumps(request).encode()
