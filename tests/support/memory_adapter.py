"""An adapter whose local system is a few dictionaries, for tests that need one and no disk.

`MemorySystem` is what survives a restart; `MemoryAdapter(system)` is the adapter over it. Set `system.busy` to a number
to make that many calls fail as a system that is away does, `system.refuses` to make it refuse every hand-over,
`system.erases` to what it can say of erasing, `system.names` to make it give what it takes a name of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.ports import Delivery, Description, Erasure, LocalRecord, Notice


@dataclass(slots=True)
class MemorySystem:
    """A local system: what it offers, what it was told, what it was given."""

    offered: dict[str, LocalRecord] = field(default_factory=dict)
    settled: dict[str, Notice] = field(default_factory=dict)
    items: dict[str, Delivery | Notice] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    pushes: list[str] = field(default_factory=list)
    busy: int = 0
    refuses: bool = False
    erases: Erasure = Erasure.ERASED
    names: bool = False

    def name_of(self, key: str) -> str:
        """What the local system calls an item."""
        return f"case-{key}" if self.names else key

    def key_of(self, local_id: str) -> str:
        """The item with this name."""
        return local_id.removeprefix("case-") if self.names else local_id

    def offer(self, record: LocalRecord) -> None:
        """Make a record that the next pull returns."""
        self.offered[record.ref] = record

    def deliveries(self) -> list[Delivery]:
        """The received messages that were not erased, in the order in which they came."""
        return [item for item in self.items.values() if isinstance(item, Delivery)]

    def notices(self) -> list[Notice]:
        """Every notice, those of settling included."""
        pushed = [item for item in self.items.values() if isinstance(item, Notice)]
        return [*self.settled.values(), *pushed]


class MemoryAdapter:
    """The adapter over a `MemorySystem`."""

    def __init__(self, system: MemorySystem) -> None:
        self._system = system

    def describe(self) -> Description:
        """What it is."""
        return Description(
            kind="memory", version="1", target="memory", can_pull=True, can_push=True, erasure=self._system.erases
        )

    async def check(self) -> Sequence[Finding]:
        """Nothing can be wrong here, except that it is away."""
        return [Finding(place="", rule="busy")] if self._system.busy else []

    async def pull(self) -> Sequence[LocalRecord]:
        """What was offered and not settled."""
        self._fail()
        return [record for ref, record in self._system.offered.items() if ref not in self._system.settled]

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """Note how it ended."""
        self._fail()
        if record.ref not in self._system.offered:
            raise RefusedError(Code.NOT_FOUND, "no such record")
        self._system.settled[record.ref] = notice

    async def push(self, item: Delivery | Notice) -> str:
        """Take it in, once for each key."""
        self._system.pushes.append(item.key)
        self._fail()
        if self._system.refuses:
            raise RefusedError(Code.ADAPTER_REFUSED, "the local system does not want it")
        if item.key not in self._system.erased:
            self._system.items.setdefault(item.key, item)
        return self._system.name_of(item.key)

    async def status(self, local_id: str) -> str:
        """`stored` or `erased`."""
        key = self._system.key_of(local_id)
        if key in self._system.erased:
            return "erased"
        if key in self._system.items:
            return "stored"
        raise RefusedError(Code.NOT_FOUND, "nothing with this local id was handed over here")

    async def erase(self, local_id: str) -> Erasure:
        """Take it away."""
        self._fail()
        await self.status(local_id)
        if self._system.erases is Erasure.ERASED:
            self._system.items.pop(self._system.key_of(local_id), None)
            self._system.erased.add(self._system.key_of(local_id))
        return self._system.erases

    async def erase_record(self, ref: str) -> Erasure:
        """Take a record away that was given."""
        self._fail()
        if ref not in self._system.offered:
            raise RefusedError(Code.NOT_FOUND, "no such record")
        if self._system.erases is Erasure.ERASED:
            del self._system.offered[ref]
            self._system.settled.pop(ref, None)
            for key in [
                key for key, item in self._system.items.items() if isinstance(item, Notice) and item.ref == ref
            ]:
                del self._system.items[key]
        return self._system.erases

    def _fail(self) -> None:
        if self._system.busy:
            self._system.busy -= 1
            raise TransientError(Code.ADAPTER_BUSY, "the local system is away")
