"""Examining a whole audit log: its leaves, tiles, checkpoints and cosignatures, against each other (nrm1 11.1).

1. each leaf is there, is canonical JSON and says its own number;
2. each checkpoint is signed by a key of the log, and its root is that of the leaves before it;
3. each tile is what the leaves give;
4. each cosignature is by a key of its witness, over a checkpoint that is there;
5. the checkpoint kept beside the database is one of those in it, and its cosignatures verify.

Findings come in this order of proof: the first is the first bad entry. A leaf that does not fit a signed root is named
by the tile that recorded its hash; where that was changed too, the checkpoints before and after it are the bounds.
A leaf behind the newest checkpoint is not signed yet: only its form is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.errors import Finding, RemoteError
from gateway.foundation.ids import NodeId
from keys.documents.log_signatures import cosigned_at, cosigned_by, open_checkpoint, verify_cosignatures
from keys.documents.signed_note import Checkpoint, SignedNote, read_signatures
from keys.primitives.encoding import parse
from keys.primitives.hybrid_keys import PublicKey
from keys.primitives.merkle_tree import HASH, TILE, Frontier, leaf_hash, root_of

LEAF_LIMIT = 16_384
MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Whose log it is and who witnesses it: keys out of verified descriptor chains, retired ones among them. What a
    witness signed by a `revoked` key verifies and counts for nothing: whoever stole it can date it as they like.
    """

    node: NodeId
    origin: str
    log_keys: tuple[PublicKey, ...]
    witnesses: Mapping[NodeId, tuple[PublicKey, ...]]
    quorum: int
    revoked: frozenset[PublicKey] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What is stored about a log beside its leaves. Lists are in order of size."""

    checkpoints: Sequence[tuple[int, bytes]]
    cosignatures: Sequence[tuple[int, NodeId, bytes]]
    tile: Callable[[int, int], bytes | None]
    kept: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogReport:
    """What was found; `findings` is empty for a log that holds. `witnessed` is the newest checkpoint with a quorum;
    where there is none, `partly` is that with most witnesses. `by` are the witnesses of either, with their times.
    """

    leaves: int
    checkpoints: int
    newest: int | None
    witnessed: int | None
    partly: int | None
    by: Mapping[NodeId, int]
    findings: tuple[Finding, ...]


@dataclass
class _Examination:
    parties: Parties
    stored: Stored
    heads: dict[int, Checkpoint] = field(default_factory=dict)
    signed: dict[int, bytes] = field(default_factory=dict)
    cosigned: dict[int, dict[NodeId, int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    count: int = 0

    def add(self, place: str, rule: str) -> None:
        self.findings.append(Finding(place=place, rule=rule))


def examine(parties: Parties, stored: Stored, leaves: Iterable[tuple[int, bytes]]) -> LogReport:
    """Judge a log. `leaves` come in order and are read once."""
    work = _Examination(parties=parties, stored=stored)
    late: list[Finding] = []
    _read_heads(work, late)
    _walk(work, leaves)
    work.findings += late
    _read_signatures(work)
    _read_kept(work)
    needed = max(1, parties.quorum)
    counted = [(min(len(who), needed), size) for size, who in work.cosigned.items() if size in work.heads]
    most, size = max(counted, default=(0, 0))
    return LogReport(
        leaves=work.count,
        checkpoints=len(stored.checkpoints),
        newest=max(work.heads, default=None),
        witnessed=size if most == needed else None,
        partly=size if 0 < most < needed else None,
        by=work.cosigned[size] if most else {},
        findings=tuple(work.findings[:MOST_FINDINGS]),
    )


def _read_heads(work: _Examination, late: list[Finding]) -> None:
    """Step 2, first half: the checkpoints by their signatures."""
    for size, note in work.stored.checkpoints:
        fault = _head(work, size, note)
        if fault is not None:
            late.append(Finding(place=f"checkpoint {size}", rule=fault))


def _head(work: _Examination, size: int, data: bytes) -> str | None:
    try:
        note = SignedNote.decode(data)
        if Checkpoint.parse(note.text).origin != work.parties.origin:
            return None  # of the log that this one replaced; the descriptor chain has both origins
        head = open_checkpoint(note, work.parties.origin, work.parties.log_keys)
    except RemoteError as error:
        return f"is not signed by a key of the log: {error.what}"
    if head.size != size:
        return "is of another size than its row"
    work.heads[size], work.signed[size] = head, note.text
    return None


# --- leaves and tiles --------------------------------------------------------------------------------------------


def _walk(work: _Examination, leaves: Iterable[tuple[int, bytes]]) -> None:
    """Steps 1, 2 and 3, in one pass over the leaves."""
    frontier, recorder = Frontier(), _Recorder(work.stored.tile)
    good, spoilt = 0, False
    for seq, leaf in leaves:
        if seq != frontier.size + 1:
            work.add(f"leaf {frontier.size + 1}", "is missing")
            break
        fault = _leaf_fault(seq, leaf)
        if fault is not None:
            work.add(f"leaf {seq}", fault)
        frontier.append(leaf_hash(leaf))
        recorder.take(frontier.size - 1, leaf_hash(leaf))
        head = work.heads.get(seq)
        if head is None or spoilt:
            continue
        if head.root == frontier.root():
            good = seq
            recorder.settle()
        else:
            spoilt = True
            if not work.findings:
                work.add(*_bad_root(seq, good, recorder.differing))
    work.count = frontier.size
    lost = next((size for size in sorted(work.heads) if size > work.count), None)
    if lost is not None and not work.findings:
        work.add(f"leaf {work.count + 1}", f"is missing: checkpoint {lost} was signed over it")
    if not work.findings:
        work.findings += [Finding(place=f"leaf {n}", rule="is not what its tile recorded") for n in recorder.differing]
        work.findings += recorder.faults(good)


def _leaf_fault(seq: int, leaf: bytes) -> str | None:
    try:
        value = parse(leaf, limit=LEAF_LIMIT)
    except RemoteError as error:
        return f"is no leaf: {error.what}"
    if not isinstance(value, dict) or not isinstance(value.get("ev"), str):
        return "is no leaf: no event"
    return None if value.get("seq") == seq else "says that it is another number"


def _bad_root(size: int, good: int, differing: Sequence[int]) -> tuple[str, str]:
    named = next((number for number in differing if number <= size), None)
    if named is not None:
        return f"leaf {named}", f"is not the one over which checkpoint {size} was signed"
    bounds = f"one of the leaves {good + 1} to {size}, or the checkpoint, was changed"
    return f"checkpoint {size}", f"is not over these leaves: {bounds}"


class _Recorder:
    """Compares the stored tiles with the leaves. A difference is the leaf's until a signed root proves the leaves."""

    def __init__(self, tile: Callable[[int, int], bytes | None]) -> None:
        self._tile = tile
        self._stored: dict[int, bytes] = {}
        self._made: dict[int, list[bytes]] = {}
        self._wrong: dict[tuple[int, int], None] = {}
        self._missing: list[tuple[int, int, int]] = []
        self.differing: list[int] = []

    def take(self, index: int, hash: bytes, level: int = 0) -> None:
        """One more hash of a level; a full tile gives one to the level above."""
        tile, place = divmod(index, TILE)
        if place == 0:
            self._stored[level], self._made[level] = self._tile(level, tile) or b"", []
        stored, made = self._stored[level], self._made[level]
        recorded = stored[place * HASH : (place + 1) * HASH]
        if recorded and recorded != hash and level == 0:
            self.differing.append(index + 1)
        elif recorded and recorded != hash:
            self._wrong[level, tile] = None
        made.append(hash)
        if len(made) == TILE:
            if len(stored) != TILE * HASH:
                self._missing.append((level, tile, (tile + 1) * TILE ** (level + 1)))
            self.take(tile, root_of(made), level + 1)

    def settle(self) -> None:
        """A signed root proves the leaves so far: what differs is the fault of the tile."""
        self._wrong |= {(0, (number - 1) // TILE): None for number in self.differing}
        self.differing = []

    def faults(self, signed: int) -> Iterator[Finding]:
        """Tiles that are not what the leaves give, and full ones that are not there though a checkpoint covers them."""
        for level, tile in self._wrong:
            yield Finding(place=f"tile {level}/{tile}", rule="is not what the leaves give")
        for level, tile, end in self._missing:
            if end <= signed:
                yield Finding(place=f"tile {level}/{tile}", rule="is missing or cut short")


# --- witnesses and the kept checkpoint ---------------------------------------------------------------------------


def _read_signatures(work: _Examination) -> None:
    """Step 6."""
    rows = {size for size, _ in work.stored.checkpoints}
    for size, peer, line in work.stored.cosignatures:
        place = f"cosignature of {peer} on {size}"
        if size not in rows:
            work.add(f"checkpoint {size}", "is missing: a cosignature of it is there")
        elif size in work.signed:
            try:
                lines = read_signatures(line)
                if {signature.name for signature in lines} != {peer}:
                    work.add(place, "is in another witness' name")
                    continue
                keys = work.parties.witnesses.get(peer, ())
                at = cosigned_at(work.signed[size], lines, keys)
            except RemoteError as error:
                work.add(place, f"does not verify: {error.what}")
            else:
                if cosigned_by(lines, set(keys) - work.parties.revoked):
                    work.cosigned.setdefault(size, {})[peer] = at


def _read_kept(work: _Examination) -> None:
    """Step 5."""
    if work.stored.kept is None:
        if work.heads:
            work.add("kept checkpoint", "is missing: the file beside the database")
        return
    try:
        note = SignedNote.decode(work.stored.kept)
        if Checkpoint.parse(note.text).origin != work.parties.origin:
            return
        head = open_checkpoint(note, work.parties.origin, work.parties.log_keys)
        verify_cosignatures(note, work.parties.witnesses)
    except RemoteError as error:
        work.add("kept checkpoint", f"does not verify: {error.what}")
        return
    known = work.heads.get(head.size)
    if head.size > work.count:
        work.add(f"leaf {work.count + 1}", f"is missing: the kept checkpoint was signed over {head.size} leaves")
    elif known is None:
        work.add(f"checkpoint {head.size}", "is missing: the kept one is of this size")
    elif known.root != head.root:
        work.add(f"checkpoint {head.size}", "is another one than the kept one")
