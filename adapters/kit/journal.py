"""The memory of an adapter whose case system cannot remember: a file of JSON lines, whole after a kill.

A line counts when its newline is on disk; what a kill leaves after the last newline was never acknowledged and is cut
off. Lines hold keys, ids and states, and nothing of what a message or a record says.

    {"op": "settled", "ref", "kind", "version"}   how the reading of a record ended
    {"op": "handed", "key", "id"}                 the local id of an item, once for each key
    {"op": "erased", "id", "answer"}              the answer to erasing it
    {"op": "fact", "name", "value"}               anything else that has a name; the last one counts
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from threading import Lock
from typing import ParamSpec, TypeVar

from adapters.kit.files import PRIVATE, Folder, NotPlainError, TooLargeError, world
from adapters.kit.strict_json import LIMIT, read_json, write_line
from adapters.kit.threads import in_thread
from gateway.errors import Code, RefusedError
from gateway.ports import Erasure, Json, Notice, NoticeKind
from gateway.strict_json import DEPTH

P = ParamSpec("P")
T = TypeVar("T")
_LIMIT = 256 << 20


def replay_lines(
    path: Path,
    apply: Callable[[Json], None],
    what: str,
    *,
    limit: int,
    line_limit: int = LIMIT,
    depth: int = DEPTH,
    mode: int = PRIVATE,
) -> None:
    """Apply every whole line of a journal; cut off what a kill left after the last one. No file is an empty one.

    `apply` raises ValueError for what is no line of it. Raises OSError, and RefusedError for a line that is damaged,
    which names the journal as `what`.
    """
    with Folder(path.parent) as folder:
        data = folder.read(path.name, limit) if folder.has(path.name) else b""
        whole, _, torn = data.rpartition(b"\n")
        if torn:
            folder.write(path.name, whole + b"\n" if whole else b"", mode)
    for number, line in enumerate(whole.split(b"\n") if whole else (), start=1):
        value, faults = read_json(line, limit=line_limit, depth=depth)
        try:
            apply(None if faults else value)
        except ValueError as exc:
            damaged = f"line {number} of {what} is damaged"
            raise RefusedError(Code.ADAPTER_REFUSED, damaged, hint="restore the file from a backup") from exc


class Journal:
    """The file and what it says. Blocking, and not to be used by two threads at once; read at the first use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = False
        self.settled: dict[str, tuple[str, str]] = {}
        self.handed: dict[str, str] = {}
        self.erased: dict[str, Erasure] = {}
        self.facts: dict[str, Json] = {}

    def load(self) -> None:
        """Read the file, once. Raises OSError, and RefusedError for a line that is damaged."""
        if not self._read:
            replay_lines(self._path, self._apply, "the adapter's journal", limit=_LIMIT)
            self._read = True

    def settle(self, ref: str, notice: Notice, version: str = "") -> None:
        """Record the outcome of reading a record."""
        if self.settled.get(ref) != (str(notice.kind), version):
            self._add({"op": "settled", "ref": ref, "kind": str(notice.kind), "version": version})

    def is_due(self, ref: str, version: str) -> bool:
        """Whether a record has to be pulled: it was never settled, or was refused at another version."""
        kind, then = self.settled.get(ref, (str(NoticeKind.REFUSED), None))
        return kind != NoticeKind.DRAFTED and then != version

    def hand(self, key: str, local_id: str) -> None:
        """Record that the item with this key is in the case system, and its id there."""
        self._add({"op": "handed", "key": key, "id": local_id})

    def erase(self, local_id: str, answer: Erasure) -> None:
        """Record the answer to erasing this item."""
        self._add({"op": "erased", "id": local_id, "answer": str(answer)})

    def note(self, name: str, value: Json) -> None:
        """Record a fact."""
        if self.facts.get(name) != value:
            self._add({"op": "fact", "name": name, "value": value})

    def forget(self, *, refs: Collection[str] = (), facts: Collection[str] = (), keys: Collection[str] = ()) -> None:
        """Take out what names an erased record: how the reading of these ended, these facts, the items of these keys.

        The file is written anew as a whole: no line of it, not even one that a later line replaced, is left.
        """
        self.load()
        for ref in refs:
            self.settled.pop(ref, None)
        for name in facts:
            self.facts.pop(name, None)
        for key in keys:
            self.erased.pop(self.handed.pop(key, ""), None)
        with Folder(self._path.parent) as folder:
            folder.write(self._path.name, b"".join(map(write_line, self._lines())), PRIVATE)

    def knows(self, local_id: str) -> bool:
        """Whether something was handed over under this id."""
        return local_id in self.handed.values()

    def find(self, name: str) -> str:
        """The local id of an item by this id, or by its key. Raises as `require`."""
        self.load()
        local_id = self.handed.get(name, name)
        self.require(local_id)
        return local_id

    def require(self, local_id: str) -> None:
        """Check that a local id was given. Raises RefusedError(not_found) otherwise, and what `load` raises."""
        self.load()
        if not self.knows(local_id):
            raise RefusedError(Code.NOT_FOUND, "nothing with this local id was handed over here")

    def _add(self, line: Json) -> None:
        self.load()
        with Folder(self._path.parent) as folder:
            folder.append(self._path.name, write_line(line), PRIVATE)
        self._apply(line)

    def _lines(self) -> list[Json]:
        """Return the shortest journal that says what is known."""
        lines: list[Json] = []
        lines += [{"op": "settled", "ref": ref, "kind": kind, "version": v} for ref, (kind, v) in self.settled.items()]
        lines += [{"op": "handed", "key": key, "id": local_id} for key, local_id in self.handed.items()]
        lines += [{"op": "erased", "id": local_id, "answer": str(answer)} for local_id, answer in self.erased.items()]
        lines += [{"op": "fact", "name": name, "value": value} for name, value in self.facts.items()]
        return lines

    def _apply(self, line: Json) -> None:
        match line:
            case {"op": "settled", "ref": str(ref), "kind": str(kind), "version": str(version)}:
                self.settled[ref] = (kind, version)
            case {"op": "handed", "key": str(key), "id": str(local_id)}:
                self.handed[key] = local_id
            case {"op": "erased", "id": str(local_id), "answer": str(answer)}:
                self.erased[local_id] = Erasure(answer)
            case {"op": "fact", "name": str(name), "value": value}:
                self.facts[name] = value
            case _:
                raise ValueError("not a line of a journal")


async def kept(lock: Lock, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Work on a journal in a thread, one piece at a time.

    Raises TransientError where the file cannot be used now, and RefusedError where it was replaced or is damaged.
    """
    with world("the adapter's journal"):
        try:
            return await in_thread(lock, work, *args, **kwargs)
        except (NotPlainError, TooLargeError) as exc:
            raise RefusedError(Code.ADAPTER_REFUSED, "the adapter's journal was replaced") from exc
