"""Two nodes in one process: real composition root, sockets and keys, a case system in memory, a clock the test moves.

`async with two_nodes(base) as (fr, al)` gives them paired and serving; they are paired once in a process, and copied.
What a test needs to see or spoil on the wire is in `Spoiler`, which stands between a node's client and the network:
requests are really sent, answers can be lost.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.acting import ask
from support.agreeing import compare_departures
from support.ceremony import ADMINS, CARDS, aplay, change, pairing
from support.dropfolder import drop_folder
from support.memory_adapter import MemoryAdapter, MemorySystem
from support.nodechild import CHEAP, SteeredClock
from support.nodeproc import UNIT, enquiry, unit
from support.patience import PATIENCE
from support.ports import free_port
from support.rest import until_at_rest

import schemas
from gateway.administration.create_node import Plan, make_node
from gateway.app import open_node
from gateway.composition.node import Node
from gateway.composition.serving import serve
from gateway.errors import Code, TransientError
from gateway.federation.client import Answered
from gateway.foundation.config import Unit
from gateway.peers.registry import Peer
from gateway.ports import Delivery
from gateway.trust.key_upkeep import FIRST_PUSH_RETRY
from keys.offline.administrator_key import Admin

START = 1_800_000_000
PASSPHRASE = "node"
COUNTRIES = ("FR", "AL")
NUMBER = "fr-7f3a"
"""What the case system of France calls the person of the examples."""
ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Party:
    """One running node with its case system."""

    name: str
    folder: Path
    clock: SteeredClock
    system: MemorySystem = field(default_factory=MemorySystem)
    own: bool = False
    """Whether it uses the adapter of its node.toml, and not the one in memory."""
    opened: Node | None = None
    stack: AsyncExitStack | None = None
    serving: asyncio.Task[None] | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    compared: list[str] = field(default_factory=list)
    """The types of the messages that departed by what submission had judged, as `support.agreeing` saw it."""

    @property
    def running(self) -> Node:
        """The opened node."""
        assert self.opened is not None
        return self.opened

    async def open(self) -> None:
        """Open the folder; nothing runs yet."""
        adapter = None if self.own else MemoryAdapter(self.system)
        node, self.stack = await open_node(self.folder, PASSPHRASE, clock=self.clock, at_least=CHEAP, adapter=adapter)
        self.opened = node
        self.compared = compare_departures(node)

    async def start(self) -> None:
        """Open and serve."""
        await self.open()
        ready, self.stopping = asyncio.Event(), asyncio.Event()
        self.serving = asyncio.create_task(serve(self.running, ready.set, self.stopping))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({waiting, self.serving}, return_when=asyncio.FIRST_COMPLETED)
        if self.serving.done():
            self.serving.result()

    async def rest(self) -> None:
        """End what serves and sends; the folder stays open."""
        if self.serving is not None:
            self.stopping.set()
            await self.serving
            self.serving = None

    async def stop(self) -> None:
        """End in order."""
        await self.rest()
        if self.stack is not None:
            await self.stack.aclose()
            self.stack = self.opened = None

    async def call(self, operation: str, key: str | None = None, by: str | None = None, **arguments: Any) -> Any:
        """One operation of the desk, by the person of this name (`support.acting.ask`)."""
        return await ask(self.running, operation, arguments, by=by, key=key)

    async def changes(
        self, action: str, peer: str | None = None, *, people: Sequence[Admin] = ADMINS, **wanted: Any
    ) -> Any:
        """The administrators change trust, as many as it takes, in an emergency where there is a delay."""
        name = peer or ("AL" if self.name == "FR" else "FR")
        make = pairing(people, name, **wanted) if action == "peer.activate" else change(people, action, name, **wanted)
        return await aplay(make, self.call)

    def agreed(self, peer: str | None = None) -> bool:
        """Whether both sides' records about a peer, or about the only one, are in force here."""
        found = self.peer() if peer is None else self.running.peers.find(peer)
        return found.standing(self.clock.now()).missing is None

    async def submit(self, reference: str, to: str | None = None, **changes: Any) -> str:
        """Submit a small message that carries `reference`; its id."""
        request = enquiry(reference, to or ("AL" if self.name == "FR" else "FR")) | changes
        return str((await self.call("message.submit", **request))["id"])

    async def state(self, id: str) -> str:
        """State of one message."""
        return str((await self.call("message.show", id=id))["state"])

    async def show(self, id: str) -> Any:
        """One message."""
        return await self.call("message.show", id=id)

    def peer(self) -> Peer:
        """The other node as it is held here."""
        (peer,) = self.running.peers.all()
        return peer

    def notes(self) -> list[str]:
        """What the case system was given, in order: the clients' references."""
        return [str(item.content["note"]) for item in self.deliveries() if "note" in item.content]

    def deliveries(self) -> list[Delivery]:
        """What the case system was given, in order."""
        return self.system.deliveries()

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database says."""
        return await self.running.store.read(lambda c: [tuple(row) for row in c.exec_driver_sql(query)])

    async def alarms(self) -> list[str]:
        """Kinds of the open alarms."""
        return [alarm["kind"] for alarm in (await self.call("alarm.list", limit=500))["alarms"]]


@dataclass
class Two:
    """Both nodes and their one clock."""

    fr: Party
    al: Party
    clock: SteeredClock

    def __iter__(self) -> Any:
        return iter((self.fr, self.al))

    async def until(self, condition: Callable[[], Awaitable[bool] | bool], *, seconds: int = 0, what: str = "") -> int:
        """Wait until the condition holds while up to `seconds` steered seconds pass; how many passed."""
        loop = asyncio.get_running_loop()
        deadline, passed = loop.time() + PATIENCE, 0
        while True:
            for _ in range(4):
                found = condition()
                if found if isinstance(found, bool) else await found:
                    return passed
                await asyncio.sleep(0.01)
            if passed < seconds:
                passed += 1
                self.clock.advance(1)
            assert loop.time() < deadline, what or "the condition did not come true"

    async def calm(self) -> None:
        """Let everything that can run now run."""
        await until_at_rest()


async def make_party(
    base: Path, name: str, clock: SteeredClock, port: int | None = None, units: Sequence[Unit] = ()
) -> Party:
    """A new node of one country, with these units or the usual one."""
    port = port or free_port()
    plan = Plan(
        folder=base / name,
        roots=base / f"{name}-roots",
        name=name,
        country=name,
        endpoint=f"https://127.0.0.1:{port}",
        listen=f"127.0.0.1:{port}",
        contact="duty desk",
        units=[*units] or [unit(name)],
        demo=True,
        admins=CARDS,
        adapter=drop_folder(base / f"{name}-cases"),
    )
    await make_node(plan, PASSPHRASE, "roots", clock=clock, cost=CHEAP)
    return Party(name, base / name, clock)


async def introduce(a: Party, b: Party) -> None:
    """Pairing as two administrators do it."""
    for here, there in ((a, b), (b, a)):
        await here.call("peer.add", chain=await there.call("node.pairing"), by="admin")
    for here, there in ((a, b), (b, a)):
        await here.changes("peer.activate", there.name)


@asynccontextmanager
async def two_nodes(base: Path) -> AsyncIterator[Two]:
    """FR and AL, paired, serving, each with the other's keyset: copies of two that were paired once in this process."""
    kept = await _paired()
    clock = SteeredClock(kept.at)
    for name in COUNTRIES:
        kept.copy(name, base)
    two = Two(*(Party(name, base / name, clock) for name in COUNTRIES), clock)
    try:
        for party in two:
            await party.start()
        clock.advance(FIRST_PUSH_RETRY)  # one of them asked before the other listened
        await two.until(
            lambda: all(p.agreed() and p.running.upkeep._pushed for p in two), seconds=30, what="the first push"
        )
        yield two
    finally:
        for party in two:
            await party.stop()


async def closed_node(base: Path) -> Party:
    """FR alone, paired with AL, of which nothing is there: a copy that nobody has opened."""
    kept = await _paired()
    kept.copy("FR", base)
    return Party("FR", base / "FR", SteeredClock(kept.at))


@dataclass(frozen=True)
class _Paired:
    """The folders of two nodes that were paired and then stopped, and the time at which they were."""

    base: Path
    at: int

    def copy(self, name: str, base: Path) -> None:
        """One of them as a node of `base`."""
        for folder in (name, f"{name}-roots"):
            shutil.copytree(self.base / folder, base / folder, ignore=shutil.ignore_patterns("*.sock"))
        settings = base / name / "node.toml"
        settings.write_text(settings.read_text().replace(str(self.base), str(base)))


_kept: list[_Paired] = []


async def _paired() -> _Paired:
    """Made at the first time. Their ports are none that the system gives to anybody else."""
    if not _kept:
        base = Path(tempfile.mkdtemp(prefix="trm-paired-"))
        atexit.register(shutil.rmtree, base)
        clock = SteeredClock(START)
        two = Two(*[await make_party(base, name, clock, free_port()) for name in COUNTRIES], clock)
        try:
            for party in two:
                await party.start()
            await introduce(*two)
            await two.until(
                lambda: all(p.peer().keyset is not None and p.agreed() for p in two), seconds=30, what="the first push"
            )
        finally:
            for party in two:
                await party.stop()
        _kept.append(_Paired(base, clock.now()))
    return _kept[0]


class Spoiler:
    """Stands before a node's client: keeps what was asked; what goes wrong on the wire is in its attributes.

    `lose` is how many answers get lost after the work was done, `deaf` loses messages on their way there, `away` cuts
    the wire, `frozen` is a keyset document that is shown instead of the newest.
    """

    def __init__(self, party: Party) -> None:
        client = party.running.client
        self.asked: list[tuple[str, Any]] = []
        self.lose = 0
        self.away = False
        self.deaf = False
        self.frozen: bytes | None = None
        for name in ("post_messages", "post_void", "post_receipts"):
            setattr(client, name, self._through(name, getattr(client, name)))
        for name in (
            "connect",
            "get_keyset",
            "get_descriptor",
            "push_keyset",
            "push_descriptor",
            "post_trust",
            "post_checkpoint",
            "get_checkpoint",
        ):
            setattr(client, name, self._if_there(getattr(client, name)))

    def _through(self, name: str, ask: Callable[..., Awaitable[Answered]]) -> Callable[..., Awaitable[Answered]]:
        async def asked(peer: object, body: Any) -> Answered:
            self._there()
            self.asked.append((name, body))
            if self.deaf and name == "post_messages":
                raise TransientError(Code.UNREACHABLE, "the request was lost on the wire")
            answer = await ask(peer, body)
            if self.lose:
                self.lose -= 1
                raise TransientError(Code.UNREACHABLE, "the answer was lost on the wire")
            return answer

        return asked

    def _if_there(self, ask: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def asked(*arguments: Any) -> Any:
            self._there()
            if self.frozen is not None and ask.__name__ == "get_keyset":
                return self.frozen
            return await ask(*arguments)

        return asked

    def _there(self) -> None:
        if self.away:
            raise TransientError(Code.UNREACHABLE, "the wire is cut")

    def envelopes(self) -> list[Sequence[bytes]]:
        """The envelopes of each request of messages."""
        return [body for name, body in self.asked if name == "post_messages"]


def in_two_steps(party: Party) -> None:
    """Its answers wait for no hand-over, as where the case system is slow: `delivered` goes by a request of its own."""
    party.running.answering.attended = False


def example(body_type: str, to: str, **header: Any) -> dict[str, Any]:
    """The smallest example of a type as a request to `to`, about the case of France that examples have."""
    folder = ROOT / "schemas" / "examples" / body_type.replace("/", ".")
    unusual = (
        "valid-risks-told.json",
        "valid-vital-interest.json",
        "valid-between-clinicians.json",
        "valid-adult-transfer-within-the-eu.json",
    )
    paths = [path for path in folder.glob("valid-*.json") if path.name not in unusual]
    paths.sort(key=lambda path: path.stat().st_size)
    found = json.loads(paths[0].read_text(encoding="utf-8"))
    ours = (
        {"case_ref_sender": NUMBER} if to != "FR" and schemas.load_catalogue().get(body_type).kind == "referral" else {}
    )
    head = ours | found["header"] | {"sender_unit": UNIT, "recipient_unit": UNIT} | header
    head.pop("seen", None)
    return {"type": body_type, "to": to, "header": head, "content": found["content"]}
