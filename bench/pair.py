"""Two real nodes on this machine: processes of `trm serve`, paired, FR sends and AL has a drop folder.

A third node UA is paired with FR and then stopped: the absent peer of the backlog.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from adapters.folder import FolderAdapter
from bench.work import CASE, REFERRAL, make_consent, make_referral
from gateway.administration.create_node import Plan, make_node
from gateway.cli.connection import call_node
from gateway.demo.ceremony import carry_out_change, trust_peer
from gateway.errors import Code, RefusedError
from gateway.foundation.clock import SystemClock
from gateway.foundation.config import AdapterSection, Unit
from gateway.foundation.ids import UnitKind
from gateway.operations.roles import Role
from gateway.ports import Json
from keys.keystore.keystore import system_rand
from keys.offline.administrator_key import new_admin
from keys.primitives.encoding import b64u
from schemas.region_pack.policies import Attested, format_policy, read_policy
from schemas.types import type_name

SENDER, RECEIVER, ABSENT = "FR", "AL", "UA"
START_LIMIT = 60.0
PASSPHRASE = "passphrase"
FASTEST = "\n[keys]\nopens_per_minute = 60000\nunwraps_per_minute = 240000\n"
"""The highest limits of a key service, so that it is the node that is measured."""


class Pair:
    """Two nodes in a temporary folder, made and started on entering, stopped and removed on leaving."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trm-bench-"))
        self.referral: dict[str, Json] = {}
        self.token = ""
        """That of a case system at the sender."""
        self.position = 0
        """The last event of the sender that was looked at."""
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._admins = [new_admin(label=label, now=SystemClock().now()) for label in ("first", "second")]

    def __enter__(self) -> Pair:
        """Make, start and pair the nodes."""
        try:
            (self.folder / PASSPHRASE).write_text(b64u(system_rand(18)))
            for name in (SENDER, RECEIVER, ABSENT):
                asyncio.run(self._make(name))
            for name in (SENDER, RECEIVER, ABSENT):
                self.start(name)
            for one, other in ((SENDER, RECEIVER), (RECEIVER, SENDER), (SENDER, ABSENT), (ABSENT, SENDER)):
                self._introduce(one, other)
            self._agree()
            self.stop(ABSENT)
            self._attest()
            recorded = {"number": CASE, "content": make_consent((RECEIVER, ABSENT)), "attested": {"by": "u-1"}}
            held = _object(call_node(self.node(SENDER), "consent.record", recorded, token=self.token))
            self.referral = make_referral(RECEIVER, str(held["id"]))
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

    @property
    def passphrase(self) -> Path:
        """The file with the passphrase of all nodes."""
        return self.folder / PASSPHRASE

    def start(self, name: str, before: Sequence[str] = ()) -> float:
        """Start a node, through the command `before` if any, and return the seconds until it takes requests."""
        command = [*before, sys.executable, "-m", "gateway.cli", "serve", "--node", str(self.node(name)), "--json"]
        command += ["--passphrase-file", str(self.passphrase)]
        begun = time.monotonic()
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        self._running[name] = process
        if process.stdout is None or not process.stdout.readline():
            said = (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]
            raise RefusedError(Code.UNREACHABLE, f"the node {name} did not start", hint=said)
        return time.monotonic() - begun

    def stop(self, name: str) -> None:
        """End a node and wait for it; what traces it ends with it, and its key service ends by itself."""
        process = self._running.pop(name)
        traced = (pid for pid in self._pids(process.pid) if Path(f"/proc/{pid}/comm").read_text() != "strace\n")
        os.kill(next(traced, process.pid), signal.SIGTERM)
        try:
            process.wait(START_LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def memory(self, name: str) -> float:
        """Return the MiB of a node's two processes; a page that both use counts once (PSS), where that can be read."""
        return sum(_kib(pid) for pid in self._pids(self._running[name].pid)) / 1024

    def cpu(self) -> float:
        """Return the CPU seconds that both nodes have used."""
        pids = [pid for process in self._running.values() for pid in self._pids(process.pid)]
        return sum(_ticks(pid) for pid in pids) / os.sysconf("SC_CLK_TCK")

    def _pids(self, root: int) -> list[int]:
        children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
        return [root, *(pid for child in children for pid in self._pids(int(child)))]

    async def _make(self, name: str) -> None:
        port = _free_port()
        cases = self.folder / f"{name}-cases"
        if name == RECEIVER:
            FolderAdapter.create(cases)
        unit = Unit(
            id="focal-point", name="Focal point", kind=UnitKind.PUBLIC_AUTHORITY, roles=("national_focal_point",)
        )
        plan = Plan(
            folder=self.node(name),
            roots=self.folder / f"{name}-roots",
            name=name,
            country=name,
            endpoint=f"https://127.0.0.1:{port}",
            listen=f"127.0.0.1:{port}",
            contact="bench",
            units=[unit],
            demo=True,
            admins=[admin.card for admin in self._admins],
            adapter=AdapterSection.model_validate({"kind": "folder", "path": str(cases)}) if name == RECEIVER else None,
        )
        await make_node(plan, self.passphrase.read_text(), b64u(system_rand(18)), clock=SystemClock())
        with (self.node(name) / "node.toml").open("a", encoding="utf-8") as settings:
            settings.write(FASTEST)

    def _introduce(self, one: str, other: str) -> None:
        folder = self.node(one)
        chain = call_node(self.node(other), "node.pairing", {}, passphrase_file=self.passphrase)
        call_node(folder, "peer.add", {"chain": chain, "name": other})

        def ask(operation: str, /, **arguments: Json) -> dict[str, Json]:
            return _object(call_node(folder, operation, arguments))

        trust_peer(ask, self._admins, other)

    def _attest(self) -> None:
        """Let a case system of the sender attest both people who release a referral."""
        folder = self.node(SENDER)

        def ask(operation: str, /, **arguments: Json) -> dict[str, Json]:
            return _object(call_node(folder, operation, arguments))

        found = read_policy(str(_object(ask("policy.show")["in_force"])["file"]).encode())
        both = frozenset({type_name(REFERRAL)})
        wider = replace(found, version=found.version + 1, attested=Attested(first=both, second=both))
        carry_out_change(ask, self._admins, "policy.widen", "node", policy=format_policy(wider))
        self.token = str(ask("token.new", role=str(Role.ADAPTER), label="bench")["token"])

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


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port: int = holder.getsockname()[1]
    return port


def _kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except PermissionError:  # a hardened process shows it to root only
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(("Pss:", "VmRSS:"))), 0)


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def encode_request(request: dict[str, Json]) -> bytes:
    """Encode a request as the local API takes it."""
    return json.dumps(request).encode()
