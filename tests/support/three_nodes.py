"""Three nodes in one process, without sockets and without waiting: real keys and databases, a clock for each, the wire
of `support.inwire`, a case system in memory, and `Promises` that hear all that leaves.

Nothing runs by itself: a test carries what waits from one to another, hands over, runs chores, moves clocks, ends a
node at a moment of any of these and opens it again. `support.three_paired` makes them.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.inwire import Act, KilledError, Moments, Switchboard
from support.one_thread import cut_off
from support.pair import Party
from support.patience import PATIENCE
from support.promises import Promises
from support.reopened import known_folders
from support.three_files import Reader, State, state_of
from support.three_wire import Overheard

from gateway.composition.node import Node
from gateway.composition.senders import make_sender
from gateway.composition.serving import make_intake
from gateway.delivery.outbound.sender import Sender
from gateway.errors import GatewayError
from keys.primitives.seal import EncPrivateKey

NAMES = ("FR", "AL", "IT")
"""Each node is called as its country."""
WAYS = tuple((a, b) for a in NAMES for b in NAMES if a != b)
ANA, BEN = "Ana B.", "Ben C."
ONCE = ("message.submit", "draft.release")
"""What a key does once, also when it is asked again after its node ended."""
APART = frozenset(
    {"split view", "push", "pull", "expiry warnings", "overwork", "compromise review", "database checkpoint"}
)
"""Chores about keys and documents of peers: a sender asks for what it needs of these by itself. And one that moves what
was committed from one file of the database to another.
"""
FILE_SECONDS = 1
"""Seconds for which a file is waited for: after a break its sender waits by a clock that nobody moves."""


class _RestedError(Exception):
    """A sender has nothing to do now."""


@dataclass
class Trio:
    """The three, and what was promised."""

    base: Path
    recovery: EncPrivateKey
    """The offline key of their backups."""
    parties: dict[str, Party] = field(default_factory=dict)
    board: Switchboard = field(default_factory=Switchboard)
    promises: Promises = field(default_factory=Promises)
    senders: dict[tuple[str, str], Sender] = field(default_factory=dict)
    keys: itertools.count[int] = field(default_factory=itertools.count)
    wrong: dict[str, int] = field(default_factory=dict)
    """By how many seconds the clock of a node was set wrong."""
    misled: set[str] = field(default_factory=set)
    """Nodes of which the clock was wrong once."""
    reader: Reader = field(default_factory=Reader)
    shut: dict[str, State] = field(default_factory=dict)
    """In which state a node was seen to open nothing of what it has told to be erased."""

    def __post_init__(self) -> None:
        self.heard = Overheard(self.node, self.board, self.promises)

    @property
    def moments(self) -> Moments:
        """The moments of the step that is under way."""
        return self.board.moments

    def node(self, name: str) -> Node:
        """One of them."""
        return self.parties[name].running

    def ledger(self, name: str) -> Path:
        """The ledger of a node, which does not lie on its disk."""
        return self.base / f"{name}.ledger"

    # --- lives ----------------------------------------------------------------------------------------------------

    async def open(self, name: str) -> None:
        """Begin a life: the folder is opened and made ready as `serve` does it."""
        party = self.parties[name]
        with known_folders():
            await party.open()
        node = party.running
        self.board.join(name, node)
        self.heard.wiretap.follow(node.keys)
        await node.log.start()
        await node.epochs.finish_rotation()
        await node.upkeep.keys()

    async def witness(self, name: str) -> None:
        """Have the log of a node witnessed that was restarted: before that it sends nothing."""
        if self.node(name).log.halted is not None:
            with suppress(GatewayError):
                await self.node(name).checkpointer.look()

    async def end(self, name: str) -> None:
        """End a life; what was committed is there."""
        self.board.leave(name)
        await self.parties[name].stop()
        self.senders = {way: sender for way, sender in self.senders.items() if name not in way}

    async def close(self) -> None:
        """The end of all."""
        for name in self.parties:
            await self.end(name)

    async def step(
        self, work: Awaitable[Any], act: Act | None = None, moment: int = 0, *, writes: bool = False
    ) -> None:
        """Do something, while `act` happens at one of its moments, or before one of its writes. Nodes that end are
        opened again.
        """
        self.moments.set(moment, act, writes=writes)
        try:
            with suppress(KilledError):
                async with asyncio.timeout(PATIENCE):
                    await work
        finally:
            self.moments.act = None
        await self._open_again()

    async def _open_again(self) -> None:
        while self.moments.dead:
            name = self.moments.dead.pop()
            cut_off(self.node(name))
            await self.end(name)
            await self.open(name)
            await self.witness(name)
            with suppress(GatewayError):  # `serve` begins with all chores; this one goes on with what was cut off
                await self.node(name).erasure.erase()

    async def kill(self, name: str) -> None:
        """A node ends, at once."""
        self.board.leave(name)
        self.moments.dead.add(name)

    # --- what nodes do by themselves ------------------------------------------------------------------------------

    async def carry(self, sender: str, receiver: str) -> None:
        """The sender's work for one peer until it rests: messages, voids, receipts."""
        way = (sender, receiver)
        if way not in self.senders:
            made = make_sender(self.node(sender), self.node(receiver).own.node)
            rounds = itertools.count()

            async def rest(delay: float | None) -> None:
                if made._carrying is not None:  # a message with files goes beside the others
                    await asyncio.wait({made._carrying}, timeout=FILE_SECONDS)
                    delay = 0.0
                if delay != 0.0 or next(rounds) % 8 == 7:
                    raise _RestedError

            made._wait = rest  # type: ignore[method-assign]
            self.senders[way] = made
        with suppress(_RestedError):
            await self.senders[way].run()

    async def hand_over(self, name: str) -> None:
        """What came goes to the case system."""
        with suppress(GatewayError):
            while await self.node(name).handover.once():
                pass

    async def collect(self, name: str) -> None:
        """What the case system offers becomes drafts."""
        node = self.node(name)
        assert node.adapter is not None
        intake = make_intake(node, node.adapter, 1)
        while await intake.once():
            pass

    async def do_chores(self, name: str) -> None:
        """What a node does again and again and can matter to a person, once."""
        node = self.node(name)
        await self.witness(name)
        with suppress(GatewayError):
            await node.record_exchange.bring()
        for chore in node.chores():
            if chore.name not in APART:
                with suppress(GatewayError):
                    await chore.run()

    def pass_time(self, seconds: int) -> None:
        """Every clock runs on."""
        for party in self.parties.values():
            party.clock.advance(seconds)

    def set_clock(self, name: str, seconds: int) -> None:
        """A wrong time service sets the clock of one of them by so much."""
        self.parties[name].clock.jump(seconds)
        self.misled.add(name)
        self.wrong[name] = self.wrong.get(name, 0) + seconds

    def right_time(self, name: str) -> int:
        """What the clock of one of them would show if it was right."""
        return self.parties[name].clock.now() - self.wrong.get(name, 0)

    def set_clock_right(self, name: str) -> None:
        """The clock of one of them shows the time again."""
        self.parties[name].clock.jump(-self.wrong.pop(name, 0))

    def set_clocks_right(self) -> None:
        """Every clock shows the time again."""
        for name in NAMES:
            self.set_clock_right(name)

    # --- what people ask ------------------------------------------------------------------------------------------

    async def call(self, name: str, operation: str, **arguments: Any) -> Any:
        """One operation of the desk; the same again after its node ended meanwhile, as people do it."""
        key = f"key-{next(self.keys)}" if operation in ONCE else None
        return await self.repeat(lambda: self.parties[name].call(operation, key, **arguments))

    async def repeat(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Something that is done again after its node ended meanwhile."""
        while True:
            try:
                return await work()
            except KilledError:
                await self._open_again()

    # --- what is seen ---------------------------------------------------------------------------------------------

    async def readable(self, name: str) -> str:
        """Everything that a node can still open."""
        return await self.reader.read(self.node(name), self.promises.letters)

    def state(self, name: str) -> State:
        """All on which it hangs what a node opens of that which was recorded."""
        return (*state_of(self.node(name)), len(self.heard.sealings))

    def shown(self, name: str) -> str:
        """Everything that the case system of a node shows."""
        system = self.parties[name].system
        return repr([*system.items.values(), *system.offered.values()])

    async def rows(self, name: str, query: str) -> list[tuple[Any, ...]]:
        """What a database says."""
        return await self.parties[name].rows(query)
