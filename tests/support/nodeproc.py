"""Nodes as processes of their own: made, paired over their sockets, killed and started again.

`make_pair(base)` gives two nodes of two countries, each with a drop folder as its case system and, with
`proxied=True`, a `Proxy` before its listener through which the other side must go. Time is real, or steered for both
with `Pair.advance`.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from support import warm
from support.acting import FIRST, ask_over, token_at
from support.ceremony import ADMINS, CARDS, pairing, play
from support.dropfolder import drop_folder
from support.nodechild import CHEAP, ROOT, SteeredClock
from support.patience import PATIENCE
from support.ports import free_port
from support.proxy import Proxy
from support.rest import FEW, wait_for_rest

from adapters.folder import FolderAdapter
from gateway.administration.create_node import Plan, make_node
from gateway.api.routes import PREFIX, ROUTES
from gateway.cli.connection import credential
from gateway.foundation.clock import SystemClock
from gateway.foundation.config import Unit
from gateway.foundation.ids import UnitKind
from gateway.ports import Clock
from keys.keystore.keystore import system_rand
from keys.primitives.encoding import b64u

PASSPHRASE = "node"
ROOT_PASSPHRASE = "roots"
UNIT = "focal-point"
LOG = "node.db-wal"
"""The write-ahead log of its database."""
HOUR = 3_600
DAY = 24 * HOUR
MINUTE = 60


def unit(name: str) -> Unit:
    """The one unit of a node under test."""
    return Unit(id=UNIT, name=name, kind=UnitKind.PUBLIC_AUTHORITY, roles=("national_focal_point",))


def _head(log: Path) -> bytes:
    """What begins a write-ahead log, other words each time that it begins anew; nothing of one that is not there."""
    try:
        with log.open("rb") as file:
            return file.read(32)
    except FileNotFoundError:
        return b""


class Away(Exception):
    """The node did not answer: it is down, or died while asked."""


class Client:
    """A local system: requests over the node's socket, on a connection that is kept."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "run" / "api.sock"
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self, method: str, target: str, body: Any = None, key: str | None = None, token: str | None = None
    ) -> tuple[int, Any]:
        """Status and parsed answer; raises Away."""
        try:
            connection = self._connected()
            headers = {"Content-Type": "application/json", **credential(token)}
            headers |= {} if key is None else {"Idempotency-Key": key}
            connection.request(method, target, body=None if body is None else json.dumps(body), headers=headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException) as exc:
            self.close()
            raise Away from exc

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None and select.select([self._connection.sock], [], [], 0)[0]:
            self.close()  # the node ended a connection that was idle for long, as clients have to expect
        if self._connection is None:
            found = http.client.HTTPConnection("localhost", timeout=PATIENCE)
            found.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            found.sock.settimeout(PATIENCE)
            self._connection = found
            found.sock.connect(str(self._path))
        return self._connection

    def call(self, operation: str, key: str | None = None, by: str | None = None, **arguments: Any) -> Any:
        """The answer of one operation that must succeed, by this person or the owner (`support.acting.ask_over`)."""

        def once(step: str, given: Mapping[str, Any], name: str | None) -> Any:
            token = None if name is None else token_at(self._path.parents[1], name, self.call)
            return self.plain(step, given, key if step == operation else None, token)

        return ask_over(once, operation, arguments, by=by)

    def submit(self, request: dict[str, Any], key: str) -> tuple[int, Any]:
        """Status and answer of a submission by a person, who was signed in before (`NodeProcess.sign_in`)."""
        return self.ask("POST", f"{PREFIX}/messages", request, key, token_at(self._path.parents[1], FIRST, self.call))

    def plain(self, operation: str, given: Mapping[str, Any], key: str | None = None, token: str | None = None) -> Any:
        """The answer of one operation to these arguments, by the owner or whoever shows the token."""
        arguments = dict(given)
        route = next(route for route in ROUTES if route.operation == operation)
        target = PREFIX + route.path
        if "{id}" in target:
            target = target.replace("{id}", quote(str(arguments.pop("id")), safe=""))
        if route.method == "GET":
            target += "?" + urlencode(arguments) if arguments else ""
            status, value = self.ask("GET", target, token=token)
        else:
            status, value = self.ask("POST", target, arguments, key or b64u(system_rand(16)), token)
        assert status < 300, (operation, status, value)
        return value

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass(kw_only=True)
class NodeProcess:
    """One node folder and the process that owns it, if it runs. `packages` come before this repository where it looks
    for what it imports: the node was upgraded. `inside` are words before its command, as for a network namespace, where
    it listens at `listen` and is reached at `endpoint`.
    """

    name: str
    base: Path
    steered: int | None = None
    proxy: Proxy | None = None
    batch: int = 1_000
    node: str = ""
    packages: tuple[Path, ...] = ()
    inside: tuple[str, ...] = ()
    listen: str = ""
    endpoint: str = ""
    process: subprocess.Popen[str] | warm.Forked | None = None

    @property
    def folder(self) -> Path:
        """The node folder."""
        return self.base / self.name

    @property
    def cases(self) -> Path:
        """The drop folder of the country's case system."""
        return self.base / f"{self.name}-cases"

    @property
    def passphrase_file(self) -> Path:
        """What its key service reads, and the node never does."""
        return self.base / f"{self.name}.pass"

    @property
    def keyd(self) -> int:
        """The process of its key service now."""
        _, keyd = self.pids
        return keyd

    @property
    def pids(self) -> list[int]:
        """Its process and what that has started, its key service; none where it is down."""
        if self.process is None:
            return []
        pid = self.process.pid
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]

    def make(self, clock: Clock) -> None:
        """Make the node; others reach it through its proxy, if it has one."""
        self.passphrase_file.write_text(PASSPHRASE)
        port = free_port()
        if self.proxy is not None:
            self.proxy.listen(port)
        FolderAdapter.create(self.cases)
        plan = Plan(
            folder=self.folder,
            roots=self.base / f"{self.name}-roots",
            name=self.name,
            country=self.name,
            endpoint=f"https://{self.endpoint or f'127.0.0.1:{port if self.proxy is None else self.proxy.port}'}",
            listen=self.listen or f"127.0.0.1:{port}",
            contact="duty desk",
            units=[unit(self.name)],
            demo=True,
            admins=CARDS,
            adapter=drop_folder(self.cases),
        )
        made = asyncio.run(make_node(plan, PASSPHRASE, ROOT_PASSPHRASE, clock=clock, cost=CHEAP))
        self.node = made.node

    def start(self, die: str | None = None) -> None:
        """Start, and wait until it takes requests."""
        self.launch(die)
        assert self._line() == "ready", self.log()

    def launch(self, die: str | None = None) -> None:
        """Start without waiting."""
        spec = {
            "folder": str(self.folder),
            "passphrase_file": str(self.passphrase_file),
            "start": self.steered,
            "die": die,
            "batch": self.batch,
            "log": str(self.base / f"{self.name}.log"),
        }
        with (self.base / f"{self.name}.err").open("a") as errors:
            if self.packages or self.inside:
                child = [sys.executable, str(ROOT / "tests" / "support" / "nodechild.py"), *map(str, self.packages)]
                self.process = subprocess.Popen(
                    [*self.inside, *child],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    text=True,
                    cwd=ROOT,
                )
            else:
                self.process = warm.node(errors)
        self._say(json.dumps(spec))

    def _pipe(self) -> subprocess.Popen[str] | warm.Forked:
        assert self.process is not None, "the node does not run"
        return self.process

    def _say(self, line: str) -> None:
        stdin = self._pipe().stdin
        assert stdin is not None
        stdin.write(line + "\n")
        stdin.flush()

    def _line(self) -> str:
        stdout = self._pipe().stdout
        assert stdout is not None
        return stdout.readline().strip()

    def advance(self, seconds: int) -> None:
        """Move this node's clock and wait until it has moved."""
        self._say(f"advance {seconds}")
        line = self._line()
        assert line.startswith("now "), self.log()
        self.steered = int(line[4:])

    def jump(self, seconds: int) -> None:
        """Set this node's clock by so much; no time passes."""
        self._say(f"jump {seconds}")
        line = self._line()
        assert line.startswith("now "), self.log()
        self.steered = int(line[4:])

    @property
    def running(self) -> bool:
        """Whether there is a process."""
        return self.process is not None

    def kill(self) -> None:
        """SIGKILL, and wait until the kernel has buried it."""
        self._pipe().send_signal(signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        """Wait for the end of the process and give its exit status."""
        process = self._pipe()
        code = process.wait(timeout=PATIENCE)
        self._close()
        return code

    def stop(self) -> None:
        """Stop in order, if it runs."""
        if self.process is not None:
            stdin = self.process.stdin
            if stdin is not None:
                stdin.close()
            assert self.wait() == 0, self.log()

    def _close(self) -> None:
        process, self.process = self._pipe(), None
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue

    def log(self) -> str:
        """What it had to say last, for a failed assertion."""
        files = [self.base / f"{self.name}.err", self.base / f"{self.name}.log"]
        return "\n".join(path.read_text()[-3_000:] for path in files if path.exists())

    def client(self) -> Client:
        """A new connection to it."""
        return Client(self.folder)

    def sign_in(self) -> None:
        """Enrol the person who submits, before somebody kills the node."""
        token_at(self.folder, FIRST, self.call)

    def call(self, operation: str, **arguments: Any) -> Any:
        """One operation over the socket."""
        client = self.client()
        with closing(client):
            return client.call(operation, **arguments)

    def rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        """What the database says, read from a copy so that the node's files stay as a kill left them. Where its log
        begins anew meanwhile, the copy lacks what stood there, and is made again.
        """
        copy, began = self.base / f"{self.name}-copy", None
        while began is None or began != _head(copy / LOG):
            shutil.rmtree(copy, ignore_errors=True)
            copy.mkdir()
            began = _head(self.folder / LOG)
            for name in ("node.db", LOG):
                if (self.folder / name).exists():
                    shutil.copy(self.folder / name, copy / name)
        with closing(sqlite3.connect(copy / "node.db")) as connection:
            return connection.execute(query, arguments).fetchall()

    def agreed(self) -> bool:
        """Whether both sides' records about every peer are in force here."""
        return all(peer["missing"] is None for peer in self.call("peer.list")["peers"])

    def received(self) -> list[dict[str, Any]]:
        """Every message in the case system's incoming folder."""
        return [json.loads(path.read_text()) for path in sorted((self.cases / "incoming").glob("[!.]*.json"))]

    def count(self) -> int:
        """How many messages lie in the incoming folder."""
        return sum(1 for _ in (self.cases / "incoming").glob("[!.]*.json"))

    def collect(self) -> list[dict[str, Any]]:
        """The office takes every received message away."""
        found = self.received()
        for path in (self.cases / "incoming").glob("[!.]*.json"):
            path.unlink()
        return found

    def notices(self) -> list[dict[str, Any]]:
        """All news in the case system's notices folder."""
        return [json.loads(path.read_text()) for path in sorted((self.cases / "notices").glob("[!.]*.json"))]

    def drop(self, name: str, draft: dict[str, Any]) -> None:
        """The office puts a draft into its outgoing folder."""
        part = self.cases / "outgoing" / f".{name}.part"
        part.write_text(json.dumps(draft))
        part.rename(self.cases / "outgoing" / f"{name}.json")

    def alarms(self) -> list[str]:
        """Kinds of the alarms that nobody dismissed."""
        return [alarm["kind"] for alarm in self.call("alarm.list", limit=500)["alarms"]]

    def state(self, id: str) -> str:
        """State of one message."""
        return str(self.call("message.show", id=id)["state"])


@dataclass(kw_only=True)
class Pair:
    """Two nodes that are paired; A asks and B is asked."""

    a: NodeProcess
    b: NodeProcess
    proxies: list[Proxy] = field(default_factory=list)

    def advance(self, total: int, step: int | None = None) -> None:
        """Move both clocks by `total` seconds, `step` at a time; what is due after each has the real time it takes."""
        step = step or total
        for _ in range(0, total, step):
            self._advance(step)
            wait_for_rest(*self.a.pids, *self.b.pids, looks=FEW)

    def _advance(self, step: int) -> None:
        for node in (self.a, self.b):
            if node.running:
                node.advance(step)
            elif node.steered is not None:
                node.steered += step

    def until(self, condition: Callable[[], bool], seconds: int = 60, pause: float = 0.05, step: int = 1) -> int:
        """Let up to `seconds` steered seconds pass, `step` at a time, until `condition` holds; how many it took. What
        is due by then has the real time that it takes.
        """
        for passed in range(0, seconds + 1, step):
            if _settles(condition, pause):
                return passed
            self._advance(step)
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, f"not within {seconds} s\n{self.a.log()}\n{self.b.log()}"
            time.sleep(SELDOM)
        return seconds

    def close(self) -> None:
        """Kill what runs, end the proxies."""
        for node in (self.a, self.b):
            if node.running:
                node.kill()
        for proxy in self.proxies:
            proxy.close()


def _settles(condition: Callable[[], bool], pause: float) -> bool:
    """Whether the condition holds after at most `pause` real seconds; it is asked three times."""
    for rest in (pause / 3, pause * 2 / 3):
        if condition():
            return True
        time.sleep(rest)
    return condition()


FIRST_LOOK, SELDOM = 0.02, 0.2


def eventually(condition: Callable[[], bool], what: str, seconds: float = PATIENCE, *, seldom: float = SELDOM) -> None:
    """Wait in real time. Who waits for long asks less often, but at least every `seldom` seconds: asking is work for
    the nodes that are waited for.
    """
    deadline, rest = time.monotonic() + seconds, FIRST_LOOK
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(rest)
        rest = min(rest * 1.5, seldom)


def make_pair(base: Path, *, start: int | None = None, proxied: bool = False, batch: int = 1_000) -> Pair:
    """Two nodes, running and active at each other. `start` steers their clocks, from that Unix second on."""
    clock: Clock = SystemClock() if start is None else SteeredClock(start)
    nodes = [
        NodeProcess(name=name, base=base, steered=start, proxy=Proxy() if proxied else None, batch=batch)
        for name in ("FR", "AL")
    ]
    pair = Pair(a=nodes[0], b=nodes[1], proxies=[node.proxy for node in nodes if node.proxy is not None])
    try:
        for node in nodes:
            node.make(clock)
            node.launch()
        for node in nodes:
            assert node._line() == "ready", node.log()
        introduce(*nodes)
    except BaseException:
        pair.close()
        raise
    return pair


def introduce(a: NodeProcess, b: NodeProcess) -> None:
    """Pairing as two administrators do it."""
    for here, there in ((a, b), (b, a)):
        here.call("peer.add", chain=there.call("node.pairing"))
    for here, there in ((a, b), (b, a)):
        assert play(pairing(ADMINS, there.name), here.call)["peer"]["state"] == "active"
    for node in (a, b):
        eventually(lambda node=node: node.agreed(), "both sides' trust records are known to both")  # type: ignore[misc]


def enquiry(reference: str, to: str = "AL") -> dict[str, Any]:
    """A small message without personal data that carries the client's own id."""
    return {
        "type": "enquiry.capacity/1",
        "to": to,
        "header": {
            "sender_unit": UNIT,
            "sender_role": "national_focal_point",
            "recipient_unit": UNIT,
            "recipient_role": "national_focal_point",
            "author_ref": "w-1",
            "priority": "normal",
            "handling": {"onward_sharing": "none", "retain_until": "2030-11-30", "export_to_local": "full"},
            "language": "fr",
        },
        "content": {
            "services": ["safe_accommodation"],
            "age_group": "adult",
            "referral_kind": "return_reception",
            "note": reference,
        },
    }


def references(node: NodeProcess) -> list[str]:
    """The clients' ids in the case system of a node, each as often as it is there."""
    return [message["content"]["note"] for message in node.received()]


class Ledger:
    """The client's own book: what it is about to ask is on its disk before it asks."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(self, line: str) -> None:
        """Append a line and wait for the disk."""
        os.write(self._handle, line.encode() + b"\n")
        os.fsync(self._handle)

    def close(self) -> None:
        """Close the book."""
        os.close(self._handle)
